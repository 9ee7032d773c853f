"""Prices by the rules of sync.prices' docstring: steps against an oracle, exact values, schedules.

The oracle reads one quantity at a time and knows the rules as sentences.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Rejected
from connector.model import Locale, MarketName, Money, Price
from connector.sync.prices import Step, next_price_change, price_steps
from connector.sync.rules import Market
from connector.testing import strategies as values

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
EUROPE = Market(MarketName("europe"), Locale("de-DE"), "EUR", region="region_eu")
AMERICA = Market(MarketName("america"), Locale("en-US"), "USD", region="region_us")
MARKETS = (
    EUROPE,
    AMERICA,
    replace(EUROPE, region=None),
    replace(EUROPE, price_lists=frozenset()),
    replace(EUROPE, price_lists=frozenset({"list_vip"})),
)
QUANTITIES = range(1, 45)

markets = st.sampled_from(MARKETS)
moments = values.moments
rows_of_any = st.lists(values.prices(), max_size=5)
few_amounts = st.builds(
    lambda row, minor: replace(row, amount=Money(minor, "EUR")),
    values.prices("EUR"),
    st.integers(0, 4),
)
"""Rows of few amounts, so that equals meet."""
euro_rows = st.lists(values.prices("EUR") | few_amounts, max_size=6)


def row(minor: int, price_list: str | None = None, region: str | None = None) -> Price:
    return Price(Money(minor, "EUR"), price_list=price_list, region=region)


def sale(minor: int, region: str | None = None) -> Price:
    return row(minor, "list_sale", region)


def step_at(steps: Iterable[Step], quantity: int) -> Step | None:
    begun = [step for step in steps if step.min_quantity <= quantity]
    return max(begun, key=lambda step: step.min_quantity, default=None)


def asked(rows: Sequence[Price], market: Market = EUROPE, now: datetime = NOW) -> list[int]:
    return [step.amount.amount_minor for step in price_steps(rows, market, now)]


# ---- the oracle: one quantity at a time ----


def speaks(price: Price, market: Market, now: datetime) -> bool:
    """Whether a row is of this currency, region, price list and time."""
    if price.amount.currency != market.currency:
        return False
    if price.region is not None and price.region != market.region:
        return False
    named = market.price_lists
    if price.price_list is not None and named is not None and price.price_list not in named:
        return False
    begun = price.starts_at is None or now >= price.starts_at
    ended = price.ends_at is not None and now >= price.ends_at
    return begun and not ended


def fits(price: Price, quantity: int) -> bool:
    upper = quantity if price.max_quantity is None else price.max_quantity
    return price.min_quantity <= quantity <= upper


def best(rows: list[Price]) -> list[Price]:
    """The rows that may be chosen: the lowest of those for the region, else of the general."""
    for group in ([r for r in rows if r.region], [r for r in rows if not r.region]):
        if group:
            lowest = min(r.amount for r in group)
            return [r for r in group if r.amount == lowest]
    return []


def allowed(rows: list[Price]) -> list[Price]:
    """Every row that the rules let win among rows that fit; more than one only between equals."""
    plain = best([r for r in rows if r.price_list is None])
    winners: list[Price] = []
    listed = best([r for r in rows if r.price_list is not None])
    for candidate in listed:
        if candidate.overrides or not plain or candidate.amount < plain[0].amount:
            winners.append(candidate)
        elif candidate.amount == plain[0].amount:
            winners += [candidate, *plain]
        else:
            winners += plain
    return winners if listed else plain


def fitting(rows: list[Price], market: Market, now: datetime, quantity: int) -> list[Price]:
    return [r for r in rows if speaks(r, market, now) and fits(r, quantity)]


def is_of(step: Step, winner: Price) -> bool:
    """Whether a step says what a row says."""
    return (step.amount, step.price_list, step.tax_included, step.valid_until) == (
        winner.amount,
        winner.price_list,
        winner.tax_included,
        winner.ends_at,
    )


@given(euro_rows, markets, moments)
def test_each_quantity_has_the_price_that_the_oracle_finds(
    rows: list[Price], market: Market, now: datetime
) -> None:
    steps = price_steps(rows, market, now)
    for quantity in QUANTITIES:
        winners = allowed(fitting(rows, market, now, quantity))
        step = step_at(steps, quantity)
        if winners:
            assert step is not None
            assert any(is_of(step, winner) for winner in winners)


@given(euro_rows, markets, moments)
def test_a_step_begins_only_at_a_quantity_that_is_sold(
    rows: list[Price], market: Market, now: datetime
) -> None:
    for step in price_steps(rows, market, now):
        assert fitting(rows, market, now, step.min_quantity)


@given(rows_of_any, markets, moments)
def test_rows_that_do_not_speak_to_the_market_change_nothing(
    rows: list[Price], market: Market, now: datetime
) -> None:
    speaking = [r for r in rows if speaks(r, market, now)]
    assert price_steps(rows, market, now) == price_steps(speaking, market, now)


@given(euro_rows, markets, moments)
def test_steps_rise_and_neighbours_differ(rows: list[Price], market: Market, now: datetime) -> None:
    for one, other in pairwise(price_steps(rows, market, now)):
        assert 1 <= one.min_quantity < other.min_quantity
        between_them = range(one.min_quantity, other.min_quantity)
        gap = any(not fitting(rows, market, now, quantity) for quantity in between_them)
        assert gap or replace(one, min_quantity=0) != replace(other, min_quantity=0)


@given(rows_of_any, markets, moments, st.randoms())
def test_the_order_of_rows_means_nothing(
    rows: list[Price], market: Market, now: datetime, dice: random.Random
) -> None:
    shuffled = list(rows)
    dice.shuffle(shuffled)
    assert price_steps(shuffled, market, now) == price_steps(rows, market, now)


def test_nothing_to_ask_is_not_sold() -> None:
    assert asked([]) == []
    assert asked([Price(Money(5, "USD"))]) == []
    assert asked([row(0)]) == [0]


# ---- sales ----


@given(euro_rows, moments)
def test_a_crossed_out_price_is_always_above_what_is_asked(
    rows: list[Price], now: datetime
) -> None:
    for step in price_steps(rows, EUROPE, now):
        assert step.compare_at is None or step.compare_at > step.amount


def test_the_lowest_sale_wins_and_a_dearer_or_equal_one_is_none() -> None:
    (step,) = price_steps([row(2000), sale(1800), sale(1500), sale(1900)], EUROPE, NOW)
    assert (step.amount, step.compare_at) == (Money(1500, "EUR"), Money(2000, "EUR"))
    for no_sale in (2000, 2500):
        (step,) = price_steps([row(2000), sale(no_sale)], EUROPE, NOW)
        assert step == Step(1, Money(2000, "EUR"), None, None, None, None)


def test_a_list_that_overrides_goes_first_even_when_it_is_dearer() -> None:
    (step,) = price_steps([row(2000), replace(sale(2500), overrides=True)], EUROPE, NOW)
    assert step == Step(1, Money(2500, "EUR"), None, "list_sale", None, None)


def test_the_backends_own_compare_price_is_kept_when_it_is_higher() -> None:
    def crossed_out(*rows: Price) -> Money | None:
        (step,) = price_steps(rows, EUROPE, NOW)
        return step.compare_at

    def beside(minor: int, currency: str = "EUR") -> Price:
        return replace(row(2000), compare_at=Money(minor, currency))

    assert crossed_out(beside(3000)) == Money(3000, "EUR")
    assert crossed_out(beside(2000)) is None
    assert crossed_out(beside(100)) is None
    assert crossed_out(beside(3000, "USD")) is None
    of_the_sale = replace(sale(1500), compare_at=Money(2200, "EUR"))
    assert crossed_out(row(2000), of_the_sale) == Money(2200, "EUR")


def test_tax_is_what_the_winning_row_says() -> None:
    def tax(*rows: Price) -> bool | None:
        (step,) = price_steps(rows, EUROPE, NOW)
        return step.tax_included

    assert tax(replace(row(2000), tax_included=True)) is True
    assert tax(row(2000)) is None
    assert tax(row(2000), replace(sale(1), tax_included=False)) is False


@given(euro_rows, markets, moments)
def test_sale_lists_never_make_a_thing_dearer(
    rows: list[Price], market: Market, now: datetime
) -> None:
    rows = [replace(r, overrides=False) for r in rows]
    without = [r for r in rows if r.price_list is None]
    for quantity in QUANTITIES:
        if not fitting(without, market, now, quantity):
            continue
        usual = step_at(price_steps(without, market, now), quantity)
        on_sale = step_at(price_steps(rows, market, now), quantity)
        assert usual is not None
        assert on_sale is not None
        assert on_sale.amount <= usual.amount


@given(euro_rows, moments, values.asked)
def test_an_overriding_list_for_the_region_is_the_price_whatever_else_is_asked(
    rows: list[Price], now: datetime, minor: int
) -> None:
    plain = [r for r in rows if r.price_list is None]
    override = replace(sale(minor, "region_eu"), overrides=True)
    (step,) = price_steps([*plain, override], EUROPE, now)
    assert (step.min_quantity, step.amount, step.price_list) == (
        1,
        override.amount,
        "list_sale",
    )


def test_a_sale_crosses_out_the_usual_price_and_an_override_does_not() -> None:
    (lower,) = price_steps([row(2000), sale(1500)], EUROPE, NOW)
    assert lower == Step(1, Money(1500, "EUR"), Money(2000, "EUR"), "list_sale", None, None)
    over = replace(sale(1500), overrides=True)
    (override,) = price_steps([row(2000), over], EUROPE, NOW)
    assert override == Step(1, Money(1500, "EUR"), None, "list_sale", None, None)


def test_a_sale_without_a_usual_price_is_the_price_and_crosses_out_nothing() -> None:
    (step,) = price_steps([sale(1500)], EUROPE, NOW)
    assert step == Step(1, Money(1500, "EUR"), None, "list_sale", None, None)


def test_a_lower_list_wins_over_a_dearer_list_that_overrides() -> None:
    over = replace(row(1800, "list_vip"), overrides=True)
    assert asked([row(2000), sale(1500), over]) == [1500]
    assert asked([row(1000), sale(1900), over]) == [1800]


# ---- regions ----


def test_regional_goes_before_general_among_ordinary_rows_and_among_lists() -> None:
    assert asked([row(1000), row(1500, region="region_eu")]) == [1500]
    assert asked([row(2000), sale(800), sale(900, "region_eu")]) == [900]


def test_a_general_sale_is_held_against_the_regional_price() -> None:
    regional = row(1500, region="region_eu")
    assert asked([row(1000), regional, sale(1200)]) == [1200]
    assert asked([row(1000), regional, sale(1600)]) == [1500]


def test_a_regional_row_for_many_leaves_the_general_one_to_the_few() -> None:
    many = replace(row(1900, region="region_eu"), min_quantity=10)
    steps = price_steps([row(2000), row(1000), many], EUROPE, NOW)
    assert [(s.min_quantity, s.amount.amount_minor) for s in steps] == [(1, 1000), (10, 1900)]


def test_other_currencies_regions_and_lists_are_not_seen() -> None:
    market = replace(EUROPE, price_lists=frozenset({"list_vip"}))
    strange = [Price(Money(1, "USD")), row(1, region="region_us"), sale(1)]
    assert asked(strange, market) == []
    assert asked([*strange, row(2000)], market) == [2000]
    assert asked([*strange, row(2000), row(1700, "list_vip")], market) == [1700]


# ---- quantities ----


def test_a_row_holds_up_to_its_last_quantity_itself() -> None:
    exactly_five = replace(row(1000), min_quantity=5, max_quantity=5)
    steps = price_steps([row(2000), exactly_five], EUROPE, NOW)
    assert [(s.min_quantity, s.amount.amount_minor) for s in steps] == [
        (1, 2000),
        (5, 1000),
        (6, 2000),
    ]


def test_quantities_step_down_and_equal_neighbours_are_one() -> None:
    rows = [
        replace(row(2000), max_quantity=9),
        replace(row(1800), min_quantity=10, max_quantity=19),
        replace(row(1800), min_quantity=20, max_quantity=49),
        replace(row(1500), min_quantity=50),
    ]
    steps = price_steps(rows, EUROPE, NOW)
    assert [(s.min_quantity, s.amount.amount_minor) for s in steps] == [
        (1, 2000),
        (10, 1800),
        (50, 1500),
    ]


def test_what_is_sold_from_ten_on_only_has_no_price_below() -> None:
    (step,) = price_steps([replace(row(2000), min_quantity=10)], EUROPE, NOW)
    assert step.min_quantity == 10


def test_a_row_for_no_quantity_at_all_counts_for_none() -> None:
    nothing = replace(row(1), min_quantity=0, max_quantity=0)
    assert asked([row(2000), nothing]) == [2000]
    assert asked([nothing]) == []


# ---- below zero ----


def test_a_price_below_zero_is_rejected_and_named() -> None:
    with pytest.raises(Rejected, match=r"-0\.01 EUR is below zero"):
        price_steps([row(-1)], EUROPE, NOW)
    with pytest.raises(Rejected, match=r"-5\.00 EUR"):
        price_steps([row(2000), sale(-500)], EUROPE, NOW)


def test_a_price_below_zero_for_many_rejects_the_price_for_one_too() -> None:
    with pytest.raises(Rejected):
        price_steps([row(2000), replace(row(-1), min_quantity=30)], EUROPE, NOW)


def test_a_price_below_zero_that_does_not_hold_here_harms_nothing() -> None:
    elsewhere = [
        Price(Money(-1, "USD")),
        row(-1, region="region_us"),
        replace(row(-1), starts_at=NOW + TICK),
        replace(row(-1), ends_at=NOW),
    ]
    assert asked([row(2000), *elsewhere]) == [2000]


# ---- schedules ----


def change_points(rows: list[Price], market: Market) -> list[datetime]:
    """Every moment that next_price_change tells of, from before the first on."""
    found: list[datetime] = []
    change = next_price_change(rows, [market], datetime(1970, 1, 1, tzinfo=UTC))
    while change is not None:
        assert not found or change > found[-1]
        found.append(change)
        change = next_price_change(rows, [market], change)
    return found


def between(start: datetime, end: datetime, share: float) -> datetime:
    """A moment at or after the start and before the end."""
    return min(start + (end - start) * share, end - TICK)


@given(euro_rows, markets, st.floats(0, 1), st.floats(0, 1))
def test_any_two_moments_between_two_scheduled_ones_have_equal_steps(
    rows: list[Price], market: Market, one: float, other: float
) -> None:
    far = timedelta(days=365)
    points = change_points(rows, market) or [NOW]
    for start, end in pairwise([points[0] - far, *points, points[-1] + far]):
        early, late = between(start, end, one), between(start, end, other)
        assert price_steps(rows, market, early) == price_steps(rows, market, late)


@given(euro_rows, markets, moments)
def test_the_next_change_is_the_earliest_start_or_end_ahead(
    rows: list[Price], market: Market, now: datetime
) -> None:
    ever = [replace(r, starts_at=None, ends_at=None) for r in rows]
    wanted = [r for r, free in zip(rows, ever, strict=True) if speaks(free, market, now)]
    ahead = [m for r in wanted for m in (r.starts_at, r.ends_at) if m is not None and m > now]
    assert next_price_change(rows, [market], now) == (min(ahead) if ahead else None)


@given(rows_of_any, moments)
def test_several_markets_change_when_the_first_of_them_does(
    rows: list[Price], now: datetime
) -> None:
    alone = [next_price_change(rows, [market], now) for market in MARKETS]
    known = [moment for moment in alone if moment is not None]
    assert next_price_change(rows, MARKETS, now) == (min(known) if known else None)


def test_a_sale_of_two_hours_is_followed_from_before_to_after() -> None:
    rows = [row(2000), replace(sale(1500), starts_at=NOW + HOUR, ends_at=NOW + 3 * HOUR)]
    assert change_points(rows, EUROPE) == [NOW + HOUR, NOW + 3 * HOUR]
    seen = [asked(rows, now=NOW + hours * HOUR) for hours in range(5)]
    assert seen == [[2000], [1500], [1500], [2000], [2000]]
    assert asked(rows, now=NOW + HOUR - TICK) == [2000]
    assert asked(rows, now=NOW + 3 * HOUR - TICK) == [1500]


def test_valid_until_is_the_end_of_the_row_that_won() -> None:
    ending = replace(sale(1500), ends_at=NOW + HOUR)
    dearer = replace(sale(2500), ends_at=NOW + HOUR)
    (won,) = price_steps([row(2000), ending], EUROPE, NOW)
    (lost,) = price_steps([row(2000), dearer], EUROPE, NOW)
    assert (won.valid_until, lost.valid_until) == (NOW + HOUR, None)


def test_prices_without_a_schedule_never_change() -> None:
    assert next_price_change([row(2000), sale(1500)], MARKETS, NOW) is None
    assert next_price_change([], MARKETS, NOW) is None


def test_a_price_of_no_market_makes_nothing_due() -> None:
    timed = replace(sale(1500), starts_at=NOW + HOUR)
    without_lists = replace(EUROPE, price_lists=frozenset())
    assert next_price_change([timed], [AMERICA], NOW) is None
    assert next_price_change([timed], [without_lists], NOW) is None
    assert next_price_change([timed], [], NOW) is None
    assert next_price_change([timed], [AMERICA, EUROPE], NOW) == NOW + HOUR
