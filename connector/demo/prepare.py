"""Fetches and installs everything the tests need, ahead of them, so that no test waits for it.

`python -m connector.demo.prepare`; a second run only looks whether all is there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from connector.demo import debian, interpreter, mariadb, medusa, postgres, varnish, wordpress
from connector.demo.editions import BEFORE_OLDEST, OLDEST, USUAL
from connector.demo.machine import SetUpFailed, cache_dir, say

NOTABLE_SECONDS = 1.0
BROWSER_PACKAGES = ("chromium", "fonts-dejavu-core", "libatomic1")
"""What browser tests look through; the last one is what Playwright's own Node needs."""
DOCUMENT_PACKAGES = ("curl",)
"""What the commands in docs/ need that are run by a test."""
CHECK_PACKAGES = ("phpunit",)
"""What checks the Drupal module's classes."""
PACKAGES = (
    *interpreter.MACHINE_PACKAGES,
    *mariadb.PACKAGES,
    *varnish.PACKAGES,
    *BROWSER_PACKAGES,
    *DOCUMENT_PACKAGES,
    *CHECK_PACKAGES,
)

EDITIONS = {
    "WordPress": USUAL,
    "the oldest WordPress and PHP": OLDEST,
    "the WordPress before it": BEFORE_OLDEST,
}


def prepare(cache: Path) -> None:
    """Bring everything into the cache: Debian's side and npm's side by side."""
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as side_by_side:
        from_npm = side_by_side.submit(_timed, "Medusa", lambda: medusa.install(cache))
        _timed("Debian's packages", _packages)
        from_npm.result()
    for name, edition in EDITIONS.items():
        _timed(name, partial(wordpress.install, cache, edition))


def _packages() -> None:
    # One installation for all is much faster than one each.
    if postgres.is_installed():
        debian.ensure(*PACKAGES)
        return
    with debian.no_database_cluster():
        debian.ensure(*PACKAGES, *postgres.PACKAGES)


def _timed(name: str, step: Callable[[], object]) -> None:
    started = time.monotonic()
    step()
    seconds = time.monotonic() - started
    if seconds > NOTABLE_SECONDS:
        say(f"{name} is there after {seconds:.0f} s")


def main() -> int:
    try:
        prepare(cache_dir())
    except SetUpFailed as failure:
        say(failure.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
