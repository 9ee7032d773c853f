"""What a site should show of a product: every field, offer and amount of money, exactly.

Laws over any product that a backend could have, and exact values of one known product.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Rejected
from connector.model import (
    Availability,
    CmsId,
    FieldName,
    JsonValue,
    Locale,
    LocationStock,
    MarketName,
    Media,
    Money,
    Offer,
    Price,
    Product,
    Stock,
    Text,
    VariantId,
    hash_value,
)
from connector.sync.prices import price_steps
from connector.sync.project import (
    availability,
    available_quantity,
    money_text,
    offers_json,
    project,
    project_category,
    text_for,
)
from connector.sync.rules import Market, SiteRules
from connector.testing import generate
from connector.testing import strategies as values

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
ENGLISH, GERMAN = generate.ENGLISH, generate.GERMAN
FRENCH, AUSTRIAN = Locale("fr-FR"), Locale("de-AT")
BRITAIN = Market(MarketName("britain"), ENGLISH, "GBP", tax_included=True)
GERMANY = Market(MarketName("germany"), GERMAN, "EUR", region="region_eu")
JAPAN = Market(MarketName("japan"), Locale("ja-JP"), "JPY")
RULES = SiteRules(markets=(BRITAIN, GERMANY))
PICTURE = "https://backend.example/media/7.png"
HELD = {PICTURE: CmsId("41")}

moments = values.moments
site_rules = st.builds(
    SiteRules,
    markets=st.lists(
        st.sampled_from([BRITAIN, GERMANY, JAPAN]), min_size=1, max_size=3, unique=True
    ).map(tuple),
    multilingual=st.booleans(),
    media=st.booleans(),
)


def fields_of(
    product: Product, rules: SiteRules = RULES, held: dict[str, CmsId] | None = None
) -> dict[str, JsonValue]:
    return dict(project(product, rules, NOW, held or {}).document.fields.items())


def offers_of(product: Product, *markets: Market, now: datetime = NOW) -> tuple[Offer, ...]:
    return project(product, SiteRules(markets=markets), now, {}).offers


def stocked(*places: LocationStock, tracked: bool = True, backorder: bool = False) -> Stock:
    return Stock(tracked=tracked, backorder=backorder, locations=places)


def priced(*prices: Price, stock: Stock | None = None) -> Product:
    """A product of one variant with these prices."""
    one = generate.product(7, variants=1)
    (variant,) = one.variants
    variant = replace(variant, prices=prices, stock=stock or Stock())
    return replace(one, variants=(variant,))


def with_texts(texts: dict[Locale, Text]) -> Product:
    return replace(generate.product(7), texts=texts)


def first_variant(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    variants = fields["variants"]
    assert isinstance(variants, list) and isinstance(variants[0], dict)
    return variants[0]


# ---- pure ----


@given(values.products(), site_rules, moments)
def test_the_same_arguments_give_the_same_value_and_are_left_alone(
    product: Product, rules: SiteRules, now: datetime
) -> None:
    held = {picture.url: CmsId("1") for picture in product.media}
    before = deepcopy((product, rules, held))
    first = project(product, rules, now, held, "https://backend.example/p0")
    again = project(*deepcopy((product, rules, now, held)), "https://backend.example/p0")
    assert first == again
    assert (product, rules, held) == before


@given(values.products(), site_rules, moments, st.floats(0, 1))
def test_nothing_changes_before_the_next_change(
    product: Product, rules: SiteRules, now: datetime, share: float
) -> None:
    shown = project(product, rules, now, {})
    end = shown.next_change_at or now + timedelta(days=365)
    assert end > now
    later = min(now + (end - now) * share, end - TICK)
    assert project(product, rules, later, {}) == shown


@given(values.products(), site_rules, moments)
def test_every_field_can_be_fingerprinted(
    product: Product, rules: SiteRules, now: datetime
) -> None:
    shown = project(product, rules, now, {})
    for value in [*shown.document.fields.values(), offers_json(shown.offers)]:
        assert hash_value(value) == hash_value(deepcopy(value))


@given(values.products(), moments)
def test_time_decides_offers_and_never_content(product: Product, now: datetime) -> None:
    shown, later = (project(product, RULES, at, {}) for at in (now, now + 9999 * HOUR))
    assert shown.document == later.document


# ---- content ----


def test_the_whole_document_of_a_known_product() -> None:
    product = replace(generate.product(7, variants=1, categories=(3, 5)), tags=("new", "wool"))
    shown = project(product, RULES, NOW, HELD, "https://backend.example/app/7")
    assert (str(shown.document.subject), shown.document.slug) == (
        "product prod_000007",
        "product-7",
    )
    assert dict(shown.document.fields) == {
        "title": "Product 7",
        "subtitle": "",
        "description": "<p>The 7th product</p>",
        "seo_title": "",
        "seo_description": "",
        "categories": ["cat_003", "cat_005"],
        "tags": ["new", "wool"],
        "attributes": [{"name": "material", "value": "wool"}],
        "options": [{"name": "Size", "values": ["S"]}],
        "variants": [
            {
                "id": "var_000007_0",
                "sku": "SKU-000007-S",
                "title": "S",
                "options": {"Size": "S"},
                "barcode": None,
                "media": [],
            }
        ],
        "media": [{"id": "41", "alt": "A picture"}],
        "source": {"handle": "product-7", "admin_url": "https://backend.example/app/7"},
    }


def test_attributes_are_sorted_so_that_their_order_changes_nothing() -> None:
    one = replace(generate.product(7), attributes={"weight": "1", "material": "wool"})
    other = replace(generate.product(7), attributes={"material": "wool", "weight": "1"})
    assert fields_of(one) == fields_of(other)
    assert fields_of(one)["attributes"] == [
        {"name": "material", "value": "wool"},
        {"name": "weight", "value": "1"},
    ]


def test_a_variant_without_a_sku_has_an_empty_one() -> None:
    product = priced(Price(Money(1, "EUR")))
    product = replace(product, variants=(replace(product.variants[0], sku=None),))
    (offer,) = offers_of(product, GERMANY)
    assert offer.sku == ""
    assert first_variant(fields_of(product))["sku"] == ""


# ---- locales ----


@pytest.mark.parametrize(
    ("texts", "wanted", "title"),
    [
        ((ENGLISH, GERMAN, AUSTRIAN), AUSTRIAN, "de-AT"),
        ((ENGLISH, GERMAN), AUSTRIAN, "de-DE"),
        ((ENGLISH, GERMAN, AUSTRIAN), Locale("de-CH"), "de-AT"),
        ((ENGLISH, Locale("de")), GERMAN, "de"),
        ((ENGLISH, GERMAN), Locale("de"), "de-DE"),
        ((ENGLISH, GERMAN), FRENCH, "en-GB"),
        ((ENGLISH, Locale("den-CA")), GERMAN, "en-GB"),
    ],
)
def test_words_are_the_locales_own_else_its_languages_else_the_defaults(
    texts: tuple[Locale, ...], wanted: Locale, title: str
) -> None:
    for order in (texts, texts[::-1]):
        found = text_for({locale: Text(locale) for locale in order}, ENGLISH, wanted)
        assert found.title == title


@given(values.products(), st.sampled_from(values.LOCALES))
def test_words_always_come_from_the_product(product: Product, locale: Locale) -> None:
    found = text_for(product.texts, product.default_locale, locale)
    assert found == product.texts.get(locale, product.texts[product.default_locale])


def test_a_site_of_one_language_has_the_words_of_its_first_market() -> None:
    fields = fields_of(generate.product(7), SiteRules(markets=(GERMANY, BRITAIN)))
    assert fields["title"] == "Produkt 7"
    assert not [name for name in fields if "@" in name]


def test_a_multilingual_site_has_its_further_locales_once_each() -> None:
    again = replace(GERMANY, name=MarketName("austria"), region=None)
    rules = SiteRules(markets=(BRITAIN, GERMANY, again, JAPAN), multilingual=True)
    fields = fields_of(generate.product(7), rules)
    assert {name: fields[name] for name in fields if name.startswith("title")} == {
        "title": "Product 7",
        "title@de-DE": "Produkt 7",
        "title@ja-JP": "Product 7",
    }
    assert sorted(name for name in fields if name.endswith("@de-DE")) == [
        "description@de-DE",
        "seo_description@de-DE",
        "seo_title@de-DE",
        "subtitle@de-DE",
        "title@de-DE",
    ]


@pytest.mark.parametrize("title", ["", " ", "\t\n", "\N{NO-BREAK SPACE}"])
def test_a_product_without_a_title_is_rejected_by_name(title: str) -> None:
    with pytest.raises(Rejected, match="product prod_000007 has no title in en-GB"):
        fields_of(generate.retitled(generate.product(7), title))


def test_a_missing_title_counts_only_where_it_would_be_shown() -> None:
    product = with_texts({ENGLISH: Text("Jumper"), GERMAN: Text(" ")})
    assert fields_of(product)["title"] == "Jumper"
    with pytest.raises(Rejected, match="has no title in de-DE"):
        fields_of(product, replace(RULES, multilingual=True))


def test_a_price_below_zero_rejects_the_product() -> None:
    with pytest.raises(Rejected, match="below zero"):
        offers_of(priced(Price(Money(-1, "EUR"))), GERMANY)
    assert offers_of(priced(Price(Money(-1, "EUR"))), BRITAIN) == ()


# ---- pictures ----


def test_pictures_are_shown_in_order_and_only_those_that_the_site_holds() -> None:
    urls = [f"https://backend.example/{name}.png" for name in "abc"]
    product = replace(generate.product(7), media=tuple(Media(url) for url in urls))
    held = {urls[2]: CmsId("3"), urls[0]: CmsId("1"), "https://backend.example/z.png": CmsId("9")}
    assert fields_of(product)["media"] == []
    assert fields_of(product, held=held)["media"] == [
        {"id": "1", "alt": ""},
        {"id": "3", "alt": ""},
    ]
    assert project(product, RULES, NOW, {}).pictures == product.media


def test_a_variant_shows_its_held_pictures() -> None:
    product = priced()
    pictured = replace(product.variants[0], media=("https://backend.example/none.png", PICTURE))
    product = replace(product, variants=(pictured,))
    assert first_variant(fields_of(product, held=HELD))["media"] == ["41"]


def test_a_site_that_wants_no_pictures_gets_none() -> None:
    shown = project(generate.product(7), replace(RULES, media=False), NOW, HELD)
    assert shown.document.fields[FieldName("media")] == []
    assert shown.pictures == ()


@pytest.mark.parametrize(
    ("alt", "shown"),
    [
        ({ENGLISH: "A hat", GERMAN: "Ein Hut"}, "Ein Hut"),
        ({ENGLISH: "A hat", GERMAN: ""}, "A hat"),
        ({ENGLISH: "A hat"}, "A hat"),
        ({FRENCH: "Un chapeau"}, ""),
    ],
)
def test_a_pictures_words_are_the_locales_else_the_defaults(
    alt: dict[Locale, str], shown: str
) -> None:
    product = replace(generate.product(7), media=(Media(PICTURE, alt),))
    fields = fields_of(product, SiteRules(markets=(GERMANY,)), HELD)
    assert fields["media"] == [{"id": "41", "alt": shown}]


# ---- offers ----


def test_one_offer_exactly() -> None:
    price = Price(Money(1500, "EUR"), price_list="list_sale", ends_at=NOW + HOUR)
    stock = stocked(LocationStock("main", 4))
    product = priced(Price(Money(123450, "EUR")), price, stock=stock)
    shown = project(product, SiteRules(markets=(GERMANY,)), NOW, {})
    assert shown.next_change_at == NOW + HOUR
    assert shown.offers == (
        Offer(
            variant=VariantId("var_000007_0"),
            market=MarketName("germany"),
            min_quantity=1,
            sku="SKU-000007-S",
            amount=Money(1500, "EUR"),
            amount_text="15,00\xa0€",
            compare_at=Money(123450, "EUR"),
            compare_at_text="1.234,50\xa0€",
            price_list="list_sale",
            tax_included=False,
            availability=Availability.IN_STOCK,
            quantity=4,
            valid_until=NOW + HOUR,
            position=0,
        ),
    )
    assert offers_json(shown.offers) == [
        {
            "variant": "var_000007_0",
            "market": "germany",
            "min_quantity": 1,
            "sku": "SKU-000007-S",
            "amount": 1500,
            "amount_text": "15,00\xa0€",
            "compare_at": 123450,
            "compare_at_text": "1.234,50\xa0€",
            "currency": "EUR",
            "price_list": "list_sale",
            "tax_included": False,
            "availability": "in_stock",
            "quantity": 4,
            "valid_until": "2026-11-24T09:00:00+00:00",
            "position": 0,
        }
    ]


def test_each_market_has_the_offers_of_its_currency() -> None:
    offers = offers_of(generate.product(7, variants=2), BRITAIN, GERMANY, JAPAN)
    assert [(o.position, o.market, str(o.amount), o.amount_text) for o in offers] == [
        (0, "britain", "9.70 GBP", "£9.70"),
        (0, "germany", "10.70 EUR", "10,70\xa0€"),
        (1, "britain", "9.71 GBP", "£9.71"),
        (1, "germany", "10.71 EUR", "10,71\xa0€"),
    ]


def test_a_row_for_a_region_is_seen_in_the_market_of_that_region_only() -> None:
    everywhere = replace(GERMANY, name=MarketName("world"), region=None)
    product = priced(Price(Money(900, "EUR")), Price(Money(950, "EUR"), region="region_eu"))
    offers = offers_of(product, GERMANY, everywhere)
    assert {o.market: o.amount.amount_minor for o in offers} == {"germany": 950, "world": 900}


def test_each_step_of_quantity_is_an_offer_with_the_stock_of_the_variant() -> None:
    many = Price(Money(800, "EUR"), min_quantity=10)
    stock = stocked(LocationStock("main", 12))
    offers = offers_of(priced(Price(Money(900, "EUR")), many, stock=stock), GERMANY)
    assert [(o.min_quantity, o.amount.amount_minor, o.quantity) for o in offers] == [
        (1, 900, 12),
        (10, 800, 12),
    ]


@pytest.mark.parametrize(
    ("row", "market", "shown"),
    [
        (True, False, True),
        (False, True, False),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
def test_tax_is_what_the_row_says_else_the_market(
    row: bool | None, market: bool | None, shown: bool
) -> None:
    product = priced(Price(Money(900, "EUR"), tax_included=row))
    (offer,) = offers_of(product, replace(GERMANY, tax_included=market))
    assert offer.tax_included is shown


@given(values.products(), site_rules, moments)
def test_offers_are_the_price_steps_of_each_variant_in_each_market(
    product: Product, rules: SiteRules, now: datetime
) -> None:
    offers = project(product, rules, now, {}).offers
    assert [(o.variant, o.market, o.min_quantity, o.amount) for o in offers] == [
        (variant.id, market.name, step.min_quantity, step.amount)
        for variant in product.variants
        for market in rules.markets
        for step in price_steps(variant.prices, market, now)
    ]
    for offer in offers:
        assert bool(offer.compare_at_text) is (offer.compare_at is not None)
        assert product.variants[offer.position].id == offer.variant


# ---- stock ----

HERE, THERE = LocationStock("here", 3), LocationStock("there", 4)
OWED = LocationStock("owed", -5)
ALL = None


@pytest.mark.parametrize(
    ("stock", "locations", "quantity", "told"),
    [
        (stocked(tracked=False), ALL, None, Availability.IN_STOCK),
        (stocked(HERE, tracked=False), {"there"}, None, Availability.IN_STOCK),
        (stocked(OWED, tracked=False, backorder=True), ALL, None, Availability.IN_STOCK),
        (stocked(), ALL, 0, Availability.OUT_OF_STOCK),
        (stocked(backorder=True), ALL, 0, Availability.BACKORDER),
        (stocked(HERE, THERE), ALL, 7, Availability.IN_STOCK),
        (stocked(HERE, THERE), {"there"}, 4, Availability.IN_STOCK),
        (stocked(HERE, THERE), {"here", "there", "nowhere"}, 7, Availability.IN_STOCK),
        (stocked(HERE, THERE), {"nowhere"}, 0, Availability.OUT_OF_STOCK),
        (stocked(HERE, THERE), set(), 0, Availability.OUT_OF_STOCK),
        (stocked(HERE, backorder=True), {"there"}, 0, Availability.BACKORDER),
        (stocked(HERE, backorder=True), ALL, 3, Availability.IN_STOCK),
        (stocked(HERE, OWED), ALL, 0, Availability.OUT_OF_STOCK),
        (stocked(HERE, THERE, OWED), ALL, 2, Availability.IN_STOCK),
        (stocked(OWED, backorder=True), ALL, 0, Availability.BACKORDER),
        (stocked(LocationStock("here", 1)), ALL, 1, Availability.IN_STOCK),
    ],
)
def test_what_a_shopper_is_told_of_the_stock(
    stock: Stock, locations: set[str] | None, quantity: int | None, told: Availability
) -> None:
    sells = None if locations is None else frozenset(locations)
    assert available_quantity(stock, sells) == quantity
    assert availability(stock, quantity) is told
    market = replace(GERMANY, stock_locations=sells)
    hidden = replace(market, name=MarketName("hidden"), show_quantity=False)
    one, other = offers_of(priced(Price(Money(900, "EUR")), stock=stock), market, hidden)
    assert (one.quantity, one.availability) == (quantity, told)
    assert (other.quantity, other.availability) == (None, told)


@given(values.stocks)
def test_there_is_never_less_than_nothing_and_only_nothing_is_told_as_none_left(
    stock: Stock,
) -> None:
    available = available_quantity(stock, None)
    told = availability(stock, available)
    assert (available is None) is not stock.tracked
    assert available is None or available >= 0
    assert (told is Availability.IN_STOCK) is (available != 0)
    assert (told is Availability.BACKORDER) is (available == 0 and stock.backorder)


# ---- money in words ----


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (1990, "EUR", "de-DE", "19,90\xa0€"),
        (5, "EUR", "de-DE", "0,05\xa0€"),
        (0, "EUR", "de-DE", "0,00\xa0€"),
        (123456789, "EUR", "de-DE", "1.234.567,89\xa0€"),
        (1990, "USD", "en-US", "$19.90"),
        (200000, "USD", "en-US", "$2,000.00"),
        (500, "JPY", "ja-JP", "￥500"),
        (12345, "JPY", "ja-JP", "￥12,345"),
        (500, "JPY", "de-DE", "500\xa0¥"),
        (1250, "KWD", "de-DE", "1,250\xa0KWD"),
        (5, "KWD", "de-DE", "0,005\xa0KWD"),
        (1234567, "KWD", "de-DE", "1.234,567\xa0KWD"),
        (199000, "ALL", "de-DE", "1.990\xa0ALL"),
        (199050, "ALL", "de-DE", "1.990,50\xa0ALL"),
        (1500, "IQD", "en-US", "IQD1.500"),
        (-150050, "ALL", "en-US", "-ALL1,500.50"),
    ],
)
def test_amounts_read_as_the_locale_writes_them(
    amount: int, currency: str, locale: str, text: str
) -> None:
    assert money_text(Money(amount, currency), Locale(locale)) == text


def test_dinars_of_kuwait_keep_three_decimals_in_english_and_arabic() -> None:
    for locale in ("en-US", "ar-KW"):
        assert "1.250" in money_text(Money(1250, "KWD"), Locale(locale))


@given(st.builds(Money, values.asked, values.currencies), st.sampled_from(values.LOCALES))
def test_no_digit_of_an_amount_is_lost_or_added(amount: Money, locale: Locale) -> None:
    digits = "".join(filter(str.isdigit, money_text(amount, locale)))
    whole, _, decimals = amount.major().partition(".")
    assert digits in {whole + decimals, whole if set(decimals) <= {"0"} else whole + decimals}


# ---- categories ----


def test_a_category_exactly() -> None:
    term = project_category(generate.category(5, parent=3), SiteRules(markets=(GERMANY,)))
    assert (str(term.subject), term.slug, term.name, term.description, term.parent, term.rank) == (
        "category cat_005",
        "category-5",
        "Kategorie 5",
        "<p>Alles aus 5</p>",
        "cat_003",
        5,
    )


def test_a_category_without_a_name_is_rejected_by_id() -> None:
    nameless = replace(generate.category(5), texts={ENGLISH: Text(" ")})
    with pytest.raises(Rejected, match="category cat_005 has no name"):
        project_category(nameless, RULES)


def test_what_a_category_shows_is_in_its_fingerprint_and_its_slug_is_not() -> None:
    term = project_category(generate.category(5, parent=3), RULES)
    assert replace(term, slug="other").fingerprint() == term.fingerprint()
    changed = [
        replace(term, name="Other"),
        replace(term, description="Other"),
        replace(term, parent=None),
        replace(term, rank=6),
    ]
    assert len({term.fingerprint(), *(each.fingerprint() for each in changed)}) == 5
