"""The shop's JSON as canonical values. Pure; a product that cannot be mapped is Rejected alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.errors import Rejected
from connector.model import (
    Category,
    CategoryId,
    Lane,
    Locale,
    LocationStock,
    Media,
    Money,
    Option,
    Price,
    Product,
    ProductId,
    ProductStatus,
    Stock,
    Subject,
    SubjectKind,
    Text,
    Variant,
    VariantId,
)
from connector.ports import Signal

Json = Mapping[str, Any]
_LANES = {
    "prices": frozenset({Lane.OFFERS}),
    "stock": frozenset({Lane.OFFERS}),
}
"""What of a product a kind of change can touch; every other kind touches everything."""


def product(doc: Json, base_url: str, default_locale: Locale) -> Product:
    """A product. Raises Rejected naming it and what cannot be understood."""
    try:
        return _product(doc, base_url, default_locale)
    except Rejected as error:
        raise Rejected(f"product {doc.get('id')}: {error.message}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Rejected(
            f"product {doc.get('id')} cannot be understood ({type(error).__name__}: {error})"
        ) from error


def _product(doc: Json, base_url: str, default_locale: Locale) -> Product:
    texts = {Locale(locale): Text(**text) for locale, text in doc["texts"].items()}
    return Product(
        id=ProductId(doc["id"]),
        handle=doc["handle"],
        texts=texts,
        default_locale=default_locale if default_locale in texts else next(iter(texts)),
        status=ProductStatus(doc["status"]),
        variants=tuple(_variant(each) for each in doc["variants"]),
        options=tuple(Option(each["name"], tuple(each["values"])) for each in doc["options"]),
        media=tuple(_media(each, base_url) for each in doc["images"]),
        categories=tuple(CategoryId(each) for each in doc["categories"]),
        tags=tuple(doc["tags"]),
        channels=tuple(doc["channels"]),
        attributes=dict(doc["attributes"]),
    )


def _media(doc: Json, base_url: str) -> Media:
    alt = {Locale(locale): text for locale, text in doc["alt"].items()}
    url = doc["url"]
    return Media(base_url + url if url.startswith("/") else url, alt)


def _variant(doc: Json) -> Variant:
    return Variant(
        id=VariantId(doc["id"]),
        sku=doc["sku"],
        title=doc["title"],
        options=tuple(doc["options"].items()),
        barcode=doc["barcode"],
        prices=tuple(price(each) for each in doc["prices"]),
        stock=stock(doc["stock"]),
    )


def price(doc: Json) -> Price:
    """A price row; amounts are decimal strings in major units."""
    currency = doc["currency"]
    struck = doc.get("compare_at")
    return Price(
        amount=Money.from_major(doc["amount"], currency),
        compare_at=Money.from_major(struck, currency) if struck else None,
        price_list=doc.get("price_list"),
        overrides=doc.get("overrides", False),
        min_quantity=doc.get("min_quantity", 1),
        max_quantity=doc.get("max_quantity"),
        starts_at=_moment(doc.get("starts_at")),
        ends_at=_moment(doc.get("ends_at")),
        tax_included=doc.get("tax_included"),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment


def stock(doc: Json) -> Stock:
    return Stock(
        tracked=doc["tracked"],
        backorder=doc["backorder"],
        locations=tuple(LocationStock(name, level) for name, level in doc["locations"].items()),
    )


def category(doc: Json, default_locale: Locale) -> Category:
    texts = {Locale(locale): Text(name) for locale, name in doc["names"].items()}
    return Category(
        id=CategoryId(doc["id"]),
        handle=doc["handle"],
        texts=texts,
        default_locale=default_locale if default_locale in texts else next(iter(texts)),
        parent=CategoryId(doc["parent"]) if doc["parent"] else None,
        rank=doc["rank"],
        active=doc["active"],
    )


def signal(kind: str, identity: str, what: str) -> Signal:
    """One entry of the feed, or of a webhook."""
    return Signal(Subject(SubjectKind(kind), identity), _LANES.get(what, frozenset()))
