"""The whole way from a real Medusa to a real WordPress: first import, reconcile, latency."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from adapters.medusa import BACKEND
from connector.clock import SystemClock
from connector.compose import Connector, compose
from connector.config import load
from connector.demo.mariadb import MariaDB
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress
from connector.model import SubjectKind
from connector.ports import Catalogue
from connector.reconcile import reconcile
from connector.sync.plan import batches
from tests.bench.measure import Result, at_least, at_most, percentile, seconds
from tests.bench.writes import open_site, write_everything
from tests.conftest import MEDUSA_PLUGIN, WORDPRESS_PLUGIN
from tests.live.pair import MedusaPair, until


@contextmanager
def a_pair(
    cache: Path, home: Path, database: MariaDB, postgres: Postgres, products: int
) -> Iterator[MedusaPair]:
    """Medusa with our plugin, WordPress on MariaDB, a daemon not yet started."""
    site = WordPress.start(cache, database=database, plugin=WORDPRESS_PLUGIN)

    def medusa(settings: dict[str, str]) -> Medusa:
        return Medusa.start(
            cache, postgres, products=products, plugin=MEDUSA_PLUGIN, settings=settings
        )

    pair = MedusaPair.lay_out(home, medusa, site)
    try:
        yield pair
    finally:
        pair.installed.stop()
        pair.medusa.stop()
        site.stop()


def bench_first_import(pair: MedusaPair, fresh: WordPress, products: int) -> list[Result]:
    """Reading alone, writing alone, then both by the daemon."""
    reading = seconds(lambda: read_everything(pair))
    alone = open_site(fresh)
    alone.check()
    writing = seconds(lambda: write_everything(alone, products))
    alone.close()
    slower = max(reading, writing)
    whole = seconds(lambda: import_by_daemon(pair, products))
    return [
        at_least(
            f"first import of {products} products, end to end / the slower side alone",
            100 * slower / whole,
            60,
            "%",
            reading_seconds=round(reading, 1),
            writing_seconds=round(writing, 1),
            whole_seconds=round(whole, 1),
        )
    ]


def read_everything(pair: MedusaPair) -> None:
    """Every product by its id, in batches, as the daemon reads them: by two workers."""
    catalogue = catalogue_of(pair)
    ids = [identity for page in catalogue.ids() for identity in page]
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(catalogue.fetch, batches(ids, catalogue.capabilities.fetch_size)))
    catalogue.close()


def catalogue_of(pair: MedusaPair) -> Catalogue:
    settings = load(pair.installed.file, env=pair.installed.secrets).backend_settings("shop")
    return BACKEND.open(settings, SystemClock())


def import_by_daemon(pair: MedusaPair, products: int) -> None:
    pair.installed.start()
    until(lambda: _due(pair) >= products, "the marking of all products", 120)
    until(lambda: _due(pair) == 0, f"the import of {products} products", 1200)


def wait_until_idle(pair: MedusaPair) -> None:
    """Until the reconcile that proves the first import is through too."""
    until(lambda: _proved(pair), "the proof of the first import", 300)


def _proved(pair: MedusaPair) -> bool:
    time.sleep(2)
    runs = pair.installed.ask("status")["runs"]
    return any(run["kind"] == "reconcile" and run["outcome"] == "done" for run in runs)


def _due(pair: MedusaPair) -> int:
    time.sleep(0.1)
    return pair.installed.due()


def bench_reconcile(pair: MedusaPair) -> list[Result]:
    """A reconcile that finds nothing, against reading both sides at the same time."""
    connector = compose(load(pair.installed.file, env=pair.installed.secrets))
    target = connector.works[next(iter(connector.works))].target()
    one_by_one = seconds(lambda: _read_backend(connector)) + seconds(lambda: _read_site(connector))
    both = seconds(lambda: _read_both(connector))
    started = time.perf_counter()
    _, report = reconcile(connector.database, target, connector.clock, "bench")
    taken = time.perf_counter() - started
    connector.close()
    assert not report.marked, "the bench needs two equal sides"
    return [
        at_most(
            f"reconcile of {report.backend} products that finds nothing / reading both sides",
            taken / one_by_one,
            1.25,
            "x",
            reconcile_seconds=round(taken, 1),
            reading_one_after_the_other=round(one_by_one, 1),
            reading_at_once=round(both, 1),
            writes=0,
        )
    ]


def _read_backend(connector: Connector) -> None:
    for catalogue in connector.catalogues.values():
        for _ in catalogue.products():
            pass


def _read_site(connector: Connector) -> None:
    for work in connector.works.values():
        for _ in work.site.inventory(SubjectKind.PRODUCT):
            pass


def _read_both(connector: Connector) -> None:
    with ThreadPoolExecutor(2) as sides:
        for each in (sides.submit(_read_backend, connector), sides.submit(_read_site, connector)):
            each.result()


def _shows(visitor: httpx.Client, address: str, text: str) -> bool:
    return text in visitor.get(address).text


def bench_latency(pair: MedusaPair, samples: int, *, busy: bool) -> list[Result]:
    """From a stock change in Medusa to the page that shows it."""
    sku = "P11-S"
    address = pair.address(sku)
    with pair.medusa.admin() as admin:
        query = {"sku": sku, "fields": "inventory_items.inventory_item_id"}
        found = admin.get("/admin/product-variants", params=query).json()["variants"][0]
        item = found["inventory_items"][0]["inventory_item_id"]
        path = f"/admin/inventory-items/{item}/location-levels"
        path += f"/{pair.medusa.seeded.stock_location_id}"
        taken = []
        with httpx.Client(timeout=60) as visitor:
            for turn in range(samples):
                quantity = 100 + turn
                started = time.perf_counter()
                admin.post(path, json={"stocked_quantity": quantity}).raise_for_status()
                until(partial(_shows, visitor, address, f"{quantity} left"), "the stock", 120)
                taken.append(time.perf_counter() - started)
                time.sleep(0.05)
    when = "while every page is written again" if busy else "when idle"
    return [
        at_most(
            f"stock change in Medusa to the page, 95th percentile, {when}",
            percentile(taken, 0.95),
            3.0 if busy else 1.5,
            "s",
            median=round(percentile(taken, 0.5), 2),
            samples=samples,
        )
    ]
