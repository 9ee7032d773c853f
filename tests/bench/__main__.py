"""`python -m tests.bench`: measure everything, print a table, write JSON.

--quick measures less of everything, to see that it runs; --only NAME one part (writes, flow,
memory); --json PATH where the figures go. A figure that misses its goal fails nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from connector.demo.machine import cache_dir, say
from connector.demo.mariadb import MariaDB
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress
from tests.bench import flow, memory, writes
from tests.bench.measure import Result, machine
from tests.conftest import WORDPRESS_PLUGIN
from tests.live.pair import MedusaPair

PARTS = ("writes", "flow", "memory")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", choices=PARTS)
    options.add_argument("--json", type=Path, default=cache_dir() / "bench.json")
    given = options.parse_args()
    results: list[Result] = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = MariaDB.start()
        stack.callback(database.stop)
        for part in (given.only,) if given.only else PARTS:
            for result in PART[part](home, database, given.quick):
                say(line(result))
                results.append(result)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"at": at, "machine": machine(), "quick": given.quick}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**told, "results": [asdict(each) for each in results]}, indent=2)
    given.json.write_text(text)
    print(table(results))
    print(f"\n{machine()}, {at}{', quick' if given.quick else ''}")


def line(result: Result) -> str:
    met = "met" if result.met else "MISSED"
    details = ", ".join(f"{name} {value}" for name, value in result.details.items())
    return f"{result.name}: {result.value:.3g} {result.unit} ({result.goal}: {met}; {details})"


def table(results: list[Result]) -> str:
    """The figures in Markdown, as they stand in docs/performance.md."""
    rows = ["| what | measured | goal | |", "|---|---|---|---|"]
    for each in results:
        details = ", ".join(f"{n.replace('_', ' ')} {v}" for n, v in each.details.items())
        met = "" if each.met else "**missed**; "
        rows.append(
            f"| {each.name} | {each.value:.3g} {each.unit} | {each.goal} | {met}{details} |"
        )
    return "\n".join(rows)


def _writes(_home: Path, database: MariaDB, quick: bool) -> Iterator[Result]:
    site = WordPress.start(cache_dir(), database=database, plugin=WORDPRESS_PLUGIN)
    yield from writes.bench_writes(site, *((1, 20, 250) if quick else (3, 75, 500)))
    site.stop()


def _flow(home: Path, database: MariaDB, quick: bool) -> Iterator[Result]:
    products, samples = (200, 5) if quick else (5000, 40)
    postgres = Postgres.start()
    cache = cache_dir()
    with flow.a_pair(cache, home / "flow", database, postgres, products) as pair:
        fresh = WordPress.start(cache, database=database, plugin=WORDPRESS_PLUGIN)
        yield from flow.bench_first_import(pair, fresh, products)
        fresh.stop()
        flow.wait_until_idle(pair)
        yield from flow.bench_latency(pair, samples, busy=False)
        yield from flow.bench_reconcile(pair)
        yield from _while_importing(pair, samples)
    postgres.stop()


def _while_importing(pair: MedusaPair, samples: int) -> list[Result]:
    """Everything again, page by page, while stock changes one by one."""
    pair.site.php('global $wpdb; $wpdb->query("DELETE FROM {$wpdb->prefix}postmeta");')
    again = Thread(target=pair.installed.command, args=("reconcile",), kwargs={"check": False})
    again.start()
    found = flow.bench_latency(pair, samples, busy=True)
    again.join()
    return found


def _memory(home: Path, database: MariaDB, quick: bool) -> Iterator[Result]:
    few, many = (200, 1000) if quick else (1000, 100_000)
    yield from memory.bench_memory(cache_dir(), home, database, few, many)


PART = {"writes": _writes, "flow": _flow, "memory": _memory}

if __name__ == "__main__":
    main()
