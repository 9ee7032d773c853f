"""Dead at every commit there is, before it and after it: no effect twice, no gap.

A scripted life of a shop and its site makes every kind of commit. An undisturbed run says how often
each is made and how the site ends; then the same life is lived once for each failpoint, dying there
and starting again on the same state. FAILPOINTS=3 dies on both sides of the first, the middle and
the last commit of each name; otherwise it is the first, on one side. `test_doomed.py` does it to
real processes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connector.errors import ConnectorError
from connector.model import (
    FieldName,
    Lane,
    LocationStock,
    Money,
    Price,
    ProductId,
    Stock,
    SubjectKind,
    Text,
    VariantId,
)
from connector.ports import Fence, Signal
from connector.reconcile import reconcile
from connector.signing import Secret, signed_headers
from connector.state import leases
from connector.state.todo import Priority, Why
from connector.testing import failpoints, generate
from connector.testing.catalogue import MemoryCatalogue, webhook_body
from connector.testing.clock import FakeClock
from connector.testing.failpoints import Failpoint, When
from connector.testing.faults import FaultySite, Script, broken_off, lost_answer, refused
from connector.testing.site import MemorySite
from tests.house import SITE, House

PLACES = int(os.environ.get("FAILPOINTS", "1"))
SECRET = Secret(b"h" * 32)
PRODUCTS = 14
REACHED = frozenset(
    """
    alone.leave_alone categories._wait deliver._remember deliver._wait detect._begin_anew
    detect._follow detect._note_import detect._vanished detect.mark detect.receive detect.ring
    detect.sweep embedded._resume embedded.step media._one receipts.fail receipts.give_back
    receipts.keep receipts.settle receipts.stop reconcile._backend_page reconcile._categories
    reconcile._forget_unseen reconcile._missing reconcile._site_page reconcile._surplus
    reconcile.reconcile send._rise site_work._check
    """.split()  # noqa: SIM905
)
"""Commits that the life must make; those added later are died at as soon as it makes them."""


class Died(BaseException):
    """The process is no more. Nothing of ours catches this."""


def die() -> None:
    raise Died


@dataclass(slots=True)
class World:
    """What outlives the connector: the shop, the site, time, and the state's file."""

    folder: Path
    clock: FakeClock
    catalogue: MemoryCatalogue
    site: MemorySite
    script: Script
    _house: House | None = None
    deaths: int = 0

    @classmethod
    def made(cls, folder: Path) -> World:
        clock = FakeClock()
        catalogue = MemoryCatalogue(
            [generate.product(n, categories=(n % 2,)) for n in range(PRODUCTS)],
            [generate.category(0), generate.category(1, 0)],
            secrets=[SECRET],
            clock=clock,
        )
        world = cls(folder, clock, catalogue, MemorySite("blog"), Script())
        world.live(world._start)
        return world

    @property
    def house(self) -> House:
        assert self._house is not None
        return self._house

    def _start(self) -> None:
        """As `connector run` begins: what a dead one held is free, and everything is opened."""
        seen = FaultySite(self.site, self.script, self.clock)
        self._house = House(
            self.folder, self.catalogue, self.site, seen_site=seen, clock=self.clock
        )
        with self._house.database.write() as connection:
            leases.release_all(connection)

    def live(self, step: Callable[[], object]) -> None:
        """Do a step of the connector's; when it dies in it, start again and do it again."""
        while True:
            try:
                step()
            except Died:
                self.deaths += 1
                if self._house is not None:
                    self._house.database.close()
                    self.live(self._start)
            except ConnectorError:
                self.clock.advance(seconds=5)
            else:
                return

    # ---- the life ----

    def life(self) -> None:
        self.live(self.poll)
        self.live(self.import_new_sites)
        self.live(self.settle)
        self.live(partial(self.sweep, "prices"))
        self.live(partial(self.sweep, "stock"))
        self.busy_day()
        self.live(self.poll)
        self.live(lambda: self.hook("event-1", 6))
        self.live(self.settle)
        self.outage()
        self.damage()
        self.script.on("inventory", broken_off())
        self.live(self.reconcile)
        self.live(self.settle)
        self.quiet_changes()
        self.live(partial(self.sweep, "prices"))
        self.live(partial(self.sweep, "stock"))
        self.live(self.settle)
        self.site.allow(generate.product_subject(4))
        self.live(self.retry)
        self.live(self.settle)
        self.catalogue._feed.clear()
        self.live(self.poll)
        self.live(self.settle)
        self.clearance()
        self.clock.advance(hours=2)
        self.live(self.poll)
        self.live(self.settle)
        self.live(self.reconcile)
        self.live(self.settle)

    def busy_day(self) -> None:
        """Every kind of change; one product that the site refuses, one that it has locked."""
        shop, starts = self.catalogue, self.clock.now() + timedelta(seconds=30)
        shop.set_price(_variant(1), Price(Money(111, "EUR")))
        shop.set_stock(_variant(2), _stock(7))
        for number in (3, 4, 5):
            (old,) = shop.fetch([_id(number)]).products.values()
            shop.put(generate.retitled(old, f"Renamed {number}"))
        shop.put_category(generate.category(2))
        del shop._feed[-1]
        shop.put(generate.product(PRODUCTS, categories=(2,)))
        shop.remove(_id(0))
        sale = Price(Money(99, "EUR"), price_list="sale", starts_at=starts)
        shop.set_price(_variant(7), Price(Money(1000, "EUR")), sale)
        renamed = replace(generate.category(1, 0), texts={generate.ENGLISH: Text("Renamed")})
        shop.put_category(renamed)
        shop.put_category(generate.category(3, 2))
        self.site.refuse(generate.product_subject(4), "too long for this site")
        self.site.lock(generate.product_subject(5))
        self.script.on("write_offers", lost_answer()).on("write_content", None, lost_answer())

    def hook(self, event: str, number: int) -> None:
        """The shop's own message; a sender that gets no answer sends it again."""
        signal = Signal(generate.product_subject(number), frozenset({Lane.OFFERS}))
        body = webhook_body([signal])
        now = self.clock.now()
        headers = signed_headers(SECRET, event, int(now.timestamp()), body)
        self.house.detector.receive(headers, body)

    def outage(self) -> None:
        self.site.allow(generate.product_subject(5))
        self.script.on("write_offers", refused()).on("check", refused(), refused())
        self.catalogue.set_price(_variant(8), Price(Money(888, "EUR")))
        self.live(self.poll)
        self.live(self.settle)

    def damage(self) -> None:
        """What somebody does at the site behind the connector's back."""
        self.site.delete(generate.product_subject(9))
        self.site.delete_offers(generate.product_subject(10))
        self.site._remove_term(generate.category_subject(1))
        future = max(self.site._fences.values())
        self.site._fences[generate.product_subject(10), Lane.OFFERS] = Fence(future.epoch + 1, 1)

    def quiet_changes(self) -> None:
        """What moves no cursor: only a sweep shows it."""
        self.catalogue.set_price(_variant(11), Price(Money(1111, "EUR")))
        self.catalogue.set_stock(_variant(12), _stock(0))
        del self.catalogue._feed[-2:]

    def poll(self) -> None:
        self.house.detector.poll()

    def import_new_sites(self) -> None:
        self.house.detector.import_new_sites()

    def settle(self) -> None:
        self.house.settle()

    def sweep(self, name: str) -> None:
        self.house.detector.sweep(name)

    def retry(self) -> None:
        why = Why("t", "somebody asked")
        self.house.detector.mark(
            [generate.product_subject(4)], [SITE], frozenset(), Priority.PERSON, why
        )

    def clearance(self) -> None:
        """More goes than the safety stop lets through."""
        for number in range(1, 13):
            self.catalogue.remove(_id(number))

    def reconcile(self) -> None:
        reconcile(self.house.database, self.house.work.target(), self.clock, "test")

    # ---- how it ends ----

    def outcome(self) -> dict[str, object]:
        pages = self.site.pages(SubjectKind.PRODUCT) | self.site.pages(SubjectKind.CATEGORY)
        return {
            "pages": {
                str(subject): (page.slug, page.live, _without_ids(page.fields))
                for subject, page in sorted(pages.items())
            },
            "offers": {str(each): self.site.offers(each) for each in sorted(pages)},
            "pictures": len(self.site._media),
            "parked": sorted((str(p.subject), p.lane, p.error) for p in self.house.parked()),
            "due": self.house.due(),
        }


def _variant(number: int) -> VariantId:
    return generate.product(number).variants[0].id


def _id(number: int) -> ProductId:
    return generate.product(number).id


def _stock(pieces: int) -> Stock:
    return Stock(tracked=True, locations=(LocationStock("main", pieces),))


def _without_ids(fields: Mapping[FieldName, object]) -> dict[str, object]:
    """Pictures are named by the CMS's ids, which are given in the order of arrival."""
    return {name: value for name, value in fields.items() if name != "media"}


@cache
def undisturbed() -> tuple[Counter[str], dict[str, object]]:
    """How often each commit is made, and how the life ends."""
    with TemporaryDirectory() as folder, failpoints.armed(None) as watch:
        world = World.made(Path(folder))
        world.life()
        outcome = world.outcome()
        world.house.database.close()
    return watch.seen, outcome


def points() -> list[Failpoint]:
    sides, commits = list(When), sorted(undisturbed()[0].items())
    if PLACES == 1:
        return [Failpoint(name, sides[n % 2]) for n, (name, _) in enumerate(commits)]
    return [
        Failpoint(name, when, number)
        for name, count in commits
        for number in sorted({1, (count + 1) // 2, count})
        for when in sides
    ]


def test_the_life_makes_every_kind_of_commit() -> None:
    assert undisturbed()[0].keys() >= REACHED


@pytest.mark.parametrize("point", points(), ids=str)
def test_dead_at_this_commit_it_ends_as_if_it_had_lived(tmp_path: Path, point: Failpoint) -> None:
    _, expected = undisturbed()
    with failpoints.armed(point, die):
        world = World.made(tmp_path)
        world.life()
    assert world.deaths == 1
    assert world.outcome() == expected
    world.house.database.close()
