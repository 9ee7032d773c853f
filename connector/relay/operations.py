"""What shoppers can ask of a cart, one function each: an engine's answer in, the relay's JSON out.

An operation is the same whether a browser asks for it or a CMS's server in an action. Quantities
are set absolutely. Where the engine's answer to a write is lost, the cart is read, and only what
is seen in it counts as done; nothing is ever sent again blindly. Knows no HTTP.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from connector.errors import OutcomeUnknown
from connector.model import (
    Cart,
    CartId,
    JsonValue,
    LineId,
    Order,
    SiteName,
    VariantId,
)
from connector.ports_carts import MOST_OF_A_LINE, CartRefused, Carts, Refusal
from connector.relay import shapes
from connector.relay.compare import CartChange, agreed_to, compare
from connector.relay.front import Storefront, terms_of
from connector.relay.once import Answer, Work, mended, pieces_of, settled
from connector.relay.problems import Problem
from connector.relay.sealing import Sealer
from connector.relay.tokens import CartToken, open_token, seal_token
from connector.relay.views import cart_json, changes_json, option_json, order_json
from connector.state import relay as state
from connector.state.relay import Plan
from connector.sync.rules import Market

CODE_SECONDS = 120
ROUNDS = 3
_CODE_PURPOSE = "hand-over code"
Wanted = TypeVar("Wanted", bound=shapes.Body)


@dataclass(frozen=True, slots=True)
class Desk:
    """What operations need beside the engine."""

    sealer: Sealer
    storefronts: Mapping[SiteName, Storefront]
    find_sku: Callable[[Storefront, str], Awaitable[VariantId | None]]
    peek_code: Callable[[str, datetime], Awaitable[bytes | None]]
    token_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for one operation: who asks what of which cart."""

    desk: Desk
    storefront: Storefront
    origin: str
    """What a token made now is bound to."""
    trusted: Collection[str]
    """The origins whose tokens may be used."""
    now: datetime
    body: shapes.Body
    token: CartToken | None = None
    line: str = ""
    code: str = ""
    renewed: str | None = field(default=None)
    """The token to give back where half of its life is over."""

    def said(self, shape: type[Wanted]) -> Wanted:
        assert isinstance(self.body, shape)
        return self.body

    @property
    def market(self) -> Market:
        named = self.storefront.market(self.token.market) if self.token else None
        return named or self.storefront.markets[0]

    @property
    def held(self) -> CartToken:
        if self.token is None:
            raise Problem("unknown-cart")
        return self.token


Run = Callable[[Asked, Work], Awaitable[Answer]]
Read = Callable[[Asked, Carts], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its body, what it does, whether it needs a cart."""

    name: str
    shape: type[shapes.Body]
    run: Run | None = None
    """What changes something: runs once, holding the cart."""
    read: Read | None = None
    needs_cart: bool = True


# ---- carts ----


async def create_cart(asked: Asked, work: Work) -> Answer:
    wish = asked.said(shapes.NewCart)
    market = asked.storefront.market(wish.market)
    if market is None:
        raise Problem("invalid", more={"errors": [{"field": "market", "says": "is not known"}]})
    wanted: dict[VariantId, int] = {}
    for line in wish.lines:
        variant = await _variant(asked, line)
        wanted[variant] = wanted.get(variant, 0) + line.quantity
    cart = await work.carts.create(terms_of(market))
    for variant, quantity in wanted.items():
        cart = await _put(work.carts, cart, variant, quantity)
    return _with_token(asked, _token(asked, market, cart.id), cart, status=201)


async def read_cart(asked: Asked, carts: Carts) -> Answer:
    return _shown(asked, await carts.read(asked.held.cart))


async def add_line(asked: Asked, work: Work) -> Answer:
    """So many more than there are: once, also when an earlier attempt died on the way."""
    wish = asked.said(shapes.NewLine)
    variant = await _variant(asked, wish)
    cart = await work.read()
    plan, landed = work.begun.plan, work.begun.landed
    if plan is not None and landed is None:
        cart, landed = await settled(work.carts, cart, plan)
    if landed:
        return _shown(asked, cart)
    before = pieces_of(cart, variant)
    await work.note_plan(Plan(variant, before, before + wish.quantity))
    after = before + wish.quantity
    return _shown(asked, await _put(work.carts, cart, variant, after))


async def set_line(asked: Asked, work: Work) -> Answer:
    wish = asked.said(shapes.Quantity)
    return await _set(asked, work, wish.quantity)


async def remove_line(asked: Asked, work: Work) -> Answer:
    return await _set(asked, work, 0)


async def add_promotion(asked: Asked, work: Work) -> Answer:
    code = asked.said(shapes.PromotionCode).code
    cart = await work.ready()
    write = work.carts.apply_code(cart, code)
    return _shown(asked, await _sure(work.carts, cart, write, lambda c: code in c.promotions))


async def remove_promotion(asked: Asked, work: Work) -> Answer:
    code = asked.code
    cart = await work.ready()
    write = work.carts.remove_code(cart, code)
    return _shown(asked, await _sure(work.carts, cart, write, lambda c: code not in c.promotions))


async def refresh_cart(asked: Asked, work: Work) -> Answer:
    cart, changes = await _refreshed(work.carts, await work.read())
    return _shown(asked, cart, changes)


async def merge_carts(asked: Asked, work: Work) -> Answer:
    """Of an article in both carts the larger quantity; what cannot be had is left out.

    A cart that was ordered holds nothing any more: nobody orders it twice by logging in.
    """
    text = asked.said(shapes.Merge).source
    other = open_token(asked.desk.sealer, text, asked.storefront.name, asked.trusted, asked.now)
    if other is None or other.backend != asked.storefront.backend:
        raise Problem("unknown-cart")
    theirs = await work.carts.read(other.cart)
    cart = await work.read()
    for line in () if theirs.ordered else theirs.lines:
        if pieces_of(cart, line.variant) < line.quantity:
            cart = await _put_if_possible(work.carts, cart, line.variant, line.quantity)
    return _shown(asked, cart)


async def assign_cart(asked: Asked, work: Work) -> Answer:
    """The cart of a shopper who has logged in at the engine. To repeat it is safe."""
    login = asked.said(shapes.Login).login
    return _shown(asked, await work.carts.assign(await work.ready(), login))


# ---- checkout ----


async def update_cart(asked: Asked, work: Work) -> Answer:
    details = asked.said(shapes.CartDetails).value()
    cart = await work.ready()
    write = work.carts.update(cart, details)

    def done(found: Cart) -> bool:
        wanted = (details.email, details.shipping_address, details.billing_address)
        there = (found.email, found.shipping_address, found.billing_address)
        return all(w is None or w == t for w, t in zip(wanted, there, strict=True))

    return _shown(asked, await _sure(work.carts, cart, write, done))


async def shipping_options(asked: Asked, carts: Carts) -> Answer:
    cart = await carts.read(asked.held.cart)
    options = await carts.shipping_options(cart)
    locale = asked.market.locale
    return Answer(200, {"options": [option_json(each, locale) for each in options]})


async def choose_shipping(asked: Asked, work: Work) -> Answer:
    option = asked.said(shapes.ShippingChoice).option
    cart = await work.ready()
    write = work.carts.choose_shipping(cart, option)

    def done(found: Cart) -> bool:
        return found.shipping is not None and found.shipping.id == option

    return _shown(asked, await _sure(work.carts, cart, write, done))


async def payment_providers(asked: Asked, carts: Carts) -> Answer:
    cart = await carts.read(asked.held.cart)
    providers = await carts.payment_providers(cart)
    return Answer(200, {"providers": [{"id": each} for each in providers]})


async def choose_payment(asked: Asked, work: Work) -> Answer:
    provider = asked.said(shapes.PaymentChoice).provider
    cart = await work.ready()
    write = work.carts.choose_payment(cart, provider)

    def done(found: Cart) -> bool:
        return found.payment is not None and found.payment.provider == provider

    return _shown(asked, await _sure(work.carts, cart, write, done))


async def checkout(asked: Asked, work: Work) -> Answer:
    wish = asked.said(shapes.CheckoutWish)
    if wish.return_url is not None and not asked.storefront.may_return_to(wish.return_url):
        raise Problem("return-url")
    cart, changes = await _refreshed(work.carts, await work.read())
    url = work.carts.checkout_url(cart.id, wish.return_url)
    shown = _shown(asked, cart, changes)
    return replace(shown, body={"kind": "redirect" if url else "steps", "url": url, **shown.body})


async def complete_cart(asked: Asked, work: Work) -> Answer:
    """Order what the shopper agreed to, or say what is not so any more.

    A total that moved may cost the cart its payment session: that it moved is what to say then.
    """
    agreed = asked.said(shapes.Agreement).total_minor
    cart = await work.read()
    if not cart.ordered:
        missing = cart.needs()
        cart, found = await _refreshed(work.carts, cart)
        changes = found or agreed_to(agreed, cart)
        if not missing and changes:
            raise Problem("cart-changed", more=_facts(asked, cart, changes))
        if needs := cart.needs():
            told: dict[str, JsonValue] = {"needs": list(needs), **_facts(asked, cart, changes)}
            raise Problem("incomplete", more=told)
    return _ordered(asked, await _complete(asked, work.carts, cart))


async def read_order(asked: Asked, carts: Carts) -> Answer:
    order = await carts.order(asked.held.cart)
    if order is None:
        raise Problem("no-order")
    return _ordered(asked, order)


# ---- from one site to another ----


async def hand_over_cart(asked: Asked, work: Work) -> Answer:
    site = SiteName(asked.said(shapes.HandOver).to)
    to = asked.desk.storefronts.get(site)
    if to is None or to.backend != asked.storefront.backend or not to.market_like(asked.market):
        raise Problem("invalid", more={"errors": [{"field": "to", "says": "is not known"}]})
    code = secrets.token_urlsafe(24)
    expires_at = asked.now + timedelta(seconds=CODE_SECONDS)
    kept = f"{asked.held.market} {asked.storefront.name} {asked.held.cart}".encode()
    sealed = asked.desk.sealer.seal(_CODE_PURPOSE, kept, f"{site} {code}")
    mark = asked.desk.sealer.mark("code", f"{site} {code}")

    def keep(connection: Connection) -> None:
        state.keep_code(connection, mark, sealed, expires_at)

    return Answer(200, {"code": code, "expires_at": expires_at.isoformat()}, keep)


async def claim_cart(asked: Asked, work: Work) -> Answer:
    """The code is used up by the same commit that keeps the answer."""
    named = f"{asked.storefront.name} {asked.said(shapes.Claim).code}"
    mark = asked.desk.sealer.mark("code", named)
    sealed = await asked.desk.peek_code(mark, asked.now)
    kept = asked.desk.sealer.open(_CODE_PURPOSE, sealed, named) if sealed else None
    if kept is None:
        raise Problem("unknown-code")
    market_name, site, identity = kept.decode().split(" ", 2)
    left = asked.desk.storefronts.get(SiteName(site))
    before = left.market(market_name) if left else None
    market = asked.storefront.market_like(before) if before else None
    if market is None:
        raise Problem("unknown-code")
    cart = await work.carts.read(CartId(identity))

    def use(connection: Connection) -> None:
        if not state.use_code(connection, mark, asked.now):
            raise Problem("unknown-code")

    answer = _with_token(asked, _token(asked, market, cart.id), cart)
    return replace(answer, also=use)


OPERATIONS: Mapping[str, Operation] = {
    each.name: each
    for each in (
        Operation("create_cart", shapes.NewCart, run=create_cart, needs_cart=False),
        Operation("read_cart", shapes.Nothing, read=read_cart),
        Operation("update_cart", shapes.CartDetails, run=update_cart),
        Operation("add_line", shapes.NewLine, run=add_line),
        Operation("set_line", shapes.Quantity, run=set_line),
        Operation("remove_line", shapes.Nothing, run=remove_line),
        Operation("add_promotion", shapes.PromotionCode, run=add_promotion),
        Operation("remove_promotion", shapes.Nothing, run=remove_promotion),
        Operation("refresh_cart", shapes.Nothing, run=refresh_cart),
        Operation("shipping_options", shapes.Nothing, read=shipping_options),
        Operation("choose_shipping", shapes.ShippingChoice, run=choose_shipping),
        Operation("payment_providers", shapes.Nothing, read=payment_providers),
        Operation("choose_payment", shapes.PaymentChoice, run=choose_payment),
        Operation("checkout", shapes.CheckoutWish, run=checkout),
        Operation("complete_cart", shapes.Agreement, run=complete_cart),
        Operation("read_order", shapes.Nothing, read=read_order),
        Operation("hand_over_cart", shapes.HandOver, run=hand_over_cart),
        Operation("claim_cart", shapes.Claim, run=claim_cart, needs_cart=False),
        Operation("merge_carts", shapes.Merge, run=merge_carts),
        Operation("assign_cart", shapes.Login, run=assign_cart),
    )
}


# ---- parts ----


async def _variant(asked: Asked, line: shapes.NewLine) -> VariantId:
    if line.variant is not None:
        return VariantId(line.variant)
    found = await asked.desk.find_sku(asked.storefront, line.sku or "")
    if found is None:
        raise Problem("unknown-product")
    return found


async def _sure(
    carts: Carts,
    cart: CartId,
    write: Awaitable[Cart],
    done: Callable[[Cart], bool],
) -> Cart:
    """What a write answers; where its answer is lost, the cart as it is if it shows the write."""
    try:
        return await write
    except OutcomeUnknown:
        found = await carts.read(cart)
        if done(found):
            return found
        raise


async def _put(
    carts: Carts,
    cart: Cart,
    variant: VariantId,
    quantity: int,
) -> Cart:
    """The cart with exactly so many of a variant; mends what a lost add did on top of it."""
    if quantity > MOST_OF_A_LINE:
        raise Problem("quantity")
    line = cart.line_of(variant)
    write = (
        carts.change(cart.id, line.id, quantity) if line else carts.add(cart.id, variant, quantity)
    )
    made = await _sure(carts, cart.id, write, lambda c: pieces_of(c, variant) >= quantity)
    return await mended(carts, made, variant, quantity)


async def _put_if_possible(carts: Carts, cart: Cart, variant: VariantId, quantity: int) -> Cart:
    try:
        return await _put(carts, cart, variant, quantity)
    except CartRefused as error:
        if error.refusal in (Refusal.OUT_OF_STOCK, Refusal.UNKNOWN_PRODUCT):
            return cart
        raise


async def _set(asked: Asked, work: Work, quantity: int) -> Answer:
    line, cart = LineId(asked.line), await work.ready()

    def done(found: Cart) -> bool:
        there = found.line(line)
        return (there.quantity if there else 0) == quantity

    write = work.carts.change(cart, line, quantity)
    return _shown(asked, await _sure(work.carts, cart, write, done))


async def _refreshed(carts: Carts, before: Cart) -> tuple[Cart, Sequence[CartChange]]:
    """The cart at the prices of now, holding no more than there is; and what that changed.

    Again after something was taken out: an engine may refuse to refresh what it no longer sells.
    """
    if before.ordered:
        raise Problem("ordered")
    cart = before
    for _ in range(ROUNDS):
        checked = await carts.recheck(cart)
        cart = checked.cart
        if not checked.left:
            break
        for line, left in checked.left.items():
            cart = await carts.change(cart.id, line, left)
    return cart, compare(before, cart)


async def _complete(asked: Asked, carts: Carts, cart: Cart) -> Order:
    try:
        return await carts.complete(cart)
    except OutcomeUnknown:
        made = await carts.order(cart.id)
        if made is None:
            raise
        return made
    except CartRefused as error:
        if error.refusal is not Refusal.OUT_OF_STOCK:
            raise
        after, changes = await _refreshed(carts, cart)
        raise Problem("cart-changed", more=_facts(asked, after, changes)) from error


# ---- answers ----


def _token(asked: Asked, market: Market, cart: CartId) -> CartToken:
    front, desk = asked.storefront, asked.desk
    return CartToken(
        front.backend, front.name, market.name, cart, asked.origin, asked.now + desk.token_lifetime
    )


def _with_token(asked: Asked, token: CartToken, cart: Cart, status: int = 200) -> Answer:
    text = seal_token(asked.desk.sealer, token)
    shown = _shown(replace(asked, token=token, renewed=text), cart)
    return replace(shown, status=status)


def _facts(asked: Asked, cart: Cart, changes: Sequence[CartChange]) -> dict[str, JsonValue]:
    market = asked.market
    return {"cart": cart_json(cart, market), "changes": changes_json(changes, market.locale)}


def _shown(asked: Asked, cart: Cart, changes: Sequence[CartChange] = ()) -> Answer:
    token: dict[str, JsonValue] = {"token": asked.renewed} if asked.renewed else {}
    return Answer(200, {**token, **_facts(asked, cart, changes)})


def _ordered(asked: Asked, order: Order) -> Answer:
    return Answer(200, {"order": order_json(order, asked.market.locale)})


def fingerprint(operation: Operation, asked: Asked) -> dict[str, Any]:
    """All that makes two requests the same."""
    return {
        "operation": operation.name,
        "cart": asked.token.cart if asked.token else None,
        "line": asked.line,
        "code": asked.code,
        "body": asked.body.model_dump(mode="json", by_alias=True),
    }
