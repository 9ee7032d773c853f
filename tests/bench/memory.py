"""Resident memory of the daemon, with few and with many products of the sandbox."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import WordPress
from tests.bench.measure import Result, at_most
from tests.conftest import WORDPRESS_PLUGIN
from tests.live.pair import pair_with, site_settings

MEBIBYTE = 2**20


def bench_memory(cache: Path, home: Path, database: MariaDB, few: int, many: int) -> list[Result]:
    """The most that the daemon ever held, importing and proving each of two catalogues."""
    small = peak(cache, home / "few", database, few)
    large = peak(cache, home / "many", database, many)
    return [
        at_most(f"memory of the daemon at {many} products", large, 200, "MB", at_few=round(small)),
        at_most(
            f"memory at {many} products / at {few}",
            large / small,
            1.15,
            "x",
            few_MB=round(small),
            many_MB=round(large),
        ),
    ]


def peak(cache: Path, home: Path, database: MariaDB, products: int) -> float:
    """MB resident at most, from the start to the proof of the first import."""
    home.mkdir(parents=True)
    site = WordPress.start(cache, database=database, plugin=WORDPRESS_PLUGIN)
    with running_shop(home / "shop.db", free_port(), products=products) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        settings = {"backends": {"shop": backend}, "sites": {"blog": site_settings(site.url)}}
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(site)}
        installed = Installed(home / "home", settings, secrets)
        daemon = psutil.Process(installed.start().process.pid)
        most = 0.0
        while not _proved(installed):
            for _ in range(20):
                most = max(most, daemon.memory_info().rss / MEBIBYTE)
                time.sleep(0.05)
        installed.stop()
    site.stop()
    return most


def _proved(installed: Installed) -> bool:
    if installed.due():
        return False
    runs = installed.ask("status")["runs"]
    return any(run["kind"] == "reconcile" and run["outcome"] == "done" for run in runs)
