"""Random changes, edits and faults on both sides: when they stop, the site is right again.

Every seed is a whole life: a first import, a backend that changes, editors who edit, answers that
are lost, listings that break off, targets that are down. CHAOS=5000 makes the long version.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import ConnectorError
from connector.model import (
    FieldName,
    LocationStock,
    Money,
    Price,
    ProductId,
    Stock,
    Subject,
    SubjectKind,
    Text,
    VariantId,
)
from connector.reconcile import reconcile
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, FaultySite, Seeded
from connector.testing.site import MemorySite
from connector.work.retry import RetryPolicy
from tests.house import House

SEEDS = int(os.environ.get("CHAOS", "30"))
PRODUCTS, ROUNDS = 14, 6
LATEST_START = 600
TITLE, CATEGORIES = FieldName("title"), FieldName("categories")


class Life:
    """One seeded life of a shop and its site."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.catalogue = MemoryCatalogue(
            [generate.product(n, categories=(n % 3,)) for n in range(PRODUCTS)],
            [generate.category(0), generate.category(1, 0), generate.category(2, 1)],
            page_size=5,
        )
        self.site = MemorySite("blog", locales=("en-GB",), page_size=5)
        self.plans = (Seeded(seed), Seeded(seed + 1))
        self.house = House(
            folder,
            self.catalogue,
            self.site,
            seen_catalogue=FaultyCatalogue(self.catalogue, self.plans[0], self.clock),
            seen_site=FaultySite(self.site, self.plans[1], self.clock),
            clock=self.clock,
            policy=RetryPolicy(park_after=10**6),
        )
        self.edited: dict[Subject, str] = {}
        self.locked: set[Subject] = set()
        self.alive = set(range(PRODUCTS))
        self.retired = 0

    def attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except ConnectorError:
            self.clock.advance(seconds=1)

    def change(self) -> None:
        """What a merchant or an editor does."""
        number = self.dice.randrange(PRODUCTS)
        subject = generate.product_subject(number)
        kind = self.dice.randrange(12)
        if kind >= 8:
            self.change_more(kind, number)
            return
        if number not in self.alive:
            if kind == 7:
                self.catalogue.put(generate.product(number))
                self.alive.add(number)
            return
        variant = VariantId(generate.product(number).variants[0].id)
        if kind < 2:
            self.catalogue.set_price(variant, Price(Money(self.dice.randrange(1, 9999), "EUR")))
        elif kind < 4:
            level = LocationStock("main", self.dice.randrange(9))
            self.catalogue.set_stock(variant, Stock(tracked=True, locations=(level,)))
        elif kind == 4:
            old = self.catalogue.fetch([ProductId(subject.id)]).products[ProductId(subject.id)]
            self.catalogue.put(generate.retitled(old, f"Shop {self.dice.random()}"))
        elif kind == 5 and self.site.page(subject) is not None and subject not in self.edited:
            words = f"Editor {self.dice.random()}"
            self.site.edit(subject, TITLE, words)
            self.edited[subject] = words
        elif kind == 6 and self.retired < 3:
            self.catalogue.remove(ProductId(subject.id))
            self.alive.discard(number)
            self.retired += 1

    def change_more(self, kind: int, number: int) -> None:
        """Categories, scheduled prices, and a shop whose listing of changes begins anew."""
        name = self.dice.randrange(3)
        if kind == 8:
            active = name == 0 or self.dice.random() < 0.7
            parent = self.dice.choice([None, 0]) if name else None
            old = replace(generate.category(name, parent), active=active)
            text = Text(f"Category {self.dice.random()}")
            self.catalogue.put_category(replace(old, texts={old.default_locale: text}))
        elif kind == 9 and number in self.alive:
            variant = VariantId(generate.product(number).variants[1].id)
            starts = self.clock.now() + timedelta(seconds=self.dice.randrange(1, LATEST_START))
            later = Price(
                Money(self.dice.randrange(1, 900), "EUR"), price_list="sale", starts_at=starts
            )
            self.catalogue.set_price(variant, Price(Money(1000, "EUR")), later)
        elif kind == 10 and number in self.alive:
            subject = generate.product_subject(number)
            if self.site.page(subject) is not None:
                self.site.lock(subject)
                self.locked.add(subject)
        elif kind == 11 and self.dice.random() < 0.1:
            self.catalogue._feed.clear()

    def live(self) -> None:
        self.attempt(self.house.detector.poll)
        self.attempt(self.house.detector.import_new_sites)
        for _ in range(ROUNDS):
            for _ in range(self.dice.randrange(6)):
                self.change()
            self.attempt(self.house.detector.poll)
            for _ in range(self.dice.randrange(4)):
                self.attempt(self.house.step)
                self.clock.advance(seconds=self.dice.randrange(20))
            if self.dice.random() < 0.3:
                self.attempt(self.reconcile)
        for plan in self.plans:
            plan.stop()
        for subject in self.locked:
            self.site.allow(subject)
        self.house.detector.poll()
        self.house.detector.import_new_sites()
        self.house.settle(hours=48)
        self.clock.advance(seconds=LATEST_START)
        self.house.settle(hours=48)
        self.reconcile()
        self.house.settle(hours=48)

    def reconcile(self) -> None:
        reconcile(self.house.database, self.house.work.target(), self.clock, "chaos")


@pytest.mark.parametrize("seed", range(0, SEEDS * 2, 2))
def test_when_the_faults_stop_the_site_is_right(tmp_path: Path, seed: int) -> None:
    life = Life(tmp_path, seed)
    life.live()
    site, house = life.site, life.house
    assert house.due() == 0
    assert house.parked() == []
    pages = site.pages(SubjectKind.PRODUCT)
    active = {category.id: category.active for category in life.catalogue.categories()}
    shown = {s.id for s, page in pages.items() if page.live}
    assert shown == {generate.product_subject(n).id for n in life.alive}
    assert len({page.cms_id for page in pages.values()}) == len(pages)
    for number in life.alive:
        subject = generate.product_subject(number)
        (product,) = life.catalogue.fetch([ProductId(subject.id)]).products.values()
        amounts = [offer.amount for offer in site.offers(subject)]
        assert amounts == [
            min(p.amount for p in variant.prices if p.amount.currency == "EUR")
            for variant in product.variants
        ]
        title = pages[subject].fields[TITLE]
        expected = life.edited.get(subject, product.texts[product.default_locale].title)
        assert title == expected, "an editor's words were lost" if subject in life.edited else ""
        assert pages[subject].fields[CATEGORIES] == [
            each for each in product.categories if active[each]
        ]
    assert {s.id for s in site.pages(SubjectKind.CATEGORY)} == {c for c in active if active[c]}
    assert {s.id for s in site._offers} == shown
    for subject in pages.keys() - {generate.product_subject(n) for n in life.alive}:
        assert site.offers(subject) == ()
        if subject in life.edited:
            assert pages[subject].fields[TITLE] == life.edited[subject]
    house.database.close()
