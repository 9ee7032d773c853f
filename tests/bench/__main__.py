"""`python -m tests.bench`: measure everything, print a table, write JSON.

--quick measures less of everything, to see that it runs; --only NAME one part; --json PATH where
the figures go. A figure that misses its goal fails nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from connector.demo.machine import cache_dir, say
from tests.bench import flow, memory, visitors, writes
from tests.bench.measure import Result, line, machine, told
from tests.bench.systems import Systems


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only", choices=PARTS)
    options.add_argument("--json", type=Path, default=cache_dir() / "bench.json")
    given = options.parse_args()
    results: list[Result] = []
    with (
        tempfile.TemporaryDirectory() as home,
        Systems.open(Path(home), products=200 if given.quick else 5000) as systems,
    ):
        for part in (given.only,) if given.only else PARTS:
            for result in PARTS[part](systems, given.quick):
                say(line(result))
                results.append(result)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    notes = {"at": at, "machine": machine(), "quick": given.quick}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**notes, "results": [asdict(each) for each in results]}, indent=2)
    given.json.write_text(text)
    print(table(results))
    print(f"\n{machine()}, {at}{', quick' if given.quick else ''}")


def table(results: list[Result]) -> str:
    """The figures in Markdown, as they stand in docs/performance.md."""
    rows = ["| what | measured | goal | |", "|---|---|---|---|"]
    for each in results:
        met = "" if each.met else "**missed**; "
        rows.append(
            f"| {each.name} | {each.value:.3g} {each.unit} | {each.goal} | {met}{told(each)} |"
        )
    return "\n".join(rows)


def _writes(systems: Systems, quick: bool) -> list[Result]:
    site = systems.site()
    try:
        return writes.bench_writes(site, *((1, 20, 500) if quick else (5, 60, 500)))
    finally:
        site.stop()


def _import(systems: Systems, quick: bool) -> list[Result]:
    return flow.bench_first_import(systems, rounds=1 if quick else 3)


def _reconcile(systems: Systems, quick: bool) -> list[Result]:
    return flow.bench_reconcile(systems, rounds=1 if quick else 3)


def _latency(systems: Systems, quick: bool) -> list[Result]:
    return flow.bench_latency(systems, samples=1 if quick else 40)


def _visitors(systems: Systems, quick: bool) -> list[Result]:
    return visitors.bench_visitors(systems, 300 if quick else 3000)


def _memory(systems: Systems, quick: bool) -> list[Result]:
    return memory.bench_memory(systems, *((200, 1000) if quick else (1000, 100_000)))


PARTS: dict[str, Callable[[Systems, bool], list[Result]]] = {
    "writes": _writes,
    "import": _import,
    "reconcile": _reconcile,
    "latency": _latency,
    "visitors": _visitors,
    "memory": _memory,
}

if __name__ == "__main__":
    main()
