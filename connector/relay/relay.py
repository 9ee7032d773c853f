"""The relay of one process: opens tokens, finds articles, runs operations once, answers problems.

Between the HTTP side (api.py, actions.py) and the operations. Holds what a process holds: engines'
connections, the group writer, the rates. `close` ends them in the event loop that used them.
"""

from __future__ import annotations

import json
import secrets
import time
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from connector.errors import ConnectorError
from connector.model import JsonValue, Locale, SiteName, VariantId
from connector.ports import Clock
from connector.relay import shapes
from connector.relay.front import Storefront
from connector.relay.guard import Buckets
from connector.relay.once import Answer, Once, Work
from connector.relay.operations import OPERATIONS, Asked, Desk, Operation, fingerprint
from connector.relay.problems import Problem, problem_of
from connector.relay.sealing import Sealer
from connector.relay.tokens import CartToken, open_token, seal_token
from connector.state import mirror
from connector.state import relay as state
from connector.state.database import Database
from connector.state.group import GroupWriter

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes."""

    client_per_minute: int = 600
    cart_per_minute: int = 240
    wrong_tokens_per_minute: int = 20
    at_once: int = 500
    """Requests under way; more are told to come again."""
    streams: int = 500
    streams_of_a_client: int = 6


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    storefront: Storefront
    origin: str
    """What new tokens are bound to."""
    trusted: Collection[str]
    """The origins whose tokens may be used."""
    client: str | None
    """Whose guesses are counted; None: a server that proved who it is, and names no shopper."""
    trace_id: str


class Relay:
    """Everything that requests need, made once for a process."""

    def __init__(
        self,
        database: Database,
        storefronts: Mapping[SiteName, Storefront],
        sealer: Sealer,
        clock: Clock,
        requests: Counter,
        *,
        token_lifetime: timedelta,
        limits: Limits,
    ) -> None:
        self.database = database
        self.storefronts = storefronts
        self.sealer = sealer
        self.clock = clock
        self.limits = limits
        self.writer = GroupWriter(database)
        self._requests = requests
        self._once = Once(self.writer, sealer, clock)
        self._lifetime = token_lifetime
        self._desk = Desk(sealer, storefronts, self._find_sku, self._peek_code, token_lifetime)
        self.clients = _buckets(limits.client_per_minute)
        self._carts = _buckets(limits.cart_per_minute)
        self._wrong = _buckets(limits.wrong_tokens_per_minute)

    async def close(self) -> None:
        """Let the engines' connections go."""
        for storefront in self.storefronts.values():
            if storefront.carts is not None:
                await storefront.carts.close()
        await run_in_threadpool(self.writer.close)

    def prune(self, keep: timedelta) -> None:
        """Forget the answers that nobody asks for any more."""
        now = self.clock.now()
        with self.database.write() as connection:
            state.prune(connection, now - keep, now)

    # ---- one request ----

    def asked(
        self,
        visitor: Visitor,
        operation: Operation,
        body: Mapping[str, Any],
        token: str | None,
        *,
        line: str = "",
        code: str = "",
    ) -> Asked:
        """A request, read and opened. Raises Problem."""
        if operation.needs_cart and visitor.storefront.carts is None:
            raise Problem("unknown-cart")
        now = self.clock.now()
        held = self._held(visitor, token, now) if operation.needs_cart else None
        shape = shapes.read_body(operation.shape, dict(body))
        if line and not shapes.is_id(line):
            raise Problem("unknown-line")
        if len(code) > 64 or not code.isprintable():
            raise Problem("promotion")
        renewed = held.renewed(now, self._lifetime) if held else None
        return Asked(
            self._desk,
            visitor.storefront,
            visitor.origin,
            visitor.trusted,
            now,
            shape,
            token=held,
            line=line,
            code=code,
            renewed=seal_token(self.sealer, renewed) if renewed else None,
        )

    async def perform(
        self, visitor: Visitor, operation: Operation, asked: Asked, key: str
    ) -> Answer:
        """What the operation answers. Raises Problem, whatever went wrong."""
        try:
            answer = await self._perform(visitor, operation, asked, key)
        except Problem as known:
            self._note(visitor, operation, known)
            raise
        except (ConnectorError, SQLAlchemyError) as error:
            raise self._told(visitor, operation, error) from error
        except Exception as error:
            log.error(
                "A request met something unforeseen",
                action="relay.crash",
                operation=operation.name,
                error=type(error).__name__,
                where=places(error),
                trace_id=visitor.trace_id,
            )
            raise Problem("unavailable", 5) from error
        self._requests.labels(operation.name, "done").inc()
        return answer

    async def _perform(
        self, visitor: Visitor, operation: Operation, asked: Asked, key: str
    ) -> Answer:
        carts = visitor.storefront.carts
        if carts is None:
            raise Problem("not-found")
        if operation.read is not None:
            return await operation.read(asked, carts)
        run = operation.run
        assert run is not None

        async def act(work: Work) -> Answer:
            return await run(asked, work)

        locale = asked.market.locale
        return await self._once.run(
            carts,
            asked.token.cart if asked.token else None,
            self._whose(asked, key),
            json.dumps(fingerprint(operation, asked), sort_keys=True),
            act,
            lambda problem: problem.body(locale, visitor.trace_id),
        )

    def _whose(self, asked: Asked, key: str) -> str:
        """Two who use the same key by chance do not meet: a cart's keys are the cart's own."""
        cart = asked.token.cart if asked.token else ""
        return f"{asked.storefront.name} {asked.origin} {cart} {key or secrets.token_hex(16)}"

    def _held(self, visitor: Visitor, token: str | None, now: datetime) -> CartToken:
        """The cart that a token opens. One that opens none costs its client a try."""
        front, client = visitor.storefront, visitor.client
        if client is not None:
            self._wrong.check(client)
        held = open_token(self.sealer, token, front.name, visitor.trusted, now) if token else None
        if held is None or held.backend != front.backend:
            if client is not None:
                self._wrong.take(client)
            raise Problem("unknown-cart")
        self._carts.take(held.cart)
        return held

    def _told(
        self, visitor: Visitor, operation: Operation, error: ConnectorError | SQLAlchemyError
    ) -> Problem:
        away = Problem("unavailable", 5)
        problem = problem_of(error) if isinstance(error, ConnectorError) else away
        self._note(visitor, operation, problem, error)
        return problem

    def _note(
        self,
        visitor: Visitor,
        operation: Operation,
        problem: Problem,
        error: Exception | None = None,
    ) -> None:
        self._requests.labels(operation.name, problem.word).inc()
        if problem.kind.status < 500:
            return
        cause = error or problem.__cause__ or problem
        why = cause.message if isinstance(cause, ConnectorError) else type(cause).__name__
        log.warning(
            "A shopper's request could not be done now",
            action="relay.unavailable",
            operation=operation.name,
            site=visitor.storefront.name,
            problem=problem.word,
            reason=why,
            trace_id=visitor.trace_id,
        )

    # ---- what the state knows ----

    async def _find_sku(self, storefront: Storefront, sku: str) -> VariantId | None:
        def find() -> VariantId | None:
            with self.database.read() as connection:
                found = mirror.find_variants(connection, storefront.backend, sku)
            return next((VariantId(each.variant) for each in found if each.sku == sku), None)

        return await run_in_threadpool(find)

    async def _peek_code(self, mark: str, now: datetime) -> bytes | None:
        def peek() -> bytes | None:
            with self.database.read() as connection:
                return state.peek_code(connection, mark, now)

        return await run_in_threadpool(peek)


def places(error: Exception) -> list[str]:
    """Where an error came from, without what it says and what was at hand: that is a shopper's."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]


def problem_json(
    problem: Problem, locale: Locale | None, trace_id: str
) -> tuple[int, dict[str, JsonValue], dict[str, str]]:
    """Status, body and headers of a problem."""
    seconds = problem.retry_after_seconds
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    if problem.unread:
        headers["connection"] = "close"
    return problem.kind.status, problem.body(locale, trace_id), headers


def operation_named(name: str) -> Operation:
    """Raises Problem `invalid`."""
    if name not in OPERATIONS:
        raise Problem("invalid", more={"errors": [{"field": "action", "says": "is not known"}]})
    return OPERATIONS[name]


def _buckets(per_minute: int) -> Buckets:
    return Buckets(per_minute, max(1.0, per_minute / 4), time.monotonic)
