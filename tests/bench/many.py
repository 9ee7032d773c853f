"""Many products on a site that costs nothing: the daemon alone is what is measured.

`python -m tests.bench.many` imports 50,000 products of a sandbox shop into a site in memory behind
the site API, kills the daemon half way, then syncs all of them again, changed or not, and proves
them. The shop, the site and the daemon are processes of their own on this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from adapters.sandbox.run import running_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import LOOPBACK, free_port, say
from connector.model import SubjectKind
from connector.serve import HttpServer
from connector.signing import Secret
from connector.testing.site import MemorySite
from connector.testing.site_server import site_app
from tests.bench.measure import Result, at_least, at_most, line, machine, seconds
from tests.bench.memory import seen_proved, watched
from tests.live.pair import new_secret, site_settings, until

WORKERS, BATCH = 2, 100
"""What a site has when nothing else is configured (config.example.yaml)."""
MOST_MEMORY, UNCHANGED = 400, 2000
ITEMS = 2
"""Of a product: its page, and its price and stock; each is due, decided and written for itself."""
PAGES = "write_content"
WRITES = ("write_offers", PAGES, "write_terms", "retire")
PATIENCE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Joined:
    """A shop with many products, a daemon, a site in memory."""

    site: MemorySite
    installed: Installed
    products: int

    def pages(self) -> int:
        return len(self.site.pages(SubjectKind.PRODUCT))

    def written(self, *methods: str) -> int:
        """How many items were ever written to the site."""
        return sum(self.site.counts[f"{method}.items"] for method in methods or WRITES)

    def start(self) -> psutil.Process:
        return psutil.Process(self.installed.start().process.pid)


def bench_many(home: Path, products: int) -> list[Result]:
    with joined(home, products) as now:
        return [*_killed_half_way(now), *_unchanged(now)]


@contextmanager
def joined(home: Path, products: int) -> Iterator[Joined]:
    """All of it laid out, the daemon not yet started."""
    secret = new_secret()
    site = MemorySite("blog", locales=("en-US",))
    server = HttpServer(site_app(site, [Secret.parse(secret)], SystemClock()), LOOPBACK, 0)
    server.start()
    with running_shop(home / "shop.db", free_port(), products=products) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        page = site_settings(f"http://{LOOPBACK}:{server.port}")
        settings = {"backends": {"shop": backend}, "sites": {"blog": page}}
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": secret}
        made = Joined(site, Installed(home / "home", settings, secrets), products)
        try:
            yield made
        finally:
            made.installed.stop()
            server.stop()


def _killed_half_way(now: Joined) -> list[Result]:
    """The first sync, by a daemon that is killed when half of the pages are there."""
    half = now.products // 2
    with watched(now.start()) as held:
        first = until(lambda: now.written(PAGES) >= half, "half of it", PATIENCE_SECONDS)
        now.installed.kill()
    left = now.products - now.pages()
    with watched(now.start()) as held_again:
        begun = now.written()
        until(lambda: now.written() > begun, "work goes on", PATIENCE_SECONDS)
        second = until(lambda: now.written(PAGES) >= now.products, "the rest", PATIENCE_SECONDS)
        until(partial(seen_proved, now.installed), "the proof of the import", PATIENCE_SECONDS)
    assert now.pages() == now.products, "pages are missing"
    twice = now.written(PAGES) - now.products
    in_hand = WORKERS * BATCH
    return [
        at_most(
            f"first sync of {now.products} products, killed half way: pages written twice",
            twice,
            in_hand,
            "",
            pages_a_second_before=round(half / first),
            and_after=round(left / second),
        ),
        at_most("memory of the daemon at it", max(held + held_again), MOST_MEMORY, "MB"),
    ]


def _unchanged(now: Joined) -> list[Result]:
    """All of them once more, by each of the two ways that look at all."""
    before, found = now.written(), []
    for name, words in (("sync", ("sync", "--all")), ("reconcile", ("reconcile",))):
        assert now.installed.daemon is not None
        with watched(psutil.Process(now.installed.daemon.process.pid)) as held:
            took = seconds(partial(now.installed.command, *words))
        found.append(
            at_least(
                f"{name} of {now.products} unchanged products",
                ITEMS * now.products / took,
                UNCHANGED,
                "items a second",
                products_a_second=round(now.products / took),
                memory_MB=round(max(held)),
            )
        )
    return [*found, at_most("items written by both", now.written() - before, 0, "")]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench.many", description=__doc__)
    options.add_argument("--products", type=int, default=50_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        for result in bench_many(Path(home), given.products):
            say(line(result))
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
