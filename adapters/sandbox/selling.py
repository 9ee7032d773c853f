"""The shop's carts and its checkout over HTTP. Whoever knows a cart's id may use it: no key.

The shop's side, not the adapter's. Adding a line adds again when it is sent again, as in most
engines; setting a quantity and completing do not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.sandbox import pages, shop_carts
from adapters.sandbox.shop_carts import CartError
from adapters.sandbox.store import Store

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]
FIELDS = ("email", "address", "shipping")
Do = Callable[[Store, Request], Response]


def routes(store: Store) -> list[Route]:
    """The routes of a shop's carts."""

    def open_(do: Do) -> Handler:
        async def plain(request: Request) -> Response:
            request.state.body = await request.body()
            return await run_in_threadpool(_answered, do, store, request)

        return plain

    cart = "/v1/carts/{cart}"
    return [
        Route("/v1/carts", open_(_new), methods=["POST"]),
        Route(cart, open_(_get), methods=["GET"]),
        Route(cart, open_(_change), methods=["PATCH"]),
        Route(cart + "/lines", open_(_add_line), methods=["POST"]),
        Route(cart + "/lines/{variant}", open_(_set_line), methods=["PUT"]),
        Route(cart + "/refresh", open_(_refresh), methods=["POST"]),
        Route(cart + "/shipping-options", open_(_shipping_options), methods=["GET"]),
        Route(cart + "/payment-providers", open_(_payment_providers), methods=["GET"]),
        Route(cart + "/complete", open_(_complete), methods=["POST"]),
        Route(cart + "/order", open_(_read_order), methods=["GET"]),
        Route("/checkout/{cart}", open_(_checkout), methods=["GET"]),
        Route("/checkout/{cart}", _checkout_form(store), methods=["POST"]),
    ]


def problem(status: int, code: str, says: str, left: int | None = None) -> Response:
    return JSONResponse({"code": code, "message": says, "left": left}, status)


def _answered(do: Do, store: Store, request: Request) -> Response:
    try:
        return do(store, request)
    except CartError as error:
        return problem(error.status, error.code, error.says, error.left)


def _find(store: Store) -> shop_carts.FindVariant:
    def find(identity: str) -> Json | None:
        product = store.by_variant(identity)
        if product is None or product["status"] != "published":
            return None
        found: Json = next(each for each in product["variants"] if each["id"] == identity)
        texts = product["texts"].get("en-US") or next(iter(product["texts"].values()))
        image = product["images"][0]["url"] if product["images"] else None
        return {**found, "product": product["id"], "name": texts["title"], "image": image}

    return find


def _body(request: Request) -> Json:
    body: Json = json.loads(request.state.body or b"{}")
    return body


def _held(cart: Json | None) -> Json:
    if cart is None:
        raise CartError("unknown_cart", "This cart is not known.", 404)
    return cart


def _known(store: Store, request: Request) -> Json:
    return _held(store.cart(request.path_params["cart"]))


def _changed(store: Store, request: Request, how: Callable[[Json], Json]) -> Response:
    cart = _held(store.change_cart(request.path_params["cart"], how))
    return JSONResponse(shop_carts.shown(cart))


def _new(store: Store, request: Request) -> Response:
    cart = store.new_cart(shop_carts.empty(_body(request).get("currency", "EUR")))
    return JSONResponse(shop_carts.shown(cart), 201)


def _get(store: Store, request: Request) -> Response:
    return JSONResponse(shop_carts.shown(_known(store, request)))


def _change(store: Store, request: Request) -> Response:
    wanted = _body(request)
    return _changed(store, request, lambda cart: shop_carts.change(cart, wanted))


def _set_line(store: Store, request: Request) -> Response:
    """Sets a quantity. With `there` only of a line that is there; 0 of none is no error."""
    variant, wanted, find = request.path_params["variant"], _body(request), _find(store)
    quantity = wanted.get("quantity")

    def put(cart: Json) -> Json:
        if wanted.get("there") and quantity and not shop_carts.quantity_of(cart, variant):
            raise CartError("unknown_line", "This is not in the cart.", 404)
        return shop_carts.set_quantity(cart, find, variant, quantity)

    return _changed(store, request, put)


def _add_line(store: Store, request: Request) -> Response:
    wanted, find = _body(request), _find(store)
    variant, more = wanted["variant"], wanted.get("quantity", 1)

    def add(cart: Json) -> Json:
        quantity = shop_carts.quantity_of(cart, variant) + more
        return shop_carts.set_quantity(cart, find, variant, quantity)

    return _changed(store, request, add)


def _refresh(store: Store, request: Request) -> Response:
    find = _find(store)
    cart = _held(
        store.change_cart(request.path_params["cart"], lambda cart: shop_carts.refresh(cart, find))
    )
    left = shop_carts.shortages(cart, find)
    return JSONResponse({"cart": shop_carts.shown(cart), "left": left})


def _shipping_options(store: Store, request: Request) -> Response:
    _known(store, request)
    return JSONResponse({"options": list(shop_carts.SHIPPING)})


def _payment_providers(store: Store, request: Request) -> Response:
    _known(store, request)
    return JSONResponse({"providers": list(shop_carts.PROVIDERS)})


# ---- orders ----


def _order(store: Store, cart: str) -> Json:
    find = _find(store)
    return _held(store.complete(cart, lambda held: shop_carts.order(held, find, time.time())))


def _complete(store: Store, request: Request) -> Response:
    return JSONResponse(_order(store, request.path_params["cart"]))


def _read_order(store: Store, request: Request) -> Response:
    _known(store, request)
    order = store.order_of(request.path_params["cart"])
    if order is None:
        return problem(404, "no_order", "This cart is not an order.")
    return JSONResponse(order)


def _checkout(store: Store, request: Request) -> Response:
    cart = _known(store, request)
    if "return_to" in request.query_params:
        wanted = {"return_to": request.query_params["return_to"]}
        cart = _held(store.change_cart(cart["id"], lambda held: {**held, **wanted}))
    if (known := store.order_of(cart["id"])) is not None:
        return HTMLResponse(pages.thanks(known), headers=pages.HEADERS)
    return HTMLResponse(pages.checkout(shop_carts.shown(cart)), headers=pages.HEADERS)


def _checkout_form(store: Store) -> Handler:
    def pay(identity: str, given: Json) -> Response:
        wanted = {**given, "payment": "test"}
        try:
            cart = _held(store.change_cart(identity, lambda held: shop_carts.change(held, wanted)))
            order = _order(store, identity)
        except CartError as error:
            held = store.cart(identity)
            if held is None:
                return problem(error.status, error.code, error.says)
            return HTMLResponse(
                pages.checkout(shop_carts.shown(held), error.says), 400, headers=pages.HEADERS
            )
        if cart["return_to"]:
            return RedirectResponse(cart["return_to"], 303)
        return HTMLResponse(pages.thanks(order), headers=pages.HEADERS)

    async def handle(request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(form.get(name, "")) for name in FIELDS}
        return await run_in_threadpool(pay, request.path_params["cart"], given)

    return handle
