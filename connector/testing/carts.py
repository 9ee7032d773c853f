"""Carts in memory: `ports_carts.Carts` over a dict, with a merchant, and lost answers on demand.

Prices freeze in the cart until `recheck`, an add that is sent twice adds twice, as engines do.
`lose_answers` makes the next writes happen and raise OutcomeUnknown all the same; `fail_with`
makes them not happen. Keeps the promises of ports_carts.py exactly otherwise.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connector.errors import ConnectorError, OutcomeUnknown
from connector.model import (
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
from connector.ports_carts import (
    MOST_OF_A_LINE,
    CartCapabilities,
    CartRefused,
    MarketTerms,
    Rechecked,
    Refusal,
)

CAPABILITIES = CartCapabilities(
    hosted_checkout=False, shows_cart_id=False, promotions=True, adds_once=False, customers=True
)
PROVIDER = "test"
LOGINS = {"login-of-ada": "ada@lovelace.example"}
"""The customers that there are: what proves each, and whose e-mail the cart gets."""
CODE = "TEN"
"""Takes a tenth off."""


@dataclass(frozen=True, slots=True)
class Article:
    """What the memory shop sells: a variant at one price in every currency."""

    variant: VariantId
    sku: str
    title: str
    price_minor: int
    stock: int | None
    """None: it never runs out."""


class MemoryCarts:
    """Carts whose truth is this object's."""

    def __init__(
        self,
        articles: Iterable[Article] = (),
        capabilities: CartCapabilities = CAPABILITIES,
    ) -> None:
        self.articles = {article.variant: article for article in articles}
        self.carts: dict[CartId, Cart] = {}
        self.orders: dict[CartId, Order] = {}
        self.calls: Counter[str] = Counter()
        """How often each method was called."""
        self.lose_answers = 0
        self._lost: Counter[str] = Counter()
        self.fail_with: ConnectorError | None = None
        self.closed = False
        self._capabilities = capabilities
        self._numbers = itertools.count(1)

    # ---- the merchant ----

    def reprice(self, variant: VariantId, price_minor: int) -> None:
        self.articles[variant] = replace(self.articles[variant], price_minor=price_minor)

    def restock(self, variant: VariantId, pieces: int) -> None:
        self.articles[variant] = replace(self.articles[variant], stock=pieces)

    def lose_writes(self, call: str, times: int) -> None:
        """Let so many calls of this method happen and lose their answers."""
        self._lost[call] = times

    def withdraw(self, variant: VariantId) -> None:
        del self.articles[variant]

    # ---- the port ----

    @property
    def capabilities(self) -> CartCapabilities:
        return self._capabilities

    async def create(self, terms: MarketTerms) -> Cart:
        identity = CartId(f"cart_{next(self._numbers):06}")
        cart = Cart(identity, terms.currency, (), _totals(terms.currency, (), False, None))
        return self._write("create", cart)

    async def read(self, cart: CartId) -> Cart:
        self.calls["read"] += 1
        return self._known(cart)

    async def settle(self, cart: CartId) -> Cart:
        return self._write("settle", self._known(cart))

    async def add(self, cart: CartId, variant: VariantId, quantity: int) -> Cart:
        held = self._open(cart)
        there = held.line_of(variant)
        if there is not None:
            return self._set("add", held, there, there.quantity + quantity)
        article = self._article(variant)
        line = CartLine(
            id=LineId(f"line_{next(self._numbers):06}"),
            variant=variant,
            product=ProductId(f"product of {variant}"),
            sku=article.sku,
            title=article.title,
            variant_title="",
            quantity=0,
            unit_price=Money(article.price_minor, held.currency),
            total=Money(0, held.currency),
        )
        return self._set("add", replace(held, lines=(*held.lines, line)), line, quantity)

    async def change(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        held = self._open(cart)
        there = held.line(line)
        if there is None and quantity:
            raise CartRefused(Refusal.UNKNOWN_LINE, f"there is no line {line}")
        return self._set("change", held, there, quantity) if there else held

    async def apply_code(self, cart: CartId, code: str) -> Cart:
        held = self._open(cart)
        if code != CODE:
            raise CartRefused(Refusal.PROMOTION, f"there is no code {code}")
        return self._write("apply_code", replace(held, promotions=(code,)))

    async def remove_code(self, cart: CartId, code: str) -> Cart:
        held = self._open(cart)
        kept = tuple(each for each in held.promotions if each != code)
        return self._write("remove_code", replace(held, promotions=kept))

    async def update(self, cart: CartId, details: CartDetails) -> Cart:
        held = self._open(cart)
        if details.email is not None and "@" not in details.email:
            raise CartRefused(Refusal.DETAILS, "the e-mail address has no @")
        changed = replace(
            held,
            email=details.email or held.email,
            shipping_address=details.shipping_address or held.shipping_address,
            billing_address=details.billing_address or held.billing_address,
        )
        return self._write("update", changed)

    async def assign(self, cart: CartId, login: str) -> Cart:
        held = self._open(cart)
        if not self._capabilities.customers or login not in LOGINS:
            raise CartRefused(Refusal.CUSTOMER, "nobody is logged in with that")
        return self._write("assign", replace(held, email=LOGINS[login]))

    async def shipping_options(self, cart: Cart) -> Sequence[ShippingOption]:
        self.calls["shipping_options"] += 1
        held = self._known(cart.id)
        return (
            ShippingOption("post", "Post", Money(490, held.currency)),
            ShippingOption("pickup", "Pick up", Money(0, held.currency)),
        )

    async def choose_shipping(self, cart: CartId, option: str) -> Cart:
        held = self._open(cart)
        chosen = {each.id: each for each in await self.shipping_options(held)}.get(option)
        if chosen is None:
            raise CartRefused(Refusal.SHIPPING, f"there is no shipping option {option}")
        return self._write("choose_shipping", replace(held, shipping=chosen))

    async def payment_providers(self, cart: Cart) -> Sequence[str]:
        self.calls["payment_providers"] += 1
        self._known(cart.id)
        return (PROVIDER,)

    async def choose_payment(self, cart: CartId, provider: str) -> Cart:
        held = self._open(cart)
        if provider != PROVIDER:
            raise CartRefused(Refusal.PAYMENT, f"there is no payment provider {provider}")
        session = PaymentSession(provider, "pending", {"client_secret": "of a test"})
        return self._write("choose_payment", replace(held, payment=session))

    async def recheck(self, cart: Cart) -> Rechecked:
        held = self._open(cart.id)
        lines = tuple(self._repriced(line, held.currency) for line in held.lines)
        after = self._write("recheck", replace(held, lines=lines))
        left = {line.id: self._left(line) for line in lines}
        short = {line.id: left[line.id] for line in lines if left[line.id] < line.quantity}
        return Rechecked(after, short)

    async def complete(self, cart: Cart) -> Order:
        if (made := self.orders.get(cart.id)) is not None:
            return made
        held = self._open(cart.id)
        if held.needs():
            raise CartRefused(Refusal.INCOMPLETE, f"the cart still needs {held.needs()[0]}")
        for line in held.lines:
            self._check_stock(line.variant, line.quantity)
        number = str(1000 + next(self._numbers))
        order = Order(number, "placed", held.currency, held.lines, held.totals)
        self.orders[held.id] = order
        self._take(held)
        self._write("complete", replace(held, ordered=True))
        return order

    async def order(self, cart: CartId) -> Order | None:
        self._known(cart)
        return self.orders.get(cart)

    def checkout_url(self, cart: CartId, return_to: str | None) -> str | None:
        if not self._capabilities.hosted_checkout:
            return None
        return f"https://shop.example/checkout/{cart}"

    async def close(self) -> None:
        self.closed = True

    # ---- inside ----

    def _known(self, cart: CartId) -> Cart:
        if self.fail_with is not None:
            raise self.fail_with
        if cart not in self.carts:
            raise CartRefused(Refusal.UNKNOWN_CART, "there is no such cart")
        return self.carts[cart]

    def _open(self, cart: CartId) -> Cart:
        held = self._known(cart)
        if held.ordered:
            raise CartRefused(Refusal.ORDERED, "the cart has become an order")
        return held

    def _article(self, variant: VariantId) -> Article:
        if variant not in self.articles:
            raise CartRefused(Refusal.UNKNOWN_PRODUCT, f"variant {variant} is not sold")
        return self.articles[variant]

    def _check_stock(self, variant: VariantId, quantity: int) -> None:
        left = self._article(variant).stock
        if left is not None and quantity > left:
            raise CartRefused(Refusal.OUT_OF_STOCK, f"{left} are left", left=left)

    def _set(self, call: str, cart: Cart, line: CartLine, quantity: int) -> Cart:
        if not 0 <= quantity <= MOST_OF_A_LINE:
            raise CartRefused(Refusal.QUANTITY, f"{quantity} is no quantity")
        if quantity:
            self._check_stock(line.variant, quantity)
        total = Money(line.unit_price.amount_minor * quantity, cart.currency)
        changed = replace(line, quantity=quantity, total=total)
        lines = tuple(changed if each.id == line.id else each for each in cart.lines)
        kept = tuple(each for each in lines if each.quantity)
        return self._write(call, replace(cart, lines=kept))

    def _repriced(self, line: CartLine, currency: str) -> CartLine:
        article = self.articles.get(line.variant)
        if article is None:
            return line
        price = article.price_minor
        return replace(
            line,
            unit_price=Money(price, currency),
            total=Money(price * line.quantity, currency),
        )

    def _left(self, line: CartLine) -> int:
        article = self.articles.get(line.variant)
        if article is None:
            return 0
        return MOST_OF_A_LINE if article.stock is None else article.stock

    def _take(self, cart: Cart) -> None:
        for line in cart.lines:
            article = self.articles[line.variant]
            if article.stock is not None:
                self.restock(line.variant, article.stock - line.quantity)

    def _write(self, call: str, cart: Cart) -> Cart:
        self.calls[call] += 1
        if self.fail_with is not None:
            raise self.fail_with
        totals = _totals(cart.currency, cart.lines, bool(cart.promotions), cart.shipping)
        self.carts[cart.id] = replace(cart, totals=totals)
        if self.lose_answers or self._lost[call]:
            self.lose_answers = max(0, self.lose_answers - 1)
            self._lost[call] = max(0, self._lost[call] - 1)
            raise OutcomeUnknown("the answer was lost")
        return self.carts[cart.id]


def _totals(
    currency: str,
    lines: Sequence[CartLine],
    discounted: bool,
    shipping: ShippingOption | None,
) -> Totals:
    subtotal = sum(line.total.amount_minor for line in lines)
    discount = subtotal // 10 if discounted else 0
    carried = shipping.price.amount_minor if shipping and shipping.price else 0
    total = subtotal - discount + carried
    return Totals(
        subtotal=Money(subtotal, currency),
        discount=Money(discount, currency),
        shipping=Money(carried, currency),
        tax=Money(0, currency),
        total=Money(total, currency),
    )
