"""Due rows against a plain model: whatever marks, claims, late owners and clocks do."""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.state import leases, parking, tables, todo
from connector.state.database import Database, open_database
from connector.state.leases import Claimed
from connector.state.todo import Due, Priority, Why

SITE = SiteName("blog")
START = datetime(2026, 11, 24, 8, tzinfo=UTC)
LEASE = 60
SUBJECTS = [Subject(SubjectKind.PRODUCT, f"p{number}") for number in range(4)]
KEYS = st.tuples(st.sampled_from(SUBJECTS), st.sampled_from([Lane.OFFERS, Lane.CONTENT]))
Key = tuple[Subject, Lane]


@cache
def _database() -> Database:
    """One for all lives, emptied after each."""
    folder = tempfile.TemporaryDirectory()
    database = open_database(f"sqlite:///{folder.name}/state.db")
    atexit.register(folder.cleanup)
    atexit.register(database.close)
    return database


@dataclass(slots=True)
class Row:
    """One due row, as a person would keep it on paper."""

    priority: int
    due_at: datetime
    first: datetime
    marks: int = 1
    attempts: int = 0
    fence: int = 0
    until: datetime | None = None
    owner: str = ""
    claimed_at: datetime | None = None
    unsure: bool = False
    """Somebody had it in hand and nobody knows what of it reached the site."""

    def free(self, now: datetime) -> bool:
        return self.due_at <= now and (self.until is None or self.until <= now)


class DueRows(RuleBasedStateMachine):
    """Marks, claims, finishes, gives back, parks and lets time pass, in any order."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.database = _database()
        self.now = START
        self.rows: dict[Key, Row] = {}
        self.parked: dict[Key, int] = {}
        self.fence = 0

    def teardown(self) -> None:
        with self.database.write() as connection:
            for table in (tables.todo, tables.parked):
                connection.execute(table.delete())

    @rule(seconds=st.sampled_from([0.001, 1, 30, LEASE, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), priority=st.sampled_from(Priority))
    def mark(self, keys: list[Key], priority: Priority) -> None:
        with self.database.write() as connection:
            due = [Due(SITE, lane, subject) for subject, lane in keys]
            todo.mark(connection, due, priority=priority, now=self.now, why=Why("t", "test"))
        for key in keys:
            self.parked.pop(key, None)
            if row := self.rows.get(key):
                row.marks += 1
                row.priority = min(row.priority, priority)
                row.due_at = min(row.due_at, self.now)
            else:
                self.rows[key] = Row(priority, self.now, self.now)

    @rule(
        target=claims,
        limit=st.integers(1, 3),
        below=st.sampled_from([None, Priority.BULK]),
        lanes=st.sampled_from([[Lane.OFFERS], list(Lane)]),
        owner=st.sampled_from(["w", "v"]),
    )
    def claim(self, limit: int, below: int | None, lanes: list[Lane], owner: str) -> object:
        free = {
            key: row
            for key, row in self.rows.items()
            if row.free(self.now) and key[1] in lanes and (below is None or row.priority < below)
        }
        with self.database.write() as connection:
            assert leases.any_due(connection, SITE, lanes, self.now, below) == bool(free)
            taken = leases.claim(
                connection,
                SITE,
                lanes=lanes,
                limit=limit,
                now=self.now,
                lease_seconds=LEASE,
                owner=owner,
                below=below,
            )
        urgent = sorted(free, key=lambda key: (free[key].priority, free[key].due_at, *key))
        assert {(c.subject, c.lane) for c in taken} == set(urgent[:limit])
        for each in taken:
            self._hold(each, owner)
        return multiple(*taken)

    def _hold(self, claim: Claimed, owner: str) -> None:
        row = self.rows[claim.subject, claim.lane]
        assert claim.fence > self.fence or claim.fence == row.fence or claim.claimed_at == self.now
        assert (claim.marks, claim.attempts) == (row.marks, row.attempts)
        assert (claim.priority, claim.first_marked_at) == (row.priority, row.first)
        row.unsure = row.unsure or row.until is not None
        assert claim.unsure == row.unsure
        row.fence, self.fence = claim.fence, max(claim.fence, self.fence)
        row.owner = owner
        row.until = self.now + timedelta(seconds=LEASE)
        row.claimed_at = self.now

    def _held(self, claim: Claimed) -> Row | None:
        """The row, if the claim still holds it; lease over but not taken is still held."""
        row = self.rows.get((claim.subject, claim.lane))
        return row if row and row.fence == claim.fence and row.until is not None else None

    def _keep_due(self, row: Row) -> None:
        assert row.claimed_at is not None
        row.until, row.attempts, row.first, row.unsure = None, 0, row.claimed_at, False

    @rule(claim=claims)
    def is_held(self, claim: Claimed) -> None:
        with self.database.write() as connection:
            held = claim.id in leases.still_held(connection, [claim])
        assert held == (self._held(claim) is not None)

    @rule(claim=claims)
    def finish(self, claim: Claimed) -> None:
        """Asked by its owner or by a late one; so are the next two."""
        with self.database.write() as connection:
            leases.finish(connection, [claim])
        if row := self._held(claim):
            if row.marks == claim.marks:
                del self.rows[claim.subject, claim.lane]
            else:
                self._keep_due(row)

    @rule(claim=claims, wait=st.sampled_from([0, 5]), counts=st.booleans())
    def release(self, claim: Claimed, wait: int, counts: bool) -> None:
        later = self.now + timedelta(seconds=wait)
        with self.database.write() as connection:
            leases.release(connection, [claim], due_at=later, error="busy", counts=counts)
        if row := self._held(claim):
            row.until, row.due_at = None, later
            row.attempts += counts

    @rule(claim=claims)
    def park(self, claim: Claimed) -> None:
        with self.database.write() as connection:
            leases.park(connection, claim, reason="no", error="Rejected", now=self.now)
        row, key = self._held(claim), (claim.subject, claim.lane)
        if row is None:
            return
        if row.marks == claim.marks:
            del self.rows[key]
            self.parked[key] = self.parked.get(key, 0) + claim.attempts + 1
        else:
            self._keep_due(row)

    @rule()
    def the_daemon_starts_again(self) -> None:
        with self.database.write() as connection:
            freed = leases.release_all(connection)
        assert freed == sum(1 for row in self.rows.values() if row.until is not None)
        for row in self.rows.values():
            row.unsure = row.unsure or row.until is not None
            row.until = None

    @rule(owner=st.sampled_from(["w", "v"]))
    def an_owner_is_gone(self, owner: str) -> None:
        held = {key: row for key, row in self.rows.items() if row.until is not None}
        with self.database.write() as connection:
            assert leases.lease_owners(connection) == {row.owner for row in held.values()}
            freed = leases.release_owned(connection, {owner})
        theirs = [row for row in held.values() if row.owner == owner]
        assert freed == len(theirs)
        for row in theirs:
            row.until, row.unsure = None, True

    @invariant()
    def the_table_is_as_the_model(self) -> None:
        with self.database.read() as connection:
            assert todo.waiting(connection) == len(self.rows)
            parked = {
                (each.subject, each.lane): each.attempts for each in parking.list_parked(connection)
            }
            seen = {
                (subject, row.lane): row
                for subject in SUBJECTS
                for row in todo.rows_of(connection, SITE, subject)
            }
        assert parked == self.parked
        assert {
            key: (row.due_at, row.first_marked_at, row.attempts, row.in_flight)
            for key, row in seen.items()
        } == {
            key: (row.due_at, row.first, row.attempts, row.until is not None)
            for key, row in self.rows.items()
        }


TestDueRows = DueRows.TestCase
TestDueRows.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
