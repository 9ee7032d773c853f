"""Sessions of a daemon that stands still in the middle of a message, ended by the one that leads.

A process that is stopped and not ended (SIGSTOP, a paused virtual machine) keeps its connections:
its kernel goes on answering for it. A session that idles in a transaction PostgreSQL ends itself,
but not after a pipeline, in which psycopg sends the statements of an executemany: a flush that
follows the last one takes the server's timer away. One that was stopped between two statements of a
pipeline even counts as active, and has no limit before PostgreSQL 17. Such a session keeps its rows
locked, and nobody else would ever work at them.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

FROZEN_SECONDS = 10.0
"""As long as an idle transaction may last (state/database.py)."""


def end_frozen(connection: Connection) -> int:
    """End our sessions whose client has neither sent nor read for too long. Answers how many."""
    query = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = current_user"
        " AND application_name = current_setting('application_name')"
        " AND pid <> pg_backend_pid() AND state <> 'idle' AND wait_event_type = 'Client'"
        " AND state_change < clock_timestamp() - make_interval(secs => :seconds)"
    )
    return int(connection.execute(query, {"seconds": FROZEN_SECONDS}).scalar_one())
