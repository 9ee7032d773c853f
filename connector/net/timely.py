"""Answers that are whole in time, or not at all: what HTTP clients of adapters are built on.

The time-outs of requests and httpx bound each read, so an answer that trickles in keeps a worker
for ever. These transports bound the whole answer by the same time-out, and raise the library's own
time-out. They keep to what a server says is left of its quota (quota.py). Also reads when a server
says to come again. Knows no adapter.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError

from connector.net.quota import Quota
from connector.net.trust import tls_context

LONGEST_SECONDS = 7 * 86_400.0


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """When to come again, by `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).

    A date is held against the answer's own `Date`, so that differing clocks do not matter. None:
    nothing usable was said.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_SECONDS)
    moment = _moment(text)
    if moment is None:
        return None
    wait = (moment - (_moment(headers.get("date", "")) or now)).total_seconds()
    return min(max(wait, 0.0), LONGEST_SECONDS)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# ---- requests ----


class TimelyAdapter(HTTPAdapter):
    """Mount it on a session: whole answers within the read time-out, requests within a quota."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._quota = Quota()
        super().__init__(*args, **more)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, ssl_context=tls_context(), **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=tls_context(), **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        self._quota.wait()
        response = super().send(request, *args, **more)
        self._quota.note(response.headers)
        response.raw = _Body(response.raw)
        return response


class _Body:
    """A urllib3 answer that ends late with a time-out, where requests would say it lost it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool) -> Iterator[bytes]:
        try:
            yield from self._raw.stream(amount, decode_content=decode_content)
        except ReadTimeoutError as error:
            raise requests.exceptions.ReadTimeout(error) from error


class _TimelyReads(io.RawIOBase):
    """Reads of one answer from a socket, all within its time-out as it was at the first."""

    def __init__(self, plain: socket.socket, reads: io.RawIOBase) -> None:
        self._socket = plain
        self._reads = reads
        seconds = plain.gettimeout()
        self._until = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer did not end in time")
            self._socket.settimeout(left)
        return self._reads.readinto(buffer)

    def close(self) -> None:
        self._reads.close()
        super().close()


class _TimelyAnswer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self.fp = io.BufferedReader(_TimelyReads(sock, sock.makefile("rb", buffering=0)))


class _Plain(urllib3.connection.HTTPConnection):
    response_class = _TimelyAnswer


class _Tls(urllib3.connection.HTTPSConnection):
    response_class = _TimelyAnswer


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Tls


_POOLS = {"http": _PlainPool, "https": _TlsPool}


# ---- httpx ----


class TimelyTransport(httpx.BaseTransport):
    """Around any transport: whole answers within the read time-out, requests within a quota."""

    def __init__(self, inner: httpx.BaseTransport | None = None) -> None:
        self._quota = Quota()
        self._inner = inner or httpx.HTTPTransport(verify=tls_context(), trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._quota.wait()
        seconds = request.extensions.get("timeout", {}).get("read")
        until = None if seconds is None else time.monotonic() + float(seconds)
        response = self._inner.handle_request(request)
        self._quota.note(response.headers)
        if until is not None:
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _TimelyStream(response.stream, until, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _TimelyStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, until: float, request: httpx.Request) -> None:
        self._inner = inner
        self._until = until
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            yield chunk
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the answer did not end in time", request=self._request)

    def close(self) -> None:
        self._inner.close()
