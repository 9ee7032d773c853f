"""What we stopped trying, where people see it, each with its reason, until it changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.tables import parked

Place = tuple[SiteName, Lane, Subject]
_KEY = ("site", "lane", "kind", "subject")


@dataclass(frozen=True, slots=True)
class Parked:
    """One subject that we stopped trying to bring to a site, and why."""

    site: SiteName
    lane: Lane
    subject: Subject
    reason: str
    error: str
    fingerprint: str
    """Of the value that was sent last, to tell whether the same one failed again; "": none was."""
    first_at: datetime
    last_at: datetime
    attempts: int
    run_id: str | None
    trace_id: str


def put(
    connection: Connection,
    place: Place,
    *,
    reason: str,
    error: str,
    now: datetime,
    trace_id: str,
    run_id: str | None = None,
    attempts: int = 0,
    fingerprint: str = "",
) -> None:
    """Keep something here; what was here already counts its attempts on."""
    row = {
        **_named(place),
        "reason": reason,
        "error": error,
        "fingerprint": fingerprint,
        "first_at": now,
        "last_at": now,
        "attempts": attempts,
        "run_id": run_id,
        "trace_id": trace_id,
    }
    statement = insert(connection, parked).values(row)
    again = ("reason", "error", "fingerprint", "last_at", "run_id", "trace_id")
    news: dict[str, ColumnElement[Any]] = {name: statement.excluded[name] for name in again}
    news["attempts"] = parked.c.attempts + statement.excluded.attempts
    connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=news))


def list_parked(
    connection: Connection, *, site: SiteName | None = None, run_id: str | None = None
) -> list[Parked]:
    """What is parked, of a site, of a run, or all; oldest first."""
    query = select(parked).order_by(parked.c.first_at, parked.c.subject, parked.c.lane)
    if site is not None:
        query = query.where(parked.c.site == site)
    if run_id is not None:
        query = query.where(parked.c.run_id == run_id)
    return [
        Parked(
            site=SiteName(row.site),
            lane=Lane(row.lane),
            subject=Subject(SubjectKind(row.kind), row.subject),
            reason=row.reason,
            error=row.error,
            fingerprint=row.fingerprint,
            first_at=row.first_at,
            last_at=row.last_at,
            attempts=row.attempts,
            run_id=row.run_id,
            trace_id=row.trace_id,
        )
        for row in connection.execute(query)
    ]


def parked_subjects(
    connection: Connection, site: SiteName, kind: SubjectKind
) -> frozenset[Subject]:
    """Subjects of a kind that are parked at a site, in whichever lane."""
    query = select(parked.c.subject).where(parked.c.site == site, parked.c.kind == kind.value)
    return frozenset(Subject(kind, each) for each in connection.execute(query).scalars())


def take_out(connection: Connection, places: Collection[Place]) -> None:
    """Forget that these were here."""
    if connection.execute(select(parked.c.site).limit(1)).first() is None:
        return
    these = [parked.c[name] == bindparam(f"b_{name}") for name in _KEY]
    rows = [{f"b_{name}": value for name, value in _named(each).items()} for each in places]
    connection.execute(delete(parked).where(*these), rows)


def _named(place: Place) -> dict[str, str]:
    site, lane, subject = place
    return {"site": site, "lane": lane.value, "kind": subject.kind.value, "subject": subject.id}
