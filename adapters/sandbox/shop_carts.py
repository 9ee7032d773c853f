"""Carts of the sandbox: what is in them, what it costs, when they can become an order.

The shop's side, not the adapter's. As in most engines the price of a line is that of the moment at
which its quantity was set, until the cart is refreshed; stock is looked up when a quantity is set
and when it is ordered. Amounts are decimal strings. The clock is read only to tell which dated
prices hold.
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
PROVIDERS = ({"id": "test"},)
CENT = Decimal(".01")
FindVariant = Callable[[str], Json | None]
"""A published variant with the title, product and picture of its product; None: not sold."""


class CartError(Exception):
    """Why the cart cannot do that: a stable code, a sentence for the shopper, pieces left."""

    def __init__(self, code: str, says: str, status: int = 400, left: int | None = None) -> None:
        super().__init__(says)
        self.code = code
        self.says = says
        self.status = status
        self.left = left


def empty(currency: str) -> Json:
    return {"currency": currency, "lines": [], "promotion": None, "email": None, "address": None,
            "billing_address": None, "shipping": None, "payment": None, "completed": False,
            "return_to": None}  # fmt: skip


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


def set_quantity(cart: Json, find: FindVariant, variant: str, quantity: Any) -> Json:
    """The cart with exactly this many of a variant, at the price of now; 0 takes it out."""
    _check_open(cart)
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= 999:
        raise CartError("bad_quantity", "Choose a quantity between 0 and 999.")
    lines = [line for line in cart["lines"] if line["variant"] != variant]
    if quantity == 0:
        return {**cart, "lines": lines}
    line = _priced(_stocked(find, variant, quantity), cart["currency"], quantity)
    place = next((n for n, x in enumerate(cart["lines"]) if x["variant"] == variant), len(lines))
    return {**cart, "lines": [*lines[:place], line, *lines[place:]]}


def refresh(cart: Json, find: FindVariant) -> Json:
    """The cart at the prices of now. A line that is no longer sold stays as it is."""
    _check_open(cart)
    return {**cart, "lines": [_refreshed(line, cart["currency"], find) for line in cart["lines"]]}


def shortages(cart: Json, find: FindVariant) -> Json:
    """Variants of which the cart wants more than there is, with what there is."""
    left = {line["variant"]: _left(line["variant"], find) for line in cart["lines"]}
    return {
        line["variant"]: left[line["variant"]]
        for line in cart["lines"]
        if (there := left[line["variant"]]) is not None and there < line["quantity"]
    }


def _left(variant: str, find: FindVariant) -> int | None:
    known = find(variant)
    return 0 if known is None else available(known)


def _stocked(find: FindVariant, variant: str, quantity: int) -> Json:
    known = find(variant)
    if known is None:
        raise CartError("unknown_variant", "This product is not sold here.", 404)
    left = available(known)
    if left is not None and quantity > left:
        raise CartError("out_of_stock", f"Only {left} are left.", 409, left)
    return known


def _priced(known: Json, currency: str, quantity: int) -> Json:
    return {
        "variant": known["id"],
        "product": known["product"],
        "sku": known["sku"],
        "title": known["name"],
        "variant_title": known["title"],
        "image": known["image"],
        "quantity": quantity,
        "unit_price": f"{unit_price(known, currency, quantity):.2f}",
    }


def _refreshed(line: Json, currency: str, find: FindVariant) -> Json:
    known = find(line["variant"])
    return line if known is None else _priced(known, currency, line["quantity"])


def _check_open(cart: Json) -> None:
    if cart["completed"]:
        raise CartError("completed", "This cart has become an order.", 409)


def quantity_of(cart: Json, variant: str) -> int:
    return next((int(x["quantity"]) for x in cart["lines"] if x["variant"] == variant), 0)


def change(cart: Json, wanted: Json) -> Json:
    """The cart with these parts set; `payment` names a provider, and begins a session with it."""
    _check_open(cart)
    if wanted.get("promotion") and wanted["promotion"] not in PROMOTIONS:
        raise CartError("unknown_promotion", "This code is not valid.", 404)
    if wanted.get("shipping") and wanted["shipping"] not in {each["id"] for each in SHIPPING}:
        raise CartError("unknown_shipping", "This way of shipping is not offered.", 404)
    if wanted.get("email") and "@" not in str(wanted["email"]):
        raise CartError("bad_details", "The e-mail address has no @.")
    parts = ("promotion", "email", "address", "billing_address", "shipping")
    changed = {**cart, **{name: wanted[name] for name in parts if name in wanted}}
    return _paying(changed, wanted["payment"]) if "payment" in wanted else changed


def _paying(cart: Json, provider: str) -> Json:
    if provider not in {each["id"] for each in PROVIDERS}:
        raise CartError("unknown_provider", "This way of paying is not offered.", 404)
    session = {"provider": provider, "status": "pending", "session": {"amount": _sums(cart)[-1]}}
    return {**cart, "payment": session}


def shown(cart: Json) -> Json:
    """The cart as the API says it, with its totals."""
    option = next((each for each in SHIPPING if each["id"] == cart["shipping"]), None)
    subtotal, discount, shipping, total = _sums(cart)
    return {
        **cart,
        "shipping_option": option,
        "subtotal": subtotal,
        "discount": discount,
        "shipping_price": shipping,
        "total": total,
    }


def _sums(cart: Json) -> tuple[str, str, str, str]:
    total = sum((Decimal(x["unit_price"]) * x["quantity"] for x in cart["lines"]), Decimal(0))
    share = PROMOTIONS.get(cart["promotion"] or "", Decimal(0))
    discount = (total * share).quantize(CENT)
    shipping = Decimal(next((s["price"] for s in SHIPPING if s["id"] == cart["shipping"]), "0"))
    sums = (total, discount, shipping, total - discount + shipping)
    return tuple(f"{each:.2f}" for each in sums)  # type: ignore[return-value]


def order(cart: Json, find: FindVariant, at: float) -> Json:
    """What the cart becomes, stock looked at again. No address and no e-mail is in it."""
    if part := missing(cart):
        raise CartError("incomplete", f"The cart still needs {part}.")
    for line in cart["lines"]:
        _stocked(find, line["variant"], line["quantity"])
    told = shown(cart)
    names = ("lines", "currency", "subtotal", "discount", "shipping_price", "total")
    return {**{name: told[name] for name in names}, "status": "paid", "at": at}


def missing(cart: Json) -> str | None:
    """What a cart still needs before it can become an order."""
    if not cart["lines"]:
        return "a product"
    for part in ("email", "address", "shipping", "payment"):
        if not cart[part]:
            return part
    return None
