"""What editors asked, carried out: begun once, followed to its end, answered in words.

A request is a mark like any other (a due row, a hold, a ruling, a field taken over), so that the
usual road does the work, and a restart loses nothing. What cannot be done is answered, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.editors import rulings
from connector.errors import ConnectorError, blaming
from connector.model import FieldName, JsonValue, Lane, ProductId, Subject, SubjectKind
from connector.ports import Clock
from connector.ports_panel import Action, Panel, Standing
from connector.preview import Preview
from connector.state import asked, conflicts, holds, journal, mirror, parking, runs, taken, todo
from connector.state.asked import Asked
from connector.state.database import Database
from connector.state.parking import Parked
from connector.state.runs import Step
from connector.state.taken import TakenField
from connector.state.targets import site_target, suspensions_now
from connector.state.todo import Due, Priority, Why
from connector.sync.edits import Choice
from connector.sync.owners import Owner, takes
from connector.target import Target
from connector.work.suspend import may_call

LANES = (Lane.CONTENT, Lane.OFFERS)
LONGEST = 300
ANSWERS_PER_REQUEST = 200
BROKEN_OFF = timedelta(minutes=2)
"""A look that has not come back for so long was lost with the process that took it."""
KINDS = {
    Action.RESYNC: "resync",
    Action.TAKE_OVER: "take over",
    Action.GIVE_BACK: "give back",
    Action.RESOLVE: "conflict",
}
"""The kinds of the runs under which the work of a request stands."""


@dataclass(slots=True)
class Runs:
    """The runs begun in one pass: what one person asks at once stands under one run."""

    by: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, connection: Connection, one: Asked, kind: str, now: datetime) -> str:
        key = (one.asked_by, kind)
        if key not in self.by:
            self.by[key] = runs.start_run(connection, kind, one.site, one.asked_by, now)
        return self.by[key]


class EditorRequests:
    """The requests of one site's editors."""

    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._wake = wake

    def work(self) -> bool:
        """Begin what is new, and see how far the rest is. Answers whether anything changed."""
        with self._database.read() as connection:
            found = asked.list_open(connection, self._target.name)
        fresh = [one for one in found if one.begun_at is None]
        previews = [one for one in fresh if one.action == Action.PREVIEW]
        begun = self._begin([one for one in fresh if one.action != Action.PREVIEW])
        for one in previews:
            self._preview(one)
        under_way = [one for one in found if one.begun_at is not None]
        return self._follow(under_way) or begun or bool(previews)

    def answer(self) -> int:
        """Tell the site what has become of requests. Answers of how many."""
        site = self._target.site
        with self._database.read() as connection:
            news = asked.list_untold(connection, self._target.name, ANSWERS_PER_REQUEST)
            held = suspensions_now(connection).get(site_target(self._target.name))
        if not news or not isinstance(site, Panel) or not may_call(held, self._clock.now()):
            return 0
        with blaming(site_target(self._target.name)):
            site.answer_requests(news)
        with self._database.write() as connection:
            asked.told(connection, self._target.name, news)
        return len(news)

    # ---- begin ----

    def _begin(self, fresh: Sequence[Asked]) -> bool:
        if not fresh:
            return False
        now, shared = self._clock.now(), Runs()
        with self._database.write() as connection:
            for one in fresh:
                if asked.begin(connection, one, now):
                    self._begin_one(connection, replace(one, begun_at=now), shared, now)
        self._wake()
        return True

    def _begin_one(self, connection: Connection, one: Asked, shared: Runs, now: datetime) -> None:
        refused = self._refusal(connection, one)
        if refused is not None:
            code, says = refused
            self._settle(connection, one.answered(Standing.REFUSED, code, says, now))
            return
        action = Action(one.action)
        run_id = shared.of(connection, one, KINDS[action], now)
        asked.set_run(connection, one, run_id)
        one = replace(one, run_id=run_id)
        runs.record(connection, [self._step(one, f"{_words(one)} asked by {one.asked_by}", now)])
        match action:
            case Action.RESYNC:
                for lane in LANES:
                    mirror.distrust(connection, one.site, lane, one.subject)
                self._mark(connection, one, LANES, now)
            case Action.TAKE_OVER:
                self._take_over(connection, one, now)
            case Action.GIVE_BACK:
                self._give_back(connection, one, now)
            case Action.RESOLVE:
                self._resolve(connection, one, now)
        if action is not Action.TAKE_OVER:
            waits = one.answered(Standing.WORKING, "working", "It is being done.", now)
            asked.answer(connection, waits)

    def _take_over(self, connection: Connection, one: Asked, now: datetime) -> None:
        name = _field(one)
        row = TakenField(one.site, one.subject, name, one.asked_by, one.run_id or "", now)
        taken.take(connection, row)
        holds.end_holds(connection, one.site, [(one.subject, name)])
        conflicts.close(connection, one.site, {one.subject: [name]})
        says = f"{name} is yours on this page, until you give it back."
        self._settle(connection, one.answered(Standing.DONE, "taken", says, now))

    def _give_back(self, connection: Connection, one: Asked, now: datetime) -> None:
        name = _field(one)
        if taken.give_back(connection, one.site, one.subject, name, now):
            mirror.unsend(connection, one.site, one.subject, [name])
        else:
            held = holds.load_holds(connection, one.site, [one.subject])
            holds.release(connection, held[one.subject][name])
        self._mark(connection, one, (Lane.CONTENT,), now)

    def _resolve(self, connection: Connection, one: Asked, now: datetime) -> None:
        rulings.decide(
            connection,
            self._conflicts(connection, one),
            Choice(one.choice or ""),
            value=one.value,
            asked_by=one.asked_by,
            now=now,
            run_id=one.run_id,
        )

    def _mark(
        self, connection: Connection, one: Asked, lanes: Sequence[Lane], now: datetime
    ) -> None:
        why = Why(one.trace_id, f"{_words(one)} by {one.asked_by}", one.run_id)
        due = [Due(one.site, lane, one.subject) for lane in lanes]
        todo.mark(connection, due, priority=Priority.PERSON, now=now, why=why)

    # ---- what cannot be done ----

    def _refusal(self, connection: Connection, one: Asked) -> tuple[str, str] | None:
        """Why a request cannot be done: a code and a sentence. None: it can."""
        if one.action not in KINDS:
            return "unknown_action", f"The connector does not know how to {one.action}; update it."
        bound = mirror.load_bindings(connection, one.site, [one.subject]).get(one.subject)
        if bound is None or one.subject.kind is not SubjectKind.PRODUCT:
            return "unknown_product", "This page shows no product that the connector knows."
        match Action(one.action):
            case Action.TAKE_OVER:
                return self._cannot_take(connection, one)
            case Action.GIVE_BACK:
                return self._cannot_return(connection, one)
            case Action.RESOLVE:
                return self._cannot_resolve(connection, one)
            case _:
                return None

    def _cannot_take(self, connection: Connection, one: Asked) -> tuple[str, str] | None:
        name = one.field
        if name is None or not takes(name):
            return "fixed", "Nobody can take this field over: shoppers buy by it."
        own = taken.load_taken(connection, one.site, [one.subject]).get(one.subject, {})
        if name in own and own[name].owner is Owner.EDITOR:
            return "already_taken", f"{own[name].taken_by} has taken it over already."
        if self._target.rules.owner(name) is Owner.EDITOR:
            return "already_editors", "This field is the editors' already, on every page."
        return None

    def _cannot_return(self, connection: Connection, one: Asked) -> tuple[str, str] | None:
        own = taken.load_taken(connection, one.site, [one.subject]).get(one.subject, {})
        held = holds.load_holds(connection, one.site, [one.subject]).get(one.subject, {})
        if one.field is None or (one.field not in own and one.field not in held):
            return "not_taken", "Nobody has taken this field over: there is nothing to give back."
        return None

    def _cannot_resolve(self, connection: Connection, one: Asked) -> tuple[str, str] | None:
        rows = self._conflicts(connection, one)
        if not rows:
            return "no_conflict", "This is decided already, or no longer in conflict."
        if rulings.mark_of(rows[0]) != one.seen:
            return "moved_on", "It was changed again since you saw it; look at it once more."
        if one.choice not in set(Choice):
            return "unknown_action", "Say whose value holds."
        if one.choice == Choice.VALUE and not rulings.fits(rows[0], one.value):
            return "wrong_kind", f"This is no value that {one.field} can have."
        return None

    def _conflicts(self, connection: Connection, one: Asked) -> list[conflicts.OpenConflict]:
        open_here = conflicts.list_conflicts(connection, site=one.site, subject=one.subject)
        return [row for row in open_here if row.field == one.field]

    # ---- look without touching ----

    def _preview(self, one: Asked) -> None:
        now = self._clock.now()
        with self._database.write() as connection:
            if not asked.begin(connection, one, now):
                return
        preview = Preview(self._database, self._target, self._clock)
        try:
            found = list(preview.of([ProductId(one.subject.id)], frozenset()))
        except ConnectorError as error:
            done = one.answered(Standing.FAILED, "unavailable", error.message, now)
        else:
            changes: list[JsonValue] = [_short(each) for what in found for each in what.changes]
            says = f"{len(changes)} changes would be made." if changes else "Nothing would change."
            done = one.answered(Standing.DONE, "previewed", says, now, changes)
        with self._database.write() as connection:
            asked.answer(connection, done)

    # ---- follow ----

    def _follow(self, under_way: Sequence[Asked]) -> bool:
        """See how far these are; of what was begun and never answered, begin again."""
        now, changed = self._clock.now(), False
        if not under_way:
            return False
        with self._database.read() as connection:
            stuck: dict[Subject, list[Parked]] = {}
            for row in parking.list_parked(connection, site=self._target.name):
                stuck.setdefault(row.subject, []).append(row)
            ends = [
                (one, self._end(connection, one, stuck.get(one.subject, ()), now))
                for one in under_way
            ]
        ended = [(one, end) for one, end in ends if end is not None]
        if not ended:
            return False
        with self._database.write() as connection:
            for _, end in ended:
                self._settle(connection, end)
                changed = True
        return changed

    def _end(
        self, connection: Connection, one: Asked, stuck: Iterable[Parked], now: datetime
    ) -> Asked | None:
        """The request with its answer, where there is a new one."""
        if one.begun_at is None:
            return None
        if one.action not in KINDS:
            says = "It was broken off; ask once more."
            over = now - one.begun_at > BROKEN_OFF
            return one.answered(Standing.FAILED, "unavailable", says, now) if over else None
        since = one.begun_at
        for parked in stuck:
            if parked.last_at >= since and parked.lane in LANES:
                return one.answered(Standing.FAILED, "parked", parked.reason, now)
        rows = todo.rows_of(connection, one.site, one.subject)
        waits = [row for row in rows if row.lane in LANES and row.first_marked_at <= since]
        if waits:
            return _still(one, next((row.error for row in waits if row.error), None), now)
        return self._done(connection, one, now)

    def _done(self, connection: Connection, one: Asked, now: datetime) -> Asked:
        if one.action == Action.RESOLVE:
            return self._resolved(connection, one, now)
        if one.action == Action.GIVE_BACK:
            says = f"{one.field} is the shop's again."
            return one.answered(Standing.DONE, "given_back", says, now)
        changes = self._changes(connection, one)
        if not changes:
            says = "Held against the shop: everything was as it should be."
            return one.answered(Standing.DONE, "unchanged", says, now)
        says = f"Brought up to date: {len(changes)} changes."
        return one.answered(Standing.DONE, "synced", says, now, changes)

    def _resolved(self, connection: Connection, one: Asked, now: datetime) -> Asked:
        if self._conflicts(connection, one):
            says = "It was changed again meanwhile; look at it once more."
            return one.answered(Standing.FAILED, "moved_on", says, now)
        return one.answered(Standing.DONE, "resolved", "It is on the page as you decided.", now)

    def _changes(self, connection: Connection, one: Asked) -> list[JsonValue]:
        """What the page did not hold before."""
        found: list[JsonValue] = []
        for entry in journal.of_run(connection, one.run_id or "", one.subject):
            if entry.site == one.site:
                found += [
                    _short({"what": str(name), "before": before.value})
                    for name, before in sorted((entry.before or {}).items())
                    if name in entry.after and entry.after[name] != before.hash
                ]
        steps = runs.story(connection, self._target.backend, one.subject, 20)
        for step in steps:
            if step.site == one.site and one.begun_at and step.at >= one.begun_at:
                offers = step.facts.get("changes", ())
                found += [
                    _short({name: each[name] for name in ("what", "sku", "before", "after")})
                    for each in offers
                ]
        return found

    def _settle(self, connection: Connection, one: Asked) -> None:
        """Keep an answer, and end the run with its last request."""
        asked.answer(connection, one)
        said = one.answer
        if said is None or said.standing is Standing.WORKING:
            return
        runs.record(connection, [self._step(one, f"answered: {said.says}", said.at)])
        if one.run_id is not None and not asked.open_in_run(connection, one.run_id):
            rows = asked.of_run(connection, one.run_id)
            bad = sum(r.answer is not None and r.answer.standing is Standing.FAILED for r in rows)
            counts = {"products": len({row.subject for row in rows}), "failed": bad}
            runs.end_run(
                connection,
                one.run_id,
                outcome="parked" if bad else "done",
                counts=counts,
                message=said.says if len(rows) == 1 else f"{len(rows)} asked for, {bad} failed",
                now=said.at,
            )

    def _step(self, one: Asked, message: str, now: datetime) -> Step:
        return Step(
            at=now,
            trace_id=one.trace_id,
            backend=self._target.backend,
            subject=one.subject,
            step="asked",
            message=message,
            site=one.site,
            facts={"request": one.request, "run": one.run_id},
        )


def _still(one: Asked, error: str | None, now: datetime) -> Asked | None:
    """Tell once more where there is something to tell."""
    if not error or (one.answer is not None and one.answer.says == error):
        return None
    return one.answered(Standing.WORKING, "retrying", error, now)


def _words(one: Asked) -> str:
    kind = one.action.replace("_", " ")
    return f"{kind} of {one.field}" if one.field else kind


def _field(one: Asked) -> FieldName:
    assert one.field is not None
    return one.field


def _short(change: Mapping[str, JsonValue]) -> JsonValue:
    """A change as editors see it: long texts are cut."""
    return {name: _cut(value) for name, value in change.items()}


def _cut(value: JsonValue) -> JsonValue:
    return value[:LONGEST] + "…" if isinstance(value, str) and len(value) > LONGEST else value
