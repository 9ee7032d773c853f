"""The sandbox's adapter keeps every promise of ports.Catalogue, against the shop over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.sandbox import BACKEND
from adapters.sandbox import catalogue as module
from adapters.sandbox.catalogue import SandboxCatalogue
from adapters.sandbox.run import RunningShop, start_shop
from connector.clock import SystemClock
from connector.demo.machine import free_port
from connector.errors import Rejected
from connector.model import BackendName, CategoryId, Lane, Locale, ProductId
from connector.ports import BackendSettings, Catalogue
from connector.signing import Secret, signed_headers
from connector.testing.conformance import CatalogueConformance

SECRET = Secret(b"s" * 32)


@dataclass(slots=True)
class SandboxBench:
    """A merchant at the shop, by its admin API."""

    shop: RunningShop
    settings: BackendSettings
    catalogue: Catalogue
    many: int = 7
    made: int = 0
    opened: list[Catalogue] = field(default_factory=list)

    def with_wrong_credentials(self) -> Catalogue:
        self.opened.append(
            SandboxCatalogue(replace(self.settings, credential="wrong"), SystemClock())
        )
        return self.opened[-1]

    def add(self, handle: str, sku: str, category: CategoryId | None = None) -> ProductId:
        self.made += 1
        identity = ProductId(f"x{self.made:05d}-{sku}")
        price = {"amount": "19.90", "currency": "EUR", "tax_included": True}
        variant = {
            "id": f"{identity}-v",
            "sku": sku,
            "title": "one",
            "barcode": None,
            "options": {},
            "prices": [price],
            "stock": {"tracked": True, "backorder": False, "locations": {"berlin": 5}},
        }
        self._put(
            identity,
            {
                "handle": handle,
                "status": "published",
                "texts": {"en-US": {"title": handle}},
                "categories": [category] if category else [],
                "tags": [],
                "channels": [],
                "attributes": {},
                "options": [],
                "images": [],
                "variants": [variant],
            },
        )
        return identity

    def remove(self, product: ProductId) -> None:
        with self.shop.admin() as admin:
            admin.delete(f"/admin/products/{product}").raise_for_status()

    def rename(self, product: ProductId, title: str) -> None:
        doc = self.shop.product(product)
        doc["texts"]["en-US"]["title"] = title
        self._put(product, doc)

    def reprice(self, product: ProductId, amount_minor: int) -> None:
        self.shop.set_price(f"{product}-v", f"{amount_minor // 100}.{amount_minor % 100:02d}")

    def restock(self, product: ProductId, quantity: int) -> None:
        self.shop.set_stock(f"{product}-v", quantity)

    def add_category(self, handle: str, parent: CategoryId | None) -> CategoryId:
        identity = CategoryId(f"cat-{handle}")
        doc = {"handle": handle, "parent": parent, "rank": 0, "active": True}
        with self.shop.admin() as admin:
            path = f"/admin/categories/{identity}"
            admin.put(path, json={**doc, "names": {"en-US": handle}}).raise_for_status()
        return identity

    def breaking(self) -> AbstractContextManager[None] | None:
        @contextmanager
        def broken() -> Iterator[None]:
            self.shop.set_faults(past_end=True)
            yield
            self.shop.set_faults()

        return broken()

    def webhook(self, product: ProductId, at: datetime) -> tuple[Mapping[str, str], bytes] | None:
        change = {"kind": "product", "id": product, "what": "content"}
        body = json.dumps({"type": "catalogue.changed", "changes": [change]}).encode()
        return signed_headers(SECRET, "event-1", int(at.timestamp()), body), body

    def now(self) -> datetime:
        return datetime.now(UTC)

    def _put(self, identity: str, doc: dict[str, Any]) -> None:
        with self.shop.admin() as admin:
            admin.put(f"/admin/products/{identity}", json=doc).raise_for_status()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    place = tmp_path_factory.mktemp("shop") / "shop.db"
    running = start_shop(place, free_port(), products=0)
    yield running
    running.stop()


@pytest.fixture
def bench(shop: RunningShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxBench]:
    monkeypatch.setattr(module, "PAGE", 3)
    settings = BackendSettings(
        BackendName("shop"), shop.url, shop.key, (SECRET,), Locale("en-US"), {}
    )
    catalogue = BACKEND.open(settings, SystemClock())
    made = SandboxBench(shop, settings, catalogue)
    yield made
    for each in (catalogue, *made.opened):
        each.close()
    with shop.admin() as admin:
        for identity in admin.get("/v1/ids", params={"limit": 500}).json()["ids"]:
            admin.delete(f"/admin/products/{identity}").raise_for_status()


class TestSandboxCatalogue(CatalogueConformance):
    @pytest.fixture
    def bench(self, bench: SandboxBench) -> SandboxBench:
        return bench


def test_a_thousand_and_one_changes_all_come(bench: SandboxBench) -> None:
    product = bench.add("one", "ONE")
    (start,) = bench.catalogue.changes(None)
    rows = [{"variant": f"{product}-v", "locations": {"berlin": n}} for n in range(1001)]
    with bench.shop.admin() as admin:
        admin.post("/admin/stock", json=rows).raise_for_status()
    pages = list(bench.catalogue.changes(start.cursor))
    assert sum(len(page.signals) for page in pages) == 1001
    assert {lane for page in pages for s in page.signals for lane in s.lanes} == {Lane.OFFERS}
    assert list(bench.catalogue.changes(pages[-1].cursor)) == []


def test_a_cursor_of_a_moment_tells_what_came_after(bench: SandboxBench) -> None:
    product = bench.add("two", "TWO")
    cursor = bench.catalogue.cursor_at(datetime.now(UTC) - timedelta(hours=1))
    subjects = [s.subject.id for page in bench.catalogue.changes(cursor) for s in page.signals]
    assert product in subjects
    later = bench.catalogue.cursor_at(datetime.now(UTC) + timedelta(hours=1))
    assert list(bench.catalogue.changes(later)) == []


def test_it_needs_no_sweep(bench: SandboxBench) -> None:
    with pytest.raises(Rejected, match="needs no sweep"):
        list(bench.catalogue.sweep("stock"))


def test_settings_without_a_key_are_named(bench: SandboxBench) -> None:
    found = BACKEND.problems(replace(bench.settings, credential=None, options={"x": 1}))
    assert [problem.path for problem in found] == ["options.x", "credential"]


def test_a_shop_that_is_not_there_says_so(bench: SandboxBench) -> None:
    nowhere = replace(bench.settings, url=f"http://127.0.0.1:{free_port()}")
    catalogue = SandboxCatalogue(nowhere, SystemClock())
    with pytest.raises(Exception, match="cannot be reached"):
        catalogue.check()
    catalogue.close()


def test_carts_become_one_order_and_take_their_pieces(bench: SandboxBench) -> None:
    product = bench.add("three", "THREE")
    variant = f"{product}-v"
    with bench.shop.admin() as shop:
        cart = shop.post("/v1/carts", json={"currency": "EUR"}).json()
        path = f"/v1/carts/{cart['id']}"
        assert shop.put(f"{path}/lines/{variant}", json={"quantity": 9}).status_code == 409
        filled = shop.put(f"{path}/lines/{variant}", json={"quantity": 2}).json()
        assert filled["subtotal"] == "39.80"
        assert shop.post(f"{path}/complete").json()["code"] == "incomplete"
        given = {"email": "a@b.example", "address": "x", "shipping": "post", "payment": "test"}
        shown = shop.patch(path, json={**given, "promotion": "TEN"}).json()
        assert (shown["discount"], shown["total"]) == ("3.98", "40.72")
        order = shop.post(f"{path}/complete").json()
        assert shop.post(f"{path}/complete").json() == order
        stock = bench.shop.product(product)["variants"][0]["stock"]["locations"]
        assert stock == {"berlin": 3}
        assert "a@b.example" not in json.dumps(order)
        page = shop.get(f"/checkout/{cart['id']}").text
        assert f"order {order['number']}" in page


def test_a_shopper_pays_on_the_hosted_page_without_a_card(bench: SandboxBench) -> None:
    variant = f"{bench.add('four', 'FOUR')}-v"
    with bench.shop.admin() as shop:
        cart = shop.post("/v1/carts").json()["id"]
        shop.post(f"/v1/carts/{cart}/lines", json={"variant": variant}).raise_for_status()
        form = shop.get(f"/checkout/{cart}").text
        assert "card" not in form.replace("no card needed", "")
        data = {"email": "a@b.example", "address": "x", "shipping": "pickup"}
        assert "Thank you: order" in shop.post(f"/checkout/{cart}", data=data).text


def test_a_merchant_changes_price_and_stock_on_a_page(bench: SandboxBench) -> None:
    product = bench.add("five", "FIVE")
    with bench.shop.admin() as shop:
        listed = shop.get("/admin", params={"q": "five"})
        assert "five" in listed.text
        assert "default-src 'none'" in listed.headers["content-security-policy"]
        key = {"key": bench.shop.key}
        data = {**key, "variant": f"{product}-v", "euros": "7.5", "pieces": "4"}
        saved = shop.post(f"/admin/products/{product}", data=data, follow_redirects=True)
        assert "Saved." in saved.text
    variant = bench.shop.product(product)["variants"][0]
    assert variant["prices"][0]["amount"] == "7.50"
    assert variant["stock"]["locations"] == {"berlin": 4}


def test_the_shop_tells_of_a_change_when_the_receiver_is_back(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    from connector.signing import format_secret, verify
    from tests.live.pair import until

    heard: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    port = free_port()
    hook = (f"http://127.0.0.1:{port}/hooks/shop", format_secret(SECRET.key))
    shop = start_shop(tmp_path / "shop.db", free_port(), products=1, webhook=hook)
    shop.set_stock("v0000001-0", 3)
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        until(lambda: bool(heard), "the webhook")
        headers, body = heard[0]
        told = verify([SECRET], headers, body, datetime.now(UTC)).json()
        assert told["changes"] == [{"kind": "product", "id": "p0000001", "what": "stock"}]
    finally:
        server.shutdown()
        server.server_close()
        shop.stop()
