"""The network seam under carts: one request goes out, a status and its JSON come back.

For adapters of `ports_carts.Carts`. Transport failures, time-outs, 429 and 5xx become errors.py
here; what any other status means is the adapter's to say. A write without an answer is
OutcomeUnknown and is never repeated here. No cookie is kept, no redirect followed, nothing taken
from the environment, and no answer larger than MOST_BYTES is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from connector.errors import ConnectorError, OutcomeUnknown, Rejected, TargetDown, TryAgain
from connector.net.trust import tls_context

MOST_BYTES = 4 * 1024 * 1024
CONNECTIONS = 100
KEEP_SECONDS = 3.0
"""Node closes an idle connection after 5 s; one that we let go first is never half dead."""
Params = Mapping[str, str | Sequence[str]]
_NOT_DONE = frozenset({429, 503})
"""Statuses by which an engine says that it did nothing."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer whose status is not one of trouble."""

    status: int
    body: Mapping[str, Any]
    """Empty where the answer is no JSON object."""


class EngineHttp:
    """Speaks to one engine. Belongs to one event loop, from its first request to `close`."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            transport=transport or AiohttpTransport(client=_session),
            headers={"accept": "application/json", "accept-encoding": "identity", **headers},
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 5.0)),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def read(self, path: str, params: Params | None = None) -> Answered:
        """GET. Raises TryAgain or TargetDown."""
        return await self._send("GET", path, params, None, None)

    async def write(
        self,
        method: str,
        path: str,
        body: object = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Any other method; `headers` on top of the usual ones. Raises OutcomeUnknown too."""
        return await self._send(method, path, params, body, headers)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> Answered:
        what = f"{method} {path.partition('?')[0]}"
        writes = method != "GET"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._whole(method, path, params, body, headers)
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            raise self._failed(error, writes) from error
        _raise_for_trouble(response, writes, what)
        if response.status_code >= 400:
            return Answered(response.status_code, _object_or_nothing(response.content))
        return Answered(response.status_code, _object(response.content, writes, what))

    def _failed(self, error: Exception, writes: bool) -> ConnectorError:
        """httpx-aiohttp says ConnectTimeout of every broken connection; the cause says more."""
        if isinstance(error, httpx.ConnectError) or isinstance(
            error.__cause__, aiohttp.ClientConnectorError
        ):
            return TargetDown(
                f"nobody answers at {self._url}; start the engine or mend the backend's url"
            )
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
            return _no_answer(writes, f"{self._url} did not answer in time")
        why = f"the connection to {self._url} broke ({type(error.__cause__ or error).__name__})"
        return _no_answer(writes, why)

    async def _whole(
        self,
        method: str,
        path: str,
        params: Params | None,
        body: object,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        request = self._client.build_request(
            method,
            self._url + path,
            params=dict(params) if params else None,
            json=body,
            headers=headers,
        )
        response = await self._client.send(request, stream=True)
        pieces, size = [], 0
        try:
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > MOST_BYTES:
                    raise httpx.DecodingError("the answer is too large", request=request)
                pieces.append(piece)
        finally:
            await response.aclose()
        return httpx.Response(
            response.status_code, headers=_plain(response.headers), content=b"".join(pieces)
        )


def segment(text: str) -> str:
    """One segment of a path, whatever is in it. Raises Rejected for what would leave its place."""
    if text in ("", ".", ".."):
        raise Rejected(f"{text!r} is no id")
    return quote(text, safe="")


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS, keepalive_timeout=KEEP_SECONDS, ssl=tls_context()
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


def _plain(headers: httpx.Headers) -> dict[str, str]:
    return {name: headers[name] for name in ("content-type", "retry-after") if name in headers}


def _no_answer(writes: bool, why: str) -> ConnectorError:
    return OutcomeUnknown(f"{why}; what was asked may have been done") if writes else TryAgain(why)


def _raise_for_trouble(response: httpx.Response, writes: bool, what: str) -> None:
    status = response.status_code
    if status in _NOT_DONE:
        raise TryAgain(
            f"the engine is busy ({status} for {what})", retry_after_seconds=_retry_after(response)
        )
    if status >= 500:
        raise _no_answer(writes, f"the engine failed at {what} ({status})")
    if 300 <= status < 400:
        raise TargetDown(f"{what} is redirected ({status}); set the address it leads to")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _object(content: bytes, writes: bool, what: str) -> Mapping[str, Any]:
    try:
        body = json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _no_answer(writes, f"the answer to {what} is not JSON") from error
    return body if isinstance(body, dict) else {}


def _object_or_nothing(content: bytes) -> Mapping[str, Any]:
    try:
        return _object(content, False, "")
    except TryAgain:
        return {}


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is no JSON number")
