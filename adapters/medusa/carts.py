"""Medusa's carts as `ports_carts.Carts`, through its Store API and a publishable key.

Measured facts that shape it (2.21.2): an add that is sent twice adds twice; a cart's prices stand
still until its region is set again; stock that is short is said without a number, so `recheck`
asks the store for it; completing twice gives the same order. A cart's id is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from adapters.medusa import cart_mapping as mapping
from adapters.medusa.options import Options, parse_options
from connector.errors import TargetDown
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

FIELDS = {"fields": "+shipping_methods.name,+items.is_tax_inclusive"}
STOCK_FIELDS = (
    "id,variants.id,variants.manage_inventory,variants.allow_backorder,variants.inventory_quantity"
)


def open_carts(settings: BackendSettings) -> MedusaCarts | None:
    """The carts of a Medusa, without any call; None where no publishable key is set."""
    options = parse_options(settings)
    if options.publishable_key is None:
        return None
    return MedusaCarts(settings, options)


class MedusaCarts:
    """Implements ports_carts.Carts."""

    def __init__(
        self,
        settings: BackendSettings,
        options: Options,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._options = options
        headers = {"x-publishable-api-key": options.publishable_key or ""}
        self._http = EngineHttp(settings.url, headers, settings.timeout_seconds, transport)
        self._regions: dict[str, str] = {}
        """A region of each currency, for markets that name none."""

    @property
    def capabilities(self) -> CartCapabilities:
        hosted = self._options.checkout_url is not None
        return CartCapabilities(
            hosted_checkout=hosted,
            shows_cart_id=hosted,
            promotions=True,
            adds_once=False,
            customers=True,
        )

    async def create(self, terms: MarketTerms) -> Cart:
        region = terms.region or await self._region(terms.currency)
        body = {"region_id": region, "locale": terms.locale}
        return await self._cart("POST", "/store/carts", body, Refusal.OTHER)

    async def read(self, cart: CartId) -> Cart:
        answer = await self._http.read(_path(cart), FIELDS)
        return mapping.cart(_part(answer, "cart", Refusal.UNKNOWN_CART))

    async def settle(self, cart: CartId) -> Cart:
        """Medusa locks a cart for each write. An ordered one takes none, and needs none."""
        try:
            return await self._cart("POST", _path(cart), {}, Refusal.OTHER)
        except CartRefused as error:
            if error.refusal is not Refusal.ORDERED:
                raise
            return await self.read(cart)

    async def add(self, cart: CartId, variant: VariantId, quantity: int) -> Cart:
        body = {"variant_id": variant, "quantity": quantity}
        path = _path(cart) + "/line-items"
        return await self._cart("POST", path, body, Refusal.UNKNOWN_PRODUCT)

    async def change(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        if quantity == 0:
            return await self._remove(cart, line)
        path = f"{_path(cart)}/line-items/{segment(line)}"
        return await self._cart("POST", path, {"quantity": quantity}, Refusal.UNKNOWN_LINE)

    async def apply_code(self, cart: CartId, code: str) -> Cart:
        body = {"promo_codes": [code]}
        applied = await self._cart("POST", _path(cart) + "/promotions", body, Refusal.PROMOTION)
        if code not in applied.promotions:
            raise CartRefused(Refusal.PROMOTION, "Medusa did not apply the code")
        return applied

    async def remove_code(self, cart: CartId, code: str) -> Cart:
        body = {"promo_codes": [code]}
        path = _path(cart) + "/promotions"
        return await self._cart("DELETE", path, body, Refusal.PROMOTION)

    async def update(self, cart: CartId, details: CartDetails) -> Cart:
        return await self._cart("POST", _path(cart), mapping.details_json(details), Refusal.DETAILS)

    async def assign(self, cart: CartId, login: str) -> Cart:
        """`login` is the token of Medusa's own customer login (`/auth/customer/...`)."""
        path = _path(cart) + "/customer"
        headers = {"authorization": f"Bearer {login}"}
        answer = await self._http.write("POST", path, {}, FIELDS, headers)
        if answer.status in (401, 403):
            raise CartRefused(Refusal.CUSTOMER, f"Medusa knows no such customer ({answer.status})")
        return mapping.cart(_part(answer, "cart", Refusal.CUSTOMER))

    async def shipping_options(self, cart: Cart) -> Sequence[ShippingOption]:
        answer = await self._http.read("/store/shipping-options", {"cart_id": cart.id})
        rows = _part(answer, "shipping_options", Refusal.SHIPPING)
        return mapping.shipping_options(rows, cart.currency)

    async def choose_shipping(self, cart: CartId, option: str) -> Cart:
        body = {"option_id": option}
        path = _path(cart) + "/shipping-methods"
        return await self._cart("POST", path, body, Refusal.SHIPPING)

    async def payment_providers(self, cart: Cart) -> Sequence[str]:
        region = await self._region_of(cart.id)
        answer = await self._http.read("/store/payment-providers", {"region_id": region})
        rows = _part(answer, "payment_providers", Refusal.PAYMENT)
        return mapping.understood(lambda: tuple(str(row["id"]) for row in rows))

    async def choose_payment(self, cart: CartId, provider: str) -> Cart:
        """The collection is made once for a cart; a new session replaces the one before."""
        made = await self._http.write("POST", "/store/payment-collections", {"cart_id": cart})
        collection = _part(made, "payment_collection", Refusal.INCOMPLETE)
        path = f"/store/payment-collections/{segment(str(collection['id']))}/payment-sessions"
        begun = await self._http.write("POST", path, {"provider_id": provider})
        _part(begun, "payment_collection", Refusal.PAYMENT)
        return await self.read(cart)

    async def recheck(self, cart: Cart) -> Rechecked:
        """Medusa refreshes no cart that holds what is no longer sold: then only stock is told."""
        region = await self._region_of(cart.id)
        body = {"region_id": region}
        try:
            cart = await self._cart("POST", _path(cart.id), body, Refusal.OTHER)
        except CartRefused as error:
            if error.refusal is not Refusal.UNKNOWN_PRODUCT:
                raise
        return Rechecked(cart, await self._left(cart, region))

    async def complete(self, cart: Cart) -> Order:
        answer = await self._http.write("POST", _path(cart.id) + "/complete", {})
        if answer.body.get("type") == "cart":
            error = answer.body.get("error")
            told = error if isinstance(error, dict) else {}
            raise mapping.refused(400, {"message": "payment", **told}, Refusal.PAYMENT)
        return mapping.order(_part(answer, "order", Refusal.INCOMPLETE))

    async def order(self, cart: CartId) -> Order | None:
        """Of an ordered cart, completing again tells the order; no other is asked that."""
        held = await self.read(cart)
        return await self.complete(held) if held.ordered else None

    def checkout_url(self, cart: CartId, return_to: str | None) -> str | None:
        """A storefront's convention; where it leads back to is the storefront's own."""
        template = self._options.checkout_url
        return template.replace("{cart}", quote(cart, safe="")) if template else None

    async def close(self) -> None:
        await self._http.close()

    # ---- inside ----

    async def _cart(self, method: str, path: str, body: object, default: Refusal) -> Cart:
        answer = await self._http.write(method, path, body, FIELDS)
        return mapping.cart(_part(answer, "cart", default))

    async def _remove(self, cart: CartId, line: LineId) -> Cart:
        path = f"{_path(cart)}/line-items/{segment(line)}"
        answer = await self._http.write("DELETE", path, params=FIELDS)
        if answer.status == 404:
            return await self.read(cart)
        _part(answer, "parent", Refusal.UNKNOWN_LINE)
        return await self.read(cart)

    async def _left(self, cart: Cart, region: str) -> Mapping[LineId, int]:
        products = sorted({line.product for line in cart.lines if line.product})
        if not products:
            return {line.id: 0 for line in cart.lines}
        params: Mapping[str, str | Sequence[str]] = {
            "id[]": products,
            "fields": STOCK_FIELDS,
            "region_id": region,
            "limit": str(len(products)),
        }
        answer = await self._http.read("/store/products", params)
        return mapping.left(_part(answer, "products", Refusal.OTHER), cart)

    async def _region_of(self, cart: CartId) -> str:
        answer = await self._http.read(_path(cart), {"fields": "id,region_id"})
        return str(_part(answer, "cart", Refusal.UNKNOWN_CART)["region_id"])

    async def _region(self, currency: str) -> str:
        if currency not in self._regions:
            answer = await self._http.read("/store/regions", {"limit": "100"})
            rows = _part(answer, "regions", Refusal.OTHER)
            self._regions = mapping.understood(
                lambda: {str(row["currency_code"]).upper(): str(row["id"]) for row in rows[::-1]}
            )
        if currency not in self._regions:
            raise TargetDown(
                f"Medusa has no region that sells in {currency}; make one, or change the market"
            )
        return self._regions[currency]


def _path(cart: CartId) -> str:
    return f"/store/carts/{segment(cart)}"


def _part(answer: Answered, name: str, default: Refusal) -> Any:
    """That part of an answer. Raises what the answer means when it is not there."""
    if answer.status != 200:
        raise mapping.refused(answer.status, answer.body, default)
    return mapping.understood(lambda: answer.body[name])
