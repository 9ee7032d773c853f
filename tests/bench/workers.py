"""How much more two daemons do than one, where the site is not the limit.

`python -m tests.bench.workers` prints the ratio. Both have the same fixed concurrency, the state is
on one PostgreSQL, and the simulated site takes 50 ms a request, however many come at once.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from connector.demo.machine import say
from connector.demo.postgres import Postgres
from connector.testing import generate
from tests.bench.measure import Result, at_least, machine, median
from tests.faults.daemons import cluster
from tests.live.pair import until

GOAL = 1.7


def bench_workers(home: Path, *, products: int, rounds: int) -> list[Result]:
    """First imports by one daemon and by two, in turns."""
    postgres = Postgres.start(durable=True)
    try:
        took: dict[int, list[float]] = {1: [], 2: []}
        for number in range(rounds):
            for daemons, times in took.items():
                place = home / f"round{number}-{daemons}"
                times.append(_import(place, postgres, daemons, products))
                say(f"{daemons} at work: {products / times[-1]:.0f} products a second")
    finally:
        postgres.stop()
    one, two = median(took[1]), median(took[2])
    rates = {"one": round(products / one, 1), "two": round(products / two, 1)}
    return [at_least("work of two daemons against one", one / two, GOAL, "x", **rates)]


def _import(home: Path, postgres: Postgres, daemons: int, products: int) -> float:
    """Seconds from the first write to the last of it, so that starting does not count."""
    home.mkdir()
    with cluster(home, postgres, 0, documents=2) as made:
        for _ in range(daemons):
            made.daemon(batch_products=20)
        made.daemons[0].command("db", "upgrade")
        for daemon in made.daemons:
            daemon.start()
        until(lambda: "import:blog" in _looked(made.daemons[0].ask("status")), "all are ready")
        for each in generate.products(products):
            made.simulation.catalogue.put(each)
        watch = made.simulation.watch
        until(lambda: len(watch.writers) > 0, "work begins", 60)
        begun = len(watch.writers)
        seconds = until(lambda: len(watch.writers) >= 2 * products, "all is written", 600)
        return seconds * (2 * products) / (2 * products - begun)


def _looked(status: dict[str, dict[str, dict[str, str]]]) -> dict[str, str]:
    return status["looked"]["shop"]


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.workers", description=__doc__)
    options.add_argument("--products", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (found,) = bench_workers(Path(home), products=given.products, rounds=given.rounds)
    met = "met" if found.met else "MISSED"
    print(f"two daemons do {found.value:.2f}x the work of one ({found.goal}: {met})")
    print(", ".join(f"{name}: {rate} products/s" for name, rate in found.details.items()))
    print(machine())


if __name__ == "__main__":
    main()
