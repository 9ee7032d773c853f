"""A real WordPress behind a network that breaks at every fifth call, and changes all the while.

At the end its pages equal the shop, nothing stands twice, nothing is parked. BREAKS=500 makes the
long version.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters.sandbox.run import RunningShop, running_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from connector.testing.proxy import Cut, Fault, Hang, Instead, Proxy, Trickle
from tests.faults.shown import assert_shown, change_something, sold
from tests.live.pair import pair_with, site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(3600)]

BREAKS = int(os.environ.get("BREAKS", "20"))
PRODUCTS = 150
EVERY = 5
FAULTS: tuple[Fault, ...] = (
    Hang(asked_upstream=True),
    Cut(0),
    Cut(-3),
    Cut(-3, reset=False),
    Trickle(bytes_per_second=20, whole_bytes=-60),
    Instead(429, (("retry-after", "1"),)),
    Instead(500),
    Instead(502, (("content-type", "text/html"),), b"<html>bad gateway</html>"),
    Instead(503, (("retry-after", "1"),)),
    Instead(200, (("content-type", "text/html"),), b"<html>Coming soon</html>"),
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    with running_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS) as running:
        yield running


@pytest.fixture
def network(wordpress_on_sqlite: WordPress) -> Iterator[Proxy]:
    port = urlsplit(wordpress_on_sqlite.url).port
    assert port is not None
    proxy = Proxy(port, SystemClock()).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def installed(
    tmp_path: Path, shop: RunningShop, wordpress_on_sqlite: WordPress, network: Proxy
) -> Iterator[Installed]:
    backend = {
        "system": "sandbox",
        "url": shop.url,
        "credential": {"env": "SHOP_KEY"},
        "poll_seconds": 1.0,
    }
    site = site_settings(network.url, timeout_seconds=5.0)
    settings = {
        "backends": {"shop": backend},
        "sites": {"blog": site},
        "work": {"batch_products": 20},
    }
    secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(wordpress_on_sqlite)}
    made = Installed(tmp_path / "home", settings, secrets)
    yield made
    made.stop()


def test_whatever_the_network_does_it_ends_equal(
    shop: RunningShop, installed: Installed, wordpress_on_sqlite: WordPress, network: Proxy
) -> None:
    dice, handles = random.Random(20261124), frozenset(sold(shop))
    met: Counter[str] = Counter()

    def chosen(*_: str) -> Fault | None:
        if dice.randrange(EVERY):
            return None
        fault = dice.choice(FAULTS)
        met[str(fault)] += 1
        return fault

    network.choose(chosen)
    installed.start()
    while met.total() < BREAKS:
        change_something(shop, dice, PRODUCTS)
        time.sleep(0.1)
    network.choose(None)
    until(lambda: _is_done(installed), "all work done", 900)
    print(f"{met.total()} of {len(network.calls)} calls met a fault of {len(met)} kinds")
    assert_shown(shop, wordpress_on_sqlite, handles)
    assert installed.ask("parked", "list") == []
    (found,) = installed.ask("reconcile")
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)


def _is_done(installed: Installed) -> bool:
    looked = installed.ask("status")["looked"]["shop"]
    return looked.keys() >= {"import:blog", "poll"} and installed.waiting() == 0
