"""Each request for a change happens once, whatever the network does: keys, locks, kept answers.

An attempt claims its key and its cart in the state, works, and commits its answer before it gives
it; whoever repeats the request gets that answer. A claim ends by itself LEASE after its start, when
its process has died; an attempt ends DEADLINE after its start, before that. What an engine answered
with "not now" is not kept: the request may be repeated. Knows no operation and no HTTP.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from connector.errors import ConnectorError, OutcomeUnknown, Rejected
from connector.model import Cart, CartId, JsonValue, VariantId
from connector.ports import Clock
from connector.ports_carts import Carts
from connector.relay.problems import Problem, problem_of
from connector.relay.sealing import Sealer
from connector.state import relay as state
from connector.state.group import GroupWriter
from connector.state.relay import Attempt, Begun, Plan

DEADLINE_SECONDS = 20.0
LEASE = timedelta(seconds=25)
WAIT_SECONDS = 8.0
"""How long a request waits for another one on its cart, or for its own first attempt."""
_POLL_SECONDS = 0.02
_SLOWEST_POLL_SECONDS = 0.25
_PURPOSE = "answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers."""

    status: int
    body: dict[str, JsonValue]
    also: Callable[[Connection], None] | None = None
    """What commits together with it; may raise Problem instead."""


@dataclass(slots=True)
class Work:
    """A cart that is held by this attempt."""

    carts: Carts
    cart: CartId | None
    attempt: Attempt
    begun: Begun
    writer: GroupWriter
    unsure: bool
    """A plan was noted, and nobody knows yet whether it was carried out."""

    async def read(self) -> Cart:
        """The cart now. Settles first what an earlier, lost request left open in it."""
        assert self.cart is not None
        cart = await self.carts.read(self.cart)
        if self.begun.unsettled is not None:
            key, plan = self.begun.unsettled
            cart, landed = await settled(self.carts, cart, plan)
            await self.writer.do(lambda c: state.settle_plan(c, self.attempt, key, landed))
            self.begun = Begun(self.begun.plan, self.begun.landed)
        return cart

    async def ready(self) -> CartId:
        """The cart's id, for a write that says what shall be and needs no reading before it."""
        assert self.cart is not None
        if self.begun.unsettled is not None:
            await self.read()
        return self.cart

    async def note_plan(self, plan: Plan) -> None:
        """Remember what is about to be done, before it is done."""
        await self.writer.do(lambda c: state.note_plan(c, self.attempt, plan))
        self.unsure = True


def pieces_of(cart: Cart, variant: str) -> int:
    return sum(line.quantity for line in cart.lines if line.variant == variant)


async def settled(carts: Carts, cart: Cart, plan: Plan) -> tuple[Cart, bool]:
    """Whether a plan was carried out, once nothing of it can be on its way any more."""
    if pieces_of(cart, plan.variant) < plan.after:
        cart = await carts.settle(cart.id)
    landed = pieces_of(cart, plan.variant) >= plan.after
    return (await mended(carts, cart, plan.variant, plan.after) if landed else cart), landed


async def mended(carts: Carts, cart: Cart, variant: str, most: int) -> Cart:
    """The cart without what an add did twice: no more of a variant than is meant."""
    line = cart.line_of(VariantId(variant))
    if line is None or pieces_of(cart, variant) <= most:
        return cart
    return await carts.change(cart.id, line.id, most)


class Once:
    """Runs operations so that each request happens once. One for a process."""

    def __init__(self, writer: GroupWriter, sealer: Sealer, clock: Clock) -> None:
        self.writer = writer
        self._sealer = sealer
        self._clock = clock
        self._queues: dict[str, _Queue] = {}

    async def run(
        self,
        carts: Carts,
        cart: CartId | None,
        key: str,
        request: str,
        act: Callable[[Work], Awaitable[Answer]],
        problem_body: Callable[[Problem], dict[str, JsonValue]],
    ) -> Answer:
        """The answer to a request: what `act` gives, or what it gave before. Raises Problem.

        `key` names who asks and the idempotency key, `request` all that was asked.
        """
        mark = self._sealer.mark
        attempt = Attempt(
            key=mark("key", key),
            request=mark("request", request),
            cart=mark("cart", cart) if cart is not None else None,
            owner=secrets.token_hex(16),
        )
        async with self._turn(attempt.cart or attempt.key):
            begun = await self._begin(attempt)
            if isinstance(begun, state.Answered):
                return self._opened(attempt, begun)
            unsure = begun.plan is not None and begun.landed is None
            work = Work(carts, cart, attempt, begun, self.writer, unsure)
            return await self._work(work, act, problem_body)

    # ---- beginning ----

    async def _begin(self, attempt: Attempt) -> Begun | state.Answered:
        loop = asyncio.get_running_loop()
        patience, pause = loop.time() + WAIT_SECONDS, _POLL_SECONDS
        while True:
            begun = await self.writer.do(partial(self._claim, attempt))
            match begun:
                case Begun() | state.Answered():
                    return begun
                case state.Reused():
                    raise Problem("key-reused")
            if loop.time() >= patience:
                raise Problem("busy" if isinstance(begun, state.Held) else "under-way", 1)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _SLOWEST_POLL_SECONDS)

    def _claim(self, attempt: Attempt, connection: Connection) -> state.Beginning:
        now = self._clock.now()
        return state.begin(connection, attempt, now, now + LEASE)

    def _turn(self, name: str) -> _Turn:
        """Requests of this process for one cart wait for each other in memory, in order."""
        return _Turn(self._queues, name)

    # ---- working ----

    async def _work(
        self,
        work: Work,
        act: Callable[[Work], Awaitable[Answer]],
        problem_body: Callable[[Problem], dict[str, JsonValue]],
    ) -> Answer:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await act(work)
            await self._finish(work.attempt, answer)
        except Problem as problem:
            await self._end(work, problem, problem_body)
            raise
        except (ConnectorError, TimeoutError) as error:
            raise await self._failed(work, error, problem_body) from error
        except Exception:
            await self._give_up(work)
            raise
        return answer

    async def _failed(
        self,
        work: Work,
        error: ConnectorError | TimeoutError,
        problem_body: Callable[[Problem], dict[str, JsonValue]],
    ) -> Problem:
        if isinstance(error, TimeoutError):
            error = OutcomeUnknown("the engine took too long")
        work.unsure = work.unsure and not isinstance(error, Rejected)
        problem = problem_of(error)
        await self._end(work, problem, problem_body)
        return problem

    async def _give_up(self, work: Work) -> None:
        settled = not work.unsure
        await self.writer.do(lambda c: state.give_up(c, work.attempt, settled=settled))

    async def _end(
        self,
        work: Work,
        problem: Problem,
        problem_body: Callable[[Problem], dict[str, JsonValue]],
    ) -> None:
        """Keep a problem that would be the same again; leave any other to be repeated."""
        if problem.final:
            await self._finish(work.attempt, Answer(problem.kind.status, problem_body(problem)))
            return
        await self._give_up(work)

    async def _finish(self, attempt: Attempt, answer: Answer) -> None:
        kept = json.dumps(answer.body, separators=(",", ":")).encode()
        sealed = self._sealer.seal(_PURPOSE, kept, attempt.key)

        def commit(connection: Connection) -> None:
            if answer.also is not None:
                answer.also(connection)
            state.finish(connection, attempt, answer.status, sealed)

        await self.writer.do(commit)

    def _opened(self, attempt: Attempt, kept: state.Answered) -> Answer:
        plain = self._sealer.open(_PURPOSE, kept.answer, attempt.key)
        if plain is None:
            raise Problem("unavailable", 60)
        return Answer(kept.status, json.loads(plain))


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass(slots=True)
class _Turn:
    """A place in the queue of one name; the queue is forgotten when the last one leaves."""

    queues: dict[str, _Queue]
    name: str

    async def __aenter__(self) -> None:
        queue = self.queues.setdefault(self.name, _Queue())
        queue.waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await queue.lock.acquire()
        except BaseException as error:
            self._leave(queue)
            if isinstance(error, TimeoutError):
                raise Problem("busy", 1) from error
            raise

    async def __aexit__(self, *_: object) -> None:
        queue = self.queues[self.name]
        queue.lock.release()
        self._leave(queue)

    def _leave(self, queue: _Queue) -> None:
        queue.waiting -= 1
        if not queue.waiting:
            del self.queues[self.name]
