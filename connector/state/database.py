"""Open the state: engine, migrations, and the lock that keeps a second daemon out.

On SQLite: write-ahead log, synchronous FULL (what was acknowledged survives a power cut), write
transactions begin IMMEDIATE (no upgrade dead-locks), migrations run by themselves. On PostgreSQL
`connector db upgrade` runs them. A state that is newer than the program is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from connector.errors import ConfigError, Problem, StateError
from connector.model import Lane, SiteName

LINK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "fallback_application_name": "connector",
}
"""How a connection to PostgreSQL notices within seconds that the server is cut off."""
SERVER_SIDE = (
    "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 6000; SET idle_in_transaction_session_timeout = 10000"
)
"""How the server notices within seconds that we are cut off, or stand still with rows locked."""

Announce = Callable[[Connection, frozenset["Marked"]], None]
"""Told at the end of a transaction, while it is still open, what became due in it."""


@dataclass(frozen=True, slots=True)
class Marked:
    """That something of a site's lane became due, and how urgent it is."""

    site: SiteName
    lane: Lane
    priority: int


PATIENCE_SECONDS = 60.0


class Database:
    """The state, open. Safe to share between threads."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self.path = path
        """The file of a SQLite state; None elsewhere."""
        self.announce: Announce | None = None
        """Set by an engine that puts its wake-ups into the transactions that mark."""

    @property
    def conninfo(self) -> str:
        """The address as libpq takes it, password included."""
        address = self._engine.url.set(drivername=self._engine.url.get_backend_name())
        return address.render_as_string(hide_password=False)

    @contextmanager
    def write(self, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Connection]:
        """One transaction that commits at the end of the block, or changes nothing.

        On SQLite another writer is waited for, so long; then it fails with DBAPIError.
        """
        marked: set[Marked] = set()
        options = {"patience_ms": int(patience_seconds * 1000), "marked": marked}
        opened = self._engine.connect().execution_options(**options)
        with opened as connection, connection.begin():
            yield connection
            if marked and self.announce is not None:
                self.announce(connection, frozenset(marked))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view, without keeping writers out."""
        with self._engine.connect().execution_options(reads=True) as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str, *, migrate: bool | None = None) -> Database:
    """Open the state at a SQLAlchemy URL and make sure its schema is this program's.

    `migrate` None: migrate SQLite by itself, refuse elsewhere. Raises ConfigError for a bad URL and
    StateError for a state that is older (elsewhere), newer or damaged.
    """
    engine, path = _engine(url)
    database = Database(engine, path)
    try:
        _match_schema(engine, migrate if migrate is not None else path is not None)
    except DatabaseError as error:
        engine.dispose()
        raise StateError(
            f"the state {_shown(url)} cannot be read ({type(error.orig).__name__}: {error.orig})."
            " Check its address and that it is whole; put back a backup if it is damaged"
        ) from error
    except StateError:
        engine.dispose()
        raise
    return database


def file_of(url: str) -> Path | None:
    """The file of a SQLite state; None elsewhere."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).expanduser()


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _engine(url: str) -> tuple[Engine, Path | None]:
    fix = "Write it like sqlite:///connector.db or postgresql+psycopg://user@host/name"
    try:
        parsed = make_url(url)
        dialect = parsed.get_backend_name()
        if path := file_of(url):
            path.parent.mkdir(parents=True, exist_ok=True)
            parsed = parsed.set(database=str(path))
            engine = create_engine(parsed, connect_args={"timeout": PATIENCE_SECONDS}, pool_size=16)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine, path
        if dialect == "postgresql":
            link = {key: value for key, value in LINK.items() if key not in parsed.query}
            engine = create_engine(parsed, pool_pre_ping=True, pool_size=16, connect_args=link)
            event.listen(engine, "connect", _prepare_postgresql)
            return engine, None
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError([Problem("state", f"not a database address ({error})", fix)]) from error
    except OSError as error:
        raise ConfigError(
            [Problem("state", f"its folder cannot be made ({error})", "Name one that can")]
        ) from error
    except ModuleNotFoundError as error:
        missing = f"the driver {error.name} is not installed"
        install = "Install it: pip install 'commerce-connector[postgresql]'"
        raise ConfigError([Problem("state", missing, install)]) from error
    raise ConfigError([Problem("state", f"{dialect} is not supported", fix)])


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.execute(SERVER_SIDE)
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-1000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("reads", False):
        connection.exec_driver_sql("BEGIN")
        return
    patience = options.get("patience_ms", PATIENCE_SECONDS * 1000)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={int(patience)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


# ---- schema ----


def alembic_config(connection: Connection | None = None) -> AlembicConfig:
    """Where the migrations are, and the connection that they run on."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _match_schema(engine: Engine, migrate: bool) -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    head = scripts.get_current_head()
    with engine.begin() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        if present == head:
            return
        known = {revision.revision for revision in scripts.walk_revisions()}
        if present is not None and present not in known:
            raise StateError(
                f"the state has schema {present}, which is newer than this program (it knows up to"
                f" {head}). Install the newer commerce-connector, or put back a backup from before"
            )
        if not migrate:
            raise StateError(
                f"the state has schema {present or 'none'} and this program needs {head}."
                " Stop every daemon, make a backup, then run `connector db upgrade`"
            )
        command.upgrade(alembic_config(connection), "head")


# ---- one daemon per SQLite state ----


class StateLock:
    """Held by the one process that works on a SQLite state. Freed by the system when it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self, holder: dict[str, str | int]) -> None:
        """Take the lock and note who holds it. Raises StateError naming the present holder."""
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            present = self.holder() or {}
            file.close()
            raise StateError(
                f"another process (pid {present.get('pid', 'unknown')}) works on this state."
                " Stop it first, or give this one a state of its own"
            ) from None
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), **holder}, file)
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.close()
            self._file = None

    def holder(self) -> dict[str, Any] | None:
        """Who works on the state now; None: nobody."""
        try:
            with self._path.open("r", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    text = file.read()
                    return dict(json.loads(text)) if text else {}
        except (FileNotFoundError, ValueError):
            return None
        return None


# ---- both dialects ----


def insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say ON CONFLICT, in the connection's dialect."""
    return insert_into(connection.dialect.name, table)


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The same for a dialect's name, for statements that are built once."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def note_marked(connection: Connection, marked: Iterable[Marked]) -> None:
    """Say what became due, for whoever is told at the end of this transaction."""
    noted = connection.get_execution_options().get("marked")
    if noted is not None:
        noted.update(marked)
