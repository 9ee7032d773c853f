"""A comparison that is spread over hours rests in proportion, and ends when the daemon does."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.errors import Incomplete
from connector.reconcile import reconcile
from connector.spread import Spread
from connector.state import runs
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import CONTENT_ONLY, MemoryCatalogue
from tests.house import EUROS, House


def test_each_part_takes_its_share_of_the_time() -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    spread = Spread(72000, 100000, wait)
    for _ in range(1000):
        spread.rest(100)
    assert sum(waited) == pytest.approx(72000)


def test_without_a_time_nothing_waits() -> None:
    Spread(0, 100, lambda _: pytest.fail("waited")).rest(10)


def test_it_finds_the_same_and_is_ended_by_a_stop(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        MemoryCatalogue(generate.products(120), capabilities=CONTENT_ONLY),
        rules=SiteRules(markets=(EUROS,), media=False),
    )
    house.fill()
    target = house.work.target()
    rests: list[float] = []

    def wait(seconds: float) -> bool:
        rests.append(seconds)
        return False

    spread = Spread(3600, 120, wait)
    _, report = reconcile(house.database, target, house.clock, "test", rest=spread.rest)
    assert report.equal == 120
    assert sum(rests) == pytest.approx(2 * 3600)
    stopped = Spread(3600, 120, lambda _: True)
    with pytest.raises(Incomplete, match="stopped"):
        reconcile(house.database, target, house.clock, "test", rest=stopped.rest)
    with house.database.read() as connection:
        last = max(runs.latest_runs(connection), key=lambda run: run.outcome == "failed")
    assert (last.kind, last.outcome) == ("reconcile", "failed")
    house.settle()
    assert house.parked() == []
    house.database.close()
