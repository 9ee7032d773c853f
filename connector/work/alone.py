"""Leave a backend or site that failed as a whole alone for a while, where every process sees it."""

from __future__ import annotations

import random

import structlog

from connector.errors import ConnectorError
from connector.ports import Clock
from connector.state import targets
from connector.state.database import Database
from connector.work.suspend import suspension_after

log = structlog.get_logger(__name__)


def leave_alone(
    database: Database,
    clock: Clock,
    target: str,
    error: ConnectorError,
    chance: float | None = None,
) -> None:
    """Suspend it. One that is left alone already stays so as long as was said then."""
    now = clock.now()
    with database.write() as connection:
        before = targets.suspensions_now(connection).get(target)
        if before is not None and (before.until is None or before.until > now):
            return
        dice = random.random() if chance is None else chance
        targets.suspend(connection, suspension_after(error, target, before, now, dice))
    log.warning(
        "Left alone for a while", action="target.suspend", target=target, reason=error.message
    )
