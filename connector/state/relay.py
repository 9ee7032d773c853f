"""What the relay remembers: answers by idempotency key, which attempt holds a cart, one-time codes.

Every function runs in the caller's transaction. Each claim is one UPDATE that says what it expects,
so that two processes cannot both succeed. Answers and codes come sealed; keys and carts as hashes.

A cart that is held carries in `planned` the key of an add whose outcome nobody knows, until someone
who holds the cart has looked (`settle_plan`): so a later change cannot blur what an earlier, lost
one did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, case, delete, or_, select, update

from connector.state.database import insert_into
from connector.state.tables import Moment
from connector.state.tables import relay_answers as answers
from connector.state.tables import relay_codes as codes
from connector.state.tables import relay_locks as locks


@dataclass(frozen=True, slots=True)
class Plan:
    """An add about to be made: this variant's quantity in the cart before, and after."""

    variant: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at answering one request."""

    key: str
    request: str
    cart: str | None
    owner: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The attempt may go on."""

    plan: Plan | None = None
    """What an earlier attempt at the same request was about to do."""
    landed: bool | None = None
    """Whether that was found done; None: nobody has looked."""
    unsettled: tuple[str, Plan] | None = None
    """Another request's key and plan of which nobody knows the outcome: look first."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The request was answered before, like this."""

    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Another attempt at the same request is at work."""


@dataclass(frozen=True, slots=True)
class Held:
    """Another request holds the cart."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used for another request."""


Beginning = Begun | Answered | UnderWay | Held | Reused


def begin(
    connection: Connection, attempt: Attempt, now: datetime, lease_until: datetime
) -> Beginning:
    """Claim the request and its cart for this attempt, both or neither."""
    claimed = _claim_request(connection, attempt, now, lease_until)
    if claimed is None:
        return _not_claimed(connection, attempt)
    if attempt.cart is None:
        return Begun(_plan(claimed.plan), claimed.landed)
    held = _claim_cart(connection, attempt, now, lease_until)
    if held is None:
        give_up(connection, attempt, settled=False)
        return Held()
    return _begun(connection, attempt, claimed, held.planned)


def note_plan(connection: Connection, attempt: Attempt, plan: Plan) -> None:
    """Say what is about to be done, before it is done."""
    noted = {"plan": [plan.variant, plan.before, plan.after], "landed": None}
    connection.execute(
        update(answers)
        .where(answers.c.key == attempt.key, answers.c.owner == attempt.owner)
        .values(**noted)
    )
    connection.execute(
        update(locks)
        .where(locks.c.cart == attempt.cart, locks.c.owner == attempt.owner)
        .values(planned=attempt.key)
    )


def settle_plan(connection: Connection, attempt: Attempt, key: str, landed: bool) -> None:
    """What one who holds the cart found of a plan."""
    connection.execute(update(answers).where(answers.c.key == key).values(landed=landed))
    connection.execute(
        update(locks)
        .where(locks.c.cart == attempt.cart, locks.c.planned == key)
        .values(planned=None)
    )


def finish(connection: Connection, attempt: Attempt, status: int, answer: bytes) -> None:
    """Keep the answer for whoever repeats the request, and let the cart go."""
    named = {"b_key": attempt.key, "b_owner": attempt.owner}
    connection.execute(_FINISH, {**named, "b_status": status, "b_answer": answer})
    _release(connection, attempt, settled=True)


def give_up(connection: Connection, attempt: Attempt, *, settled: bool) -> None:
    """Leave the request to be repeated. Not `settled`: what was planned may have been done."""
    connection.execute(
        update(answers)
        .where(answers.c.key == attempt.key, answers.c.owner == attempt.owner)
        .values(owner=None, lease_until=None)
    )
    _release(connection, attempt, settled=settled)


# ---- one-time codes ----


def keep_code(connection: Connection, code: str, sealed: bytes, expires_at: datetime) -> None:
    connection.execute(codes.insert().values(code=code, sealed=sealed, expires_at=expires_at))


def peek_code(connection: Connection, code: str, now: datetime) -> bytes | None:
    """What a code stands for, while it is good."""
    row = _row(connection, codes, codes.c.code == code, codes.c.expires_at > now)
    return None if row is None else bytes(row.sealed)


def use_code(connection: Connection, code: str, now: datetime) -> bool:
    """Use a code up. False: it is not good (any more)."""
    done = connection.execute(delete(codes).where(codes.c.code == code, codes.c.expires_at > now))
    return done.rowcount == 1


# ---- age ----


def prune(connection: Connection, before: datetime, now: datetime) -> int:
    """Forget answers and idle locks from before a moment, and codes that are no longer good.

    A plan that nobody settled is older than its lock's last use: it is forgotten with them.
    """
    gone = connection.execute(delete(answers).where(answers.c.asked_at < before)).rowcount
    idle = delete(locks).where(locks.c.taken_at < before, _free(locks, now))
    gone += connection.execute(idle).rowcount
    gone += connection.execute(delete(codes).where(codes.c.expires_at <= now)).rowcount
    return gone


# ---- inside ----


def _row(connection: Connection, table: Any, *where: Any) -> Row[Any] | None:
    return connection.execute(select(table).where(*where)).one_or_none()


def _free(table: Any, now: Any) -> Any:
    return or_(table.c.owner.is_(None), table.c.lease_until <= now)


# Statements of every change a shopper makes, built once: building one costs more than running it.

_NOW = bindparam("b_now", type_=Moment)
_UNTIL = bindparam("b_until", type_=Moment)
_KEY = bindparam("b_key", type_=String)
_CART = bindparam("b_cart", type_=String)
_OWNER = bindparam("b_owner", type_=String)
_REQUEST = bindparam("b_request", type_=String)
_MINE = (locks.c.cart == _CART, locks.c.owner == _OWNER)
_FREED: Mapping[str, Any] = {"owner": None, "lease_until": None}
_FINISH = (
    update(answers)
    .where(answers.c.key == _KEY, answers.c.owner == _OWNER)
    .values(status=bindparam("b_status"), answer=bindparam("b_answer"), **_FREED)
)
_RELEASE = update(locks).where(*_MINE).values(**_FREED)
_RELEASE_SETTLED = (
    update(locks)
    .where(*_MINE)
    .values(planned=case((locks.c.planned == _KEY, None), else_=locks.c.planned), **_FREED)
)


@cache
def _claim_request_statement(dialect: str) -> Any:
    held = {"owner": _OWNER, "lease_until": _UNTIL}
    statement = insert_into(dialect, answers).values(
        key=_KEY, request=_REQUEST, cart=_CART, asked_at=_NOW, **held
    )
    unanswered = answers.c.status.is_(None) & (answers.c.request == _REQUEST)
    claimed = statement.on_conflict_do_update(
        index_elements=["key"], set_=held, where=unanswered & _free(answers, _NOW)
    )
    return claimed.returning(answers.c.plan, answers.c.landed)


@cache
def _claim_cart_statement(dialect: str) -> Any:
    held = {"owner": _OWNER, "lease_until": _UNTIL, "taken_at": _NOW}
    statement = insert_into(dialect, locks).values(cart=_CART, **held)
    claimed = statement.on_conflict_do_update(
        index_elements=["cart"], set_=held, where=_free(locks, _NOW)
    )
    return claimed.returning(locks.c.planned)


def _claim_request(
    connection: Connection, attempt: Attempt, now: datetime, lease_until: datetime
) -> Row[Any] | None:
    """The request's row, now this attempt's; None: it is answered, under way or another one."""
    named = {"b_key": attempt.key, "b_cart": attempt.cart, "b_owner": attempt.owner}
    said = {"b_request": attempt.request, "b_now": now, "b_until": lease_until}
    statement = _claim_request_statement(connection.dialect.name)
    return connection.execute(statement, {**named, **said}).one_or_none()


def _claim_cart(
    connection: Connection, attempt: Attempt, now: datetime, lease_until: datetime
) -> Row[Any] | None:
    """The cart's row, now this attempt's; None: somebody holds it."""
    said = {"b_cart": attempt.cart, "b_owner": attempt.owner, "b_now": now, "b_until": lease_until}
    return connection.execute(_claim_cart_statement(connection.dialect.name), said).one_or_none()


def _not_claimed(connection: Connection, attempt: Attempt) -> Beginning:
    known = _row(connection, answers, answers.c.key == attempt.key)
    if known is None:
        return UnderWay()
    if known.request != attempt.request:
        return Reused()
    return UnderWay() if known.status is None else Answered(known.status, known.answer)


def _begun(
    connection: Connection, attempt: Attempt, claimed: Row[Any], planned: str | None
) -> Begun:
    own = _plan(claimed.plan)
    if planned is None or planned == attempt.key:
        return Begun(own, claimed.landed)
    other = _row(connection, answers, answers.c.key == planned)
    plan = _plan(other.plan) if other is not None else None
    return Begun(own, claimed.landed, (planned, plan) if plan else None)


def _plan(kept: Any) -> Plan | None:
    return Plan(*kept) if kept else None


def _release(connection: Connection, attempt: Attempt, *, settled: bool) -> None:
    if attempt.cart is None:
        return
    named = {"b_cart": attempt.cart, "b_owner": attempt.owner}
    if settled:
        connection.execute(_RELEASE_SETTLED, {**named, "b_key": attempt.key})
    else:
        connection.execute(_RELEASE, named)
