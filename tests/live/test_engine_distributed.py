"""The distributed engine, on a real PostgreSQL, keeps what every engine promises, and more."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, text

from connector.clock import SystemClock
from connector.model import Lane, Subject, SubjectKind
from connector.state import todo
from connector.state.database import Database, open_database
from connector.state.todo import Due, Priority, Why
from connector.testing.conformance.engine import (
    SITE,
    SharedEngineConformance,
    Witness,
    lines_of,
    settled,
)
from connector.work import jobs
from connector.work.embedded import Line
from connector.work.engine import Engine, engine_for, prepare_engine
from connector.work.jobs import Drain


@dataclass(frozen=True, slots=True)
class PostgresBench:
    url: str
    database: Database
    opened: list[Database]

    def engine(self, lines: Sequence[Line]) -> Engine:
        """Each with connections of its own, as in a process of its own."""
        own = open_database(self.url)
        self.opened.append(own)
        return engine_for(own, SystemClock(), lines, 120)

    def marking(self) -> Database:
        """The state as a process sees it that marks, and does not work."""
        self.engine(lines_of(Witness(self.database)))
        return self.opened[-1]

    def jobs(self) -> list[tuple[str, str, int, dict[str, object]]]:
        """What waits: queue, lock, priority and arguments."""
        query = "SELECT queue_name, lock, priority, args FROM procrastinate_jobs ORDER BY lock"
        with self.database.read() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(text(query))]

    def lose_jobs(self) -> None:
        with self.database.write() as connection:
            connection.execute(text("TRUNCATE procrastinate_jobs CASCADE"))


@pytest.fixture
def state_url(postgres_url: str) -> str:
    return postgres_url.replace("postgresql://", "postgresql+psycopg://")


class TestDistributedEngine(SharedEngineConformance):
    @pytest.fixture
    def bench(self, state_url: str) -> Iterator[PostgresBench]:
        database = open_database(state_url, migrate=True)
        prepare_engine(database)
        bench = PostgresBench(state_url, database, [])
        yield bench
        for each in (*bench.opened, database):
            each.close()

    # ---- jobs beside marks ----

    def test_a_mark_and_its_job_are_committed_together_or_not_at_all(
        self, bench: PostgresBench
    ) -> None:
        database = bench.marking()
        with pytest.raises(ZeroDivisionError):
            _mark_and_fail(database)
        assert (bench.jobs(), settled(database)) == ([], True)
        with database.write() as connection:
            _mark(connection, Lane.OFFERS)
            _mark(connection, Lane.CONTENT)
        assert bench.jobs() == [
            ("urgent", "blog/urgent/0", 10, {"site": "blog", "group": "urgent", "shard": 0}),
            ("worker", "blog/worker/0", 0, {"site": "blog", "group": "worker", "shard": 0}),
        ]

    def test_marking_again_adds_no_job(self, bench: PostgresBench) -> None:
        database = bench.marking()
        for _ in range(3):
            with database.write() as connection:
                _mark(connection, Lane.CONTENT)
        assert len(bench.jobs()) == 1

    def test_a_job_that_waits_already_does_not_end_the_transaction(
        self, bench: PostgresBench
    ) -> None:
        drain = Drain(SITE, "worker")
        with bench.database.write() as connection:
            assert jobs.defer(connection, drain, 0)
            assert not jobs.defer(connection, drain, 0)
            _mark(connection, Lane.CONTENT)
        assert (len(bench.jobs()), settled(bench.database)) == (1, False)

    def test_a_queue_that_is_gone_loses_no_mark(self, bench: PostgresBench) -> None:
        database = bench.marking()
        with database.write() as connection:
            connection.execute(text("DROP FUNCTION procrastinate_defer_jobs_v1"))
        with database.write() as connection:
            _mark(connection, Lane.CONTENT)
        assert (bench.jobs(), settled(database)) == ([], False)

    def test_two_that_mark_at_once_wait_for_each_other_and_make_one_job(
        self, bench: PostgresBench
    ) -> None:
        database = bench.marking()
        together = threading.Barrier(8)

        def marker(number: int) -> None:
            together.wait()
            for turn in range(10):
                with database.write() as connection:
                    _mark(connection, Lane.OFFERS, f"p{number}-{turn}")
                    _mark(connection, Lane.CONTENT, f"p{turn}-{number}")

        threads = [threading.Thread(target=marker, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [job[0] for job in bench.jobs()] == ["urgent", "worker"]
        with database.read() as connection:
            assert todo.waiting(connection) == 160


def _mark_and_fail(database: Database) -> None:
    with database.write() as connection:
        _mark(connection, Lane.OFFERS)
        raise ZeroDivisionError


def _mark(connection: Connection, lane: Lane, product: str = "p1") -> None:
    due = [Due(SITE, lane, Subject(SubjectKind.PRODUCT, product))]
    now = SystemClock().now()
    todo.mark(connection, due, priority=Priority.SIGNAL, now=now, why=Why("t", "test"))
