"""The whole flow with its state on PostgreSQL: every query runs there too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.errors import StateError
from connector.model import Money, Price, ProductId, VariantId
from connector.reconcile import reconcile
from connector.state.database import open_database
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from tests.house import House


@pytest.fixture
def state_url(postgres_url: str) -> str:
    return postgres_url.replace("postgresql://", "postgresql+psycopg://")


def test_import_change_retire_park_and_reconcile(tmp_path: Path, state_url: str) -> None:
    catalogue = MemoryCatalogue(
        [generate.product(n, categories=(1,)) for n in range(1, 61)], [generate.category(1)]
    )
    house = House(tmp_path, catalogue, url=state_url)
    poison = generate.product_subject(9)
    house.site.refuse(poison, "not this one")
    house.fill()
    assert len(house.site.pages()) == 59
    assert {row.subject for row in house.parked()} == {poison}
    house.site.allow(poison)
    house.catalogue.put(generate.retitled(generate.product(9), "mended"))
    variant = house.site.offers(generate.product_subject(3))[0].variant
    house.catalogue.set_price(VariantId(variant), Price(Money(4242, "EUR")))
    gone = generate.product_subject(5)
    house.catalogue.remove(ProductId(gone.id))
    house.poll()
    assert house.parked() == []
    assert house.site.offers(generate.product_subject(3))[0].amount == Money(4242, "EUR")
    page = house.site.page(gone)
    assert page is not None
    assert page.retired
    _, report = reconcile(house.database, house.work.target(), house.clock, "test")
    assert (report.backend, report.equal, report.drifted, report.missing) == (59, 59, 0, 0)
    assert [step.step for step in house.story(gone)][-1] in ("retired", "written")
    house.database.close()


def test_values_that_postgresql_does_not_keep_hold_up_no_other_product(
    tmp_path: Path, state_url: str
) -> None:
    products = [generate.product(number) for number in range(1, 31)]
    long_sku, nul, long_id = products[2], products[4], products[6]
    variants = [replace(each, sku="S" * 300) for each in long_sku.variants]
    products[2] = replace(long_sku, variants=tuple(variants))
    products[4] = generate.retitled(nul, "a\0b")
    variants = [replace(each, id=VariantId(f"{each.id}{'v' * 200}")) for each in long_id.variants]
    products[6] = replace(long_id, variants=tuple(variants))
    house = House(tmp_path, MemoryCatalogue(products), url=state_url)
    with capture_logs():
        house.fill()
    assert {row.subject.id for row in house.parked()} == {long_id.id}
    assert len(house.site.pages()) == 29
    house.database.close()


def test_an_empty_database_is_refused_until_it_is_upgraded(state_url: str) -> None:
    with pytest.raises(StateError, match="connector db upgrade"):
        open_database(state_url)
    open_database(state_url, migrate=True).close()
    open_database(state_url).close()
