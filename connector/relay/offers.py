"""`GET /v1/{site}/offers` and its stream: price and stock as the site has confirmed them.

Read from the mirror, so that a page and what its elements show are the same thing. A reading is
used again for a second; a stream looks every two. Knows no engine.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from connector.model import (
    BackendName,
    JsonValue,
    Lane,
    MarketName,
    SiteName,
    Subject,
    SubjectKind,
)
from connector.relay.front import Storefront
from connector.relay.problems import Problem
from connector.relay.relay import Limits
from connector.state import mirror
from connector.state.database import Database
from connector.state.tables import skus

MOST_NAMED = 100
FRESH_SECONDS = 1.0
MOST_KEPT = 2_000
LOOK_SECONDS = 2.0
BEAT_SECONDS = 15.0
LONGEST_STREAM_SECONDS = 600.0
"""Then the client comes again by itself, and lands where there is room."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose offers: SKUs and variants of one market."""

    market: MarketName
    skus: tuple[str, ...]
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What is offered, with the tag that tells it from anything else."""

    body: dict[str, JsonValue]
    etag: str

    def by_variant(self) -> dict[str, list[JsonValue]]:
        rows: dict[str, list[JsonValue]] = {}
        offers = self.body["offers"]
        assert isinstance(offers, list)
        for row in offers:
            assert isinstance(row, dict)
            rows.setdefault(str(row["variant"]), []).append(row)
        return rows


class Offers:
    """Reads offers for one process."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._kept: dict[tuple[SiteName, Wish], tuple[float, asyncio.Task[Found]]] = {}
        self._streams: Counter[str] = Counter()
        self._ended = asyncio.Event()

    def wish(self, request: Request, storefront: Storefront) -> Wish:
        """What a request asks for. Raises Problem `invalid`."""
        query = request.query_params
        market = storefront.market(query.get("market"))
        named = query.getlist("sku"), query.getlist("variant")
        if market is None:
            raise _invalid("market", "is not known")
        if not 1 <= len(named[0]) + len(named[1]) <= MOST_NAMED:
            raise _invalid("sku", f"names between 1 and {MOST_NAMED} articles, variants included")
        if any(len(each) > 191 for each in (*named[0], *named[1])):
            raise _invalid("sku", "is too long")
        return Wish(market.name, *(tuple(sorted(set(each))) for each in named))

    async def read(self, storefront: Storefront, wish: Wish) -> Found:
        """The offers, at most a second old. Many who ask the same at once ask the state once."""
        loop, name = asyncio.get_running_loop(), (storefront.name, wish)
        kept = self._kept.get(name)
        if kept is None or loop.time() - kept[0] > FRESH_SECONDS or kept[1].cancelled():
            reading = loop.create_task(run_in_threadpool(self._read, storefront, wish))
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            kept = self._kept[name] = (loop.time(), reading)
        return await asyncio.shield(kept[1])

    def stream(self, storefront: Storefront, wish: Wish, client: str) -> Response:
        """All of them, then those that change. Raises Problem `rate` for too many streams."""
        limits = self._limits
        if self._streams.total() >= limits.streams:
            raise Problem("unavailable", 10)
        if self._streams[client] >= limits.streams_of_a_client:
            raise Problem("rate", 10)
        return StreamingResponse(
            self._events(storefront, wish, client), media_type="text/event-stream"
        )

    def end(self) -> None:
        """End all streams: the process stops."""
        self._ended.set()

    # ---- inside ----

    async def _events(self, storefront: Storefront, wish: Wish, client: str) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        began = beat = loop.time()
        self._streams[client] += 1
        try:
            last = await self.read(storefront, wish)
            yield "retry: 5000\n" + _event(last.etag, {**last.body, "gone": []})
            while loop.time() - began < LONGEST_STREAM_SECONDS:
                if await self._stopped_within(LOOK_SECONDS):
                    return
                now = await self.read(storefront, wish)
                if now.etag != last.etag:
                    yield _event(now.etag, _difference(last, now))
                    last, beat = now, loop.time()
                elif loop.time() - beat >= BEAT_SECONDS:
                    yield ": still here\n\n"
                    beat = loop.time()
        finally:
            self._streams[client] -= 1
            if not self._streams[client]:
                del self._streams[client]

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def _read(self, storefront: Storefront, wish: Wish) -> Found:
        with self._database.read() as connection:
            wanted = _variants(connection, storefront.backend, wish)
            subjects = sorted({Subject(SubjectKind.PRODUCT, each) for each in wanted.values()})
            held = mirror.load_mirror(connection, storefront.name, Lane.OFFERS, subjects)
        rows = [row for each in held.values() for row in _rows(each.shown)]
        offers = [
            _offer(row)
            for row in sorted(rows, key=_place)
            if row["market"] == wish.market and row["variant"] in wanted
        ]
        body: dict[str, JsonValue] = {"market": wish.market, "offers": list(offers)}
        text = json.dumps(body, sort_keys=True)
        return Found(body, f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"')


def _invalid(field: str, says: str) -> Problem:
    return Problem("invalid", more={"errors": [{"field": field, "says": says}]})


def _variants(connection: Connection, backend: BackendName, wish: Wish) -> dict[str, str]:
    """Variant to product, of all that is named."""
    query = select(skus.c.variant, skus.c.product).where(
        skus.c.backend == backend,
        or_(skus.c.sku.in_(wish.skus), skus.c.variant.in_(wish.variants)),
    )
    return {row.variant: row.product for row in connection.execute(query)}


def _rows(shown: Any) -> Iterable[Mapping[str, Any]]:
    return shown if isinstance(shown, list) else ()


def _place(row: Mapping[str, Any]) -> tuple[str, int]:
    return str(row["variant"]), int(row["min_quantity"])


def _offer(row: Mapping[str, Any]) -> JsonValue:
    """A row that the site confirmed (sync.project.offers_json) as the schema `Offer` has it."""
    struck = row["compare_at"]
    return {
        "variant": row["variant"],
        "sku": row["sku"],
        "min_quantity": row["min_quantity"],
        "amount": _amount(row["amount"], row["currency"], row["amount_text"]),
        "compare_at": None
        if struck is None
        else _amount(struck, row["currency"], row["compare_at_text"]),
        "tax_included": row["tax_included"],
        "availability": row["availability"],
        "quantity": row["quantity"],
        "valid_until": row["valid_until"],
    }


def _amount(minor: int, currency: str, text: str) -> JsonValue:
    return {"minor": minor, "currency": currency, "text": text}


def _event(identity: str, body: Mapping[str, JsonValue]) -> str:
    return f"id: {identity.strip(chr(34))}\nevent: offers\ndata: {json.dumps(body)}\n\n"


def _difference(before: Found, after: Found) -> dict[str, JsonValue]:
    """The offers of variants that changed, and the variants that are no longer offered."""
    old, new = before.by_variant(), after.by_variant()
    changed: Sequence[JsonValue] = [
        row for variant, rows in new.items() if rows != old.get(variant) for row in rows
    ]
    gone: Sequence[JsonValue] = sorted(old.keys() - new.keys())
    return {**after.body, "offers": list(changed), "gone": list(gone)}
