"""Hypothesis strategies for the canonical values: any product a backend could have.

The only module that imports hypothesis, so that the rest of the kit works without it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from connector.model import (
    Category,
    CategoryId,
    JsonValue,
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
    Text,
    Variant,
    VariantId,
)

CURRENCIES = ("EUR", "USD", "JPY", "KWD", "CLF")
LOCALES = (Locale("en-GB"), Locale("de-DE"), Locale("fr-FR"))

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
"""Any printable text, quotes, emoji and right-to-left among it."""
names = words.filter(lambda text: bool(text.strip()))
currencies = st.sampled_from(CURRENCIES)
MIDDLE = datetime(2030, 1, 1, tzinfo=UTC)
moments = st.integers(-(10**6), 10**6).map(lambda seconds: MIDDLE + timedelta(seconds=seconds))
money = st.builds(Money, st.integers(-(10**20), 10**20), currencies)
asked = st.integers(0, 10**9)
"""Amounts in minor units that someone may ask for a thing."""

json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def prices(draw: st.DrawFn, currency: str | None = None) -> Price:
    """One price row; its time ends after it starts, its quantities at or above the first."""
    of = currency or draw(currencies)
    start = draw(st.none() | moments)
    lasts = timedelta(seconds=draw(st.integers(1, 10**6)))
    least = draw(st.sampled_from([1, 1, 1, 5, 10]))
    above = draw(st.none() | st.integers(0, 20))
    return Price(
        amount=Money(draw(asked), of),
        compare_at=draw(st.none() | asked.map(lambda amount: Money(amount, of))),
        price_list=draw(st.sampled_from([None, None, "list_sale", "list_vip"])),
        region=draw(st.sampled_from([None, None, "region_eu"])),
        overrides=draw(st.booleans()),
        min_quantity=least,
        max_quantity=None if above is None else least + above,
        starts_at=start,
        ends_at=draw(st.sampled_from([None, (start or MIDDLE) + lasts])),
        tax_included=draw(st.sampled_from([None, True, False])),
    )


stocks = st.builds(
    Stock,
    tracked=st.booleans(),
    backorder=st.booleans(),
    locations=st.lists(
        st.builds(LocationStock, st.sampled_from(["main", "north", "shop"]), st.integers(-5, 500)),
        max_size=3,
        unique_by=lambda place: place.location,
    ).map(tuple),
)
texts = st.builds(
    Text,
    title=names,
    subtitle=words,
    description=words.map(lambda text: f"<p>{text}</p>"),
    seo_title=words,
    seo_description=words,
)


@st.composite
def variants(draw: st.DrawFn, product: str = "p", place: int = 0) -> Variant:
    size = f"size {place}"
    return Variant(
        id=VariantId(f"{product}-v{place}"),
        sku=draw(st.none() | names),
        title=size,
        options=(("Size", size),),
        prices=tuple(draw(st.lists(prices(), max_size=4))),
        stock=draw(stocks),
    )


@st.composite
def products(draw: st.DrawFn, number: int = 0) -> Product:
    """A product whose id follows from `number`; everything else is free."""
    each = tuple(draw(variants(f"p{number}", place)) for place in range(draw(st.integers(0, 3))))
    others = draw(st.dictionaries(st.sampled_from(LOCALES[1:]), texts, max_size=2))
    return Product(
        id=ProductId(f"p{number}"),
        handle=f"product-{number}",
        texts={LOCALES[0]: draw(texts), **others},
        default_locale=LOCALES[0],
        status=draw(st.sampled_from(ProductStatus)),
        variants=each,
        options=(Option("Size", tuple(one.title for one in each)),) if each else (),
        media=tuple(
            Media(f"https://backend.example/{number}-{place}.png")
            for place in range(draw(st.integers(0, 2)))
        ),
        tags=tuple(draw(st.lists(names, max_size=2, unique=True))),
        channels=tuple(draw(st.lists(st.sampled_from(["web", "shop"]), unique=True))),
        attributes=draw(st.dictionaries(names, words, max_size=2)),
    )


@st.composite
def catalogues(draw: st.DrawFn, most: int = 6) -> list[Product]:
    """Up to `most` products with different ids."""
    return [draw(products(number)) for number in range(draw(st.integers(0, most)))]


@st.composite
def category_trees(draw: st.DrawFn, most: int = 6) -> list[Category]:
    """A forest, parents first."""
    made: list[Category] = []
    for number in range(draw(st.integers(0, most))):
        parent = draw(st.sampled_from([None, *(each.id for each in made)]))
        made.append(
            Category(
                id=CategoryId(f"c{number}"),
                handle=f"category-{number}",
                texts={LOCALES[0]: draw(texts)},
                default_locale=LOCALES[0],
                parent=parent,
                rank=draw(st.integers(0, 5)),
                active=draw(st.booleans()),
            )
        )
    return made
