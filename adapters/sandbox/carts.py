"""The sandbox shop's carts as `ports_carts.Carts`: the adapter to read first when writing one.

Each method asks the shop for JSON and hands it to cart_mapping. Quantities are set absolutely,
adds too, so that whatever is sent twice happens once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import httpx

from adapters.sandbox import cart_mapping
from connector.errors import TryAgain
from connector.model import Cart, CartDetails, CartId, LineId, Order, ShippingOption, VariantId
from connector.net.engine import Answered, EngineHttp, segment
from connector.ports import BackendSettings
from connector.ports_carts import (
    CartCapabilities,
    CartRefused,
    MarketTerms,
    Rechecked,
    Refusal,
)

CAPABILITIES = CartCapabilities(
    hosted_checkout=True, shows_cart_id=True, promotions=True, adds_once=True
)


def open_carts(settings: BackendSettings) -> SandboxCarts:
    """The carts of a shop. Makes no call."""
    return SandboxCarts(settings)


class SandboxCarts:
    """Implements ports_carts.Carts."""

    def __init__(
        self, settings: BackendSettings, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = settings.url
        self._http = EngineHttp(settings.url, {}, settings.timeout_seconds, transport)

    @property
    def capabilities(self) -> CartCapabilities:
        return CAPABILITIES

    async def create(self, terms: MarketTerms) -> Cart:
        answer = await self._http.write("POST", "/v1/carts", {"currency": terms.currency})
        return self._cart(answer)

    async def read(self, cart: CartId) -> Cart:
        return self._cart(await self._http.read(_path(cart)))

    async def settle(self, cart: CartId) -> Cart:
        """The shop changes one cart at a time. An ordered cart takes no write, and needs none."""
        try:
            return await self._patch(cart, {})
        except CartRefused as error:
            if error.refusal is not Refusal.ORDERED:
                raise
            return await self.read(cart)

    async def add(self, cart: CartId, variant: VariantId, quantity: int) -> Cart:
        return self._cart(await self._set(cart, variant, {"quantity": quantity}))

    async def change(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """A line's id is its variant's; one that is not there is not made."""
        return self._cart(await self._set(cart, line, {"quantity": quantity, "there": True}))

    async def apply_code(self, cart: CartId, code: str) -> Cart:
        return await self._patch(cart, {"promotion": code})

    async def remove_code(self, cart: CartId, code: str) -> Cart:
        held = await self.read(cart)
        return await self._patch(cart, {"promotion": None}) if code in held.promotions else held

    async def update(self, cart: CartId, details: CartDetails) -> Cart:
        return await self._patch(cart, cart_mapping.details_json(details))

    async def assign(self, cart: CartId, login: str) -> Cart:
        raise CartRefused(Refusal.CUSTOMER, "the sandbox has no customers, only guests")

    async def shipping_options(self, cart: Cart) -> Sequence[ShippingOption]:
        answer = await self._http.read(_path(cart.id) + "/shipping-options")
        _refuse(answer)
        return cart_mapping.shipping_options(answer.body, cart.currency)

    async def choose_shipping(self, cart: CartId, option: str) -> Cart:
        return await self._patch(cart, {"shipping": option})

    async def payment_providers(self, cart: Cart) -> Sequence[str]:
        answer = await self._http.read(_path(cart.id) + "/payment-providers")
        _refuse(answer)
        return cart_mapping.payment_providers(answer.body)

    async def choose_payment(self, cart: CartId, provider: str) -> Cart:
        return await self._patch(cart, {"payment": provider})

    async def recheck(self, cart: Cart) -> Rechecked:
        answer = await self._http.write("POST", _path(cart.id) + "/refresh", {})
        _refuse(answer)
        return cart_mapping.rechecked(answer.body, self._url)

    async def complete(self, cart: Cart) -> Order:
        answer = await self._http.write("POST", _path(cart.id) + "/complete", {})
        _refuse(answer)
        return cart_mapping.order(answer.body, self._url)

    async def order(self, cart: CartId) -> Order | None:
        answer = await self._http.read(_path(cart) + "/order")
        if answer.body.get("code") == "no_order":
            return None
        _refuse(answer)
        return cart_mapping.order(answer.body, self._url)

    def checkout_url(self, cart: CartId, return_to: str | None) -> str | None:
        back = "?" + urlencode({"return_to": return_to}) if return_to else ""
        return f"{self._url}/checkout/{segment(cart)}{back}"

    async def close(self) -> None:
        await self._http.close()

    # ---- inside ----

    def _cart(self, answer: Answered) -> Cart:
        _refuse(answer)
        return cart_mapping.cart(answer.body, self._url)

    async def _patch(self, cart: CartId, wanted: Mapping[str, object]) -> Cart:
        return self._cart(await self._http.write("PATCH", _path(cart), wanted))

    async def _set(self, cart: CartId, variant: str, wanted: Mapping[str, object]) -> Answered:
        path = f"{_path(cart)}/lines/{segment(variant)}"
        return await self._http.write("PUT", path, wanted)


def _path(cart: CartId) -> str:
    return f"/v1/carts/{segment(cart)}"


def _refuse(answer: Answered) -> None:
    """Raise what the shop's answer means when it is not the thing asked for."""
    if answer.status in (200, 201):
        return
    refused = cart_mapping.refusal(answer.body)
    if refused is None:
        raise TryAgain(f"the shop answered {answer.status} and said nothing that is understood")
    raise refused
