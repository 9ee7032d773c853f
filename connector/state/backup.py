"""Copies of a SQLite state, made while the daemon works, and put back while it does not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from connector.errors import StateError
from connector.state import leases, mirror, signals
from connector.state.database import Database, StateLock, open_database


def back_up(database: Database, copy: Path) -> int:
    """A consistent, checked copy of the state. Answers its size in bytes.

    Keeps no writer waiting. The copy appears under its name only when it is whole and on disk.
    """
    path = _file_of(database)
    if copy.exists():
        raise StateError(f"{copy} is there already; name a new file, or remove it first")
    part = copy.with_name(copy.name + ".part")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        source = sqlite3.connect(path, timeout=60)
        try:
            source.execute("VACUUM INTO ?", (str(part),))
        finally:
            source.close()
        check(part)
        part.chmod(0o600)
        _to_disk(part)
        part.rename(copy)
        _to_disk(copy.parent)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            part.unlink()
        raise StateError(f"no backup was made at {copy} ({error}); is there room?") from error
    return copy.stat().st_size


def put_back(url: str, path: Path, copy: Path, now: datetime) -> Path | None:
    """Make a copy the state. Answers where the present one was moved to, if there was one.

    What the copy says was sent may have been overtaken since, so that nothing of it counts as sent
    and every site is filled and proved again. Raises StateError where a daemon is at work, or the
    copy is damaged or of another program.
    """
    check(copy)
    lock = StateLock(path)
    lock.acquire({"role": "restore"})
    try:
        moved = _move_away(path, now)
        shutil.copyfile(copy, path)
        path.chmod(0o600)
        _to_disk(path)
        _doubt(url)
    finally:
        lock.release()
    return moved


def _doubt(url: str) -> None:
    database = open_database(url)
    with database.write() as connection:
        leases.release_all(connection)
        mirror.distrust_all(connection)
        signals.forget_imports(connection)
    database.close()


def check(file: Path) -> None:
    """Raises StateError where a file is no whole SQLite database."""
    if not file.is_file():
        raise StateError(f"{file} is not there")
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        found = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise StateError(f"{file} is no state ({error})") from error
    finally:
        connection.close()
    if found != ("ok",):
        raise StateError(f"{file} is damaged ({found[0]}); take another backup")


def _file_of(database: Database) -> Path:
    if database.path is None:
        raise StateError(
            "the state is on a database server: back it up with its own tools (pg_dump)"
        )
    return database.path


def _move_away(path: Path, now: datetime) -> Path | None:
    """The present state with its log, under a name that says when. Nothing is ever deleted."""
    if not path.exists():
        return None
    moved = path.with_name(f"{path.name}.until-{now:%Y%m%dT%H%M%S}")
    for end in ("", "-wal", "-shm"):
        part = path.with_name(path.name + end)
        if part.exists():
            part.rename(moved.with_name(moved.name + end))
    return moved


def _to_disk(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
