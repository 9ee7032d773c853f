"""`connector sync`: make something due because a person asked, and see it through.

With a daemon running the work is its; this process marks, then watches. Without one it takes the
state's lock and works itself; on PostgreSQL it works beside the daemons. Either way it is a run:
who asked, what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from connector.compose import Connector
from connector.detect import EVERY_LANE, Detector, products
from connector.errors import ConnectorError, Rejected, StateError
from connector.model import BackendName, Lane, ProductId, SiteName, Subject
from connector.state import leases, mirror, parking, runs, targets, todo
from connector.state.database import StateLock
from connector.state.parking import Parked
from connector.state.todo import Priority, Why

LOOK_SECONDS = 0.1
PATIENCE_FAILURES = 3
"""After so many failed tries of a whole target a person is told instead of made to wait."""
TAKE_OVER_SECONDS = 5.0
"""When nobody has worked on the state for so long, whoever waits for it works on it."""


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    SOME_PARKED = 1
    CONFIGURATION = 2
    TARGET_DOWN = 3
    SAFETY_STOP = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants brought up to date. Without any filter: what changed since last time."""

    sites: tuple[SiteName, ...]
    skus: tuple[str, ...] = ()
    products: tuple[ProductId, ...] = ()
    lanes: frozenset[Lane] = frozenset()
    since: datetime | None = None
    everything: bool = False
    asked_by: str = "cli"

    @property
    def named(self) -> bool:
        return bool(self.skus or self.products)


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    left: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    run_id: str
    total: int
    left: int
    parked: tuple[Parked, ...]
    down: Mapping[str, str] = field(default_factory=dict)
    """Targets that could not be worked with, and why."""

    @property
    def exit(self) -> Exit:
        if any(row.error == "SafetyStop" for row in self.parked):
            return Exit.SAFETY_STOP
        if self.down:
            return Exit.TARGET_DOWN
        return Exit.SOME_PARKED if self.parked else Exit.DONE

    def sentence(self) -> str:
        done = self.total - self.left - len(self.parked)
        text = f"{done} of {self.total} done, {len(self.parked)} parked, {self.left} left"
        reasons = "".join(f"; {target} is left alone: {why}" for target, why in self.down.items())
        return text + reasons


def resync(
    connector: Connector, wish: Wish, progress: Callable[[Progress], None] = lambda _: None
) -> Result:
    """Carry out a wish. Raises ConnectorError where not even the marking succeeded."""
    with connector.database.write() as connection:
        site = wish.sites[0] if len(wish.sites) == 1 else None
        run_id = runs.start_run(connection, "sync", site, wish.asked_by, connector.clock.now())
    try:
        with at_work(connector) as hands:
            marked = _mark(connector, wish, run_id)
            result = _watch(connector, wish, run_id, progress, hands, marked)
    except ConnectorError as error:
        _end(connector, run_id, "failed", {}, error.message)
        raise
    counts = {"total": result.total, "left": result.left, "parked": len(result.parked)}
    _end(connector, run_id, _outcome(result), counts, result.sentence())
    return result


def _lock(connector: Connector) -> StateLock | None:
    """The state's lock, or None where a daemon has it (or the database is shared)."""
    path = connector.database.path
    if path is None:
        return None
    lock = StateLock(path)
    try:
        lock.acquire({"role": "sync"})
    except StateError:
        return None
    return lock


@dataclass(slots=True)
class Hands:
    """This process's part in the work: none while a daemon, or another command, has the state."""

    connector: Connector
    lock: StateLock | None = None
    working: bool = False
    free_since: datetime | None = None

    def begin(self) -> None:
        """Work here too, unless somebody has the state; a shared database has room for all."""
        if self.connector.database.path is not None:
            self.lock = _lock(self.connector)
            if self.lock is None:
                return
            with self.connector.database.write() as connection:
                leases.release_all(connection)
        self.connector.engine.start()
        self.working = True

    def take_over(self) -> None:
        """Begin where whoever had the state has gone: somebody has to do what is waited for."""
        path, now = self.connector.database.path, self.connector.clock.now()
        if self.working or path is None:
            return
        if StateLock(path).holder() is not None:
            self.free_since = None
            return
        self.free_since = self.free_since or now
        if now - self.free_since >= timedelta(seconds=TAKE_OVER_SECONDS):
            self.begin()

    def end(self) -> None:
        if self.working:
            self.connector.engine.stop()
        if self.lock is not None:
            self.lock.release()


@contextmanager
def at_work(connector: Connector) -> Iterator[Hands]:
    """Work in this process, where nobody else does, until the end of the block. Once a process."""
    hands = Hands(connector)
    try:
        hands.begin()
        yield hands
    finally:
        hands.end()


def _end(
    connector: Connector, run_id: str, outcome: str, counts: Mapping[str, int], message: str
) -> None:
    with connector.database.write() as connection:
        runs.end_run(
            connection,
            run_id,
            outcome=outcome,
            counts=counts,
            message=message,
            now=connector.clock.now(),
        )


def _outcome(result: Result) -> str:
    match result.exit:
        case Exit.DONE:
            return "done"
        case Exit.SAFETY_STOP:
            return "stopped"
        case Exit.TARGET_DOWN:
            return "failed"
        case _:
            return "parked"


def see_through(
    hands: Hands,
    sites: tuple[SiteName, ...],
    run_id: str,
    progress: Callable[[Progress], None],
) -> Result:
    """Work on what a run has marked (or watch the daemon do it) until nothing of it is left."""
    return _watch(hands.connector, Wish(sites, everything=True), run_id, progress, hands)


# ---- marking ----


def _mark(connector: Connector, wish: Wish, run_id: str) -> int:
    """Make it due. Answers how much was named, as far as that is known: some of it may be done
    before anybody looks."""
    marked = 0
    for backend, detector in connector.detectors.items():
        sites = [site for site in connector.sites_of(backend) if site in wish.sites]
        if not sites:
            continue
        why = Why(run_id, f"sync asked by {wish.asked_by}", run_id)
        if wish.named:
            subjects = products(resolve(connector, backend, wish))
            marked += detector.mark(subjects, sites, wish.lanes, Priority.PERSON, why)
        elif wish.since is not None:
            _mark_since(detector, sites, wish, why)
        else:
            detector.poll(run_id)
            for sweep in detector.catalogue.capabilities.sweeps:
                detector.sweep(sweep, run_id)
            if wish.everything:
                products_there = detector.mark_all(sites, wish.lanes, Priority.BULK, why)
                marked += products_there * len(sites) * len(wish.lanes or EVERY_LANE)
                detector.imported(set(sites) & set(detector.new_sites()))
            else:
                detector.import_new_sites()
    if wish.named:
        _complain_unknown(connector, wish)
    return marked


def _mark_since(detector: Detector, sites: Sequence[SiteName], wish: Wish, why: Why) -> None:
    assert wish.since is not None
    cursor = detector.catalogue.cursor_at(wish.since)
    for page in detector.catalogue.changes(cursor):
        subjects: list[Subject] = [each.subject for each in page.signals]
        detector.mark(subjects, sites, wish.lanes, Priority.PERSON, why)


def resolve(connector: Connector, backend: BackendName, wish: Wish) -> list[ProductId]:
    """The products of a backend that a wish names, by SKU or id; also such as never synced."""
    catalogue = connector.catalogues[backend]
    found: dict[ProductId, None] = dict.fromkeys(wish.products)
    for sku in wish.skus:
        with connector.database.read() as connection:
            known = mirror.find_variants(connection, backend, sku)
        ids = [variant.product for variant in known] or catalogue.find_sku(sku)
        found |= dict.fromkeys(ids)
    return list(found)


def _complain_unknown(connector: Connector, wish: Wish) -> None:
    backends = {connector.works[site].backend for site in wish.sites}
    for sku in wish.skus:
        alone = Wish(wish.sites, skus=(sku,))
        if not any(resolve(connector, backend, alone) for backend in backends):
            raise Rejected(
                f"no product has the SKU {sku!r} at {', '.join(sorted(backends))}. Check its"
                " spelling there; `connector sync --product ID` takes the backend's own id"
            )


# ---- seeing it through ----


def _watch(
    connector: Connector,
    wish: Wish,
    run_id: str,
    progress: Callable[[Progress], None],
    hands: Hands,
    total: int = 0,
) -> Result:
    """`total`: how much is known to have been marked."""
    by_run = wish.named or wish.everything or wish.since is not None
    scope = run_id if by_run else None
    while True:
        hands.take_over()
        with connector.database.read() as connection:
            waits = todo.waiting_places(connection, wish.sites, run_id=scope)
            stuck = parking.list_parked(connection, run_id=scope)
            suspended = targets.suspensions_now(connection)
        parked = tuple(row for row in stuck if row.site in wish.sites)
        left = sum(waits.values())
        total = max(total, left + len(parked))
        progress(Progress(total, left))
        down = _given_up(connector, wish, suspended)
        held = {place: _targets(connector, *place) & down.keys() for place in waits}
        if all(held.values()):
            named = {target for each in held.values() for target in each}
            down = {target: why for target, why in down.items() if target in named}
            return Result(run_id, total, left, parked, down)
        connector.clock.sleep(LOOK_SECONDS)


def _targets(connector: Connector, site: SiteName, lane: Lane) -> set[str]:
    """Whatever keeps a lane of a site from being worked when it is left alone."""
    return {
        targets.site_target(site),
        targets.lane_target(site, lane),
        targets.backend_target(connector.works[site].backend),
    }


def _given_up(
    connector: Connector, wish: Wish, suspended: Mapping[str, targets.Suspension]
) -> dict[str, str]:
    """Targets that nobody should wait for, and why."""
    paused = {
        targets.site_target(site): f"sites.{site}.paused is set in the configuration"
        for site in wish.sites
        if connector.config.sites[site].paused
    }
    return paused | {
        target: suspension.reason
        for target, suspension in suspended.items()
        if suspension.until is None or suspension.failures >= PATIENCE_FAILURES
    }
