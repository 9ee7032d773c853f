"""What a variant costs: exact values, laws, and a slow second opinion on every quantity."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.errors import Rejected
from connector.model import Locale, MarketName, Money, Price
from connector.sync.prices import Step, next_price_change, price_steps
from connector.sync.rules import Market
from connector.testing import strategies

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = Market(MarketName("home"), Locale("en-GB"), "EUR", region="region_eu")
ROWS = st.lists(strategies.prices("EUR"), max_size=5)
MOMENTS = strategies.moments
MARKETS = st.sampled_from(
    [
        HOME,
        replace(HOME, region=None),
        replace(HOME, region="elsewhere"),
        replace(HOME, price_lists=frozenset()),
        replace(HOME, price_lists=frozenset({"list_vip"})),
    ]
)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def usual(minor: int = 2000) -> Price:
    return Price(euros(minor))


def sale(minor: int) -> Price:
    return Price(euros(minor), price_list="list_sale")


def only(*rows: Price, market: Market = HOME, now: datetime = NOW) -> Step:
    (step,) = price_steps(rows, market, now)
    return step


def price_of(steps: Sequence[Step], quantity: int) -> Step | None:
    """What a shopper of a page pays for so many: the last step that begins by then."""
    begun = [step for step in steps if step.min_quantity <= quantity]
    return begun[-1] if begun else None


# ---- a second opinion, by one quantity at a time ----


def counts(row: Price, market: Market, now: datetime, quantity: int) -> bool:
    listed = row.price_list is None or market.price_lists is None
    return all(
        [
            row.amount.currency == market.currency,
            row.region is None or row.region == market.region,
            listed or row.price_list in (market.price_lists or ()),
            row.starts_at is None or now >= row.starts_at,
            row.ends_at is None or now < row.ends_at,
            quantity >= row.min_quantity,
            row.max_quantity is None or quantity <= row.max_quantity,
        ]
    )


def cheapest(rows: Sequence[Price]) -> list[Price]:
    """Of the rows made for a region, else of all: those that cost least."""
    rows = [row for row in rows if row.region is not None] or list(rows)
    least = min((row.amount.amount_minor for row in rows), default=None)
    return [row for row in rows if row.amount.amount_minor == least]


def asked(rows: Sequence[Price], market: Market, now: datetime, quantity: int) -> set[int]:
    """Every amount that the rules allow for this quantity (they leave some ties open)."""
    fit = [row for row in rows if counts(row, market, now, quantity)]
    plain = cheapest([row for row in fit if row.price_list is None])
    listed = cheapest([row for row in fit if row.price_list is not None])
    amounts = {row.amount.amount_minor for row in listed if row.overrides}
    if not listed or any(not row.overrides for row in listed):
        lowest = [row.amount.amount_minor for row in (*plain, *listed)]
        amounts |= {min(lowest)} if lowest else set()
    return amounts


@given(ROWS, MARKETS, MOMENTS)
def test_every_quantity_costs_what_the_rules_say(
    rows: list[Price], market: Market, now: datetime
) -> None:
    steps = price_steps(rows, market, now)
    for quantity in range(1, 45):
        allowed = asked(rows, market, now, quantity)
        step = price_of(steps, quantity)
        if allowed:
            assert step is not None
            assert step.amount.amount_minor in allowed
        elif all(not asked(rows, market, now, below) for below in range(1, quantity)):
            assert step is None


@given(ROWS, MARKETS, MOMENTS)
def test_steps_rise_and_neighbours_differ(rows: list[Price], market: Market, now: datetime) -> None:
    steps = price_steps(rows, market, now)
    starts = [step.min_quantity for step in steps]
    assert starts == sorted(set(starts))
    assert all(start >= 1 for start in starts)
    for one, other in pairwise(steps):
        gap = any(
            not asked(rows, market, now, quantity)
            for quantity in range(one.min_quantity, other.min_quantity)
        )
        assert gap or replace(one, min_quantity=0) != replace(other, min_quantity=0)


@given(ROWS, MARKETS, MOMENTS, st.randoms())
def test_the_order_of_rows_means_nothing(
    rows: list[Price], market: Market, now: datetime, dice: random.Random
) -> None:
    shuffled = list(rows)
    dice.shuffle(shuffled)
    assert price_steps(shuffled, market, now) == price_steps(rows, market, now)


@given(ROWS, MOMENTS, strategies.asked)
def test_a_sale_that_does_not_override_never_makes_a_thing_dearer(
    rows: list[Price], now: datetime, minor: int
) -> None:
    rows = [replace(row, overrides=False) for row in rows]
    before = price_steps([usual(), *rows], HOME, now)
    after = price_steps([usual(), *rows, sale(minor)], HOME, now)
    for quantity in range(1, 45):
        one, other = price_of(before, quantity), price_of(after, quantity)
        assert one is not None
        assert other is not None
        if not any(row.price_list and row.region is None for row in rows):
            assert other.amount <= one.amount
        assert other.amount <= usual().amount or any(row.region for row in rows)


@given(ROWS, MOMENTS)
def test_a_crossed_out_price_is_always_above_what_is_asked(
    rows: list[Price], now: datetime
) -> None:
    for step in price_steps(rows, HOME, now):
        assert step.compare_at is None or step.compare_at > step.amount


@given(ROWS, MARKETS, MOMENTS, st.integers(0, 10**6))
def test_between_now_and_the_next_change_nothing_changes(
    rows: list[Price], market: Market, now: datetime, later: int
) -> None:
    change = next_price_change(rows, [market], now)
    moment = now + timedelta(seconds=later)
    if change is not None and moment >= change:
        moment = change - timedelta(microseconds=1)
    assert price_steps(rows, market, moment) == price_steps(rows, market, now)


@given(ROWS, MARKETS, MOMENTS)
def test_the_next_change_lies_ahead_and_the_last_one_is_the_end(
    rows: list[Price], market: Market, now: datetime
) -> None:
    seen = 0
    change = next_price_change(rows, [market], now)
    while change is not None:
        seen += 1
        following = next_price_change(rows, [market], change)
        assert following is None or following > change
        assert change > now
        change = following
    assert seen <= 2 * len(rows)


@given(st.lists(strategies.prices(), max_size=6), MOMENTS)
def test_another_currency_never_counts(rows: list[Price], now: datetime) -> None:
    steps = price_steps(rows, HOME, now)
    assert all(step.amount.currency == "EUR" for step in steps)
    assert steps == price_steps([r for r in rows if r.amount.currency == "EUR"], HOME, now)


# ---- exact values ----


def test_the_lowest_sale_wins_and_the_usual_price_is_crossed_out() -> None:
    step = only(usual(), sale(1800), sale(1500), sale(1900))
    assert (step.amount, step.compare_at, step.price_list) == (
        euros(1500),
        euros(2000),
        "list_sale",
    )


def test_a_dearer_sale_is_no_sale() -> None:
    step = only(usual(), sale(2500))
    assert (step.amount, step.compare_at, step.price_list) == (euros(2000), None, None)


def test_an_equal_sale_is_no_sale() -> None:
    assert only(usual(), sale(2000)).price_list is None


def test_a_list_that_overrides_goes_first_even_when_it_is_dearer() -> None:
    step = only(usual(), replace(sale(2500), overrides=True))
    assert (step.amount, step.compare_at, step.price_list) == (euros(2500), None, "list_sale")


def test_a_row_made_for_the_region_goes_before_a_cheaper_general_one() -> None:
    assert only(usual(), replace(usual(2500), region="region_eu")).amount == euros(2500)
    assert only(usual(), replace(usual(2500), region="region_us")).amount == euros(2000)
    elsewhere = replace(HOME, region=None)
    assert only(usual(), replace(usual(2500), region="region_eu"), market=elsewhere).amount == (
        euros(2000)
    )


def test_only_the_price_lists_of_the_market_count() -> None:
    rows = (usual(), sale(1500))
    assert only(*rows, market=replace(HOME, price_lists=frozenset())).amount == euros(2000)
    assert only(*rows, market=replace(HOME, price_lists=frozenset({"list_sale"}))).amount == (
        euros(1500)
    )


def test_a_price_holds_from_its_first_moment_to_just_before_its_last() -> None:
    timed = replace(sale(1500), starts_at=NOW, ends_at=NOW + HOUR)
    tick = timedelta(microseconds=1)
    for moment, amount in [
        (NOW - tick, 2000),
        (NOW, 1500),
        (NOW + HOUR - tick, 1500),
        (NOW + HOUR, 2000),
    ]:
        assert only(usual(), timed, now=moment).amount == euros(amount)
    assert only(usual(), timed).valid_until == NOW + HOUR
    assert next_price_change([timed], [HOME], NOW - tick) == NOW
    assert next_price_change([timed], [HOME], NOW) == NOW + HOUR
    assert next_price_change([timed], [HOME], NOW + HOUR) is None


def test_a_price_of_no_market_makes_nothing_due() -> None:
    timed = replace(sale(1500), starts_at=NOW + HOUR)
    assert next_price_change([timed], [replace(HOME, currency="USD")], NOW) is None
    assert next_price_change([timed], [replace(HOME, price_lists=frozenset())], NOW) is None
    assert next_price_change([timed], [], NOW) is None
    assert next_price_change([timed], [replace(HOME, currency="USD"), HOME], NOW) == NOW + HOUR


def test_quantities_step_down_and_equal_neighbours_are_one() -> None:
    rows = [
        replace(usual(2000), max_quantity=9),
        replace(usual(1800), min_quantity=10, max_quantity=19),
        replace(usual(1800), min_quantity=20, max_quantity=49),
        replace(usual(1500), min_quantity=50),
    ]
    steps = price_steps(rows, HOME, NOW)
    assert [(s.min_quantity, s.amount.amount_minor) for s in steps] == [
        (1, 2000),
        (10, 1800),
        (50, 1500),
    ]


def test_a_sale_for_a_few_ends_where_its_quantities_end() -> None:
    rows = [usual(), replace(sale(1500), min_quantity=3, max_quantity=5)]
    steps = price_steps(rows, HOME, NOW)
    assert [(s.min_quantity, s.amount.amount_minor) for s in steps] == [
        (1, 2000),
        (3, 1500),
        (6, 2000),
    ]


def test_what_is_sold_from_ten_on_only_has_no_price_below() -> None:
    (step,) = price_steps([replace(usual(), min_quantity=10)], HOME, NOW)
    assert step.min_quantity == 10


def test_a_row_for_no_quantity_at_all_counts_for_none() -> None:
    nothing = replace(usual(1), min_quantity=0, max_quantity=0)
    assert only(usual(), nothing).amount == euros(2000)
    assert price_steps([nothing], HOME, NOW) == ()


def test_nothing_to_ask_is_not_sold() -> None:
    assert price_steps([], HOME, NOW) == ()
    assert price_steps([Price(Money(5, "USD"))], HOME, NOW) == ()


def test_a_gift_costs_nothing_and_a_price_below_zero_is_refused() -> None:
    assert only(usual(0)).amount == euros(0)
    with pytest.raises(Rejected, match="below zero"):
        price_steps([usual(-1)], HOME, NOW)


def test_the_backends_own_compare_price_is_kept_when_it_is_higher() -> None:
    assert only(replace(usual(), compare_at=euros(3000))).compare_at == euros(3000)
    assert only(replace(usual(), compare_at=euros(2000))).compare_at is None
    assert only(replace(usual(), compare_at=euros(100))).compare_at is None
    assert only(replace(usual(), compare_at=Money(3000, "USD"))).compare_at is None
    assert only(usual(), replace(sale(1500), compare_at=euros(2200))).compare_at == euros(2200)


def test_tax_is_what_the_winning_row_says() -> None:
    assert only(replace(usual(), tax_included=True)).tax_included is True
    assert only(usual()).tax_included is None
    assert only(usual(), replace(sale(1), tax_included=False)).tax_included is False


@given(ROWS, MOMENTS)
def test_all_rows_over_means_not_sold(rows: list[Price], now: datetime) -> None:
    ended = [replace(row, starts_at=None, ends_at=now) for row in rows]
    assume(rows)
    assert price_steps(ended, HOME, now) == ()
