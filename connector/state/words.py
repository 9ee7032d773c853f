"""Words that backends took back from sites: the last of each field, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select

from connector.model import FieldHash, FieldName, JsonValue, SiteName, Subject, SubjectKind
from connector.state.database import insert
from connector.state.tables import edits, written_back

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """One field of one page whose words the backend has."""

    site: SiteName
    subject: Subject
    field: FieldName
    stored: FieldHash
    """The hash of the site's value that was written back."""
    value: JsonValue
    """What the backend held then."""
    before: JsonValue
    fence: int
    """Claims of a higher fence have read the backend later."""
    at: datetime
    user: str | None = None
    """Who had edited the field last, as the site names them."""


def note(connection: Connection, written: Iterable[WrittenBack]) -> None:
    """Keep these, in place of older ones of the same fields."""
    rows = [
        {
            "site": each.site,
            "kind": each.subject.kind.value,
            "subject": each.subject.id,
            "field": each.field,
            "stored": each.stored,
            "value": [each.value],
            "before": [each.before],
            "fence": each.fence,
            "user": each.user,
            "at": each.at,
        }
        for each in written
    ]
    if rows:
        key = ["site", "kind", "subject", "field"]
        statement = insert(connection, written_back)
        news = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=news),
            rows,
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
                SiteName(row.site),
                Subject(SubjectKind(row.kind), row.subject),
                FieldName(row.field),
                FieldHash(row.stored),
                row.value[0],
                row.before[0],
                row.fence,
                row.at,
                row.user,
            )
            found.setdefault(each.subject, {})[each.field] = each
    return found


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
