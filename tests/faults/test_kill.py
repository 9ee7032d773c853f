"""SIGKILL at random moments: at the end the site equals the backend, nothing twice, nothing lost.

A real shop, a real WordPress, a real daemon in a process of its own, killed without warning while
it imports and while prices, stock and words change under it. KILLS=200 makes the long version.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.faults.shown import assert_shown, change_something, sold
from tests.live.pair import pair_with, site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("KILLS", "20"))
PRODUCTS = 300


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    running = start_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS, seed=7)
    yield running
    running.stop()


@pytest.fixture
def installed(
    tmp_path: Path, shop: RunningShop, wordpress_on_sqlite: WordPress
) -> Iterator[Installed]:
    backend = {
        "system": "sandbox",
        "url": shop.url,
        "credential": {"env": "SHOP_KEY"},
        "poll_seconds": 1.0,
    }
    site = site_settings(wordpress_on_sqlite.url, media="download")
    settings = {
        "backends": {"shop": backend},
        "sites": {"blog": site},
        "media": {"allow_private_hosts": ["127.0.0.1"]},
    }
    secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(wordpress_on_sqlite)}
    made = Installed(tmp_path / "home", settings, secrets)
    yield made
    made.stop()


def test_killed_at_random_moments_it_ends_equal(
    shop: RunningShop, installed: Installed, wordpress_on_sqlite: WordPress
) -> None:
    dice, handles = random.Random(20261124), frozenset(sold(shop))
    for _ in range(KILLS):
        installed.start(wait=False)
        time.sleep(0.9 + dice.random() * 1.6)
        for _ in range(5):
            change_something(shop, dice, PRODUCTS)
        time.sleep(dice.random() * 0.4)
        installed.kill()
    installed.start()
    until(
        lambda: (
            installed.ask("status")["looked"]["shop"].keys() >= {"import:blog", "poll"}
            and installed.waiting() == 0
        ),
        "all work done after the last start",
        300,
    )
    assert_shown(shop, wordpress_on_sqlite, handles)
    assert installed.ask("parked", "list") == []
    (found,) = installed.ask("reconcile")
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)
