"""Plays recorded answers of a real Medusa back, by path; remembers what was asked.

Stands where the network stands (httpx's transport), so that the whole adapter runs unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
Handler = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> httpx.Response:
    """The recorded response, byte for byte in meaning."""
    response = recorded_json(name)["response"]
    body = response["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return httpx.Response(response["status"], headers=response["headers"], text=text)


def recorded_json(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


def listing(key: str, *rows: Mapping[str, Any]) -> httpx.Response:
    """A list that ends on its first page, as Medusa shapes it."""
    body = {key: list(rows), "count": len(rows), "offset": 0, "limit": 1000}
    return httpx.Response(200, json=body, headers={"Date": "Tue, 24 Nov 2026 02:20:08 GMT"})


class Replay(httpx.BaseTransport):
    """Answers each path by its handler; a path without one gets Medusa's own HTML 404."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = dict(handlers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        handler = self.handlers.get(request.url.path)
        return handler(request) if handler else recorded("unknown-route")

    def asked(self, path: str) -> list[httpx.QueryParams]:
        """The query of every request for this path, in order."""
        return [each.url.params for each in self.requests if each.url.path == path]


EMPTY_LISTS: Mapping[str, Handler] = {
    "/admin/price-preferences": lambda _: listing("price_preferences"),
    "/admin/price-lists": lambda _: listing("price_lists"),
    "/admin/translations": lambda _: listing("translations"),
    "/admin/product-categories": lambda _: listing("product_categories"),
}
