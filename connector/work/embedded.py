"""The embedded engine: worker threads in one process, on whatever database the state is in.

A line is a share of one site's work: some lanes, some priorities. Every line's worker claims a
batch, hands it to the site's delivery, and sleeps until something is due or somebody wakes it. A
failure of the whole site or backend suspends that target alone.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, SQLAlchemyError

from connector.errors import ConnectorError
from connector.model import BackendName, Lane, SiteName
from connector.ports import Clock
from connector.state import leases, targets
from connector.state.database import Database, StateLock
from connector.state.leases import Claimed
from connector.work.alone import leave_alone
from connector.work.suspend import may_call

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.25
"""How often an idle worker looks for work that another process marked."""


class Handler(Protocol):
    """One site, as the engine sees it. `deliver` finishes, gives back or parks every claim."""

    def deliver(self, claims: Sequence[Claimed]) -> None: ...

    def crashed(self, claims: Sequence[Claimed], error: Exception) -> None:
        """Something unforeseen: the claims count as failed."""

    def probe(self, target: str) -> None:
        """Raise if the site or its backend still cannot be worked with."""


@dataclass(frozen=True, slots=True)
class Line:
    """A share of a site's work."""

    site: SiteName
    backend: BackendName
    lanes: tuple[Lane, ...]
    batch: int
    handler: Handler
    below: int | None = None
    """Only rows more urgent than this priority."""
    name: str = "worker"


@dataclass(slots=True)
class Engine:
    """Runs a thread for each line from `start` to `stop`."""

    database: Database
    clock: Clock
    lines: Sequence[Line]
    lease_seconds: float = 120.0
    gather_seconds: float = 0.0
    """How long a product rests after a write, so that what changes meanwhile goes together."""
    chance: Callable[[], float] = random.random
    may_probe: Callable[[], bool] = lambda: True
    """Whether this process is the one that tries a target again; one probe at a time is enough."""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _wakes: int = 0
    _woken: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)
    _probing: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        for number, line in enumerate(self.lines):
            name = f"{line.site}-{line.name}-{number}"
            thread = threading.Thread(target=self._run, args=(line, name), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Something was marked: let idle workers look at once."""
        with self._woken:
            self._wakes += 1
            self._woken.notify_all()

    def stop(self, within_seconds: float = 10.0) -> bool:
        """Let what is in flight finish. False: some of it did not; its leases will run out."""
        self._stopping.set()
        self.wake()
        deadline = self.clock.now() + timedelta(seconds=within_seconds)
        for thread in self._threads:
            thread.join(max(0.0, (deadline - self.clock.now()).total_seconds()))
        return not any(thread.is_alive() for thread in self._threads)

    def alive(self) -> bool:
        """Whether every worker that was started still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def daemons(self) -> int:
        if self._threads:
            return 1
        path = self.database.path
        return 0 if path is None or StateLock(path).holder() is None else 1

    def leads(self) -> bool:
        """The lock of the state keeps every other process out."""
        return True

    # ---- one worker ----

    def _run(self, line: Line, owner: str) -> None:
        while not self._stopping.is_set():
            wakes = self._wakes
            try:
                worked = self.step(line, owner)
            except Exception:
                log.exception("A worker met something unforeseen", action="work.crash", line=owner)
                worked = False
            if not worked:
                with self._woken:
                    if self._wakes == wakes and not self._stopping.is_set():
                        self._woken.wait(IDLE_SECONDS)

    def step(self, line: Line, owner: str) -> bool:
        """Claim one batch and carry it out. False: nothing to do now."""
        lanes, on_trial = self._lanes(line)
        if not lanes:
            return False
        now = self.clock.now()
        with self.database.read() as connection:
            due = leases.any_due(connection, line.site, lanes, now, line.below, self.gather_seconds)
            if on_trial and not due and self._others_try(connection, line):
                return False
        if not all(self._probe(line, target) for target in on_trial):
            return False
        if not due:
            self._resume(on_trial)
            return False
        with self.database.write() as connection:
            claims = leases.claim(
                connection,
                line.site,
                lanes=lanes,
                limit=line.batch,
                now=self.clock.now(),
                lease_seconds=self.lease_seconds,
                owner=owner,
                below=line.below,
                gather_seconds=self.gather_seconds,
            )
        if claims and self._carry_out(line, claims):
            self._resume(on_trial)
        return bool(claims)

    def _carry_out(self, line: Line, claims: Sequence[Claimed]) -> bool:
        """False: the whole target failed, and is left alone now."""
        try:
            line.handler.deliver(claims)
        except ConnectorError as error:
            self._suspend(error.target or targets.site_target(line.site), error)
            return False
        except Exception as error:
            if len(claims) > 1 and _is_of_one(error):
                return self._halve(line, claims)
            log.exception(
                "A delivery met something unforeseen", action="deliver.crash", site=line.site
            )
            line.handler.crashed(claims, error)
        return True

    def _halve(self, line: Line, claims: Sequence[Claimed]) -> bool:
        """Until what nobody foresaw stands alone; what was finished needs no write again."""
        middle = len(claims) // 2
        well = self._carry_out(line, claims[:middle])
        return self._carry_out(line, claims[middle:]) and well

    # ---- suspended targets ----

    def _lanes(self, line: Line) -> tuple[Sequence[Lane], Sequence[str]]:
        """The lanes that may be worked now, and the targets that are on trial with it: to be probed
        first. No lanes while the site or backend is left alone.
        """
        with self.database.read() as connection:
            found = targets.suspensions_now(connection)
        wanted = (targets.site_target(line.site), targets.backend_target(line.backend))
        held = [target for target in wanted if target in found]
        now = self.clock.now()
        if not all(may_call(found[target], now) for target in held):
            return (), ()
        lanes = [lane for lane in line.lanes if targets.lane_target(line.site, lane) not in found]
        return lanes, held

    def _others_try(self, connection: Connection, line: Line) -> bool:
        """Whether something waits for the site on trial in another line: only work shows whether
        it works, not that it answers a probe."""
        found = targets.suspensions_now(connection)
        lanes = [lane for lane in Lane if targets.lane_target(line.site, lane) not in found]
        return leases.any_due(connection, line.site, lanes, self.clock.now())

    def _probe(self, line: Line, target: str) -> bool:
        if not self.may_probe() or not self._probing.acquire(blocking=False):
            return False
        try:
            line.handler.probe(target)
        except ConnectorError as error:
            self._suspend(target, error)
            return False
        finally:
            self._probing.release()
        return True

    def _resume(self, on_trial: Sequence[str]) -> None:
        """These were probed and then worked with, and only that shows that they work.

        Unless a person has paused them meanwhile, or another line has found them down.
        """
        if not on_trial:
            return
        with self.database.write() as connection:
            found = targets.suspensions_now(connection)
            for target in on_trial:
                if may_call(found.get(target), self.clock.now()) and targets.resume(
                    connection, target
                ):
                    log.info("Works again, so work goes on", action="target.resume", target=target)

    def _suspend(self, target: str, error: ConnectorError) -> None:
        leave_alone(self.database, self.clock, target, error, self.chance())


def _is_of_one(error: Exception) -> bool:
    """Whether one of many claims may be at fault: a state that fails, fails for each; one that
    cannot keep a value (PostgreSQL takes no NUL, and no text longer than its column) does not."""
    return isinstance(error, DataError) or not isinstance(error, SQLAlchemyError)
