"""The promises of `ports_carts.Carts`, one test each. Runs on any adapter that has a bench.

Knows nothing of any one engine; what differs between them it reads from the capabilities. The
tests are coroutines and run by anyio's pytest plugin; a bench opens and closes its carts in the
test's own event loop (an async fixture).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import pytest

from connector.model import (
    Address,
    Cart,
    CartDetails,
    CartId,
    LineId,
    Money,
    Order,
    VariantId,
)
from connector.ports_carts import CartRefused, Carts, MarketTerms, Refusal

ADDRESS = Address(
    first_name="Ada",
    last_name="Lovelace",
    line_1="Unter den Linden 1",
    postal_code="10117",
    city="Berlin",
    country="DE",
)
EMAIL = "ada@lovelace.example"


class CartsBench(Protocol):
    """The adapter under test, and a merchant at the engine. Others may buy there too."""

    terms: MarketTerms
    """A market in which the bench's articles are sold, with prices that include no further tax
    as long as no address is given."""
    code: str | None
    """A promotion's code that takes something off; None where the engine has none."""
    login: str | None
    """What the engine's login gave a customer; None where it has no customers."""

    @property
    def carts(self) -> Carts: ...

    async def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        """A new article with tracked stock."""

    async def reprice(self, variant: VariantId, price_minor: int) -> None: ...

    async def restock(self, variant: VariantId, pieces: int) -> None: ...

    async def withdraw(self, variant: VariantId) -> None:
        """Sell it no longer."""


@pytest.mark.anyio
class CartsConformance:
    """Subclass it and override `bench`."""

    @pytest.fixture
    def bench(self) -> CartsBench:
        raise NotImplementedError("override the fixture `bench`")

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    # ---- what is in it ----

    async def test_a_new_cart_is_empty_and_costs_nothing(self, bench: CartsBench) -> None:
        cart = await bench.carts.create(bench.terms)
        assert cart.lines == ()
        assert cart.currency == bench.terms.currency
        assert cart.totals.total == Money(0, cart.currency)
        assert not cart.ordered
        assert await bench.carts.read(cart.id) == cart

    async def test_an_unknown_cart_is_refused(self, bench: CartsBench) -> None:
        with pytest.raises(CartRefused) as caught:
            await bench.carts.read(CartId("cart_nobody_has"))
        assert caught.value.refusal is Refusal.UNKNOWN_CART

    async def test_what_is_added_is_there_at_its_price(self, bench: CartsBench) -> None:
        variant = await bench.sell("ADDED", 1999, 10)
        cart = await _with(bench, variant, 3)
        (line,) = cart.lines
        assert (line.variant, line.sku, line.quantity) == (variant, "ADDED", 3)
        assert line.title
        assert line.unit_price == Money(1999, cart.currency)
        assert line.total == cart.totals.subtotal == cart.totals.total == Money(5997, cart.currency)
        assert await bench.carts.read(cart.id) == cart

    async def test_carts_do_not_mix(self, bench: CartsBench) -> None:
        variant = await bench.sell("MINE", 500, 10)
        mine, other = await _with(bench, variant, 1), await bench.carts.create(bench.terms)
        assert mine.id != other.id
        assert (await bench.carts.read(other.id)).lines == ()

    async def test_a_quantity_is_set_and_setting_it_again_changes_nothing(
        self, bench: CartsBench
    ) -> None:
        variant = await bench.sell("CHANGED", 1000, 10)
        cart = await _with(bench, variant, 1)
        line = cart.lines[0].id
        for _ in range(2):
            cart = await bench.carts.change(cart.id, line, 4)
            assert [(each.variant, each.quantity) for each in cart.lines] == [(variant, 4)]
            assert cart.totals.subtotal == Money(4000, cart.currency)

    async def test_nothing_of_a_line_takes_it_out_even_twice(self, bench: CartsBench) -> None:
        variant = await bench.sell("REMOVED", 1000, 10)
        cart = await _with(bench, variant, 1)
        line = cart.lines[0].id
        for _ in range(2):
            cart = await bench.carts.change(cart.id, line, 0)
            assert cart.lines == ()
            assert cart.totals.total == Money(0, cart.currency)

    async def test_a_line_that_is_not_there_cannot_hold_anything(self, bench: CartsBench) -> None:
        cart = await bench.carts.create(bench.terms)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.change(cart.id, LineId("line_nobody_has"), 1)
        assert caught.value.refusal is Refusal.UNKNOWN_LINE

    async def test_more_than_there_is_cannot_be_had(self, bench: CartsBench) -> None:
        variant = await bench.sell("SCARCE", 1000, 3)
        empty = await bench.carts.create(bench.terms)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.add(empty.id, variant, 4)
        assert caught.value.refusal is Refusal.OUT_OF_STOCK
        cart = await bench.carts.add(empty.id, variant, 3)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.change(cart.id, cart.lines[0].id, 4)
        assert caught.value.refusal is Refusal.OUT_OF_STOCK
        assert caught.value.left in (None, 3)
        assert (await bench.carts.read(cart.id)).lines[0].quantity == 3

    async def test_what_nobody_sells_cannot_be_bought(self, bench: CartsBench) -> None:
        cart = await bench.carts.create(bench.terms)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.add(cart.id, VariantId("variant_nobody_sells"), 1)
        assert caught.value.refusal is Refusal.UNKNOWN_PRODUCT
        assert (await bench.carts.read(cart.id)).lines == ()

    async def test_settling_changes_nothing(self, bench: CartsBench) -> None:
        cart = await _with(bench, await bench.sell("SETTLED", 1000, 5), 2)
        assert await bench.carts.settle(cart.id) == cart
        assert await bench.carts.read(cart.id) == cart

    # ---- codes ----

    async def test_a_code_takes_something_off_until_it_is_taken_away(
        self, bench: CartsBench
    ) -> None:
        if bench.code is None:
            assert not bench.carts.capabilities.promotions
            return
        variant = await bench.sell("REDUCED", 2000, 10)
        cart = await _with(bench, variant, 1)
        for _ in range(2):
            cart = await bench.carts.apply_code(cart.id, bench.code)
            assert cart.promotions == (bench.code,)
            assert cart.totals.discount.amount_minor > 0
            assert cart.totals.total < cart.totals.subtotal
        for _ in range(2):
            cart = await bench.carts.remove_code(cart.id, bench.code)
            assert cart.promotions == ()
            assert cart.totals.total == Money(2000, cart.currency)

    async def test_a_wrong_code_is_refused_and_changes_nothing(self, bench: CartsBench) -> None:
        variant = await bench.sell("FULL", 2000, 10)
        cart = await _with(bench, variant, 1)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.apply_code(cart.id, "NOSUCHCODE")
        assert caught.value.refusal is Refusal.PROMOTION
        assert (await bench.carts.read(cart.id)).totals == cart.totals

    # ---- what moved meanwhile ----

    async def test_a_recheck_takes_the_price_of_this_moment(self, bench: CartsBench) -> None:
        variant = await bench.sell("DEARER", 1000, 10)
        cart = await _with(bench, variant, 2)
        await bench.reprice(variant, 1400)
        checked = await bench.carts.recheck(cart)
        assert checked.left == {}
        assert checked.cart.lines[0].unit_price == Money(1400, cart.currency)
        assert checked.cart.totals.subtotal == Money(2800, cart.currency)
        assert await bench.carts.read(cart.id) == checked.cart

    async def test_a_recheck_says_what_is_left_and_takes_nothing_out(
        self, bench: CartsBench
    ) -> None:
        scarce = await bench.sell("LESS", 1000, 5)
        plenty = await bench.sell("PLENTY", 1000, 5)
        cart = await _with(bench, scarce, 4)
        cart = await bench.carts.add(cart.id, plenty, 4)
        await bench.restock(scarce, 1)
        checked = await bench.carts.recheck(cart)
        assert checked.left == {_line(cart, scarce): 1}
        assert sorted(line.quantity for line in checked.cart.lines) == [4, 4]

    async def test_a_recheck_says_what_is_no_longer_sold(self, bench: CartsBench) -> None:
        variant = await bench.sell("WITHDRAWN", 1000, 5)
        cart = await _with(bench, variant, 1)
        await bench.withdraw(variant)
        checked = await bench.carts.recheck(cart)
        assert checked.left == {cart.lines[0].id: 0}

    # ---- checkout ----

    async def test_details_are_kept_and_what_is_left_out_stays(self, bench: CartsBench) -> None:
        cart = await bench.carts.create(bench.terms)
        cart = await bench.carts.update(cart.id, CartDetails(email=EMAIL))
        cart = await bench.carts.update(cart.id, CartDetails(shipping_address=ADDRESS))
        assert (cart.email, cart.shipping_address) == (EMAIL, ADDRESS)
        again = await bench.carts.read(cart.id)
        assert (again.email, again.shipping_address) == (EMAIL, ADDRESS)

    async def test_an_address_is_that_which_was_given_last_and_no_mixture(
        self, bench: CartsBench
    ) -> None:
        cart = await bench.carts.create(bench.terms)
        longer = replace(ADDRESS, company="Engines Ltd", line_2="Back door", phone="030 1234")
        for address in (longer, ADDRESS):
            given = CartDetails(shipping_address=address, billing_address=address)
            cart = await bench.carts.update(cart.id, given)
            assert (cart.shipping_address, cart.billing_address) == (address, address)
        assert await bench.carts.read(cart.id) == cart

    async def test_a_cart_becomes_that_of_who_is_logged_in(self, bench: CartsBench) -> None:
        variant = await bench.sell("THEIRS", 700, 10)
        cart = await _with(bench, variant, 2)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.assign(cart.id, "login-of-nobody")
        assert caught.value.refusal is Refusal.CUSTOMER
        assert bench.carts.capabilities.customers == (bench.login is not None)
        if bench.login is None:
            return
        for _ in range(2):
            theirs = await bench.carts.assign(cart.id, bench.login)
            assert _content(theirs) == _content(cart)
            assert theirs.email
        assert await bench.carts.read(cart.id) == theirs

    async def test_shipping_is_chosen_among_the_options(self, bench: CartsBench) -> None:
        cart = await _addressed(bench, await bench.sell("SHIPPED", 1000, 5))
        options = await bench.carts.shipping_options(cart)
        assert options
        for option in options:
            cart = await bench.carts.choose_shipping(cart.id, option.id)
            assert cart.shipping is not None
            assert (cart.shipping.id, cart.shipping.name) == (option.id, option.name)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.choose_shipping(cart.id, "so_nobody_offers")
        assert caught.value.refusal is Refusal.SHIPPING
        assert await bench.carts.read(cart.id) == cart

    async def test_payment_begins_with_one_of_the_providers(self, bench: CartsBench) -> None:
        cart = await _addressed(bench, await bench.sell("PAID", 1000, 5))
        cart = await _shipped(bench, cart)
        (provider, *_) = await bench.carts.payment_providers(cart)
        for _ in range(2):
            cart = await bench.carts.choose_payment(cart.id, provider)
            assert cart.payment is not None
            assert cart.payment.provider == provider
        with pytest.raises(CartRefused) as caught:
            await bench.carts.choose_payment(cart.id, "pp_nobody_has")
        assert caught.value.refusal is Refusal.PAYMENT

    async def test_a_cart_that_lacks_something_becomes_no_order(self, bench: CartsBench) -> None:
        variant = await bench.sell("EARLY", 1000, 5)
        cart = await _with(bench, variant, 1)
        assert cart.needs()
        with pytest.raises(CartRefused) as caught:
            await bench.carts.complete(cart)
        assert caught.value.refusal is Refusal.INCOMPLETE
        assert await bench.carts.order(cart.id) is None
        assert not (await bench.carts.read(cart.id)).ordered

    async def test_an_order_has_what_the_cart_had_and_is_made_once(self, bench: CartsBench) -> None:
        cart = await _ready(bench, await bench.sell("ORDERED", 1500, 5), 2)
        assert cart.needs() == ()
        assert await bench.carts.order(cart.id) is None
        order = await bench.carts.complete(cart)
        assert order.number
        assert order.totals == cart.totals
        assert _content(order) == _content(cart)
        assert await bench.carts.complete(cart) == order
        assert await bench.carts.order(cart.id) == order
        assert (await bench.carts.read(cart.id)).ordered

    async def test_an_ordered_cart_takes_nothing_more(self, bench: CartsBench) -> None:
        variant = await bench.sell("LATE", 1500, 5)
        other = await bench.sell("LATER", 1500, 5)
        cart = await _ready(bench, variant, 1)
        await bench.carts.complete(cart)
        for late in (
            bench.carts.add(cart.id, other, 1),
            bench.carts.change(cart.id, cart.lines[0].id, 2),
            bench.carts.update(cart.id, CartDetails(email=EMAIL)),
        ):
            with pytest.raises(CartRefused) as caught:
                await late
            assert caught.value.refusal is Refusal.ORDERED

    async def test_what_is_sold_out_meanwhile_becomes_no_order(self, bench: CartsBench) -> None:
        variant = await bench.sell("GONE", 1500, 5)
        cart = await _ready(bench, variant, 2)
        await bench.restock(variant, 1)
        with pytest.raises(CartRefused) as caught:
            await bench.carts.complete(cart)
        assert caught.value.refusal is Refusal.OUT_OF_STOCK
        assert await bench.carts.order(cart.id) is None

    async def test_a_hosted_checkout_has_an_address(self, bench: CartsBench) -> None:
        cart = await bench.carts.create(bench.terms)
        url = bench.carts.checkout_url(cart.id, None)
        can = bench.carts.capabilities
        assert (url is not None) == can.hosted_checkout
        assert (url is not None and cart.id in url) == can.shows_cart_id


# ---- on the way to an order ----


async def _with(bench: CartsBench, variant: VariantId, quantity: int) -> Cart:
    return await bench.carts.add((await bench.carts.create(bench.terms)).id, variant, quantity)


async def _addressed(bench: CartsBench, variant: VariantId, quantity: int = 1) -> Cart:
    cart = await _with(bench, variant, quantity)
    details = CartDetails(email=EMAIL, shipping_address=ADDRESS, billing_address=ADDRESS)
    return await bench.carts.update(cart.id, details)


async def _shipped(bench: CartsBench, cart: Cart) -> Cart:
    options = await bench.carts.shipping_options(cart)
    return await bench.carts.choose_shipping(cart.id, options[0].id)


async def _ready(bench: CartsBench, variant: VariantId, quantity: int) -> Cart:
    cart = await _shipped(bench, await _addressed(bench, variant, quantity))
    (provider, *_) = await bench.carts.payment_providers(cart)
    return await bench.carts.choose_payment(cart.id, provider)


def _line(cart: Cart, variant: VariantId) -> LineId:
    line = cart.line_of(variant)
    assert line is not None
    return line.id


def _content(of: Cart | Order) -> list[tuple[VariantId, int, Money]]:
    return sorted((line.variant, line.quantity, line.total) for line in of.lines)
