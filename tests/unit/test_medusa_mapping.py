"""Medusa's rows become exact values, in an order of their own; what cannot be read is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.medusa.mapping import (
    Surroundings,
    as_html,
    map_categories,
    map_product,
    map_stock,
    natural_order,
)
from adapters.medusa.pricing import (
    PriceList,
    TaxPreferences,
    base_prices,
    list_prices,
    price_lists,
    tax_preferences,
)
from connector.errors import Rejected
from connector.model import (
    CategoryId,
    Locale,
    LocationStock,
    Media,
    Money,
    Option,
    Price,
    ProductId,
    ProductStatus,
    Stock,
    VariantId,
)

ENGLISH = Locale("en-US")
AROUND = Surroundings(ENGLISH)
NO_TAX_SAID = TaxPreferences()


def variant_row(**changed: Any) -> dict[str, Any]:
    return {
        "id": "variant_1",
        "title": "S",
        "sku": "SKU-S",
        "manage_inventory": False,
        "allow_backorder": False,
        "options": [{"value": "S", "option_id": "opt_1"}],
        "prices": [{"amount": Decimal("19.99"), "currency_code": "eur", "rules": {}}],
        **changed,
    }


def product_row(**changed: Any) -> dict[str, Any]:
    return {
        "id": "prod_1",
        "title": "Shirt",
        "handle": "shirt",
        "description": None,
        "status": "published",
        "images": [],
        "sales_channels": [],
        "options": [{"id": "opt_1", "title": "Size", "values": [{"value": "S"}]}],
        "variants": [variant_row()],
        **changed,
    }


# ---- order ----


@given(st.permutations(["S", "M", "L", "XL", "2XL", "36", "100 ml", "250 ml", "blue", "red"]))
def test_option_values_stand_in_an_order_of_their_own(values: list[str]) -> None:
    wanted = ["S", "M", "L", "XL", "2XL", "36", "100 ml", "250 ml", "blue", "red"]
    assert sorted(values, key=natural_order) == wanted


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_the_order_in_which_rows_come_changes_nothing(
    variants: list[int], values: list[int]
) -> None:
    sizes = ["S", "M", "L", "XL"]
    rows = [
        variant_row(id=f"variant_{9 - n}", options=[{"value": sizes[n], "option_id": "opt_1"}])
        for n in range(4)
    ]
    option = {"id": "opt_1", "title": "Size", "values": [{"value": sizes[n]} for n in values]}
    row = product_row(options=[option], variants=[rows[n] for n in variants])
    product = map_product(row, AROUND).product
    assert product.options == (Option("Size", ("S", "M", "L", "XL")),)
    assert [each.options[0][1] for each in product.variants] == sizes


def test_a_rank_goes_before_any_other_order() -> None:
    values = [{"value": "S", "rank": 2}, {"value": "M", "rank": 1}, {"value": "XL", "rank": None}]
    rows = [variant_row(id="variant_1", variant_rank=7), variant_row(id="variant_2")]
    option = {"id": "opt_1", "title": "Size", "values": values}
    product = map_product(product_row(options=[option], variants=rows), AROUND).product
    assert product.options[0].values == ("M", "S", "XL")
    assert [each.id for each in product.variants] == ["variant_2", "variant_1"]


# ---- words and pictures ----


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("", ""),
        ("<p>As it is</p>", "<p>As it is</p>"),
        ("Salt & pepper, 3 < 4", "<p>Salt &amp; pepper, 3 &lt; 4</p>"),
        ("One\nline\n\nTwo", "<p>One<br>line</p><p>Two</p>"),
    ],
)
def test_descriptions_are_html(plain: str, html: str) -> None:
    assert as_html(plain) == html


def test_a_translation_speaks_and_what_it_leaves_out_stays_as_it_was() -> None:
    words = {"prod_1": {Locale("de-DE"): {"title": "Hemd"}}}
    row = product_row(subtitle="Fine", metadata={"seo_title": "Buy a shirt"})
    texts = map_product(row, Surroundings(ENGLISH, words=words)).product.texts
    assert (texts[ENGLISH].title, texts[ENGLISH].seo_title) == ("Shirt", "Buy a shirt")
    assert (texts[Locale("de-DE")].title, texts[Locale("de-DE")].subtitle) == ("Hemd", "Fine")
    assert texts[Locale("de-DE")].seo_title == ""


def test_the_thumbnail_comes_first_and_no_picture_twice() -> None:
    images = [
        {"id": "img_1", "url": "https://x.test/1.png", "rank": 1},
        {"id": "img_0", "url": "https://x.test/0.png", "rank": 0, "metadata": {"alt": "Front"}},
    ]
    row = product_row(images=images, thumbnail="https://x.test/1.png")
    assert map_product(row, AROUND).product.media == (
        Media("https://x.test/1.png"),
        Media("https://x.test/0.png", {ENGLISH: "Front"}),
    )


def test_only_pictures_that_tell_variants_apart_are_a_variants_own() -> None:
    images = [{"id": f"img_{n}", "url": f"https://x.test/{n}.png", "rank": n} for n in range(3)]
    first = variant_row(images=[{"id": "img_0"}, {"id": "img_1"}])
    second = variant_row(id="variant_2", images=[{"id": "img_0"}, {"id": "img_2"}])
    product = map_product(product_row(images=images, variants=[first, second]), AROUND).product
    assert [each.media for each in product.variants] == [
        ("https://x.test/1.png",),
        ("https://x.test/2.png",),
    ]


def test_facts_and_chosen_metadata_become_attributes() -> None:
    row = product_row(
        material="Wool",
        weight=Decimal("1.5"),
        type={"value": "Clothing"},
        metadata={"care": ["30°", "no tumbler"], "washable": True, "inner": {"a": 1}},
    )
    wanted = {"care": "Care", "washable": "Washable", "inner": "Inner", "absent": "Absent"}
    product = map_product(row, Surroundings(ENGLISH, attributes=wanted)).product
    assert product.attributes == {
        "material": "Wool",
        "weight": "1.5",
        "type": "Clothing",
        "Care": "30°, no tumbler",
        "Washable": "yes",
    }


def test_categories_come_from_around() -> None:
    around = Surroundings(
        ENGLISH, categories={ProductId("prod_1"): [CategoryId("b"), CategoryId("a")]}
    )
    assert map_product(product_row(), around).product.categories == ("a", "b")


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected"])
def test_whatever_is_not_published_is_a_draft(status: str) -> None:
    product = map_product(product_row(status=status), AROUND).product
    assert product.status is ProductStatus.DRAFT


# ---- stock ----


def link(required: int | None, **levels: tuple[int, int]) -> dict[str, Any]:
    places = [
        {"location_id": place, "stocked_quantity": stocked, "reserved_quantity": reserved}
        for place, (stocked, reserved) in levels.items()
    ]
    return {"required_quantity": required, "inventory": {"location_levels": places}}


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        ([], ()),
        ([link(1, a=(10, 3))], (LocationStock("a", 7),)),
        ([link(3, a=(10, 2), b=(2, 0))], (LocationStock("a", 2), LocationStock("b", 0))),
        ([link(None, a=(4, 0))], (LocationStock("a", 4),)),
        ([link(1, a=(2, 3))], (LocationStock("a", -1),)),
        (
            [link(1, a=(10, 0), b=(5, 0)), link(2, a=(6, 0))],
            (LocationStock("a", 3), LocationStock("b", 0)),
        ),
    ],
    ids=["no item", "reserved", "several needed", "one needed", "oversold", "kit"],
)
def test_stock_by_location(links: list[dict[str, Any]], wanted: tuple[LocationStock, ...]) -> None:
    row = variant_row(manage_inventory=True, allow_backorder=True, inventory_items=links)
    assert map_stock(row) == Stock(True, True, wanted)


def test_what_is_not_managed_never_runs_out() -> None:
    assert map_stock(variant_row(inventory_items=[link(1, a=(0, 0))])) == Stock()


# ---- prices ----


def test_amounts_are_exact_and_currencies_have_their_own_decimals() -> None:
    rows = [
        {"amount": Decimal("19.9"), "currency_code": "eur", "rules": {}},
        {"amount": 500, "currency_code": "jpy", "rules": {}},
        {"amount": Decimal("1.234"), "currency_code": "kwd", "rules": {}},
    ]
    prices, left_out = base_prices(rows, NO_TAX_SAID)
    assert [each.amount for each in prices] == [
        Money(1990, "EUR"),
        Money(500, "JPY"),
        Money(1234, "KWD"),
    ]
    assert left_out == frozenset()


@pytest.mark.parametrize(
    "row",
    [
        {"amount": Decimal("19.999"), "currency_code": "eur", "rules": {}},
        {"amount": 19.99, "currency_code": "eur", "rules": {}},
        {"amount": True, "currency_code": "eur", "rules": {}},
        {"amount": 1, "currency_code": "eur"},
        {"amount": 1, "currency_code": "euro", "rules": {}},
    ],
    ids=["too many decimals", "float", "no number", "rules unknown", "no currency"],
)
def test_a_price_that_cannot_be_read_rejects_its_product(row: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="prod_1"):
        map_product(product_row(variants=[variant_row(prices=[row])]), AROUND)


def test_prices_with_other_rules_than_a_region_are_left_out_and_named() -> None:
    rows = [
        {"amount": 10, "currency_code": "eur", "rules": {}},
        {"amount": 9, "currency_code": "eur", "rules": {"region_id": "reg_1"}},
        {"amount": 1, "currency_code": "eur", "rules": {"customer.groups.id": "g"}},
        {"amount": 2, "currency_code": "eur", "rules": {"region_id": "reg_1", "item_total": "5"}},
    ]
    mapped = map_product(product_row(variants=[variant_row(prices=rows)]), AROUND)
    assert mapped.product.variants[0].prices == (
        Price(Money(1000, "EUR")),
        Price(Money(900, "EUR"), region="reg_1"),
    )
    assert mapped.unknown_rules == {"customer.groups.id", "item_total"}


def test_tax_follows_the_region_for_its_own_rows_and_else_the_currency() -> None:
    tax = tax_preferences(
        [
            {"attribute": "currency_code", "value": "eur", "is_tax_inclusive": True},
            {"attribute": "region_id", "value": "reg_1", "is_tax_inclusive": False},
        ]
    )
    assert tax.included("EUR", None) is True
    assert tax.included("EUR", "reg_1") is False
    assert tax.included("EUR", "reg_2") is True
    assert tax.included("USD", None) is False
    assert NO_TAX_SAID.included("EUR", None) is None


def list_row(**changed: Any) -> dict[str, Any]:
    return {
        "id": "plist_1",
        "type": "sale",
        "status": "active",
        "rules": {},
        "rules_count": 0,
        "starts_at": "2026-11-01T00:00:00.000Z",
        "ends_at": None,
        **changed,
    }


def listed(amount: int, variant: str = "variant_1", **rules: str) -> dict[str, Any]:
    return {
        "id": "price_1",
        "amount": amount,
        "currency_code": "eur",
        "min_quantity": None,
        "max_quantity": None,
        "price_set": {"variant": {"id": variant}},
        "price_rules": [{"attribute": name, "value": value} for name, value in rules.items()],
    }


def test_drafted_lists_are_nobodys_and_lists_with_other_rules_are_named() -> None:
    found = price_lists(
        [
            list_row(status="draft"),
            list_row(id="plist_2", rules={"customer.groups.id": ["g"]}, rules_count=1),
            list_row(
                id="plist_3", type="override", rules={"region_id": ["r2", "r1"]}, rules_count=1
            ),
        ]
    )
    starts_at = datetime(2026, 11, 1, tzinfo=UTC)
    assert found.public == (PriceList("plist_3", True, ("r1", "r2"), starts_at, None),)
    assert found.left_out == {"plist_2": ("customer.groups.id",)}


@pytest.mark.parametrize(
    "row", [list_row(rules_count=1), list_row(rules=None), list_row(type="auction")]
)
def test_a_list_whose_rules_did_not_come_is_refused_as_a_whole(row: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="plist_1"):
        price_lists([row])


def test_the_regions_of_a_list_and_of_its_rows_must_both_fit() -> None:
    price_list = PriceList("plist_1", False, ("r1", "r2"), None, None)
    rows = [listed(10), listed(9, region_id="r2"), listed(8, region_id="r3"), listed(7, x="y")]
    found = list_prices(price_list, rows, NO_TAX_SAID)
    assert [(str(each.amount), each.region) for each in found.prices[VariantId("variant_1")]] == [
        ("10.00 EUR", "r1"),
        ("9.00 EUR", "r2"),
        ("10.00 EUR", "r2"),
    ]
    assert found.left_out == {"x"}


def test_one_bad_price_of_a_list_rejects_its_product_alone() -> None:
    price_list = PriceList("plist_1", False, None, None, None)
    bad = {**listed(0, "variant_1"), "amount": Decimal("0.001")}
    found = list_prices(price_list, [bad, listed(5, "variant_2")], NO_TAX_SAID)
    assert set(found.poison) == {"variant_1"}
    assert found.prices[VariantId("variant_2")][0].amount == Money(500, "EUR")
    with pytest.raises(Rejected, match=r"prod_1.*plist_1"):
        map_product(product_row(), Surroundings(ENGLISH, poison=found.poison))


# ---- malformed ----


@given(
    st.sampled_from(["title", "options", "variants", "images", "sales_channels", "status"]),
    st.sampled_from([None, 7, "text", [None], [{}], {"a": 1}]),
)
def test_a_malformed_product_is_rejected_or_read_and_nothing_else(name: str, value: object) -> None:
    with suppress(Rejected):
        map_product(product_row(**{name: value}), AROUND)


# ---- categories ----


def category_row(id_: str, parent: str | None, rank: int = 0) -> dict[str, Any]:
    flags = {"is_active": True, "is_internal": False}
    return {
        "id": id_,
        "name": id_,
        "handle": id_,
        "parent_category_id": parent,
        "rank": rank,
        **flags,
    }


def test_parents_come_before_children_and_brothers_by_rank() -> None:
    rows = [
        category_row("d", "b"),
        category_row("b", "a", 1),
        category_row("c", "a", 0),
        category_row("a", None),
    ]
    assert [each.id for each in map_categories(rows, {}, ENGLISH)] == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    "rows",
    [
        [category_row("a", "b"), category_row("b", "a")],
        [category_row("a", "missing")],
        [{"id": "a"}],
    ],
)
def test_a_broken_tree_is_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(Rejected):
        map_categories(rows, {}, ENGLISH)
