"""The main job on the real pair: Medusa's products stand on WordPress pages and follow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress
from tests.conftest import MEDUSA_PLUGIN, WORDPRESS_PLUGIN
from tests.live.pair import MedusaPair, until

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def pair(
    cache: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MedusaPair]:
    site = WordPress.start(cache, plugin=WORDPRESS_PLUGIN)
    made = MedusaPair.lay_out(
        tmp_path_factory.mktemp("pair"),
        lambda settings: Medusa.start(cache, postgres, plugin=MEDUSA_PLUGIN, settings=settings),
        site,
    )
    made.import_all()
    yield made
    made.installed.stop()
    made.medusa.stop()
    site.stop()


def variant(pair: MedusaPair, sku: str) -> dict[str, Any]:
    with pair.medusa.admin() as admin:
        fields = "id,product_id,inventory_items.inventory_item_id"
        answer = admin.get("/admin/product-variants", params={"sku": sku, "fields": fields})
        found: dict[str, Any] = answer.json()["variants"][0]
    return found


def set_price(pair: MedusaPair, sku: str, euros: float) -> None:
    known = variant(pair, sku)
    prices = [
        {"currency_code": "eur", "amount": euros},
        {"currency_code": "usd", "amount": euros + 1},
    ]
    with pair.medusa.admin() as admin:
        path = f"/admin/products/{known['product_id']}/variants/{known['id']}"
        admin.post(path, json={"prices": prices}).raise_for_status()


def set_stock(pair: MedusaPair, sku: str, quantity: int) -> None:
    item = variant(pair, sku)["inventory_items"][0]["inventory_item_id"]
    location = pair.medusa.seeded.stock_location_id
    with pair.medusa.admin() as admin:
        path = f"/admin/inventory-items/{item}/location-levels/{location}"
        admin.post(path, json={"stocked_quantity": quantity}).raise_for_status()


def test_every_product_has_one_page_with_its_price(pair: MedusaPair) -> None:
    found = pair.site.php(
        "echo count(get_posts(['post_type' => 'commerce_product', 'numberposts' => -1]));"
    )
    assert found == "20"
    page = pair.page("P3-S")
    assert "Product 3" in page
    assert "€5.21" in page


def test_a_price_change_arrives_by_webhook_and_explain_tells_its_story(pair: MedusaPair) -> None:
    address = pair.address("P4-S")
    set_price(pair, "P4-S", 77.77)
    until(lambda: "€77.77" in httpx.get(address).text, "the new price on the page")
    story = pair.installed.command("explain", "P4-S").stdout
    assert "€77.77" in story
    assert "caused by webhook" in story
    assert "amount_text €5.28 -> €77.77" in story


def test_a_stock_change_arrives(pair: MedusaPair) -> None:
    address = pair.address("P5-S")
    set_stock(pair, "P5-S", 0)
    until(lambda: "OutOfStock" in httpx.get(address).text, "out of stock on the page")
    set_stock(pair, "P5-S", 7)
    until(lambda: "OutOfStock" not in httpx.get(address).text, "in stock again")


def test_new_words_arrive_and_an_editors_stay(pair: MedusaPair) -> None:
    address = pair.address("P6-S")
    product = variant(pair, "P6-S")["product_id"]
    with pair.medusa.admin() as admin:
        admin.post(f"/admin/products/{product}", json={"title": "New words"}).raise_for_status()
    until(lambda: "New words" in httpx.get(address).text, "the new title")
    (found,) = pair.installed.ask("explain", "P6-S")
    post = found["sites"][0]["cms_id"]
    pair.site.php("wp_update_post(['ID'=>$args[0],'post_title'=>'Editor words']);", int(post))
    with pair.medusa.admin() as admin:
        path = f"/admin/products/{product}"
        admin.post(path, json={"title": "Newer", "description": "Fresh text"}).raise_for_status()
    until(lambda: "Fresh text" in httpx.get(address).text, "the new description")
    assert "Editor words" in httpx.get(address).text


def test_a_scheduled_sale_starts_and_ends_without_a_signal(pair: MedusaPair) -> None:
    address = pair.address("P7-S")
    known, now = variant(pair, "P7-S"), datetime.now(UTC)
    sale = {
        "title": "Sale",
        "description": "a short one",
        "status": "active",
        "type": "sale",
        "starts_at": (now + timedelta(seconds=4)).isoformat(),
        "ends_at": (now + timedelta(seconds=8)).isoformat(),
        "prices": [{"currency_code": "eur", "amount": 1.5, "variant_id": known["id"]}],
    }
    with pair.medusa.admin() as admin:
        admin.post("/admin/price-lists", json=sale).raise_for_status()
    until(lambda: "€1.50" in httpx.get(address).text, "the sale's start")
    until(lambda: "€1.50" not in httpx.get(address).text, "the sale's end")


def test_a_deleted_product_leaves_the_shop_window(pair: MedusaPair) -> None:
    address = pair.address("P8-S")
    with pair.medusa.admin() as admin:
        admin.delete(f"/admin/products/{variant(pair, 'P8-S')['product_id']}").raise_for_status()
    until(lambda: httpx.get(address).status_code == 404, "the page to be unpublished")


def test_reconcile_finds_both_sides_equal_and_doctor_is_content(pair: MedusaPair) -> None:
    until(lambda: pair.installed.waiting() == 0, "all work done")
    (found,) = pair.installed.ask("reconcile")
    assert found["backend"] == found["equal"] == found["site"]
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)
    findings = pair.installed.ask("doctor")
    assert [each for each in findings if each["mark"] == "bad"] == []
    assert any("webhooks arrive" in each["says"] for each in findings)


def test_a_second_daemon_on_the_same_state_is_refused(pair: MedusaPair) -> None:
    second = pair.installed.command("run", check=False)
    assert second.returncode == 2
    assert "another process" in second.stderr
