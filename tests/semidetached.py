"""Two sites of one shop on one state, in memory; commands get a connector of their own."""

from __future__ import annotations

from pathlib import Path

from connector import config
from connector.clock import SystemClock
from connector.compose import Connector
from connector.detect import Detector
from connector.model import FieldName, Money, Price, SiteName, VariantId
from connector.site_work import SiteWork
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.site import MemorySite
from connector.work.embedded import Engine, Line
from tests.house import BACKEND, SITE, House, picture

SECOND = SiteName("magazine")
YAML = """
backends:
  shop: {system: medusa, url: "http://127.0.0.1:9", credential: {env: KEY}}
sites:
  blog:
    system: wordpress
    url: http://127.0.0.1:8
    backend: shop
    secrets: [{env: SECRET}]
    paused: PAUSED
    markets: [{name: main, locale: en-GB, currency: EUR}]
  magazine:
    system: wordpress
    url: http://127.0.0.1:7
    backend: shop
    secrets: [{env: SECRET}]
    markets: [{name: main, locale: en-GB, currency: EUR}]
"""
ENV = {"KEY": "sk_test", "SECRET": "whsec_" + "QUFB" * 8}


class Pair:
    """A shop with two sites, both filled. `connector` is made anew for each command."""

    def __init__(self, folder: Path) -> None:
        self.first = House(folder, MemoryCatalogue(generate.products(4)))
        house = self.first
        self.second = SiteWork(
            house.database,
            SECOND,
            BACKEND,
            MemorySite("magazine", locales=("en-GB",)),
            house.catalogue,
            house.rules,
            house.clock,
            fetch=picture,
        )
        self.paused = False
        house.detector = Detector(
            house.database, BACKEND, house.catalogue, [SITE, SECOND], house.clock
        )
        theirs = [Line(SECOND, BACKEND, line.lanes, 200, self.second) for line in house.lines]
        self.lines = [*house.lines, *theirs]
        house.lines = self.lines
        house.fill()
        house.clock.advance(days=-3650)

    def connector(self) -> Connector:
        house = self.first
        lines = [line for line in self.lines if not (self.paused and line.site == SITE)]
        text = YAML.replace("PAUSED", "true" if self.paused else "false")
        return Shared(
            config.loads(text, env=ENV),
            house.database,
            SystemClock(),
            {BACKEND: house.catalogue},
            {BACKEND: house.detector},
            {SITE: house.work, SECOND: self.second},
            Engine(house.database, SystemClock(), lines),
        )

    def change(self, cents: int) -> None:
        variant = self.first.site.offers(generate.product_subject(1))[0].variant
        self.first.catalogue.set_price(VariantId(variant), Price(Money(cents, "EUR")))

    def price(self, site: SiteName) -> int:
        held = self.first.site if site == SITE else self.second.site
        assert isinstance(held, MemorySite)
        return held.offers(generate.product_subject(1))[0].amount.amount_minor

    def edit(self, site: SiteName) -> None:
        held = self.first.site if site == SITE else self.second.site
        assert isinstance(held, MemorySite)
        held.edit(generate.product_subject(1), FieldName("tags"), ["vandal"])


class Shared(Connector):
    def close(self) -> None:
        """The pair stays open between commands."""
