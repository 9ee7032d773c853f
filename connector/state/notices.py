"""Messages to whoever watches: which conditions were told, and what still has to be delivered."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from connector.ops.alerts import Condition, Kind, Notice
from connector.state.tables import conditions, notices


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way. Its id stays the same over all attempts."""

    id: str
    type: str
    about: str
    says: str
    since: datetime
    made_at: datetime
    attempts: int


def told(connection: Connection) -> list[Condition]:
    """The conditions that were told and are not over."""
    query = select(conditions).order_by(conditions.c.kind, conditions.c.about)
    return [
        Condition(Kind(row.kind), row.about, row.since, row.says)
        for row in connection.execute(query)
    ]


def remember(
    connection: Connection, holding: Sequence[Condition], new: Iterable[Notice], now: datetime
) -> None:
    """Keep what counts as told, and the messages that say so, in one commit."""
    connection.execute(delete(conditions))
    if holding:
        connection.execute(
            conditions.insert(),
            [
                {"kind": c.kind.value, "about": c.about, "since": c.since, "says": c.says}
                for c in holding
            ],
        )
    rows = [
        {
            "id": f"msg_{secrets.token_hex(12)}",
            "type": each.type,
            "about": each.about,
            "says": each.says,
            "since": each.since,
            "made_at": now,
            "due_at": now,
            "attempts": 0,
        }
        for each in new
    ]
    if rows:
        connection.execute(notices.insert(), rows)


def due(connection: Connection, now: datetime, limit: int = 20) -> list[Message]:
    """Messages to send now, oldest first."""
    query = (
        select(notices)
        .where(notices.c.due_at <= now)
        .order_by(notices.c.made_at, notices.c.id)
        .limit(limit)
    )
    return [
        Message(row.id, row.type, row.about, row.says, row.since, row.made_at, row.attempts)
        for row in connection.execute(query)
    ]


def delivered(connection: Connection, message: Message) -> None:
    connection.execute(delete(notices).where(notices.c.id == message.id))


def failed(connection: Connection, message: Message, error: str, again_at: datetime | None) -> None:
    """Not taken: again later, or (None) never; then it stays for people to see until pruned."""
    row = update(notices).where(notices.c.id == message.id)
    connection.execute(row.values(attempts=message.attempts + 1, error=error, due_at=again_at))


def undelivered(connection: Connection) -> int:
    """How many messages nobody has taken yet."""
    return len(connection.execute(select(notices.c.id)).all())


def prune(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(notices).where(notices.c.made_at < before)).rowcount
