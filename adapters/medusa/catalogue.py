"""`ports.Catalogue` over the Admin API of Medusa v2: products, categories, what changed.

Follows adapters/medusa/README.md for what Medusa's lists and timestamps can and cannot say. Writes
nothing but words of editors. Knows no site and no state.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote

import httpx
import structlog

from adapters.medusa.changes import OVERLAP, ChangeFeed, Cursor
from adapters.medusa.client import Client, JsonObject, NotFound, Params
from adapters.medusa.facts import read_facts
from adapters.medusa.listing import Listing, has_id, read_pages
from adapters.medusa.mapping import (
    LEAN_FIELDS,
    PRODUCT_FIELDS,
    Surroundings,
    map_categories,
    map_product,
    map_words,
)
from adapters.medusa.options import parse_credential, parse_options, problems
from adapters.medusa.prices import PriceBook, PriceShelf
from adapters.medusa.sweeps import NAMES, read_categories, read_memberships, read_words, sweep
from adapters.medusa.webhooks import read_webhook
from adapters.medusa.words import WORDS, as_compared, write_words
from connector.aside import Aside
from connector.errors import ConfigError, Incomplete, Rejected, TryAgain
from connector.model import Category, CategoryId, Product, ProductId, VariantId
from connector.ports import (
    BackendFacts,
    BackendSettings,
    CatalogueCapabilities,
    ChangePage,
    Clock,
    Fetched,
    Sighting,
    WebhookEvent,
    WordsReceipt,
    WordsWrite,
)
from connector.sync.plan import batches

log = structlog.get_logger(__name__)

PAGE_SIZE = 200
LEAN_PAGE_SIZE = 1000
FETCH_SIZE = 100
"""So many ids still fit into an address that every proxy takes (8 KB)."""
BOOK_AGE = timedelta(seconds=30)
"""A full pass looks this often whether a price list changed; `fetch` always does."""


class MedusaCatalogue:
    """One Medusa server's catalogue. Threads may share it."""

    def __init__(
        self,
        settings: BackendSettings,
        clock: Clock,
        *,
        page_size: int = PAGE_SIZE,
        lean_page_size: int = LEAN_PAGE_SIZE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        credential = parse_credential(settings.credential)
        if credential is None:
            raise ConfigError(list(problems(settings)))
        self._settings = settings
        self._options = parse_options(settings)
        self._clock = clock
        self._page_size = page_size
        self._lean_page_size = lean_page_size
        self._client = Client(settings.url, credential, clock, settings.timeout_seconds, transport)
        self._get = self._client.get
        self._shelf = PriceShelf(self._get, clock)
        self._feed = ChangeFeed(self._get, clock, lean_page_size)
        self._unknown_rules: set[str] = set()
        self._lock = threading.Lock()

    @property
    def capabilities(self) -> CatalogueCapabilities:
        """With the plugin the cursor shows prices and stock too; known from the first poll on."""
        return CatalogueCapabilities(
            cursor_shows_prices=self._feed.has_plugin,
            cursor_shows_stock=self._feed.has_plugin,
            cursor_shows_deletes=True,
            webhooks=bool(self._settings.webhook_secrets),
            sweeps=NAMES,
            fetch_size=FETCH_SIZE,
            words=WORDS,
        )

    def check(self) -> BackendFacts:
        facts, left_out = read_facts(
            self._get, self._shelf, self._feed, self._settings, self._options
        )
        with self._lock:
            self._unknown_rules |= left_out
        return facts

    # ---- listings ----

    def ids(self) -> Iterator[Sequence[ProductId]]:
        for rows in self._list(LEAN_FIELDS if self._options.sales_channel else "id", lean=True):
            found = [ProductId(row["id"]) for row in rows if self._is_ours(row)]
            if found:
                yield found

    def products(self) -> Iterator[Fetched]:
        """Categories are those of the pass's beginning; a later change of one is swept up."""
        memberships = read_memberships(self._get)
        book, opened_at = self._shelf.open(), self._clock.now()
        for rows in self._list(PRODUCT_FIELDS):
            if self._clock.now() - opened_at >= BOOK_AGE:
                book, opened_at = self._shelf.open(), self._clock.now()
            ours = [row for row in rows if self._is_ours(row)]
            if ours:
                yield self._map(ours, memberships, book, self._words([row["id"] for row in ours]))

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        """All that a page needs, asked for at once: each request costs Medusa a password's hash."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return Fetched({})
        memberships = Aside(lambda: self._memberships(wanted))
        words = Aside(lambda: self._words(wanted))
        book = Aside(self._shelf.open)
        rows = self._by_id(wanted, PRODUCT_FIELDS)
        gone = self._confirm_gone([each for each in wanted if each not in rows])
        ours = [row for row in rows.values() if self._is_ours(row)]
        gone |= {ProductId(row["id"]) for row in rows.values() if not self._is_ours(row)}
        found = self._map(ours, memberships.result(), book.result(), words.result())
        return Fetched(found.products, frozenset(gone), found.rejected)

    def find_sku(self, sku: str) -> Sequence[ProductId]:
        params: Params = {"sku": sku, "fields": "id,sku,product_id", "limit": 1000}
        rows = self._get("/admin/product-variants", params).body.get("variants")
        if not isinstance(rows, list) or not all(map(has_id, rows)):
            raise TryAgain("the answer to a search by SKU is no list of variants")
        found = {row.get("product_id") for row in rows if row.get("sku") == sku}
        return sorted(ProductId(each) for each in found if isinstance(each, str))

    def categories(self) -> Sequence[Category]:
        rows = read_categories(self._get)
        words = map_words(read_words(self._get, "product_category"))
        try:
            return map_categories(rows, words, self._settings.default_locale)
        except Rejected as error:
            raise Incomplete(error.message) from error

    # ---- what changed ----

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        return self._feed.read(cursor)

    def cursor_at(self, moment: datetime) -> str:
        return str(Cursor(moment - OVERLAP))

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        return sweep(self._get, self._shelf, name, self._lean_page_size)

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        return read_webhook(self._settings.webhook_secrets, headers, body, now)

    def as_compared(self, words: Mapping[str, str]) -> Mapping[str, str]:
        return as_compared(words)

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        return write_words(self._get, self._client.post, write, self._settings.default_locale)

    def admin_url(self, product: ProductId) -> str | None:
        return f"{self._settings.url.rstrip('/')}/app/products/{product}"

    def close(self) -> None:
        self._client.close()

    # ---- reading ----

    def _list(self, fields: str, *, lean: bool = False) -> Iterator[Sequence[JsonObject]]:
        size = self._lean_page_size if lean else self._page_size
        return read_pages(self._get, Listing("/admin/products", "products", fields, size))

    def _is_ours(self, row: JsonObject) -> bool:
        channel = self._options.sales_channel
        if channel is None:
            return True
        return channel in {each["id"] for each in row.get("sales_channels") or ()}

    def _by_id(
        self, ids: Sequence[str], fields: str, *, deleted: bool = False
    ) -> Mapping[ProductId, JsonObject]:
        params: dict[str, str | int | Sequence[str]] = {
            "id[]": ids,
            "fields": fields,
            "limit": len(ids),
        }
        if deleted:
            params["with_deleted"] = "true"
        body = self._get("/admin/products", params).body
        rows, count = body.get("products"), body.get("count")
        if not isinstance(rows, list) or count != len(rows) or not all(map(has_id, rows)):
            raise TryAgain("the answer to a read by id is no complete list of products")
        found = {ProductId(row["id"]): row for row in rows}
        if not set(found) <= set(ids):
            raise TryAgain("a read by id gave products that were not asked for")
        return found

    def _confirm_gone(self, missing: Sequence[ProductId]) -> set[ProductId]:
        """Those that Medusa says it deleted, or says by name that it does not have."""
        if not missing:
            return set()
        tombstones = self._by_id(missing, "id,deleted_at", deleted=True)
        gone = {id_ for id_, row in tombstones.items() if row.get("deleted_at")}
        for id_ in sorted(set(missing) - gone):
            try:
                self._get(f"/admin/products/{quote(id_, safe='')}", {"fields": "id"})
            except NotFound:
                gone.add(id_)
            else:
                raise TryAgain(f"Medusa lists product {id_} at one time and not at another")
        return gone

    def _memberships(self, ids: Sequence[ProductId]) -> Mapping[str, Sequence[str]]:
        """The categories of a few products just now. Along with all else they cost twice that."""
        rows = self._by_id(ids, "id,categories.id") if ids else {}
        return {
            id_: [each["id"] for each in row.get("categories") or ()] for id_, row in rows.items()
        }

    def _words(self, ids: Sequence[str]) -> Sequence[JsonObject]:
        asked = [
            Aside(partial(read_words, self._get, "product", some))
            for some in batches(ids, FETCH_SIZE)
        ]
        return [row for each in asked for row in each.result()]

    # ---- mapping ----

    def _map(
        self,
        rows: Sequence[JsonObject],
        memberships: Mapping[str, Sequence[str]],
        book: PriceBook,
        words: Sequence[JsonObject],
    ) -> Fetched:
        around = self._surroundings(rows, memberships, book, words)
        products: dict[ProductId, Product] = {}
        rejected: dict[ProductId, Rejected] = {}
        for row in rows:
            id_ = ProductId(row["id"])
            try:
                mapped = map_product(row, around)
            except Rejected as error:
                rejected[id_] = error
                continue
            products[id_] = mapped.product
            self._note(mapped.unknown_rules, id_)
        return Fetched(products, rejected=rejected)

    def _surroundings(
        self,
        rows: Sequence[JsonObject],
        memberships: Mapping[str, Sequence[str]],
        book: PriceBook,
        words: Sequence[JsonObject],
    ) -> Surroundings:
        variants = [
            VariantId(variant["id"]) for row in rows for variant in row.get("variants") or ()
        ]
        return Surroundings(
            default_locale=self._settings.default_locale,
            tax=book.tax,
            categories={
                ProductId(row["id"]): [CategoryId(each) for each in memberships.get(row["id"], ())]
                for row in rows
            },
            list_prices=book.of(variants),
            poison=book.poison,
            words=map_words(words),
            attributes=self._options.attributes,
        )

    def _note(self, rules: frozenset[str], product: ProductId) -> None:
        """Once per rule: prices that are not everyone's are never shown to everyone."""
        with self._lock:
            fresh = rules - self._unknown_rules
            self._unknown_rules |= fresh
        for rule in sorted(fresh):
            log.warning(
                "Prices with this rule are left out of the public price",
                action="price_left_out",
                rule=rule,
                product=product,
                backend=self._settings.name,
            )


def open_catalogue(settings: BackendSettings, clock: Clock) -> MedusaCatalogue:
    """What the registry calls. Raises ConfigError for settings that `problems` would report."""
    return MedusaCatalogue(settings, clock)
