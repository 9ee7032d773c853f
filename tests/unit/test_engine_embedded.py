"""The embedded engine keeps what every engine promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.clock import SystemClock
from connector.state.database import Database, open_database
from connector.testing.conformance.engine import EngineConformance
from connector.work.embedded import Line
from connector.work.engine import Engine, engine_for


@dataclass(frozen=True, slots=True)
class SqliteBench:
    database: Database

    def engine(self, lines: Sequence[Line]) -> Engine:
        return engine_for(self.database, SystemClock(), lines, 120)


class TestEmbeddedEngine(EngineConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[SqliteBench]:
        database = open_database(f"sqlite:///{tmp_path}/state.db")
        yield SqliteBench(database)
        database.close()
