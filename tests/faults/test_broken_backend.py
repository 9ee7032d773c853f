"""A shop that answers nonsense takes nothing off sale, and the connector says why.

The real sandbox shop with its faults switched on, over HTTP, through the real adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox import BACKEND as SANDBOX
from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.machine import free_port
from connector.detect import EVERY_LANE
from connector.errors import ConnectorError
from connector.model import Locale, SubjectKind
from connector.ports import BackendSettings, Catalogue
from connector.reconcile import reconcile
from connector.state import runs
from connector.state.todo import Priority, Why
from connector.testing.clock import FakeClock
from tests.house import BACKEND, SITE, House

PRODUCTS = 450


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    place = tmp_path_factory.mktemp("shop") / "shop.db"
    running = start_shop(place, free_port(), products=PRODUCTS)
    yield running
    running.stop()


@pytest.fixture
def house(tmp_path: Path, shop: RunningShop) -> Iterator[House]:
    shop.set_faults()
    settings = BackendSettings(BACKEND, shop.url, shop.key, (), Locale("en-US"), {})
    catalogue: Catalogue = SANDBOX.open(settings, FakeClock())
    house = House(tmp_path, seen_catalogue=catalogue)
    house.fill()
    assert live(house) == PRODUCTS
    yield house
    shop.set_faults()
    catalogue.close()
    house.database.close()


def live(house: House) -> int:
    return sum(page.live for page in house.site.pages(SubjectKind.PRODUCT).values())


def try_everything(house: House) -> list[ConnectorError]:
    """A reconcile, a poll and a look at everything; whatever each says."""
    failures: list[ConnectorError] = []
    for attempt in (
        lambda: reconcile(house.database, house.work.target(), house.clock, "test"),
        house.detector.poll,
        lambda: house.detector.mark_all([SITE], EVERY_LANE, Priority.BULK, Why("t", "test")),
    ):
        try:
            attempt()
        except ConnectorError as error:
            failures.append(error)
    house.settle(hours=1)
    return failures


@pytest.mark.parametrize(
    "faults",
    [
        {"half": True},
        {"past_end": True},
        {"broken_json": True},
        {"html": True},
        {"repeat": True},
        {"status": 500},
        {"status": 429},
    ],
    ids=lambda faults: next(iter(faults)),
)
def test_a_broken_listing_retires_nothing_and_says_why(
    house: House, shop: RunningShop, faults: dict[str, object]
) -> None:
    shop.set_faults(**faults)
    failures = try_everything(house)
    assert live(house) == PRODUCTS
    if "half" not in faults:
        assert failures
        assert all(shop.url in f.message or "listing" in f.message for f in failures)
        with house.database.read() as connection:
            found = runs.latest_runs(connection)
        last = next(run for run in found if run.kind == "reconcile")
        assert last.outcome == "failed"
        assert last.message
    shop.set_faults()
    house.poll()
    assert house.parked() == []
    _, report = reconcile(house.database, house.work.target(), house.clock, "test")
    assert (report.equal, report.surplus, report.missing) == (PRODUCTS, 0, 0)


def test_an_empty_answer_everywhere_is_held_by_the_safety_stop(
    house: House, shop: RunningShop
) -> None:
    shop.set_faults(empty=True)
    try_everything(house)
    assert live(house) == PRODUCTS
    assert {row.error for row in house.parked()} == {"SafetyStop"}
    with house.database.read() as connection:
        stopped = [run for run in runs.latest_runs(connection, 5) if run.outcome == "stopped"]
    assert stopped
    assert "safety stop" in stopped[0].message


def test_one_poison_product_is_parked_alone(tmp_path: Path, shop: RunningShop) -> None:
    shop.set_faults(poison="p0000007")
    settings = BackendSettings(BACKEND, shop.url, shop.key, (), Locale("en-US"), {})
    catalogue = SANDBOX.open(settings, FakeClock())
    house = House(tmp_path, seen_catalogue=catalogue)
    house.fill()
    assert live(house) == PRODUCTS - 1
    assert {row.subject.id for row in house.parked()} == {"p0000007"}
    assert "12.345 EUR has more than 2 decimals" in house.parked()[0].reason
    shop.set_faults()
    catalogue.close()
    house.database.close()


def test_a_wrong_key_is_told_from_an_empty_shop(shop: RunningShop) -> None:
    settings = BackendSettings(BACKEND, shop.url, "wrong", (), Locale("en-US"), {})
    catalogue = SANDBOX.open(settings, FakeClock())
    with pytest.raises(ConnectorError, match="refuses the key"):
        catalogue.check()
    with pytest.raises(ConnectorError, match="refuses the key"):
        list(catalogue.ids())
    catalogue.close()
