"""Opening the state: durable, migrated, refused with the right sentence, locked by one."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from connector.errors import ConfigError, StateError
from connector.state.database import StateLock, open_database
from connector.state.tables import metadata


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/state.db"


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_migrations_make_exactly_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_a_newer_state_is_refused(tmp_path: Path) -> None:
    open_database(url(tmp_path)).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match="newer than this program"):
        open_database(url(tmp_path))


def test_an_older_state_is_refused_where_it_may_not_migrate_itself(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="connector db upgrade"):
        open_database(url(tmp_path), migrate=False)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database, whatever it says" * 100)
    with pytest.raises(StateError, match="backup"):
        open_database(url(tmp_path))


@pytest.mark.parametrize("address", ["mysql://x/y", "nonsense", "sqlite://"])
def test_an_address_that_is_none_is_a_mistake_in_the_configuration(address: str) -> None:
    with pytest.raises(ConfigError) as found:
        open_database(address)
    assert found.value.problems[0].path == "state"
    assert "sqlite:///" in found.value.problems[0].fix


def test_one_process_holds_the_lock_and_is_named_to_the_next(tmp_path: Path) -> None:
    one, other = StateLock(tmp_path / "state.db"), StateLock(tmp_path / "state.db")
    assert one.holder() is None
    one.acquire({"role": "daemon"})
    with pytest.raises(StateError, match=f"pid {os.getpid()}"):
        other.acquire({"role": "daemon"})
    holder = other.holder()
    assert holder is not None
    assert (holder["pid"], holder["role"]) == (os.getpid(), "daemon")
    one.release()
    other.acquire({"role": "sync"})
    other.release()


def test_a_state_at_home_stands_where_its_lock_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    database = open_database("sqlite:///~/kept/state.db")
    database.close()
    assert database.path == tmp_path / "kept" / "state.db"
    assert database.path.exists()


def test_a_folder_that_cannot_be_made_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_database(f"sqlite:///{tmp_path}/file/below/state.db")


def test_a_missing_driver_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError) as found:
        open_database("postgresql+psycopg://nobody@localhost/nothing")
    assert "psycopg" in found.value.problems[0].what
    assert "pip install" in found.value.problems[0].fix
