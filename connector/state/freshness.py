"""How far each site is behind: what is due and parked, and the oldest change not yet confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state.tables import parked, todo


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """One lane of one site, now."""

    site: SiteName
    lane: Lane
    due: int
    in_flight: int
    parked: int
    oldest_at: datetime | None
    """When the oldest change that the site has not confirmed was learned of, parked ones too."""
    last_error: str | None = None


def lane_status(connection: Connection, sites: list[SiteName]) -> list[LaneStatus]:
    """Every lane of these sites."""
    waiting = {
        (row.site, row.lane): row
        for row in connection.execute(
            select(
                todo.c.site,
                todo.c.lane,
                func.count().label("due"),
                func.count(todo.c.lease_until).label("in_flight"),
                func.min(todo.c.first_marked_at).label("oldest"),
                func.max(todo.c.error).label("error"),
            ).group_by(todo.c.site, todo.c.lane)
        )
    }
    stuck = {
        (row.site, row.lane): row
        for row in connection.execute(
            select(
                parked.c.site,
                parked.c.lane,
                func.count().label("parked"),
                func.min(parked.c.first_at).label("oldest"),
            ).group_by(parked.c.site, parked.c.lane)
        )
    }
    found = []
    for site in sites:
        for lane in Lane:
            due, held = waiting.get((site, lane.value)), stuck.get((site, lane.value))
            oldest = [row.oldest for row in (due, held) if row is not None]
            found.append(
                LaneStatus(
                    site=site,
                    lane=lane,
                    due=due.due if due else 0,
                    in_flight=due.in_flight if due else 0,
                    parked=held.parked if held else 0,
                    oldest_at=min(oldest, default=None),
                    last_error=due.error if due else None,
                )
            )
    return found


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


def drop_parked(connection: Connection, row: Parked) -> None:
    connection.execute(
        delete(parked).where(
            parked.c.site == row.site,
            parked.c.lane == row.lane.value,
            parked.c.kind == row.subject.kind.value,
            parked.c.subject == row.subject.id,
        )
    )
