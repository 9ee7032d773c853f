"""How long a daemon that was killed takes to work again: from its start to its first write.

The shop and the daemon are real processes, the site is in memory and served over HTTP. RESTARTS=20
makes the long version. The time is printed and fails nothing; that the work goes on does.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from adapters.sandbox.run import running_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.model import SiteName
from connector.signing import format_secret
from connector.testing.site import MemorySite
from tests.faults.rig import SECRET, HttpSite
from tests.live.pair import site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

RESTARTS = int(os.environ.get("RESTARTS", "3"))
PRODUCTS = 200 + 200 * RESTARTS
"""More than what is imported before each kill, so that there is always work left."""


def test_a_killed_daemon_works_again_in_seconds(tmp_path: Path) -> None:
    site = HttpSite(SiteName("blog"), SystemClock(), MemorySite("blog"), deadline_seconds=5)
    with running_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        settings = {
            "backends": {"shop": backend},
            "sites": {"blog": site_settings(site.proxy.url)},
            "work": {"batch_products": 10},
        }
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": format_secret(SECRET.key)}
        installed = Installed(tmp_path / "home", settings, secrets)
        try:
            installed.start()
            seconds = [_killed_and_started(installed, site) for _ in range(RESTARTS)]
            until(lambda: len(site.live()) == PRODUCTS, "all is imported", 600)
        finally:
            installed.stop()
            site.stop()
    told = ", ".join(f"{each:.1f}" for each in sorted(seconds))
    print(f"from the start of a killed daemon to its first write: {told} s (goal: 10)")


def _killed_and_started(installed: Installed, site: HttpSite) -> float:
    written = len(site.live())
    until(lambda: len(site.live()) > written, "it writes")
    installed.kill()
    left = len(site.live())
    assert left < PRODUCTS
    began = time.monotonic()
    installed.start(wait=False)
    until(lambda: len(site.live()) > left, "it writes again")
    return time.monotonic() - began
