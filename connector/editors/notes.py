"""What editors see beside a product in their CMS: its conflicts, who has a field of it otherwise
than usual, why it is parked, and what is long in coming.

Compared with what the site was told last, so that only news is sent, and none is lost when a site
does not answer: it is told at the next look. A product of which there is nothing to say has no
note; what holds for all of them stands in the site's summary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from connector.editors.rulings import mark_of
from connector.errors import blaming
from connector.model import FieldHash, JsonValue, Lane, Subject, SubjectKind, hash_value
from connector.ports import Clock, StatusNote
from connector.state import conflicts, holds, parking, signals, taken, todo
from connector.state.conflicts import OpenConflict
from connector.state.database import Database
from connector.state.holds import HeldField
from connector.state.parking import Parked
from connector.state.taken import TakenField
from connector.state.targets import site_target, suspensions_now
from connector.state.todo import Retrying
from connector.sync.diff import PAGE
from connector.sync.merge import Unknown
from connector.sync.plan import batches
from connector.target import Target
from connector.work.suspend import may_call

Note = Mapping[str, JsonValue]
BYTES_PER_REQUEST = 1_000_000


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
                taken.list_taken(connection, site),
                holds.list_holds(connection, site=site),
                parking.list_parked(connection, site=site),
                todo.retrying(connection, site),
            )
        news = changed(told, wanted)
        if not news or not may_call(held, self._clock.now()):
            return 0
        for batch in batches(news, BYTES_PER_REQUEST, self._weight):
            with blaming(site_target(site)):
                self._target.site.write_status(batch)
            told = _after(told, batch)
            with self._database.write() as connection:
                text = json.dumps({_key(subject): mark for subject, mark in told.items()})
                signals.move_cursor(connection, backend, self._cursor, text, self._clock.now())
        return len(news)

    def _weight(self, note: StatusNote) -> int:
        """In bytes, and so that no more than so many stand in one request."""
        most = self._target.capabilities.documents_per_request
        return max(len(json.dumps({**note.note})), BYTES_PER_REQUEST // most)


def notes_of(
    contested: Sequence[OpenConflict],
    own: Sequence[TakenField],
    held: Sequence[HeldField],
    parked: Sequence[Parked],
    retrying: Sequence[Retrying] = (),
) -> dict[Subject, Note]:
    """What stands beside each product. Pure."""
    notes: dict[Subject, dict[str, JsonValue]] = {}
    theirs = {(each.subject, each.field) for each in own}
    for one in contested:
        if (one.subject, one.field) not in theirs:
            _list(notes, one.subject, "conflicts").append(_conflict(one))
    for hold in held:
        if hold.field != PAGE:
            _fields(notes, hold.subject)[hold.field] = _state("held", hold.asked_by, hold.at)
    for each in own:
        state = "taken" if each.returned_at is None else "returning"
        _fields(notes, each.subject)[each.field] = _state(state, each.taken_by, each.at)
    for row in {(each.subject, each.reason): each for each in reversed(parked)}.values():
        _list(notes, row.subject, "parked").append(_parked(row))
    for late in retrying:
        notes.setdefault(late.subject, {})["waiting"] = {
            "lane": late.lane.value,
            "since": written(late.since),
            "reason": late.error,
        }
    return {s: note for s, note in notes.items() if s.kind is SubjectKind.PRODUCT}


def changed(told: Mapping[Subject, FieldHash], wanted: Mapping[Subject, Note]) -> list[StatusNote]:
    """Notes that the site was not told so, and empty ones where nothing stands any more. Pure."""
    news = [
        StatusNote(subject, note)
        for subject, note in sorted(wanted.items())
        if told.get(subject) != _mark(note)
    ]
    return news + [StatusNote(subject, {}) for subject in sorted(told) if subject not in wanted]


def next_step(row: Parked) -> str:
    """What a person does about something that is parked, in plain words. Pure."""
    if row.error == "SafetyStop":
        return (
            "Ask whoever runs the connector: it stopped so that not too many products leave the"
            " site at once, and waits for a word"
        )
    if row.lane is Lane.WORDS:
        return (
            "Your words stay on this page. Write them into the shop by hand, or ask whoever runs"
            " the shop why it does not take them"
        )
    if row.error == "Rejected":
        return (
            "Correct the product in the shop; it is tried again as soon as it changes there. If"
            " the cause was on this site and is gone, resync now"
        )
    return "Resync now. If it comes back, show this to whoever runs the connector"


def written(moment: datetime) -> str:
    """A moment as sites read it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _conflict(one: OpenConflict) -> dict[str, JsonValue]:
    conflict = one.contested.conflict
    note: dict[str, JsonValue] = {
        "number": one.id,
        "mark": mark_of(one),
        "field": one.field,
        "backend": conflict.backend,
        "site": conflict.site,
        "found_at": written(one.found_at),
        "edited_by": one.edited_by,
        "edited_at": None if one.edited_at is None else written(one.edited_at),
        "decided": None,
    }
    if not isinstance(conflict.base, Unknown):
        note["base"] = conflict.base
    if one.ruling is not None and one.decided_at is not None:
        note["decided"] = {
            "choice": one.ruling.choice.value,
            "by": one.decided_by,
            "at": written(one.decided_at),
        }
    return note


def _parked(row: Parked) -> dict[str, JsonValue]:
    return {
        "lane": row.lane.value,
        "since": written(row.first_at),
        "code": row.error,
        "reason": row.reason,
        "next": next_step(row),
    }


def _state(state: str, by: str, at: datetime) -> dict[str, JsonValue]:
    return {"state": state, "by": by, "at": written(at)}


def _list(
    notes: dict[Subject, dict[str, JsonValue]], subject: Subject, name: str
) -> list[JsonValue]:
    found = notes.setdefault(subject, {}).setdefault(name, [])
    assert isinstance(found, list)
    return found


def _fields(notes: dict[Subject, dict[str, JsonValue]], subject: Subject) -> dict[str, JsonValue]:
    found = notes.setdefault(subject, {}).setdefault("fields", {})
    assert isinstance(found, dict)
    return found


def _after(
    told: Mapping[Subject, FieldHash], batch: Sequence[StatusNote]
) -> dict[Subject, FieldHash]:
    after = {**told, **{each.subject: _mark(each.note) for each in batch}}
    return {subject: mark for subject, mark in after.items() if mark != _mark({})}


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
