"""Who asked for what and how it went (runs), and each subject's story (the trail)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, select, update

from connector.model import BackendName, Lane, SiteName, Subject, SubjectKind
from connector.state.tables import parked, runs, trail


def new_id(now: datetime) -> str:
    """An id that sorts by time: 2026-11-24T08-38-02-1f3a."""
    return f"{now:%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    kind: str
    site: SiteName | None
    asked_by: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    """running, done, parked (some), failed, stopped (safety stop)."""
    counts: Mapping[str, int]
    message: str
    approved_by: str | None = None


def start_run(
    connection: Connection, kind: str, site: SiteName | None, asked_by: str, now: datetime
) -> str:
    run_id = new_id(now)
    connection.execute(
        runs.insert().values(
            id=run_id,
            kind=kind,
            site=site,
            asked_by=asked_by,
            started_at=now,
            outcome="running",
            counts={},
            message="",
        )
    )
    return run_id


def end_run(
    connection: Connection,
    run_id: str,
    *,
    outcome: str,
    counts: Mapping[str, int],
    message: str,
    now: datetime,
) -> None:
    """Note how a run ended. One that the safety stop holds stays stopped, and says so."""
    stopped = runs.c.outcome == "stopped"
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(
            ended_at=now,
            outcome=case((stopped, runs.c.outcome), else_=outcome),
            counts=dict(counts),
            message=case((stopped, runs.c.message), else_=message),
        )
    )


def end_running(
    connection: Connection, kind: str, site: SiteName, outcome: str, message: str, now: datetime
) -> None:
    """Note how the runs of a kind that are under way at a site ended."""
    running = (runs.c.kind == kind, runs.c.site == site, runs.c.outcome == "running")
    connection.execute(
        update(runs).where(*running).values(ended_at=now, outcome=outcome, message=message)
    )


def get_run(connection: Connection, run_id: str) -> Run | None:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    return Run(**row) if row else None


UNASKED = "changes"
"""The kind of the runs that gather, by the hour, what nobody asked for."""


def latest_runs(connection: Connection, limit: int = 20, *, unasked: bool = False) -> list[Run]:
    """The latest runs, newest first; `unasked`: also those that gather the backend's changes."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    if not unasked:
        query = query.where(runs.c.kind != UNASKED)
    return [Run(**row) for row in connection.execute(query).mappings()]


def stop_run(connection: Connection, run_id: str | None, site: SiteName, now: datetime) -> str:
    """Note that a run waits for a person. Work without a run gets one for all the site's stops."""
    message = "stopped: it would take more products off sale than the safety stop allows"
    if run_id is None:
        waiting = select(runs.c.id).where(
            runs.c.kind == "safety stop",
            runs.c.site == site,
            runs.c.outcome == "stopped",
            runs.c.approved_by.is_(None),
        )
        run_id = connection.execute(waiting.limit(1)).scalar() or start_run(
            connection, "safety stop", site, "connector", now
        )
    held = update(runs).where(runs.c.id == run_id)
    connection.execute(held.values(ended_at=now, outcome="stopped", message=message))
    return run_id


def waiting_for_approval(connection: Connection) -> list[Run]:
    """Runs that the safety stop holds and that nobody has approved, where something of them is
    still parked."""
    held = select(parked.c.run_id).where(parked.c.error == "SafetyStop")
    query = select(runs).where(
        runs.c.outcome == "stopped", runs.c.approved_by.is_(None), runs.c.id.in_(held)
    )
    return [Run(**row) for row in connection.execute(query).mappings()]


def approve(connection: Connection, run_id: str, by: str) -> bool:
    """A person lets a stopped run go on, once. False: there is no such stopped run."""
    stopped = update(runs).where(runs.c.id == run_id, runs.c.outcome == "stopped")
    return connection.execute(stopped.values(approved_by=by)).rowcount == 1


def approved(connection: Connection, run_ids: Sequence[str]) -> frozenset[str]:
    query = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.approved_by.is_not(None))
    return frozenset(connection.execute(query).scalars()) if run_ids else frozenset()


# ---- trail ----


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a subject on its way to a page."""

    at: datetime
    trace_id: str
    backend: BackendName
    subject: Subject
    step: str
    """signal, written, unchanged, kept, retired, failed, parked, picture, resumed."""
    message: str
    site: SiteName | None = None
    lane: Lane | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def record(connection: Connection, steps: Sequence[Step]) -> None:
    if steps:
        connection.execute(
            trail.insert(),
            [
                {
                    "at": step.at,
                    "trace_id": step.trace_id,
                    "backend": step.backend,
                    "kind": step.subject.kind.value,
                    "subject": step.subject.id,
                    "site": step.site,
                    "lane": step.lane.value if step.lane else None,
                    "step": step.step,
                    "message": step.message,
                    "facts": dict(step.facts),
                }
                for step in steps
            ],
        )


def story(
    connection: Connection, backend: BackendName, subject: Subject, limit: int = 50
) -> list[Step]:
    """The latest steps of a subject, oldest first."""
    query = (
        select(trail)
        .where(
            trail.c.backend == backend,
            trail.c.kind == subject.kind.value,
            trail.c.subject == subject.id,
        )
        .order_by(trail.c.id.desc())
        .limit(limit)
    )
    return [
        Step(
            at=row.at,
            trace_id=row.trace_id,
            backend=BackendName(row.backend),
            subject=Subject(SubjectKind(row.kind), row.subject),
            step=row.step,
            message=row.message,
            site=SiteName(row.site) if row.site else None,
            lane=Lane(row.lane) if row.lane else None,
            facts=row.facts,
        )
        for row in reversed(connection.execute(query).all())
    ]


def prune_trail(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(trail).where(trail.c.at < before)).rowcount
