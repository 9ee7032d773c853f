"""Fields of single pages that editors took over, until they give them back.

A field given back is the backend's, whatever the configuration says, until its value is written;
then the row goes, and the field has its usual owner again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, tuple_, update

from connector.model import FieldName, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.tables import taken
from connector.sync.owners import Owner

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class TakenField:
    """One field of one page, with who took it over."""

    site: SiteName
    subject: Subject
    field: FieldName
    taken_by: str
    run_id: str
    at: datetime
    returned_at: datetime | None = None

    @property
    def owner(self) -> Owner:
        return Owner.EDITOR if self.returned_at is None else Owner.COMMERCE


Taken = Mapping[FieldName, TakenField]


def owners_of(rows: Taken | None) -> dict[str, Owner]:
    """Who decides these fields of the page, other than usual."""
    return {name: row.owner for name, row in (rows or {}).items()}


def take(connection: Connection, row: TakenField) -> None:
    """Let editors have a field of a page, also one that was just given back."""
    values = {
        "taken_by": row.taken_by,
        "run_id": row.run_id,
        "at": row.at,
        "returned_at": None,
    }
    key = {
        "site": row.site,
        "kind": row.subject.kind.value,
        "subject": row.subject.id,
        "field": row.field,
    }
    statement = insert(connection, taken).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[*key], set_=values))


def give_back(
    connection: Connection, site: SiteName, subject: Subject, field: FieldName, now: datetime
) -> bool:
    """Let the backend have a field again. False: nobody has taken it over."""
    row = update(taken).where(*_of(site, subject), taken.c.field == field)
    return connection.execute(row.values(returned_at=now)).rowcount == 1


def end_returns(
    connection: Connection, site: SiteName, written: Iterable[tuple[Subject, datetime]]
) -> None:
    """Pages that were written, each with the moment from which on its owners were known: what was
    given back before that is done. One cheap look where nothing was."""
    waiting = select(taken.c.field).where(taken.c.site == site, taken.c.returned_at.is_not(None))
    if connection.execute(waiting.limit(1)).first() is None:
        return
    for subject, since in written:
        connection.execute(delete(taken).where(*_of(site, subject), taken.c.returned_at <= since))


def list_taken(connection: Connection, site: SiteName) -> list[TakenField]:
    """What is taken over at a site, oldest first."""
    query = select(taken).where(taken.c.site == site)
    query = query.order_by(taken.c.at, taken.c.subject, taken.c.field)
    return [_taken(row) for row in connection.execute(query).mappings()]


def count_taken(connection: Connection, site: SiteName) -> int:
    query = select(func.count()).where(taken.c.site == site, taken.c.returned_at.is_(None))
    return int(connection.execute(query).scalar_one())


def load_taken(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, dict[FieldName, TakenField]]:
    """What is taken over of these subjects. One cheap look where nothing is."""
    found: dict[Subject, dict[FieldName, TakenField]] = {}
    if connection.execute(select(taken.c.field).where(taken.c.site == site).limit(1)).first():
        keys = [(subject.kind.value, subject.id) for subject in subjects]
        for start in range(0, len(keys), _CHUNK):
            chosen = tuple_(taken.c.kind, taken.c.subject).in_(keys[start : start + _CHUNK])
            query = select(taken).where(taken.c.site == site, chosen)
            for row in connection.execute(query).mappings():
                one = _taken(row)
                found.setdefault(one.subject, {})[one.field] = one
    return found


def _of(site: SiteName, subject: Subject) -> tuple[ColumnElement[bool], ...]:
    return (
        taken.c.site == site,
        taken.c.kind == subject.kind.value,
        taken.c.subject == subject.id,
    )


def _taken(row: Mapping[Any, Any]) -> TakenField:
    return TakenField(
        SiteName(row["site"]),
        Subject(SubjectKind(row["kind"]), row["subject"]),
        FieldName(row["field"]),
        row["taken_by"],
        row["run_id"],
        row["at"],
        row["returned_at"],
    )
