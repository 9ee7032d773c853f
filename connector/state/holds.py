"""Fields that people hold against the backend: by an undo, or by taking a field over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from connector.model import FieldHash, FieldName, Lane, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.mirror import load_mirror, save_mirror
from connector.state.tables import holds
from connector.sync.diff import FieldMirror, Hold

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class HeldField:
    """One hold, with who wanted it."""

    site: SiteName
    subject: Subject
    field: FieldName
    hold: Hold
    run_id: str
    asked_by: str
    at: datetime
    wanted: FieldHash
    """The site's own hash of the value, as it stood there; "" where that is not known."""


def load_holds(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, dict[FieldName, HeldField]]:
    """The holds on these subjects. One cheap look where there are none at all."""
    found: dict[Subject, dict[FieldName, HeldField]] = {}
    if connection.execute(select(holds.c.site).limit(1)).first() is None:
        return found
    for kind in SubjectKind:
        ids = [subject.id for subject in subjects if subject.kind is kind]
        for start in range(0, len(ids), _CHUNK):
            chosen = holds.c.subject.in_(ids[start : start + _CHUNK])
            query = select(holds).where(holds.c.site == site, holds.c.kind == kind.value, chosen)
            for row in connection.execute(query):
                held = _held(row)
                found.setdefault(held.subject, {})[held.field] = held
    return found


def list_holds(
    connection: Connection, *, site: SiteName | None = None, run_id: str | None = None
) -> list[HeldField]:
    """Every hold, of a site, of a run, or all; oldest first."""
    query = select(holds).order_by(holds.c.at, holds.c.subject, holds.c.field)
    if site is not None:
        query = query.where(holds.c.site == site)
    if run_id is not None:
        query = query.where(holds.c.run_id == run_id)
    return [_held(row) for row in connection.execute(query)]


def _held(row: object) -> HeldField:
    r = row._mapping  # type: ignore[attr-defined]
    return HeldField(
        site=SiteName(r["site"]),
        subject=Subject(SubjectKind(r["kind"]), r["subject"]),
        field=FieldName(r["field"]),
        hold=Hold(
            value=r["value"],
            against=FieldHash(r["against"]),
            expected=FieldHash(r["expected"]),
            restored=r["restored_at"] is not None,
        ),
        run_id=r["run_id"],
        asked_by=r["asked_by"],
        at=r["at"],
        wanted=FieldHash(r["wanted"]),
    )


def hold(connection: Connection, held: Iterable[HeldField]) -> None:
    """Make these, in place of older ones on the same fields."""
    rows = [
        {
            "site": each.site,
            "kind": each.subject.kind.value,
            "subject": each.subject.id,
            "field": each.field,
            "value": each.hold.value,
            "against": each.hold.against,
            "expected": each.hold.expected,
            "wanted": each.wanted,
            "restored_at": each.at if each.hold.restored else None,
            "run_id": each.run_id,
            "asked_by": each.asked_by,
            "at": each.at,
        }
        for each in held
    ]
    if rows:
        key = ["site", "kind", "subject", "field"]
        statement = insert(connection, holds)
        new = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=new),
            rows,
        )


def confirm_restored(
    connection: Connection,
    site: SiteName,
    restored: Iterable[tuple[Subject, FieldName]],
    now: datetime,
) -> None:
    """The site holds these values now."""
    keys = _keys(site, restored)
    if keys:
        statement = update(holds).where(*_ONE).values(restored_at=now)
        connection.execute(statement, keys)


def end_holds(
    connection: Connection, site: SiteName, ended: Iterable[tuple[Subject, FieldName]]
) -> None:
    """The backend decides these again."""
    keys = _keys(site, ended)
    if keys:
        connection.execute(delete(holds).where(*_ONE), keys)


_ONE = (
    holds.c.site == bindparam("b_site"),
    holds.c.kind == bindparam("b_kind"),
    holds.c.subject == bindparam("b_subject"),
    holds.c.field == bindparam("b_field"),
)


def _keys(site: SiteName, named: Iterable[tuple[Subject, FieldName]]) -> list[dict[str, str]]:
    return [
        {
            "b_site": site,
            "b_kind": subject.kind.value,
            "b_subject": subject.id,
            "b_field": name,
        }
        for subject, name in sorted(named)
    ]


def release(connection: Connection, held: HeldField) -> None:
    """End a hold because a person says so: the backend's value counts as never sent."""
    end_holds(connection, held.site, [(held.subject, held.field)])
    row = load_mirror(connection, held.site, Lane.CONTENT, [held.subject]).get(held.subject)
    if row is not None and held.field in row.fields:
        known = row.fields[held.field]
        fields = {**row.fields, held.field: FieldMirror(FieldHash(""), known.stored)}
        save_mirror(connection, [replace(row, fields=fields)])
