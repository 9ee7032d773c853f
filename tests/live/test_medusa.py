"""The Medusa adapter and its plugin against a real Medusa.

Holds the table of README.md to the truth: which change is told by webhook, which shows in the
plugin's changes route, which in Medusa's own timestamps, which in which sweep. And runs the
conformance suite that every catalogue passes, without the plugin (a shop that installed nothing).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from adapters.medusa.catalogue import MedusaCatalogue
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.errors import Rejected
from connector.model import (
    BackendName,
    CategoryId,
    Lane,
    Locale,
    MarketName,
    Money,
    ProductId,
    Subject,
    SubjectKind,
    Text,
)
from connector.ports import BackendSettings, Catalogue, WebhookEvent, WordsReceipt, WordsWrite
from connector.signing import Secret, format_secret, signed_headers
from connector.sync.prices import price_steps
from connector.sync.project import text_for
from connector.sync.rules import Market
from connector.testing.conformance.catalogue import CatalogueConformance

PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "medusa" / "plugin"
SECRET = Secret(bytes(range(32)))
SILENCE_SECONDS = 0.6
"""Three windows of the plugin: what has not been told by then will not be."""


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class WithoutPlugin(httpx.BaseTransport):
    """The network, but the plugin's route is as unknown as on a server without it. Can break off
    listings behind their first page."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()
        self.is_breaking = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/admin/commerce-connector/"):
            return httpx.Response(404, html="<pre>Cannot GET</pre>")
        if self.is_breaking and request.url.params.get("offset", "0") != "0":
            return httpx.Response(200, json={"products": [], "count": 0})
        return self._real.handle_request(request)

    def close(self) -> None:
        self._real.close()


class Receiver:
    """Takes webhooks as the daemon would: verified, or refused."""

    def __init__(self) -> None:
        self.events: list[WebhookEvent] = []
        self.arrived = threading.Condition()
        self.is_down = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.take(headers, body))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/medusa"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.catalogue: Catalogue | None = None

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        if self.is_down or self.catalogue is None:
            return 503
        event = self.catalogue.webhook(headers, body, datetime.now(UTC))
        with self.arrived:
            self.events.append(event)
            self.arrived.notify_all()
        return 202

    def wait(self, seconds: float, enough: Callable[[set[Subject]], bool]) -> set[Subject]:
        """Every subject told since the last `forget`, once that is enough or time is up."""
        with self.arrived:
            self.arrived.wait_for(lambda: enough(self.told()), seconds)
            return self.told()

    def told(self) -> set[Subject]:
        return {signal.subject for event in self.events for signal in event.signals}

    def forget(self) -> None:
        with self.arrived:
            self.events.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Shop:
    """A real Medusa with the plugin, seen with it and without it, and a merchant at its API."""

    medusa: Medusa
    receiver: Receiver
    admin: httpx.Client
    catalogue: MedusaCatalogue
    plain: MedusaCatalogue
    paged: MedusaCatalogue
    """As plain, in small pages, over a network that can break off."""
    network: WithoutPlugin
    held: dict[str, str] = field(default_factory=dict)
    """Ids that one change makes and a later one needs."""

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.admin.post(path, json=body).raise_for_status().json()

    def delete(self, path: str) -> None:
        self.admin.delete(path).raise_for_status()

    def get(self, path: str, **params: str) -> Any:
        return self.admin.get(path, params=params).raise_for_status().json()

    def add(self, handle: str, sku: str, category: str | None = None, stock: int = 5) -> str:
        """A published product with one variant, one price, and a tracked stock."""
        body = _product(handle, [sku], self.medusa.seeded.sales_channel_id)
        if category is not None:
            body["categories"] = [{"id": category}]
        made: str = self.post("/admin/products", body)["product"]["id"]
        self.set_stock(sku, stock, is_new=True)
        return made

    def item(self, sku: str) -> str:
        found = self.get("/admin/inventory-items", sku=sku, fields="id")["inventory_items"]
        identity: str = found[0]["id"]
        return identity

    def set_stock(self, sku: str, quantity: int, *, is_new: bool = False) -> None:
        place = self.medusa.seeded.stock_location_id
        path = f"/admin/inventory-items/{self.item(sku)}/location-levels"
        body = {"stocked_quantity": quantity}
        if is_new:
            self.post(path, {**body, "location_id": place})
        else:
            self.post(f"{path}/{place}", body)


def _product(handle: str, skus: Sequence[str], channel: str) -> dict[str, Any]:
    return {
        "title": handle,
        "handle": handle,
        "status": "published",
        "sales_channels": [{"id": channel}],
        "images": [{"url": f"https://images.example.org/{handle}.png"}],
        "options": [{"title": "Size", "values": list(skus)}],
        "variants": [
            {
                "title": sku,
                "sku": sku,
                "manage_inventory": True,
                "options": {"Size": sku},
                "prices": [{"currency_code": "eur", "amount": 10}],
            }
            for sku in skus
        ],
    }


def _settings(medusa: Medusa, credential: str) -> BackendSettings:
    return BackendSettings(
        BackendName("medusa"), medusa.url, credential, (SECRET,), Locale("en-US"), {}
    )


@pytest.fixture(scope="module")
def shop(cache: Path, postgres: Postgres) -> Iterator[Shop]:
    receiver = Receiver()
    environment = {
        "COMMERCE_CONNECTOR_URL": receiver.url,
        "COMMERCE_CONNECTOR_SECRET": format_secret(SECRET.key),
    }
    medusa = Medusa.start(cache, postgres, plugin=PLUGIN, settings=environment)
    settings = _settings(medusa, f"{medusa.admin_email}:{medusa.admin_password}")
    network = WithoutPlugin()
    catalogue = MedusaCatalogue(settings, WallClock())
    plain = MedusaCatalogue(settings, WallClock(), transport=WithoutPlugin())
    paged = MedusaCatalogue(
        settings, WallClock(), page_size=5, lean_page_size=15, transport=network
    )
    receiver.catalogue = catalogue
    with medusa.admin() as admin:
        yield Shop(medusa, receiver, admin, catalogue, plain, paged, network)
    catalogue.close()
    plain.close()
    paged.close()
    receiver.close()
    medusa.stop()


# ---- conformance, without the plugin ----


class MedusaBench:
    """A merchant at a real Medusa, for the conformance suite."""

    many = 11

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._skus: dict[str, str] = {}
        self._opened: list[MedusaCatalogue] = []

    @property
    def catalogue(self) -> Catalogue:
        return self.shop.paged

    def with_wrong_credentials(self) -> Catalogue:
        self._opened.append(MedusaCatalogue(_settings(self.shop.medusa, "sk_wrong"), WallClock()))
        return self._opened[-1]

    def close(self) -> None:
        for each in self._opened:
            each.close()

    def add(self, handle: str, sku: str, category: CategoryId | None = None) -> ProductId:
        product = ProductId(self.shop.add(handle, sku, category))
        self._skus[product] = sku
        return product

    def remove(self, product: ProductId) -> None:
        self.shop.delete(f"/admin/products/{product}")

    def rename(self, product: ProductId, title: str) -> None:
        self.shop.post(f"/admin/products/{product}", {"title": title})

    def reprice(self, product: ProductId, amount_minor: int) -> None:
        path = f"/admin/products/{product}"
        variant = self.shop.get(path, fields="variants.id")["product"]["variants"][0]["id"]
        amount = float(Money(amount_minor, "EUR").major())
        prices = [{"currency_code": "eur", "amount": amount}]
        self.shop.post(path, {"variants": [{"id": variant, "prices": prices}]})

    def restock(self, product: ProductId, quantity: int) -> None:
        self.shop.set_stock(self._skus[product], quantity)

    def add_category(self, handle: str, parent: CategoryId | None) -> CategoryId:
        body = {"name": handle, "handle": handle, "is_active": True, "parent_category_id": parent}
        made = self.shop.post("/admin/product-categories", body)
        return CategoryId(made["product_category"]["id"])

    def breaking(self) -> AbstractContextManager[None] | None:
        return self._breaking()

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        self.shop.network.is_breaking = True
        yield
        self.shop.network.is_breaking = False

    def webhook(self, product: ProductId, at: datetime) -> tuple[Mapping[str, str], bytes]:
        message = f"msg_{uuid4()}"
        told = {"id": message, "product_ids": [product], "category_ids": [], "lanes": {}}
        body = json.dumps(told).encode()
        return signed_headers(SECRET, message, int(at.timestamp()), body), body

    def now(self) -> datetime:
        return datetime.now(UTC)


class TestMedusaWithoutPlugin(CatalogueConformance):
    @pytest.fixture
    def bench(self, shop: Shop) -> Iterator[MedusaBench]:
        bench = MedusaBench(shop)
        yield bench
        bench.close()


# ---- words of editors ----


def give(shop: Shop, product: str, locale: str, **words: str) -> WordsReceipt:
    """Write words against what stands there now."""
    id_ = ProductId(product)
    now = shop.plain.fetch([id_]).products[id_]
    text = asdict(text_for(now.texts, now.default_locale, Locale(locale)))
    expected = {name: text[name] for name in words}
    return shop.plain.write_words(WordsWrite(id_, Locale(locale), words, expected))


def told(shop: Shop, product: str, locale: str) -> Text:
    id_ = ProductId(product)
    now = shop.plain.fetch([id_]).products[id_]
    return text_for(now.texts, now.default_locale, Locale(locale))


def test_words_of_another_language_become_its_translation(shop: Shop) -> None:
    product = shop.add("words-1", "WORDS-1")
    shop.post(f"/admin/products/{product}", {"metadata": {"care": "wash cold"}})
    give(shop, product, "de-DE", title="Titel", seo_title="Suche")
    give(shop, product, "de-DE", description="<p>Beschreibung</p>")
    german, english = told(shop, product, "de-DE"), told(shop, product, "en-US")
    assert (german.title, german.seo_title) == ("Titel", "Suche")
    assert german.description == "<p>Beschreibung</p>"
    assert (english.title, english.seo_title) == ("words-1", "")
    rows = shop.get("/admin/translations", reference="product", reference_id=product)
    (row,) = rows["translations"]
    assert row["translations"] == {"title": "Titel", "description": "Beschreibung"}
    own = shop.get(f"/admin/products/{product}", fields="metadata")["product"]["metadata"]
    assert own == {"care": "wash cold", "seo_title@de-DE": "Suche"}


def test_a_description_stays_plain_text_where_it_was_and_can_be(shop: Shop) -> None:
    def raw() -> str:
        found = shop.get(f"/admin/products/{product}", fields="description")
        return str(found["product"]["description"])

    product = shop.add("words-2", "WORDS-2")
    shop.post(f"/admin/products/{product}", {"description": "Plain & simple"})
    give(shop, product, "en-US", description="<p>One &amp; <br>two</p>\n\n<p>Three</p>\n")
    assert raw() == "One & \ntwo\n\nThree"
    give(shop, product, "en-US", description="<p>A <em>rich</em> one</p>")
    assert raw() == "<p>A <em>rich</em> one</p>"
    give(shop, product, "en-US", description="<p>Still HTML</p>")
    assert raw() == "<p>Still HTML</p>"


def test_words_that_medusa_has_no_place_for_are_refused_with_the_reason(shop: Shop) -> None:
    product = shop.add("words-3", "WORDS-3")
    with pytest.raises(Rejected, match="an empty title in de-DE"):
        give(shop, product, "de-DE", title="")
    assert told(shop, product, "de-DE").title == "words-3"


def test_what_is_too_large_for_medusa_is_refused_with_the_setting(shop: Shop) -> None:
    product = shop.add("words-4", "WORDS-4")
    long = "<p>" + "äöü &amp; 字 " * 5_000 + "end</p>"
    assert give(shop, product, "en-US", description=long).kept == frozenset()
    assert told(shop, product, "en-US").description == long
    with pytest.raises(Rejected, match="sizeLimit"):
        give(shop, product, "en-US", description=long * 12)
    assert told(shop, product, "en-US").description == long


# ---- what each change is seen by ----


@dataclass(frozen=True)
class Seen:
    """By what a change is seen. The same table stands in adapters/medusa/README.md."""

    webhook: bool
    route: bool
    timestamps: bool
    sweeps: frozenset[str] = frozenset()


def seen(by: str) -> Seen:
    words = frozenset(by.split())
    sweeps = words - {"webhook", "route", "timestamps"}
    return Seen("webhook" in words, "route" in words, "timestamps" in words, sweeps)


@dataclass(frozen=True)
class Target:
    """The product that the changes below are made to."""

    product: str
    variants: tuple[str, str]
    skus: tuple[str, str]
    category: str

    @property
    def path(self) -> str:
        return f"/admin/products/{self.product}"

    @property
    def variant_path(self) -> str:
        return f"{self.path}/variants/{self.variants[0]}"


@pytest.fixture(scope="module")
def target(shop: Shop) -> Target:
    skus = ("TARGET-S", "TARGET-M")
    made = shop.post(
        "/admin/products", _product("target", skus, shop.medusa.seeded.sales_channel_id)
    )["product"]
    by_sku = {variant["sku"]: variant["id"] for variant in made["variants"]}
    for sku in skus:
        shop.set_stock(sku, 10, is_new=True)
    category = next(iter(shop.medusa.seeded.category_ids.values()))
    shop.held["tag"] = shop.post("/admin/product-tags", {"value": "new"})["product_tag"]["id"]
    return Target(made["id"], (by_sku[skus[0]], by_sku[skus[1]]), skus, category)


def change_title(shop: Shop, target: Target) -> None:
    shop.post(target.path, {"title": "Another title"})


def change_price(shop: Shop, target: Target) -> None:
    shop.post(target.variant_path, {"prices": [{"currency_code": "eur", "amount": 11}]})


def change_price_by_product(shop: Shop, target: Target) -> None:
    first = {"id": target.variants[0], "prices": [{"currency_code": "eur", "amount": 12}]}
    shop.post(target.path, {"variants": [first, {"id": target.variants[1]}]})


def make_price_list(shop: Shop, target: Target) -> None:
    price = {"variant_id": target.variants[0], "currency_code": "eur", "amount": 8}
    body = {"title": "Sale", "description": "Sale", "status": "active", "prices": [price]}
    made = shop.post("/admin/price-lists", {**body, "type": "sale"})
    shop.held["price_list"] = made["price_list"]["id"]


def change_price_list_price(shop: Shop, target: Target) -> None:
    path = f"/admin/price-lists/{shop.held['price_list']}/prices"
    price = shop.get(path, fields="id")["prices"][0]["id"]
    change = {"id": price, "variant_id": target.variants[0], "amount": 7}
    shop.post(f"{path}/batch", {"update": [change]})


def change_price_list_dates(shop: Shop, target: Target) -> None:
    path = f"/admin/price-lists/{shop.held['price_list']}"
    shop.post(path, {"ends_at": "2030-12-24T00:00:00Z"})


def change_price_list_rules(shop: Shop, target: Target) -> None:
    region = shop.medusa.seeded.region_ids["Europe"]
    path = f"/admin/price-lists/{shop.held['price_list']}"
    shop.post(path, {"rules": {"region_id": [region]}})


def change_price_list_status(shop: Shop, target: Target) -> None:
    shop.post(f"/admin/price-lists/{shop.held['price_list']}", {"status": "draft"})


def delete_price_list(shop: Shop, target: Target) -> None:
    shop.delete(f"/admin/price-lists/{shop.held['price_list']}")


def change_stock(shop: Shop, target: Target) -> None:
    shop.set_stock(target.skus[0], 9)


def reserve(shop: Shop, target: Target) -> None:
    place = shop.medusa.seeded.stock_location_id
    item = shop.item(target.skus[0])
    shop.post(
        "/admin/reservations", {"inventory_item_id": item, "location_id": place, "quantity": 2}
    )


def release(shop: Shop, target: Target) -> None:
    """Medusa deletes no product of which something is reserved."""
    item = shop.item(target.skus[0])
    held = shop.get("/admin/reservations", inventory_item_id=item)["reservations"]
    shop.delete(f"/admin/reservations/{held[0]['id']}")


def give_tag(shop: Shop, target: Target) -> None:
    shop.post(target.path, {"tags": [{"id": shop.held["tag"]}]})


def give_type(shop: Shop, target: Target) -> None:
    kind = shop.post("/admin/product-types", {"value": "Goods"})["product_type"]["id"]
    shop.post(target.path, {"type_id": kind})


def replace_images(shop: Shop, target: Target) -> None:
    urls = ["https://images.example.org/x.png", "https://images.example.org/y.png"]
    shop.post(target.path, {"images": [{"url": url} for url in urls]})


def give_image_to_variant(shop: Shop, target: Target) -> None:
    images = shop.get(target.path, fields="images.id")["product"]["images"]
    path = f"{target.path}/images/{images[0]['id']}/variants/batch"
    shop.post(path, {"add": [target.variants[0]]})


def set_categories_by_product(shop: Shop, target: Target) -> None:
    shop.post(target.path, {"categories": [{"id": target.category}]})


def remove_from_category(shop: Shop, target: Target) -> None:
    path = f"/admin/product-categories/{target.category}/products"
    shop.post(path, {"remove": [target.product]})


def add_to_channel(shop: Shop, target: Target) -> None:
    made = shop.post("/admin/sales-channels", {"name": "Second"})
    shop.held["channel"] = made["sales_channel"]["id"]
    path = f"/admin/sales-channels/{shop.held['channel']}/products"
    shop.post(path, {"add": [target.product]})


def remove_from_channel(shop: Shop, target: Target) -> None:
    path = f"/admin/sales-channels/{shop.held['channel']}/products"
    shop.post(path, {"remove": [target.product]})


def translate(shop: Shop, target: Target) -> None:
    words = {"reference": "product", "reference_id": target.product, "locale_code": "de-DE"}
    create = {**words, "translations": {"title": "Ziel"}}
    shop.post("/admin/translations/batch", {"create": [create]})


def link_second_item(shop: Shop, target: Target) -> None:
    item = shop.item(target.skus[1])
    shop.post(
        f"{target.variant_path}/inventory-items",
        {"inventory_item_id": item, "required_quantity": 3},
    )


def stop_tracking(shop: Shop, target: Target) -> None:
    path = f"{target.path}/variants/{target.variants[1]}"
    shop.post(path, {"manage_inventory": False})


def delete_variant(shop: Shop, target: Target) -> None:
    shop.delete(f"{target.path}/variants/{target.variants[1]}")


def delete_product(shop: Shop, target: Target) -> None:
    shop.delete(target.path)


CHANGES: Sequence[tuple[Callable[[Shop, Target], None], str]] = [
    (change_title, "webhook route timestamps"),
    (change_price, "webhook route timestamps prices"),
    (change_price_by_product, "webhook route prices"),
    (make_price_list, "webhook route prices"),
    (change_price_list_price, "webhook route prices"),
    (change_price_list_dates, "route prices"),
    (change_price_list_rules, "route prices"),
    (change_price_list_status, "route prices"),
    (delete_price_list, "webhook route"),
    (change_stock, "webhook route stock"),
    (reserve, "webhook route stock"),
    (release, "webhook route stock"),
    (give_tag, "webhook memberships"),
    (give_type, "webhook route timestamps"),
    (replace_images, "webhook route memberships"),
    (give_image_to_variant, "route"),
    (set_categories_by_product, "webhook memberships"),
    (remove_from_category, "memberships"),
    (add_to_channel, "webhook route memberships"),
    (remove_from_channel, "webhook route memberships"),
    (translate, "webhook route translations"),
    (link_second_item, "webhook route stock"),
    (stop_tracking, "webhook route timestamps stock"),
    (delete_variant, "webhook route timestamps prices stock"),
    (delete_product, "webhook route timestamps memberships prices stock translations"),
]
"""In this order, on one product. A drafted price list is nobody's, so its end changes no price."""


@pytest.mark.parametrize(("change", "by"), CHANGES, ids=[each[0].__name__ for each in CHANGES])
def test_each_change_is_seen_by_exactly_these(
    shop: Shop, target: Target, change: Callable[[Shop, Target], None], by: str
) -> None:
    wanted = seen(by)
    subject = Subject(SubjectKind.PRODUCT, target.product)
    _settle(shop)
    route, timestamps = _cursor(shop.catalogue), _cursor(shop.plain)
    before = _fingerprints(shop.plain, target.product)
    change(shop, target)
    seconds = 5.0 if wanted.webhook else SILENCE_SECONDS
    told = shop.receiver.wait(seconds, lambda subjects: subject in subjects)
    after = _fingerprints(shop.plain, target.product)
    assert told == ({subject} if wanted.webhook else set())
    assert (
        Seen(
            subject in told,
            _is_told(shop.catalogue, route, subject),
            _is_told(shop.plain, timestamps, subject),
            frozenset(name for name in after if after[name] != before[name]),
        )
        == wanted
    )


def _settle(shop: Shop) -> None:
    """Wait until the plugin has told what came before, then forget it."""
    count = -1
    while count != len(shop.receiver.events):
        count = len(shop.receiver.events)
        time.sleep(0.25)
    shop.receiver.forget()


def _cursor(catalogue: MedusaCatalogue) -> str:
    """A cursor that has told everything before now."""
    cursor = str(catalogue.cursor_at(datetime.now(UTC)))
    for page in catalogue.changes(cursor):
        cursor = page.cursor
    return cursor


def _is_told(catalogue: MedusaCatalogue, cursor: str, subject: Subject) -> bool:
    pages = list(catalogue.changes(cursor))
    return subject in {signal.subject for page in pages for signal in page.signals}


def _fingerprints(catalogue: MedusaCatalogue, product: str) -> dict[str, str | None]:
    return {
        name: next(
            (
                each.fingerprint
                for page in catalogue.sweep(name)
                for each in page
                if each.subject.id == product
            ),
            None,
        )
        for name in catalogue.capabilities.sweeps
    }


# ---- the plugin ----


def test_the_plugin_says_that_it_is_there(shop: Shop) -> None:
    assert shop.catalogue.check().version == "2.21.2"
    assert shop.catalogue.capabilities.cursor_shows_stock
    facts = shop.plain.check()
    assert not shop.plain.capabilities.cursor_shows_stock
    assert any("plugin is not installed" in note for note in facts.notes)


def test_fifty_products_made_at_once_are_one_message(shop: Shop) -> None:
    _settle(shop)
    channel = shop.medusa.seeded.sales_channel_id
    bodies = [_product(f"bulk-{n}", [f"BULK-{n}"], channel) for n in range(50)]
    made = shop.post("/admin/products/batch", {"create": bodies})["created"]
    ids = {Subject(SubjectKind.PRODUCT, each["id"]) for each in made}
    assert shop.receiver.wait(10, lambda subjects: ids <= subjects) == ids
    assert len(shop.receiver.events) == 1


def test_a_receiver_that_was_down_is_told_later(shop: Shop) -> None:
    product = shop.add("late", "LATE")
    _settle(shop)
    shop.receiver.is_down = True
    shop.set_stock("LATE", 3)
    subject = Subject(SubjectKind.PRODUCT, product)
    assert shop.receiver.wait(SILENCE_SECONDS, lambda _: False) == set()
    shop.receiver.is_down = False
    assert shop.receiver.wait(20, lambda subjects: subject in subjects) == {subject}
    (event,) = shop.receiver.events
    assert {signal.lanes for signal in event.signals} == {frozenset({Lane.OFFERS})}


def test_a_renamed_category_is_told_as_one(shop: Shop) -> None:
    _settle(shop)
    category = next(iter(shop.medusa.seeded.category_ids.values()))
    before, cursor = _fingerprints(shop.plain, category), _cursor(shop.plain)
    shop.post(f"/admin/product-categories/{category}", {"name": "Renamed"})
    subject = Subject(SubjectKind.CATEGORY, category)
    assert shop.receiver.wait(5, lambda subjects: subject in subjects) == {subject}
    assert _is_told(shop.plain, cursor, subject)
    assert _fingerprints(shop.plain, category)["memberships"] != before["memberships"]


def test_a_deleted_category_is_told_and_leaves_the_sweep(shop: Shop) -> None:
    made = shop.post("/admin/product-categories", {"name": "Short-lived"})
    category = made["product_category"]["id"]
    _settle(shop)
    assert _fingerprints(shop.plain, category)["memberships"] is not None
    shop.delete(f"/admin/product-categories/{category}")
    subject = Subject(SubjectKind.CATEGORY, category)
    assert shop.receiver.wait(5, lambda subjects: subject in subjects) == {subject}
    assert _fingerprints(shop.plain, category)["memberships"] is None


# ---- reading ----


@pytest.mark.parametrize(
    "lists",
    [
        {},
        {"sale": 8},
        {"sale": 11},
        {"override": 12},
        {"override": 9, "sale": 9.75},
        {"override": 9, "sale": 8},
        {"sale@region": 9, "sale": 8},
    ],
    ids=[
        "base",
        "sale",
        "dearer sale",
        "override",
        "override and dearer sale",
        "override and cheaper sale",
        "regional and cheaper general sale",
    ],
)
@pytest.mark.parametrize("regional", [False, True])
def test_our_price_is_what_medusa_asks_of_a_shopper(
    shop: Shop, lists: Mapping[str, float], regional: bool
) -> None:
    """Rows and rules together give the same amount as the Store API's calculated price."""
    handle = f"asked-{uuid4().hex[:8]}"
    product = shop.add(handle, handle.upper())
    found = shop.get(f"/admin/products/{product}", fields="variants.id")["product"]
    variant = found["variants"][0]["id"]
    region = shop.medusa.seeded.region_ids["Europe"]
    prices: list[dict[str, Any]] = [{"currency_code": "eur", "amount": 10}]
    if regional:
        prices.append({"currency_code": "eur", "amount": 10.5, "rules": {"region_id": region}})
    shop.post(f"/admin/products/{product}/variants/{variant}", {"prices": prices})
    made = [_price_list(shop, kind, variant, amount, region) for kind, amount in lists.items()]
    (read,) = shop.plain.fetch([ProductId(product)]).products.values()
    market = Market(MarketName("eu"), Locale("en-US"), "EUR", region=region)
    (step,) = price_steps(read.variants[0].prices, market, datetime.now(UTC))
    assert step.amount == Money.from_major(_asked(shop, product, region), "EUR")
    for each in made:
        shop.delete(f"/admin/price-lists/{each}")


def _price_list(shop: Shop, named: str, variant: str, amount: float, region: str) -> str:
    """A price list named by its kind; `@region`: its price is for the region alone."""
    kind, _, regional = named.partition("@")
    price: dict[str, Any] = {"variant_id": variant, "currency_code": "eur", "amount": amount}
    if regional:
        price["rules"] = {"region_id": region}
    body = {"title": kind, "description": kind, "type": kind, "status": "active"}
    made: str = shop.post("/admin/price-lists", {**body, "prices": [price]})["price_list"]["id"]
    return made


def _asked(shop: Shop, product: str, region: str) -> str:
    """What the storefront's API says that a shopper in a region pays."""
    answer = httpx.get(
        f"{shop.medusa.url}/store/products/{product}",
        params={"region_id": region, "fields": "id,variants.id,*variants.calculated_price"},
        headers={"x-publishable-api-key": shop.medusa.publishable_key},
        timeout=30,
    ).raise_for_status()
    amount = answer.json()["product"]["variants"][0]["calculated_price"]["calculated_amount"]
    return str(amount)


def test_regional_prices_are_never_everyones(shop: Shop) -> None:
    product = shop.add("regional", "REGIONAL")
    variant = shop.get(f"/admin/products/{product}", fields="variants.id")["product"]["variants"][0]
    region = shop.medusa.seeded.region_ids["Europe"]
    prices = [
        {"currency_code": "eur", "amount": 10},
        {"currency_code": "eur", "amount": 9.5, "rules": {"region_id": region}},
        {"currency_code": "eur", "amount": 8, "min_quantity": 10},
    ]
    shop.post(f"/admin/products/{product}/variants/{variant['id']}", {"prices": prices})
    (found,) = shop.plain.fetch([ProductId(product)]).products.values()
    rows = {(each.amount, each.region, each.min_quantity) for each in found.variants[0].prices}
    assert rows == {
        (Money(1000, "EUR"), None, 1),
        (Money(950, "EUR"), region, 1),
        (Money(800, "EUR"), None, 10),
    }


def test_prices_of_a_customer_group_are_left_out_and_named(shop: Shop) -> None:
    product = shop.add("group", "GROUP")
    variant = shop.get(f"/admin/products/{product}", fields="variants.id")["product"]["variants"][0]
    group = shop.post("/admin/customer-groups", {"name": "Friends"})["customer_group"]["id"]
    price = {"variant_id": variant["id"], "currency_code": "eur", "amount": 1}
    body = {"title": "Friends", "description": "Friends", "type": "override", "status": "active"}
    rules = {"customer.groups.id": [group]}
    made = shop.post("/admin/price-lists", {**body, "rules": rules, "prices": [price]})
    list_id = made["price_list"]["id"]
    (found,) = shop.plain.fetch([ProductId(product)]).products.values()
    assert [str(each.amount) for each in found.variants[0].prices] == ["10.00 EUR"]
    notes = shop.plain.check().notes
    assert any(list_id in note and "customer.groups.id" in note for note in notes)
    shop.delete(f"/admin/price-lists/{list_id}")


def test_the_secret_key_reads_as_the_login_does(shop: Shop) -> None:
    by_key = MedusaCatalogue(_settings(shop.medusa, shop.medusa.secret_key), WallClock())
    assert by_key.check().product_count == shop.plain.check().product_count
    by_key.close()
