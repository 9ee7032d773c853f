"""What a variant costs in a market at a moment, from all its price rows; and when that changes.

Pure. The rules: rows of another currency, region, price list or time do not count. Of the ordinary
rows one made for the region goes before a general one, then the lowest. Of the price lists' rows
likewise; if the one so found overrides, it is the price, else the lower of it and the ordinary one,
so that a sale never makes a thing dearer. (What Medusa 2.21 was measured to ask; backends with
plainer rules agree.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.errors import Rejected
from connector.model import Money, Price
from connector.sync.rules import Market


@dataclass(frozen=True, slots=True)
class Step:
    """The price from a quantity on."""

    min_quantity: int
    amount: Money
    compare_at: Money | None
    price_list: str | None
    tax_included: bool | None
    valid_until: datetime | None


def price_steps(prices: Sequence[Price], market: Market, now: datetime) -> tuple[Step, ...]:
    """The variant's price by quantity, lowest quantity first; empty: not sold in this market.

    Neighbouring quantities of equal price are one step. Raises Rejected for a negative price.
    """
    rows = [row for row in prices if _counts(row, market) and _holds(row, now)]
    steps: list[Step] = []
    sold = True
    for quantity in _breakpoints(rows):
        step = _step(rows, quantity)
        if step is None:
            sold = False
        elif not sold or not steps or not _same_price(steps[-1], step):
            steps.append(step)
            sold = True
    return tuple(steps)


def next_price_change(
    prices: Iterable[Price], markets: Iterable[Market], now: datetime
) -> datetime | None:
    """The next moment at which a price of these markets starts or ends by schedule."""
    wanted = tuple(markets)
    moments = [
        moment
        for row in prices
        if any(_counts(row, market) for market in wanted)
        for moment in (row.starts_at, row.ends_at)
        if moment is not None and moment > now
    ]
    return min(moments, default=None)


def _counts(row: Price, market: Market) -> bool:
    return (
        row.amount.currency == market.currency
        and row.region in (None, market.region)
        and (
            row.price_list is None
            or market.price_lists is None
            or row.price_list in market.price_lists
        )
    )


def _holds(row: Price, now: datetime) -> bool:
    return (row.starts_at is None or row.starts_at <= now) and (
        row.ends_at is None or now < row.ends_at
    )


def _breakpoints(rows: Iterable[Price]) -> list[int]:
    found = {max(row.min_quantity, 1) for row in rows}
    found |= {row.max_quantity + 1 for row in rows if row.max_quantity is not None}
    return sorted(found)


def _step(rows: Sequence[Price], quantity: int) -> Step | None:
    fit = [
        row
        for row in rows
        if row.min_quantity <= quantity
        and (row.max_quantity is None or row.max_quantity >= quantity)
    ]
    base = _best([row for row in fit if row.price_list is None])
    listed = _best([row for row in fit if row.price_list is not None])
    winner = _winner(base, listed)
    if winner is None:
        return None
    if winner.amount.amount_minor < 0:
        raise Rejected(f"a price of {winner.amount} is below zero; mend it in the backend")
    return Step(
        min_quantity=quantity,
        amount=winner.amount,
        compare_at=_compare_at(winner, base),
        price_list=winner.price_list,
        tax_included=winner.tax_included,
        valid_until=winner.ends_at,
    )


def _rank(row: Price) -> tuple[int, str, bool, str]:
    """By amount; the rest only decides between equals, so that the rows' order never does."""
    rest = f"{row.ends_at} {row.compare_at} {row.tax_included}"
    return row.amount.amount_minor, row.price_list or "", not row.overrides, rest


def _best(rows: Sequence[Price]) -> Price | None:
    """Rows made for the region before general ones; of those the lowest."""
    if len(rows) < 2:
        return rows[0] if rows else None
    regional = [row for row in rows if row.region is not None]
    return min(regional or rows, key=_rank, default=None)


def _winner(base: Price | None, listed: Price | None) -> Price | None:
    if base is None or listed is None:
        return listed or base
    return listed if listed.overrides else min(listed, base, key=_rank)


def _compare_at(winner: Price, base: Price | None) -> Money | None:
    """The crossed-out price: the backend's own, or what the thing costs without the sale."""
    struck = winner.compare_at
    if struck is None and base is not None and winner.price_list is not None:
        struck = None if winner.overrides else base.amount
    if struck is None or struck.currency != winner.amount.currency or struck <= winner.amount:
        return None
    return struck


def _same_price(one: Step, other: Step) -> bool:
    return (one.amount, one.compare_at, one.price_list, one.tax_included, one.valid_until) == (
        other.amount,
        other.compare_at,
        other.price_list,
        other.tax_included,
        other.valid_until,
    )
