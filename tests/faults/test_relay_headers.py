"""Nothing of a request's headers, path or query reaches the engine, or comes back in an answer's.

Raw bytes to a real server, before a sandbox shop whose requests are noted. And whose word is taken
for who asks.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from adapters.sandbox.carts import SandboxCarts
from adapters.sandbox.server import Shop, build_app
from adapters.sandbox.store import Store
from connector.model import BackendName, Locale
from connector.ports import BackendSettings
from connector.relay.relay import Limits
from connector.serve import HttpServer
from tests.faults.test_relay_network import heard
from tests.relay_house import BLOG_ORIGIN, RelayHouse, build_service

CANARY = "canary-7f3a"
NAMES = (
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "forwarded",
    "x-real-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "via", "x-original-url",
    "x-rewrite-url", "x-http-method-override", "x-method-override", "cookie", "cookie2", "te",
    "trailer", "upgrade", "keep-alive", "proxy-authorization", "proxy-connection", "connection",
    "x-publishable-api-key", "x-api-key", "x-medusa-access-token", "user-agent", "referer", "from",
    "accept", "accept-language", "accept-encoding", "if-match", "if-unmodified-since", "range",
    "expect-ct", "max-forwards", "traceparent", "tracestate", "baggage", "x-request-id", "host",
)  # fmt: skip
VALUES = (
    CANARY,
    f"a, {CANARY}",
    f'"{CANARY}"; x=y',
    f"a%0d%0aset-cookie: {CANARY}=1",
    f"<script>{CANARY}</script>",
)
OURS = {
    "host", "accept", "accept-encoding", "connection", "user-agent", "content-type",
    "content-length",
}  # fmt: skip


@dataclass(slots=True)
class Noted(httpx.AsyncBaseTransport):
    """The way to the shop; what goes over it is kept."""

    real: httpx.AsyncBaseTransport
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self.real.handle_async_request(request)


@dataclass(frozen=True, slots=True)
class Front:
    port: int
    noted: Noted

    def raw(self, content: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(content)
            return heard(connection)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    store = Store(tmp_path / "shop.db")
    shop = httpx.ASGITransport(build_app(Shop(store, "key")))
    noted = Noted(shop)
    settings = BackendSettings(
        BackendName("shop"), "http://shop.test", "key", (), Locale("en-US"), {}, 10.0
    )
    house = RelayHouse.build(tmp_path)
    service = build_service(house, SandboxCarts(settings, noted))
    app = Starlette(routes=[service.mount()], lifespan=service.lifespan)
    server = HttpServer(app, "127.0.0.1", 0, service.stopping)
    server.start()
    yield Front(server.port, noted)
    server.stop()
    house.database.close()


def request(number: int, *lines: str, path: str = "/v1/blog/carts") -> bytes:
    head = [
        f"POST {path} HTTP/1.1",
        "host: relay.test",
        f"origin: {BLOG_ORIGIN}",
        "content-type: application/json",
        "content-length: 2",
        f"idempotency-key: {number:032}",
        *lines,
    ]
    return ("\r\n".join(head) + "\r\n\r\n{}").encode("latin-1")


def test_of_two_hundred_headers_none_is_passed_on(front: Front) -> None:
    vectors = [(name, value) for name in NAMES for value in VALUES]
    assert len(vectors) >= 200
    made = 0
    for number, (name, value) in enumerate(vectors):
        answer = front.raw(request(number, f"{name}: {value}"))
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert CANARY.encode() not in head, name
        assert b"set-cookie" not in head, name
        made += answer.startswith(b"HTTP/1.1 201")
    assert made >= 150
    assert len(front.noted.requests) == made
    for each in front.noted.requests:
        assert set(each.headers) <= OURS
        assert CANARY not in repr(each.headers.raw)
        assert each.url == "http://shop.test/v1/carts"


@pytest.mark.parametrize(
    "lines",
    [
        (f"x-odd: a\r\n{CANARY}: b",),
        (f"x-odd: a\n{CANARY}: b",),
        (f"x-odd: a\r{CANARY}: b",),
        (f"x-odd: a\x00{CANARY}",),
        (f" folded: {CANARY}",),
        (f"x-odd : {CANARY}",),
        (f"transfer-encoding: {CANARY}",),
        ("transfer-encoding: chunked", f"x: {CANARY}"),
        ("content-length: 3", f"x: {CANARY}"),
        (f"origin: https://{CANARY}.example",),
        (f"content-encoding: {CANARY}",),
        (f"expect: {CANARY}",),
    ],
)
def test_odd_lines_reach_nobody(front: Front, lines: tuple[str, ...]) -> None:
    head = front.raw(request(1, *lines)).partition(b"\r\n\r\n")[0]
    assert CANARY.encode() not in head
    for each in front.noted.requests:
        assert set(each.headers) <= OURS
        assert CANARY not in repr(each.headers.raw)


def test_a_second_request_hidden_in_a_body_is_no_request(front: Front) -> None:
    hidden = request(2).decode()
    chunked = "\r\n".join([*request(1).decode().split("\r\n")[:4], "transfer-encoding: chunked"])
    front.raw(f"{chunked}\r\ncontent-length: {len(hidden)}\r\n\r\n0\r\n\r\n{hidden}".encode())
    assert front.noted.requests == []


# ---- who asks ----


def statuses(folder: Path, trusted: tuple[str, ...], chain: str) -> list[int]:
    """What 20 requests get of a relay that lets one client ask ten times at once."""
    house = RelayHouse.build(folder, limits=Limits(40, 10**6, 10**6))
    service = build_service(house)
    app = Starlette(routes=[service.mount()], lifespan=service.lifespan)
    server = HttpServer(app, "127.0.0.1", 0, service.stopping, trusted)
    server.start()
    url = f"http://127.0.0.1:{server.port}/v1/blog"
    try:
        with httpx.Client(trust_env=False) as client:
            return [
                client.get(url, headers={"x-forwarded-for": chain.format(number)}).status_code
                for number in range(20)
            ]
    finally:
        server.stop()
        house.database.close()


def test_nobody_is_believed_who_is_not_a_trusted_proxy(tmp_path: Path) -> None:
    assert statuses(tmp_path, (), "203.0.113.{}").count(429) >= 9


def test_a_trusted_proxy_says_who_asks(tmp_path: Path) -> None:
    assert set(statuses(tmp_path, ("127.0.0.1",), "203.0.113.{}")) == {200}


def test_what_a_client_put_before_the_proxys_word_does_not_count(tmp_path: Path) -> None:
    assert statuses(tmp_path, ("127.0.0.1",), "198.51.100.{}, 203.0.113.9").count(429) >= 9
