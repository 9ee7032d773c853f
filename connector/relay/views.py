"""Carts, orders and changes as the relay's JSON says them (openapi.yaml). Pure.

The engine's cart id is in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from connector.model import (
    Address,
    Cart,
    CartLine,
    JsonValue,
    Locale,
    Money,
    Order,
    ShippingOption,
    Totals,
)
from connector.relay.compare import CartChange, ChangeKind
from connector.sync.project import money_text
from connector.sync.rules import Market

_SAYS = {
    ChangeKind.PRICE: {
        "en": "{title} now costs {after} instead of {before}.",
        "de": "{title} kostet jetzt {after} statt {before}.",
        "fr": "{title} coûte maintenant {after} au lieu de {before}.",
    },
    ChangeKind.QUANTITY: {
        "en": "Only {after} of {title} are left; you wanted {before}.",
        "de": "Von {title} sind nur noch {after} da; Sie wollten {before}.",
        "fr": "Il ne reste que {after} × {title} ; vous en vouliez {before}.",
    },
    ChangeKind.GONE: {
        "en": "{title} cannot be had any more.",
        "de": "{title} ist nicht mehr zu haben.",
        "fr": "{title} n'est plus disponible.",
    },
    ChangeKind.TOTAL: {
        "en": "The total is now {after} instead of {before}.",
        "de": "Die Summe ist jetzt {after} statt {before}.",
        "fr": "Le total est maintenant de {after} au lieu de {before}.",
    },
}


def amount(money: Money, locale: Locale) -> dict[str, JsonValue]:
    return {
        "minor": money.amount_minor,
        "currency": money.currency,
        "text": money_text(money, locale),
    }


def cart_json(cart: Cart, market: Market) -> dict[str, JsonValue]:
    """A cart as the schema `Cart` has it."""
    locale = market.locale
    payment = cart.payment
    return {
        "market": market.name,
        "locale": locale,
        "currency": cart.currency,
        "lines": _lines(cart.lines, locale),
        "pieces": sum(line.quantity for line in cart.lines),
        **_sums(cart.totals, locale),
        "promotions": list(cart.promotions),
        "email": cart.email,
        "shipping_address": _address(cart.shipping_address),
        "billing_address": _address(cart.billing_address),
        "shipping": option_json(cart.shipping, locale) if cart.shipping else None,
        "payment": {
            "provider": payment.provider,
            "status": payment.status,
            "session": dict(payment.session),
        }
        if payment
        else None,
        "needs": list(cart.needs()),
        "ordered": cart.ordered,
    }


def order_json(order: Order, locale: Locale) -> dict[str, JsonValue]:
    """An order as the schema `Order` has it. No address and no e-mail is in it."""
    return {
        "number": order.number,
        "status": order.status,
        "currency": order.currency,
        "lines": _lines(order.lines, locale),
        **_sums(order.totals, locale),
    }


def option_json(option: ShippingOption, locale: Locale) -> dict[str, JsonValue]:
    price = amount(option.price, locale) if option.price else None
    return {"id": option.id, "name": option.name, "price": price}


def changes_json(changes: Iterable[CartChange], locale: Locale) -> list[JsonValue]:
    return [_change(each, locale) for each in changes]


# ---- inside ----


def _lines(lines: Iterable[CartLine], locale: Locale) -> list[JsonValue]:
    return [
        {
            "id": line.id,
            "variant": line.variant,
            "product": line.product,
            "sku": line.sku,
            "title": line.title,
            "variant_title": line.variant_title,
            "quantity": line.quantity,
            "unit_price": amount(line.unit_price, locale),
            "total": amount(line.total, locale),
            "image": line.image,
        }
        for line in lines
    ]


def _sums(totals: Totals, locale: Locale) -> dict[str, JsonValue]:
    return {
        "subtotal": amount(totals.subtotal, locale),
        "discount": amount(totals.discount, locale),
        "shipping_total": amount(totals.shipping, locale),
        "tax": amount(totals.tax, locale),
        "tax_included": totals.tax_included,
        "total": amount(totals.total, locale),
    }


def _address(address: Address | None) -> JsonValue:
    return asdict(address) if address else None


def _change(change: CartChange, locale: Locale) -> JsonValue:
    line = change.line
    language = locale.partition("-")[0]
    sentence = _SAYS[change.kind].get(language, _SAYS[change.kind]["en"])
    before, after = _shown(change.before, locale), _shown(change.after, locale)
    title = line.title if line else ""
    return {
        "kind": change.kind.value,
        "line": line.id if line else "",
        "sku": line.sku if line else "",
        "title": title,
        "before": _value(change.before, locale),
        "after": _value(change.after, locale),
        "says": sentence.format(title=title, before=before, after=after),
    }


def _shown(value: Money | int, locale: Locale) -> str:
    return money_text(value, locale) if isinstance(value, Money) else str(value)


def _value(value: Money | int, locale: Locale) -> JsonValue:
    return amount(value, locale) if isinstance(value, Money) else value
