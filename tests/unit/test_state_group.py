"""Group commit: many pieces, one commit; a piece that fails fails alone; nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from connector.state import group
from connector.state.database import Database, open_database
from connector.state.group import GroupWriter
from connector.state.tables import counters

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    yield database
    database.close()


@pytest.fixture
def writer(database: Database) -> Iterator[GroupWriter]:
    writer = GroupWriter(database)
    yield writer
    writer.close()


def counting(name: str, *, fails: bool = False) -> group.Work[str]:
    def work(connection: Connection) -> str:
        connection.execute(counters.insert().values(name=name, value=1))
        if fails:
            raise ValueError(name)
        return name

    return work


def names(database: Database) -> set[str]:
    with database.read() as connection:
        found = connection.execute(counters.select()).all()
    return {row.name for row in found if row.name not in ("epoch", "fence")}


async def test_what_is_answered_is_committed(database: Database, writer: GroupWriter) -> None:
    assert await writer.do(counting("a")) == "a"
    assert names(database) == {"a"}


async def test_a_piece_that_fails_fails_alone_and_leaves_nothing(
    database: Database, writer: GroupWriter
) -> None:
    wanted = [counting(f"n{number}", fails=number % 3 == 0) for number in range(30)]
    found = await asyncio.gather(*map(writer.do, wanted), return_exceptions=True)
    assert [isinstance(each, ValueError) for each in found] == [n % 3 == 0 for n in range(30)]
    assert names(database) == {f"n{number}" for number in range(30) if number % 3}
    with pytest.raises(ValueError):
        await writer.do(counting("alone", fails=True))
    assert "alone" not in names(database)


async def test_many_at_once_share_their_commits(database: Database, writer: GroupWriter) -> None:
    commits = 0

    def count(_connection: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(database._engine, "commit", count)
    await asyncio.gather(*(writer.do(counting(f"n{number}")) for number in range(200)))
    assert len(names(database)) == 200
    assert commits < 100


async def test_a_state_that_is_held_is_waited_for_and_no_longer_than_told(
    database: Database,
    writer: GroupWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "PATIENCE_SECONDS", 0.2)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    found = await asyncio.gather(
        writer.do(counting("a")), writer.do(counting("b")), return_exceptions=True
    )
    assert all(isinstance(each, OperationalError) for each in found)
    other.execute("ROLLBACK")
    other.close()
    assert await writer.do(counting("c")) == "c"
    assert names(database) == {"c"}
