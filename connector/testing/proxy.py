"""A TCP proxy that breaks on purpose: stands between our client and a real HTTP server.

Each request is read whole, noted with its time, and then meets the next planned fault or goes
through. What a fault does is done with sockets, so that clients meet what networks do: a listener
that is gone, silence, resets, ends too soon, trickles, storms of refusals, and writes whose answer
is lost. One connection carries one request. Knows nothing of what is asked or answered.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from connector.ports import Clock

LOOPBACK = "127.0.0.1"
MOST_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hang:
    """Takes the request and never answers. `asked_upstream`: it was carried out all the same."""

    asked_upstream: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer ends after some bytes (negative: all but the last ones), by a reset or in order.

    The request has reached the server: a write has been done and its answer is lost.
    """

    after_bytes: int = 0
    reset: bool = True


@dataclass(frozen=True, slots=True)
class Trickle:
    """The answer comes byte by byte, after `whole_bytes` (as in `Cut`) that come at once."""

    bytes_per_second: float = 1.0
    whole_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Instead:
    """This answer, from somebody who stands before the server: nothing reaches it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"

    def raw(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Fault", f"content-length: {len(self.body)}"]
        lines += ["connection: close", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


Fault = Hang | Cut | Trickle | Instead


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came to the proxy, by the proxy's clock."""

    at: datetime
    method: str
    target: str
    fault: Fault | None


@dataclass(slots=True)
class Proxy:
    """Listens on a port of its own from `start` to `stop`. Threads may share it."""

    upstream_port: int
    clock: Clock
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    """Every request, in order."""
    connections: int = 0
    _next: deque[Fault | None] = field(default_factory=deque)
    _always: Fault | None = None
    _chosen: Callable[[str, str], Fault | None] | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    # ---- life ----

    def start(self) -> Proxy:
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.listen()
        return self

    def stop(self) -> None:
        self._do(self._close_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(5)
        self._loop.close()

    def refuse(self) -> None:
        """Connections are refused from now on, as by a server that does not run."""
        self._do(self._close_all())

    def listen(self) -> None:
        """Take connections (again), on the same port."""
        self._do(self._listen())

    # ---- what goes wrong ----

    def then(self, *faults: Fault | None) -> Proxy:
        """The next requests meet these, None for one that goes through."""
        self._next.extend(faults)
        return self

    def always(self, fault: Fault | None) -> Proxy:
        """Every request meets this (None: none), when nothing of `then` is left."""
        self._always = fault
        return self

    def choose(self, chosen: Callable[[str, str], Fault | None] | None) -> Proxy:
        """Ask this for each request's fault, by method and target, before all else."""
        self._chosen = chosen
        return self

    def _fault(self, method: str, target: str) -> Fault | None:
        if self._chosen is not None and (found := self._chosen(method, target)):
            return found
        return self._next.popleft() if self._next else self._always

    # ---- inside the loop's thread ----

    def _do(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, LOOPBACK, self.port, reuse_address=True, limit=MOST_HEAD
            )
            self.port = int(self._server.sockets[0].getsockname()[1])

    async def _close_all(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read_request(reader)
        method, target = request.split(b" ", 2)[:2]
        fault = self._fault(method.decode(), target.decode())
        self.calls.append(Call(self.clock.now(), method.decode(), target.decode(), fault))
        match fault:
            case Instead():
                writer.write(fault.raw())
            case Hang(asked_upstream=False):
                await reader.read()
            case _:
                answer = await self._ask(request)
                await _give(fault, answer, reader, writer)
        await writer.drain()

    async def _ask(self, request: bytes) -> bytes:
        """The server's whole answer."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.upstream_port)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()


async def _give(
    fault: Fault | None,
    answer: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    match fault:
        case Hang():
            await reader.read()
        case Cut(after_bytes=count, reset=reset):
            writer.write(answer[:count])
            await writer.drain()
            if reset:
                _reset(writer)
        case Trickle(bytes_per_second=rate, whole_bytes=whole):
            writer.write(answer[:whole])
            for position in range(len(answer[:whole]), len(answer)):
                writer.write(answer[position : position + 1])
                await writer.drain()
                await asyncio.sleep(1 / rate)
        case _:
            writer.write(answer)


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, asking the server to close the connection after its answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if line]
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in lines[1:])
    }
    body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"connection: close", b"", b""]) + body


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with an RST instead of a FIN."""
    with suppress(OSError, AttributeError):
        plain: socket.socket = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
