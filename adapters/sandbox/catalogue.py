"""The sandbox shop as a Catalogue: the adapter to read first when writing one.

Each method asks the client for JSON, hands it to mapping, and keeps the port's promise: a listing
is complete or raises, what is gone is said by the shop, a cursor overlaps rather than misses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from adapters.sandbox import mapping, webhooks
from adapters.sandbox.client import ShopClient
from connector.errors import Incomplete, OutcomeUnknown, Rejected, TryAgain
from connector.model import Category, Locale, Product, ProductId
from connector.ports import (
    BackendFacts,
    BackendSettings,
    CatalogueCapabilities,
    ChangePage,
    Clock,
    Fetched,
    Sighting,
    WebhookEvent,
    WordsCapabilities,
    WordsReceipt,
    WordsWrite,
)

PAGE = 200
_WORDS = frozenset(("title", "subtitle", "description", "seo_title", "seo_description"))
WORDS = WordsCapabilities(_WORDS, _WORDS)
CAPABILITIES = CatalogueCapabilities(
    cursor_shows_prices=True,
    cursor_shows_stock=True,
    cursor_shows_deletes=True,
    webhooks=True,
    fetch_size=PAGE,
    words=WORDS,
)


def open_catalogue(settings: BackendSettings, clock: Clock) -> SandboxCatalogue:
    """The catalogue of a shop. Makes no call."""
    return SandboxCatalogue(settings, clock)


class SandboxCatalogue:
    """Implements ports.Catalogue."""

    def __init__(self, settings: BackendSettings, clock: Clock) -> None:
        self._settings = settings
        self._client = ShopClient(
            settings.url, settings.credential or "", settings.timeout_seconds, clock
        )

    @property
    def capabilities(self) -> CatalogueCapabilities:
        return CAPABILITIES

    def check(self) -> BackendFacts:
        shop = self._client.get("/v1/shop")
        try:
            return BackendFacts(
                system="sandbox",
                version=str(shop["version"]),
                currencies=tuple(shop["currencies"]),
                locales=tuple(Locale(each) for each in shop["locales"]),
                product_count=int(shop["products"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TryAgain(f"what answers at {self._settings.url} is no sandbox shop") from error

    def ids(self) -> Iterator[Sequence[ProductId]]:
        for page in self._listing("/v1/ids", "ids"):
            yield [ProductId(str(each)) for each in page]

    def products(self) -> Iterator[Fetched]:
        for page in self._listing("/v1/products", "products"):
            yield self._fetched(page, ())

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        answer = self._client.get("/v1/products", {"ids": ",".join(ids)})
        gone = [ProductId(str(each)) for each in _rows(answer, "gone")]
        found = self._fetched(_rows(answer, "products"), gone)
        named = found.products.keys() | found.gone | found.rejected.keys()
        if left := set(ids) - named:
            raise TryAgain(f"the shop said nothing about product {min(left)}; it is asked again")
        return found

    def find_sku(self, sku: str) -> Sequence[ProductId]:
        answer = self._client.get(f"/v1/skus/{quote(sku, safe='')}")
        return [ProductId(str(each)) for each in _rows(answer, "products")]

    def categories(self) -> Sequence[Category]:
        answer = self._client.get("/v1/categories")
        rows = answer.get("categories")
        if not isinstance(rows, list) or len(rows) != answer.get("total"):
            raise Incomplete("the shop's list of categories is not whole; it is asked again")
        with _understood("categories"):
            return [mapping.category(each, self._settings.default_locale) for each in rows]

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        if cursor is None:
            yield ChangePage((), _last(self._client.get("/v1/changes")))
            return
        while True:
            answer = self._client.get("/v1/changes", {"after": cursor, "limit": 500})
            rows = _rows(answer, "changes")
            if not rows:
                return
            cursor = _last(answer)
            with _understood("changes"):
                signals = [mapping.signal(e["kind"], e["subject"], e["what"]) for e in rows]
            yield ChangePage(tuple(signals), cursor)

    def cursor_at(self, moment: datetime) -> str:
        since = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return _last(self._client.get("/v1/changes", {"since": since}))

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        raise Rejected(f"the sandbox shop needs no sweep, and knows none called {name}")

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        return webhooks.read(self._settings.webhook_secrets, headers, body, now)

    def as_compared(self, words: Mapping[str, str]) -> Mapping[str, str]:
        return words

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        body = {"locale": write.locale, "words": {**write.words}, "expected": {**write.expected}}
        path = f"/v1/products/{quote(write.product, safe='')}/words"
        answer = self._client.post(path, body)
        held = answer.get("held")
        if not isinstance(held, dict) or held.keys() != write.words.keys():
            raise OutcomeUnknown("the shop did not say what it holds now; it is asked again")
        return WordsReceipt(
            {name: str(text) for name, text in held.items()},
            frozenset(map(str, _rows(answer, "kept"))),
        )

    def admin_url(self, product: ProductId) -> str | None:
        return f"{self._settings.url}/admin/products/{product}"

    def close(self) -> None:
        self._client.close()

    # ---- inside ----

    def _listing(self, path: str, name: str) -> Iterator[list[Any]]:
        """Pages by id until as many were seen as the shop counted. Raises Incomplete."""
        after, seen = "", 0
        while True:
            answer = self._client.get(path, {"after": after, "limit": PAGE})
            rows, total = answer.get(name), answer.get("total")
            if not isinstance(rows, list) or not isinstance(total, int):
                raise Incomplete(f"the shop's listing {path} has no {name} or no total")
            with _understood(path):
                keys = [each if isinstance(each, str) else str(each["id"]) for each in rows]
            if any(key <= after for key in keys) or keys != sorted(set(keys)):
                raise Incomplete(f"the shop's listing {path} repeats itself after {after!r}")
            seen += len(keys)
            if rows:
                yield rows
                after = keys[-1]
            if seen >= total and len(rows) < PAGE:
                return
            if not rows:
                raise Incomplete(f"the shop's listing {path} ended after {seen} of {total}")

    def _fetched(self, docs: Sequence[Mapping[str, Any]], gone: Sequence[ProductId]) -> Fetched:
        found: dict[ProductId, Product] = {}
        rejected: dict[ProductId, Rejected] = {}
        for doc in docs:
            identity = ProductId(str(doc.get("id")))
            try:
                found[identity] = mapping.product(
                    doc, self._settings.url, self._settings.default_locale
                )
            except Rejected as error:
                rejected[identity] = error
        return Fetched(found, frozenset(gone), rejected)


@contextmanager
def _understood(what: str) -> Iterator[None]:
    """Whatever is not as the shop writes it makes a listing worthless."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Incomplete(
            f"an entry of the shop's {what} cannot be understood; mend it there"
        ) from error


def _last(answer: Mapping[str, Any]) -> str:
    """The newest change's number, which is the cursor."""
    if not isinstance(answer.get("last"), int | str):
        raise TryAgain("the shop's list of changes says no last one; it is asked again")
    return str(answer["last"])


def _rows(answer: Mapping[str, Any], name: str) -> list[Any]:
    """A list in an answer. Raises TryAgain where there is none: half an answer says nothing."""
    rows = answer.get(name)
    if not isinstance(rows, list):
        raise TryAgain(f"the shop's answer has no list of {name}; it is asked again")
    return rows
