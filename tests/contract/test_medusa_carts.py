"""Medusa's carts against what a real Medusa answered: exact values, and every refusal by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from adapters.medusa import cart_mapping as mapping
from adapters.medusa.carts import FIELDS, MedusaCarts
from adapters.medusa.options import Options
from connector.errors import ConnectorError, OutcomeUnknown, TargetDown, TryAgain
from connector.model import (
    Address,
    BackendName,
    Cart,
    CartDetails,
    CartId,
    LineId,
    Locale,
    Money,
    Order,
    ProductId,
    Totals,
    VariantId,
)
from connector.ports import BackendSettings
from connector.ports_carts import CartRefused, MarketTerms, Refusal
from tests.contract.medusa.replay import recorded

CART = CartId("cart_01M85NS7MN2CP5VGPPJK07MBEY")
PATH = f"/store/carts/{CART}"
LINE = LineId("cali_01M85NS95C4DPBGWGW9NTYQJ4G")
Handler = Callable[[httpx.Request], httpx.Response]


def _recorded(name: str, _request: httpx.Request) -> httpx.Response:
    return recorded(name)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


class Replayed(httpx.AsyncBaseTransport):
    """Answers by method and path; remembers what was asked."""

    def __init__(self, **answers: str) -> None:
        self.answers: dict[str, Handler] = {}
        self.requests: list[httpx.Request] = []
        for path, name in answers.items():
            self.answers[path] = partial(_recorded, name)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers[f"{request.method} {request.url.path}"](request)


def opened(transport: httpx.AsyncBaseTransport, checkout_url: str | None = None) -> MedusaCarts:
    settings = BackendSettings(
        BackendName("shop"), "http://medusa.test", None, (), Locale("en-US"), {}, 5.0
    )
    options = Options(publishable_key="pk_1", checkout_url=checkout_url)
    return MedusaCarts(settings, options, transport)


def answering(name: str) -> MedusaCarts:
    """Carts of a Medusa that answers the same to everything."""
    return opened(httpx.MockTransport(lambda _: recorded(name)))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


async def full() -> Cart:
    return await opened(Replayed(**{f"GET {PATH}": "cart-in-full"})).read(CART)


async def test_a_cart_is_read_to_the_cent() -> None:
    cart = await full()
    assert cart.totals == Totals(
        subtotal=euros(3998),
        discount=euros(400),
        shipping=euros(500),
        tax=euros(779),
        total=euros(4877),
        tax_included=False,
    )
    (line,) = cart.lines
    assert (line.id, line.sku, line.quantity) == (LINE, "SHIRT-4-S-RED", 2)
    assert (line.unit_price, line.total) == (euros(1999), euros(3998))
    assert (line.title, line.variant_title) == ("Shirt 4", "S / red")
    assert cart.promotions == ("TEN1795486948",)
    assert cart.shipping_address == Address("A", "B", "", "x", "", "10115", "Berlin", "", "DE", "")
    assert cart.payment is not None
    assert (cart.payment.provider, cart.payment.status) == ("pp_system_default", "pending")
    assert cart.needs() == ()
    assert not cart.ordered


async def test_nothing_secret_shows_in_a_cart_that_is_printed() -> None:
    shown = repr(await full())
    assert CART not in shown
    assert "buyer@lab.test" not in shown
    assert "Berlin" not in shown


async def test_a_new_cart_asks_for_its_region_and_has_nothing() -> None:
    transport = Replayed(**{"POST /store/carts": "cart-created"})
    cart = await opened(transport).create(MarketTerms("EUR", "reg_1", Locale("de-DE")))
    assert (cart.lines, cart.totals.total, cart.needs()[0]) == ((), euros(0), "lines")
    (request,) = transport.requests
    assert request.headers["x-publishable-api-key"] == "pk_1"
    assert request.read() == b'{"region_id":"reg_1","locale":"de-DE"}'
    assert dict(request.url.params) == FIELDS


async def test_an_order_is_what_the_cart_was() -> None:
    transport = Replayed(**{f"POST {PATH}/complete": "cart-completed"})
    order = await opened(transport).complete(await full())
    assert (order.number, order.status, order.currency) == ("2", "pending", "EUR")
    assert order.totals == (await full()).totals
    assert [(each.sku, each.quantity) for each in order.lines] == [("SHIRT-4-S-RED", 2)]
    assert isinstance(order, Order)


async def test_shipping_is_offered_with_its_price() -> None:
    (option,) = await answering("cart-shipping-options").shipping_options(await full())
    assert (option.name, option.price) == ("Standard", euros(500))


WRITES: dict[str, Callable[[MedusaCarts, Cart], Awaitable[Any]]] = {
    "add": lambda carts, cart: carts.add(cart.id, VariantId("variant_x"), 1),
    "change": lambda carts, cart: carts.change(cart.id, LINE, 3),
    "code": lambda carts, cart: carts.apply_code(cart.id, "NOPE"),
    "details": lambda carts, cart: carts.update(cart.id, CartDetails(email="a@b.example")),
    "complete": lambda carts, cart: carts.complete(cart),
}


@pytest.mark.parametrize(
    ("write", "answer", "refusal"),
    [
        ("add", "cart-out-of-stock", Refusal.OUT_OF_STOCK),
        ("change", "cart-out-of-stock", Refusal.OUT_OF_STOCK),
        ("complete", "cart-completed-out-of-stock", Refusal.OUT_OF_STOCK),
        ("add", "cart-unknown-variant", Refusal.UNKNOWN_PRODUCT),
        ("add", "cart-unknown-on-write", Refusal.UNKNOWN_CART),
        ("change", "cart-unknown-line", Refusal.UNKNOWN_LINE),
        ("add", "cart-negative-quantity", Refusal.QUANTITY),
        ("code", "cart-unknown-code", Refusal.PROMOTION),
        ("complete", "cart-completed-early", Refusal.INCOMPLETE),
        ("add", "cart-added-too-late", Refusal.ORDERED),
        ("details", "cart-added-too-late", Refusal.ORDERED),
    ],
)
async def test_each_refusal_is_told_by_its_name(write: str, answer: str, refusal: Refusal) -> None:
    cart = await full()
    with pytest.raises(CartRefused) as caught:
        await WRITES[write](answering(answer), cart)
    assert caught.value.refusal is refusal
    assert CART not in caught.value.message


async def test_an_unknown_cart_is_refused_when_read() -> None:
    with pytest.raises(CartRefused) as caught:
        await answering("cart-unknown-on-read").read(CartId("cart_nope"))
    assert caught.value.refusal is Refusal.UNKNOWN_CART


async def test_a_wrong_publishable_key_takes_the_target_down() -> None:
    with pytest.raises(TargetDown, match="publishable"):
        await answering("store-wrong-key").read(CART)


async def test_what_is_left_is_told_by_the_store() -> None:
    cart = await full()
    transport = Replayed(
        **{f"GET {PATH}": "cart-in-full", f"POST {PATH}": "cart-in-full"},
        **{"GET /store/products": "store-stock"},
    )
    checked = await opened(transport).recheck(cart)
    assert checked.left == {LINE: 0}, "the store does not name the variant: it is not sold"
    asked = transport.requests[-1].url.params
    assert asked.get_list("id[]") == [ProductId("prod_01M85NBCJPB2XDPCR26EEFASPQ")]


async def test_more_promised_than_there_is_leaves_nothing_and_not_less() -> None:
    cart = await full()
    variant = {"id": cart.lines[0].variant, "manage_inventory": True, "inventory_quantity": -3}
    assert mapping.left([{"variants": [variant]}], cart) == {LINE: 0}


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_failed_write_may_have_been_done_and_a_failed_reading_was_not(status: int) -> None:
    cart, failing = await full(), opened(httpx.MockTransport(lambda _: httpx.Response(status)))
    with pytest.raises(OutcomeUnknown):
        await failing.add(cart.id, VariantId("variant_x"), 1)
    with pytest.raises(TryAgain) as caught:
        await failing.read(CART)
    assert type(caught.value) is TryAgain


@pytest.mark.parametrize("text", ["{", "[]", "<html>", '{"cart": {}}', '{"cart": {"id": 7}}'])
async def test_an_answer_that_is_no_cart_is_never_taken_for_one(text: str) -> None:
    cart, odd = await full(), opened(httpx.MockTransport(lambda _: httpx.Response(200, text=text)))
    with pytest.raises(ConnectorError) as caught:
        await odd.add(cart.id, VariantId("variant_x"), 1)
    assert isinstance(caught.value, OutcomeUnknown)


async def test_the_checkout_of_a_storefront_is_a_setting() -> None:
    carts = opened(httpx.MockTransport(lambda _: recorded("cart-created")))
    assert carts.checkout_url(CART, None) is None
    url = "https://shop.example/checkout?cart={cart}"
    hosted = opened(httpx.MockTransport(lambda _: recorded("cart-created")), checkout_url=url)
    assert hosted.capabilities.hosted_checkout and hosted.capabilities.shows_cart_id
    assert hosted.checkout_url(CartId("c/1"), None) == "https://shop.example/checkout?cart=c%2F1"
