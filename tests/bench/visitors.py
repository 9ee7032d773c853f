"""What visitors of a site notice of an import: a public page, idle and while pages are written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import requests

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.bench.measure import Result, at_most, median, percentile
from tests.bench.systems import Systems
from tests.live.pair import pair_with, site_settings, until

APART_SECONDS = 0.1
IDLE_SAMPLES = 150
MOST_SAMPLES = 600
START_SECONDS = 120


def bench_visitors(systems: Systems, products: int) -> list[Result]:
    """The slowest twentieth of visits while an import runs, against the same site at rest."""
    gentle, full = [_visits(systems, products, gentle) for gentle in (True, False)]
    ratio, unbridled = (_slow(busy) / _slow(idle) for idle, busy in (gentle, full))
    return [
        at_most(
            "95th percentile of a public page during a gentle import / at rest",
            ratio,
            2,
            "x",
            at_rest_ms=round(_slow(gentle[0]) * 1000, 1),
            gentle_ms=round(_slow(gentle[1]) * 1000, 1),
            median_ms=round(median(gentle[1]) * 1000, 1),
            visits=len(gentle[1]),
            at_full_pace=f"{unbridled:.2f} x",
        )
    ]


def _slow(visits: list[float]) -> float:
    return percentile(visits, 0.95)


def _visits(systems: Systems, products: int, gentle: bool) -> tuple[list[float], list[float]]:
    """Seconds that visits took: at rest, and while an import was under way."""
    with _importing(systems, products, gentle) as (site, installed):
        url = f"{site.url}/"
        idle = [_visit(url) for _ in range(IDLE_SAMPLES)]
        installed.start()
        until(partial(_under_way, installed), "the import's first page", START_SECONDS)
        busy = _while(partial(_under_way, installed), partial(_visit, url))
    return idle, busy


@contextmanager
def _importing(
    systems: Systems, products: int, gentle: bool
) -> Iterator[tuple[WordPress, Installed]]:
    home, site = systems.home / f"visitors-{gentle}", systems.site()
    home.mkdir(parents=True)
    with running_shop(home / "shop.db", free_port(), products=products) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        blog = site_settings(site.url, pace={"gentle": gentle})
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(site)}
        settings = {"backends": {"shop": backend}, "sites": {"blog": blog}}
        installed = Installed(home / "home", settings, secrets)
        try:
            yield site, installed
        finally:
            installed.stop()
            site.stop()


def _under_way(installed: Installed) -> bool:
    return installed.due() > 0


def _while(holds: Callable[[], bool], sample: Callable[[], float]) -> list[float]:
    seen: list[float] = []
    while len(seen) < MOST_SAMPLES:
        seen.append(sample())
        if len(seen) % 20 == 0 and not holds():
            break
    return seen


def _visit(url: str) -> float:
    """One visit, on a connection of its own, and a breath after it."""
    began = time.perf_counter()
    answer = requests.get(url, timeout=60)
    took = time.perf_counter() - began
    answer.raise_for_status()
    time.sleep(APART_SECONDS)
    return took
