"""The whole way from a real Medusa to a real WordPress: first import, reconcile, latency.

Every figure compares runs of the same minute on the same catalogue. What is claimed besides the
times is looked up at the site: how many pages it shows, how many write requests it was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from urllib.parse import urlsplit

import httpx

from connector.compose import Connector, compose
from connector.config import load
from connector.model import CategoryId, SubjectKind
from connector.ports import (
    Catalogue,
    ContentWrite,
    Fence,
    Fetched,
    OffersWrite,
    Outcome,
    Receipt,
    TermWrite,
)
from connector.reconcile import reconcile
from connector.sync.plan import batches
from connector.sync.project import Projection, project, project_category
from connector.target import Target
from tests.bench.measure import Result, at_least, at_most, median, percentile, seconds
from tests.bench.systems import Systems
from tests.live.pair import MedusaPair, until

WORKERS = 2
"""As many as the daemon gives a site (work.workers_per_site)."""
LOOK_SECONDS = 0.25
"""How often the daemon is asked whether it is done: seldom enough to cost it nothing."""
SAMPLE_SKU = "P11-S"
SHOWN = "SELECT COUNT(*) FROM wp_posts WHERE post_type = 'commerce_product' AND "
SHOWN += "post_status = 'publish'"
NOTE_REQUESTS = """
$code = '<?php add_filter("rest_pre_dispatch", function ($result, $server, $request) {
  file_put_contents(WP_CONTENT_DIR . "/requests", $request->get_method() . "\\n",
    FILE_APPEND | LOCK_EX);
  return $result;
}, 10, 3);';
file_put_contents(WP_CONTENT_DIR . '/mu-plugins/requests.php', $code);
"""
"""The site itself notes the method of every request to its REST API."""
_sequence = count(1)


@contextmanager
def composed(pair: MedusaPair) -> Iterator[tuple[Connector, Target]]:
    """The connector that the pair's configuration describes, in this process."""
    connector = compose(load(pair.installed.file, env=pair.installed.secrets))
    try:
        yield connector, next(iter(connector.works.values())).target()
    finally:
        connector.close()


# ---- first import ----


def bench_first_import(systems: Systems, rounds: int) -> list[Result]:
    """Reading alone, writing alone, then both by the daemon, in turns."""
    every = [_import_round(systems) for _ in range(rounds)]
    reading, writing, whole = (median([each[i] for each in every]) for i in range(3))
    return [
        at_least(
            f"first import of {systems.products} products, slower side alone / end to end",
            median([100 * max(each[0], each[1]) / each[2] for each in every]),
            60,
            "%",
            reading_seconds=round(reading, 1),
            writing_seconds=round(writing, 1),
            end_to_end_seconds=round(whole, 1),
            rounds=rounds,
        )
    ]


def _import_round(systems: Systems) -> tuple[float, float, float]:
    pair = systems.fresh_pair()
    with composed(pair) as (_, target):
        fetched: list[Fetched] = []
        reading = seconds(lambda: fetched.extend(read_everything(target.catalogue)))
        writes = prepare(target, fetched)
        writing = seconds(lambda: writes.send(target))
    pair = systems.fresh_pair()
    whole = import_by_daemon(pair)
    shown = int(systems.database.sql(SHOWN, database=pair.site.place.database_name))
    assert shown == systems.products, f"{shown} pages stand there instead of {systems.products}"
    systems.keep()
    return reading, writing, whole


def read_everything(catalogue: Catalogue) -> list[Fetched]:
    """Every product by its id, in batches, as the daemon reads them: by two workers."""
    ids = [identity for page in catalogue.ids() for identity in page]
    with ThreadPoolExecutor(WORKERS) as workers:
        return list(workers.map(catalogue.fetch, batches(ids, catalogue.capabilities.fetch_size)))


@dataclass(frozen=True, slots=True)
class Writes:
    """All that a first import writes, ready to be sent."""

    terms: Sequence[TermWrite]
    offers: Sequence[OffersWrite]
    pages: Sequence[ContentWrite]

    def send(self, target: Target) -> None:
        """Categories first, then as the daemon does it: by two workers, whole batches."""
        site, can = target.site, target.capabilities
        _done(site.write_terms(self.terms))
        rows = batches(self.offers, can.offer_rows_per_request, lambda each: len(each.offers))
        pages = batches(self.pages, can.documents_per_request)
        with ThreadPoolExecutor(WORKERS) as workers:
            for receipts in workers.map(site.write_offers, rows):
                _done(receipts)
            for receipts in workers.map(site.write_content, pages):
                _done(receipts)


def prepare(target: Target, fetched: Sequence[Fetched]) -> Writes:
    """What the daemon would write of these products; deciding it is not part of what is timed."""
    tree = {each.id: each for each in target.catalogue.categories()}
    terms = [project_category(each, target.rules) for each in tree.values()]
    shown = [
        project(product, target.rules, datetime.now(UTC), {}, target.catalogue.admin_url(id_))
        for each in fetched
        for id_, product in each.products.items()
    ]
    return Writes(
        [
            TermWrite(
                term.subject,
                *_place(),
                term.slug,
                term.name,
                term.description,
                CategoryId(term.parent) if term.parent else None,
                term.rank,
            )
            for term in terms
        ],
        [OffersWrite(each.document.subject, *_place(), each.offers) for each in shown],
        [_page(each) for each in shown],
    )


def _page(shown: Projection) -> ContentWrite:
    document = shown.document
    return ContentWrite(document.subject, *_place(), document.slug, document.fields, {}, whole=True)


def _place() -> tuple[Fence, str]:
    turn = next(_sequence)
    return Fence(1, turn), f"w{turn}"


def _done(receipts: Sequence[Receipt]) -> None:
    assert all(each.outcome is Outcome.DONE for each in receipts)


def import_by_daemon(pair: MedusaPair) -> float:
    """Seconds from the daemon's start until nothing of the first import is due."""
    started = time.perf_counter()
    pair.installed.start()
    until(lambda: pair.installed.due() > 0, "the marking", 120)
    while True:
        until(partial(_nothing_due, pair), "the first import", 1800)
        taken = time.perf_counter() - started
        if "import:blog" in pair.installed.ask("status")["looked"]["shop"]:
            return taken


def _nothing_due(pair: MedusaPair) -> bool:
    time.sleep(LOOK_SECONDS)
    return pair.installed.due() == 0


# ---- reconcile ----


def bench_reconcile(systems: Systems, rounds: int) -> list[Result]:
    """A reconcile that finds nothing, against reading both sides, in turns."""
    pair = systems.imported_pair()
    pair.installed.stop()
    with composed(pair) as (connector, target):
        pair.site.php(NOTE_REQUESTS)
        _read_both(target)
        every = [_reconcile_round(connector, target) for _ in range(rounds)]
    at_once, in_turn, taken = (median([each[i] for each in every]) for i in range(3))
    requests = (pair.site.place.root / "wp-content" / "requests").read_text().split()
    reads = requests.count("GET")
    writes = len(requests) - reads
    return [
        at_most(
            f"reconcile of {systems.products} products that finds nothing / reading both sides"
            " at once",
            median([each[2] / each[0] for each in every]),
            1.25,
            "x",
            reconcile_seconds=round(taken, 1),
            reading_at_once_seconds=round(at_once, 1),
            reading_one_after_the_other_seconds=round(in_turn, 1),
            rounds=rounds,
        ),
        at_most("requests but reads that the site was sent by it", writes, 0, "", reads=reads),
    ]


def _reconcile_round(connector: Connector, target: Target) -> tuple[float, float, float]:
    at_once = seconds(lambda: _read_both(target))
    started = time.perf_counter()
    _, report = reconcile(connector.database, target, connector.clock, "bench")
    taken = time.perf_counter() - started
    assert not report.marked, "the bench needs two equal sides"
    in_turn = seconds(lambda: _read_backend(target)) + seconds(lambda: _read_site(target))
    return at_once, in_turn, taken


def _read_backend(target: Target) -> None:
    for _ in target.catalogue.products():
        pass


def _read_site(target: Target) -> None:
    for _ in target.site.inventory(SubjectKind.PRODUCT):
        pass


def _read_both(target: Target) -> None:
    with ThreadPoolExecutor(2) as sides:
        for each in (sides.submit(_read_backend, target), sides.submit(_read_site, target)):
            each.result()


# ---- latency ----


def bench_latency(systems: Systems, samples: int) -> list[Result]:
    """From a stock change in Medusa to the page: when idle, and while a first import runs."""
    pair = systems.imported_pair()
    path = urlsplit(pair.address(SAMPLE_SKU)).path
    idle: list[float] = []
    with _watching(pair, path) as sample:
        while len(idle) < samples:
            idle.append(sample())
            time.sleep(0.05)
    busy: list[float] = []
    while len(busy) < samples:
        busy += _while_importing(systems, path)
    return [_latency(idle, "when idle", 1.5), _latency(busy, "while a first import runs", 3.0)]


def _latency(taken: Sequence[float], when: str, goal: float) -> Result:
    return at_most(
        f"stock change in Medusa to the page, 95th percentile, {when}",
        percentile(taken, 0.95),
        goal,
        "s",
        median=round(median(taken), 2),
        slowest=round(max(taken), 2),
        samples=len(taken),
    )


def _while_importing(systems: Systems, path: str) -> list[float]:
    """Samples that began and ended while products of a first import were still due."""
    pair = systems.fresh_pair()
    pair.installed.start()
    taken: list[float] = []
    with httpx.Client(timeout=60, trust_env=False) as visitor:
        page = f"{pair.site.url}{path}"
        until(lambda: visitor.get(page).status_code == 200, "the first pages", 120)
    with _watching(pair, path) as sample:
        while True:
            one = sample()
            if not pair.installed.due():
                return taken
            taken.append(one)


@contextmanager
def _watching(pair: MedusaPair, path: str) -> Iterator[Callable[[], float]]:
    """Changes a stock level in Medusa at each call; how long until the page shows it."""
    page, quantities = f"{pair.site.url}{path}", count(100)
    with pair.medusa.admin() as admin, httpx.Client(timeout=60, trust_env=False) as visitor:
        query = {"sku": SAMPLE_SKU, "fields": "inventory_items.inventory_item_id"}
        found = admin.get("/admin/product-variants", params=query).json()["variants"][0]
        item = found["inventory_items"][0]["inventory_item_id"]
        level = f"/admin/inventory-items/{item}/location-levels"
        level += f"/{pair.medusa.seeded.stock_location_id}"

        def sample() -> float:
            quantity = next(quantities)
            started = time.perf_counter()
            admin.post(level, json={"stocked_quantity": quantity}).raise_for_status()
            until(lambda: f"{quantity} left" in visitor.get(page).text, "the stock", 120)
            return time.perf_counter() - started

        yield sample
