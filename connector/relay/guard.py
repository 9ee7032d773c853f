"""What every request passes before it is understood: how often, how much, how slowly, from where.

Rates are token buckets in this process's memory, for so many clients at most; two processes allow
twice as much. Knows no cart.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.relay.front import Storefront
from connector.relay.problems import Problem
from connector.relay.tokens import NO_ORIGIN

MOST_CLIENTS = 20_000
BODY_SECONDS = 10.0
SMALL_BODY = 32 * 1024
ALLOWED_HEADERS = "authorization, content-type, idempotency-key, if-none-match"
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer."""
_SAFE = [(name.encode(), value.encode()) for name, value in SAFE.items()]


class SafeAnswers:
    """Gives every answer of an app the headers of SAFE that it does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                more = [each for each in _SAFE if each[0] not in named]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, safe if scope["type"] == "http" else send)


@dataclass(slots=True)
class Buckets:
    """So many a minute for each name, and so many at once."""

    per_minute: float
    burst: float
    clock: Callable[[], float]
    """Seconds that only grow."""
    _held: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, name: str) -> None:
        """Count one. Raises Problem `rate` where there is none left."""
        left, now = self._left(name)
        if left < 1:
            raise Problem("rate", max(1, round((1 - left) * 60 / self.per_minute)))
        self._keep(name, left - 1, now)

    def check(self, name: str) -> None:
        """Raises Problem `rate` where none is left; counts nothing."""
        left, _ = self._left(name)
        if left < 1:
            raise Problem("rate", max(1, round((1 - left) * 60 / self.per_minute)))

    def _left(self, name: str) -> tuple[float, float]:
        now = self.clock()
        left, since = self._held.get(name, (self.burst, now))
        return min(self.burst, left + (now - since) * self.per_minute / 60), now

    def _keep(self, name: str, left: float, now: float) -> None:
        self._held[name] = (left, now)
        self._held.move_to_end(name)
        if len(self._held) > MOST_CLIENTS:
            self._held.popitem(last=False)


def client_of(request: Request) -> str:
    """Who asks: an IPv4 address, or the network of an IPv6 one, which one household shares."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_near(request: Request) -> bool:
    """Whether it comes from this machine or a private network: what operators alone may read."""
    if request.client is None:
        return True
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_private) and not inner.is_unspecified


def origin_of_request(request: Request, storefront: Storefront) -> str:
    """The Origin of a request, if it may ask; NO_ORIGIN where it has none. Raises Problem."""
    given = request.headers.getlist("origin")
    if not given:
        return NO_ORIGIN
    if len(given) > 1 or given[0] not in storefront.origins:
        raise Problem("origin")
    return given[0]


def cors_headers(origin: str) -> dict[str, str]:
    """What lets a page of this origin read an answer. Never `*`, never with credentials."""
    if origin == NO_ORIGIN:
        return {"vary": "Origin"}
    return {
        "vary": "Origin",
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "etag, retry-after",
    }


def preflight_headers(origin: str) -> dict[str, str]:
    return {
        **cors_headers(origin),
        "access-control-allow-methods": ALLOWED_METHODS,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-max-age": "600",
    }


def check_json(request: Request) -> None:
    """Only JSON: no form on another site's page can send that without asking first."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("media-type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("media-type")


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body; no more than the limit is ever read, and nobody is waited for long."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:12]) > limit:
        raise Problem("too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise Problem("too-large")
    except TimeoutError as error:
        raise Problem("too-slow") from error
    except ClientDisconnect as error:
        raise Problem("malformed") from error
    return bytes(body)
