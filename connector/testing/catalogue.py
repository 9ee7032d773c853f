"""A commerce backend in memory: `ports.Catalogue` over a dict, with an ordered feed of changes.

Mutators stand for what a merchant does (`put`, `remove`, `set_price`, `set_stock`,
`put_category`); each appends to the feed, and the capabilities decide which entries the cursor
may show. Keeps the promises of ports.py exactly; failures are added by `testing.faults`.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector import signing
from connector.errors import BadSignature, Rejected
from connector.model import (
    Category,
    CategoryId,
    Lane,
    Locale,
    Price,
    Product,
    ProductId,
    Stock,
    Subject,
    SubjectKind,
    Text,
    Variant,
    VariantId,
    hash_value,
)
from connector.ports import (
    BackendFacts,
    CatalogueCapabilities,
    ChangePage,
    Clock,
    Fetched,
    Sighting,
    Signal,
    WebhookEvent,
    WordsCapabilities,
    WordsReceipt,
    WordsWrite,
)

SWEEPS = ("prices", "stock")
ALL_WORDS = frozenset(("title", "subtitle", "description", "seo_title", "seo_description"))
EVERYTHING = CatalogueCapabilities(
    cursor_shows_prices=True,
    cursor_shows_stock=True,
    cursor_shows_deletes=True,
    webhooks=True,
    sweeps=SWEEPS,
    words=WordsCapabilities(ALL_WORDS, ALL_WORDS),
)
CONTENT_ONLY = replace(
    EVERYTHING, cursor_shows_prices=False, cursor_shows_stock=False, cursor_shows_deletes=False
)
"""As most backends are: a change of price or stock, and a delete, move no timestamp."""


class ChangeKind(StrEnum):
    CONTENT = "content"
    PRICES = "prices"
    STOCK = "stock"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the feed."""

    kind: ChangeKind
    signal: Signal
    at: datetime | None
    """When, where the backend was given a clock."""


class MemoryCatalogue:
    """A backend whose truth is what its mutators were told. Threads may share it."""

    def __init__(
        self,
        products: Iterable[Product] = (),
        categories: Iterable[Category] = (),
        *,
        capabilities: CatalogueCapabilities = EVERYTHING,
        secrets: Sequence[signing.Secret] = (),
        page_size: int = 50,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock
        self._capabilities = capabilities
        self._secrets = tuple(secrets)
        self._page_size = page_size
        self._lock = threading.RLock()
        self._products = {product.id: product for product in products}
        self._categories = {category.id: category for category in categories}
        self._poison: dict[ProductId, str] = {}
        self._refused: dict[ProductId, str] = {}
        self._feed: list[Change] = []
        self.calls: Counter[str] = Counter()
        """How often each method of the port was called."""
        self.fetched: Counter[ProductId] = Counter()
        """How often each product was fetched by id."""
        self.taken: list[WordsWrite] = []
        """What of each `write_words` was written, in order."""
        self.closed = False

    # ---- what a merchant does ----

    def put(self, product: Product) -> None:
        """Make or change a product as a whole."""
        with self._lock:
            self._products[product.id] = product
            self._note(ChangeKind.CONTENT, product.id)

    def remove(self, product: ProductId) -> None:
        with self._lock:
            del self._products[product]
            self._note(ChangeKind.DELETE, product)

    def set_price(self, variant: VariantId, *prices: Price) -> None:
        """Give a variant these prices instead of those it has."""
        self._change_variant(ChangeKind.PRICES, variant, lambda old: replace(old, prices=prices))

    def set_stock(self, variant: VariantId, stock: Stock) -> None:
        self._change_variant(ChangeKind.STOCK, variant, lambda old: replace(old, stock=stock))

    def put_category(self, category: Category) -> None:
        with self._lock:
            self._categories[category.id] = category
            self._note_category(ChangeKind.CONTENT, category.id)

    def remove_category(self, category: CategoryId) -> None:
        with self._lock:
            del self._categories[category]
            self._note_category(ChangeKind.DELETE, category)

    def poison(self, product: ProductId, reason: str = "has a price that is no number") -> None:
        """From now on this product cannot be mapped."""
        with self._lock:
            self._poison[product] = reason
            self._note(ChangeKind.CONTENT, product)

    def heal(self, product: ProductId) -> None:
        with self._lock:
            del self._poison[product]
            self._note(ChangeKind.CONTENT, product)

    def refuse_words(self, product: ProductId, reason: str = "") -> None:
        """Take no words of this product back any more; "": take them again."""
        with self._lock:
            self._refused[product] = reason

    # ---- the port ----

    @property
    def capabilities(self) -> CatalogueCapabilities:
        return self._capabilities

    def check(self) -> BackendFacts:
        self._called("check")
        with self._lock:
            products = list(self._products.values())
        currencies = {
            price.amount.currency
            for product in products
            for variant in product.variants
            for price in variant.prices
        }
        locales = {locale for product in products for locale in product.texts}
        return BackendFacts(
            "memory", "1", tuple(sorted(currencies)), tuple(sorted(locales)), len(products)
        )

    def ids(self) -> Iterator[Sequence[ProductId]]:
        self._called("ids")
        return self._id_pages()

    def products(self) -> Iterator[Fetched]:
        self._called("products")
        return (self._truth(page) for page in self._id_pages())

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        self._called("fetch")
        if len(ids) > self._capabilities.fetch_size:
            raise Rejected(f"{len(ids)} ids in one fetch; ask for {self._capabilities.fetch_size}")
        self.fetched.update(ids)
        return self._truth(ids)

    def find_sku(self, sku: str) -> Sequence[ProductId]:
        self._called("find_sku")
        with self._lock:
            return [
                product.id
                for product in self._products.values()
                if any(variant.sku == sku for variant in product.variants)
            ]

    def categories(self) -> Sequence[Category]:
        self._called("categories")
        with self._lock:
            return _parents_first(self._categories)

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        self._called("changes")
        with self._lock:
            end = len(self._feed)
        if cursor is None:
            return iter([ChangePage((), str(end))])
        return self._change_pages(_position(cursor, end), end)

    def cursor_at(self, moment: datetime) -> str:
        """Without a clock nothing is known of times: everything since the beginning."""
        self._called("cursor_at")
        with self._lock:
            before = itertools.takewhile(
                lambda change: change.at is not None and change.at < moment, self._feed
            )
            return str(sum(1 for _ in before))

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        self._called("sweep")
        if name not in self._capabilities.sweeps:
            raise Rejected(f"no sweep is called {name!r}; there are {self._capabilities.sweeps}")
        return self._sighting_pages(name)

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        self._called("webhook")
        verified = signing.verify(self._secrets, headers, body, now)
        return WebhookEvent(verified.id, now, _read_signals(verified.json()))

    def as_compared(self, words: Mapping[str, str]) -> Mapping[str, str]:
        """As many do: outer space goes, and a description that is no HTML is made some."""
        return {name: _as_compared(name, text.strip()) for name, text in words.items()}

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        self._called("write_words")
        with self._lock:
            product = self._products.get(write.product)
            if product is None:
                raise Rejected(f"there is no product {write.product} any more")
            if reason := self._refused.get(write.product):
                raise Rejected(reason)
            own = product.texts[product.default_locale]
            now = product.texts.get(write.locale, own)
            wanted = self.as_compared(write.words)
            kept = frozenset(
                name
                for name, text in wanted.items()
                if getattr(now, name) not in (write.expected[name], text)
            )
            news = {n: t for n, t in wanted.items() if n not in kept and getattr(now, n) != t}
            if news:
                self._hold_words(product, write.locale, replace(now, **news))
                self.taken.append(replace(write, words=news))
            held = {name: getattr(now, name) if name in kept else wanted[name] for name in wanted}
            return WordsReceipt(held, kept)

    def admin_url(self, product: ProductId) -> str | None:
        return f"https://backend.example/products/{product}"

    def close(self) -> None:
        self.closed = True

    # ---- inside ----

    def _called(self, method: str) -> None:
        with self._lock:
            self.calls[method] += 1

    def _note(self, kind: ChangeKind, product: ProductId) -> None:
        offers = kind in (ChangeKind.PRICES, ChangeKind.STOCK)
        lanes = frozenset({Lane.OFFERS}) if offers else frozenset[Lane]()
        subject = Subject(SubjectKind.PRODUCT, product)
        self._append(kind, Signal(subject, lanes))

    def _note_category(self, kind: ChangeKind, category: CategoryId) -> None:
        self._append(kind, Signal(Subject(SubjectKind.CATEGORY, category)))

    def _append(self, kind: ChangeKind, signal: Signal) -> None:
        self._feed.append(Change(kind, signal, self._clock.now() if self._clock else None))

    def _change_variant(
        self, kind: ChangeKind, variant: VariantId, change: Callable[[Variant], Variant]
    ) -> None:
        with self._lock:
            owner = next(
                product
                for product in self._products.values()
                if any(each.id == variant for each in product.variants)
            )
            variants = tuple(
                change(each) if each.id == variant else each for each in owner.variants
            )
            self._products[owner.id] = replace(owner, variants=variants)
            self._note(kind, owner.id)

    def _hold_words(self, product: Product, locale: Locale, text: Text) -> None:
        self.put(replace(product, texts={**product.texts, locale: text}))

    def _id_pages(self) -> Iterator[Sequence[ProductId]]:
        """Keyset pages: what is put or removed meanwhile never shifts the others."""
        after = ""
        while True:
            with self._lock:
                beyond = sorted(each for each in self._products if each > after)
            page = beyond[: self._page_size]
            if not page:
                return
            yield page
            after = page[-1]

    def _truth(self, ids: Sequence[ProductId]) -> Fetched:
        with self._lock:
            known = [each for each in ids if each in self._products]
            rejected = {
                each: Rejected(f"product {each} {self._poison[each]}")
                for each in known
                if each in self._poison
            }
            products = {each: self._products[each] for each in known if each not in rejected}
            return Fetched(products, frozenset(ids) - frozenset(known), rejected)

    def _change_pages(self, start: int, end: int) -> Iterator[ChangePage]:
        while start < end:
            stop = min(start + self._page_size, end)
            with self._lock:
                shown = [each.signal for each in self._feed[start:stop] if self._shows(each)]
            yield ChangePage(tuple(shown), str(stop))
            start = stop

    def _shows(self, change: Change) -> bool:
        match change.kind:
            case ChangeKind.PRICES:
                return self._capabilities.cursor_shows_prices
            case ChangeKind.STOCK:
                return self._capabilities.cursor_shows_stock
            case ChangeKind.DELETE:
                return self._capabilities.cursor_shows_deletes
            case ChangeKind.CONTENT:
                return True

    def _sighting_pages(self, name: str) -> Iterator[Sequence[Sighting]]:
        for page in self._id_pages():
            truth = self._truth(page)
            yield [_sighting(product, name) for product in truth.products.values()]


def _as_compared(name: str, text: str) -> str:
    return f"<p>{text}</p>" if name == "description" and text and "<" not in text else text


def webhook_body(signals: Iterable[Signal]) -> bytes:
    """What this backend sends; sign it with `signing.signed_headers`."""
    rows = [
        {"kind": each.subject.kind, "id": each.subject.id, "lanes": sorted(each.lanes)}
        for each in signals
    ]
    return json.dumps({"signals": rows}).encode()


def _read_signals(message: object) -> tuple[Signal, ...]:
    try:
        rows = message["signals"]  # type: ignore[index]
        return tuple(
            Signal(
                Subject(SubjectKind(row["kind"]), str(row["id"])),
                frozenset(Lane(each) for each in row["lanes"]),
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadSignature("the signed body is no webhook of this backend") from error


def _position(cursor: str, end: int) -> int:
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor) > end:
        raise Rejected(f"{cursor[:40]!r} is no cursor of this backend; sweep, and begin anew")
    return int(cursor)


def _parents_first(categories: Mapping[CategoryId, Category]) -> list[Category]:
    def depth(category: Category) -> int:
        steps, parent = 0, category.parent
        while parent is not None and parent in categories and steps <= len(categories):
            steps, parent = steps + 1, categories[parent].parent
        return steps

    return sorted(categories.values(), key=lambda each: (depth(each), each.rank, each.id))


def _sighting(product: Product, name: str) -> Sighting:
    parts = [
        repr(each.prices) if name == "prices" else repr(each.stock) for each in product.variants
    ]
    subject = Subject(SubjectKind.PRODUCT, product.id)
    return Sighting(subject, hash_value([*parts]), frozenset({Lane.OFFERS}))
