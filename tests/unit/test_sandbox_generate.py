"""The generated catalogue: deterministic, prefix-stable, and mapped without a reject."""

from __future__ import annotations

import json
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sandbox import generate, mapping, pictures
from connector.model import Locale, Money

SEEDS = st.integers(0, 10**6)
ENGLISH = Locale("en-US")


@given(SEEDS, st.integers(1, 10**6))
@settings(max_examples=200)
def test_a_product_depends_on_seed_and_number_alone(seed: int, number: int) -> None:
    one, again = generate.product(number, seed), generate.product(number, seed)
    assert json.dumps(one) == json.dumps(again)


@given(SEEDS)
@settings(max_examples=20)
def test_a_small_catalogue_is_the_beginning_of_a_larger_one(seed: int) -> None:
    small = list(generate.products(20, seed))
    assert list(islice(generate.products(1_000_000, seed), 20)) == small


@given(SEEDS, st.integers(1, 10**6))
@settings(max_examples=200)
def test_every_product_can_be_mapped_and_sold(seed: int, number: int) -> None:
    doc = generate.product(number, seed)
    product = mapping.product(doc, "http://shop", ENGLISH)
    assert {str(locale) for locale in product.texts} == set(generate.LOCALES)
    assert 1 <= len(product.variants) <= 6
    assert 1 <= len(product.media) <= 3
    currencies = {price.amount.currency for each in product.variants for price in each.prices}
    assert currencies == {"EUR", "USD"}
    assert len({each.sku for each in product.variants}) == len(product.variants)
    assert product.categories[0] in {each["id"] for each in generate.categories()}


def test_the_tree_has_parents_before_children() -> None:
    seen: set[str | None] = {None}
    for category in generate.categories():
        assert category["parent"] in seen
        seen.add(category["id"])
    assert len(seen) == 29


def test_a_known_product_maps_to_exact_values() -> None:
    product = mapping.product(generate.product(5, 1), "http://shop", ENGLISH)
    sale = [p for p in product.variants[0].prices if p.price_list == generate.SALE_LIST]
    usual = product.variants[0].prices[0]
    assert sale[0].amount == Money(usual.amount.amount_minor * 8 // 10, "EUR")
    assert product.media[0].url == "http://shop/media/1/5-0.png"


def test_pictures_are_the_same_for_the_same_name_and_differ_otherwise() -> None:
    assert pictures.png("a") == pictures.png("a")
    assert pictures.png("a") != pictures.png("b")
    assert pictures.png("a").startswith(b"\x89PNG")
    assert "<script" not in pictures.svg("<script>")
