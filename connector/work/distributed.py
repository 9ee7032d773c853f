"""The distributed engine: every daemon with the state's address works, one of them sweeps.

A mark defers a drain job in its own transaction; a job claims batches from todo until none is due.
Every second the leader ends sessions that stand still, drops the jobs of dead workers, frees the
rows that no running job holds, and wakes every share that has something due, so that neither a lost
job nor a lost daemon costs more than seconds. What is due, when it is tried again and when it is
parked stands in todo alone; carrying out one batch is the embedded engine's step.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from connector.model import SiteName
from connector.ports import Clock
from connector.state import leases, targets
from connector.state.database import Database, Marked
from connector.work import embedded, jobs
from connector.work.embedded import Line
from connector.work.frozen import end_frozen
from connector.work.jobs import Drain
from connector.work.leader import Leadership
from connector.work.suspend import may_call
from connector.work.workers import Workers

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
LEAST_SECONDS = 0.1
"""Between two looks at what is due, however often something is marked."""
TURN_SECONDS = 5.0
"""How long a drain may go on while another waits for its place."""
URGENT, ORDINARY = 10, 0
"""Priorities of jobs: Procrastinate takes the higher first."""


@dataclass(slots=True)
class DistributedEngine:
    """Implements work.engine.Engine on PostgreSQL."""

    database: Database
    clock: Clock
    lines: Sequence[Line]
    lease_seconds: float = 120.0
    gather_seconds: float = 0.0
    chance: Callable[[], float] = random.random
    _steps: embedded.Engine = field(init=False)
    _workers: Workers = field(init=False)
    _leadership: Leadership = field(init=False)
    _shares: dict[tuple[SiteName, str], Line] = field(init=False)
    _places: Counter[tuple[SiteName, str]] = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _woken: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _daemons: int = 1
    _nobody_at: frozenset[int] = frozenset()
    """Jobs that our workers were said to be at, and were not, at the last sweep."""

    def __post_init__(self) -> None:
        self._steps = embedded.Engine(
            self.database,
            self.clock,
            (),
            self.lease_seconds,
            self.gather_seconds,
            self.chance,
            self.leads,
        )
        self._shares = {(line.site, line.name): line for line in self.lines}
        self._places = Counter((line.site, line.name) for line in self.lines)
        groups = Counter(line.name for line in self.lines)
        self._workers = Workers(self.database.conninfo, groups, self._work_off)
        self._leadership = Leadership(self.database.conninfo)
        self.database.announce = self._defer_marked

    # ---- life ----

    def start(self) -> None:
        """Begin. Raises StateError where the tables for the jobs are not there."""
        jobs.check(self.database)
        self._leadership.seek()
        self._workers.start()
        self._thread = threading.Thread(target=self._tend, name="sweep", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self, within_seconds: float = 10.0) -> bool:
        self._stopping.set()
        self._woken.set()
        ended = self._workers.stop(within_seconds)
        if self._thread is not None:
            self._thread.join(2)
        self._leadership.release()
        return ended

    def alive(self) -> bool:
        return self._workers.alive() and self._thread is not None and self._thread.is_alive()

    def daemons(self) -> int:
        """While this one works, as the last sweep counted them."""
        if self._thread is not None:
            return self._daemons
        with self.database.read() as connection:
            return self._count(jobs.living(connection))

    def leads(self) -> bool:
        return self._leadership.held()

    # ---- marks ----

    def _defer_marked(self, connection: Connection, marked: frozenset[Marked]) -> None:
        """One job for each share that has become due; in one order, so that none waits for ever.

        Looking for those that wait already is cheaper than being refused.
        """
        waiting = jobs.waiting(connection)
        for drain in sorted({drain for each in marked if (drain := self._first(each))}):
            if drain.lock not in waiting:
                jobs.defer(connection, drain, self._priority(drain))

    def _first(self, marked: Marked) -> Drain | None:
        for line in self.lines:
            fits = line.site == marked.site and marked.lane in line.lanes
            if fits and (line.below is None or marked.priority < line.below):
                return Drain(line.site, line.name)
        return None

    def _priority(self, drain: Drain) -> int:
        return ORDINARY if self._shares[drain.site, drain.group].below is None else URGENT

    # ---- one job ----

    def _work_off(self, drain: Drain, job: int, is_over: Callable[[], bool]) -> None:
        """Claim and deliver until nothing is due, others wait for this place, or time is up."""
        line = self._shares.get((drain.site, drain.group))
        turn_ends = time.monotonic() + TURN_SECONDS
        while line is not None and not is_over() and not self._stopping.is_set():
            try:
                if not self._steps.step(line, _owner(job)):
                    return
                if time.monotonic() > turn_ends and self._others_wait(drain):
                    return
            except DBAPIError as error:
                reason = type(error.orig).__name__
                log.warning("The state is out of reach", action="work.no_state", reason=reason)
                return
            except Exception:
                log.exception(
                    "A worker met something unforeseen", action="work.crash", line=drain.lock
                )
                return

    def _others_wait(self, drain: Drain) -> bool:
        with self.database.read() as connection:
            found = jobs.startable(connection, drain.group)
        if found:
            self.wake()
        return found

    # ---- every second ----

    def _tend(self) -> None:
        swept_at = 0.0
        while not self._stopping.is_set():
            self._woken.wait(max(0.0, swept_at + SWEEP_SECONDS - time.monotonic()))
            self._woken.clear()
            if self._stopping.wait(LEAST_SECONDS):
                return
            full = time.monotonic() >= swept_at + SWEEP_SECONDS
            swept_at = time.monotonic() if full else swept_at
            try:
                if full:
                    self._sweep()
                if not full or self.leads():
                    self._wake_due()
            except DBAPIError as error:
                reason = type(error.orig).__name__
                log.warning("The state is out of reach", action="sweep.no_state", reason=reason)
            except Exception:
                log.exception("A sweep met something unforeseen", action="sweep.crash")

    def _sweep(self) -> None:
        """See who lives, clear away after the dead; the latter is the leader's."""
        leads = self._leadership.seek()
        with self.database.read() as connection:
            alive = jobs.living(connection)
            held = jobs.held_by(connection, self._workers.ids())
        ours = self._workers.ids()
        if ours and not ours <= alive:
            self._workers.renew()
        self._daemons = max(1, self._count(alive))
        nobody_at = held - self._workers.jobs()
        lost, self._nobody_at = nobody_at & self._nobody_at, nobody_at
        if leads:
            self._end_frozen()
        if not (leads or lost):
            return
        with self.database.write() as connection:
            jobs.drop(connection, lost)
            if leads:
                self._clear(connection)

    def _count(self, alive: frozenset[int]) -> int:
        """Daemons, each of which has a worker for every group of lines."""
        return len(alive) // max(1, len({line.name for line in self.lines}))

    def _end_frozen(self) -> None:
        """In a transaction of its own: what those sessions locked is what the others wait for."""
        with self.database.read() as connection:
            ended = end_frozen(connection)
        if ended:
            log.warning(
                "Sessions of a daemon that stands still were ended",
                action="sweep.frozen",
                sessions=ended,
            )

    def _clear(self, connection: Connection) -> None:
        """Rows whose job nobody is at are due again.

        The owners are read before the jobs: a job that begins in between holds nothing yet.
        """
        jobs.drop_abandoned(connection)
        owners = leases.lease_owners(connection)
        at_work = {_owner(job) for job in jobs.running(connection)}
        freed = leases.release_owned(connection, owners - at_work)
        if freed:
            log.warning(
                "Work of a daemon that is gone is due again", action="sweep.freed", rows=freed
            )

    def _wake_due(self) -> None:
        """A job for every place at every share that has something due and none waiting."""
        now = self.clock.now()
        with self.database.read() as connection:
            found = targets.suspensions_now(connection)
            closed = frozenset(name for name, each in found.items() if not may_call(each, now))
            due = [
                share
                for share, line in self._shares.items()
                if self._is_due(connection, line, closed, now)
            ]
            waiting = jobs.waiting(connection)
        wanted = [
            Drain(*share, shard)
            for share in due
            for shard in range(self._places[share] * self._daemons)
        ]
        missing = [drain for drain in wanted if drain.lock not in waiting]
        if missing:
            with self.database.write() as connection:
                for drain in sorted(missing):
                    jobs.defer(connection, drain, self._priority(drain))

    def _is_due(
        self, connection: Connection, line: Line, closed: frozenset[str], now: datetime
    ) -> bool:
        if {targets.site_target(line.site), targets.backend_target(line.backend)} & closed:
            return False
        lanes = [lane for lane in line.lanes if targets.lane_target(line.site, lane) not in closed]
        return bool(lanes) and leases.any_due(connection, line.site, lanes, now, line.below)


def _owner(job: int) -> str:
    """How a job signs the rows that it claims."""
    return f"job {job}"
