"""Medusa's JSON of carts and orders as canonical values, and its errors as refusals. Pure.

Medusa keeps fractions of a cent (48.76858); amounts are rounded half up to the currency's minor
unit, each for itself, as its payment providers do with the total. Whether a cart's sums are shown
with tax follows its lines. Errors are told apart by type, code and message, as measured on 2.21.2;
what cannot be told is the caller's default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

from connector.errors import ConnectorError, OutcomeUnknown, TargetDown, TryAgain
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
    currency_exponent,
)
from connector.ports_carts import MOST_OF_A_LINE, CartRefused, Refusal

Json = Mapping[str, Any]
Value = TypeVar("Value")
_ADDRESS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "line_1": "address_1",
    "line_2": "address_2",
    "postal_code": "postal_code",
    "city": "city",
    "province": "province",
    "country": "country_code",
    "phone": "phone",
}
"""Our name of a part of an address, and Medusa's."""
_SAYINGS = tuple(
    (re.compile(pattern), refusal)
    for pattern, refusal in (
        (r"^Cart id not found|^Cart with id .* not found", Refusal.UNKNOWN_CART),
        (r"^Line item with id|line item.* not found", Refusal.UNKNOWN_LINE),
        (r"is already completed", Refusal.ORDERED),
        (r"do not exist or belong to a product that is not published", Refusal.UNKNOWN_PRODUCT),
        (r"do(es)? not have a price", Refusal.UNKNOWN_PRODUCT),
        (r"^Not enough stock|required inventory", Refusal.OUT_OF_STOCK),
        (r"promotion code", Refusal.PROMOTION),
        (r"for field '(items, )?\d*(, )?quantity'", Refusal.QUANTITY),
        (r"^Payment collection has not been|^Payment sessions are required", Refusal.INCOMPLETE),
        (r"[Nn]o shipping method selected|shipping profiles", Refusal.INCOMPLETE),
        (r"^Country with code|is not within region", Refusal.DETAILS),
    )
)


def refused(status: int, body: Json, default: Refusal) -> ConnectorError:
    """What an answer that is not the thing asked for means."""
    message = str(body.get("message", ""))
    if "ublishable" in message and status == 400:
        return TargetDown(
            "Medusa does not take the publishable key; put one of its settings (pk_...) under"
            " options.publishable_key"
        )
    if status in (401, 403):
        return TargetDown(f"Medusa refuses the store API ({status}); look at its settings")
    if not message:
        return TryAgain(f"Medusa answered {status} and said nothing that is understood")
    if body.get("code") == "insufficient_inventory":
        return CartRefused(Refusal.OUT_OF_STOCK, "Medusa has not that many")
    for pattern, refusal in _SAYINGS:
        if pattern.search(message):
            return CartRefused(refusal, f"Medusa says {refusal.value}")
    return CartRefused(default, f"Medusa refuses it ({status} {body.get('type')})")


def cart(body: Json) -> Cart:
    return understood(lambda: _cart(body))


def order(body: Json) -> Order:
    return understood(
        lambda: Order(
            number=str(body["display_id"]),
            status=str(body["status"]),
            currency=_currency(body),
            lines=_lines(body),
            totals=_totals(body),
        )
    )


def shipping_options(rows: Iterable[Json], currency: str) -> tuple[ShippingOption, ...]:
    return understood(lambda: tuple(_option(row, currency) for row in rows))


def left(products: Iterable[Json], cart: Cart) -> Mapping[LineId, int]:
    """Lines that want more than there is, by what the store says of their products now.

    A variant that it does not name is no longer sold.
    """
    known = understood(
        lambda: {
            str(variant["id"]): _pieces(variant)
            for product in products
            for variant in product.get("variants") or ()
        }
    )
    there = {line.id: known.get(line.variant, 0) for line in cart.lines}
    return {line.id: there[line.id] for line in cart.lines if there[line.id] < line.quantity}


def details_json(details: CartDetails) -> dict[str, object]:
    """The parts of a change that are said."""
    told: dict[str, object] = {}
    if details.email is not None:
        told["email"] = details.email
    if details.shipping_address:
        told["shipping_address"] = _address_json(details.shipping_address)
    if details.billing_address:
        told["billing_address"] = _address_json(details.billing_address)
    return told


def understood(read: Callable[[], Value]) -> Value:
    """What `read` reads. Raises OutcomeUnknown where it stumbles: a write was done all the same."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise OutcomeUnknown(
            f"Medusa's answer cannot be understood ({type(error).__name__}: {error})"
        ) from error


# ---- inside ----


def _currency(doc: Json) -> str:
    return str(doc["currency_code"]).upper()


def money(amount: Decimal | int | None, currency: str) -> Money:
    """An amount in major units, rounded half up."""
    exponent = currency_exponent(currency)
    scaled = Decimal(amount or 0).scaleb(exponent)
    return Money(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)


def _cart(doc: Json) -> Cart:
    currency = _currency(doc)
    methods: Sequence[Json] = doc.get("shipping_methods") or ()
    return Cart(
        id=CartId(doc["id"]),
        currency=currency,
        lines=_lines(doc),
        totals=_totals(doc),
        promotions=tuple(each["code"] for each in doc.get("promotions") or () if each.get("code")),
        email=doc["email"],
        shipping_address=_address(doc.get("shipping_address")),
        billing_address=_address(doc.get("billing_address")),
        shipping=_chosen(methods[-1], currency) if methods else None,
        payment=_payment(doc.get("payment_collection")),
        ordered=doc["completed_at"] is not None,
    )


def _lines(doc: Json) -> tuple[CartLine, ...]:
    """In the order in which they came into the cart: Medusa gives them in any."""
    rows = sorted(doc.get("items") or (), key=lambda row: str(row["id"]))
    return tuple(_line(row, _currency(doc)) for row in rows)


def _line(doc: Json, currency: str) -> CartLine:
    quantity = int(doc["quantity"])
    price = Decimal(doc["unit_price"])
    return CartLine(
        id=LineId(doc["id"]),
        variant=VariantId(doc["variant_id"] or ""),
        product=ProductId(doc["product_id"]) if doc.get("product_id") else None,
        sku=doc.get("variant_sku") or "",
        title=doc.get("product_title") or doc.get("title") or "",
        variant_title=doc.get("variant_title") or "",
        quantity=quantity,
        unit_price=money(price, currency),
        total=money(price * quantity, currency),
        image=doc.get("thumbnail"),
    )


def _totals(doc: Json) -> Totals:
    currency, rows = _currency(doc), doc.get("items") or ()
    gross = bool(rows) and all(row.get("is_tax_inclusive") for row in rows)
    names = (
        ("original_item_total", "discount_total", "shipping_total")
        if gross
        else ("item_subtotal", "discount_subtotal", "shipping_subtotal")
    )
    subtotal, discount, shipping = (money(doc.get(name), currency) for name in names)
    return Totals(
        subtotal=subtotal,
        discount=discount,
        shipping=shipping,
        tax=money(doc.get("tax_total"), currency),
        total=money(doc["total"], currency),
        tax_included=gross,
    )


def _option(doc: Json, currency: str) -> ShippingOption:
    priced = doc.get("calculated_price") or {}
    amount = priced.get("calculated_amount", doc.get("amount"))
    price = None if amount is None else money(amount, currency)
    return ShippingOption(doc["id"], doc["name"], price)


def _chosen(doc: Json, currency: str) -> ShippingOption:
    return ShippingOption(
        doc["shipping_option_id"], doc.get("name") or "", money(doc["amount"], currency)
    )


def _payment(doc: Json | None) -> PaymentSession | None:
    """The session that stands: Medusa keeps failed and cancelled ones beside it."""
    sessions = [
        each
        for each in (doc or {}).get("payment_sessions") or ()
        if each["status"] not in ("canceled", "error")
    ]
    if not sessions:
        return None
    latest = max(sessions, key=lambda each: str(each["id"]))
    return PaymentSession(latest["provider_id"], latest["status"], _plain(latest.get("data")))


def _plain(data: Any) -> dict[str, Any]:
    """A provider's own data; numbers with a point become text, which loses nothing."""

    def plain(value: Any) -> Any:
        match value:
            case Decimal():
                return str(value)
            case dict():
                return {str(name): plain(each) for name, each in value.items()}
            case list():
                return [plain(each) for each in value]
            case _:
                return value

    return plain(data) if isinstance(data, dict) else {}


def _pieces(variant: Json) -> int:
    if not variant.get("manage_inventory") or variant.get("allow_backorder"):
        return MOST_OF_A_LINE
    return max(0, int(variant.get("inventory_quantity") or 0))


def _address(doc: Json | None) -> Address | None:
    """An address; one that only names a country is Medusa's own, made with the region."""
    if not doc:
        return None
    parts = {ours: str(doc.get(theirs) or "") for ours, theirs in _ADDRESS.items()}
    parts["country"] = parts["country"].upper()
    named = any(text for name, text in parts.items() if name != "country")
    return Address(**parts) if named else None


def _address_json(address: Address) -> dict[str, str]:
    told = {theirs: str(getattr(address, ours)) for ours, theirs in _ADDRESS.items()}
    told["country_code"] = told["country_code"].lower()
    return {name: text for name, text in told.items() if text}
