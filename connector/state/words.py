"""Words that backends took back from sites: the last of each field, and what stood there before.

What is about to be sent is noted before it goes (`sending`), so that it is known for the page's own
when it comes back, also where no answer ever came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update

from connector.model import FieldHash, FieldName, JsonValue, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.tables import edits, written_back
from connector.sync.merge import UNKNOWN, Unknown

_CHUNK = 500
_NONE = FieldHash("")


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """One field of one page whose words the backend has, or may have."""

    site: SiteName
    subject: Subject
    field: FieldName
    at: datetime
    stored: FieldHash = _NONE
    """The hash of the site's value that was written back."""
    value: JsonValue | Unknown = UNKNOWN
    """What the backend held then; unknown: it has taken nothing yet."""
    before: JsonValue = None
    base: FieldHash = _NONE
    """The hash of what the page had last taken in; "" once it has taken in something later."""
    fence: int = 0
    """Claims of a higher fence have read the backend later."""
    user: str | None = None
    """Who had edited the field last, as the site names them."""
    sent: tuple[JsonValue, ...] = ()
    """What may have reached the backend since."""
    sent_base: FieldHash = _NONE


def sending(
    connection: Connection,
    site: SiteName,
    subject: Subject,
    values: Mapping[FieldName, tuple[JsonValue, FieldHash]],
    now: datetime,
) -> None:
    """These are about to be sent, each with the hash of the page's base."""
    known = load(connection, site, [subject]).get(subject, {})
    rows = []
    for name, (value, base) in values.items():
        old = known.get(name, WrittenBack(site, subject, name, now))
        earlier = old.sent if old.sent_base == base else ()
        sent = (*(each for each in earlier if each != value), value)
        rows.append(_row(old) | {"sent": list(sent), "sent_base": base})
    _save(connection, rows)


def note(connection: Connection, written: Iterable[WrittenBack]) -> None:
    """The backend has these."""
    _save(connection, [_row(each) for each in written])


def _row(each: WrittenBack) -> dict[str, Any]:
    return {
        "site": each.site,
        "kind": each.subject.kind.value,
        "subject": each.subject.id,
        "field": each.field,
        "stored": each.stored,
        "value": [] if isinstance(each.value, Unknown) else [each.value],
        "before": [each.before],
        "base": each.base,
        "sent": list(each.sent),
        "sent_base": each.sent_base,
        "fence": each.fence,
        "user": each.user,
        "at": each.at,
    }


def _save(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        key = ["site", "kind", "subject", "field"]
        statement = insert(connection, written_back)
        news = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=news),
            list(rows),
        )


def load(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, dict[FieldName, WrittenBack]]:
    """What was written back of these subjects' pages at a site."""
    found: dict[Subject, dict[FieldName, WrittenBack]] = {}
    ids = [subject.id for subject in subjects]
    for start in range(0, len(ids), _CHUNK):
        query = select(written_back).where(
            written_back.c.site == site, written_back.c.subject.in_(ids[start : start + _CHUNK])
        )
        for row in connection.execute(query):
            each = WrittenBack(
                site=SiteName(row.site),
                subject=Subject(SubjectKind(row.kind), row.subject),
                field=FieldName(row.field),
                at=row.at,
                stored=FieldHash(row.stored),
                value=row.value[0] if row.value else UNKNOWN,
                before=row.before[0],
                base=FieldHash(row.base),
                fence=row.fence,
                user=row.user,
                sent=tuple(row.sent),
                sent_base=FieldHash(row.sent_base),
            )
            found.setdefault(each.subject, {})[each.field] = each
    return found


def taken_in(
    connection: Connection, site: SiteName, pages: Mapping[Subject, Collection[FieldName]]
) -> None:
    """These fields of pages have taken in what the backend held later."""
    if not pages or connection.execute(select(written_back.c.site).limit(1)).first() is None:
        return
    for subject, names in pages.items():
        done = update(written_back).where(
            written_back.c.site == site,
            written_back.c.kind == subject.kind.value,
            written_back.c.subject == subject.id,
            written_back.c.field.in_(list(names)),
        )
        connection.execute(done.values(base="", sent=[], sent_base=""))


def editors(connection: Connection, site: SiteName, subject: Subject) -> dict[FieldName, str]:
    """Who edited each field of a page last, as the site names them."""
    of_page = and_(
        edits.c.site == site, edits.c.kind == subject.kind.value, edits.c.subject == subject.id
    )
    query = select(edits.c.field, edits.c.user).where(of_page)
    return {FieldName(name): user for name, user in connection.execute(query)}


def prune(connection: Connection, before: datetime) -> int:
    """Forget what was written back before a moment: the pages have it as theirs since."""
    return connection.execute(delete(written_back).where(written_back.c.at < before)).rowcount
