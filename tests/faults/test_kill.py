"""SIGKILL at random moments: at the end the site equals the backend, nothing twice, nothing lost.

A real shop, a real WordPress, a real daemon in a process of its own, killed without warning while
it imports and while prices, stock and words change under it. KILLS=200 makes the long version.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.live.pair import pair_with, site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("KILLS", "20"))
PRODUCTS = 300
READ_BACK = """
global $wpdb;
$query = ['post_type' => 'commerce_product', 'numberposts' => -1, 'post_status' => 'any'];
$by = [];
foreach (get_posts($query) as $p) { $by[] = [$p->post_name, $p->post_title, $p->post_status]; }
$table = $wpdb->prefix . 'commerce_connector_offers';
$rows = "SELECT variant, amount FROM $table WHERE min_quantity = 1";
echo json_encode(['posts' => $by, 'offers' => $wpdb->get_results($rows, ARRAY_N)]);
"""


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


def change_something(shop: RunningShop, dice: random.Random) -> None:
    """What a merchant does meanwhile: a price, a stock level, new words, a deletion."""
    identity = f"p{dice.randrange(1, PRODUCTS + 1):07d}"
    with shop.admin() as admin:
        found = admin.get("/v1/products", params={"ids": identity}).json()["products"]
        if not found:
            return
        product, kind = found[0], dice.randrange(10)
        variant = product["variants"][0]["id"]
        if kind < 4:
            shop.set_price(variant, f"{dice.randrange(1, 500)}.{dice.randrange(100):02d}")
        elif kind < 7:
            shop.set_stock(variant, dice.randrange(100))
        elif kind < 9:
            product["texts"]["en-US"]["title"] = f"Renamed {dice.randrange(10**6)}"
            admin.put(f"/admin/products/{identity}", json=product).raise_for_status()
        elif identity.endswith("7"):
            admin.delete(f"/admin/products/{identity}").raise_for_status()


def sold(shop: RunningShop) -> dict[str, dict[str, Any]]:
    """Every product that the shop has, by its handle."""
    found: dict[str, dict[str, Any]] = {}
    with shop.admin() as admin:
        after = ""
        while True:
            page = admin.get("/v1/products", params={"after": after, "limit": 500}).json()
            if not page["products"]:
                return found
            found |= {each["handle"]: each for each in page["products"]}
            after = page["products"][-1]["id"]


def test_killed_at_random_moments_it_ends_equal(
    shop: RunningShop, installed: Installed, wordpress_on_sqlite: WordPress
) -> None:
    dice, handles = random.Random(20261124), set(sold(shop))
    for _ in range(KILLS):
        installed.start(wait=False)
        time.sleep(0.9 + dice.random() * 1.6)
        for _ in range(5):
            change_something(shop, dice)
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
    held = json.loads(wordpress_on_sqlite.php(READ_BACK))
    expected = sold(shop)
    live = [(name, title) for name, title, status in held["posts"] if status == "publish"]
    assert sorted(live) == sorted((h, p["texts"]["en-US"]["title"]) for h, p in expected.items())
    names = [name for name, _, _ in held["posts"]]
    assert len(names) == len(set(names)) and set(names) <= handles, "a post twice"
    prices = {
        variant["id"]: min(
            round(float(row["amount"]) * 100)
            for row in variant["prices"]
            if row["currency"] == "EUR" and row.get("min_quantity", 1) == 1
        )
        for product in expected.values()
        for variant in product["variants"]
    }
    assert len(held["offers"]) == len(prices)
    assert {variant: int(amount) for variant, amount in held["offers"]} == prices
    assert installed.ask("parked", "list") == []
    (found,) = installed.ask("reconcile")
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)
