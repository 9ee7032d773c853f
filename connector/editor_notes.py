"""What editors see beside a product in their CMS: its conflicts, what is held, why it is parked.

Compared with what the site was told last, so that only news is sent, and none is lost when a site
does not answer: it is told at the next look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from connector.errors import blaming
from connector.model import FieldHash, JsonValue, Lane, Subject, SubjectKind, hash_value
from connector.ports import Clock, StatusNote
from connector.state import conflicts, freshness, holds, signals, todo
from connector.state.conflicts import OpenConflict
from connector.state.database import Database
from connector.state.freshness import Parked
from connector.state.holds import HeldField
from connector.state.targets import site_target, suspensions_now
from connector.sync.plan import batches
from connector.target import Target
from connector.work.suspend import may_call

LONGEST = 300
Note = Mapping[str, JsonValue]


class EditorNotes:
    """The notes of one site."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._cursor = f"notes:{target.name}"

    def tell(self) -> int:
        """Tell the site what is new. Answers of how many products; 0 where it is left alone."""
        site, backend = self._target.name, self._target.backend
        with self._database.read() as connection:
            held = suspensions_now(connection).get(site_target(site))
            told = _told(signals.read_cursor(connection, backend, self._cursor))
            wanted = notes_of(
                conflicts.list_conflicts(connection, site=site),
                holds.list_holds(connection, site=site),
                freshness.list_parked(connection, site=site),
                todo.waiting_words(connection, site),
            )
        news = changed(told, wanted)
        if not news or not may_call(held, self._clock.now()):
            return 0
        for batch in batches(news, self._target.capabilities.documents_per_request):
            with blaming(site_target(site)):
                self._target.site.write_status(batch)
            told = _after(told, batch)
            with self._database.write() as connection:
                text = json.dumps({_key(subject): mark for subject, mark in told.items()})
                signals.move_cursor(connection, backend, self._cursor, text, self._clock.now())
        return len(news)


def notes_of(
    contested: Sequence[OpenConflict],
    held: Sequence[HeldField],
    parked: Sequence[Parked],
    waiting: Mapping[Subject, str] | None = None,
) -> dict[Subject, Note]:
    """What stands beside each product, for people. Pure."""
    said: dict[Subject, dict[str, list[str]]] = {}
    for one in contested:
        _say(said, one.subject, "In conflict", _conflict(one))
    for hold in held:
        _say(said, hold.subject, "Held", f"{hold.field}, by {hold.asked_by}")
    for row in parked:
        name = "Not in the shop" if row.lane is Lane.WORDS else "Not synced"
        _say(said, row.subject, name, row.reason)
    for subject, error in (waiting or {}).items():
        _say(said, subject, "Not in the shop yet", f"{error}; it is tried again.")
    return {
        subject: {name: " ".join(lines) for name, lines in note.items()}
        for subject, note in said.items()
        if subject.kind is SubjectKind.PRODUCT
    }


def changed(told: Mapping[Subject, FieldHash], wanted: Mapping[Subject, Note]) -> list[StatusNote]:
    """Notes that the site was not told so, and empty ones where nothing stands any more. Pure."""
    news = [
        StatusNote(subject, note)
        for subject, note in sorted(wanted.items())
        if told.get(subject) != _mark(note)
    ]
    return news + [StatusNote(subject, {}) for subject in sorted(told) if subject not in wanted]


def _after(
    told: Mapping[Subject, FieldHash], batch: Sequence[StatusNote]
) -> dict[Subject, FieldHash]:
    after = {**told, **{each.subject: _mark(each.note) for each in batch}}
    return {subject: mark for subject, mark in after.items() if mark != _mark({})}


def _say(said: dict[Subject, dict[str, list[str]]], subject: Subject, name: str, text: str) -> None:
    said.setdefault(subject, {}).setdefault(name, []).append(text)


def _conflict(one: OpenConflict) -> str:
    if one.ruling is not None:
        return f"{one.field}: decided by {one.decided_by}, it is done shortly."
    backend = one.contested.conflict.backend
    text = backend if isinstance(backend, str) else json.dumps(backend, ensure_ascii=False)
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return (
        f"{one.field}: the shop changed it too; the page keeps yours. The shop says: “{short}”."
        " Take that over here to end it, or let an operator decide"
        f" (connector conflicts show {one.id})."
    )


def _mark(note: Note) -> FieldHash:
    return hash_value({**note})


def _told(text: str | None) -> dict[Subject, FieldHash]:
    known = json.loads(text) if text else {}
    return {_subject(key): FieldHash(mark) for key, mark in known.items()}


def _key(subject: Subject) -> str:
    return f"{subject.kind.value} {subject.id}"


def _subject(key: str) -> Subject:
    kind, _, identity = key.partition(" ")
    return Subject(SubjectKind(kind), identity)
