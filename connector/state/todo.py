"""What is due: mark it, and see what waits, since when and why.

A row stands for one (site, lane, subject). Marking a row that is there coalesces: `marks` grows and
the row stays. Leases (leases.py) take rows from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, tuple_

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state import parking
from connector.state.database import Marked, insert, note_marked
from connector.state.tables import todo


class Priority(IntEnum):
    """Lower goes first."""

    TERM = 5
    """Categories, which products need."""
    SIGNAL = 10
    """Something just changed: a webhook, a poll, a scheduled price."""
    PERSON = 20
    """Somebody waits for it at a terminal or in a CMS."""
    REPAIR = 50
    BULK = 100
    """First imports and everything-again; offers of this priority ride with their content."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to mark as due."""

    site: SiteName
    lane: Lane
    subject: Subject


@dataclass(frozen=True, slots=True)
class Why:
    """Where a mark comes from, for people and for `explain`."""

    trace_id: str
    cause: str
    run_id: str | None = None


# ---- marking ----


def mark(
    connection: Connection,
    due: Iterable[Due],
    *,
    priority: Priority,
    now: datetime,
    why: Why,
    due_at: datetime | None = None,
) -> int:
    """Make these due, and take them out of the parked ones. Answers how many were named."""
    return mark_each(connection, ((item, priority, why) for item in due), now=now, due_at=due_at)


def mark_each(
    connection: Connection,
    marks: Iterable[tuple[Due, int, Why]],
    *,
    now: datetime,
    due_at: datetime | None = None,
) -> int:
    """As `mark`, each with its own priority and reason."""
    ordered = sorted(marks, key=lambda each: _place(each[0]))
    rows = [_row(item, priority, now, due_at or now, why) for item, priority, why in ordered]
    if not rows:
        return 0
    note_marked(connection, {Marked(item.site, item.lane, by) for item, by, _ in ordered})
    statement = insert(connection, todo)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site", "lane", "kind", "subject"],
            set_={
                "marks": todo.c.marks + 1,
                "priority": _lower(new.priority, todo.c.priority),
                "due_at": _lower(new.due_at, todo.c.due_at),
                "last_marked_at": new.last_marked_at,
                "run_id": func.coalesce(new.run_id, todo.c.run_id),
                "trace_id": new.trace_id,
                "cause": new.cause,
            },
        ),
        rows,
    )
    parking.take_out(connection, [_place(item) for item, _, _ in ordered])
    return len(rows)


def _place(item: Due) -> tuple[SiteName, Lane, Subject]:
    """What names a row, and the order in which rows are touched, always, so that no two
    transactions wait for each other."""
    return item.site, item.lane, item.subject


def _row(item: Due, priority: int, now: datetime, due_at: datetime, why: Why) -> dict[str, object]:
    return {
        "site": item.site,
        "lane": item.lane.value,
        "kind": item.subject.kind.value,
        "subject": item.subject.id,
        "priority": int(priority),
        "due_at": due_at,
        "marks": 1,
        "first_marked_at": now,
        "last_marked_at": now,
        "attempts": 0,
        "run_id": why.run_id,
        "trace_id": why.trace_id,
        "cause": why.cause[:200],
    }


def _lower(new: ColumnElement[Any], old: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((new < old, new), else_=old)


# ---- what waits ----


def waiting(
    connection: Connection,
    *,
    run_id: str | None = None,
    site: SiteName | None = None,
    marked_by: datetime | None = None,
) -> int:
    """How many rows are still due, of a run, of a site, or of all; or only those of them that were
    marked by a moment, and not written since."""
    query = select(func.count()).select_from(todo)
    if run_id is not None:
        query = query.where(todo.c.run_id == run_id)
    if site is not None:
        query = query.where(todo.c.site == site)
    if marked_by is not None:
        query = query.where(todo.c.first_marked_at <= marked_by)
    return int(connection.execute(query).scalar_one())


def waiting_places(
    connection: Connection, sites: Collection[SiteName], *, run_id: str | None = None
) -> dict[tuple[SiteName, Lane], int]:
    """How many rows are still due in each lane of these sites, of a run or of all."""
    query = select(todo.c.site, todo.c.lane, func.count()).where(todo.c.site.in_(sites))
    if run_id is not None:
        query = query.where(todo.c.run_id == run_id)
    rows = connection.execute(query.group_by(todo.c.site, todo.c.lane))
    return {(SiteName(site), Lane(lane)): count for site, lane, count in rows}


def due_times(
    connection: Connection, site: SiteName, lane: Lane, subjects: Collection[Subject]
) -> dict[Subject, datetime]:
    """When those of these subjects that are due are to be looked at next."""
    keys = sorted({(subject.kind.value, subject.id) for subject in subjects})
    found: dict[Subject, datetime] = {}
    for start in range(0, len(keys), 500):
        query = select(todo.c.kind, todo.c.subject, todo.c.due_at).where(
            todo.c.site == site,
            todo.c.lane == lane.value,
            tuple_(todo.c.kind, todo.c.subject).in_(keys[start : start + 500]),
        )
        for row in connection.execute(query):
            found[Subject(SubjectKind(row.kind), row.subject)] = row.due_at
    return found


@dataclass(frozen=True, slots=True)
class DueRow:
    """A due row, as people see it."""

    lane: Lane
    due_at: datetime
    first_marked_at: datetime
    attempts: int
    error: str | None
    in_flight: bool
    cause: str


def rows_of(connection: Connection, site: SiteName, subject: Subject) -> list[DueRow]:
    """What is due of one subject at one site."""
    query = select(todo).where(
        todo.c.site == site, todo.c.kind == subject.kind.value, todo.c.subject == subject.id
    )
    return [
        DueRow(
            lane=Lane(row.lane),
            due_at=row.due_at,
            first_marked_at=row.first_marked_at,
            attempts=row.attempts,
            error=row.error,
            in_flight=row.lease_until is not None,
            cause=row.cause,
        )
        for row in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Retrying:
    """A subject that failed and is tried again, with its oldest change not confirmed."""

    subject: Subject
    lane: Lane
    since: datetime
    error: str


def retrying(connection: Connection, site: SiteName, limit: int = 1000) -> list[Retrying]:
    """What failed by itself at a site and is tried again; a subject once, by its oldest change."""
    failed = or_(
        todo.c.attempts > 0, and_(todo.c.lane == Lane.WORDS.value, todo.c.error.is_not(None))
    )
    query = select(todo).where(todo.c.site == site, failed)
    query = query.order_by(todo.c.first_marked_at, todo.c.id).limit(limit)
    found: dict[Subject, Retrying] = {}
    for row in connection.execute(query):
        subject = Subject(SubjectKind(row.kind), row.subject)
        late = Retrying(subject, Lane(row.lane), row.first_marked_at, row.error or "")
        found.setdefault(subject, late)
    return list(found.values())
