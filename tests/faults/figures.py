"""`python -m tests.faults.figures`: the figures of docs/reliability.md that need no real system.

Each prints what it did and what came out, and fails where the goal is missed: a storm of stock
changes, stock overtaking a backlog of content, and random interleavings of workers and signals.
`--only storm` runs one; plain pytest runs smaller ones of all (test_figures.py).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from connector.clock import SystemClock
from connector.compose import OFFERS_BATCH
from connector.detect import EVERY_LANE, Detector, products
from connector.model import Lane, LocationStock, Money, Price, Stock, Subject, VariantId
from connector.ports import ContentWrite, OffersWrite, Receipt
from connector.site_work import SiteWork
from connector.state import todo
from connector.state.database import open_database
from connector.state.leases import Claimed
from connector.state.todo import Priority, Why
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultySite, Script, slow
from connector.testing.site import MemorySite
from connector.work.embedded import Engine, Line
from connector.work.engine import GATHER_SECONDS
from connector.work.retry import RetryPolicy
from tests.house import BACKEND, EUROS, SITE, House, picture

LATENCY_SECONDS = 0.05
FAST_SECONDS = 0.005
WORKERS = 2
CONTENT_BATCH = 100
FIRST_PRICE = 10_000_000
"""Above every price that a generated product has of its own."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where a state costs no disk: for what is about order, not about time."""


@dataclass(slots=True)
class Running:
    """A connector whose workers run, over a site in memory that takes 50 ms for every call."""

    catalogue: MemoryCatalogue
    site: MemorySite
    detector: Detector
    engine: Engine

    def due(self) -> int:
        with self.engine.database.read() as connection:
            return todo.waiting(connection)

    def poll_until(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            self.detector.poll()


@contextmanager
def running(
    folder: Path,
    catalogue: MemoryCatalogue,
    *,
    start: bool = True,
    latency: float = LATENCY_SECONDS,
) -> Iterator[Running]:
    database = open_database(f"sqlite:///{folder}/state.db")
    clock, site = SystemClock(), MemorySite("blog")
    script = Script()
    for method in ("write_offers", "write_content", "write_terms", "retire"):
        script.always(method, slow(latency))
    work = SiteWork(
        database,
        SITE,
        BACKEND,
        FaultySite(site, script, clock),
        catalogue,
        SiteRules(markets=(EUROS,), media=False),
        clock,
        RetryPolicy(),
        fetch=picture,
    )
    urgent = Line(SITE, BACKEND, (Lane.OFFERS,), OFFERS_BATCH, work, Priority.BULK, "urgent")
    both = Line(SITE, BACKEND, (Lane.OFFERS, Lane.CONTENT), CONTENT_BATCH, work)
    lines = [urgent, *[both] * WORKERS]
    engine = Engine(database, clock, lines, gather_seconds=GATHER_SECONDS)
    detector = Detector(database, BACKEND, catalogue, [SITE], clock, engine.wake)
    detector.poll()
    found = Running(catalogue, site, detector, engine)
    if start:
        engine.start()
    try:
        yield found
    finally:
        engine.stop()
        database.close()


# ---- a storm ----


@dataclass(frozen=True, slots=True)
class Storm:
    latency: float
    changes: int
    seconds: float
    writes: int
    last_stands: bool

    @property
    def met(self) -> bool:
        return self.last_stands and self.writes <= 5

    def __str__(self) -> str:
        return (
            f"storm: {self.changes} stock changes of one SKU in {self.seconds:.2f} s, "
            f"{self.latency * 1000:.0f} ms a call: {self.writes} writes (goal <= 5), "
            f"the last value stands: {self.last_stands}"
        )


def storm(folder: Path, changes: int = 1000, latency: float = LATENCY_SECONDS) -> Storm:
    """Change one variant's stock over and over within a second, polled all the time."""
    variant, subject = generate.product(3).variants[0].id, generate.product_subject(3)
    catalogue = MemoryCatalogue(generate.products(20))
    with running(folder, catalogue, latency=latency) as now:
        now.detector.import_new_sites()
        _until(lambda: now.due() == 0, 60)
        before, over = now.site.counts["write_offers.items"], threading.Event()
        poller = threading.Thread(target=now.poll_until, args=(over,))
        poller.start()
        began = time.monotonic()
        for number in range(1, changes + 1):
            now.catalogue.set_stock(variant, _pieces(number))
            _sleep_until(began + number / changes)
        seconds = time.monotonic() - began
        _until(lambda: _quantity(now.site, subject) == changes and now.due() == 0, 30)
        over.set()
        poller.join()
        writes = now.site.counts["write_offers.items"] - before
        return Storm(latency, changes, seconds, writes, _quantity(now.site, subject) == changes)


def _pieces(number: int) -> Stock:
    return Stock(tracked=True, locations=(LocationStock("main", number),))


def _quantity(site: MemorySite, subject: Subject) -> int | None:
    return site.offers(subject)[0].quantity


# ---- a backlog ----


@dataclass(frozen=True, slots=True)
class Backlog:
    waiting: int
    events: int
    p50: float
    p95: float
    slowest: float
    left: int

    @property
    def met(self) -> bool:
        return self.p95 <= 3.0 and self.left > 0

    def __str__(self) -> str:
        return (
            f"backlog: {self.waiting} content items waiting, then {self.events} stock events: "
            f"p50 {self.p50:.2f} s, p95 {self.p95:.2f} s (goal <= 3), slowest {self.slowest:.2f} s;"
            f" {self.left} items still waiting after the last"
        )


def backlog(folder: Path, items: int = 20_000, events: int = 100) -> Backlog:
    """How long a change of stock takes to the site while that much content waits."""
    catalogue = MemoryCatalogue(generate.products(items), page_size=500)
    with running(folder, catalogue, start=False) as now:
        numbers = [n * (items // events) for n in range(events)]
        changed = [catalogue.fetch([generate.product(n).id]) for n in numbers]
        lanes = frozenset({Lane.CONTENT})
        for page in catalogue.ids():
            why = Why("t", "backlog")
            now.detector.mark(products(page), [SITE], lanes, Priority.BULK, why)
        waiting = now.due()
        over = threading.Event()
        poller = threading.Thread(target=now.poll_until, args=(over,))
        now.engine.start()
        poller.start()
        waits = [_event(now, number) for number in numbers[: len(changed)]]
        left = now.due()
        over.set()
        poller.join()
    waits.sort()
    return Backlog(waiting, events, _at(waits, 0.5), _at(waits, 0.95), waits[-1], left)


def _event(now: Running, number: int) -> float:
    """Change one product's stock; how long until the site shows it."""
    subject, variant = generate.product_subject(number), generate.product(number).variants[0].id
    began = time.monotonic()
    now.catalogue.set_stock(variant, _pieces(777))
    _until(lambda: any(o.quantity == 777 for o in now.site.offers(subject)), 60)
    return time.monotonic() - began


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ---- interleavings ----


@dataclass(slots=True)
class Interleavings:
    schedules: int = 0
    signals: int = 0
    writes: int = 0
    nested: int = 0
    regressions: int = 0
    unsettled: int = 0

    @property
    def met(self) -> bool:
        return self.regressions == self.unsettled == 0

    def __str__(self) -> str:
        return (
            f"interleavings: {self.schedules} schedules, {self.signals} signals (late, repeated,"
            f" out of order), {self.writes} writes, {self.nested} of them overtaken in mid-flight: "
            f"{self.regressions} regressions (goal 0), {self.unsettled} ended with an old value"
        )


class _OvertakenSite(FaultySite):
    """Lets other things happen between a worker's decision and its write, or before its answer."""

    def __init__(self, inner: MemorySite, clock: FakeClock) -> None:
        super().__init__(inner, Script(), clock)
        self.meanwhile: Callable[[], None] = lambda: None

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        self.meanwhile()
        receipts = super().write_offers(batch)
        self.meanwhile()
        return receipts

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        self.meanwhile()
        return super().write_content(batch)


@dataclass(slots=True)
class _Schedule:
    """One random schedule: a product whose price only grows, two workers, signals at any time."""

    house: House
    site: _OvertakenSite
    dice: random.Random
    number: int
    tally: Interleavings
    version: int = 0
    shown: int = 0
    depth: int = 0
    steps: int = 0
    late: list[Claimed] = field(default_factory=list)

    def live(self) -> None:
        self.site.meanwhile = self.meanwhile
        self.house.catalogue.put(generate.product(self.number))
        for _ in range(self.dice.randrange(3, 8)):
            self.act()
        self.site.meanwhile = lambda: None
        self.house.clock.advance(seconds=self.house.engine.lease_seconds)
        self.signal()
        self.house.settle()
        self.look()
        self.tally.schedules += 1
        self.tally.unsettled += self.shown != self.version

    def meanwhile(self) -> None:
        """What happens while a write is on its way."""
        self.look()
        if self.depth < 2 and self.dice.random() < 0.5:
            self.depth += 1
            self.tally.nested += 1
            self.act()
            self.act()
            self.depth -= 1
        self.look()

    def act(self) -> None:
        self.steps += 1
        match self.dice.randrange(6):
            case 0 | 1:
                self.version += 1
                price = Price(Money(FIRST_PRICE + self.version, "EUR"))
                self.house.catalogue.set_price(self._variant(), price)
                if self.dice.random() < 0.7:
                    self.signal()
            case 2:
                for _ in range(self.dice.randrange(1, 4)):
                    self.signal()
            case 3:
                self.house.clock.advance(seconds=self.house.engine.lease_seconds + 1)
            case _:
                self.house.engine.step(self.house.lines[self.dice.randrange(2)], "worker")
        self.look()

    def signal(self) -> None:
        """About this product; which of its versions it was sent for makes no difference."""
        self.tally.signals += 1
        self.house.detector.mark(
            [generate.product_subject(self.number)],
            [SITE],
            self.dice.choice([EVERY_LANE, frozenset({Lane.OFFERS})]),
            Priority.SIGNAL,
            Why("t", "signal"),
        )

    def look(self) -> None:
        """No page ever shows an older price than it has shown."""
        offers = self.house.site.offers(generate.product_subject(self.number))
        if not offers:
            return
        shown = max(0, offers[0].amount.amount_minor - FIRST_PRICE)
        self.tally.regressions += shown < self.shown
        self.shown = max(self.shown, shown)

    def _variant(self) -> VariantId:
        return generate.product(self.number).variants[0].id


def interleavings(folder: Path, schedules: int = 10_000, seed: int = 1) -> Interleavings:
    tally, clock = Interleavings(), FakeClock()
    catalogue, memory = MemoryCatalogue(), MemorySite("blog")
    site = _OvertakenSite(memory, clock)
    house = House(folder, catalogue, memory, seen_site=site, clock=clock)
    house.fill()
    dice = random.Random(seed)
    for number in range(schedules):
        _Schedule(house, site, dice, number, tally).live()
        memory.requests.clear()
    tally.writes = memory.counts["write_offers"]
    house.database.close()
    return tally


# ---- waiting ----


def _until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s")
        time.sleep(0.01)


def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        time.sleep(left)


FIGURES: dict[str, Callable[[Path], Storm | Backlog | Interleavings]] = {
    "storm": storm,
    "fast storm": partial(storm, latency=FAST_SECONDS),
    "backlog": backlog,
    "interleavings": interleavings,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(FIGURES))
    chosen = parser.parse_args()
    met = True
    for name, figure in FIGURES.items():
        if chosen.only in (None, name):
            with tempfile.TemporaryDirectory(
                dir=MEMORY if name == "interleavings" else None
            ) as folder:
                result = figure(Path(folder))
            print(result, flush=True)
            met = met and result.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
