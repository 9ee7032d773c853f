"""Reconcile finds every difference and nothing else, and a broken listing retires nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Incomplete
from connector.model import FieldName, Lane, ProductId, SubjectKind
from connector.ports import Fence, Fetched, Held, OffersWrite
from connector.reconcile import Report, reconcile
from connector.state import mirror, runs
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import CONTENT_ONLY, MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import (
    Fault,
    FaultyCatalogue,
    FaultySite,
    Lie,
    Script,
    broken_off,
    lost_answer,
)
from connector.testing.site import MemorySite
from tests.house import EUROS, SITE, House

NO_MEDIA = SiteRules(markets=(EUROS,), media=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(
        tmp_path, MemoryCatalogue(generate.products(120), capabilities=CONTENT_ONLY), rules=NO_MEDIA
    )
    house.fill()
    yield house
    house.database.close()


def run(house: House) -> Report:
    _, report = reconcile(house.database, house.work.target(), house.clock, "test")
    return report


def test_equal_sides_need_no_write_and_say_so(house: House) -> None:
    before = len(house.site.written())
    report = run(house)
    house.settle()
    assert report.counts() == {
        "backend": 120,
        "site": 120,
        "equal": 120,
        "changed": 0,
        "missing": 0,
        "surplus": 0,
        "drifted": 0,
        "rejected": 0,
    }
    assert len(house.site.written()) == before
    again = run(house)
    assert again.site_checksum == report.site_checksum
    assert again.backend_checksum == report.backend_checksum


class Late(FaultySite):
    """Whose inventory is long on its way: by its arrival the site holds something else."""

    clock: FakeClock
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        pages = list(super().inventory(kind))
        if kind is SubjectKind.PRODUCT:
            self.clock.advance(seconds=1)
            self.meanwhile()
        yield from pages


def test_what_is_written_while_the_site_is_read_is_no_alteration(tmp_path: Path) -> None:
    catalogue, site, clock = MemoryCatalogue(generate.products(5)), MemorySite("blog"), FakeClock()
    seen = Late(site, Script(), clock)
    seen.clock = clock
    house = House(tmp_path, catalogue, site, seen_site=seen, clock=clock, rules=NO_MEDIA)
    house.fill()
    clock.advance(seconds=60)

    def change() -> None:
        catalogue.put(generate.retitled(generate.product(1), "new"))
        catalogue.put(replace(generate.product(2), tags=("new",)))
        catalogue.remove(ProductId(generate.product_subject(3).id))
        house.poll()

    seen.meanwhile = change
    before = house.catalogue.fetched.copy()
    report = run(house)
    assert report.drifted == 0
    assert site.pages()[generate.product_subject(3)].retired
    with house.database.read() as connection:
        (bound,) = mirror.load_bindings(connection, SITE, [generate.product_subject(3)]).values()
    assert bound.retired_at is not None
    assert before.total() < house.catalogue.fetched.total()
    house.database.close()


def test_a_clock_that_was_set_back_hides_no_alteration(house: House) -> None:
    house.site.edit(generate.product_subject(5), FieldName("tags"), ["vandalised"])
    house.clock.advance(hours=-1)
    assert run(house).drifted == 1


def test_every_kind_of_difference_is_found_and_mended(house: House) -> None:
    subject = generate.product_subject
    house.catalogue.remove(ProductId(subject(1).id))
    house.catalogue.put(generate.retitled(generate.product(2), "changed"))
    house.catalogue.put(generate.product(500))
    house.site.delete(subject(3))
    house.site.delete_offers(subject(4))
    house.site.edit(subject(5), FieldName("tags"), ["vandalised"])
    before = len(house.site.written())
    report = run(house)
    assert (report.changed, report.missing, report.surplus, report.drifted) == (1, 2, 1, 2)
    house.settle()
    touched = {s for request in house.site.written()[before:] for s in request.subjects}
    assert touched == {subject(n) for n in (1, 2, 3, 4, 5, 500)}
    after = run(house)
    assert (after.changed, after.missing, after.surplus, after.drifted) == (0, 0, 0, 0)
    assert after.equal == 120
    page = house.site.page(subject(5))
    assert page is not None
    assert page.fields[FieldName("tags")] != ["vandalised"]


def test_an_editors_words_are_no_drift(house: House) -> None:
    subject = generate.product_subject(7)
    house.site.edit(subject, FieldName("title"), "Mine")
    assert run(house).drifted == 0
    house.settle()
    page = house.site.page(subject)
    assert page is not None
    assert page.fields[FieldName("title")] == "Mine"


def test_a_broken_listing_fails_the_run_and_retires_nothing(tmp_path: Path) -> None:
    catalogue, clock, script = MemoryCatalogue(generate.products(120)), FakeClock(), Script()
    house = House(
        tmp_path,
        catalogue,
        MemorySite("blog"),
        seen_catalogue=FaultyCatalogue(catalogue, script, clock),
        clock=clock,
    )
    house.fill()
    script.on("products", broken_off(1))
    with pytest.raises(Incomplete):
        run(house)
    house.settle()
    assert all(page.live for page in house.site.pages().values())
    with house.database.read() as connection:
        found = runs.latest_runs(connection)
    last = next(run for run in found if run.kind == "reconcile")
    assert last.outcome == "failed"
    assert last.message
    house.database.close()


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[tuple[House, Script]]:
    """120 products on the site, and a backend and a site that can be made to lie."""
    catalogue, clock, script = MemoryCatalogue(generate.products(120)), FakeClock(), Script()
    site = MemorySite("blog")
    house = House(
        tmp_path,
        catalogue,
        site,
        seen_catalogue=FaultyCatalogue(catalogue, script, clock),
        seen_site=FaultySite(site, script, clock),
        clock=clock,
        rules=NO_MEDIA,
    )
    house.fill()
    yield house, script
    house.database.close()


@pytest.mark.parametrize("lie", [Lie.EMPTY, Lie.HALF])
def test_a_listing_that_lies_retires_nothing_because_each_product_is_looked_at(
    faulty: tuple[House, Script], lie: Lie
) -> None:
    house, script = faulty
    script.on("products", Fault(lie=lie))
    report = run(house)
    assert report.surplus == (120 if lie is Lie.EMPTY else 70)
    house.settle()
    assert all(page.live for page in house.site.pages().values())
    assert all(house.site.offers(subject) for subject in house.site.pages())
    assert house.parked() == []


@pytest.mark.parametrize("lie", [Lie.EMPTY, Lie.HALF])
def test_a_backend_that_lies_to_every_question_is_held_by_the_safety_stop(
    faulty: tuple[House, Script], lie: Lie
) -> None:
    house, script = faulty
    script.always("products", Fault(lie=lie)).always("fetch", Fault(lie=lie))
    run(house)
    house.settle()
    assert all(page.live for page in house.site.pages().values())
    assert all(house.site.offers(subject) for subject in house.site.pages())
    assert {row.error for row in house.parked()} == {"SafetyStop"}
    with house.database.read() as connection:
        found = runs.latest_runs(connection)
    last = next(run for run in found if run.kind == "reconcile")
    assert (last.kind, last.outcome) == ("reconcile", "stopped")
    assert "safety stop" in last.message
    assert last.counts["surplus"] > 10
    script.always("products", None).always("fetch", None)
    run(house)
    house.settle()
    assert run(house).equal == 120
    assert house.due() == 0


def test_a_stop_that_comes_before_the_run_ends_can_still_be_approved(house: House) -> None:
    with house.database.write() as connection:
        run_id = runs.start_run(connection, "reconcile", SITE, "test", house.clock.now())
        runs.stop_run(connection, run_id, SITE, house.clock.now())
        runs.end_run(
            connection,
            run_id,
            outcome="done",
            counts={"surplus": 40},
            message="40 surplus",
            now=house.clock.now(),
        )
        assert runs.approve(connection, run_id, "me")
        assert runs.approved(connection, [run_id]) == {run_id}


class Repeating(MemoryCatalogue):
    """A backend whose paging shows one page twice and skips another."""

    def products(self) -> Iterator[Fetched]:
        pages = list(super().products())
        yield from [pages[0], pages[0], *pages[2:]]


def test_a_repeated_page_doubles_nothing_and_a_skipped_one_retires_nothing(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, Repeating(generate.products(120), page_size=20), rules=NO_MEDIA)
    house.fill()
    before = len(house.site.written())
    run(house)
    house.settle()
    assert len(house.site.written()) == before
    assert all(page.live for page in house.site.pages().values())
    assert len(house.site.pages()) == 120
    house.database.close()


@pytest.mark.parametrize("lie", [Lie.EMPTY, Lie.HALF])
def test_a_site_that_lists_too_little_is_written_again_and_nothing_doubles(
    faulty: tuple[House, Script], lie: Lie
) -> None:
    house, script = faulty
    house.clock.advance(minutes=1)
    script.on("inventory", None, Fault(lie=lie))
    report = run(house)
    assert report.missing == (120 if lie is Lie.EMPTY else 70)
    house.settle()
    pages = house.site.pages()
    assert len({page.cms_id for page in pages.values()}) == len(pages) == 120
    assert run(house).equal == 120


def test_offers_that_nobody_knows_of_are_taken_away(house: House) -> None:
    """As a lost answer leaves them when the product goes before it is repeated."""
    stray, known = generate.product_subject(900), generate.product_subject(7)
    house.site.write_offers(
        [OffersWrite(stray, Fence(0, 1), "w", (generate.offer(900),))],
    )
    with house.database.write() as connection:
        mirror.forget_mirror(connection, SITE, [known], [Lane.OFFERS])
    run(house)
    house.settle()
    assert house.site.offers(stray) == ()
    assert len(house.site.offers(known)) == 2
    assert run(house).equal == 120


def test_offers_without_a_page_leave_with_their_product(house: House) -> None:
    """Whose page was never made, and whose delete nobody told us of."""
    house.catalogue.put(generate.product(500))
    house.detector.poll()
    house.engine.step(house.lines[0], "express")
    assert house.site.offers(generate.product_subject(500))
    assert house.site.page(generate.product_subject(500)) is None
    house.catalogue.remove(ProductId(generate.product_subject(500).id))
    house.catalogue._feed.clear()
    house.settle()
    assert run(house).surplus == 1
    house.settle()
    assert house.site.offers(generate.product_subject(500)) == ()
    assert run(house).surplus == 0


def test_a_category_deleted_at_the_site_comes_back(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        MemoryCatalogue(
            [generate.product(n, categories=(1 + n % 2,)) for n in range(6)],
            [generate.category(1), generate.category(2, 1)],
        ),
    )
    house.fill()
    gone = generate.category_subject(2)
    house.site._remove_term(gone)
    assert run(house).drifted == 3
    house.settle()
    assert house.site.page(gone) is not None
    page = house.site.page(generate.product_subject(1))
    assert page is not None
    assert page.fields[FieldName("categories")] == [gone.id]
    assert house.parked() == []
    before = len(house.site.written())
    run(house)
    house.settle()
    assert len(house.site.written()) == before
    house.database.close()


def test_a_category_whose_answer_was_lost_goes_when_it_is_switched_off(tmp_path: Path) -> None:
    catalogue, clock, script = MemoryCatalogue((), [generate.category(1)]), FakeClock(), Script()
    site = MemorySite("blog")
    seen = FaultySite(site, script.on("write_terms", lost_answer()), clock)
    house = House(tmp_path, catalogue, site, seen_site=seen, clock=clock)
    house.detector.import_new_sites()
    house.step()
    assert site.page(generate.category_subject(1)) is not None
    catalogue.put_category(replace(generate.category(1), active=False))
    house.settle()
    run(house)
    house.settle()
    assert site.page(generate.category_subject(1)) is None
    house.database.close()


def test_a_category_that_was_mended_reaches_its_products(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        MemoryCatalogue([generate.product(1, categories=(1,))], [generate.category(1)]),
    )
    house.site.refuse(generate.category_subject(1))
    house.fill()
    house.site.allow(generate.category_subject(1))
    house.catalogue.put_category(generate.category(1))
    house.poll()
    run(house)
    house.settle()
    page = house.site.page(generate.product_subject(1))
    assert page is not None
    assert page.fields[FieldName("categories")] == [generate.category_subject(1).id]
    house.database.close()


def test_an_unselected_product_leaves_the_site(house: House) -> None:
    first = generate.product(1)
    sku = first.variants[0].sku
    assert sku is not None
    house.work.rules = replace(
        house.rules, selection=replace(house.rules.selection, exclude_tags=frozenset({"old"}))
    )
    house.work._open = None
    house.catalogue.put(replace(first, tags=("old",)))
    assert run(house).surplus == 1
    house.settle()
    page = house.site.page(generate.product_subject(1))
    assert page is not None
    assert page.retired
