"""What is due: mark it, claim it under a lease and a fence, finish it, try it again, park it.

A row stands for one (site, lane, subject). Marking a row that is there coalesces: `marks` grows and
the row stays. A claim takes rows under a lease and a fence sequence; only who still holds that
fence may finish them, and a row marked meanwhile stays due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state.database import Marked, insert, note_marked
from connector.state.tables import counters, mirror, parked, todo


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


@dataclass(frozen=True, slots=True)
class Claimed:
    """A due row in our hands until `lease_until`."""

    id: int
    site: SiteName
    lane: Lane
    subject: Subject
    fence: int
    marks: int
    attempts: int
    priority: int
    first_marked_at: datetime
    claimed_at: datetime
    run_id: str | None
    trace_id: str
    cause: str
    unsure: bool = False
    """An earlier write may have reached the site, and its answer never came here: what the mirror
    says of it is not to be trusted."""


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
    _unpark(connection, rows)
    return len(rows)


def _place(item: Due | Claimed) -> tuple[str, str, Subject]:
    """The order in which rows are touched, always, so that no two transactions wait for each
    other."""
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


def _unpark(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    if connection.execute(select(parked.c.site).limit(1)).first() is None:
        return
    connection.execute(
        delete(parked).where(
            parked.c.site == bindparam("b_site"),
            parked.c.lane == bindparam("b_lane"),
            parked.c.kind == bindparam("b_kind"),
            parked.c.subject == bindparam("b_subject"),
        ),
        [{f"b_{key}": row[key] for key in ("site", "lane", "kind", "subject")} for row in rows],
    )


# ---- claiming ----


def next_fence(connection: Connection) -> int:
    """The next sequence: higher than every one given out before."""
    counter = update(counters).where(counters.c.name == "fence").values(value=counters.c.value + 1)
    return int(connection.execute(counter.returning(counters.c.value)).scalar_one())


def claim(
    connection: Connection,
    site: SiteName,
    *,
    lanes: Sequence[Lane],
    limit: int,
    now: datetime,
    lease_seconds: float,
    owner: str,
    below: int | None = None,
    gather_seconds: float = 0.0,
) -> list[Claimed]:
    """Take up to `limit` due rows of a site, most urgent first.

    `below` asks for rows more urgent than this priority only. A row under another's living lease is
    never taken, nor one that the site has confirmed within `gather_seconds`: a storm of changes to
    one product is gathered into few writes, and the first of them goes at once.
    """
    chosen = (
        select(todo.c.id)
        .where(*_free(site, lanes, now, below), *_rested(now, gather_seconds))
        .order_by(todo.c.priority, todo.c.due_at, todo.c.subject, todo.c.lane)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(chosen).scalars())
    if not ids:
        return []
    taken = (
        update(todo)
        .where(todo.c.id.in_(ids))
        .values(
            lease_owner=owner,
            lease_until=now + timedelta(seconds=lease_seconds),
            claimed_at=now,
            unsure=or_(todo.c.unsure, todo.c.lease_until.is_not(None)),
            fence=next_fence(connection),
        )
        .returning(todo)
    )
    return sorted(
        (_claimed(dict(row)) for row in connection.execute(taken).mappings()),
        key=lambda item: (item.priority, item.subject, item.lane),
    )


def any_due(
    connection: Connection,
    site: SiteName,
    lanes: Sequence[Lane],
    now: datetime,
    below: int | None = None,
    gather_seconds: float = 0.0,
) -> bool:
    """Whether a claim would find anything. Cheap, and keeps no writer out."""
    wanted = (*_free(site, lanes, now, below), *_rested(now, gather_seconds))
    found = select(todo.c.id).where(*wanted).limit(1)
    return connection.execute(found).first() is not None


def _free(
    site: SiteName, lanes: Sequence[Lane], now: datetime, below: int | None
) -> list[ColumnElement[bool]]:
    wanted = [
        todo.c.site == site,
        todo.c.lane.in_(lanes),
        todo.c.due_at <= now,
        or_(todo.c.lease_until.is_(None), todo.c.lease_until <= now),
    ]
    return wanted if below is None else [*wanted, todo.c.priority < below]


def _rested(now: datetime, gather_seconds: float) -> list[ColumnElement[bool]]:
    if not gather_seconds:
        return []
    just_confirmed = exists().where(
        mirror.c.site == todo.c.site,
        mirror.c.lane == todo.c.lane,
        mirror.c.kind == todo.c.kind,
        mirror.c.subject == todo.c.subject,
        mirror.c.confirmed_at.between(now - timedelta(seconds=gather_seconds), now),
    )
    return [~just_confirmed]


def _claimed(row: Mapping[str, Any]) -> Claimed:
    return Claimed(
        id=row["id"],
        site=SiteName(row["site"]),
        lane=Lane(row["lane"]),
        subject=Subject(SubjectKind(row["kind"]), row["subject"]),
        fence=row["fence"],
        marks=row["marks"],
        attempts=row["attempts"],
        priority=row["priority"],
        first_marked_at=row["first_marked_at"],
        claimed_at=row["claimed_at"],
        run_id=row["run_id"],
        trace_id=row["trace_id"],
        cause=row["cause"],
        unsure=row["unsure"],
    )


def still_held(connection: Connection, claims: Sequence[Claimed]) -> frozenset[int]:
    """Ids of the claims that nobody has taken over. Locks them until the transaction ends."""
    held: set[int] = set()
    for fence in {claim.fence for claim in claims}:
        query = select(todo.c.id).where(
            todo.c.fence == fence,
            todo.c.lease_until.is_not(None),
            todo.c.id.in_([claim.id for claim in claims if claim.fence == fence]),
        )
        in_place = query.order_by(todo.c.site, todo.c.lane, todo.c.kind, todo.c.subject)
        held |= set(connection.execute(in_place.with_for_update()).scalars())
    return frozenset(held)


# ---- finishing ----

_HELD = (
    todo.c.id == bindparam("b_id"),
    todo.c.fence == bindparam("b_fence"),
    todo.c.lease_until.is_not(None),
)
"""Neither taken over by a newer claim nor given back."""


def finish(connection: Connection, claims: Sequence[Claimed]) -> None:
    """These are confirmed. A row marked since its claim stays, due now."""
    if claims:
        _end(connection, claims)
        _keep_due(connection, claims)


def _end(connection: Connection, claims: Sequence[Claimed]) -> bool:
    """Remove these where nothing has marked them since. False: none was."""
    gone = delete(todo).where(*_HELD, todo.c.marks == bindparam("b_marks"))
    keys = [
        {"b_id": claim.id, "b_fence": claim.fence, "b_marks": claim.marks}
        for claim in sorted(claims, key=_place)
    ]
    return connection.execute(gone, keys).rowcount != 0


def _keep_due(connection: Connection, claims: Sequence[Claimed]) -> None:
    """Free those of these that are still here: they were marked since their claim."""
    connection.execute(
        update(todo)
        .where(*_HELD)
        .values(
            lease_owner=None,
            lease_until=None,
            unsure=False,
            attempts=0,
            error=None,
            first_marked_at=todo.c.claimed_at,
        ),
        [{"b_id": claim.id, "b_fence": claim.fence} for claim in sorted(claims, key=_place)],
    )


def release(
    connection: Connection,
    claims: Sequence[Claimed],
    *,
    due_at: datetime,
    error: str | None = None,
    counts: bool = False,
) -> None:
    """Give these back, due at a later moment. `counts`: as a failed attempt."""
    if not claims:
        return
    connection.execute(
        update(todo)
        .where(*_HELD)
        .values(
            lease_owner=None,
            lease_until=None,
            due_at=due_at,
            attempts=todo.c.attempts + (1 if counts else 0),
            error=error,
        ),
        [{"b_id": claim.id, "b_fence": claim.fence} for claim in sorted(claims, key=_place)],
    )


def doubt(connection: Connection, claims: Sequence[Claimed]) -> None:
    """A write for these may have reached the site: the next claim is to know."""
    if claims:
        connection.execute(
            update(todo).where(*_HELD).values(unsure=True),
            [{"b_id": claim.id, "b_fence": claim.fence} for claim in sorted(claims, key=_place)],
        )


def release_all(connection: Connection) -> int:
    """At the start of the only daemon: whatever a dead one held is free again."""
    freed = update(todo).where(todo.c.lease_until.is_not(None))
    values = {"lease_owner": None, "lease_until": None, "unsure": True}
    return connection.execute(freed.values(values)).rowcount


def lease_owners(connection: Connection) -> frozenset[str]:
    """Who holds rows now, living or not."""
    query = select(todo.c.lease_owner).where(todo.c.lease_until.is_not(None)).distinct()
    return frozenset(connection.execute(query).scalars())


def release_owned(connection: Connection, owners: Collection[str]) -> int:
    """Free what these held, who are known to be gone: it is due at once, and counts as no failure.

    Nobody knows whether what they wrote has reached the site.
    Rows that somebody is at in this moment are left for the next time.
    """
    if not owners:
        return 0
    theirs = select(todo.c.id).where(
        todo.c.lease_owner.in_(owners), todo.c.lease_until.is_not(None)
    )
    ids = list(connection.execute(theirs.with_for_update(skip_locked=True)).scalars())
    for start in range(0, len(ids), 500):
        freed = update(todo).where(todo.c.id.in_(ids[start : start + 500]))
        connection.execute(freed.values(lease_owner=None, lease_until=None, unsure=True))
    return len(ids)


def park(
    connection: Connection,
    claim: Claimed,
    *,
    reason: str,
    error: str,
    now: datetime,
    run_id: str | None = None,
    fingerprint: str = "",
) -> None:
    """Stop trying, and keep it where people see it, with its reason and the value that failed.

    A row marked since its claim stays due instead: what changed may have mended it.
    """
    if not _end(connection, [claim]):
        _keep_due(connection, [claim])
        return
    statement = insert(connection, parked).values(
        site=claim.site,
        lane=claim.lane.value,
        kind=claim.subject.kind.value,
        subject=claim.subject.id,
        reason=reason,
        error=error,
        fingerprint=fingerprint,
        first_at=now,
        last_at=now,
        attempts=claim.attempts + 1,
        run_id=run_id or claim.run_id,
        trace_id=claim.trace_id,
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site", "lane", "kind", "subject"],
            set_={
                "reason": new.reason,
                "error": new.error,
                "fingerprint": new.fingerprint,
                "last_at": new.last_at,
                "attempts": parked.c.attempts + new.attempts,
                "run_id": new.run_id,
                "trace_id": new.trace_id,
            },
        )
    )


def park_subject(
    connection: Connection, item: Due, *, reason: str, error: str, now: datetime, run_id: str
) -> None:
    """Keep something where people see it that was not due: it waits for a decision of theirs."""
    row = {
        "site": item.site,
        "lane": item.lane.value,
        "kind": item.subject.kind.value,
        "subject": item.subject.id,
        "reason": reason,
        "error": error,
        "first_at": now,
        "last_at": now,
        "attempts": 0,
        "run_id": run_id,
        "trace_id": run_id,
    }
    statement = insert(connection, parked).values(row)
    key = ["site", "lane", "kind", "subject"]
    news = {name: statement.excluded[name] for name in ("reason", "error", "last_at", "run_id")}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=news))


def next_due(connection: Connection, site: SiteName) -> datetime | None:
    """When the site's next row is due or its lease ends; None: nothing is waiting."""
    waits = case(
        (
            and_(todo.c.lease_until.is_not(None), todo.c.lease_until > todo.c.due_at),
            todo.c.lease_until,
        ),
        else_=todo.c.due_at,
    )
    found: datetime | None = connection.execute(
        select(func.min(waits)).where(todo.c.site == site)
    ).scalar()
    return found


def waiting(
    connection: Connection, *, run_id: str | None = None, site: SiteName | None = None
) -> int:
    """How many rows are still due, of a run, of a site, or of all."""
    query = select(func.count()).select_from(todo)
    if run_id is not None:
        query = query.where(todo.c.run_id == run_id)
    if site is not None:
        query = query.where(todo.c.site == site)
    return int(connection.execute(query).scalar_one())


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
