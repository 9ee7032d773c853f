"""The relay behind a real server, and clients that keep to no rule: raw bytes, floods, slowness."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.applications import Starlette

from connector.relay import guard
from connector.serve import HttpServer
from tests.relay_house import BLOG, RelayHouse, build_service

KEY = "an-idempotency-key-1"


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    house: RelayHouse

    def raw(self, content: bytes, *, seconds: float = 10.0) -> bytes:
        """Send these bytes; all that comes back until the server closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            try:
                connection.sendall(content)
                return heard(connection)
            except (ConnectionError, TimeoutError):
                return b""

    def lives(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/v1/{BLOG}"
        return httpx.get(url, timeout=10, trust_env=False).status_code == 200


def heard(connection: socket.socket) -> bytes:
    """What comes back, as far as the end of its headers at least."""
    content = b""
    try:
        while piece := connection.recv(65536):
            content += piece
            if b"\r\n\r\n" in content:
                return content
    except (ConnectionError, TimeoutError):
        pass
    return content


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.5)
    house = RelayHouse.build(tmp_path)
    service = build_service(house)
    app = Starlette(routes=[service.mount()], lifespan=service.lifespan)
    running = HttpServer(app, "127.0.0.1", 0, service.stopping)
    running.start()
    yield Server(running.port, house)
    running.stop()
    house.database.close()


def post(body: bytes, *more: str, length: int | None = None) -> bytes:
    lines = [
        "POST /v1/blog/carts HTTP/1.1",
        "host: relay",
        "content-type: application/json",
        f"idempotency-key: {KEY}",
        *([] if length is None else [f"content-length: {length}"]),
        *more,
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize(
    "content",
    [
        post(b"0\r\n\r\n", "transfer-encoding: chunked", length=4),
        post(b"{}", "content-length: 3", length=2),
        post(b"{}", "transfer-encoding: chunked, identity"),
        post(b"{}", "content-length: -1"),
        post(b"{}", "content-length: 2x"),
        post(b"{}", "x-odd: a\rb", length=2),
        post(b"{}", "x odd: a", length=2),
        post(b"zz\r\n{}\r\n", "transfer-encoding: chunked"),
        b"GET /v1/blog HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 4096,
        b"POST /v1/blog/carts\r\nX: " + b"y" * 100_000,
    ],
)
def test_what_is_no_http_is_refused_and_reaches_nobody(server: Server, content: bytes) -> None:
    answer = server.raw(content, seconds=2.0)
    assert status(answer) in (0, 400, 408, 413), answer[:200]
    assert server.house.carts.carts == {}
    assert server.lives()


def test_a_header_cannot_be_split_into_two(server: Server) -> None:
    """Nothing of a request is repeated in an answer's headers, whatever it holds."""
    odd = "a%0d%0aset-cookie:%20x=y"
    request = f"GET /v1/{odd}?{odd} HTTP/1.1\r\nhost: {odd}\r\norigin: {odd}\r\n\r\n"
    answer = server.raw(request.encode()).lower()
    assert status(answer.upper()) == 404
    assert b"set-cookie" not in answer.partition(b"\r\n\r\n")[0]


def test_ten_thousand_headers_do_no_harm(server: Server) -> None:
    many = [f"x-{number}: y" for number in range(10_000)]
    assert status(server.raw(post(b"{}", *many, length=2))) in (0, 201, 400, 431)
    assert server.lives()


def test_an_endless_body_is_cut_off_and_costs_nothing(server: Server) -> None:
    before = psutil.Process().memory_info().rss
    chunk = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(post(b"", "transfer-encoding: chunked"))
        sent = 0
        try:
            while sent < 200 * 2**20:
                connection.sendall(chunk)
                sent += len(chunk)
            answer = heard(connection)
        except (ConnectionError, TimeoutError):
            answer = b""
    assert status(answer) in (0, 413)
    assert sent < 64 * 2**20
    assert psutil.Process().memory_info().rss - before < 20 * 2**20
    assert server.lives()


def test_a_body_that_comes_too_slowly_is_not_waited_for(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(post(b"{", length=1000))
        began = time.monotonic()
        answer = heard(connection)
    assert status(answer) == 408
    assert time.monotonic() - began < 8


def test_many_slow_clients_keep_nobody_else_waiting(server: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(b"POST /v1/blog/carts HTTP/1.1\r\nhost: x\r\nx-slow: ")
        began = time.monotonic()
        for _ in range(20):
            assert server.lives()
        assert time.monotonic() - began < 10
    finally:
        for connection in slow:
            connection.close()


def test_a_burst_is_answered_whole_and_nothing_is_done_twice(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/v1/{BLOG}/carts"
    statuses: list[int] = []

    def many(number: int) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            for place in range(50):
                headers = {"idempotency-key": f"burst-{number:04}-{place:06}-key"}
                statuses.append(client.post(url, json={}, headers=headers).status_code)

    threads = [threading.Thread(target=many, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(statuses) == 500
    assert set(statuses) <= {201, 429, 503}
    assert statuses.count(201) == len(server.house.carts.carts)


def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    house = RelayHouse.build(tmp_path)
    house.confirm("v-mug", "MUG-1", 1990)
    service = build_service(house)
    app = Starlette(routes=[service.mount()], lifespan=service.lifespan)
    running = HttpServer(app, "127.0.0.1", 0, service.stopping)
    running.start()
    url = f"http://127.0.0.1:{running.port}/v1/{BLOG}/offers/stream?sku=MUG-1"
    with httpx.stream("GET", url, timeout=30, trust_env=False) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "retry: 5000"
        said = [next(lines) for _ in range(3)]
        first = json.loads(said[2].removeprefix("data: "))
        assert first["offers"][0]["amount"]["minor"] == 1990
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 7
        assert [line for line in lines if line] == []
    house.database.close()
