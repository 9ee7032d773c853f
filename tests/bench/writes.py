"""The plugin against one REST POST per product, on the same WordPress and MariaDB, in rounds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import requests

from adapters.wordpress import SITE
from connector.clock import SystemClock
from connector.demo.wordpress import WordPress
from connector.model import BackendName, LocationStock, Money, Price, SiteName, Stock
from connector.ports import ContentWrite, Fence, OffersWrite, Outcome, Site, SiteSettings
from connector.signing import Secret
from connector.sync.plan import batches
from connector.sync.project import project
from connector.sync.rules import SiteRules
from connector.testing import generate
from tests.bench.measure import Result, at_least, median, seconds
from tests.house import EUROS
from tests.live.pair import pair_with

RULES = SiteRules(markets=(EUROS,), media=False)
ROWS = 500
"""Products whose price and stock change by one request: one variant, so one row, of each."""
DOCUMENTS = 100
FIELDS_IN_META = 7
"""With title, content and excerpt that makes ten fields."""
REST_TYPE = """
$code = '<?php add_action("init", function () {
  register_post_type("bench", ["public" => true, "show_in_rest" => true,
    "supports" => ["title", "editor", "excerpt", "custom-fields"]]);
  foreach (range(1, ' . $args[0] . ') as $i) {
    register_post_meta("bench", "f$i", ["single" => true, "type" => "string",
      "show_in_rest" => true]);
  }
});';
file_put_contents(WP_CONTENT_DIR . '/mu-plugins/bench.php', $code);
"""
PRICE_CHANGES = 3
"""A round's price change takes a fraction of a second, so it is measured this often."""
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
    """The one variant of each of these products at a new price and with new stock."""
    return [_offers(number, cents) for number in range(start, start + count)]


def _offers(number: int, cents: int) -> OffersWrite:
    product = generate.product(number, variants=1)
    prices = (Price(Money(cents, "EUR")),)
    stock = Stock(tracked=True, locations=(LocationStock("main", cents % 90 + 1),))
    sold = tuple(replace(each, prices=prices, stock=stock) for each in product.variants)
    shown = project(replace(product, variants=sold), RULES, datetime.now(UTC), {})
    turn = next(_sequence)
    return OffersWrite(shown.document.subject, Fence(1, turn), f"o{turn}", shown.offers)


class RestPerProduct:
    """What a connector without a plugin does: one POST for each product."""

    def __init__(self, site: WordPress) -> None:
        site.php(REST_TYPE, FIELDS_IN_META)
        self._url = f"{site.url}/wp-json/wp/v2/bench"
        self._session = requests.Session()
        self._session.auth = (site.admin_user, site.app_password)
        self.ids: list[int] = []

    def create(self, count: int) -> None:
        for number in range(count):
            body = {
                "title": f"Product {number}",
                "content": f"<p>The {number}th product</p>",
                "excerpt": f"Subtitle {number}",
                "status": "publish",
                "meta": {f"f{i}": f"value {i} of {number}" for i in range(1, FIELDS_IN_META + 1)},
            }
            answer = self._session.post(self._url, json=body)
            answer.raise_for_status()
            self.ids.append(answer.json()["id"])

    def price(self, count: int, value: str) -> None:
        """A new price and a new stock level."""
        for identity in self.ids[-count:]:
            body = {"meta": {"f1": value, "f2": f"stock at {value}"}}
            self._session.post(f"{self._url}/{identity}", json=body).raise_for_status()

    def close(self) -> None:
        self._session.close()


def bench_writes(site: WordPress, rounds: int, rest: int, plugin: int) -> list[Result]:
    """First import and price changes, each against REST in the same round."""
    ours, theirs = open_site(site), RestPerProduct(site)
    ours.check()
    every = [_round(ours, theirs, turn, rest, plugin) for turn in range(rounds)]
    ours.close()
    theirs.close()
    speed = {name: round(median([each[name] for each in every]), 1) for name in every[0]}
    return [
        at_least(
            "first import of pages, plugin / REST per product",
            median([each["made by plugin"] / each["made by REST"] for each in every]),
            12,
            "x",
            REST_per_second=speed["made by REST"],
            plugin_per_second=speed["made by plugin"],
            rounds=rounds,
        ),
        at_least(
            f"price and stock of {ROWS} products a request / REST per product",
            median([each["priced by plugin"] / each["priced by REST"] for each in every]),
            200,
            "x",
            REST_per_second=speed["priced by REST"],
            plugin_per_second=speed["priced by plugin"],
            rounds=rounds,
        ),
    ]


def _round(
    ours: Site, theirs: RestPerProduct, turn: int, rest: int, plugin: int
) -> dict[str, float]:
    """Products a second in one round, theirs and ours in turns."""
    pages = contents(turn * plugin, plugin)
    before = offers(turn * plugin, plugin, 1000 + turn)
    changes = [offers(turn * plugin, plugin, 2000 + turn + again) for again in range(PRICE_CHANGES)]
    made_by_rest = rest / seconds(lambda: theirs.create(rest))
    made_by_plugin = plugin / seconds(lambda: write_pages(ours, pages))
    write_offers(ours, before)
    priced_by_rest = rest / seconds(lambda: theirs.price(rest, f"price {turn}"))
    priced_by_plugin = plugin / median(
        [seconds(partial(write_offers, ours, changed)) for changed in changes]
    )
    return {
        "made by REST": made_by_rest,
        "made by plugin": made_by_plugin,
        "priced by REST": priced_by_rest,
        "priced by plugin": priced_by_plugin,
    }


def write_pages(site: Site, pages: list[ContentWrite]) -> None:
    for batch in batches(pages, DOCUMENTS):
        receipts = site.write_content(batch)
        assert all(receipt.outcome is Outcome.DONE for receipt in receipts)


def write_offers(site: Site, changed: list[OffersWrite]) -> None:
    for batch in batches(changed, ROWS):
        receipts = site.write_offers(batch)
        assert all(receipt.outcome is Outcome.DONE for receipt in receipts)
