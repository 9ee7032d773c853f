"""The shop over HTTP. GET /v1/... reads with the key, /admin/... changes with it, carts need none.

Kept apart from the connector on purpose: the two speak HTTP only, as with any other backend.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.sandbox import pages, pictures, selling
from adapters.sandbox.faults import Faults
from adapters.sandbox.generate import LOCALES
from adapters.sandbox.store import Store

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]
VERSION = "1"
MOST = 500
HTML = "<html><body>Just a moment...</body></html>"


@dataclass(slots=True)
class Shop:
    """One shop: its memory, its key, its faults."""

    store: Store
    key: str
    faults: Faults = field(default_factory=Faults)
    repeated: set[str] = field(default_factory=set)


def build_app(shop: Shop) -> Starlette:
    """The app of a shop."""

    def keyed(handler: Callable[[Shop, Request], Response]) -> Handler:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            given = given or request.query_params.get("key", "")
            if not hmac.compare_digest(given.encode(), shop.key.encode()):
                return _problem(401, "unauthorized", "The key is missing or wrong.")
            request.state.body = await request.body()
            return await run_in_threadpool(handler, shop, request)

        return guarded

    async def picture(request: Request) -> Response:
        return _picture(request)

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    reads = [
        Route("/v1/shop", keyed(_shop)),
        Route("/v1/products", keyed(_products)),
        Route("/v1/ids", keyed(_ids)),
        Route("/v1/skus/{sku:path}", keyed(_sku)),
        Route("/v1/categories", keyed(_categories)),
        Route("/v1/changes", keyed(_changes)),
        Route("/v1/products/{id}/words", keyed(_put_words), methods=["POST"]),
    ]
    admin = [
        Route("/admin/products/{id}", keyed(_put_product), methods=["PUT"]),
        Route("/admin/products/{id}", keyed(_delete_product), methods=["DELETE"]),
        Route("/admin/categories/{id}", keyed(_put_category), methods=["PUT"]),
        Route("/admin/prices", keyed(_set_prices), methods=["POST"]),
        Route("/admin/stock", keyed(_set_stock), methods=["POST"]),
        Route("/admin/faults", keyed(_set_faults), methods=["PUT"]),
        Route("/admin", keyed(_admin_list)),
        Route("/admin/products/{id}", keyed(_admin_product)),
        Route("/admin/products/{id}", _admin_form(shop), methods=["POST"]),
    ]
    return Starlette(
        routes=[
            Route("/health", healthy),
            Route("/media/{seed}/{name}", picture),
            *reads,
            *admin,
            *selling.routes(shop.store),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_with_faults(shop))],
    )


def _problem(status: int, code: str, says: str) -> Response:
    return JSONResponse({"code": code, "message": says}, status)


def _with_faults(shop: Shop) -> Callable[[Request, Any], Awaitable[Response]]:
    async def dispatch(request: Request, call_next: Any) -> Response:
        if not request.url.path.startswith("/v1/"):
            answer: Response = await call_next(request)
            return answer
        if delay := shop.faults["latency_ms"]:
            await asyncio.sleep(float(delay) / 1000)
        if status := shop.faults["status"]:
            again = {"retry-after": "1"} if status in (429, 503) else None
            return Response(status_code=int(status), headers=again)
        if shop.faults["html"]:
            return HTMLResponse(HTML)
        if shop.faults["broken_json"]:
            return Response('{"products": [{"id": "p00', media_type="application/json")
        answer = await call_next(request)
        if request.method != "GET" and shop.faults.loses_an_answer():
            return Response(status_code=504)
        return answer

    return dispatch


# ---- reading ----


def _shop(shop: Shop, _request: Request) -> Response:
    return JSONResponse(
        {
            "name": "Sandbox shop",
            "version": VERSION,
            "currencies": ["EUR", "USD"],
            "locales": list(LOCALES),
            "products": 0 if shop.faults["empty"] else shop.store.count(),
        }
    )


def _listing(shop: Shop, request: Request, rows: Callable[[str, int], list[Any]]) -> Json:
    after = request.query_params.get("after", "")
    limit = min(int(request.query_params.get("limit", "200")), MOST)
    total = shop.store.count()
    if shop.faults["empty"]:
        return {"total": 0, "rows": []}
    if after and shop.faults["past_end"]:
        return {"total": total, "rows": []}
    if after and shop.faults["repeat"] and after not in shop.repeated:
        shop.repeated.add(after)
        return {"total": total, "rows": rows("", limit)}
    if shop.faults["half"]:
        total //= 2
        beyond = shop.store.ids("", total)[-1:] or [""]
        kept = [row for row in rows(after, limit) if _id(row) <= beyond[0]]
        return {"total": total, "rows": kept}
    return {"total": total, "rows": rows(after, limit)}


def _id(row: Any) -> str:
    return row if isinstance(row, str) else str(row["id"])


def _products(shop: Shop, request: Request) -> Response:
    if "ids" in request.query_params:
        wanted = [each for each in request.query_params["ids"].split(",") if each][:MOST]
        found = [] if shop.faults["empty"] else shop.store.products(wanted)
        found = [shop.faults.poisoned(each) for each in found]
        known = {each["id"] for each in found}
        return JSONResponse({"products": found, "gone": [i for i in wanted if i not in known]})
    listed = _listing(shop, request, shop.store.page)
    rows = [shop.faults.poisoned(each) for each in listed["rows"]]
    return JSONResponse({"products": rows, "total": listed["total"]})


def _ids(shop: Shop, request: Request) -> Response:
    listed = _listing(shop, request, shop.store.ids)
    return JSONResponse({"ids": listed["rows"], "total": listed["total"]})


def _sku(shop: Shop, request: Request) -> Response:
    return JSONResponse({"products": shop.store.by_sku(request.path_params["sku"])})


def _categories(shop: Shop, _request: Request) -> Response:
    found = [] if shop.faults["empty"] else shop.store.categories()
    return JSONResponse({"categories": found, "total": len(found)})


def _changes(shop: Shop, request: Request) -> Response:
    if "since" in request.query_params:
        at = shop.store.last_sequence(before=request.query_params["since"])
        return JSONResponse({"changes": [], "last": f"{shop.store.shop}-{at}"})
    after = request.query_params.get("after")
    if after is None:
        last = f"{shop.store.shop}-{shop.store.last_sequence()}"
        return JSONResponse({"changes": [], "last": last})
    limit = min(int(request.query_params.get("limit", "500")), MOST)
    name, _, sequence = after.rpartition("-")
    if name != shop.store.shop:
        return _problem(410, "other_feed", "This cursor belongs to another shop's feed.")
    found = shop.store.changes(int(sequence), limit)
    last = f"{name}-{found[-1]['sequence']}" if found else after
    return JSONResponse({"changes": found, "last": last})


def _picture(request: Request) -> Response:
    name = request.path_params["name"]
    drawn = f"{request.path_params['seed']}-{name.rpartition('.')[0]}"
    if name.endswith(".svg"):
        return Response(pictures.svg(drawn), media_type="image/svg+xml")
    if name.endswith(".png"):
        return Response(pictures.png(drawn), media_type="image/png")
    return _problem(404, "unknown_picture", "There is no such picture.")


# ---- changing ----


def _body(request: Request) -> Any:
    return json.loads(request.state.body)


def _put_product(shop: Shop, request: Request) -> Response:
    shop.store.put({**_body(request), "id": request.path_params["id"]})
    return JSONResponse({"ok": True})


def _put_words(shop: Shop, request: Request) -> Response:
    """{locale, words: {title: ...}, expected: {title: ...}} of an editor elsewhere."""
    body = _body(request)
    words, locale = body["words"], body["locale"]
    if shop.faults["refuse_words"]:
        return _problem(422, "refused", str(shop.faults["refuse_words"]))
    if locale not in LOCALES:
        return _problem(422, "unknown_locale", f"This shop does not speak {locale}.")
    if not str(words.get("title", "-")).strip():
        return _problem(422, "no_title", "A product needs a title.")
    done = shop.store.put_words(request.path_params["id"], locale, words, body["expected"])
    if done is None:
        return _problem(404, "unknown_product", "There is no such product.")
    return JSONResponse(done)


def _delete_product(shop: Shop, request: Request) -> Response:
    if shop.store.remove(request.path_params["id"]):
        return JSONResponse({"ok": True})
    return _problem(404, "unknown_product", "There is no such product.")


def _put_category(shop: Shop, request: Request) -> Response:
    shop.store.put_category({**_body(request), "id": request.path_params["id"]})
    return JSONResponse({"ok": True})


def _set_prices(shop: Shop, request: Request) -> Response:
    """[{variant, prices: [...]}, ...]"""

    def setting(prices: list[Json]) -> Callable[[Json], None]:
        return lambda variant: variant.update(prices=prices)

    wanted = [(row["variant"], setting(row["prices"])) for row in _body(request)]
    return _told(shop.store.change_variants("prices", wanted))


def _set_stock(shop: Shop, request: Request) -> Response:
    """[{variant, locations: {name: pieces}}, ...]"""

    def setting(locations: Json) -> Callable[[Json], None]:
        return lambda variant: variant["stock"].update(tracked=True, locations=locations)

    wanted = [(row["variant"], setting(row["locations"])) for row in _body(request)]
    return _told(shop.store.change_variants("stock", wanted))


def _told(unknown: list[str]) -> Response:
    if unknown:
        return _problem(404, "unknown_variant", f"There is no variant {unknown[0]}.")
    return JSONResponse({"ok": True})


def _set_faults(shop: Shop, request: Request) -> Response:
    unknown = shop.faults.switch(_body(request))
    shop.repeated.clear()
    if unknown:
        return _problem(400, "unknown_fault", f"There is no fault {unknown[0]}.")
    return JSONResponse({"ok": True})


def _admin_list(shop: Shop, request: Request) -> Response:
    text = request.query_params.get("q", "")
    return HTMLResponse(
        pages.products(shop.store.search(text), text, shop.key), headers=pages.HEADERS
    )


def _admin_product(shop: Shop, request: Request) -> Response:
    found = shop.store.products([request.path_params["id"]])
    if not found:
        return _problem(404, "unknown_product", "There is no such product.")
    return HTMLResponse(
        pages.product(found[0], shop.key, "saved" in request.query_params), headers=pages.HEADERS
    )


def _admin_form(shop: Shop) -> Handler:
    async def save(request: Request) -> Response:
        async with request.form() as form:
            given = {
                name: str(form.get(name, "")) for name in ("key", "variant", "euros", "pieces")
            }
        if not hmac.compare_digest(given["key"].encode(), shop.key.encode()):
            return _problem(401, "unauthorized", "The key is missing or wrong.")
        try:
            euros, pieces = Decimal(given["euros"]), int(given["pieces"])
        except (InvalidOperation, ValueError):
            return _problem(400, "bad_input", "A price is like 12.50, a stock like 7.")

        def change(variant: Json) -> None:
            for row in variant["prices"]:
                if row["currency"] == "EUR" and not row.get("price_list"):
                    row["amount"] = f"{euros:.2f}"
                    break
            variant["stock"].update(tracked=True, locations={"berlin": pieces})

        await run_in_threadpool(shop.store.change_variants, "prices", [(given["variant"], change)])
        back = f"/admin/products/{request.path_params['id']}?saved=1&key={shop.key}"
        return RedirectResponse(back, 303)

    return save
