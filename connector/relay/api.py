"""The relay over HTTP: `/v1/…` as openapi.yaml says it, for browsers and any other front end.

Each route names an operation; what is said here is only how a request is let in (origin, rate,
body, key) and how an answer goes out (JSON or a problem, the same headers on all). Nothing of a
request is passed on to an engine but what its operation reads.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.config.strict_yaml import read_yaml
from connector.model import JsonValue, Locale, SiteName
from connector.ports_carts import MOST_OF_A_LINE
from connector.relay import guard
from connector.relay.actions import Actions
from connector.relay.front import Storefront
from connector.relay.offers import Offers
from connector.relay.operations import OPERATIONS, Operation
from connector.relay.problems import Problem
from connector.relay.relay import Relay, Visitor, places, problem_json
from connector.relay.shapes import read_json
from connector.relay.tokens import NO_ORIGIN

log = structlog.get_logger(__name__)
_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}")
_CURRENT = "/{site}/carts/current"
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("POST", "/{site}/carts", "create_cart"),
    ("POST", "/{site}/carts/claim", "claim_cart"),
    ("GET", _CURRENT, "read_cart"),
    ("PATCH", _CURRENT, "update_cart"),
    ("POST", _CURRENT + "/lines", "add_line"),
    ("PUT", _CURRENT + "/lines/{line}", "set_line"),
    ("DELETE", _CURRENT + "/lines/{line}", "remove_line"),
    ("POST", _CURRENT + "/promotions", "add_promotion"),
    ("DELETE", _CURRENT + "/promotions/{code}", "remove_promotion"),
    ("POST", _CURRENT + "/refresh", "refresh_cart"),
    ("GET", _CURRENT + "/shipping-options", "shipping_options"),
    ("PUT", _CURRENT + "/shipping", "choose_shipping"),
    ("GET", _CURRENT + "/payment-providers", "payment_providers"),
    ("PUT", _CURRENT + "/payment", "choose_payment"),
    ("POST", _CURRENT + "/checkout", "checkout"),
    ("POST", _CURRENT + "/complete", "complete_cart"),
    ("GET", _CURRENT + "/order", "read_order"),
    ("POST", _CURRENT + "/handover", "hand_over_cart"),
    ("POST", _CURRENT + "/merge", "merge_carts"),
    ("PUT", _CURRENT + "/customer", "assign_cart"),
)
"""Method, path below /v1, operation."""

Handler = Callable[[Request], Awaitable[Response]]
Inner = Callable[[Request, Storefront, str, str], Awaitable[Response]]
"""What answers a request that was let in: with its site, its origin and its trace id."""


def relay_app(relay: Relay, offers: Offers, actions: Actions) -> Starlette:
    """Everything below /v1."""
    door = _Door(relay)
    paths: dict[str, dict[str, Inner]] = {}
    for method, path, name in ROUTES:
        paths.setdefault(path, {})[method] = _operate(relay, OPERATIONS[name])
    paths["/{site}/offers"] = {"GET": _offers(offers)}
    paths["/{site}/offers/stream"] = {"GET": _stream(offers)}
    paths["/{site}"] = {"GET": _site_facts}
    return Starlette(
        routes=[
            Route("/openapi.json", _openapi),
            Route("/actions", door.signed(actions.receive), methods=["POST"]),
            Route("/actions/{id}", door.signed(actions.read), methods=["GET"]),
            *(
                Route(path, door.open(inners), methods=[*inners, "OPTIONS"])
                for path, inners in paths.items()
            ),
        ],
        exception_handlers={HTTPException: unrouted},
    )


class _Door:
    """Lets requests in: not too many at once, of known sites, from their own pages."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._inside = 0

    def open(self, inners: Mapping[str, Inner]) -> Handler:
        """For browsers and any other client: site by path, origin checked, CORS answered."""

        async def enter(request: Request) -> Response:
            trace_id, origin, locale = _trace_id(request), NO_ORIGIN, None
            try:
                storefront = self._storefront(request.path_params["site"])
                locale = storefront.markets[0].locale
                origin = guard.origin_of_request(request, storefront)
                if request.method == "OPTIONS":
                    return _answer(204, None, guard.preflight_headers(origin))
                self._relay.clients.take(guard.client_of(request))
                inner = inners.get(request.method) or inners["GET"]
                response = await self._within(inner(request, storefront, origin, trace_id))
            except Exception as error:  # noqa: BLE001 - nothing leaves here but a problem
                response = _problem(_problem_of(error, trace_id), locale, trace_id)
            response.headers.update(guard.cors_headers(origin))
            return response

        return enter

    def signed(self, inner: Callable[[Request, str], Awaitable[Response]]) -> Handler:
        """For servers: the signature says who they are."""

        async def enter(request: Request) -> Response:
            trace_id = _trace_id(request)
            try:
                return await self._within(inner(request, trace_id))
            except Exception as error:  # noqa: BLE001 - nothing leaves here but a problem
                return _problem(_problem_of(error, trace_id), None, trace_id)

        return enter

    def _storefront(self, name: str) -> Storefront:
        storefront = self._relay.storefronts.get(SiteName(name))
        if storefront is None:
            raise Problem("not-found")
        return storefront

    async def _within(self, work: Awaitable[Response]) -> Response:
        if self._inside >= self._relay.limits.at_once:
            if hasattr(work, "close"):
                work.close()
            raise Problem("unavailable", 1)
        self._inside += 1
        try:
            return await work
        finally:
            self._inside -= 1


# ---- the routes ----


def _operate(relay: Relay, operation: Operation) -> Inner:
    async def operate(
        request: Request, storefront: Storefront, origin: str, trace_id: str
    ) -> Response:
        trusted, client = _trusted(request, storefront, origin), guard.client_of(request)
        visitor = Visitor(storefront, origin, trusted, client, trace_id)
        key = _idempotency_key(request) if operation.run else ""
        body = await _body(request)
        asked = relay.asked(
            visitor,
            operation,
            body,
            _bearer(request),
            line=request.path_params.get("line", ""),
            code=request.path_params.get("code", ""),
        )
        try:
            answer = await relay.perform(visitor, operation, asked, key)
        except Problem as problem:
            return _problem(problem, asked.market.locale, trace_id)
        return _answer(answer.status, answer.body)

    return operate


async def _site_facts(
    request: Request, storefront: Storefront, origin: str, trace_id: str
) -> Response:
    carts = storefront.carts
    if carts is None:
        raise Problem("not-found")
    markets: list[JsonValue] = [
        {"name": each.name, "locale": each.locale, "currency": each.currency}
        for each in storefront.markets
    ]
    can = carts.capabilities
    facts: dict[str, JsonValue] = {
        "site": storefront.name,
        "markets": markets,
        "checkout": "redirect" if can.hosted_checkout else "steps",
        "promotions": can.promotions,
        "customers": can.customers,
        "most_of_a_line": MOST_OF_A_LINE,
    }
    return _answer(200, facts)


def _offers(offers: Offers) -> Inner:
    async def read(
        request: Request, storefront: Storefront, origin: str, trace_id: str
    ) -> Response:
        found = await offers.read(storefront, offers.wish(request, storefront))
        headers = {"etag": found.etag, "cache-control": "no-cache"}
        if found.etag in request.headers.get("if-none-match", ""):
            return _answer(304, None, headers)
        return _answer(200, found.body, headers)

    return read


def _stream(offers: Offers) -> Inner:
    async def stream(
        request: Request, storefront: Storefront, origin: str, trace_id: str
    ) -> Response:
        wish = offers.wish(request, storefront)
        response = offers.stream(storefront, wish, guard.client_of(request))
        response.headers.update({**guard.SAFE, "x-accel-buffering": "no"})
        return response

    return stream


async def _openapi(_request: Request) -> Response:
    return Response(openapi_json(), media_type="application/json", headers=dict(guard.SAFE))


@cache
def openapi_json() -> str:
    """The document that is served."""
    document, problems = read_yaml((Path(__file__).parent / "openapi.yaml").read_bytes(), "openapi")
    assert not problems, problems
    return json.dumps(document, ensure_ascii=False)


async def unrouted(request: Request, error: Exception) -> Response:
    """The answer at an address, or to a method, that is not there."""
    if not isinstance(error, HTTPException) or error.status_code != 405:
        return _problem(Problem("not-found"), None, _trace_id(request))
    response = _problem(Problem("method"), None, _trace_id(request))
    response.headers.update(error.headers or {})
    return response


# ---- reading and answering ----


def _trusted(request: Request, storefront: Storefront, origin: str) -> frozenset[str]:
    """The origins whose tokens a request may use: its own.

    A browser says none with a GET to its page's own origin, which a relay behind the site's own
    address is; whoever can leave it out elsewhere is no browser, and could say any.
    """
    if origin == NO_ORIGIN and request.method == "GET":
        return storefront.origins | {NO_ORIGIN}
    return frozenset({origin})


def _trace_id(request: Request) -> str:
    """That of a W3C traceparent, if it has one."""
    found = re.match(r"00-([0-9a-f]{32})-", request.headers.get("traceparent", ""))
    return found.group(1) if found else secrets.token_hex(16)


def _idempotency_key(request: Request) -> str:
    """The key; "" where none is needed and none is given. Raises Problem `key-missing`."""
    key = request.headers.get("idempotency-key", "")
    if _KEY.fullmatch(key) or (not key and request.method != "POST"):
        return key
    raise Problem("key-missing")


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _body(request: Request) -> Mapping[str, Any]:
    if request.method in ("GET", "DELETE"):
        return {}
    content = await guard.read_bytes(request, guard.SMALL_BODY)
    if content:
        guard.check_json(request)
    return read_json(content)


def _problem_of(error: Exception, trace_id: str) -> Problem:
    """What is answered; what is no problem of a shopper's is ours, and logged."""
    if isinstance(error, Problem):
        return error
    log.error(
        "A request met something unforeseen",
        action="relay.crash",
        error=type(error).__name__,
        where=places(error),
        trace_id=trace_id,
    )
    return Problem("unavailable", 5)


def _answer(
    status: int, body: Mapping[str, JsonValue] | None, headers: Mapping[str, str] | None = None
) -> Response:
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Response(
        content,
        status,
        headers={**guard.SAFE, **(headers or {})},
        media_type=kind if content else None,
    )


def _problem(problem: Problem, locale: Locale | None, trace_id: str) -> Response:
    status, body, headers = problem_json(problem, locale, trace_id)
    return _answer(status, body, headers)
