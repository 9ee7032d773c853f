"""The last edit of each field at each site, as its event log told: who, and when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from connector.model import SiteName
from connector.ports import SiteEvent
from connector.state.database import insert
from connector.state.tables import edits


def record(connection: Connection, site: SiteName, events: Sequence[SiteEvent]) -> None:
    """Keep these, in place of older edits of the same fields. In the order they happened."""
    latest = {
        (event.subject, name): {
            "site": site,
            "kind": event.subject.kind.value,
            "subject": event.subject.id,
            "field": name,
            "user": event.user[:120],
            "at": event.at,
        }
        for event in events
        for name in event.fields
    }
    if latest:
        statement = insert(connection, edits)
        new = {name: statement.excluded[name] for name in ("user", "at")}
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["site", "kind", "subject", "field"], set_=new
            ),
            list(latest.values()),
        )
