"""The distributed engine, on a real PostgreSQL, keeps what every engine promises, and more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from connector.clock import SystemClock
from connector.state.database import Database, open_database
from connector.testing.conformance.engine import SharedEngineConformance
from connector.work.embedded import Line
from connector.work.engine import Engine, engine_for, prepare_engine


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
