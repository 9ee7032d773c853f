"""What the relay asks of a backend's carts: small promises, each with what it raises.

The other half of ports.py, for shoppers rather than for pages; async, because a relay waits for
many shoppers at a time. Differences between engines are data (`CartCapabilities`). Nothing here
knows HTTP, tokens or any adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from connector.errors import Rejected
from connector.model import (
    Cart,
    CartDetails,
    CartId,
    LineId,
    Locale,
    Order,
    ShippingOption,
    VariantId,
)

MOST_OF_A_LINE = 999
"""Pieces of one article that a cart may hold."""


@dataclass(frozen=True, slots=True)
class CartCapabilities:
    """What an engine's carts can do."""

    hosted_checkout: bool
    """It has a checkout page of its own; else the checkout goes by steps."""
    shows_cart_id: bool
    """The hosted checkout's address holds the cart's id, which is a secret elsewhere."""
    promotions: bool
    adds_once: bool
    """An add that is sent twice adds once."""
    customers: bool = False
    """A cart can become that of a customer who is logged in at the engine (`assign`)."""


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """What a new cart is priced by."""

    currency: str
    region: str | None
    locale: Locale


class Refusal(StrEnum):
    """Why an engine does not do what the shopper asks, in words that stay."""

    UNKNOWN_CART = "unknown-cart"
    UNKNOWN_PRODUCT = "unknown-product"
    UNKNOWN_LINE = "unknown-line"
    OUT_OF_STOCK = "out-of-stock"
    QUANTITY = "quantity"
    PROMOTION = "promotion"
    DETAILS = "details"
    SHIPPING = "shipping"
    PAYMENT = "payment"
    CUSTOMER = "customer"
    INCOMPLETE = "incomplete"
    ORDERED = "ordered"
    OTHER = "refused"


class CartRefused(Rejected):
    """The engine says no, and means it. `left`: pieces that it has, where it says so."""

    def __init__(self, refusal: Refusal, message: str, *, left: int | None = None) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.left = left


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A cart at the prices of this moment, and which of its lines cannot be had as they are."""

    cart: Cart
    left: Mapping[LineId, int] = field(default_factory=dict)
    """Lines that want more than there is, with what there is; 0: nothing, or no longer sold."""


class Carts(Protocol):
    """One backend's carts.

    Writes answer with the cart as it is after them. All methods
    may raise TryAgain (nothing was done), TargetDown (nothing was done) and CartRefused; writes
    also OutcomeUnknown: then only `read` tells what happened.
    """

    @property
    def capabilities(self) -> CartCapabilities: ...

    async def create(self, terms: MarketTerms) -> Cart:
        """A new, empty cart."""

    async def read(self, cart: CartId) -> Cart:
        """The cart as it is now. Refuses UNKNOWN_CART."""

    async def settle(self, cart: CartId) -> Cart:
        """The cart once every write that was sent before is in it, or never will be.

        A write that changes nothing and takes its turn behind the others on the same cart.
        """

    async def add(self, cart: CartId, variant: VariantId, quantity: int) -> Cart:
        """A line for an article that the cart does not hold yet.

        Refuses UNKNOWN_PRODUCT, OUT_OF_STOCK, QUANTITY, ORDERED.
        """

    async def change(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Make a line hold exactly so many pieces; 0 takes it out. Repeating it changes nothing.

        Refuses UNKNOWN_LINE (never for 0), OUT_OF_STOCK, QUANTITY, ORDERED.
        """

    async def apply_code(self, cart: CartId, code: str) -> Cart:
        """Apply a promotion's code; one that is applied stays. Refuses PROMOTION, ORDERED."""

    async def remove_code(self, cart: CartId, code: str) -> Cart:
        """Take a code away; one that is not applied is no error."""

    async def update(self, cart: CartId, details: CartDetails) -> Cart:
        """Set what is not None. Refuses DETAILS, ORDERED."""

    async def assign(self, cart: CartId, login: str) -> Cart:
        """Make it the cart of the customer whom `login`, the engine's own token, proves.

        Repeating it changes nothing. Refuses CUSTOMER (always, where the engine has no customers),
        ORDERED.
        """

    async def shipping_options(self, cart: Cart) -> Sequence[ShippingOption]:
        """How this cart can be shipped."""

    async def choose_shipping(self, cart: CartId, option: str) -> Cart:
        """Refuses SHIPPING, ORDERED."""

    async def payment_providers(self, cart: Cart) -> Sequence[str]:
        """How this cart can be paid."""

    async def choose_payment(self, cart: CartId, provider: str) -> Cart:
        """Begin a payment for the cart's present total. Refuses PAYMENT, INCOMPLETE, ORDERED."""

    async def recheck(self, cart: Cart) -> Rechecked:
        """Take the prices of this moment, and look whether all is there. Takes nothing out.

        Where something is no longer sold, the prices may stay until that is taken out.
        """

    async def complete(self, cart: Cart) -> Order:
        """Order it; a cart that was ordered gives the same order.

        Refuses INCOMPLETE, OUT_OF_STOCK, PAYMENT.
        """

    async def order(self, cart: CartId) -> Order | None:
        """The order that the cart has become; None: none yet. Refuses UNKNOWN_CART."""

    def checkout_url(self, cart: CartId, return_to: str | None) -> str | None:
        """Where the engine's own checkout of this cart is; None: it has none. Makes no call."""

    async def close(self) -> None: ...
