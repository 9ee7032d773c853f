"""What the rest of the connector knows of an engine: start, wake, stop; and which one a state gets.

A state on SQLite is worked on by threads of one process (embedded.py), one on PostgreSQL by every
daemon that has its address (distributed.py). The truth about what is due is the todo table in both;
an engine only decides who works when. Knows no line's inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from connector.errors import ConfigError, Problem
from connector.ports import Clock
from connector.state.database import Database
from connector.work.embedded import Engine as EmbeddedEngine
from connector.work.embedded import Line

GATHER_SECONDS = 0.4
"""A product that changes all the time is written about twice a second."""


class Engine(Protocol):
    """Works off what is due, from `start` to `stop`, on the lines that it was made with."""

    def start(self) -> None:
        """Begin. Raises StateError where the state is not prepared for this engine."""

    def wake(self) -> None:
        """Something was marked: look at once. Cheap, never fails; what it misses a sweep finds."""

    def stop(self, within_seconds: float = 10.0) -> bool:
        """Let what is in flight finish. False: some of it did not; others take it over later."""

    def alive(self) -> bool:
        """Whether every part that was started still runs."""

    def daemons(self) -> int:
        """How many processes work on the state now, be it this one or others."""

    def leads(self) -> bool:
        """Whether this process is the one that schedules: polls, sweeps, reconciles."""


def engine_for(
    database: Database, clock: Clock, lines: Sequence[Line], lease_seconds: float
) -> Engine:
    """The engine for a state. Raises ConfigError when what it needs is not installed."""
    if database.path is not None:
        return EmbeddedEngine(database, clock, lines, lease_seconds, GATHER_SECONDS)
    with _needing_the_extra():
        from connector.work.distributed import DistributedEngine  # noqa: PLC0415
    return DistributedEngine(database, clock, lines, lease_seconds, GATHER_SECONDS)


def prepare_engine(database: Database) -> None:
    """Make the tables that an engine needs beside the state's own. Raises ConfigError as above."""
    if database.path is None:
        with _needing_the_extra():
            from connector.work.jobs import prepare  # noqa: PLC0415
        prepare(database)


@contextmanager
def _needing_the_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        what = f"work on PostgreSQL needs {error.name}, which is not installed"
        install = "Install it: pip install 'commerce-connector[postgresql]'"
        raise ConfigError([Problem("state", what, install)]) from error
