"""Pages that are there become products' pages where that is certain, and only there; words stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import adopt
from connector.errors import Rejected, TargetDown
from connector.model import CmsId, FieldName, ProductId, Subject
from connector.ports import Candidate
from connector.state import holds, runs
from connector.sync.adopt import Key, Plan, Wanted, match
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.site import WITH_EXTENSION, MemorySite
from tests.house import EUROS, SITE, House

TITLE, TAGS = FieldName("title"), FieldName("tags")
SUBJECT = generate.product_subject


def wanted(name: str, *skus: str) -> Wanted:
    return Wanted(ProductId(name), f"handle-{name}", frozenset(skus), name)


def page(cms_id: str, *skus: str, slug: str = "") -> Candidate:
    return Candidate(CmsId(cms_id), slug or f"slug-{cms_id}", cms_id, skus, None, "page")


def pairs(plan: Plan) -> set[tuple[str, str, str]]:
    return {(each.product.id, each.page.cms_id, each.by) for each in plan.pairs}


# ---- matching ----


def test_a_sku_goes_before_an_address() -> None:
    plan = match(
        [wanted("a", "A-1"), wanted("b")],
        [page("1", "A-1", slug="handle-b"), page("2", slug="handle-b"), page("3")],
    )
    assert pairs(plan) == {("a", "1", "sku"), ("b", "2", "slug")}
    assert (plan.ambiguous, plan.unmatched) == ([], 0)


def test_one_product_on_two_pages_is_for_a_person() -> None:
    plan = match([wanted("a", "A-1", "A-2")], [page("1", "A-1"), page("2", "A-2")])
    assert pairs(plan) == set()
    assert [each.pages for each in plan.ambiguous] == [(page("1", "A-1"), page("2", "A-2"))]


def test_one_page_for_two_products_is_for_a_person_and_not_matched_by_its_address() -> None:
    plan = match([wanted("a", "X"), wanted("b", "X")], [page("1", "X", slug="handle-a")])
    assert pairs(plan) == set()
    assert {each.product.id for each in plan.ambiguous} == {"a", "b"}


def test_all_variants_on_one_page_are_one_match() -> None:
    plan = match([wanted("a", "A-1", "A-2")], [page("1", "A-1", "A-2", "other")])
    assert pairs(plan) == {("a", "1", "sku")}


def test_only_the_keys_asked_for_count_and_empty_values_match_nothing() -> None:
    products = [wanted("a", "A-1"), replace(wanted("b"), handle="")]
    pages = [page("1", "A-1", ""), replace(page("2", ""), slug="")]
    assert pairs(match(products, pages, [Key.SLUG])) == set()
    assert match(products, pages).unmatched == 1


names = st.text("ab", min_size=1, max_size=2)
some_products = st.dictionaries(names, st.sets(names, max_size=3), max_size=6).map(
    lambda found: [replace(wanted(n, *skus), handle=n[::-1]) for n, skus in found.items()]
)
some_pages = st.dictionaries(names, st.sets(names, max_size=3), max_size=6).map(
    lambda found: [page(n, *sorted(skus), slug=n) for n, skus in found.items()]
)


@given(some_products, some_pages)
def test_nobody_is_matched_twice_and_nobody_is_forgotten(
    products: list[Wanted], pages: list[Candidate]
) -> None:
    plan = match(products, pages)
    matched = [each.product.id for each in plan.pairs]
    adopted = [each.page.cms_id for each in plan.pairs]
    unclear = {each.product.id for each in plan.ambiguous}
    assert len(set(matched)) == len(matched)
    assert len(set(adopted)) == len(adopted)
    assert not unclear & set(matched)
    assert len(matched) + len(unclear) + plan.unmatched == len(products)
    assert not {p.cms_id for each in plan.ambiguous for p in each.pages} & set(adopted)


@given(some_products, some_pages)
def test_the_order_of_listings_decides_nothing(
    products: list[Wanted], pages: list[Candidate]
) -> None:
    plan = match(products, pages)
    other = match(products[::-1], pages[::-1])
    assert pairs(plan) == pairs(other)
    assert {e.product.id for e in plan.ambiguous} == {e.product.id for e in other.ambiguous}


# ---- adopting ----


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    rules = SiteRules(markets=(EUROS,), media=False)
    house = House(tmp_path, MemoryCatalogue(generate.products(10)), rules=rules)
    yield house
    house.database.close()


def sku(number: int) -> str:
    return generate.product(number).variants[0].sku or ""


def plan(house: House, **named: str) -> Plan:
    decided = {ProductId(product): CmsId(cms_id) for product, cms_id in named.items()}
    return adopt.plan(house.database, house.work.target(), house.clock, list(Key), [], decided)


def carry_out(house: House, chosen: Plan) -> adopt.Adopted:
    return adopt.carry_out(house.database, house.work.target(), house.clock, chosen, "test")


def fields(house: House, subject: Subject) -> dict[FieldName, object]:
    found = house.site.page(subject)
    assert found is not None
    return dict(found.fields)


def test_an_adopted_page_keeps_its_words_and_gets_the_facts(house: House) -> None:
    cms_id = house.site.own_page("old-shop-page", "Words of our own", [sku(3)])
    chosen = plan(house)
    assert pairs(chosen) == {(SUBJECT(3).id, cms_id, "sku")}
    adopted = carry_out(house, chosen)
    assert (adopted.pages, adopted.refused, adopted.ambiguous) == (1, (), 0)
    house.fill()
    found = house.site.page(SUBJECT(3))
    assert found is not None
    assert (found.cms_id, found.slug, found.live) == (cms_id, "old-shop-page", True)
    assert found.fields[TITLE] == "Words of our own"
    assert found.fields[FieldName("variants")]
    assert house.site.offers(SUBJECT(3))
    assert len(house.site.pages()) == 10
    house.catalogue.put(replace(generate.product(3), tags=("new",)))
    house.poll()
    assert (fields(house, SUBJECT(3))[TITLE], fields(house, SUBJECT(3))[TAGS]) == (
        "Words of our own",
        ["new"],
    )


def test_a_plan_writes_nothing(house: House) -> None:
    house.site.own_page("old", "Old", [sku(3)])
    plan(house)
    assert house.site.written() == []


def test_what_is_ambiguous_gets_no_page_until_somebody_decides(house: House) -> None:
    first = house.site.own_page("one", "One", [sku(3)])
    house.site.own_page("two", "Two", [sku(3)])
    adopted = carry_out(house, plan(house))
    assert (adopted.pages, adopted.ambiguous) == (0, 1)
    house.fill()
    house.catalogue.put(generate.retitled(generate.product(3), "changed meanwhile"))
    house.poll()
    assert house.site.page(SUBJECT(3)) is None
    assert house.site.offers(SUBJECT(3)) == ()
    assert len(house.site.pages()) == 9
    carry_out(house, plan(house, **{SUBJECT(3).id: first}))
    house.settle()
    found = house.site.page(SUBJECT(3))
    assert found is not None
    assert (found.cms_id, len(house.site.pages())) == (first, 10)
    assert house.site.offers(SUBJECT(3))
    with house.database.read() as connection:
        assert holds.list_holds(connection) == []
    assert house.parked() == []


def test_the_reason_says_what_to_do(house: House) -> None:
    for slug in ("one", "two"):
        house.site.own_page(slug, slug, [sku(3)])
    carry_out(house, plan(house))
    (parked,) = house.parked()
    assert f"connector adopt {SITE} --pair {SUBJECT(3).id}=PAGE" in parked.reason
    assert f"connector holds release {SUBJECT(3).id}" in parked.reason


def test_a_product_that_has_a_page_is_no_candidate(house: House) -> None:
    house.fill()
    house.site.own_page("old", "Old", [sku(3)])
    assert plan(house).pairs == []


def test_a_page_that_was_taken_meanwhile_is_refused_and_said(house: House) -> None:
    house.site.own_page("old", "Old", [sku(3)])
    chosen = plan(house)
    house.site._own.clear()
    adopted = carry_out(house, chosen)
    assert adopted.pages == 0
    assert "no such page" in adopted.refused[0]


def test_an_adoption_that_breaks_off_does_not_count_as_running(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    cms_id = house.site.own_page("old", "Old", [sku(3)])
    chosen = plan(house)

    def down(_: object) -> NoReturn:
        raise TargetDown("the site is away")

    with monkeypatch.context() as away:
        away.setattr(house.site, "adopt", down)
        with pytest.raises(TargetDown):
            carry_out(house, chosen)
    with house.database.read() as connection:
        (run,) = runs.latest_runs(connection)
    assert run.outcome == "failed"
    assert "begin it again: the site is away" in run.message
    assert carry_out(house, plan(house)).pages == 1
    found = house.site.page(SUBJECT(3))
    assert found is not None
    assert found.cms_id == cms_id


def test_unknown_names_are_refused(house: House) -> None:
    house.site.own_page("old", "Old")
    with pytest.raises(Rejected, match="no product"):
        plan(house, none="1")
    with pytest.raises(Rejected, match="no page"):
        plan(house, **{SUBJECT(3).id: "99"})


def test_a_site_that_cannot_says_so(tmp_path: Path) -> None:
    site = MemorySite("blog", capabilities=replace(WITH_EXTENSION, adopts=False))
    house = House(tmp_path, MemoryCatalogue(generate.products(1)), site)
    with pytest.raises(Rejected, match="cannot adopt"):
        plan(house)
    house.database.close()
