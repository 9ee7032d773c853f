"""`python -m tests.faults.writers`: a shop and an editor at a page, 10,000 times, each another way.

Each life (tests/desk.py) is one of 20 pages in one state, each with a story of its own: edits on
both sides, late signals, faults, deaths of the daemon with writes under way, restarts, reconciles,
writes that cross, people who decide conflicts; in every second life words are two-way. Counts what
must be none: lost edits, echoes taken for edits, conflicts shown twice or not at all.
`--on wordpress` does it on a real one, 300 times. Names the seeds of lives that failed; `--first
SEED --pages 20` lives one again, and says why.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

import structlog
from sqlalchemy import insert, select

from connector.ports import Site
from connector.state.database import Database, open_database
from connector.state.tables import counters, metadata
from connector.testing.site import MemorySite
from tests.desk import Desk, Editor, editor_of

STEPS = 60
PAGES = 20
"""Of one life."""
SHARE = 5
"""Lives that a process lives before it says how they went."""
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass(slots=True)
class Tally:
    """What some lives had in them, and what went wrong."""

    pages: int = 0
    lives: int = 0
    edits: int = 0
    merchants: int = 0
    back: int = 0
    conflicts: int = 0
    crossings: int = 0
    deaths: int = 0
    faults: int = 0
    failed: list[int] = field(default_factory=list)
    """Seeds of lives in which anything was lost, echoed, or shown otherwise than once."""

    def add(self, other: Tally) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def count(self, desk: Desk) -> None:
        self.lives += 1
        self.pages += len(desk.pages)
        edits = sum(page.edits for page in desk.pages)
        self.edits += edits
        self.merchants += sum(page.steps for page in desk.pages) - edits
        self.back += len(desk.catalogue.taken)
        self.conflicts += len(desk.shown)
        self.crossings += desk.crossings
        self.deaths += desk.deaths
        self.faults += sum(len(plan.used) for plan in desk.plans)

    def __str__(self) -> str:
        failed = f": seeds {sorted(self.failed)[:20]}" if self.failed else ""
        return (
            f"writers: {self.pages} pages in {self.lives} lives, {self.edits} edits at the page,"
            f" {self.merchants} in the shop, {self.back} written back, {self.crossings} in"
            f" mid-flight, {self.conflicts} conflicts, {self.faults} faults, {self.deaths} deaths:"
            f" {len(self.failed)} lives with anything lost, echoed or shown twice (goal 0){failed}"
        )


# ---- many lives on one state ----


def live_all(seeds: Sequence[int]) -> Tally:
    """These lives, each on a site of its own, one after the other in one wiped state."""
    structlog.configure(processors=[_drop])
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, _state(Path(folder)) as database:
        tally = Tally()
        for seed in seeds:
            site = MemorySite("blog")
            live_one(Path(folder), database, seed, site, editor_of(site), range(PAGES), tally)
        return tally


def live_one(
    folder: Path,
    database: Database,
    seed: int,
    site: Site,
    editor: Editor,
    numbers: Sequence[int],
    tally: Tally,
    *,
    told: bool = False,
) -> None:
    _wipe(database)
    desk = Desk(folder, seed, site, editor, numbers, database)
    try:
        desk.live(STEPS)
        desk.check()
    except Exception:
        tally.failed.append(seed)
        if told:
            traceback.print_exc()
    tally.count(desk)


def _drop(*_: object) -> dict[str, object]:
    raise structlog.DropEvent


@contextmanager
def _state(folder: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{folder}/state.db", migrate=True)
    try:
        yield database
    finally:
        database.close()


def _wipe(database: Database) -> None:
    """As new. Fences go on growing, which sites of their own do not mind."""
    with database.write() as connection:
        kept = connection.execute(select(counters)).mappings().all()
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
        connection.execute(insert(counters), [dict(row) for row in kept])


def in_memory(seeds: Sequence[int], processes: int) -> Tally:
    shares = [seeds[start : start + SHARE] for start in range(0, len(seeds), SHARE)]
    tally, began = Tally(), time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for number, share in enumerate(pool.map(live_all, shares), 1):
            tally.add(share)
            if number % 5 == 0:
                seconds = time.monotonic() - began
                print(f"  {tally.pages} pages in {seconds:.0f} s, {len(tally.failed)} failed")
                sys.stdout.flush()
    return tally


def on_wordpress(seeds: Sequence[int]) -> Tally:
    """On one real site, each life at a page of its own."""
    from connector.demo.machine import cache_dir
    from connector.demo.wordpress import WordPress
    from tests.conftest import WORDPRESS_PLUGIN
    from tests.live.test_wordpress_edits import Newsroom

    tally = Tally()
    wordpress = WordPress.start(cache_dir(), plugin=WORDPRESS_PLUGIN)
    try:
        newsroom = Newsroom(wordpress)
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, _state(Path(folder)) as database:
            for seed in seeds:
                numbers = range(800_000 + seed * PAGES, 800_000 + (seed + 1) * PAGES)
                live_one(
                    Path(folder),
                    database,
                    seed,
                    newsroom.site,
                    newsroom.editor(),
                    numbers,
                    tally,
                    told=True,
                )
                print(f"  {tally.pages} pages, {len(tally.failed)} lives failed", flush=True)
    finally:
        wordpress.stop()
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=("memory", "wordpress"), default="memory")
    parser.add_argument("--pages", type=int, help="in lives of 20 each")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    lives = (chosen.pages or (10_000 if chosen.on == "memory" else 300)) // PAGES
    seeds = range(chosen.first, chosen.first + lives)
    structlog.configure(processors=[_drop])
    if chosen.on == "wordpress":
        tally = on_wordpress(seeds)
    elif lives == 1:
        tally = Tally()
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, _state(Path(folder)) as database:
            site = MemorySite("blog")
            live_one(
                Path(folder),
                database,
                seeds[0],
                site,
                editor_of(site),
                range(PAGES),
                tally,
                told=True,
            )
    else:
        tally = in_memory(seeds, chosen.processes)
    print(tally, flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
