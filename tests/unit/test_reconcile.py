"""Reconcile finds every difference and nothing else, and a broken listing retires nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Incomplete
from connector.model import FieldName, ProductId
from connector.reconcile import Report, reconcile
from connector.state import runs
from connector.testing import generate
from connector.testing.catalogue import CONTENT_ONLY, MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, Script, broken_off
from connector.testing.site import MemorySite
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(120), capabilities=CONTENT_ONLY))
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
        last = runs.latest_runs(connection, 1)[0]
    assert last.outcome == "failed"
    assert last.message
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
