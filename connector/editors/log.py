"""What people do at a site, taken over from its event log: who changed which field, and when.

An edit of a field in conflict makes its page due, so that the conflict follows what the editor
wrote, or ends; so does one made over words of the backend that the editor had not seen. One of a
field that is two-way makes its way back due, as publishing does. What the backend alone decides is
put right: a category deleted, the categories of a page. What editors ask
is kept with the cursor. Beyond that events are only hints: what a page holds is read from the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connector.errors import blaming
from connector.model import Lane, SubjectKind
from connector.ports import Clock, SiteEvent
from connector.state import asked, conflicts, edits, mirror, signals, todo
from connector.state.database import Database
from connector.state.targets import site_target, suspensions_now
from connector.state.todo import Due, Priority, Why
from connector.sync.owners import Owner
from connector.target import Target
from connector.work.suspend import may_call

EDITED, OVERTAKEN, PUBLISHED, DELETED = "edited", "overtaken", "published", "deleted"


class EditLog:
    """The event log of one site."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._cursor = f"events:{target.name}"

    def pull(self) -> int:
        """Take over what is new, and let the site forget it. Answers how many events.

        Nothing is asked of a site that keeps none, or is left alone now.
        """
        with self._database.read() as connection:
            after = signals.read_cursor(connection, self._target.backend, self._cursor) or "0"
            held = suspensions_now(connection).get(site_target(self._target.name))
        if not self._target.capabilities.events or not may_call(held, self._clock.now()):
            return 0
        count = 0
        with blaming(site_target(self._target.name)):
            for page in self._target.site.events(after):
                if page:
                    self._keep(page)
                    after, count = page[-1].id, count + len(page)
            if count:
                self._target.site.acknowledge_events(after)
                self._begin_anew()
        return count

    def _begin_anew(self) -> None:
        """What was told is forgotten there, so that the oldest event kept is a new one, whatever
        its number: a site put back from a backup counts from there, and MySQL before 8, started
        anew with an empty table, from one."""
        with self._database.write() as connection:
            backend, now = self._target.backend, self._clock.now()
            signals.move_cursor(connection, backend, self._cursor, "0", now)

    def _keep(self, page: Sequence[SiteEvent]) -> None:
        """One page in one commit with the cursor behind it."""
        site, now = self._target.name, self._clock.now()
        edited = [
            event
            for event in page
            if event.what in (EDITED, OVERTAKEN) and event.subject.kind is SubjectKind.PRODUCT
        ]
        with self._database.write() as connection:
            edits.record(connection, site, edited)
            asked.keep(connection, site, page, now)
            for event in edited:
                open_here = conflicts.list_conflicts(connection, site=site, subject=event.subject)
                ours = {n for n in event.fields if self._target.rules.owner(n) is Owner.COMMERCE}
                due = ours | ({one.field for one in open_here} & set(event.fields))
                if event.what == OVERTAKEN:
                    due = set(event.fields)
                if due:
                    mirror.unsend(connection, site, event.subject, due)
                    todo.mark(
                        connection,
                        [Due(site, Lane.CONTENT, event.subject)],
                        priority=Priority.SIGNAL,
                        now=now,
                        why=Why(f"{site}-event-{event.id}"[:64], f"edit by user {event.user}"),
                    )
            self._words(connection, page, now)
            self._terms(connection, page, now)
            signals.move_cursor(connection, self._target.backend, self._cursor, page[-1].id, now)

    def _terms(self, connection: Connection, page: Sequence[SiteEvent], now: datetime) -> None:
        """Categories that somebody deleted are the backend's to have: they are made again."""
        site = self._target.name
        for event in page:
            if event.what == DELETED and event.subject.kind is SubjectKind.CATEGORY:
                mirror.forget_mirror(connection, site, [event.subject], [Lane.CONTENT])
                trace = f"{site}-event-{event.id}"[:64]
                todo.mark(
                    connection,
                    [Due(site, Lane.CONTENT, event.subject)],
                    priority=Priority.TERM,
                    now=now,
                    why=Why(trace, f"deleted by user {event.user}"),
                )

    def _words(self, connection: Connection, page: Sequence[SiteEvent], now: datetime) -> None:
        """Make due what editors wrote, or published, of fields that are two-way."""
        rules = self._target.rules
        for event in page if rules.writes_back else ():
            two_way = any(rules.owner(name) is Owner.TWO_WAY for name in event.fields)
            if event.subject.kind is SubjectKind.PRODUCT and (two_way or event.what == PUBLISHED):
                trace = f"{self._target.name}-event-{event.id}"[:64]
                todo.mark(
                    connection,
                    [Due(self._target.name, Lane.WORDS, event.subject)],
                    priority=Priority.SIGNAL,
                    now=now,
                    why=Why(trace, f"{event.what} by user {event.user}"),
                )
