"""What every work engine must keep, whatever the state is on and however many processes work.

A witness stands where deliveries stand: it notes what it is given, asserts that nobody else has the
same row in hand, and answers as the test wants. The time is the real one. ENGINE_JOBS says how many
jobs the long test does.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import pytest

from connector.clock import SystemClock
from connector.errors import ConnectorError, Rejected, TargetDown, TryAgain
from connector.model import BackendName, Lane, SiteName, Subject, SubjectKind
from connector.receipts import Receipts
from connector.state import leases, parking, targets, todo
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.todo import Due, Priority, Why
from connector.sync.decide import Nothing
from connector.work.embedded import Line
from connector.work.engine import Engine
from connector.work.retry import RetryPolicy

JOBS = int(os.environ.get("ENGINE_JOBS", "2000"))
SITE, OTHER = SiteName("blog"), SiteName("store")
BACKEND = BackendName("shop")
BOTH = (Lane.OFFERS, Lane.CONTENT)
SOON = RetryPolicy(first_seconds=0.05, factor=1, max_seconds=0.05, park_after=4)
PATIENCE_SECONDS = 60.0
"""Ends a hopeless wait; nothing is measured by it."""
_clock = SystemClock()

Key = tuple[SiteName, Lane, Subject]


class EngineBench(Protocol):
    """One state, and engines on it."""

    @property
    def database(self) -> Database: ...

    def engine(self, lines: Sequence[Line]) -> Engine:
        """One more engine on the state, not yet started; as in a process of its own."""


class SharedEngineBench(EngineBench, Protocol):
    """A state that several engines may work on at once."""

    def lose_jobs(self) -> None:
        """Throw away whatever the engines keep beside todo."""


@dataclass(slots=True)
class Witness:
    """Implements work.embedded.Handler for one site: sees every batch, and answers for it."""

    database: Database
    site: SiteName = SITE
    seconds: float = 0.0
    """How long each batch takes."""
    errors: dict[Subject, list[Exception]] = field(default_factory=dict)
    """What goes wrong with a subject, try after try; after that it goes well."""
    down: list[ConnectorError] = field(default_factory=list)
    """What the whole site answers, batch after batch."""
    versions: dict[Subject, int] = field(default_factory=dict)
    """The truth: what each subject is now."""
    batches: list[list[Claimed]] = field(default_factory=list)
    written: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """Of each row the fence and the version that the site has."""
    overlaps: list[Key] = field(default_factory=list)
    stale: list[Key] = field(default_factory=list)
    probes: int = 0
    _in_hand: set[Key] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _open: threading.Event = field(default_factory=threading.Event)
    _entered: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._open.set()

    # ---- as the engine sees it ----

    def deliver(self, claims: Sequence[Claimed]) -> None:
        keys = [_key(claim) for claim in claims]
        with self._guard:
            self.batches.append(list(claims))
            self.overlaps += [key for key in keys if key in self._in_hand]
            self._in_hand.update(keys)
            fetched = {claim.subject: self.versions.get(claim.subject, 0) for claim in claims}
        self._entered.set()
        try:
            self._open.wait(PATIENCE_SECONDS)
            time.sleep(self.seconds)
            refused, wrong = self._work(claims, fetched)
        finally:
            with self._guard:
                self._in_hand.difference_update(keys)
        # Only now: as soon as a receipt is kept, another may take the same row.
        if refused is not None:
            self._receipts().give_back(claims, refused)
            raise refused
        for claim, error in wrong.items():
            self._receipts().fail([claim], error)
        done = [claim for claim in claims if claim not in wrong]
        self._receipts().settle([(claim, Nothing("done")) for claim in done])

    def crashed(self, claims: Sequence[Claimed], error: Exception) -> None:
        self._receipts().fail(claims, ConnectorError(f"crashed: {error}"))

    def probe(self, target: str) -> None:
        self.probes += 1

    def _work(
        self, claims: Sequence[Claimed], fetched: dict[Subject, int]
    ) -> tuple[ConnectorError | None, dict[Claimed, ConnectorError]]:
        """Write what goes well. Answers what the whole site says, and what is wrong with some."""
        with self._guard:
            refused = self.down.pop(0) if self.down else None
        if refused is not None:
            return refused, {}
        wrong: dict[Claimed, ConnectorError] = {}
        for claim in claims:
            error = self._next_error(claim.subject)
            if isinstance(error, ConnectorError):
                wrong[claim] = error
            elif error is not None:
                raise error
        for claim in claims:
            if claim not in wrong:
                self._write(_key(claim), claim.fence, fetched[claim.subject])
        return None, wrong

    def _next_error(self, subject: Subject) -> Exception | None:
        with self._guard:
            waiting = self.errors.get(subject)
            return waiting.pop(0) if waiting else None

    def _write(self, key: Key, fence: int, version: int) -> None:
        with self._guard:
            if fence < self.written.get(key, (0, 0))[0]:
                self.stale.append(key)
            else:
                self.written[key] = (fence, version)

    def _receipts(self) -> Receipts:
        return Receipts(self.database, BACKEND, self.site, _clock, SOON, lambda: 0.5)

    # ---- as the test sees it ----

    def changed(self, subject: Subject) -> None:
        with self._guard:
            self.versions[subject] = self.versions.get(subject, 0) + 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Batches stop inside until the end of the block."""
        self._open.clear()
        self._entered.clear()
        try:
            yield
        finally:
            self._open.set()

    def wait_inside(self) -> None:
        """Wait until a batch has stopped."""
        assert self._entered.wait(PATIENCE_SECONDS), "no batch came"

    def tries(self) -> Counter[Subject]:
        return Counter(claim.subject for batch in self.batches for claim in batch)

    def order(self) -> list[Subject]:
        return [claim.subject for batch in self.batches for claim in batch]


def _key(claim: Claimed) -> Key:
    return claim.site, claim.lane, claim.subject


def products(count: int, first: int = 1) -> list[Subject]:
    return [
        Subject(SubjectKind.PRODUCT, f"p{number:05d}") for number in range(first, first + count)
    ]


def mark(
    database: Database,
    subjects: Sequence[Subject],
    priority: Priority = Priority.SIGNAL,
    lane: Lane = Lane.CONTENT,
    site: SiteName = SITE,
) -> None:
    """As a webhook does it."""
    with database.write() as connection:
        due = [Due(site, lane, subject) for subject in subjects]
        todo.mark(connection, due, priority=priority, now=_clock.now(), why=Why("t", "test"))


def lines_of(witness: Witness, batch: int = 20, places: int = 2) -> list[Line]:
    """As compose.py makes them: one for urgent offers, some for everything."""
    urgent = Line(
        witness.site, BACKEND, (Lane.OFFERS,), batch, witness, Priority.BULK, name="urgent"
    )
    return [urgent, *[Line(witness.site, BACKEND, BOTH, batch, witness)] * places]


def one_line(witness: Witness, batch: int = 20) -> list[Line]:
    return [Line(witness.site, BACKEND, BOTH, batch, witness)]


def until(true: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < ends, f"waited in vain until {what}"
        time.sleep(0.01)


def settled(database: Database) -> bool:
    with database.read() as connection:
        return todo.waiting(connection) == 0


def parked(database: Database) -> dict[Subject, parking.Parked]:
    with database.read() as connection:
        return {row.subject: row for row in parking.list_parked(connection)}


def suspensions(database: Database) -> dict[str, targets.Suspension]:
    with database.read() as connection:
        return targets.suspensions_now(connection)


def _failures(database: Database) -> list[int]:
    return [each.failures for each in suspensions(database).values()]


@contextmanager
def working(*engines: Engine) -> Iterator[None]:
    for engine in engines:
        engine.start()
    try:
        yield
    finally:
        for engine in engines:
            engine.stop()


class EngineConformance:
    """Promises of one engine on a state."""

    @pytest.fixture
    def bench(self) -> EngineBench:
        raise NotImplementedError("override the bench fixture")

    def test_every_row_is_done_and_none_is_in_two_hands(self, bench: EngineBench) -> None:
        """Rows are marked again and again, by several threads, while they are worked off."""
        witness = Witness(bench.database, seconds=0.001)
        engine = bench.engine(lines_of(witness))
        with working(engine):
            _storm(bench.database, witness, engine, JOBS)
            until(lambda: settled(bench.database), "all is done")
        assert_sound(witness)
        assert len(witness.written) == JOBS // 2 * 2

    def test_a_row_marked_while_in_hand_is_done_again_with_what_is_true_then(
        self, bench: EngineBench
    ) -> None:
        witness = Witness(bench.database)
        (subject,) = products(1)
        engine = bench.engine(lines_of(witness))
        with working(engine):
            with witness.held():
                witness.changed(subject)
                mark(bench.database, [subject])
                engine.wake()
                witness.wait_inside()
                for _ in range(200):
                    witness.changed(subject)
                    mark(bench.database, [subject])
                    engine.wake()
            until(lambda: settled(bench.database), "all is done")
        assert [witness.tries()[subject], witness.overlaps] == [2, []]
        assert witness.written[SITE, Lane.CONTENT, subject][1] == 201

    def test_what_is_more_urgent_goes_first(self, bench: EngineBench) -> None:
        witness = Witness(bench.database)
        slow, fast = products(100), products(5, first=900)
        engine = bench.engine(one_line(witness, batch=10))
        with working(engine):
            with witness.held():
                mark(bench.database, slow, Priority.BULK)
                engine.wake()
                witness.wait_inside()
                mark(bench.database, fast, Priority.SIGNAL)
                engine.wake()
            until(lambda: settled(bench.database), "all is done")
        assert witness.order()[10:15] == fast
        assert sorted(witness.order()) == sorted([*slow, *fast])

    def test_urgent_offers_do_not_wait_for_pages(self, bench: EngineBench) -> None:
        pages, offers = products(100), products(3, first=900)
        busy, free = Witness(bench.database), Witness(bench.database)
        urgent = Line(SITE, BACKEND, (Lane.OFFERS,), 10, free, Priority.BULK, name="urgent")
        engine = bench.engine([urgent, *one_line(busy)])
        with working(engine), busy.held():
            mark(bench.database, pages, Priority.BULK)
            engine.wake()
            busy.wait_inside()
            mark(bench.database, offers, Priority.SIGNAL, Lane.OFFERS)
            engine.wake()
            until(lambda: sorted(free.tries()) == offers, "offers overtook")

    def test_one_that_fails_is_tried_again_and_holds_up_no_other(self, bench: EngineBench) -> None:
        witness = Witness(bench.database)
        subjects = products(30)
        witness.errors[subjects[7]] = [TryAgain("busy"), TryAgain("busy still")]
        witness.errors[subjects[8]] = [ValueError("a bug")]
        engine = bench.engine(one_line(witness, batch=1))
        mark(bench.database, subjects)
        with working(engine):
            until(lambda: settled(bench.database), "all is done")
        tries = dict.fromkeys(subjects, 1) | {subjects[7]: 3, subjects[8]: 2}
        assert witness.tries() == tries
        assert parked(bench.database) == {}

    def test_what_cannot_go_through_is_parked_and_can_be_replayed(self, bench: EngineBench) -> None:
        witness = Witness(bench.database)
        good, broken, stubborn = products(3)
        witness.errors[broken] = [Rejected("its price is not a number")]
        witness.errors[stubborn] = [TryAgain("busy")] * SOON.park_after
        engine = bench.engine(lines_of(witness))
        with working(engine):
            mark(bench.database, [good, broken, stubborn])
            engine.wake()
            until(lambda: settled(bench.database), "all is done or parked")
            found = parked(bench.database)
            assert {subject: row.reason for subject, row in found.items()} == {
                broken: "its price is not a number",
                stubborn: "busy",
            }
            assert witness.tries()[stubborn] == SOON.park_after
            for _ in range(2):
                mark(bench.database, list(found), Priority.PERSON)
                engine.wake()
                until(lambda: settled(bench.database), "all is done")
        assert parked(bench.database) == {}
        assert {key[2] for key in witness.written} == {good, broken, stubborn}

    def test_a_site_that_is_down_is_left_alone_and_holds_up_no_other(
        self, bench: EngineBench
    ) -> None:
        down, well = Witness(bench.database), Witness(bench.database, OTHER)
        down.down.append(TargetDown("maintenance", retry_after_seconds=1.5))
        engine = bench.engine([*one_line(down), *one_line(well)])
        subjects = products(10)
        for site in (SITE, OTHER):
            mark(bench.database, subjects, site=site)
        with working(engine):
            until(lambda: len(well.written) == 10, "the other site is done")
            until(lambda: settled(bench.database), "the site came back")
            until(lambda: not suspensions(bench.database), "it counts as well again")
        first, second = down.batches[0][0].claimed_at, down.batches[1][0].claimed_at
        assert second - first >= timedelta(seconds=1.5)
        assert (down.probes, well.probes) == (1, 0)

    def test_a_site_that_only_seems_well_is_left_alone_longer_and_longer(
        self, bench: EngineBench
    ) -> None:
        """Its check succeeds while every write fails."""
        witness = Witness(bench.database)
        witness.down.extend(TargetDown("read-only") for _ in range(2))
        mark(bench.database, products(1))
        with working(bench.engine(one_line(witness))):
            until(lambda: len(witness.batches) == 2, "it was tried again")
            until(lambda: _failures(bench.database) == [2], "and is left alone for longer")
        assert witness.probes == 1

    def test_what_is_due_later_waits(self, bench: EngineBench) -> None:
        witness = Witness(bench.database)
        (subject,) = products(1)
        due_at = _clock.now() + timedelta(seconds=1)
        with working(bench.engine(one_line(witness))):
            with bench.database.write() as connection:
                todo.mark(
                    connection,
                    [Due(SITE, Lane.CONTENT, subject)],
                    priority=Priority.SIGNAL,
                    now=_clock.now(),
                    why=Why("t", "test"),
                    due_at=due_at,
                )
            until(lambda: settled(bench.database), "it is done")
        assert witness.batches[0][0].claimed_at >= due_at - timedelta(milliseconds=1)

    def test_stopping_lets_what_is_in_hand_finish_and_the_next_goes_on(
        self, bench: EngineBench
    ) -> None:
        witness = Witness(bench.database, seconds=0.02)
        subjects = products(300)
        mark(bench.database, subjects)
        first = bench.engine(lines_of(witness, batch=5))
        with working(first):
            until(lambda: bool(witness.batches), "it works")
            assert first.alive()
            assert first.stop()
        done = len(witness.batches)
        with bench.database.read() as connection:
            assert leases.lease_owners(connection) == frozenset()
        with working(bench.engine(lines_of(witness, batch=5))):
            until(lambda: settled(bench.database), "all is done")
        assert len(witness.batches) > done
        assert set(witness.tries().values()) == {1}


class SharedEngineConformance(EngineConformance):
    """What more an engine promises that works in several processes at once."""

    def test_two_work_and_no_row_is_in_two_hands(self, bench: SharedEngineBench) -> None:
        witness = Witness(bench.database, seconds=0.001)
        engines = [bench.engine(lines_of(witness)) for _ in range(2)]
        with working(*engines):
            _storm(bench.database, witness, engines[0], JOBS)
            until(lambda: settled(bench.database), "all is done")
        assert_sound(witness)

    def test_both_of_two_take_part(self, bench: SharedEngineBench) -> None:
        one, other = (Witness(bench.database, seconds=0.05) for _ in range(2))
        engines = [bench.engine(lines_of(each, batch=5)) for each in (one, other)]
        subjects = products(400)
        mark(bench.database, subjects)
        with working(*engines):
            until(lambda: settled(bench.database), "all is done")
        assert sorted([*one.order(), *other.order()]) == subjects
        assert min(len(one.batches), len(other.batches)) >= 10

    def test_one_leads_and_when_it_ends_the_other_does(self, bench: SharedEngineBench) -> None:
        first, second = (bench.engine(one_line(Witness(bench.database))) for _ in range(2))
        with working(first):
            until(first.leads, "the first leads")
            with working(second):
                time.sleep(1.5)
                assert (first.leads(), second.leads()) == (True, False)
                first.stop()
                assert not first.leads()
                until(second.leads, "the other leads")

    def test_lost_jobs_lose_no_work(self, bench: SharedEngineBench) -> None:
        witness = Witness(bench.database, seconds=0.02)
        with working(bench.engine(lines_of(witness, batch=5))):
            mark(bench.database, products(300))
            until(lambda: len(witness.batches) > 5, "it works")
            bench.lose_jobs()
            mark(bench.database, products(300, first=301))
            bench.lose_jobs()
            until(lambda: settled(bench.database), "all is done")
        assert {key[2] for key in witness.written} == set(products(600))

    def test_rows_of_a_daemon_that_is_gone_are_taken_over(self, bench: SharedEngineBench) -> None:
        witness = Witness(bench.database)
        mark(bench.database, products(3))
        with bench.database.write() as connection:
            late = leases.claim(
                connection,
                SITE,
                lanes=BOTH,
                limit=10,
                now=_clock.now(),
                lease_seconds=3600,
                owner="job 999999",
            )
        with working(bench.engine(one_line(witness))):
            until(lambda: settled(bench.database), "all is done")
        assert sorted(witness.tries()) == products(3)
        with bench.database.write() as connection:
            assert leases.still_held(connection, late) == frozenset()


def _storm(database: Database, witness: Witness, engine: Engine, jobs: int) -> None:
    """Marks so many rows, and as many times some of them again, from four threads at once."""
    subjects = products(jobs // 2)

    def marker(seed: int) -> None:
        dice = random.Random(seed)
        mine = subjects[seed::4]
        for subject in mine:
            witness.changed(subject)
        for lane in BOTH:
            mark(database, mine, Priority.BULK, lane)
        for _ in range(jobs // 40):
            for subject in (some := dice.sample(subjects, 10)):
                witness.changed(subject)
            mark(database, some, dice.choice(list(Priority)), dice.choice(BOTH))
            engine.wake()

    threads = [threading.Thread(target=marker, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def assert_sound(witness: Witness) -> None:
    """Nothing twice at a time, nothing late, and of each row the last claim is what stands."""
    assert (witness.overlaps, witness.stale) == ([], [])
    last: dict[Key, int] = {}
    for batch in witness.batches:
        for claim in batch:
            assert claim.fence > last.get(_key(claim), 0), "fences rise"
            last[_key(claim)] = claim.fence
    assert {key: fence for key, (fence, _) in witness.written.items()} == last
    newest: dict[Subject, int] = {}
    for (_, _, subject), (_, version) in witness.written.items():
        newest[subject] = max(version, newest.get(subject, 0))
    assert newest == witness.versions
