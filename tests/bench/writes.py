"""The plugin against one REST POST per product, on the same WordPress and MariaDB, in rounds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import requests

from adapters.wordpress import SITE
from connector.clock import SystemClock
from connector.demo.wordpress import WordPress
from connector.model import BackendName, Money, Price, SiteName
from connector.ports import ContentWrite, Fence, OffersWrite, Outcome, Site, SiteSettings
from connector.signing import Secret
from connector.sync.project import project
from connector.sync.rules import SiteRules
from connector.testing import generate
from tests.bench.measure import Result, at_least, median, seconds
from tests.house import EUROS
from tests.live.pair import pair_with

RULES = SiteRules(markets=(EUROS,), media=False)
ROWS = 500
DOCUMENTS = 100
REST_TYPE = """
$code = '<?php add_action("init", function () {
  register_post_type("bench", ["public" => true, "show_in_rest" => true,
    "supports" => ["title", "editor", "custom-fields"]]);
  foreach (range(1, 10) as $i) {
    register_post_meta("bench", "f$i", ["single" => true, "type" => "string",
      "show_in_rest" => true]);
  }
});';
file_put_contents(WP_CONTENT_DIR . '/mu-plugins/bench.php', $code);
"""
Item = TypeVar("Item")
_sequence = itertools.count(1)


def open_site(site: WordPress) -> Site:
    settings = SiteSettings(
        SiteName("blog"),
        site.url,
        BackendName("shop"),
        plain=False,
        secrets=(Secret.parse(pair_with(site)),),
        credential=None,
        options={},
    )
    return SITE.open(settings, SystemClock())


def contents(start: int, count: int) -> list[ContentWrite]:
    """Whole pages of generated products; projecting them is not part of what is timed."""
    return [_content(number) for number in range(start, start + count)]


def _content(number: int) -> ContentWrite:
    shown = project(generate.product(number), RULES, datetime.now(UTC), {}).document
    turn = next(_sequence)
    return ContentWrite(
        shown.subject, Fence(1, turn), f"w{turn}", shown.slug, shown.fields, {}, whole=True
    )


def offers(start: int, count: int, cents: int) -> list[OffersWrite]:
    """Both variants of these products at a new price."""
    return [_offers(number, cents) for number in range(start, start + count)]


def _offers(number: int, cents: int) -> OffersWrite:
    product = generate.product(number)
    prices = (Price(Money(cents, "EUR")),)
    sold = tuple(replace(each, prices=prices) for each in product.variants)
    shown = project(replace(product, variants=sold), RULES, datetime.now(UTC), {})
    turn = next(_sequence)
    return OffersWrite(shown.document.subject, Fence(1, turn), f"o{turn}", shown.offers)


def batches(items: list[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


class RestPerProduct:
    """What a connector without a plugin does: one POST for each product."""

    def __init__(self, site: WordPress) -> None:
        site.php(REST_TYPE)
        self._url = f"{site.url}/wp-json/wp/v2/bench"
        self._session = requests.Session()
        self._session.auth = (site.admin_user, site.app_password)
        self.ids: list[int] = []

    def create(self, count: int) -> None:
        for number in range(count):
            meta = {f"f{i}": f"value {i} of {number}" for i in range(1, 11)}
            body = {"title": f"Product {number}", "content": "<p>Words</p>", "status": "publish"}
            answer = self._session.post(self._url, json={**body, "meta": meta})
            answer.raise_for_status()
            self.ids.append(answer.json()["id"])

    def price(self, count: int, value: str) -> None:
        for identity in self.ids[-count:]:
            body = {"meta": {"f1": value}}
            self._session.post(f"{self._url}/{identity}", json=body).raise_for_status()

    def close(self) -> None:
        self._session.close()


def bench_writes(site: WordPress, rounds: int, rest: int, plugin: int) -> list[Result]:
    """First import and price changes, each against REST in the same round."""
    ours, theirs = open_site(site), RestPerProduct(site)
    ours.check()
    made: list[float] = []
    priced: list[float] = []
    per_second: dict[str, list[float]] = {"REST": [], "plugin": [], "REST price": [], "rows": []}
    for turn in range(rounds):
        speeds = _round(ours, theirs, turn, rest, plugin)
        made.append(speeds["plugin"] / speeds["REST"])
        priced.append(speeds["rows"] / speeds["REST price"])
        for name, value in speeds.items():
            per_second[name].append(value)
    ours.close()
    theirs.close()
    speed = {name: round(median(values), 1) for name, values in per_second.items()}
    return [
        at_least(
            "first import, plugin / REST per product",
            median(made),
            12,
            "x",
            REST_per_second=speed["REST"],
            plugin_per_second=speed["plugin"],
        ),
        at_least(
            "price and stock, 500 rows a request / REST per product",
            median(priced),
            200,
            "x",
            REST_per_second=speed["REST price"],
            rows_per_second=speed["rows"],
        ),
    ]


def _round(
    ours: Site, theirs: RestPerProduct, turn: int, rest: int, plugin: int
) -> dict[str, float]:
    """Things a second in one round, theirs and ours in turns."""
    pages = contents(turn * plugin, plugin)
    before = offers(turn * plugin, plugin, 1000 + turn)
    changed = offers(turn * plugin, plugin, 2000 + turn)
    by_rest = rest / seconds(lambda: theirs.create(rest))
    by_plugin = plugin / seconds(lambda: _write(ours, pages))
    _write_offers(ours, before)
    rest_prices = rest / seconds(lambda: theirs.price(rest, f"price {turn}"))
    rows = sum(len(each.offers) for each in changed)
    by_rows = rows / seconds(lambda: _write_offers(ours, changed))
    return {"REST": by_rest, "plugin": by_plugin, "REST price": rest_prices, "rows": by_rows}


def _write(site: Site, pages: list[ContentWrite]) -> None:
    for batch in batches(pages, DOCUMENTS):
        receipts = site.write_content(batch)
        assert all(receipt.outcome is Outcome.DONE for receipt in receipts)


def _write_offers(site: Site, changed: list[OffersWrite]) -> None:
    for batch in batches(changed, ROWS // 2):
        receipts = site.write_offers(batch)
        assert all(receipt.outcome is Outcome.DONE for receipt in receipts)


def write_everything(site: Site, count: int) -> None:
    """Pages and offers of this many products, two batches at a time as two workers do."""
    from concurrent.futures import ThreadPoolExecutor

    pages, rows = contents(0, count), offers(0, count, 1000)
    started = [*batches(rows, ROWS // 2)], [*batches(pages, DOCUMENTS)]
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(site.write_offers, started[0]))
        list(workers.map(site.write_content, started[1]))
