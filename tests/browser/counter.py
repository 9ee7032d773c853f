"""A shop front for browser tests: pages as a CMS renders them, and the relay with carts in memory.

Two servers on two ports, so that a browser holds them for two origins. Pages come with a strict
content security policy and are the same for everybody, as behind a full-page cache.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import uvicorn
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connector.clock import SystemClock
from connector.relay.files import storefront_mount
from connector.relay.front import Storefront
from connector.relay.relay import Relay
from connector.relay.sealing import Sealer
from connector.relay.service import RelayService
from connector.testing.carts import MemoryCarts
from tests.relay_house import BLOG, GENEROUS, GERMAN, KEY, LAMP, MUG, SHOP, RelayHouse

PAGE = """<!doctype html>
<html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width">
<meta name="commerce-connector" content="{relay}/v1/blog" data-market="de"{live}>
<link rel="icon" href="data:,">{words}
<script type="module" src="/storefront/commerce.js"></script></head>
<body><main><h1>Shop</h1>{body}</main></body></html>"""

PRODUCT = """
<commerce-price sku="MUG-1" id="price"><span data-amount>19,90\xa0€</span></commerce-price>
<commerce-stock sku="MUG-1" id="stock" data-availability="in_stock">Auf Lager</commerce-stock>
<commerce-buy sku="MUG-1" id="buy">
  <form method="post" action="/cms">
    <label>Menge <input type="number" name="quantity" value="1" min="1"></label>
    <button>Kaufen</button>
  </form>
</commerce-buy>
<commerce-price sku="LAMP-1" id="lamp">49,00\xa0€</commerce-price>
<commerce-cart checkout="/checkout"><a href="/cms/cart">Warenkorb ansehen</a></commerce-cart>
"""

CHOICE = """
<commerce-price for="buy" id="price"><span data-amount>19,90\xa0€</span></commerce-price>
<commerce-stock for="buy" id="stock" data-availability="in_stock">Auf Lager</commerce-stock>
<commerce-buy id="buy">
  <form method="post" action="/cms">
    <label>Artikel <select name="sku"><option>MUG-1</option><option>LAMP-1</option></select></label>
    <label>Menge <input type="number" name="quantity" value="1" min="1"></label>
    <button>Kaufen</button>
  </form>
</commerce-buy>
<commerce-cart view="page" checkout="/checkout"><a href="/cms/cart">Warenkorb</a></commerce-cart>
"""

CHECKOUT = '<commerce-checkout><a href="/cms/checkout">Zur Kasse</a></commerce-checkout>'


@dataclass(slots=True)
class Shopfront:
    """What a test sets up and looks at."""

    url: str
    relay_url: str
    house: RelayHouse
    posted: list[dict[str, list[str]]] = field(default_factory=list)
    """What forms sent to the CMS itself."""
    asked: list[str] = field(default_factory=list)
    """What was asked of the relay: method and path, without preflights."""
    lost: list[str] = field(default_factory=list)
    """Requests (method and path) that shall be done, but whose answers get lost, once each."""
    bodies: dict[str, str] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    """Pages served as they are, by name."""

    @property
    def carts(self) -> MemoryCarts:
        return self.house.carts


@contextmanager
def open_shopfront(folder: Path, *, hosted: bool = False) -> Iterator[Shopfront]:
    """Both servers on ports of their own, until the block ends."""
    house = RelayHouse.build(folder)
    if hosted:
        can = replace(house.carts.capabilities, hosted_checkout=True, shows_cart_id=True)
        house.carts = MemoryCarts(house.carts.articles.values(), can)
    house.confirm(MUG, "MUG-1", 1990, quantity=10)
    house.confirm(LAMP, "LAMP-1", 4900, quantity=3)
    shop = Shopfront("", "", house)
    with served(_pages(shop)) as pages:
        shop.url = pages
        with served(_relay(shop)) as relay:
            shop.relay_url = relay
            yield shop
    house.database.close()


def _pages(shop: Shopfront) -> Starlette:
    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "product")
        if name in shop.whole:
            return HTMLResponse(shop.whole[name])
        told = request.query_params
        bodies = {"product": PRODUCT, "choice": CHOICE, "checkout": CHECKOUT, **shop.bodies}
        text = PAGE.format(
            relay=shop.relay_url,
            lang=told.get("lang", "de"),
            dir=told.get("dir", "ltr"),
            live=" data-live" if "live" in told else "",
            words=shop.bodies.get("words", ""),
            body=bodies[name],
        )
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            f" connect-src {shop.relay_url}; form-action 'self'; base-uri 'none'"
        )
        return HTMLResponse(text, headers={"content-security-policy": policy})

    async def cms(request: Request) -> Response:
        shop.posted.append(parse_qs((await request.body()).decode()))
        return HTMLResponse("<!doctype html><title>CMS</title><h1>Im Warenkorb</h1>")

    return Starlette(
        routes=[
            storefront_mount(),
            Route("/cms", cms, methods=["POST"]),
            Route("/{name}", page),
        ]
    )


def _relay(shop: Shopfront) -> Starlette:
    counter = Counter("relay", "asked", ["operation", "result"], registry=CollectorRegistry())
    site = Storefront(BLOG, SHOP, shop.carts, (GERMAN,), shop.url, frozenset({shop.url}))
    clock, sealer = SystemClock(), Sealer((KEY,))
    relay = Relay(
        shop.house.database,
        {BLOG: site},
        sealer,
        clock,
        counter,
        token_lifetime=timedelta(days=30),
        limits=GENEROUS,
    )
    service = RelayService(relay)
    app = Starlette(routes=[service.mount()], lifespan=service.lifespan)
    app.add_middleware(_Road, shop=shop)
    return app


class _Road:
    """The way to the relay: notes what goes over it, and loses answers on demand."""

    def __init__(self, app: object, shop: Shopfront) -> None:
        self._app = app
        self._shop = shop

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        what = f"{scope.get('method')} {scope.get('path')}"
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)  # type: ignore[operator]
            return
        self._shop.asked.append(what)
        if what not in self._shop.lost:
            await self._app(scope, receive, send)  # type: ignore[operator]
            return
        self._shop.lost.remove(what)

        async def nowhere(message: object) -> None:
            """The answer never arrives."""

        await self._app(scope, receive, nowhere)  # type: ignore[operator]
        await send({"type": "http.response.start", "status": 502, "headers": []})
        await send({"type": "http.response.body", "body": b"bad gateway"})


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
