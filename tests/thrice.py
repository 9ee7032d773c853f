"""A network that delivers every request three times: twice at once, once more when it is over.

The caller gets the last answer only. All answers have to be the same one; who comes while the first
attempt is under way may be told to come again instead.
"""

from __future__ import annotations

import asyncio

import httpx

LATER = (409, 429, 503)


class Thrice(httpx.AsyncBaseTransport):
    """Stands before another transport."""

    def __init__(self, real: httpx.AsyncBaseTransport) -> None:
        self._real = real
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        first, second = await asyncio.gather(
            self._send(request, content), self._send(request, content)
        )
        last = await self._send(request, content)
        for each in (first, second):
            told_to_wait = each.status_code in LATER and "retry-after" in each.headers
            assert told_to_wait or self._same(each, last, request), (each.text, last.text)
        return last

    def _same(self, one: httpx.Response, other: httpx.Response, request: httpx.Request) -> bool:
        """A read tells of now, and a repeated PUT says again what is so already."""
        if one.status_code != other.status_code:
            return False
        keyed = request.method == "POST" and one.status_code < 400
        return not keyed or one.content == other.content

    async def _send(self, request: httpx.Request, content: bytes) -> httpx.Response:
        self.sent += 1
        again = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        response = await self._real.handle_async_request(again)
        body = await response.aread()
        await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    async def aclose(self) -> None:
        await self._real.aclose()
