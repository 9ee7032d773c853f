"""What a person says of conflicts, from wherever it was said: kept, and the pages made due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connector.model import FieldHash, JsonValue, Lane, hash_value
from connector.state import conflicts, todo
from connector.state.conflicts import OpenConflict
from connector.state.todo import Due, Priority, Why
from connector.sync.edits import Choice


def decide(
    connection: Connection,
    rows: Sequence[OpenConflict],
    choice: Choice,
    *,
    value: JsonValue = None,
    asked_by: str,
    now: datetime,
    run_id: str | None = None,
) -> list[OpenConflict]:
    """Keep a decision. Answers those that are still as that person saw them."""
    decided = conflicts.decide(connection, rows, choice, value=value, asked_by=asked_by, now=now)
    for row in decided:
        why = Why(row.trace_id, f"conflict {row.id} decided by {asked_by}", run_id)
        due = [Due(row.site, Lane.CONTENT, row.subject)]
        todo.mark(connection, due, priority=Priority.PERSON, now=now, why=why)
    return decided


def fits(row: OpenConflict, value: JsonValue) -> bool:
    """Whether a third value is of the kind that the field has."""
    return type(value) is type(row.contested.conflict.backend)


def mark_of(row: OpenConflict) -> FieldHash:
    """By which is known whether a person has seen these two values."""
    return hash_value([row.contested.conflict.backend, row.contested.site])
