"""How it stands, for ops: freshness and queue of every lane, what is left alone, the last runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.compose import Connector
from connector.model import BackendName
from connector.state import freshness, runs, signals, targets
from connector.state.database import StateLock
from connector.state.freshness import LaneStatus
from connector.state.runs import Run
from connector.state.targets import Suspension


@dataclass(frozen=True, slots=True)
class Status:
    at: datetime
    daemon: Mapping[str, Any] | None
    """Who works on the state (pid, role; or daemons: how many); None: nobody."""
    lanes: tuple[LaneStatus, ...]
    suspended: tuple[Suspension, ...]
    looked: Mapping[BackendName, Mapping[str, datetime]]
    """When each poll, sweep, reconcile and first import last went through."""
    runs: tuple[Run, ...]
    fresh: bool
    """Whether no lane's oldest unconfirmed change is older than the target."""


def status(connector: Connector) -> Status:
    """The present standing. Calls nobody."""
    path, now = connector.database.path, connector.clock.now()
    with connector.database.read() as connection:
        lanes = freshness.lane_status(connection, list(connector.works))
        suspended = targets.suspensions_now(connection)
        looked = {name: signals.cursor_times(connection, name) for name in connector.catalogues}
        latest = runs.latest_runs(connection, 5)
    limit = connector.config.work.freshness_target_seconds
    ages = [(now - lane.oldest_at).total_seconds() for lane in lanes if lane.oldest_at]
    return Status(
        at=now,
        daemon=StateLock(path).holder() if path else _daemons(connector),
        lanes=tuple(lanes),
        suspended=tuple(suspended.values()),
        looked=looked,
        runs=tuple(latest),
        fresh=all(age <= limit for age in ages),
    )


def _daemons(connector: Connector) -> Mapping[str, Any] | None:
    """How many share a state on a database server."""
    count = connector.engine.daemons()
    return {"daemons": count} if count else None
