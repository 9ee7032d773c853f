"""One process of many leads: whoever holds an advisory lock of the state's PostgreSQL.

The lock belongs to a connection of its own. It ends with its holder: at once when the process dies,
within seconds when its machine is cut off, for the server asks after the holder every second or
two, and within seconds when it stands still, for the server waits no longer for its next question.
The holder itself stops leading before that, when it cannot see its lock any more.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import psycopg

from connector.state.database import LINK, SERVER_SIDE

LOCK = 0x636F6E6E
"""Names the lock among others of the same database."""
TRUSTED_SECONDS = 4.0
"""How long a lock that was seen held is believed in; less than the server takes to free it."""

IDLE = "SET idle_session_timeout = 6000"
"""A holder asks every second; one that has not for so long stands still."""


class Leadership:
    """Asked every second by `seek`; `held` answers for the time between."""

    def __init__(self, conninfo: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._conninfo = conninfo
        self._monotonic = monotonic
        self._connection: psycopg.Connection[tuple[bool]] | None = None
        self._trusted_until = 0.0
        self._guard = threading.Lock()

    def held(self) -> bool:
        """Whether this process leads now. Asks nobody."""
        return self._monotonic() < self._trusted_until

    def seek(self) -> bool:
        """Take the lock if it is free, or see that it is still ours. Never raises."""
        asked = self._monotonic()
        try:
            with self._guard:
                mine = self._is_mine()
        except psycopg.Error:
            self._drop()
            mine = False
        self._trusted_until = asked + TRUSTED_SECONDS if mine else 0.0
        return mine

    def release(self) -> None:
        """Let another lead."""
        self._trusted_until = 0.0
        self._drop()

    def _is_mine(self) -> bool:
        """A lock of a session is granted to that session again and again, so asking is enough."""
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, **LINK)
            self._connection.execute(SERVER_SIDE)
            self._connection.execute(IDLE)
        held = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
        mine = self._connection.execute(f"{held} AND pid = pg_backend_pid()", [LOCK]).fetchone()
        if mine == (True,):
            return True
        return self._connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() == (
            True,
        )

    def _drop(self) -> None:
        with self._guard:
            if self._connection is not None:
                with contextlib.suppress(psycopg.Error):
                    self._connection.close()
                self._connection = None
