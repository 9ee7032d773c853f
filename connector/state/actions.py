"""The inbox of signed actions: kept once by (site, id), claimed when due, answered once.

Every function runs in the caller's transaction. Bodies and answers come sealed; a body is gone as
soon as its action is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, delete, func, or_, select, update

from connector.model import SiteName
from connector.state.database import insert_into
from connector.state.tables import relay_actions as actions


@dataclass(frozen=True, slots=True)
class Kept:
    """An action as the inbox has it."""

    site: SiteName
    id: str
    request: str
    body: bytes | None
    attempts: int
    received_at: datetime
    status: int | None = None
    answer: bytes | None = None


def keep(
    connection: Connection, site: SiteName, id: str, request: str, body: bytes, now: datetime
) -> Kept | None:
    """Keep an action that is due now. The one that is there, where one is; None: it is new."""
    row = {"site": site, "id": id, "request": request, "body": body, "attempts": 0}
    statement = _keep_statement(connection.dialect.name)
    if connection.execute(statement, {**row, "due_at": now, "received_at": now}).rowcount == 1:
        return None
    return find(connection, site, id)


@cache
def _keep_statement(dialect: str) -> Any:
    """Built once: building it costs more than running it."""
    return insert_into(dialect, actions).on_conflict_do_nothing()


def find(connection: Connection, site: SiteName, id: str) -> Kept | None:
    query = select(actions).where(actions.c.site == site, actions.c.id == id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _kept(row)


def claim(
    connection: Connection, owner: str, now: datetime, until: datetime, most: int
) -> Sequence[Kept]:
    """Some actions that are due, now this owner's until then; the oldest first."""
    free = or_(actions.c.owner.is_(None), actions.c.lease_until <= now)
    query = (
        select(actions).where(actions.c.due_at <= now, free).order_by(actions.c.due_at).limit(most)
    )
    return [
        _kept(row)
        for row in connection.execute(query).all()
        if connection.execute(
            update(actions)
            .where(actions.c.site == row.site, actions.c.id == row.id, free)
            .values(owner=owner, lease_until=until, attempts=row.attempts + 1)
        ).rowcount
    ]


def answer(connection: Connection, action: Kept, owner: str, status: int, sealed: bytes) -> None:
    """Keep the answer, and forget what was asked."""
    connection.execute(
        _mine(action, owner).values(
            status=status, answer=sealed, body=None, due_at=None, owner=None, lease_until=None
        )
    )


def put_off(connection: Connection, action: Kept, owner: str, due_at: datetime) -> None:
    connection.execute(_mine(action, owner).values(due_at=due_at, owner=None, lease_until=None))


def next_due(connection: Connection) -> datetime | None:
    found: datetime | None = connection.execute(select(func.min(actions.c.due_at))).scalar()
    return found


def prune(connection: Connection, before: datetime) -> int:
    """Forget answered actions from before a moment."""
    old = (actions.c.received_at < before, actions.c.due_at.is_(None))
    return connection.execute(delete(actions).where(*old)).rowcount


def _mine(action: Kept, owner: str) -> Update:
    return update(actions).where(
        actions.c.site == action.site, actions.c.id == action.id, actions.c.owner == owner
    )


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        site=SiteName(row.site),
        id=row.id,
        request=row.request,
        body=row.body,
        attempts=row.attempts,
        received_at=row.received_at,
        status=row.status,
        answer=row.answer,
    )
