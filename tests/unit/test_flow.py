"""The main flow on the systems in memory: what the backend has stands on the site, no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.model import (
    Availability,
    FieldName,
    Money,
    Price,
    ProductId,
    ProductStatus,
    Stock,
    Subject,
    SubjectKind,
    VariantId,
)
from connector.state.todo import Priority, Why
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, FaultySite, Script, lost_answer, refused
from connector.testing.site import MemorySite
from tests.house import SITE, House

TITLE = FieldName("title")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    catalogue = MemoryCatalogue(
        [generate.product(n, categories=(1 + n % 3,)) for n in range(1, 31)],
        [generate.category(1), generate.category(2, 1), generate.category(3, 2)],
    )
    house = House(tmp_path, catalogue)
    yield house
    house.database.close()


def titles(house: House) -> dict[str, object]:
    return {s.id: page.fields[TITLE] for s, page in house.site.pages().items() if page.live}


def wanted(house: House) -> dict[str, str]:
    return {
        p.id: p.texts[p.default_locale].title
        for page in house.catalogue.products()
        for p in page.products.values()
        if p.status is ProductStatus.PUBLISHED
    }


def test_first_import_brings_every_product_once_with_categories_and_pictures(house: House) -> None:
    house.fill()
    assert titles(house) == wanted(house)
    assert len(house.site.pages(SubjectKind.CATEGORY)) == 3
    assert house.parked() == []
    first = house.site.page(generate.product_subject(1))
    assert first is not None
    assert first.fields[FieldName("categories")] == [generate.category_subject(2).id]
    assert all(len(house.site.offers(s)) == 2 for s in house.site.pages())


def test_nothing_changed_means_no_write(house: House) -> None:
    house.fill()
    before = len(house.site.written())
    house.detector.mark(
        list(house.site.pages()), [SITE], frozenset(), Priority.BULK, Why("t", "test")
    )
    house.settle()
    assert len(house.site.written()) == before


def test_a_price_change_touches_only_its_offers(house: House) -> None:
    house.fill()
    subject = generate.product_subject(3)
    variant = house.site.offers(subject)[0].variant
    before = len(house.site.written())
    house.catalogue.set_price(VariantId(variant), Price(Money(4242, "EUR")))
    house.poll()
    assert [r.method for r in house.site.written()[before:]] == ["write_offers"]
    assert house.site.offers(subject)[0].amount == Money(4242, "EUR")
    last = house.story(subject)[-1]
    assert last.step == "written"
    assert [c["after"] for c in last.facts["changes"] if c["what"] == "amount_text"] == ["€42.42"]


def test_a_scheduled_price_starts_and_ends_on_time_without_a_signal(house: House) -> None:
    house.fill()
    subject = generate.product_subject(4)
    variant = VariantId(house.site.offers(subject)[0].variant)
    now = house.clock.now()
    usual = Price(Money(2000, "EUR"))
    sale = Price(
        Money(1500, "EUR"),
        price_list="sale",
        starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=2),
    )
    house.catalogue.set_price(variant, usual, sale)
    house.poll()
    seen = [house.site.offers(subject)[0].amount.amount_minor]
    for _ in range(3):
        house.clock.advance(minutes=45)
        house.settle(hours=0.01)
        seen.append(house.site.offers(subject)[0].amount.amount_minor)
    assert seen == [2000, 2000, 1500, 2000]
    assert house.site.offers(subject)[0].compare_at is None


def test_stock_running_out_is_shown(house: House) -> None:
    house.fill()
    subject = generate.product_subject(5)
    house.catalogue.set_stock(VariantId(house.site.offers(subject)[1].variant), Stock(tracked=True))
    house.poll()
    assert house.site.offers(subject)[1].availability is Availability.OUT_OF_STOCK


def test_a_deleted_product_is_unpublished_and_comes_back_on_its_page(house: House) -> None:
    house.fill()
    subject = generate.product_subject(6)
    page = house.site.page(subject)
    house.catalogue.remove(ProductId(subject.id))
    house.poll()
    gone = house.site.page(subject)
    assert page and gone and gone.retired and not house.site.offers(subject)
    house.catalogue.put(generate.product(6))
    house.poll()
    back = house.site.page(subject)
    assert back and back.live and back.cms_id == page.cms_id
    assert len(house.site.offers(subject)) == 2


def test_an_editors_words_are_kept_and_the_rest_goes_on(house: House) -> None:
    house.fill()
    subject = generate.product_subject(7)
    house.site.edit(subject, TITLE, "My own words")
    old = house.catalogue.fetch([ProductId(subject.id)]).products[ProductId(subject.id)]
    house.catalogue.put(replace(generate.retitled(old, "New in the shop"), tags=("fresh",)))
    house.poll()
    page = house.site.page(subject)
    assert page and page.fields[TITLE] == "My own words"
    assert page.fields[FieldName("tags")] == ["fresh"]
    assert any("kept" in step.message for step in house.story(subject))
    house.catalogue.put(generate.retitled(old, "Newer in the shop"))
    house.poll()
    page = house.site.page(subject)
    assert page and page.fields[TITLE] == "My own words"


def test_an_unpublished_page_stays_unpublished(house: House) -> None:
    house.fill()
    subject = generate.product_subject(8)
    house.site.unpublish(subject)
    old = house.catalogue.fetch([ProductId(subject.id)]).products[ProductId(subject.id)]
    house.catalogue.put(replace(old, tags=("x",)))
    house.poll()
    page = house.site.page(subject)
    assert page and not page.live and page.fields[FieldName("tags")] == ["x"]


def test_a_page_deleted_for_good_is_made_whole_again(house: House) -> None:
    house.fill()
    subject = generate.product_subject(9)
    house.site.delete(subject)
    old = house.catalogue.fetch([ProductId(subject.id)]).products[ProductId(subject.id)]
    house.catalogue.put(replace(old, tags=("x",)))
    house.poll()
    page = house.site.page(subject)
    assert page and page.fields[TITLE] == old.texts[old.default_locale].title


def test_one_poison_among_many_is_parked_alone_and_comes_back_when_mended(house: House) -> None:
    poison = generate.product_subject(10)
    house.site.refuse(poison, "its title makes the theme explode")
    house.fill()
    assert len(titles(house)) == 29
    assert {row.subject for row in house.parked()} == {poison}
    assert "explode" in house.parked()[0].reason
    house.site.allow(poison)
    old = house.catalogue.fetch([ProductId(poison.id)]).products[ProductId(poison.id)]
    house.catalogue.put(generate.retitled(old, "mended"))
    house.poll()
    assert house.parked() == []
    assert titles(house)[poison.id] == "mended"


def test_an_emptied_backend_retires_nothing_and_waits_for_a_person(house: House) -> None:
    house.fill()
    for number in range(1, 31):
        house.catalogue.remove(ProductId(generate.product_subject(number).id))
    house.poll()
    assert len(titles(house)) == 30
    assert len({row.subject for row in house.parked()}) == 30
    assert all(row.error == "SafetyStop" for row in house.parked())


def test_a_lost_answer_makes_no_second_page_and_is_no_edit(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(generate.products(12))
    site, clock = MemorySite("blog"), FakeClock()
    script = Script().on("write_content", lost_answer(), lost_answer())
    script.on("write_offers", lost_answer())
    house = House(tmp_path, catalogue, site, seen_site=FaultySite(site, script, clock), clock=clock)
    house.fill()
    assert titles(house) == wanted(house)
    assert len(site.pages()) == 12
    house.catalogue.put(generate.retitled(generate.product(1), "second"))
    house.poll()
    assert titles(house)[generate.product_subject(1).id] == "second"
    house.database.close()


def test_a_site_that_is_down_is_left_alone_and_catches_up(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(generate.products(12))
    site, clock = MemorySite("blog"), FakeClock()
    script = Script().on("check", refused(), refused(), refused())
    house = House(tmp_path, catalogue, site, seen_site=FaultySite(site, script, clock), clock=clock)
    house.fill()
    assert titles(house) == wanted(house)
    assert house.parked() == []
    house.database.close()


def test_a_backend_that_is_down_says_nothing_about_its_products(tmp_path: Path) -> None:
    catalogue, clock = MemoryCatalogue(generate.products(12)), FakeClock()
    script = Script()
    house = House(
        tmp_path,
        catalogue,
        seen_catalogue=FaultyCatalogue(catalogue, script, clock),
        clock=clock,
    )
    house.fill()
    script.on("fetch", refused(), refused())
    house.catalogue.put(generate.retitled(generate.product(1), "second"))
    house.poll()
    assert titles(house) == wanted(house)
    assert house.parked() == []
    house.database.close()


def test_subject_kinds_sort() -> None:
    one, other = Subject(SubjectKind.CATEGORY, "9"), Subject(SubjectKind.PRODUCT, "1")
    assert sorted([other, one]) == [one, other]
