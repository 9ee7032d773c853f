"""`connector undo RUN`: put back what a run replaced, and hold it against the next sync.

Plan first: each field of each page that the run wrote is put back unless somebody else has written
it since, an editor or a later run of ours. What the plan says becomes holds (a wanted state, like
everything else here), pages are made due, and the usual road writes them; the site itself refuses
where an editor was faster than the plan. Offers are not undone: the backend is their truth. Nor is
what a backend has taken back from editors, which is told (`beyond`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from connector.errors import Rejected
from connector.model import FieldHash, FieldName, Lane, SiteName, Subject
from connector.ports import Before, Clock
from connector.state import holds, journal, mirror, runs, todo, words
from connector.state.database import Database
from connector.state.holds import HeldField
from connector.state.journal import Action, Entry
from connector.state.mirror import Binding, MirrorRow
from connector.state.todo import Due, Priority, Why
from connector.state.words import WrittenBack
from connector.sync.diff import ABSENT, LIVE, PAGE, PRESENT, RETIRED, FieldMirror, Hold
from connector.sync.merge import Unknown

_CHUNK = 500


class Fate(StrEnum):
    """What becomes of one field of one page."""

    RESTORE = "restore"
    WRITTEN_SINCE = "written since"
    """A later run of ours wrote it: that one is to be undone first."""
    EDITED = "edited"
    """An editor has changed it, and is right."""
    UNKNOWN = "unknown"
    """The site did not say what stood there before."""
    SAME = "same"
    """It stands there already."""
    WAITING = "waiting"
    """It is held, and the site has not confirmed it yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One field of one page, and what becomes of it."""

    site: SiteName
    subject: Subject
    field: FieldName
    """PAGE for the page itself: off sale where the run made it, on sale where it retired it."""
    fate: Fate
    hold: Hold | None = None
    wanted: FieldHash = FieldHash("")  # noqa: RUF009 - a text


@dataclass(slots=True)
class Written:
    """One page as a run wrote it: what stood there first, and what the run left."""

    made: bool = False
    retired: bool = False
    before: dict[FieldName, Before] = field(default_factory=dict)
    after: dict[FieldName, FieldHash] = field(default_factory=dict)
    again: set[FieldName] = field(default_factory=set)
    """Fields that the run wrote more than once: somebody may have written between."""

    def add(self, entry: Entry) -> None:
        """The next write of the same run."""
        self.made = self.made or entry.action is Action.MADE
        self.retired = entry.action is Action.RETIRED
        self.again |= self.after.keys() & entry.after.keys()
        for name, before in (entry.before or {}).items():
            self.before.setdefault(name, before)
        self.after |= entry.after


def plan(connection: Connection, run_id: str) -> list[Step]:
    """What undoing a run would do. Raises Rejected for a run that wrote no page."""
    pages: dict[tuple[SiteName, Subject], Written] = {}
    for entry in journal.of_run(connection, run_id):
        pages.setdefault((entry.site, entry.subject), Written()).add(entry)
    if not pages:
        raise Rejected(
            f"run {run_id} wrote no page that is still in the journal; `connector runs` lists those"
            " that did"
        )
    return [step for part in _chunks(sorted(pages)) for step in _plan(connection, part, pages)]


def _chunks(
    keys: Sequence[tuple[SiteName, Subject]],
) -> Iterator[Sequence[tuple[SiteName, Subject]]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]


def _plan(
    connection: Connection,
    keys: Sequence[tuple[SiteName, Subject]],
    pages: Mapping[tuple[SiteName, Subject], Written],
) -> Iterator[Step]:
    for site in dict.fromkeys(site for site, _ in keys):
        subjects = [subject for each, subject in keys if each == site]
        rows = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
        bound = mirror.load_bindings(connection, site, subjects)
        for subject in subjects:
            written = pages[site, subject]
            yield from steps(site, subject, written, rows.get(subject), bound.get(subject))


def steps(
    site: SiteName,
    subject: Subject,
    written: Written,
    row: MirrorRow | None,
    binding: Binding | None,
) -> list[Step]:
    """What undoing one page means, as things stand now. Pure."""
    retired = binding is not None and binding.retired_at is not None
    if written.made:
        hold = Hold(RETIRED, PRESENT, FieldHash(""))
        fate = Fate.SAME if retired or binding is None else Fate.RESTORE
        return [Step(site, subject, PAGE, fate, hold if fate is Fate.RESTORE else None)]
    found: list[Step] = []
    if written.retired and retired:
        found.append(Step(site, subject, PAGE, Fate.RESTORE, Hold(LIVE, ABSENT, FieldHash(""))))
    known = row.fields if row else {}
    for name, after in sorted(written.after.items()):
        before, now = written.before.get(name), known.get(name)
        fate = _fate(after, before, now, once=name not in written.again)
        found.append(_step(site, subject, name, fate, after, before, now))
    return found


def _step(
    site: SiteName,
    subject: Subject,
    name: FieldName,
    fate: Fate,
    after: FieldHash,
    before: Before | None,
    now: FieldMirror | None,
) -> Step:
    if fate is not Fate.RESTORE or before is None or now is None:
        return Step(site, subject, name, fate)
    hold = Hold(before.value, against=now.sent, expected=after)
    return Step(site, subject, name, fate, hold, before.hash)


def _fate(after: FieldHash, before: Before | None, now: FieldMirror | None, *, once: bool) -> Fate:
    """`once`: the run wrote the field a single time, so that nobody's words came between.

    Only then is taken apart what it joined with an editor's words (kept, with no hash): what stood
    before it is theirs. Whether anybody wrote since, the site knows by what the run left.
    """
    if before is None:
        return Fate.UNKNOWN
    if now is not None and now.kept and (now.stored or not once):
        return Fate.EDITED
    if now is None or (now.stored != after and not now.kept):
        return Fate.WRITTEN_SINCE
    return Fate.SAME if before.hash == after else Fate.RESTORE


def beyond(connection: Connection, chosen: Sequence[Step]) -> list[WrittenBack]:
    """What of these fields the backend has taken back from editors: no undo takes that from it."""
    found: list[WrittenBack] = []
    for site in dict.fromkeys(step.site for step in chosen):
        names = {(step.subject, step.field) for step in chosen if step.site == site}
        subjects = sorted({subject for subject, _ in names})
        for subject, fields in words.load(connection, site, subjects).items():
            taken = {n: each for n, each in fields.items() if not isinstance(each.value, Unknown)}
            found += [each for name, each in taken.items() if (subject, name) in names]
    return sorted(found, key=lambda each: (each.site, each.subject, each.field))


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of an undo."""

    restored: int
    """Fields and pages that are as they were before the run."""
    altered: tuple[HeldField, ...]
    """Restored, but the site stored them otherwise than they had stood there."""
    left: tuple[Step, ...]
    """Not put back, each with its reason."""

    def sentence(self) -> str:
        text = f"{self.restored} fields and pages put back and held"
        if self.left:
            text += f", {len(self.left)} left as they are"
        return text + (f", {len(self.altered)} stored otherwise" if self.altered else "")


def begin(
    database: Database, clock: Clock, run_id: str, asked_by: str, chosen: Sequence[Step]
) -> str:
    """Hold what the plan restores and make it due. Answers the id of the undo's own run."""
    now = clock.now()
    restore = [step for step in chosen if step.hold is not None]
    sites = {step.site for step in restore}
    with database.write() as connection:
        site = next(iter(sites)) if len(sites) == 1 else None
        undo_id = runs.start_run(connection, "undo", site, asked_by, now)
        holds.hold(connection, [_held(step, undo_id, asked_by, now) for step in restore])
        due = {
            Due(step.site, lane, step.subject)
            for step in restore
            for lane in ((Lane.CONTENT, Lane.OFFERS) if step.field == PAGE else (Lane.CONTENT,))
        }
        why = Why(undo_id, f"undo of run {run_id} asked by {asked_by}", undo_id)
        todo.mark(connection, due, priority=Priority.PERSON, now=now, why=why)
    return undo_id


def _held(step: Step, undo_id: str, asked_by: str, now: datetime) -> HeldField:
    assert step.hold is not None
    return HeldField(
        step.site, step.subject, step.field, step.hold, undo_id, asked_by, now, step.wanted
    )


def outcome(connection: Connection, undo_id: str, chosen: Sequence[Step]) -> Undone:
    """What came of it, once its due rows are worked off."""
    held = holds.list_holds(connection, run_id=undo_id)
    waiting = {(h.site, h.subject, h.field) for h in held if not h.hold.restored}
    confirmed = {(h.site, h.subject, h.field): h for h in held if h.hold.restored}
    stored = {
        (each.site, each.subject): row
        for each in confirmed.values()
        for row in mirror.load_mirror(connection, each.site, Lane.CONTENT, [each.subject]).values()
    }
    left = [
        step if step.hold is None else replace(step, fate=_unconfirmed(step, waiting), hold=None)
        for step in chosen
        if step.fate is not Fate.SAME and (step.site, step.subject, step.field) not in confirmed
    ]
    altered = [h for key, h in confirmed.items() if _altered(h, stored.get((key[0], key[1])))]
    return Undone(len(confirmed), tuple(altered), tuple(left))


def _unconfirmed(step: Step, waiting: Collection[tuple[SiteName, Subject, FieldName]]) -> Fate:
    """A hold that the site refused because of an edit is gone; any other one still counts."""
    key = (step.site, step.subject, step.field)
    return Fate.WAITING if key in waiting else Fate.EDITED


def _altered(held: HeldField, row: MirrorRow | None) -> bool:
    now = row.fields.get(held.field) if row else None
    if now is None or now.kept or not held.wanted:
        return False
    return now.stored != held.wanted
