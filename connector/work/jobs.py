"""Drain jobs: what one says, how it is put beside a mark, which ones still mean something.

A job says "work off this share of a site until nothing of it is due" and carries nothing else, so
that a lost or a repeated one does no harm. All that is known here of Procrastinate's tables stands
here. Knows nothing of what is due.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from connector.errors import StateError
from connector.model import SiteName
from connector.state.database import Database

log = structlog.get_logger(__name__)

TASK = "connector.drain"
STALLED_SECONDS = 3.0
"""A worker that gave no sign of life for so long counts as dead."""
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
_deferring = App(connector=SyncPsycopgConnector())
"""Never opened: it defers on connections that it is given."""


@dataclass(frozen=True, slots=True, order=True)
class Drain:
    """A share of a site's work: the lines of one name, and one of the places to work at it."""

    site: SiteName
    group: str
    shard: int = 0

    @property
    def lock(self) -> str:
        """At most one job of this name waits, and at most one runs."""
        return f"{self.site}/{self.group}/{self.shard}"


def defer(connection: Connection, drain: Drain, priority: int) -> bool:
    """Put the job into this transaction. False: one is waiting already, or it could not be put.

    Stands in a savepoint: a refusal would otherwise end the transaction that it shares. A job that
    could not be put is no reason to lose the mark beside it; a sweep wakes what is due.
    """
    job = _deferring.configure_task(
        TASK,
        queue=drain.group,
        lock=drain.lock,
        queueing_lock=drain.lock,
        priority=priority,
        connection=connection.connection.driver_connection,
    )
    try:
        with connection.begin_nested():
            job.defer(site=drain.site, group=drain.group, shard=drain.shard)
    except AlreadyEnqueued:
        return False
    except ConnectorException as error:
        reason = type(error.__cause__ or error).__name__
        log.warning("A job could not be deferred", action="job.not_deferred", reason=reason)
        return False
    return True


# ---- what the tables hold ----

_PRESENT = text("SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')")


def living(connection: Connection) -> frozenset[int]:
    """Workers that gave a sign of life lately, by the server's clock."""
    if connection.execute(_PRESENT).scalar() is None:
        return frozenset()
    query = text(
        "SELECT id FROM procrastinate_workers"
        " WHERE last_heartbeat >= now() - make_interval(secs => :seconds)"
    )
    return frozenset(connection.execute(query, {"seconds": STALLED_SECONDS}).scalars())


def waiting(connection: Connection) -> frozenset[str]:
    """Locks of the jobs that wait."""
    query = text("SELECT lock FROM procrastinate_jobs WHERE status = 'todo'")
    return frozenset(connection.execute(query).scalars())


def startable(connection: Connection, group: str) -> bool:
    """Whether a job of this group waits only for a free worker."""
    query = text(
        "SELECT 1 FROM procrastinate_jobs AS waits WHERE status = 'todo' AND queue_name = :group"
        " AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS runs"
        " WHERE runs.status = 'doing' AND runs.lock = waits.lock) LIMIT 1"
    )
    return connection.execute(query, {"group": group}).first() is not None


def running(connection: Connection) -> frozenset[int]:
    """Jobs that some worker is at."""
    query = text("SELECT id FROM procrastinate_jobs WHERE status = 'doing'")
    return frozenset(connection.execute(query).scalars())


def drop_abandoned(connection: Connection) -> int:
    """Forget jobs whose worker died, so that others of their locks may run. Answers how many."""
    query = text(
        "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND (worker_id IS NULL"
        " OR worker_id NOT IN (SELECT id FROM procrastinate_workers"
        " WHERE last_heartbeat >= now() - make_interval(secs => :seconds)))"
    )
    return connection.execute(query, {"seconds": STALLED_SECONDS}).rowcount


def held_by(connection: Connection, workers: Collection[int]) -> frozenset[int]:
    """Jobs that are said to run at these workers."""
    query = text(
        "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(:workers)"
    )
    return frozenset(connection.execute(query, {"workers": list(workers)}).scalars())


def drop(connection: Connection, jobs: Iterable[int]) -> None:
    """Forget these jobs, which nobody is at."""
    query = text("DELETE FROM procrastinate_jobs WHERE status = 'doing' AND id = ANY(:jobs)")
    connection.execute(query, {"jobs": list(jobs)})


# ---- the tables themselves ----

_PREPARING = 0x70726F63
_DROP_ALL = r"""
DO $$
DECLARE each record;
BEGIN
  FOR each IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'r'
    AND relnamespace = current_schema()::regnamespace AND relname LIKE 'procrastinate\_%'
  LOOP EXECUTE format('DROP TABLE %s CASCADE', each.name); END LOOP;
  FOR each IN SELECT oid::regprocedure AS name FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate\_%'
  LOOP EXECUTE format('DROP FUNCTION %s CASCADE', each.name); END LOOP;
  FOR each IN SELECT oid::regtype AS name FROM pg_type WHERE typcategory IN ('E', 'C')
    AND typnamespace = current_schema()::regnamespace AND typname LIKE 'procrastinate\_%'
  LOOP EXECUTE format('DROP TYPE %s CASCADE', each.name); END LOOP;
END $$
"""


def prepare(database: Database) -> None:
    """Make the tables, or make them anew for another version of Procrastinate.

    They hold nothing that is not in todo, so that nothing is lost with them.
    """
    with database.write() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PREPARING})
        if connection.execute(_PRESENT).scalar() == _version():
            return
        stamp = f"COMMENT ON TABLE procrastinate_jobs IS '{_version()}'"
        for script in (_DROP_ALL, SchemaManager.get_schema(), stamp):
            connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def check(database: Database) -> None:
    """Raises StateError where the tables are not there or another version's."""
    try:
        with database.read() as connection:
            present = connection.execute(_PRESENT).scalar()
    except DBAPIError as error:
        raise StateError(
            f"the state cannot be read ({type(error.orig).__name__}). See that its server runs and"
            " can be reached"
        ) from error
    if present != _version():
        raise StateError(
            "the tables for work on several machines are missing or another version's. Stop every"
            " daemon, then run `connector db upgrade`"
        )


def _version() -> str:
    return "schema " + hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest()[:16]
