"""The shop's JSON of carts and orders as canonical values. Pure.

Raises OutcomeUnknown for an answer that cannot be understood: a cart is the engine's word or
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from connector.errors import OutcomeUnknown
from connector.model import (
    Address,
    Cart,
    CartDetails,
    CartId,
    CartLine,
    LineId,
    Money,
    Order,
    PaymentSession,
    ProductId,
    ShippingOption,
    Totals,
    VariantId,
)
from connector.ports_carts import CartRefused, Rechecked, Refusal

Json = Mapping[str, Any]
Value = TypeVar("Value")
_REFUSALS = {
    "unknown_cart": Refusal.UNKNOWN_CART,
    "unknown_line": Refusal.UNKNOWN_LINE,
    "unknown_variant": Refusal.UNKNOWN_PRODUCT,
    "no_price": Refusal.UNKNOWN_PRODUCT,
    "out_of_stock": Refusal.OUT_OF_STOCK,
    "bad_quantity": Refusal.QUANTITY,
    "unknown_promotion": Refusal.PROMOTION,
    "bad_details": Refusal.DETAILS,
    "unknown_shipping": Refusal.SHIPPING,
    "unknown_provider": Refusal.PAYMENT,
    "incomplete": Refusal.INCOMPLETE,
    "completed": Refusal.ORDERED,
}


def refusal(body: Json) -> CartRefused | None:
    """What the shop's problem means; None: it is none of the shop's."""
    code = _REFUSALS.get(str(body.get("code")))
    if code is None:
        return None
    left = body.get("left")
    return CartRefused(
        code, f"the shop says {code.value}", left=left if isinstance(left, int) else None
    )


def cart(body: Json, base_url: str) -> Cart:
    return _understood(lambda: _cart(body, base_url))


def rechecked(body: Json, base_url: str) -> Rechecked:
    return _understood(
        lambda: Rechecked(
            _cart(body["cart"], base_url),
            {LineId(variant): int(left) for variant, left in body["left"].items()},
        )
    )


def order(body: Json, base_url: str) -> Order:
    return _understood(
        lambda: Order(
            number=str(body["number"]),
            status=str(body["status"]),
            currency=body["currency"],
            lines=_lines(body, base_url),
            totals=_totals(body),
        )
    )


def shipping_options(body: Json, currency: str) -> tuple[ShippingOption, ...]:
    return _understood(lambda: tuple(_option(each, currency) for each in body["options"]))


def payment_providers(body: Json) -> Sequence[str]:
    return _understood(lambda: tuple(str(each["id"]) for each in body["providers"]))


def details_json(details: CartDetails) -> dict[str, object]:
    """The parts of a change that are said."""
    addresses = {"address": details.shipping_address, "billing_address": details.billing_address}
    told: dict[str, object] = {name: asdict(each) for name, each in addresses.items() if each}
    return told | ({"email": details.email} if details.email is not None else {})


# ---- inside ----


def _understood(read: Callable[[], Value]) -> Value:
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutcomeUnknown(
            f"the shop's answer cannot be understood ({type(error).__name__}: {error})"
        ) from error


def _cart(doc: Json, base_url: str) -> Cart:
    currency = doc["currency"]
    return Cart(
        id=CartId(doc["id"]),
        currency=currency,
        lines=_lines(doc, base_url),
        totals=_totals(doc),
        promotions=(doc["promotion"],) if doc["promotion"] else (),
        email=doc["email"],
        shipping_address=_address(doc["address"]),
        billing_address=_address(doc["billing_address"]),
        shipping=_option(doc["shipping_option"], currency) if doc["shipping_option"] else None,
        payment=PaymentSession(**doc["payment"]) if doc["payment"] else None,
        ordered=doc["completed"],
    )


def _lines(doc: Json, base_url: str) -> tuple[CartLine, ...]:
    return tuple(_line(each, doc["currency"], base_url) for each in doc["lines"])


def _line(doc: Json, currency: str, base_url: str) -> CartLine:
    price = Money.from_major(doc["unit_price"], currency)
    image = doc["image"]
    return CartLine(
        id=LineId(doc["variant"]),
        variant=VariantId(doc["variant"]),
        product=ProductId(doc["product"]),
        sku=doc["sku"] or "",
        title=doc["title"],
        variant_title=doc["variant_title"],
        quantity=doc["quantity"],
        unit_price=price,
        total=Money(price.amount_minor * doc["quantity"], currency),
        image=base_url + image if image and image.startswith("/") else image,
    )


def _totals(doc: Json) -> Totals:
    def money(name: str) -> Money:
        return Money.from_major(doc[name], doc["currency"])

    return Totals(
        subtotal=money("subtotal"),
        discount=money("discount"),
        shipping=money("shipping_price"),
        tax=Money(0, doc["currency"]),
        total=money("total"),
    )


def _option(doc: Json, currency: str) -> ShippingOption:
    return ShippingOption(doc["id"], doc["name"], Money.from_major(doc["price"], currency))


def _address(doc: Json | str | None) -> Address | None:
    """An address; the hosted page takes one line of text."""
    if not doc:
        return None
    return Address(line_1=doc) if isinstance(doc, str) else Address(**doc)
