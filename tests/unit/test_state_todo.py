"""Due rows: coalescing, leases, fences; nothing is claimed twice and nothing marked is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.ports import Fence
from connector.state import freshness, leases, parking, targets, todo
from connector.state.database import Database, open_database
from connector.state.leases import Claimed
from connector.state.mirror import MirrorRow, save_mirror
from connector.state.todo import Due, Priority, Why

SITE = SiteName("blog")
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
WHY = Why("trace", "test")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty state on each database that can hold one."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    address: str = request.getfixturevalue("postgres_url")
    return address.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    opened = open_database(state_url, migrate=True)
    yield opened
    opened.close()


def subject(number: int) -> Subject:
    return Subject(SubjectKind.PRODUCT, f"p{number}")


def mark(
    database: Database,
    *numbers: int,
    priority: Priority = Priority.SIGNAL,
    now: datetime = NOW,
    lane: Lane = Lane.OFFERS,
) -> None:
    with database.write() as connection:
        due = [Due(SITE, lane, subject(n)) for n in numbers]
        todo.mark(connection, due, priority=priority, now=now, why=WHY)


def claim(
    database: Database, limit: int = 100, now: datetime = NOW, below: int | None = None
) -> list[Claimed]:
    with database.write() as connection:
        return leases.claim(
            connection,
            SITE,
            lanes=list(Lane),
            limit=limit,
            now=now,
            lease_seconds=60,
            owner="w",
            below=below,
        )


def finish(database: Database, claims: list[Claimed]) -> None:
    with database.write() as connection:
        leases.finish(connection, claims)


def waiting(database: Database) -> int:
    with database.read() as connection:
        return todo.waiting(connection)


def test_marks_coalesce_into_one_row(database: Database) -> None:
    for _ in range(100):
        mark(database, 1)
    (only,) = claim(database)
    assert only.marks == 100
    finish(database, [only])
    assert waiting(database) == 0


def test_the_most_urgent_go_first_and_the_rest_can_be_left_to_others(database: Database) -> None:
    mark(database, 1, priority=Priority.BULK)
    mark(database, 2, priority=Priority.SIGNAL)
    mark(database, 1, priority=Priority.PERSON)
    mark(database, 3, priority=Priority.BULK)
    assert [c.subject.id for c in claim(database, limit=1, below=Priority.BULK)] == ["p2"]
    assert [c.subject.id for c in claim(database, below=Priority.BULK)] == ["p1"]
    assert claim(database, below=Priority.BULK) == []
    assert [c.subject.id for c in claim(database)] == ["p3"]


def test_a_lease_is_made_longer_by_as_much_as_it_was_and_only_for_its_owner(
    database: Database,
) -> None:
    mark(database, 1, 2)
    late, kept = claim(database, limit=1), claim(database, limit=1, now=NOW + timedelta(seconds=30))
    taken_over = claim(database, now=NOW + timedelta(seconds=70))
    assert [each.subject for each in taken_over] == [each.subject for each in late]
    renewed_at = NOW + timedelta(seconds=80)
    with database.write() as connection:
        assert leases.renew(connection, [*late, *kept], renewed_at) == {kept[0].id}
        assert leases.renew(connection, [], renewed_at) == frozenset()
        assert leases.renew(connection, late, renewed_at) == frozenset()
    assert claim(database, now=renewed_at + timedelta(seconds=49)) == []
    again = claim(database, now=renewed_at + timedelta(seconds=59))
    assert [each.subject for each in again] == [each.subject for each in late]
    assert claim(database, now=renewed_at + timedelta(seconds=61))[0].subject == kept[0].subject


def test_a_row_marked_meanwhile_stays_due_and_remembers_since_when(database: Database) -> None:
    mark(database, 1)
    (first,) = claim(database)
    mark(database, 1, now=NOW + timedelta(seconds=5))
    finish(database, [first])
    (again,) = claim(database, now=NOW + timedelta(seconds=6))
    assert again.first_marked_at == NOW
    assert again.fence > first.fence
    finish(database, [again])
    assert waiting(database) == 0


def test_a_lease_runs_out_and_the_late_owner_can_change_nothing(database: Database) -> None:
    mark(database, 1)
    (late,) = claim(database)
    assert claim(database, now=NOW + timedelta(seconds=59)) == []
    (owner,) = claim(database, now=NOW + timedelta(seconds=61))
    with database.write() as connection:
        assert leases.still_held(connection, [late]) == frozenset()
        assert leases.still_held(connection, [owner]) == {owner.id}
        leases.finish(connection, [late])
        leases.release(connection, [late], due_at=NOW, counts=True)
        assert leases.still_held(connection, [owner]) == {owner.id}
    assert waiting(database) == 1
    finish(database, [owner])
    assert waiting(database) == 0


def test_released_work_is_due_later_and_counts_its_attempts(database: Database) -> None:
    mark(database, 1)
    (taken,) = claim(database)
    later = NOW + timedelta(seconds=30)
    with database.write() as connection:
        leases.release(connection, [taken], due_at=later, error="busy", counts=True)
    assert claim(database, now=NOW + timedelta(seconds=29)) == []
    (again,) = claim(database, now=later)
    assert again.attempts == 1
    with database.read() as connection:
        (row,) = todo.rows_of(connection, SITE, subject(1))
    assert (row.error, row.in_flight) == ("busy", True)


def test_parked_work_is_seen_and_comes_back_when_it_is_marked(database: Database) -> None:
    mark(database, 1, 2)
    one, _ = claim(database)
    with database.write() as connection:
        leases.park(connection, one, reason="poison", error="Rejected", now=NOW)
    with database.read() as connection:
        (parked,) = parking.list_parked(connection)
    assert (parked.subject, parked.reason, parked.attempts) == (subject(1), "poison", 1)
    mark(database, 1)
    with database.read() as connection:
        assert parking.list_parked(connection) == []
    assert waiting(database) == 2


def test_at_the_start_of_the_only_daemon_everything_is_free(database: Database) -> None:
    mark(database, 1, 2, 3)
    claim(database)
    with database.write() as connection:
        assert leases.release_all(connection) == 3
    assert len(claim(database)) == 3


def test_eight_workers_never_hold_one_row_at_once_and_lose_none(database: Database) -> None:
    subjects = range(400)
    mark(database, *subjects)
    held: set[str] = set()
    done: Counter[str] = Counter()
    guard = threading.Lock()

    def work(_: int) -> None:
        while claims := claim(database, limit=7):
            ids = [c.subject.id for c in claims]
            with guard:
                assert not held & set(ids)
                held.update(ids)
            with guard:
                held.difference_update(ids)
                done.update(ids)
            finish(database, claims)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    assert done == Counter({f"p{n}": 1 for n in subjects})
    assert waiting(database) == 0


def test_a_subject_named_twice_in_one_mark_is_due_once(database: Database) -> None:
    mark(database, 1, 2, 1, 1)
    claims = claim(database)
    assert {c.subject: c.marks for c in claims} == {subject(1): 3, subject(2): 1}
    finish(database, claims)
    assert waiting(database) == 0


def test_marks_in_any_order_and_work_at_once_never_block_each_other_for_good(
    database: Database,
) -> None:
    """Webhooks, polls and workers touch the same rows in different orders."""
    dice = random.Random(3)
    orders = [dice.sample(range(60), 60) for _ in range(40)]
    stop = threading.Event()

    def signal(order: list[int]) -> None:
        mark(database, *order)

    def work(_: int) -> int:
        done = 0
        while not stop.is_set() or waiting(database):
            claims = claim(database, limit=20)
            with database.write() as connection:
                held = leases.still_held(connection, claims)
                assert len(held) == len(claims)
                leases.finish(connection, claims)
            done += len(claims)
        return done

    with ThreadPoolExecutor(3) as workers, ThreadPoolExecutor(5) as senders:
        working = [workers.submit(work, number) for number in range(3)]
        try:
            list(senders.map(signal, orders))
        finally:
            stop.set()
        assert sum(each.result() for each in working) >= 60
    assert waiting(database) == 0


def test_fences_rise_above_what_a_site_has_seen(database: Database) -> None:
    with database.write() as connection:
        assert not targets.rise_above(connection, Fence(0, 0))
        assert targets.rise_above(connection, Fence(3, 17))
        assert targets.read_epoch(connection) == 4
        assert not targets.rise_above(connection, Fence(3, 99))


def test_freshness_is_the_age_of_the_oldest_unconfirmed_change(database: Database) -> None:
    mark(database, 1, now=NOW)
    mark(database, 2, now=NOW + timedelta(seconds=10))
    with database.read() as connection:
        lanes = {each.lane: each for each in freshness.lane_status(connection, [SITE])}
    assert lanes[Lane.OFFERS].oldest_at == NOW
    assert lanes[Lane.OFFERS].due == 2
    assert lanes[Lane.CONTENT].oldest_at is None
    finish(database, [claim(database)[0]])
    with database.read() as connection:
        lanes = {each.lane: each for each in freshness.lane_status(connection, [SITE])}
    assert lanes[Lane.OFFERS].oldest_at == NOW + timedelta(seconds=10)


def test_what_the_site_has_just_confirmed_rests_while_changes_gather(database: Database) -> None:
    mark(database, 1, 2)
    row = MirrorRow(SITE, Lane.OFFERS, subject(1), {}, "1.1", NOW)
    with database.write() as connection:
        save_mirror(connection, [row])

    def taken(seconds: float) -> list[str]:
        now = NOW + timedelta(seconds=seconds)
        with database.write() as connection:
            claims = leases.claim(
                connection,
                SITE,
                lanes=[Lane.OFFERS],
                limit=5,
                now=now,
                lease_seconds=60,
                owner="w",
                gather_seconds=0.4,
            )
            lanes = [Lane.OFFERS]
            assert not leases.any_due(connection, SITE, lanes, now, gather_seconds=0.4)
        return [each.subject.id for each in claims]

    assert taken(0.3) == ["p2"]
    assert taken(0.401) == ["p1"]


def test_a_confirmation_from_the_future_keeps_nothing_waiting(database: Database) -> None:
    """The clock was set back since."""
    mark(database, 1)
    row = MirrorRow(SITE, Lane.OFFERS, subject(1), {}, "1.1", NOW + timedelta(hours=1))
    with database.write() as connection:
        save_mirror(connection, [row])
        assert leases.any_due(connection, SITE, [Lane.OFFERS], NOW, gather_seconds=0.4)


def test_each_claim_has_the_next_fence_and_other_counters_stay(database: Database) -> None:
    with database.write() as connection:
        epoch, first = targets.read_epoch(connection), leases.next_fence(connection)
        assert leases.next_fence(connection) == first + 1
        assert targets.read_epoch(connection) == epoch
    mark(database, 1)
    assert claim(database)[0].fence == first + 2


def test_nothing_rests_where_nobody_asks_for_it(database: Database) -> None:
    mark(database, 1)
    with database.write() as connection:
        save_mirror(connection, [MirrorRow(SITE, Lane.OFFERS, subject(1), {}, "1.1", NOW)])
        assert leases.any_due(connection, SITE, list(Lane), NOW)
    assert [each.subject.id for each in claim(database)] == ["p1"]


def test_a_lease_that_ends_now_holds_nothing_any_more(database: Database) -> None:
    mark(database, 1)
    claim(database)
    assert claim(database, now=NOW + timedelta(seconds=59)) == []
    assert [each.subject.id for each in claim(database, now=NOW + timedelta(seconds=60))] == ["p1"]


def test_what_was_confirmed_is_certain_though_it_is_due_again(database: Database) -> None:
    mark(database, 1)
    (first,) = claim(database)
    with database.write() as connection:
        leases.doubt(connection, [first])
    mark(database, 1)
    finish(database, [first])
    (again,) = claim(database)
    assert (again.unsure, again.attempts) == (False, 0)


def test_what_is_marked_while_it_is_parked_stays_due_and_free(database: Database) -> None:
    mark(database, 1)
    (first,) = claim(database)
    mark(database, 1)
    with database.write() as connection:
        leases.park(connection, first, reason="bad", error="E", now=NOW)
        assert parking.list_parked(connection) == []
    assert [each.marks for each in claim(database)] == [2]


def test_what_is_parked_names_the_run_that_asked_for_it(database: Database) -> None:
    why = Why("trace", "test", "run-1")
    with database.write() as connection:
        due = [Due(SITE, Lane.OFFERS, subject(number)) for number in (1, 2)]
        todo.mark(connection, due, priority=Priority.BULK, now=NOW, why=why)
    first, second = claim(database)
    with database.write() as connection:
        leases.park(connection, first, reason="bad", error="E", now=NOW)
        leases.park(connection, second, reason="bad", error="E", now=NOW, run_id="run-2")
        rows = {each.subject.id: each.run_id for each in parking.list_parked(connection)}
    assert rows == {"p1": "run-1", "p2": "run-2"}


def test_giving_back_counts_no_attempt_unless_it_failed(database: Database) -> None:
    mark(database, 1)
    (first,) = claim(database)
    with database.write() as connection:
        leases.release(connection, [first], due_at=NOW)
    (again,) = claim(database)
    assert again.attempts == 0
    with database.write() as connection:
        leases.release(connection, [again], due_at=NOW, counts=True)
    assert claim(database)[0].attempts == 1


def test_all_that_the_dead_held_is_freed_however_much_it_is(database: Database) -> None:
    mark(database, *range(1100))
    claim(database, limit=1100)
    with database.write() as connection:
        assert leases.release_owned(connection, []) == 0
        assert leases.release_owned(connection, ["another"]) == 0
        assert leases.release_owned(connection, ["w"]) == 1100
    again = claim(database, limit=1200)
    assert len(again) == 1100
    assert all(each.unsure for each in again)


@pytest.mark.parametrize(
    "state_url", [pytest.param("postgresql", marks=pytest.mark.live)], indirect=True
)
def test_rows_that_another_transaction_is_at_are_left_to_it(database: Database) -> None:
    """SQLite has one writer at a time. To wait here would end with the other's session, in 10 s."""
    mark(database, 1, 2)
    at, _ = claim(database)
    with database.write() as busy:
        assert leases.still_held(busy, [at]) == {at.id}
        with database.write() as connection:
            assert leases.release_owned(connection, ["w"]) == 1
        found = claim(database, now=NOW + timedelta(seconds=61))
    assert [each.subject.id for each in found] == ["p2"]
