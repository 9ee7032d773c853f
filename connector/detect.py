"""How work is learned of: webhooks, polls, sweeps, scheduled prices, and people. All of them only
mark subjects as due; each commits what it marked together with its cursor, inbox row or sighting.

Fetches no product and writes to no site. One `Detector` serves one backend and its sites.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from connector.errors import ConnectorError, Rejected, blaming
from connector.model import BackendName, Lane, ProductId, SiteName, Subject, SubjectKind
from connector.ports import Catalogue, Clock, Signal, WebhookEvent
from connector.state import runs, signals, todo
from connector.state.database import Database
from connector.state.runs import Step
from connector.state.targets import backend_target
from connector.state.todo import Due, Priority, Why

EVERY_LANE = frozenset({Lane.OFFERS, Lane.CONTENT})
SENDER_PATIENCE_SECONDS = 5.0
"""A webhook's sender waits no longer for the state; it is told to come again."""
POLL = "poll"
IMPORT = "import"
"""The kind of the run that fills a new site."""


@dataclass(slots=True)
class Detector:
    """Marks what may have changed at one backend, for each of its sites."""

    database: Database
    backend: BackendName
    catalogue: Catalogue
    sites: Sequence[SiteName]
    clock: Clock
    wake: Callable[[], None] = field(default=lambda: None)

    # ---- signals ----

    def receive(self, headers: Mapping[str, str], body: bytes) -> bool:
        """A webhook. False: it was received before. Raises BadSignature; marks nothing then."""
        now = self.clock.now()
        event = self.catalogue.webhook(headers, body, now)
        with self.database.write(SENDER_PATIENCE_SECONDS) as connection:
            fresh = signals.receive(connection, self.backend, event, now)
            if fresh:
                self._note(connection, event.signals, _why_webhook(event), now)
        if fresh:
            self.wake()
        return fresh

    def poll(self, run_id: str | None = None) -> int:
        """What changed since the last poll. Answers how many signals there were.

        `run_id`: of the run that asks; None: nobody does, it is time. A backend that no longer
        knows our cursor (put back from a backup, made anew) is looked at as a whole.
        """
        with self.database.read() as connection:
            cursor = signals.read_cursor(connection, self.backend, POLL)
        count = self._look(cursor, run_id)
        with self.database.write() as connection:
            signals.move_cursor(
                connection, self.backend, signals.LOOKED, str(count), self.clock.now()
            )
        return count

    def _look(self, cursor: str | None, run_id: str | None) -> int:
        with blaming(backend_target(self.backend)):
            try:
                return self._follow(cursor, run_id)
            except Rejected:
                if cursor is None:
                    raise
                return self._begin_anew(run_id)

    def _follow(self, cursor: str | None, run_id: str | None) -> int:
        count = 0
        for page in self.catalogue.changes(cursor):
            now = self.clock.now()
            with self.database.write() as connection:
                why = Why(runs.new_id(now), f"poll of {self.backend}", run_id)
                self._note(connection, page.signals, why, now)
                signals.move_cursor(connection, self.backend, POLL, page.cursor, now)
            count += len(page.signals)
            if page.signals:
                self.wake()
        return count

    def _begin_anew(self, run_id: str | None) -> int:
        """The new cursor is taken, and proved, before everything is marked."""
        (first,) = self.catalogue.changes(None)
        next(iter(self.catalogue.changes(first.cursor)), None)
        now = self.clock.now()
        why = Why(runs.new_id(now), f"{self.backend} no longer knows our cursor", run_id)
        count = self.mark_all(self.sites, EVERY_LANE, Priority.BULK, why)
        with self.database.write() as connection:
            signals.move_cursor(connection, self.backend, POLL, first.cursor, now)
        return count

    def sweep(self, name: str, run_id: str | None = None) -> int:
        """Compare what the cursor cannot show with the last sweep. Answers how many were marked.

        The first sweep of all is the baseline and marks nothing: the reconcile that proves the
        first import looks at everything after it.
        """
        with self.database.read() as connection:
            number = signals.next_round(connection, self.backend, name)
        count = 0
        with blaming(backend_target(self.backend)):
            for page in self.catalogue.sweep(name):
                now = self.clock.now()
                with self.database.write() as connection:
                    changed = signals.compare_sightings(
                        connection, self.backend, name, number, page
                    )
                    found = [Signal(each.subject, each.lanes) for each in changed]
                    why = Why(runs.new_id(now), f"sweep {name} of {self.backend}", run_id)
                    self._note(connection, found if number > 1 else [], why, now)
                count += len(found) if number > 1 else 0
                self.wake()
        return count + self._vanished(name, number, run_id)

    def _vanished(self, name: str, number: int, run_id: str | None) -> int:
        now = self.clock.now()
        with self.database.write() as connection:
            gone = signals.vanished(connection, self.backend, name, number)
            why = Why(runs.new_id(now), f"sweep {name} of {self.backend}", run_id)
            self._note(connection, [Signal(subject) for subject in gone], why, now)
            signals.move_cursor(connection, self.backend, f"sweep:{name}", str(number), now)
        if gone:
            self.wake()
        return len(gone)

    def _note(
        self, connection: Connection, found: Sequence[Signal], why: Why, now: datetime
    ) -> None:
        due = [
            Due(site, lane, signal.subject)
            for signal in found
            for site in self.sites
            for lane in sorted(signal.lanes or lanes_of(signal.subject))
            if lane in lanes_of(signal.subject)
        ]
        todo.mark(connection, due, priority=Priority.SIGNAL, now=now, why=why)
        runs.record(
            connection,
            [
                Step(
                    at=now,
                    trace_id=why.trace_id,
                    backend=self.backend,
                    subject=signal.subject,
                    step="signal",
                    message=f"{why.cause} said that it may have changed",
                    facts={"lanes": sorted(signal.lanes or lanes_of(signal.subject))},
                )
                for signal in found
            ],
        )

    # ---- people and first imports ----

    def mark(
        self,
        subjects: Iterable[Subject],
        sites: Iterable[SiteName],
        lanes: frozenset[Lane],
        priority: Priority,
        why: Why,
    ) -> int:
        """Make these due at these sites."""
        due = [
            Due(site, lane, subject)
            for subject in subjects
            for site in sites
            for lane in sorted((lanes or EVERY_LANE) & lanes_of(subject))
        ]
        with self.database.write() as connection:
            todo.mark(connection, due, priority=priority, now=self.clock.now(), why=why)
        self.wake()
        return len(due)

    def mark_all(
        self, sites: Sequence[SiteName], lanes: frozenset[Lane], priority: Priority, why: Why
    ) -> int:
        """Make every category and product due. Raises Incomplete where the listing breaks off.

        What was marked before that stays marked; nothing is concluded from what was not listed.
        """
        count = 0
        with blaming(backend_target(self.backend)):
            tree = self.catalogue.categories()
            categories = [Subject(SubjectKind.CATEGORY, each.id) for each in tree]
            self.mark(categories, sites, lanes, Priority.TERM, why)
            for page in self.catalogue.ids():
                count += len(page)
                self.mark(products(page), sites, lanes, priority, why)
        return count

    def cursor(self) -> str | None:
        """From where the next poll looks; None: nothing was ever polled."""
        with self.database.read() as connection:
            return signals.read_cursor(connection, self.backend, POLL)

    def new_sites(self) -> list[SiteName]:
        """Sites that have never been filled."""
        with self.database.read() as connection:
            return [
                site
                for site in self.sites
                if signals.read_cursor(connection, self.backend, f"import:{site}") is None
            ]

    def import_new_sites(self) -> list[SiteName]:
        """Make everything due at sites that have never been filled. Answers which those were."""
        fresh = self.new_sites()
        if fresh and self.cursor() is None:
            self.poll()
        for site in fresh:
            with self.database.write() as connection:
                run_id = runs.start_run(connection, IMPORT, site, "connector", self.clock.now())
            why = Why(run_id, "first import", run_id)
            try:
                self.mark_all([site], EVERY_LANE, Priority.BULK, why)
            except ConnectorError as error:
                self._end_import(site, "failed", error.message)
                raise
            self.imported([site])
        return fresh

    def imported(self, sites: Iterable[SiteName]) -> None:
        """Everything has been marked at these sites; they are proved when it is done."""
        self._note_import(sites, "marked")

    def importing(self, idle: Collection[SiteName] = frozenset()) -> bool:
        """Whether a first import is still under way, which nothing should slow down, at any site
        but the idle ones."""
        with self.database.read() as connection:
            return any(self._left(connection, site) for site in self.sites if site not in idle)

    def unproved_sites(self) -> list[SiteName]:
        """Sites whose first import is through and not yet proved."""
        with self.database.read() as connection:
            return [site for site in self.sites if self._left(connection, site) == 0]

    def _left(self, connection: Connection, site: SiteName) -> int | None:
        """How much of what a first import marked is still due, whatever came to be due after it (a
        busy shop always has something); None: it has not begun, or is proved."""
        name = f"import:{site}"
        if signals.read_cursor(connection, self.backend, name) != "marked":
            return None
        marked_at = signals.cursor_times(connection, self.backend)[name]
        return todo.waiting(connection, site=site, marked_by=marked_at)

    def proved(self, site: SiteName) -> None:
        """A reconcile has compared the imported site with the backend."""
        self._note_import([site], "proved")
        self._end_import(site, "done", "imported, and held against the backend")

    def _end_import(self, site: SiteName, outcome: str, message: str) -> None:
        with self.database.write() as connection:
            runs.end_running(connection, IMPORT, site, outcome, message, self.clock.now())

    def _note_import(self, sites: Iterable[SiteName], standing: str) -> None:
        now = self.clock.now()
        with self.database.write() as connection:
            for site in sites:
                signals.move_cursor(connection, self.backend, f"import:{site}", standing, now)


def ring(database: Database, clock: Clock, wake: Callable[[], None]) -> int:
    """Make due the products whose scheduled price starts or ends now."""
    now = clock.now()
    with database.read() as connection:
        moment = signals.next_moment(connection)
    if moment is None or moment > now:
        return 0
    with database.write() as connection:
        come = signals.take_moments(connection, now)
        todo.mark(
            connection,
            [Due(site, Lane.OFFERS, subject) for site, subject in come],
            priority=Priority.SIGNAL,
            now=now,
            why=Why(runs.new_id(now), "a scheduled price"),
        )
    wake()
    return len(come)


def lanes_of(subject: Subject) -> frozenset[Lane]:
    """The lanes that a signal for this subject may concern."""
    if subject.kind is SubjectKind.CATEGORY:
        return frozenset({Lane.CONTENT})
    return EVERY_LANE


def products(ids: Iterable[ProductId]) -> list[Subject]:
    return [Subject(SubjectKind.PRODUCT, identity) for identity in ids]


def _why_webhook(event: WebhookEvent) -> Why:
    return Why(event.id[:64], f"webhook {event.id}")
