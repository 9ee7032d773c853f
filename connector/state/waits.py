"""Moments that something waits for, brought to now where the machine's clock was set back.

They were reckoned by the clock before: what was to be tried again in two seconds would wait for an
hour and two seconds. Trying it early does no harm. Scheduled prices keep their moments, which are
the backend's and mean the time of day. Knows nothing of why something waits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, update

from connector.state.tables import notices, relay_actions, suspensions, todo

_WAITS: tuple[tuple[Table, Column[datetime]], ...] = (
    (todo, todo.c.due_at),
    (suspensions, suspensions.c.until),
    (notices, notices.c.due_at),
    (relay_actions, relay_actions.c.due_at),
)
_LEASES: tuple[tuple[Table, Column[datetime]], ...] = (
    (todo, todo.c.lease_until),
    (relay_actions, relay_actions.c.lease_until),
)


def bring_forward(connection: Connection, now: datetime, lease_seconds: float) -> int:
    """What waits is due now, and no lease lasts longer than one taken now. Answers how many waited.

    What waits for a person (a suspension without an end) goes on waiting.
    """
    waited = sum(_cap(connection, table, column, now) for table, column in _WAITS)
    lease_ends = now + timedelta(seconds=lease_seconds)
    for table, column in _LEASES:
        _cap(connection, table, column, lease_ends)
    return waited


def _cap(connection: Connection, table: Table, column: Column[datetime], latest: datetime) -> int:
    later = update(table).where(column > latest)
    return connection.execute(later.values({column.name: latest})).rowcount
