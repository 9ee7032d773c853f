"""Resident memory of the daemon, with few and with many products of the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psutil

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from tests.bench.measure import Result, at_most
from tests.bench.systems import Systems, proved
from tests.live.pair import pair_with, site_settings, until

MEGABYTE = 10**6
SAMPLE_SECONDS = 0.05
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 3 * 3600


def bench_memory(systems: Systems, few: int, many: int) -> list[Result]:
    """The most that the daemon ever held, importing and proving each of two catalogues."""
    small, large = peak(systems, few), peak(systems, many)
    return [
        at_most(
            f"memory of the daemon importing and proving {many} products",
            large,
            200,
            "MB",
        ),
        at_most(
            f"memory at {many} products / at {few}",
            large / small,
            1.15,
            "x",
            few_MB=round(small),
            many_MB=round(large),
        ),
    ]


def peak(systems: Systems, products: int) -> float:
    """MB resident at most, from the start to the proof of the first import."""
    home, site = systems.home / f"memory-{products}", systems.site()
    home.mkdir(parents=True)
    with running_shop(home / "shop.db", free_port(), products=products) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        settings = {"backends": {"shop": backend}, "sites": {"blog": site_settings(site.url)}}
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(site)}
        installed = Installed(home / "home", settings, secrets)
        try:
            with watched(psutil.Process(installed.start().process.pid)) as seen:
                until(partial(seen_proved, installed), "the proof of the import", PATIENCE_SECONDS)
        finally:
            installed.stop()
            site.stop()
    return max(seen)


def seen_proved(installed: Installed) -> bool:
    """`proved`, asked so seldom that the question is no work."""
    threading.Event().wait(LOOK_SECONDS)
    return proved(installed)


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[float]]:
    """MB that a process holds, all the while."""
    seen: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLE_SECONDS):
            seen.append(process.memory_info().rss / MEGABYTE)

    watcher = threading.Thread(target=look, name="memory")
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
