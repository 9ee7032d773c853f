"""Conflicts: fields that both sides changed, with what each had, until a person decides.

One row a field. What a person said stays in it until the page was written so, or until the sides
have moved on and it no longer holds; then the row goes, or tells the new conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, or_, select, update

from connector.model import FieldHash, FieldName, JsonValue, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.tables import conflicts, edits
from connector.sync.edits import Choice, Contested, Ruling
from connector.sync.merge import UNKNOWN, Conflict, Unknown

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """One field of one page that waits for a person, or for what that person said to be done."""

    id: int
    site: SiteName
    subject: Subject
    field: FieldName
    contested: Contested
    found_at: datetime
    cause: str
    """What brought the backend's change: a webhook, a poll, a person."""
    trace_id: str
    ruling: Ruling | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    edited_by: str | None = None
    """Who edited the field last, as the site names them; None: its log has not told."""
    edited_at: datetime | None = None


def record(
    connection: Connection,
    site: SiteName,
    subject: Subject,
    found: Mapping[FieldName, Contested],
    *,
    at: datetime,
    cause: str,
    trace_id: str,
) -> None:
    """Keep these, in place of what was known of the same fields; what was said of that is over.

    One that is known and open stays as it is, whatever its base: it was found once.
    """
    known = list_conflicts(connection, site=site, subject=subject) if found else []
    told = {one.field: _sides(one.contested) for one in known if one.ruling is None}
    rows = [
        {
            "site": site,
            "kind": subject.kind.value,
            "subject": subject.id,
            "field": name,
            "base": [] if isinstance(each.conflict.base, Unknown) else [each.conflict.base],
            "backend": [each.conflict.backend],
            "value": [each.conflict.site],
            "stored": each.site,
            "found_at": at,
            "cause": cause,
            "trace_id": trace_id,
            "choice": None,
            "chosen": None,
            "decided_by": None,
            "decided_at": None,
        }
        for name, each in found.items()
        if told.get(name) != _sides(each)
    ]
    if rows:
        statement = insert(connection, conflicts)
        key = ["site", "kind", "subject", "field"]
        new = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=new),
            rows,
        )


def _sides(contested: Contested) -> tuple[JsonValue, JsonValue, FieldHash]:
    return contested.conflict.backend, contested.conflict.site, contested.site


def close(
    connection: Connection, site: SiteName, over: Mapping[Subject, Iterable[FieldName]]
) -> None:
    """These fields are in no conflict (any more). One cheap look where there are none at all."""
    if not over or connection.execute(select(conflicts.c.id).limit(1)).first() is None:
        return
    for subject, names in over.items():
        connection.execute(
            delete(conflicts).where(
                conflicts.c.site == site,
                conflicts.c.kind == subject.kind.value,
                conflicts.c.subject == subject.id,
                conflicts.c.field.in_(list(names)),
            )
        )


def forget(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, set[FieldName]]:
    """These are off sale: nobody has to decide about them. Answers what was in conflict."""
    found: dict[Subject, set[FieldName]] = {}
    if connection.execute(select(conflicts.c.id).limit(1)).first() is None:
        return found
    for subject in subjects:
        for one in list_conflicts(connection, site=site, subject=subject):
            found.setdefault(subject, set()).add(one.field)
    close(connection, site, found)
    return found


def load_rulings(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, dict[FieldName, Ruling]]:
    """What people said of these subjects' conflicts. One cheap look where nobody did."""
    found: dict[Subject, dict[FieldName, Ruling]] = {}
    said = and_(conflicts.c.site == site, conflicts.c.choice.is_not(None))
    if connection.execute(select(conflicts.c.id).where(said).limit(1)).first() is None:
        return found
    ids = [subject.id for subject in subjects]
    for start in range(0, len(ids), _CHUNK):
        query = select(conflicts).where(said, conflicts.c.subject.in_(ids[start : start + _CHUNK]))
        for row in connection.execute(query).mappings():
            one = _conflict(row)
            if one.ruling is not None:
                found.setdefault(one.subject, {})[one.field] = one.ruling
    return found


def list_conflicts(
    connection: Connection,
    *,
    site: SiteName | None = None,
    subject: Subject | None = None,
    field: str | None = None,
    undecided: bool = False,
) -> list[OpenConflict]:
    """Open conflicts, oldest first. `field` names one language's or, bare, all of them."""
    query = _with_edits().order_by(conflicts.c.found_at, conflicts.c.id)
    if site is not None:
        query = query.where(conflicts.c.site == site)
    if subject is not None:
        query = query.where(
            conflicts.c.kind == subject.kind.value, conflicts.c.subject == subject.id
        )
    if field is not None:
        of_field = or_(conflicts.c.field == field, conflicts.c.field.startswith(f"{field}@"))
        query = query.where(of_field)
    if undecided:
        query = query.where(conflicts.c.choice.is_(None))
    return [_conflict(row) for row in connection.execute(query).mappings()]


def find_conflict(connection: Connection, number: int) -> OpenConflict | None:
    query = _with_edits().where(conflicts.c.id == number)
    row = connection.execute(query).mappings().first()
    return None if row is None else _conflict(row)


def decide(
    connection: Connection,
    chosen: Iterable[OpenConflict],
    choice: Choice,
    *,
    value: JsonValue = None,
    asked_by: str,
    now: datetime,
) -> list[OpenConflict]:
    """Keep what a person said of these. Answers those that are still as that person saw them."""
    decided: list[OpenConflict] = []
    for one in chosen:
        statement = (
            update(conflicts)
            .where(conflicts.c.id == one.id, conflicts.c.found_at == one.found_at)
            .values(choice=choice.value, chosen=[value], decided_by=asked_by, decided_at=now)
        )
        if connection.execute(statement).rowcount:
            decided.append(one)
    return decided


def _conflict(row: Mapping[Any, Any]) -> OpenConflict:
    base = row["base"][0] if row["base"] else UNKNOWN
    (backend,), (value,) = row["backend"], row["value"]
    stored = FieldHash(row["stored"])
    ruling = None
    if row["choice"] is not None:
        ruling = Ruling(Choice(row["choice"]), backend, stored, row["chosen"][0])
    return OpenConflict(
        id=row["id"],
        site=SiteName(row["site"]),
        subject=Subject(SubjectKind(row["kind"]), row["subject"]),
        field=FieldName(row["field"]),
        contested=Contested(Conflict(base, backend, value), stored),
        found_at=row["found_at"],
        cause=row["cause"],
        trace_id=row["trace_id"],
        ruling=ruling,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        edited_by=row.get("edited_by"),
        edited_at=row.get("edited_at"),
    )


def _with_edits() -> Select[Any]:
    same = [edits.c[name] == conflicts.c[name] for name in ("site", "kind", "subject", "field")]
    return select(
        conflicts, edits.c.user.label("edited_by"), edits.c.at.label("edited_at")
    ).select_from(conflicts.outerjoin(edits, and_(*same)))
