"""Sites and backends that are not to be called now: paused by a person, or down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from connector.model import BackendName, Lane, SiteName
from connector.ports import Fence
from connector.state.database import insert
from connector.state.tables import counters, suspensions


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why a target is left alone, and until when (None: until a person resumes it)."""

    target: str
    reason: str
    since: datetime
    until: datetime | None
    failures: int
    asked_by: str


def site_target(name: SiteName) -> str:
    return f"site:{name}"


def lane_target(name: SiteName, lane: Lane) -> str:
    """One lane of a site, which a person can pause by itself."""
    return f"site:{name}/{lane.value}"


def backend_target(name: BackendName) -> str:
    return f"backend:{name}"


def suspensions_now(connection: Connection) -> dict[str, Suspension]:
    """Every suspension, ended by time or not (a half-open probe looks at `until`)."""
    return {row.target: Suspension(*row) for row in connection.execute(select(suspensions))}


def suspend(connection: Connection, suspension: Suspension) -> None:
    values = {
        "reason": suspension.reason,
        "since": suspension.since,
        "until": suspension.until,
        "failures": suspension.failures,
        "asked_by": suspension.asked_by,
    }
    statement = insert(connection, suspensions).values(target=suspension.target, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=values))


def resume(connection: Connection, target: str) -> bool:
    """End a suspension. False: there was none."""
    gone = delete(suspensions).where(suspensions.c.target == target)
    return connection.execute(gone).rowcount == 1


# ---- epoch ----


def read_epoch(connection: Connection) -> int:
    query = select(counters.c.value).where(counters.c.name == "epoch")
    return int(connection.execute(query).scalar_one())


def rise_above(connection: Connection, seen: Fence) -> bool:
    """Make every future fence newer than one that a site has seen. True: a new epoch was needed.

    A state restored from a backup, or made anew, finds sites with fences of its own future.
    """
    rows = {
        row.name: row.value for row in connection.execute(select(counters.c.name, counters.c.value))
    }
    if (rows["epoch"], rows["fence"]) >= (seen.epoch, seen.sequence):
        return False
    epoch = max(rows["epoch"], seen.epoch) + 1
    connection.execute(counters.update().where(counters.c.name == "epoch").values(value=epoch))
    return True
