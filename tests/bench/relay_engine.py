"""`python -m tests.bench.relay_engine PORT [URL]`: an engine of 20 ms, or a plain proxy before one.

The engine speaks of carts as the sandbox shop does and does nothing else. The proxy is what one
would write at first: one httpx.AsyncClient, everything passed through.
"""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import sys
from typing import Any

import httpx
import uvicorn

DELAY_SECONDS = 0.02
LINE = {
    "variant": "v-1", "product": "p-1", "sku": "A", "title": "A thing", "variant_title": "one",
    "image": None, "quantity": 1, "unit_price": "19.90",
}  # fmt: skip
CART = {
    "currency": "EUR", "lines": [LINE], "promotion": None, "email": None, "address": None,
    "billing_address": None, "shipping": None, "shipping_option": None, "payment": None,
    "completed": False, "subtotal": "19.90", "discount": "0.00", "shipping_price": "0.00",
    "total": "19.90",
}  # fmt: skip


async def engine(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await _drained(receive)
    await asyncio.sleep(DELAY_SECONDS)
    parts = scope["path"].split("/")
    named = parts[3] if len(parts) > 3 else "cart_" + secrets.token_hex(8)
    await _answer(send, json.dumps({**CART, "id": named}).encode())


class Proxy:
    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, trust_env=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await _drained(receive)
        answer = await self._client.request(scope["method"], scope["path"])
        await _answer(send, answer.content)


async def _drained(receive: Any) -> None:
    while (await receive()).get("more_body"):
        pass


async def _answer(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    port, url = int(sys.argv[1]), (sys.argv[2:] or [""])[0]
    gc.freeze()
    app = Proxy(url) if url else engine
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off", backlog=4096)
