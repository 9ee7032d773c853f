"""One subject's trouble stays its own; the safety stop guards every way off sale; nothing due is
lost between the lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import ConnectorError, Rejected, TryAgain
from connector.model import (
    Category,
    FieldName,
    Lane,
    Money,
    Price,
    Product,
    ProductId,
    Subject,
    SubjectKind,
    Text,
    VariantId,
)
from connector.ports import ContentWrite, Fetched, Receipt
from connector.state import leases, parking, targets, todo
from connector.state.todo import Due, Priority, Why
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import RetirePolicy, SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, FaultySite, Script, lost_answer, refused
from connector.testing.site import WITH_EXTENSION, MemorySite
from tests.house import EUROS, SITE, House

SUBJECT = generate.product_subject
WHY = Why("test", "test")
NO_MEDIA = SiteRules(markets=(EUROS,), media=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(30)), rules=NO_MEDIA)
    house.fill()
    yield house
    house.database.close()


def variants_of(house: House, number: int) -> list[VariantId]:
    return [each.variant for each in house.site.offers(SUBJECT(number))]


def mark(house: House, *subjects: Subject, lane: Lane = Lane.CONTENT) -> None:
    with house.database.write() as connection:
        due = [Due(SITE, lane, subject) for subject in subjects]
        todo.mark(connection, due, priority=Priority.SIGNAL, now=house.clock.now(), why=WHY)


# ---- the safety stop ----


def test_an_emptied_backend_takes_no_offer_away_either(house: House) -> None:
    for number in range(30):
        house.catalogue.remove(ProductId(SUBJECT(number).id))
    house.poll()
    assert all(house.site.offers(SUBJECT(number)) for number in range(30))
    assert {row.error for row in house.parked()} == {"SafetyStop"}
    assert {row.lane for row in house.parked()} == {Lane.OFFERS, Lane.CONTENT}


def test_a_backend_that_lost_its_prices_empties_no_offers(house: House) -> None:
    for number in range(30):
        for variant in variants_of(house, number):
            house.catalogue.set_price(variant)
    house.poll()
    assert all(house.site.offers(SUBJECT(number)) for number in range(30))
    assert len(house.parked()) == 30


def test_few_products_leave_in_both_lanes_and_count_once_each(house: House) -> None:
    for number in range(10):
        house.catalogue.remove(ProductId(SUBJECT(number).id))
    house.poll()
    assert house.parked() == []
    pages = house.site.pages()
    assert all(pages[SUBJECT(n)].retired and not house.site.offers(SUBJECT(n)) for n in range(10))


def test_the_allowance_is_of_an_hour_over_runs_and_lanes(house: House) -> None:
    for number in range(10):
        house.catalogue.remove(ProductId(SUBJECT(number).id))
        house.poll()
    for variant in variants_of(house, 20):
        house.catalogue.set_price(variant)
    house.poll()
    assert house.site.offers(SUBJECT(20))
    assert [row.error for row in house.parked()] == ["SafetyStop"]
    house.clock.advance(hours=2)
    mark(house, SUBJECT(20), lane=Lane.OFFERS)
    house.settle()
    assert house.site.offers(SUBJECT(20)) == ()
    assert house.parked() == []


def test_prices_that_come_back_give_the_allowance_back(house: House) -> None:
    for number in range(10):
        for variant in variants_of(house, number):
            house.catalogue.set_price(variant)
    house.poll()
    for number in range(10):
        house.catalogue.put(generate.product(number))
    house.poll()
    for number in range(10, 20):
        house.catalogue.remove(ProductId(SUBJECT(number).id))
    house.poll()
    assert house.parked() == []
    assert sum(page.retired for page in house.site.pages().values()) == 10


@pytest.mark.parametrize("how", ["removed", "priced nowhere"])
def test_a_small_site_is_not_emptied_one_by_one(tmp_path: Path, how: str) -> None:
    house = House(tmp_path, MemoryCatalogue(generate.products(4)))
    house.fill()
    for number in range(4):
        if how == "removed":
            house.catalogue.remove(ProductId(SUBJECT(number).id))
        else:
            for variant in variants_of(house, number):
                house.catalogue.set_price(variant)
        house.poll()
    assert [number for number in range(4) if house.site.offers(SUBJECT(number))] == [3]
    assert {row.subject for row in house.parked()} == {SUBJECT(3)}
    house.database.close()


# ---- one subject's trouble is its own ----


def in_category(number: int, *categories: int) -> Product:
    return generate.product(number, categories=categories)


def nameless(category: Category) -> Category:
    return replace(category, texts={category.default_locale: Text(" ")})


@pytest.mark.parametrize("trouble", ["no name", "refused by the site"])
def test_a_category_in_trouble_holds_no_product_back(tmp_path: Path, trouble: str) -> None:
    good, bad = generate.category(1), generate.category(2)
    catalogue = MemoryCatalogue(
        [in_category(1, 1, 2), in_category(2, 2)],
        [good, nameless(bad) if trouble == "no name" else bad],
    )
    house = House(tmp_path, catalogue)
    if trouble != "no name":
        house.site.refuse(generate.category_subject(2))
    house.fill()
    assert house.due() == 0
    assert [row.subject for row in house.parked()] == [generate.category_subject(2)]
    shown = {s.id: page.fields[FieldName("categories")] for s, page in house.site.pages().items()}
    assert shown == {SUBJECT(1).id: [generate.category_subject(1).id], SUBJECT(2).id: []}
    house.database.close()


def test_a_category_that_becomes_active_gets_the_pages_that_are_in_it(tmp_path: Path) -> None:
    resting = replace(generate.category(1), active=False)
    catalogue = MemoryCatalogue([in_category(1, 1), in_category(2)], [resting])
    house = House(tmp_path, catalogue, rules=NO_MEDIA)
    house.fill()

    def shown(number: int) -> object:
        return house.site.pages()[SUBJECT(number)].fields[FieldName("categories")]

    assert shown(1) == []
    before = len(house.site.written())
    catalogue.put_category(replace(resting, active=True))
    house.poll()
    assert shown(1) == [generate.category_subject(1).id]
    assert shown(2) == []
    assert len(house.site.written()) - before == 2
    catalogue.put_category(replace(resting, texts=generate.category(2).texts, active=True))
    house.catalogue.fetched.clear()
    house.poll()
    assert not house.catalogue.fetched, "a new name is no reason to look at every page"
    house.database.close()


def test_pages_that_wait_for_a_category_do_not_use_up_its_tries(tmp_path: Path) -> None:
    parent, child = generate.category(1), generate.category(2, 1)
    house = House(tmp_path, MemoryCatalogue([in_category(1, 2)], [parent, child]))
    house.site.lock(generate.category_subject(1))
    house.detector.poll()
    house.detector.import_new_sites()
    before = house.catalogue.fetched.copy()
    house.settle(hours=10 / 3600)
    assert house.parked() == []
    assert house.site.counts["write_terms"] <= 4
    assert (house.catalogue.fetched - before).total() <= 10
    house.site.allow(generate.category_subject(1))
    house.settle()
    assert len(house.site.pages(SubjectKind.CATEGORY)) == 2
    assert house.site.pages()[SUBJECT(1)].live
    house.database.close()


def test_categories_that_stand_above_each_other_come_to_an_end(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(
        [in_category(1, 1, 2)], [generate.category(1, 2), generate.category(2, 1)]
    )
    house = House(tmp_path, catalogue)
    house.fill()
    assert house.due() == 0
    assert house.parked() == []
    assert len(house.site.pages(SubjectKind.CATEGORY)) == 2
    assert len(house.site.pages()) == 1
    house.database.close()


class Exploding(FaultySite):
    """A site that answers nothing sensible to a batch with certain subjects in it."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        if any(write.subject in self.bombs for write in batch):
            self.bombed.append(len(batch))
            raise TryAgain("the site answered 500")
        return super().write_content(batch)

    bombed: list[int]


def test_one_page_that_breaks_the_site_is_parked_alone(tmp_path: Path) -> None:
    site, clock = MemorySite("blog"), FakeClock()
    seen = Exploding(site, Script(), clock)
    seen.bombed, seen.bombs = [], {SUBJECT(7)}
    house = House(
        tmp_path,
        MemoryCatalogue(generate.products(100)),
        site,
        seen_site=seen,
        clock=clock,
        rules=NO_MEDIA,
    )
    house.fill()
    assert {row.subject for row in house.parked()} == {SUBJECT(7)}
    assert len(site.pages()) == 99
    assert len(seen.bombed) < 20
    house.database.close()


class Stumbling(FaultyCatalogue):
    """A backend that fails at every fetch with certain products in it."""

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        if self.stumbles & set(ids):
            raise self.answer("the shop answered 500")
        return super().fetch(ids)

    stumbles: set[ProductId]

    answer: type[ConnectorError] = TryAgain


@pytest.mark.parametrize("answer", [TryAgain, Rejected])
def test_one_product_that_breaks_the_backend_is_parked_alone(
    tmp_path: Path, answer: type[ConnectorError]
) -> None:
    catalogue, clock = MemoryCatalogue(generate.products(100)), FakeClock()
    seen = Stumbling(catalogue, Script(), clock)
    seen.stumbles, seen.answer = {ProductId(SUBJECT(7).id)}, answer
    house = House(tmp_path, catalogue, seen_catalogue=seen, clock=clock, rules=NO_MEDIA)
    house.fill()
    assert {row.subject for row in house.parked()} == {SUBJECT(7)}
    assert len(house.site.pages()) == 99
    house.database.close()


def test_a_site_that_is_down_for_an_hour_parks_nothing(tmp_path: Path) -> None:
    site, clock, script = MemorySite("blog"), FakeClock(), Script()
    catalogue = MemoryCatalogue(generate.products(30))
    house = House(tmp_path, catalogue, site, seen_site=FaultySite(site, script, clock), clock=clock)
    house.fill()
    for number in range(30):
        catalogue.put(generate.retitled(generate.product(number), "new"))
    for method in ("check", "write_content", "write_offers"):
        script.always(method, lost_answer())
    house.detector.poll()
    house.settle(hours=1)
    assert house.parked() == []
    for method in ("check", "write_content", "write_offers"):
        script.always(method, None)
    house.settle()
    assert house.parked() == []
    assert {page.fields[FieldName("title")] for page in site.pages().values()} == {"new"}
    house.database.close()


def test_a_site_that_answers_every_probe_and_takes_no_write_is_left_alone_ever_longer(
    tmp_path: Path,
) -> None:
    """Lines with nothing to do must not take a probe for a site that works."""
    site, clock, script = MemorySite("blog"), FakeClock(), Script()
    catalogue = MemoryCatalogue(generate.products(3))
    house = House(tmp_path, catalogue, site, seen_site=FaultySite(site, script, clock), clock=clock)
    house.fill()
    catalogue.put(generate.retitled(generate.product(1), "new"))
    script.always("write_content", refused())
    house.detector.poll()
    house.settle(hours=1)
    assert 5 < len(script.used) < 25
    with house.database.read() as connection:
        (held,) = targets.suspensions_now(connection).values()
    assert held.failures == len(script.used)
    script.always("write_content", None)
    house.settle()
    with house.database.read() as connection:
        assert targets.suspensions_now(connection) == {}
    house.database.close()


# ---- nothing is lost between the lanes ----


def test_a_look_at_the_page_does_not_swallow_a_price_that_starts_now(house: House) -> None:
    (variant, *_) = variants_of(house, 4)
    starts = house.clock.now() + timedelta(hours=1)
    sale = Price(Money(1, "EUR"), price_list="sale", starts_at=starts)
    house.catalogue.set_price(variant, Price(Money(2000, "EUR")), sale)
    house.poll()
    house.clock.advance(hours=1)
    mark(house, SUBJECT(4), lane=Lane.CONTENT)
    house.step()
    house.settle()
    assert house.site.offers(SUBJECT(4))[0].amount == Money(1, "EUR")


def test_a_subject_mended_while_it_was_refused_is_not_left_parked(house: House) -> None:
    poison = SUBJECT(3)
    mark(house, poison)
    with house.database.write() as connection:
        (claim,) = leases.claim(
            connection,
            SITE,
            lanes=[Lane.CONTENT],
            limit=1,
            now=house.clock.now(),
            lease_seconds=60,
            owner="test",
        )
    mark(house, poison)
    with house.database.write() as connection:
        leases.park(connection, claim, reason="no", error="Rejected", now=house.clock.now())
    house.settle()
    with house.database.read() as connection:
        assert parking.list_parked(connection) == []
    assert house.due() == 0


def test_a_late_owner_parks_nothing(house: House) -> None:
    mark(house, SUBJECT(3))
    claims = []
    for _ in range(2):
        with house.database.write() as connection:
            claims += leases.claim(
                connection,
                SITE,
                lanes=[Lane.CONTENT],
                limit=1,
                now=house.clock.now(),
                lease_seconds=60,
                owner="test",
            )
        house.clock.advance(seconds=61)
    late, owner = claims
    with house.database.write() as connection:
        leases.park(connection, late, reason="no", error="Rejected", now=house.clock.now())
        assert parking.list_parked(connection) == []
        assert leases.still_held(connection, [owner]) == {owner.id}


class Slow(MemorySite):
    """Takes its time for pages, in small batches, and lets the test do something meanwhile."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        can = replace(WITH_EXTENSION, documents_per_request=2)
        super().__init__("blog", locales=("en-GB",), capabilities=can)
        self.clock, self.seconds = clock, seconds
        self.meanwhile: Callable[[], object] | None = None

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        receipts = super().write_content(batch)
        if meanwhile := self.meanwhile:
            self.clock.advance(seconds=self.seconds)
            self.meanwhile = None
            meanwhile()
            self.meanwhile = meanwhile
        return receipts


def writes_by_subject(site: MemorySite, since: int) -> Counter[Subject]:
    return Counter(
        subject
        for request in site.written()[since:]
        if request.method == "write_content"
        for subject in request.subjects
    )


@pytest.mark.parametrize(("seconds", "twice"), [(130, 2), (50, 0)])
def test_a_slow_worker_writes_nothing_that_another_has_taken_over(
    tmp_path: Path, seconds: float, twice: int
) -> None:
    """After 130 seconds its lease is over: the other one works, also at the two whose answer is
    not kept yet. Before that it is made longer."""
    clock = FakeClock()
    site = Slow(clock, seconds)
    house = House(
        tmp_path, MemoryCatalogue(generate.products(8)), site, rules=NO_MEDIA, clock=clock
    )
    house.fill()
    for number in range(1, 9):
        house.catalogue.put(generate.retitled(generate.product(number), "new"))
        mark(house, SUBJECT(number))
    before = len(site.written())
    (pages,) = [line for line in house.lines if Lane.CONTENT in line.lanes]
    site.meanwhile = lambda: house.engine.step(pages, "another")
    house.engine.step(pages, "slow")
    site.meanwhile = None
    house.settle()
    written = writes_by_subject(site, before)
    assert (len(written), written.total()) == (8, 8 + twice)
    house.database.close()


def test_an_edit_that_is_heard_of_while_another_field_is_written_is_put_right(
    tmp_path: Path,
) -> None:
    clock, tags = FakeClock(), FieldName("tags")
    site = Slow(clock, 1)
    house = House(
        tmp_path, MemoryCatalogue([generate.product(1)]), site, rules=NO_MEDIA, clock=clock
    )
    house.fill()
    right = site.pages()[SUBJECT(1)].fields[tags]

    def vandal() -> None:
        site.edit(SUBJECT(1), tags, ["vandal"])
        house.work.read_edits()

    house.catalogue.put(generate.retitled(generate.product(1), "new"))
    house.detector.poll()
    site.meanwhile = vandal
    house.step()
    site.meanwhile = None
    assert site.pages()[SUBJECT(1)].fields[tags] == ["vandal"]
    house.settle()
    assert site.pages()[SUBJECT(1)].fields[tags] == right
    house.database.close()


def test_a_product_goes_off_sale_as_the_site_wants_it(tmp_path: Path) -> None:
    rules = SiteRules(markets=(EUROS,), media=False, retire=RetirePolicy.NOTICE)
    house = House(tmp_path, MemoryCatalogue(generate.products(30)), rules=rules)
    house.fill()
    house.catalogue.remove(ProductId(SUBJECT(3).id))
    house.poll()
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert (page.retired, page.policy, page.live) == (True, "notice", True)
    assert house.site.offers(SUBJECT(3)) == ()
    house.catalogue.put(generate.product(3))
    house.poll()
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert (page.retired, page.live) == (False, True)
    assert house.site.offers(SUBJECT(3))
    house.database.close()


def test_a_site_that_cannot_do_it_unpublishes(tmp_path: Path) -> None:
    can = replace(WITH_EXTENSION, retire_policies=("unpublish",))
    rules = SiteRules(markets=(EUROS,), media=False, retire=RetirePolicy.DELETE)
    site = MemorySite("blog", capabilities=can)
    house = House(tmp_path, MemoryCatalogue(generate.products(30)), site, rules=rules)
    house.fill()
    house.catalogue.remove(ProductId(SUBJECT(3).id))
    house.poll()
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert (page.retired, page.policy) == (True, "unpublish")
    house.database.close()


def test_addresses_follow_the_backend_where_they_are_to(tmp_path: Path) -> None:
    rules = SiteRules(markets=(EUROS,), owners={**DEFAULT_OWNERS, "slug": Owner.MERGE})
    house = House(tmp_path, MemoryCatalogue(generate.products(3)), rules=rules)
    house.fill()
    slug = FieldName("slug")
    house.catalogue.put(replace(generate.product(1), handle="moved"))
    house.poll()
    page = house.site.page(SUBJECT(1))
    assert page is not None
    assert page.fields[slug] == "moved"
    house.site.edit(SUBJECT(1), slug, "editors-own")
    house.catalogue.put(replace(generate.product(1), handle="moved-again"))
    house.poll()
    page = house.site.page(SUBJECT(1))
    assert page is not None
    assert page.fields[slug] == "editors-own"
    house.database.close()


def test_what_is_parked_tells_the_value_that_failed(tmp_path: Path) -> None:
    house = House(tmp_path, MemoryCatalogue(generate.products(3)), rules=NO_MEDIA)
    house.fill()
    seen = []
    for title in ("poison", "poison", "other poison"):
        house.site.refuse(SUBJECT(1))
        house.catalogue.put(generate.retitled(generate.product(1), title))
        house.poll()
        (parked,) = house.parked()
        seen.append(parked.fingerprint)
        house.site.allow(SUBJECT(1))
        house.catalogue.put(generate.product(1))
        house.poll()
        assert house.parked() == []
    assert seen[0] == seen[1] != seen[2]
    assert seen[0] != ""
    house.database.close()
