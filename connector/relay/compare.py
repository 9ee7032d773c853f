"""What is not as the shopper last saw it: two readings of one cart, compared. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.model import Cart, CartLine, Money


class ChangeKind(StrEnum):
    PRICE = "price"
    QUANTITY = "quantity"
    GONE = "gone"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class CartChange:
    """One thing that changed without the shopper. `line` is None for the total."""

    kind: ChangeKind
    line: CartLine | None
    before: Money | int
    after: Money | int


def compare(before: Cart, after: Cart) -> tuple[CartChange, ...]:
    """What is different, line by line; the total where it moved and no line says why."""
    found = [change for line in before.lines for change in _of_line(line, after)]
    sums = before.totals.total, after.totals.total
    if not found and sums[0] != sums[1]:
        found.append(CartChange(ChangeKind.TOTAL, None, *sums))
    return tuple(found)


def agreed_to(agreed_minor: int, cart: Cart) -> tuple[CartChange, ...]:
    """What differs from the total that the shopper agreed to, where no line tells it any more."""
    total = cart.totals.total
    if total.amount_minor == agreed_minor:
        return ()
    return (CartChange(ChangeKind.TOTAL, None, replace(total, amount_minor=agreed_minor), total),)


def _of_line(before: CartLine, cart: Cart) -> Sequence[CartChange]:
    after = cart.line(before.id)
    if after is None:
        return [CartChange(ChangeKind.GONE, before, before.quantity, 0)]
    found = []
    if after.quantity != before.quantity:
        found.append(CartChange(ChangeKind.QUANTITY, after, before.quantity, after.quantity))
    if after.unit_price != before.unit_price:
        found.append(CartChange(ChangeKind.PRICE, after, before.unit_price, after.unit_price))
    return found
