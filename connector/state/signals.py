"""How work is learned of: cursors, webhooks received, what sweeps saw, scheduled moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from connector.model import BackendName, SiteName, Subject, SubjectKind
from connector.ports import Sighting, WebhookEvent
from connector.state.database import insert
from connector.state.tables import cursors, inbox, moments, sightings

# ---- cursors ----


def read_cursor(connection: Connection, backend: BackendName, name: str) -> str | None:
    query = select(cursors.c.value).where(cursors.c.backend == backend, cursors.c.name == name)
    found: str | None = connection.execute(query).scalar()
    return found


def move_cursor(
    connection: Connection, backend: BackendName, name: str, value: str, now: datetime
) -> None:
    statement = insert(connection, cursors).values(
        backend=backend, name=name, value=value, moved_at=now
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["backend", "name"], set_={"value": value, "moved_at": now}
        )
    )


LOOKED = "looked"
"""The name under which it is noted that a poll went through, whether it found anything or not."""


def cursor_times(connection: Connection, backend: BackendName) -> dict[str, datetime]:
    """When each cursor last moved: `poll`, `looked`, `sweep:NAME`, `reconcile:SITE`."""
    query = select(cursors.c.name, cursors.c.moved_at).where(cursors.c.backend == backend)
    return {row.name: row.moved_at for row in connection.execute(query)}


def forget_imports(connection: Connection) -> None:
    """Let every site count as new: everything becomes due at it, and it is proved afterwards."""
    connection.execute(delete(cursors).where(cursors.c.name.like("import:%")))


# ---- inbox ----


def receive(
    connection: Connection, backend: BackendName, event: WebhookEvent, now: datetime
) -> bool:
    """Note a webhook. False: it was here before, and must have no further effect."""
    statement = insert(connection, inbox).values(
        backend=backend,
        event_id=event.id,
        sent_at=event.sent_at,
        received_at=now,
        signals=len(event.signals),
    )
    return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1


def prune_inbox(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(inbox).where(inbox.c.received_at < before)).rowcount


def last_received(connection: Connection, backend: BackendName) -> datetime | None:
    query = select(func.max(inbox.c.received_at)).where(inbox.c.backend == backend)
    found: datetime | None = connection.execute(query).scalar()
    return found


# ---- sweeps ----


def compare_sightings(
    connection: Connection,
    backend: BackendName,
    sweep: str,
    round_number: int,
    seen: Sequence[Sighting],
) -> list[Sighting]:
    """Those whose fingerprint is new or has changed since the last round; remembers all."""
    before = _known(connection, backend, sweep, seen)
    statement = insert(connection, sightings)
    new = statement.excluded
    if seen:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["backend", "sweep", "kind", "subject"],
                set_={"fingerprint": new.fingerprint, "round": new.round},
            ),
            [
                {
                    "backend": backend,
                    "sweep": sweep,
                    "kind": sighting.subject.kind.value,
                    "subject": sighting.subject.id,
                    "fingerprint": sighting.fingerprint,
                    "round": round_number,
                }
                for sighting in seen
            ],
        )
    return [s for s in seen if before.get(s.subject) != s.fingerprint]


def _known(
    connection: Connection, backend: BackendName, sweep: str, seen: Sequence[Sighting]
) -> dict[Subject, str]:
    known: dict[Subject, str] = {}
    for kind in SubjectKind:
        ids = [sighting.subject.id for sighting in seen if sighting.subject.kind is kind]
        for start in range(0, len(ids), 500):
            query = select(sightings.c.subject, sightings.c.fingerprint).where(
                sightings.c.backend == backend,
                sightings.c.sweep == sweep,
                sightings.c.kind == kind.value,
                sightings.c.subject.in_(ids[start : start + 500]),
            )
            known |= {
                Subject(kind, row.subject): row.fingerprint for row in connection.execute(query)
            }
    return known


def vanished(
    connection: Connection, backend: BackendName, sweep: str, round_number: int
) -> list[Subject]:
    """Subjects that the last round saw and this complete one did not. Forgets them."""
    gone = (
        sightings.c.backend == backend,
        sightings.c.sweep == sweep,
        sightings.c.round < round_number,
    )
    found = [
        Subject(SubjectKind(row.kind), row.subject)
        for row in connection.execute(select(sightings.c.kind, sightings.c.subject).where(*gone))
    ]
    connection.execute(delete(sightings).where(*gone))
    return found


def seen(
    connection: Connection, backend: BackendName, sweep: str, subjects: Sequence[Subject]
) -> frozenset[Subject]:
    """Those of these subjects that the sweep's latest round saw (older ones are forgotten)."""
    sightings_of = [Sighting(subject, "") for subject in subjects]
    return frozenset(_known(connection, backend, sweep, sightings_of))


def next_round(connection: Connection, backend: BackendName, sweep: str) -> int:
    query = select(func.max(sightings.c.round)).where(
        sightings.c.backend == backend, sightings.c.sweep == sweep
    )
    return int(connection.execute(query).scalar() or 0) + 1


# ---- scheduled prices ----


def set_moments(
    connection: Connection, site: SiteName, at: Iterable[tuple[Subject, datetime | None]]
) -> None:
    """When each of these subjects changes by schedule; None: it does not."""
    rows = [
        {"b_site": site, "b_kind": subject.kind.value, "b_id": subject.id, "at": moment}
        for subject, moment in at
    ]
    if not rows:
        return
    connection.execute(
        delete(moments).where(
            moments.c.site == bindparam("b_site"),
            moments.c.kind == bindparam("b_kind"),
            moments.c.subject == bindparam("b_id"),
        ),
        [{key: row[key] for key in ("b_site", "b_kind", "b_id")} for row in rows],
    )
    scheduled = [
        {"site": site, "kind": row["b_kind"], "subject": row["b_id"], "at": row["at"]}
        for row in rows
        if row["at"] is not None
    ]
    if scheduled:
        connection.execute(moments.insert(), scheduled)


def take_moments(connection: Connection, now: datetime) -> list[tuple[SiteName, Subject]]:
    """Subjects whose moment has come; they are forgotten here and must be marked now."""
    come = moments.c.at <= now
    found = [
        (SiteName(row.site), Subject(SubjectKind(row.kind), row.subject))
        for row in connection.execute(select(moments).where(come))
    ]
    connection.execute(delete(moments).where(come))
    return found


def next_moment(connection: Connection) -> datetime | None:
    found: datetime | None = connection.execute(select(func.min(moments.c.at))).scalar()
    return found
