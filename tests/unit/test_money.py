"""Money is exact: it never rounds, never passes through a float, and comes back as it went."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.errors import Rejected
from connector.model import Money, currency_exponent
from connector.testing import strategies as values


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4), ("UYW", 4)],
)
def test_currencies_have_their_own_decimals(currency: str, exponent: int) -> None:
    assert currency_exponent(currency) == exponent


@pytest.mark.parametrize(
    ("major", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("19.9", "EUR", 1990),
        ("19.9900", "EUR", 1999),
        ("-0.01", "EUR", -1),
        ("0", "EUR", 0),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("5E+2", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("-0.005", "KWD", -5),
        ("0.0001", "CLF", 1),
        ("12345678901234567.89", "EUR", 1234567890123456789),
        ("0.07", "USD", 7),
    ],
)
def test_major_units_become_minor_units(major: str, currency: str, minor: int) -> None:
    assert Money.from_major(major, currency) == Money(minor, currency)
    assert Money.from_major(Decimal(major), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("money", "major"),
    [
        (Money(1990, "EUR"), "19.90"),
        (Money(5, "EUR"), "0.05"),
        (Money(-5, "EUR"), "-0.05"),
        (Money(-5, "KWD"), "-0.005"),
        (Money(500, "JPY"), "500"),
        (Money(-500, "JPY"), "-500"),
        (Money(1, "CLF"), "0.0001"),
        (Money(0, "KWD"), "0.000"),
        (Money(12345678901234567890, "EUR"), "123456789012345678.90"),
    ],
)
def test_money_is_written_with_all_its_decimals(money: Money, major: str) -> None:
    assert money.major() == major
    assert str(money) == f"{major} {money.currency}"


@given(values.money)
def test_money_comes_back_as_it_went(money: Money) -> None:
    assert Money.from_major(money.major(), money.currency) == money
    assert Money.from_major(Decimal(money.major()), money.currency) == money


@given(values.money)
def test_the_callers_decimal_context_changes_nothing(money: Money) -> None:
    with localcontext() as context:
        context.prec = 3
        assert Money.from_major(money.major(), money.currency) == money


@given(values.money, st.integers(1, 9))
def test_what_would_need_rounding_is_refused(money: Money, digit: int) -> None:
    point = "" if "." in money.major() else "."
    with pytest.raises(Rejected):
        Money.from_major(f"{money.major()}{point}{digit}", money.currency)


@given(values.money, st.integers(0, 5))
def test_zeros_behind_the_last_decimal_say_nothing(money: Money, zeros: int) -> None:
    point = "" if "." in money.major() else "."
    padded = f"{money.major()}{point}{'0' * zeros}"
    assert Money.from_major(padded, money.currency) == money


@given(st.integers(-(10**20), 10**20), st.sampled_from(["JPY", "KWD", "CLF", "EUR"]))
def test_whole_units_are_taken_as_integers(amount: int, currency: str) -> None:
    expected = amount * 10 ** currency_exponent(currency)
    assert Money.from_major(amount, currency).amount_minor == expected


@given(st.floats())
def test_floats_are_refused(amount: float) -> None:
    with pytest.raises(Rejected):
        Money.from_major(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "amount", ["", "abc", "1,99", "NaN", "sNaN", "Infinity", "1 2", "1e999999"]
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(Rejected):
        Money.from_major(amount, "EUR")


@given(st.text(max_size=12))
def test_any_text_gives_money_or_rejected(text: str) -> None:
    try:
        money = Money.from_major(text, "EUR")
    except Rejected:
        return
    assert Decimal(money.major()) == Decimal(text)


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "E1R", "ÄÖÜ", "€€€", "EUR "])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(Rejected):
        Money(1, currency)


@given(values.money, values.money)
def test_only_one_currency_can_be_equal(one: Money, other: Money) -> None:
    assume(one.currency != other.currency)
    assert one != other
