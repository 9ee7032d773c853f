"""Which engine a state gets, and what is said when that engine is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from connector.clock import SystemClock
from connector.errors import ConfigError
from connector.state.database import Database, open_database
from connector.work import embedded
from connector.work.engine import engine_for, prepare_engine

URL = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def on_postgresql() -> Database:
    from sqlalchemy import create_engine

    return Database(create_engine(URL), None)


def test_a_state_on_sqlite_is_worked_on_by_this_process(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    engine = engine_for(database, SystemClock(), [], 120)
    assert isinstance(engine, embedded.Engine)
    assert engine.leads()
    prepare_engine(database)
    database.close()


def test_a_state_on_postgresql_is_shared(on_postgresql: Database) -> None:
    from connector.work.distributed import DistributedEngine

    assert isinstance(engine_for(on_postgresql, SystemClock(), [], 120), DistributedEngine)


def test_without_the_extra_the_command_that_installs_it_is_named(
    on_postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith("connector.work.")]:
        if name.rpartition(".")[2] in ("distributed", "jobs", "workers"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    for call in (
        lambda: engine_for(on_postgresql, SystemClock(), [], 120),
        lambda: prepare_engine(on_postgresql),
    ):
        with pytest.raises(ConfigError) as caught:
            call()
        (problem,) = caught.value.problems
        assert problem.path == "state"
        assert "procrastinate" in problem.what
        assert problem.fix == "Install it: pip install 'commerce-connector[postgresql]'"
