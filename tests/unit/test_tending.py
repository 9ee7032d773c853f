"""What a desk does about a site that cannot be asked, and about what nobody foresaw."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.ops.metrics import Metrics
from connector.state import targets
from connector.state.targets import site_target
from connector.tending import Tending
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.faults import FaultySite, Script, refused
from tests.house import BACKEND, SITE, House


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def house(tmp_path: Path, script: Script) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(3)))
    house.work.site = FaultySite(house.site, script, house.clock)
    house.fill()
    yield house
    house.database.close()


@pytest.fixture
def tending(house: House) -> Tending:
    metrics = Metrics(house.database, [SITE], [BACKEND], house.clock)
    return Tending(
        house.work, house.database, house.clock, metrics, lambda: None, threading.Event()
    )


def failures(house: House) -> int:
    """How often the site was found down; 0: it is not left alone."""
    with house.database.read() as connection:
        held = targets.suspensions_now(connection).get(site_target(SITE))
    return held.failures if held else 0


def test_a_site_that_is_down_is_asked_again_when_its_time_is_over(
    house: House, tending: Tending, script: Script
) -> None:
    script.always("events", refused())
    assert tending.look() is False
    assert failures(house) == 1
    tending.look()
    assert len(script.used) == 1, "nobody calls a site that is down every few seconds"
    house.clock.advance(minutes=10)
    tending.look()
    assert failures(house) == len(script.used) == 2


def test_a_site_that_was_down_before_we_began_is_not_asked_every_few_seconds(
    house: House, tending: Tending, script: Script
) -> None:
    house.work._open = None
    script.always("check", refused())
    tending.look()
    tending.look()
    assert (failures(house), len(script.used)) == (1, 1)
    house.clock.advance(minutes=10)
    tending.look()
    assert (failures(house), len(script.used)) == (2, 2)


def test_a_daemon_that_stops_blames_no_site(house: House, tending: Tending, script: Script) -> None:
    script.always("events", refused())
    tending.stopping.set()
    assert tending.look() is False
    assert failures(house) == 0


def test_what_nobody_foresaw_is_counted_and_the_site_goes_on(
    house: House, tending: Tending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(house.work), "attend", lambda _: 1 / 0)
    assert tending.follow() is False
    assert failures(house) == 0
    assert b'connector_jobs_total{job="edits",outcome="crashed"} 1.0' in tending.metrics.text()
