"""What writes of content replaced, run by run, so that a run can be undone.

Writes that no person asked for (webhooks, polls, scheduled moments) stand under one run an hour
and site, made when its first page is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, select

from connector.model import FieldHash, FieldName, SiteName, Subject, SubjectKind, hash_value
from connector.ports import Before
from connector.state.database import insert
from connector.state.runs import UNASKED
from connector.state.tables import journal, runs

_PAGE = 500
LONGEST_ID = 40


class Action(StrEnum):
    """What a write did to a page."""

    MADE = "made"
    CHANGED = "changed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Entry:
    """One write of one page."""

    run_id: str
    site: SiteName
    subject: Subject
    at: datetime
    action: Action
    before: Mapping[FieldName, Before] | None = None
    """What each field held; None: the page was not there, or the site could not say."""
    after: Mapping[FieldName, FieldHash] = field(default_factory=dict)


def unasked_run(connection: Connection, site: SiteName, now: datetime) -> str:
    """The run of this hour for what nobody asked for."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    run_id = f"{hour:%Y-%m-%dT%H}-{site}"
    if len(run_id) > LONGEST_ID:
        run_id = f"{run_id[: LONGEST_ID - 9]}-{hash_value(site)[:8]}"
    row = insert(connection, runs).values(
        id=run_id,
        kind=UNASKED,
        site=site,
        asked_by="connector",
        started_at=hour,
        ended_at=None,
        outcome="done",
        counts={},
        message="changes of the backend, as they came",
    )
    connection.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    return run_id


def enter(connection: Connection, entries: Sequence[Entry]) -> None:
    """Keep these, in the transaction of their receipts."""
    if entries:
        connection.execute(journal.insert(), [_row(entry) for entry in entries])


def _row(entry: Entry) -> dict[str, object]:
    before = entry.before
    return {
        "run_id": entry.run_id,
        "site": entry.site,
        "kind": entry.subject.kind.value,
        "subject": entry.subject.id,
        "at": entry.at,
        "action": entry.action.value,
        "before": None if before is None else {n: [b.value, b.hash] for n, b in before.items()},
        "after": dict(entry.after),
    }


def of_run(connection: Connection, run_id: str, subject: Subject | None = None) -> Iterator[Entry]:
    """Everything that a run wrote (of one subject), oldest first."""
    wanted = [journal.c.run_id == run_id]
    if subject is not None:
        wanted += [journal.c.kind == subject.kind.value, journal.c.subject == subject.id]
    last = 0
    while True:
        query = select(journal).where(*wanted, journal.c.id > last)
        rows = connection.execute(query.order_by(journal.c.id).limit(_PAGE)).mappings().all()
        if not rows:
            return
        yield from (_entry(row) for row in rows)
        last = rows[-1]["id"]


def _entry(row: Mapping[Any, Any]) -> Entry:
    before = row["before"]
    return Entry(
        run_id=row["run_id"],
        site=SiteName(row["site"]),
        subject=Subject(SubjectKind(row["kind"]), row["subject"]),
        at=row["at"],
        action=Action(row["action"]),
        before=None
        if before is None
        else {FieldName(n): Before(value, FieldHash(mark)) for n, (value, mark) in before.items()},
        after={FieldName(n): FieldHash(mark) for n, mark in row["after"].items()},
    )


def prune(connection: Connection, before: datetime) -> int:
    """Forget what was written before a moment: it can no longer be undone."""
    return connection.execute(delete(journal).where(journal.c.at < before)).rowcount
