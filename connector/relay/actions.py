"""`POST /v1/actions`: what a CMS's server asks in a shopper's name, signed, and kept until done.

A signature proves the site; `webhook-id` makes the action happen once. Asked to wait, the answer is
the operation's own. Else the action is committed to the inbox, answered 202, and done by a worker
of any relay process, again and again while the engine is away, for a day at most.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connector.errors import BadSignature
from connector.model import JsonValue, SiteName
from connector.relay import guard, shapes
from connector.relay.front import Storefront
from connector.relay.once import Answer
from connector.relay.problems import Problem
from connector.relay.relay import Relay, Visitor, operation_named
from connector.signing import Verified, request_content, verify
from connector.state import actions as inbox
from connector.state.actions import Kept
from connector.work.retry import RetryPolicy, backoff_seconds

log = structlog.get_logger(__name__)
MOST_BYTES = 256 * 1024
LEASE = timedelta(seconds=40)
GIVE_UP = timedelta(hours=24)
IDLE_SECONDS = 1.0
AT_ONCE = 16
POLICY = RetryPolicy(first_seconds=1.0, factor=2.0, max_seconds=300.0)
_BODY, _ANSWER = "action", "action's answer"


@dataclass(frozen=True, slots=True)
class _Sender:
    """The site that signed an action, and what it calls the action."""

    storefront: Storefront
    id: str
    trace_id: str


class Actions:
    """The inbox of one process, and its worker."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._due = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    # ---- what comes in ----

    async def receive(self, request: Request, trace_id: str) -> Response:
        """One action. Raises Problem."""
        body = await guard.read_bytes(request, MOST_BYTES)
        sender, message = self._verified(request, body, trace_id)
        action = shapes.read_body(shapes.Action, shapes.read_json(message.body))
        operation_named(action.action)
        client = _client_of(sender, action)
        if client is not None:
            self._relay.clients.take(client)
        if action.wait:
            return _response(await self._perform(sender, action))
        return await self._keep(sender, message)

    async def read(self, request: Request, trace_id: str) -> Response:
        """How far an action is. Raises Problem."""
        identity = request.path_params["id"]
        content = request_content("GET", f"/v1/actions/{identity}", b"")
        sender, _ = self._verified(request, content, trace_id)
        found = await self._relay.writer.do(
            lambda c: inbox.find(c, sender.storefront.name, identity)
        )
        if found is None:
            raise Problem("not-found")
        return self._told(found)

    def _verified(
        self, request: Request, content: bytes, trace_id: str
    ) -> tuple[_Sender, Verified]:
        """Raises Problem `signature`, which is the same for an unknown site."""
        site = SiteName(request.query_params.get("site", ""))
        storefront = self._relay.storefronts.get(site)
        headers = {name.lower(): value for name, value in request.headers.items()}
        secrets_of_site = storefront.secrets if storefront else ()
        try:
            message = verify(secrets_of_site, headers, content, self._relay.clock.now())
        except BadSignature as error:
            log.warning("An action was refused", action="action.refused", why=str(error))
            raise Problem("signature") from error
        if storefront is None:
            raise Problem("signature")
        return _Sender(storefront, message.id, trace_id), message

    async def _keep(self, sender: _Sender, message: Verified) -> Response:
        relay, site = self._relay, sender.storefront.name
        sealed = relay.sealer.seal(_BODY, message.body, f"{site} {message.id}")
        mark = relay.sealer.mark("request", message.body.hex())
        now = relay.clock.now()
        try:
            known = await relay.writer.do(
                lambda c: inbox.keep(c, site, message.id, mark, sealed, now)
            )
        except SQLAlchemyError as error:
            log.error("An action could not be kept", action="action.unavailable", site=site)
            raise Problem("unavailable", 5) from error
        if known is not None and known.request != mark:
            raise Problem("key-reused")
        self._due.set()
        return self._told(known) if known is not None else _waiting(message.id)

    def _told(self, kept: Kept) -> Response:
        if kept.status is None or kept.answer is None:
            return _waiting(kept.id)
        plain = self._relay.sealer.open(_ANSWER, kept.answer, f"{kept.site} {kept.id}")
        if plain is None:
            raise Problem("unavailable", 60)
        return _response(Answer(kept.status, json.loads(plain)))

    # ---- what is done ----

    async def _perform(self, sender: _Sender, action: shapes.Action) -> Answer:
        """The operation's answer, or a problem that would be the same again. Raises Problem."""
        front = sender.storefront
        trusted = front.origins | {front.home}
        client = _client_of(sender, action)
        visitor = Visitor(front, front.home, trusted, client, sender.trace_id)
        operation = operation_named(action.action)
        line, code = action.line or "", action.code or ""
        locale = front.markets[0].locale
        try:
            asked = self._relay.asked(
                visitor, operation, action.body, action.token, line=line, code=code
            )
            locale = asked.market.locale
            key = f"action {sender.id}" if operation.run else ""
            return await self._relay.perform(visitor, operation, asked, key)
        except Problem as problem:
            problem.locale = locale
            if not problem.final:
                raise
            return Answer(problem.kind.status, problem.body(locale, sender.trace_id))

    # ---- the worker ----

    def start(self) -> None:
        self._worker = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """End the worker; what it had begun is taken up again when its lease is over."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                done = await self.work_once()
            except SQLAlchemyError as error:
                log.warning(
                    "The inbox of actions cannot be read; it is tried again",
                    action="action.unavailable",
                    error=type(error).__name__,
                )
                done = 0
            if not done:
                self._due.clear()
                await _wait(self._due, IDLE_SECONDS)

    async def work_once(self) -> int:
        """Do what is due now; how many."""
        owner, now = secrets.token_hex(16), self._relay.clock.now()
        if not await run_in_threadpool(self._any_due, now):
            return 0
        due = await self._relay.writer.do(
            lambda c: inbox.claim(c, owner, now, now + LEASE, AT_ONCE)
        )
        await asyncio.gather(*(self._do(each, owner) for each in due))
        return len(due)

    def _any_due(self, now: datetime) -> bool:
        with self._relay.database.read() as connection:
            due_at = inbox.next_due(connection)
        return due_at is not None and due_at <= now

    async def _do(self, kept: Kept, owner: str) -> None:
        try:
            answer = await self._redone(kept)
        except Problem as problem:
            if self._relay.clock.now() - kept.received_at < GIVE_UP:
                await self._put_off(kept, owner, problem)
                return
            answer = Answer(problem.kind.status, problem.body(None, secrets.token_hex(16)))
        sealed = self._relay.sealer.seal(
            _ANSWER, json.dumps(answer.body).encode(), f"{kept.site} {kept.id}"
        )
        await self._relay.writer.do(lambda c: inbox.answer(c, kept, owner, answer.status, sealed))

    async def _redone(self, kept: Kept) -> Answer:
        """The answer to an action that was verified when it was kept. Raises Problem."""
        front = self._relay.storefronts.get(kept.site)
        plain = self._relay.sealer.open(_BODY, kept.body or b"", f"{kept.site} {kept.id}")
        trace_id = secrets.token_hex(16)
        if front is None or plain is None:
            return Answer(404, Problem("not-found").body(None, trace_id))
        try:
            action = shapes.read_body(shapes.Action, shapes.read_json(plain))
            return await self._perform(_Sender(front, kept.id, trace_id), action)
        except Problem as problem:
            if not problem.final:
                raise
            return Answer(problem.kind.status, problem.body(None, trace_id))

    async def _put_off(self, kept: Kept, owner: str, problem: Problem) -> None:
        chance = secrets.randbelow(1000) / 1000
        seconds = backoff_seconds(kept.attempts + 1, POLICY, chance)
        seconds = max(seconds, float(problem.retry_after_seconds or 0))
        due_at = self._relay.clock.now() + timedelta(seconds=seconds)
        await self._relay.writer.do(lambda c: inbox.put_off(c, kept, owner, due_at))


def _client_of(sender: _Sender, action: shapes.Action) -> str | None:
    """Whose rate it is: a site's own name for one of its shoppers, which is no address."""
    return f"{sender.storefront.name} {action.client}" if action.client else None


def _waiting(identity: str) -> Response:
    body: Mapping[str, JsonValue] = {"id": identity, "state": "waiting"}
    return JSONResponse(body, 202, headers={**guard.SAFE, "retry-after": "1"})


def _response(answer: Answer) -> Response:
    """An action that succeeds is answered 200, whatever its own route would say."""
    status = answer.status if answer.status >= 400 else 200
    kind = "application/problem+json" if answer.status >= 400 else "application/json"
    return JSONResponse(answer.body, status, headers=dict(guard.SAFE), media_type=kind)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
