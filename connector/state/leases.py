"""What is due, in somebody's hands: claimed under a lease and a fence, then finished or given back.

A claim takes rows under a lease and a fence sequence; only who still holds that fence may finish
them, and a row marked meanwhile stays due. What cannot be done is parked (parking.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state import parking
from connector.state.tables import counters, mirror, todo


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
    lease_until: datetime
    run_id: str | None
    trace_id: str
    cause: str
    unsure: bool = False
    """An earlier write may have reached the site, and its answer never came here: what the mirror
    says of it is not to be trusted."""


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
        lease_until=row["lease_until"],
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


def renew(connection: Connection, claims: Sequence[Claimed], now: datetime) -> frozenset[int]:
    """Ids of the claims that nobody has taken over, each ours for as long again as at first."""
    held = still_held(connection, claims)
    lasts = max((each.lease_until - each.claimed_at for each in claims), default=timedelta())
    if held:
        ours = update(todo).where(todo.c.id.in_(held))
        connection.execute(ours.values(lease_until=now + lasts))
    return held


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


def _keys(claims: Sequence[Claimed], *, marks: bool = False) -> list[dict[str, int]]:
    """What names each, in the order in which rows are touched, always: no two transactions wait
    for each other."""
    ordered = sorted(claims, key=lambda claim: (claim.site, claim.lane, claim.subject))
    return [
        {"b_id": each.id, "b_fence": each.fence, **({"b_marks": each.marks} if marks else {})}
        for each in ordered
    ]


def _end(connection: Connection, claims: Sequence[Claimed]) -> bool:
    """Remove these where nothing has marked them since. False: none was."""
    gone = delete(todo).where(*_HELD, todo.c.marks == bindparam("b_marks"))
    return connection.execute(gone, _keys(claims, marks=True)).rowcount != 0


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
        _keys(claims),
    )


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
    parking.put(
        connection,
        (claim.site, claim.lane, claim.subject),
        reason=reason,
        error=error,
        now=now,
        run_id=run_id or claim.run_id,
        trace_id=claim.trace_id,
        attempts=claim.attempts + 1,
        fingerprint=fingerprint,
    )


# ---- giving back ----


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
        _keys(claims),
    )


def doubt(connection: Connection, claims: Sequence[Claimed]) -> None:
    """A write for these may have reached the site: the next claim is to know."""
    if claims:
        connection.execute(
            update(todo).where(*_HELD).values(unsure=True),
            _keys(claims),
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
