"""Hashes of plain values depend on the value alone; values are frozen."""

from __future__ import annotations

import json
import random
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import JsonValue, Money, Subject, SubjectKind, hash_value
from connector.testing import generate
from connector.testing import strategies as values


def test_the_hash_of_a_value_never_changes() -> None:
    """Mirrors of earlier versions hold these: another hash would write every page anew."""
    assert hash_value("") == "12ae32cb1ec02d01"
    assert hash_value(None) == "74234e98afe7498f"
    assert hash_value(True) == "b5bea41b6c623f7c"
    assert hash_value([]) == "4f53cda18c2baa0c"
    assert hash_value({"b": [1, "ü"], "a": None}) == "e6079cc869da30fa"


@given(values.json_values)
def test_a_hash_is_sixteen_hex_digits(value: JsonValue) -> None:
    text = hash_value(value)
    assert len(text) == 16
    assert set(text) <= set("0123456789abcdef")


@given(values.json_values)
def test_a_value_that_went_through_json_hashes_the_same(value: JsonValue) -> None:
    assert hash_value(json.loads(json.dumps(value))) == hash_value(value)


@given(st.dictionaries(values.words, values.json_values, max_size=6), st.randoms())
def test_the_order_of_keys_says_nothing(value: dict[str, JsonValue], chance: random.Random) -> None:
    keys = list(value)
    chance.shuffle(keys)
    assert hash_value({key: value[key] for key in keys}) == hash_value(value)


@given(values.json_values, values.json_values)
def test_equal_hashes_mean_equal_values(one: JsonValue, other: JsonValue) -> None:
    written = [json.dumps(each, sort_keys=True) for each in (one, other)]
    assert (hash_value(one) == hash_value(other)) == (written[0] == written[1])


@given(st.lists(values.words, min_size=2, max_size=4, unique=True))
def test_the_order_of_a_list_is_part_of_it(rows: list[str]) -> None:
    assert hash_value([*rows]) != hash_value([*reversed(rows)])


def test_numbers_text_and_truth_are_apart() -> None:
    apart: list[JsonValue] = [1, "1", True, "true", None, "null", [1]]
    assert len({hash_value(each) for each in apart}) == 7


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Money(1, "EUR").amount_minor = 2  # type: ignore[misc]


def test_a_subject_says_what_it_is() -> None:
    assert str(Subject(SubjectKind.PRODUCT, "prod_1")) == "product prod_1"


def test_examples_are_the_same_every_time() -> None:
    assert generate.product(7) == generate.product(7)
    assert generate.product(7) != generate.product(8)
    assert generate.retitled(generate.product(7), "New").texts[generate.ENGLISH].title == "New"
