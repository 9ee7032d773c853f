"""A comparison that is spread over hours rests in proportion, and ends when the daemon does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import Incomplete
from connector.reconcile import reconcile
from connector.spread import Spread
from connector.state import runs
from connector.sync.rules import Selection, SiteRules
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


@pytest.mark.parametrize("parts", [0, 10, 1000])
def test_it_never_lasts_longer_than_it_is_meant_to(parts: int) -> None:
    """Whatever the site held before: nothing at all, or less than there is now."""
    passed = [0.0]

    def wait(seconds: float) -> bool:
        passed[0] += seconds
        return False

    spread = Spread(3600, parts, wait, lambda: passed[0])
    for _ in range(10):
        spread.rest(100)
    assert passed[0] == pytest.approx(3600)


def test_what_is_not_on_the_site_takes_no_time(tmp_path: Path) -> None:
    chosen = [replace(generate.product(each), tags=("here",)) for each in range(10)]
    others = [generate.product(each) for each in range(10, 120)]
    rules = SiteRules(markets=(EUROS,), media=False, selection=Selection(tags=frozenset(["here"])))
    house = House(tmp_path, MemoryCatalogue([*chosen, *others]), rules=rules)
    house.fill()
    rests: list[int] = []
    reconcile(house.database, house.work.target(), house.clock, "test", rest=rests.append)
    assert sum(rests) == 10 + 10
    house.database.close()


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
