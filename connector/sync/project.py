"""One product as one site should show it: its document, its offers, when that next changes.

Pure: what it makes depends on its arguments alone, the moment among them. Fields of a product's
document: title, subtitle, description, seo_title, seo_description (and the same `@locale` for the
further locales of a multilingual site), categories, tags, attributes, options, variants, media,
source, and slug where addresses are to follow the backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale as BabelLocale
from babel.numbers import format_currency, get_currency_precision

from connector.errors import Rejected
from connector.model import (
    Availability,
    Category,
    CmsId,
    Document,
    FieldHash,
    FieldName,
    JsonValue,
    Locale,
    Media,
    Money,
    Offer,
    Product,
    Stock,
    Subject,
    SubjectKind,
    Text,
    Variant,
    currency_exponent,
    hash_value,
)
from connector.sync.owners import Owner
from connector.sync.prices import Step, next_price_change, price_steps
from connector.sync.rules import Market, SiteRules

SLUG = FieldName("slug")
OFFERS = FieldName("offers")
"""The one field of the offers lane."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What a site should hold of one product."""

    document: Document
    offers: tuple[Offer, ...]
    next_change_at: datetime | None
    """When a scheduled price changes; the product is due again then, without any signal."""
    pictures: tuple[Media, ...]
    """The pictures that the document shows once the site has them."""


def project(
    product: Product,
    rules: SiteRules,
    now: datetime,
    pictures_held: Mapping[str, CmsId],
    admin_url: str | None = None,
) -> Projection:
    """The document and the offers of a product.

    `pictures_held` maps addresses of pictures to the site's ids; pictures that are not in it are
    left out until they are. Raises Rejected for a product that cannot be shown: no title, or a
    negative price.
    """
    subject = Subject(SubjectKind.PRODUCT, product.id)
    fields = _words(product, rules)
    fields |= _facts(product, pictures_held if rules.media else {}, rules)
    if rules.owner(SLUG) is not Owner.EDITOR:
        fields[SLUG] = product.handle
    fields[FieldName("source")] = {"handle": product.handle, "admin_url": admin_url}
    every_price = [price for variant in product.variants for price in variant.prices]
    return Projection(
        document=Document(subject, product.handle, fields),
        offers=_offers(product, rules, now),
        next_change_at=next_price_change(every_price, rules.markets, now),
        pictures=product.media if rules.media else (),
    )


# ---- content ----


def text_for(texts: Mapping[Locale, Text], default: Locale, locale: Locale) -> Text:
    """The words for a locale: its own, else those of its language, else the default's."""
    if locale in texts:
        return texts[locale]
    language = locale.partition("-")[0]
    for candidate in sorted(texts):
        if candidate.partition("-")[0] == language:
            return texts[candidate]
    return texts[default]


def _words(product: Product, rules: SiteRules) -> dict[FieldName, JsonValue]:
    locales = list(dict.fromkeys(market.locale for market in rules.markets))
    fields: dict[FieldName, JsonValue] = {}
    for place, locale in enumerate(locales if rules.multilingual else locales[:1]):
        text = text_for(product.texts, product.default_locale, locale)
        if not text.title.strip():
            raise Rejected(f"product {product.id} has no title in {locale}; give it one")
        suffix = f"@{locale}" if place else ""
        fields[FieldName("title" + suffix)] = text.title
        fields[FieldName("subtitle" + suffix)] = text.subtitle
        fields[FieldName("description" + suffix)] = text.description
        fields[FieldName("seo_title" + suffix)] = text.seo_title
        fields[FieldName("seo_description" + suffix)] = text.seo_description
    return fields


def _facts(
    product: Product, held: Mapping[str, CmsId], rules: SiteRules
) -> dict[FieldName, JsonValue]:
    locale = rules.markets[0].locale
    return {
        FieldName("categories"): [str(category) for category in product.categories],
        FieldName("tags"): list(product.tags),
        FieldName("attributes"): [
            {"name": name, "value": value} for name, value in sorted(product.attributes.items())
        ],
        FieldName("options"): [
            {"name": option.name, "values": list(option.values)} for option in product.options
        ],
        FieldName("variants"): [_variant(variant, held) for variant in product.variants],
        FieldName("media"): [
            {"id": held[picture.url], "alt": _alt(picture, product.default_locale, locale)}
            for picture in product.media
            if picture.url in held
        ],
    }


def _alt(picture: Media, default: Locale, locale: Locale) -> str:
    return picture.alt.get(locale) or picture.alt.get(default) or ""


def _variant(variant: Variant, held: Mapping[str, CmsId]) -> JsonValue:
    return {
        "id": variant.id,
        "sku": variant.sku or "",
        "title": variant.title,
        "options": {**dict(variant.options)},
        "barcode": variant.barcode,
        "media": [held[url] for url in variant.media if url in held],
    }


# ---- offers ----


def _offers(product: Product, rules: SiteRules, now: datetime) -> tuple[Offer, ...]:
    return tuple(
        _offer(variant, position, market, step)
        for position, variant in enumerate(product.variants)
        for market in rules.markets
        for step in price_steps(variant.prices, market, now)
    )


def _offer(variant: Variant, position: int, market: Market, step: Step) -> Offer:
    available = available_quantity(variant.stock, market.stock_locations)
    tax_included = step.tax_included if step.tax_included is not None else market.tax_included
    return Offer(
        variant=variant.id,
        market=market.name,
        min_quantity=step.min_quantity,
        sku=variant.sku or "",
        amount=step.amount,
        amount_text=money_text(step.amount, market.locale),
        compare_at=step.compare_at,
        compare_at_text=money_text(step.compare_at, market.locale) if step.compare_at else "",
        price_list=step.price_list,
        tax_included=bool(tax_included),
        availability=availability(variant.stock, available),
        quantity=available if market.show_quantity else None,
        valid_until=step.valid_until,
        position=position,
    )


def available_quantity(stock: Stock, locations: frozenset[str] | None) -> int | None:
    """Pieces that can be sold from these locations (None: all); None where stock is not tracked."""
    if not stock.tracked:
        return None
    counted = [
        place.available
        for place in stock.locations
        if locations is None or place.location in locations
    ]
    return max(0, sum(counted))


def availability(stock: Stock, available: int | None) -> Availability:
    """What a shopper is told of the stock."""
    if available is None or available > 0:
        return Availability.IN_STOCK
    return Availability.BACKORDER if stock.backorder else Availability.OUT_OF_STOCK


@lru_cache(maxsize=4096)
def money_text(amount: Money, locale: Locale) -> str:
    """An amount as readers of a locale write it (CLDR): "19,90 €", "$19.90", "￥500".

    Where CLDR writes fewer decimals than the currency has ("20 ALL"), an amount that has some shows
    them all: never a rounded price.
    """
    value, reader = Decimal(amount.major()), _reader(locale)
    if value == round(value, get_currency_precision(amount.currency)):
        return format_currency(value, amount.currency, locale=reader)
    pattern = copy(reader.currency_formats["standard"])
    pattern.frac_prec = (currency_exponent(amount.currency),) * 2
    return str(pattern.apply(value, reader, currency=amount.currency, currency_digits=False))


@lru_cache(maxsize=256)
def _reader(locale: Locale) -> BabelLocale:
    return BabelLocale.parse(locale, sep="-")


def offers_json(offers: tuple[Offer, ...]) -> list[JsonValue]:
    """Offers as plain JSON: for their hash, for the mirror and for `explain`."""
    return [
        {
            "variant": offer.variant,
            "market": offer.market,
            "min_quantity": offer.min_quantity,
            "sku": offer.sku,
            "amount": offer.amount.amount_minor,
            "amount_text": offer.amount_text,
            "compare_at": offer.compare_at.amount_minor if offer.compare_at else None,
            "compare_at_text": offer.compare_at_text,
            "currency": offer.amount.currency,
            "price_list": offer.price_list,
            "tax_included": offer.tax_included,
            "availability": offer.availability.value,
            "quantity": offer.quantity,
            "valid_until": offer.valid_until.isoformat() if offer.valid_until else None,
            "position": offer.position,
        }
        for offer in offers
    ]


# ---- categories ----


@dataclass(frozen=True, slots=True)
class Term:
    """A category as one site should show it."""

    subject: Subject
    slug: str
    name: str
    description: str
    parent: str | None
    rank: int

    def fingerprint(self) -> FieldHash:
        return hash_value([self.name, self.description, self.parent, self.rank])


def project_category(category: Category, rules: SiteRules) -> Term:
    """A category for a site. Raises Rejected when it has no name."""
    text = text_for(category.texts, category.default_locale, rules.markets[0].locale)
    if not text.title.strip():
        raise Rejected(f"category {category.id} has no name; give it one")
    return Term(
        subject=Subject(SubjectKind.CATEGORY, category.id),
        slug=category.handle,
        name=text.title,
        description=text.description,
        parent=category.parent,
        rank=category.rank,
    )
