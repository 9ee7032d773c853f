"""Carts of the sandbox: what is in them, what it costs, when they can become an order.

Prices and stock are looked up afresh at every reading. Amounts are decimal strings. The clock is
read only to tell which dated prices hold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
PROMOTIONS = {"TEN": Decimal("0.10")}
SHIPPING = (
    {"id": "post", "name": "Post", "price": "4.90"},
    {"id": "pickup", "name": "Pick up", "price": "0.00"},
)
CENT = Decimal(".01")
FindVariant = Callable[[str], Json | None]


class CartError(Exception):
    """Why the cart cannot do that: a stable code, and a sentence for the shopper."""

    def __init__(self, code: str, says: str, status: int = 400) -> None:
        super().__init__(says)
        self.code = code
        self.says = says
        self.status = status


def empty(currency: str) -> Json:
    return {"currency": currency, "lines": [], "promotion": None, "email": None, "address": None,
            "shipping": None, "payment": None, "completed": False}  # fmt: skip


def unit_price(variant: Json, currency: str, quantity: int) -> Decimal:
    """The lowest price that holds for the quantity."""
    now = datetime.now(UTC).isoformat()
    fit = [
        Decimal(row["amount"])
        for row in variant["prices"]
        if row["currency"] == currency
        and row.get("min_quantity", 1) <= quantity <= row.get("max_quantity", quantity)
        and row.get("starts_at", now) <= now <= row.get("ends_at", now)
    ]
    if not fit:
        raise CartError("no_price", f"{variant['sku']} is not sold in {currency}.")
    return min(fit)


def available(variant: Json) -> int | None:
    stock = variant["stock"]
    if not stock["tracked"] or stock["backorder"]:
        return None
    return int(sum(stock["locations"].values()))


def set_quantity(cart: Json, find: FindVariant, variant: str, quantity: int) -> Json:
    """The cart with exactly this many of a variant; 0 takes it out."""
    if cart["completed"]:
        raise CartError("completed", "This cart has become an order.", 409)
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= 999:
        raise CartError("bad_quantity", "Choose a quantity between 0 and 999.")
    known = find(variant)
    if known is None:
        raise CartError("unknown_variant", "This product is not sold here.", 404)
    left = available(known)
    if left is not None and quantity > left:
        raise CartError("out_of_stock", f"Only {left} are left.", 409)
    others = [line for line in cart["lines"] if line["variant"] != variant]
    lines = [*others, {"variant": variant, "quantity": quantity}] if quantity else others
    return {**cart, "lines": lines}


def quantity_of(cart: Json, variant: str) -> int:
    return next((int(x["quantity"]) for x in cart["lines"] if x["variant"] == variant), 0)


def shown(cart: Json, find: FindVariant) -> Json:
    """The cart as the API says it, with prices and totals of this moment."""
    lines, total = [], Decimal(0)
    for line in cart["lines"]:
        variant = find(line["variant"])
        if variant is None:
            continue
        price = unit_price(variant, cart["currency"], line["quantity"])
        total += price * line["quantity"]
        lines.append(
            {**line, "sku": variant["sku"], "title": variant["title"], "unit_price": f"{price:.2f}"}
        )
    discount = (total * PROMOTIONS.get(cart["promotion"] or "", Decimal(0))).quantize(
        Decimal(".01")
    )
    shipping = Decimal(next((s["price"] for s in SHIPPING if s["id"] == cart["shipping"]), "0"))
    return {
        **cart,
        "lines": lines,
        "subtotal": f"{total:.2f}",
        "discount": f"{discount:.2f}",
        "shipping_price": f"{shipping:.2f}",
        "total": f"{total - discount + shipping:.2f}",
    }


def missing(cart: Json) -> str | None:
    """What a cart still needs before it can become an order."""
    if not cart["lines"]:
        return "a product"
    for part in ("email", "address", "shipping", "payment"):
        if not cart[part]:
            return part
    return None
