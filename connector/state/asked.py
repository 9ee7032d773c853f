"""What editors asked in their CMS, and what has become of it, until the site was told.

A request is kept in the commit that moves the event log's cursor, and is the same one however
often it comes. One process begins it; every answer is told at least once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from connector.model import FieldName, JsonValue, SiteName, Subject, SubjectKind, hash_value
from connector.ports import SiteEvent
from connector.ports_panel import RequestAnswer, Standing
from connector.state.database import insert
from connector.state.tables import asked


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as it was asked."""

    site: SiteName
    request: str
    subject: Subject
    action: str
    field: FieldName | None
    choice: str | None
    value: JsonValue
    seen: str
    asked_by: str
    """As runs and the trail name them."""
    received_at: datetime
    begun_at: datetime | None = None
    run_id: str | None = None
    answer: RequestAnswer | None = None
    told: str = ""

    @property
    def trace_id(self) -> str:
        return f"{self.site}-{self.request}"[:64]

    def answered(
        self,
        standing: Standing,
        code: str,
        says: str,
        at: datetime,
        changes: list[JsonValue] | None = None,
    ) -> Asked:
        """The request with what has become of it."""
        facts: dict[str, JsonValue] = {} if changes is None else {"changes": changes}
        answer = RequestAnswer(self.request, standing, code, says, at, facts)
        return replace(self, answer=answer)


def keep(
    connection: Connection, site: SiteName, events: Iterable[SiteEvent], now: datetime
) -> None:
    """Keep the requests of these events; those that were here before stay as they are."""
    rows: dict[str, dict[str, object]] = {
        event.request.id: {
            "site": site,
            "request": event.request.id,
            "kind": event.subject.kind.value,
            "subject": event.subject.id,
            "action": event.request.action[:24],
            "field": (event.request.field or "")[:100] or None,
            "choice": (event.request.choice or "")[:16] or None,
            "value": [event.request.value],
            "seen": event.request.seen[:64],
            "asked_by": f"{event.request.by} (user {event.user} of {site})"[:120],
            "received_at": now,
            "facts": {},
        }
        for event in events
        if event.request is not None
    }
    if rows:
        statement = insert(connection, asked).on_conflict_do_nothing()
        connection.execute(statement, list(rows.values()))


def list_open(connection: Connection, site: SiteName) -> list[Asked]:
    """What is not begun or still under way, oldest first."""
    unfinished = or_(asked.c.standing.is_(None), asked.c.standing == Standing.WORKING.value)
    query = select(asked).where(asked.c.site == site, unfinished)
    query = query.order_by(asked.c.received_at, asked.c.request)
    return [_asked(row) for row in connection.execute(query).mappings()]


def any_open(connection: Connection, site: SiteName) -> bool:
    """Whether anything is unfinished, or not told yet."""
    unfinished = or_(
        asked.c.standing.is_(None), asked.c.standing == Standing.WORKING.value, asked.c.told == ""
    )
    query = select(asked.c.request).where(asked.c.site == site, unfinished)
    return connection.execute(query.limit(1)).first() is not None


def begin(connection: Connection, one: Asked, now: datetime) -> bool:
    """Take a request up. False: another process was faster."""
    row = _row_of(one, asked.c.begun_at.is_(None)).values(begun_at=now)
    return bool(connection.execute(row).rowcount == 1)


def set_run(connection: Connection, one: Asked, run_id: str) -> None:
    """The run under which the request's work stands."""
    connection.execute(_row_of(one).values(run_id=run_id))


def answer(connection: Connection, one: Asked) -> None:
    """Keep what has become of a request; where that is news, the site is told."""
    said = one.answer
    if said is not None:
        values = {
            "standing": said.standing.value,
            "code": said.code,
            "says": said.says,
            "facts": dict(said.facts),
            "answered_at": said.at,
        }
        mark = "" if one.told != _mark(said) else one.told
        connection.execute(_row_of(one).values(**values, told=mark))


def list_untold(connection: Connection, site: SiteName, limit: int) -> list[RequestAnswer]:
    """Answers that the site does not have yet, oldest first."""
    query = select(asked).where(
        asked.c.site == site, asked.c.standing.is_not(None), asked.c.told == ""
    )
    rows = connection.execute(query.order_by(asked.c.answered_at).limit(limit)).mappings()
    return [one.answer for row in rows if (one := _asked(row)).answer is not None]


def told(connection: Connection, site: SiteName, answers: Iterable[RequestAnswer]) -> None:
    """The site has these."""
    for each in answers:
        row = update(asked).where(
            asked.c.site == site,
            asked.c.request == each.request,
            asked.c.standing == each.standing.value,
            asked.c.says == each.says,
        )
        connection.execute(row.values(told=_mark(each)))


def open_in_run(connection: Connection, run_id: str) -> bool:
    """Whether a request of this run is still under way."""
    query = select(asked.c.request).where(
        asked.c.run_id == run_id,
        or_(asked.c.standing.is_(None), asked.c.standing == Standing.WORKING.value),
    )
    return connection.execute(query.limit(1)).first() is not None


def of_run(connection: Connection, run_id: str) -> list[Asked]:
    query = select(asked).where(asked.c.run_id == run_id)
    return [_asked(row) for row in connection.execute(query).mappings()]


def prune(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(asked).where(asked.c.received_at < before)).rowcount


def _row_of(one: Asked, *more: Any) -> Any:
    return update(asked).where(asked.c.site == one.site, asked.c.request == one.request, *more)


def _mark(said: RequestAnswer) -> str:
    return hash_value([said.standing.value, said.code, said.says, {**said.facts}])


def _asked(row: Mapping[Any, Any]) -> Asked:
    said = None
    if row["standing"] is not None:
        standing = Standing(row["standing"])
        said = RequestAnswer(
            row["request"], standing, row["code"], row["says"], row["answered_at"], row["facts"]
        )
    return Asked(
        site=SiteName(row["site"]),
        request=row["request"],
        subject=Subject(SubjectKind(row["kind"]), row["subject"]),
        action=row["action"],
        field=row["field"] and FieldName(row["field"]),
        choice=row["choice"],
        value=row["value"][0],
        seen=row["seen"],
        asked_by=row["asked_by"],
        received_at=row["received_at"],
        begun_at=row["begun_at"],
        run_id=row["run_id"],
        answer=said,
        told=row["told"],
    )
