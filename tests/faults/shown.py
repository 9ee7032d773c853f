"""What a real WordPress shows, held against the whole shop."""

from __future__ import annotations

import json
import random
from typing import Any

from adapters.sandbox.run import RunningShop
from connector.demo.wordpress import WordPress

READ_BACK = """
global $wpdb;
$query = ['post_type' => 'commerce_product', 'numberposts' => -1, 'post_status' => 'any'];
$by = [];
foreach (get_posts($query) as $p) { $by[] = [$p->post_name, $p->post_title, $p->post_status]; }
$table = $wpdb->prefix . 'commerce_connector_offers';
$rows = "SELECT variant, amount FROM $table WHERE min_quantity = 1";
echo json_encode(['posts' => $by, 'offers' => $wpdb->get_results($rows, ARRAY_N)]);
"""


def change_something(shop: RunningShop, dice: random.Random, products: int) -> None:
    """What a merchant does meanwhile: a price, a stock level, new words, a deletion."""
    identity = f"p{dice.randrange(1, products + 1):07d}"
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


def assert_shown(shop: RunningShop, site: WordPress, ever: frozenset[str]) -> None:
    """Titles, prices and what is on sale are the shop's; no post stands twice.

    `ever`: the handles of every product that the shop has ever had.
    """
    held = json.loads(site.php(READ_BACK))
    expected = sold(shop)
    live = [(name, title) for name, title, status in held["posts"] if status == "publish"]
    assert sorted(live) == sorted((h, p["texts"]["en-US"]["title"]) for h, p in expected.items())
    names = [name for name, _, _ in held["posts"]]
    assert len(names) == len(set(names)) and set(names) <= ever, "a post twice"
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
