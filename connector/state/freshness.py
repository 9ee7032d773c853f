"""How far each site is behind: what is due and parked, and the oldest change not yet confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from connector.model import Lane, SiteName
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
