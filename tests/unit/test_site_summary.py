"""How a site stands as a whole: told when it is news, and once a minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.detect import IMPORT
from connector.errors import ConnectorError, TargetDown
from connector.model import JsonValue, Lane
from connector.ports import SiteCapabilities
from connector.state import runs, targets, todo
from connector.state.targets import Suspension
from connector.state.todo import Due, Priority, Why
from connector.testing import generate
from connector.testing.clock import FakeClock
from connector.testing.faults import Fault, FaultySite, Script
from connector.testing.site import WITH_EXTENSION, MemorySite
from tests.contract.site_api_contract import Contract
from tests.house import BACKEND, SITE, House

ONE = generate.product_subject(1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    found.catalogue.put(generate.product(1))
    found.fill()
    found.detector.proved(SITE)
    yield found
    found.database.close()


def codes(house: House) -> list[object]:
    house.work.tell_summary()
    found = house.site.summary["problems"]
    assert isinstance(found, list)
    return [each["code"] for each in found if isinstance(each, dict)]


def test_it_is_as_the_contract_says(house: House) -> None:
    house.work.nudge = "https://connector.example/nudge/blog"
    assert house.work.tell_summary()
    summary = house.site.summary
    Contract.read().check_request("/summary", {"backend": "shop", "summary": summary})
    assert (summary["fresh"], summary["problems"]) == (True, [])
    assert summary["nudge"] == "https://connector.example/nudge/blog"
    assert summary["counts"] == {"conflicts": 0, "parked": 0, "taken": 0}
    fields = summary["fields"]
    assert isinstance(fields, list)
    owners = {str(f["field"]): (f["owner"], f["takes"]) for f in fields if isinstance(f, dict)}
    assert owners["title"] == ("merge", True)
    assert owners["tags"] == ("commerce", True)
    assert owners["variants"] == owners["price"] == ("commerce", False)
    assert owners["slug"] == ("editor", False)


def test_it_is_told_on_news_and_once_a_minute(house: House) -> None:
    assert house.work.tell_summary()
    assert not house.work.tell_summary()
    house.poll()
    assert not house.work.tell_summary()
    house.clock.advance(seconds=60)
    assert house.work.tell_summary()
    mark(house)
    assert house.work.tell_summary()


def mark(house: House) -> None:
    with house.database.write() as connection:
        why = Why("t", "test")
        due = [Due(SITE, Lane.OFFERS, ONE)]
        todo.mark(connection, due, priority=Priority.SIGNAL, now=house.clock.now(), why=why)


def test_problems_come_with_what_to_do(house: House) -> None:
    assert codes(house) == []
    now = house.clock.now()
    with house.database.write() as connection:
        until = now + timedelta(seconds=30)
        down = Suspension(targets.backend_target(BACKEND), "it is away", now, until, 3, "connector")
        lane = Suspension(targets.lane_target(SITE, Lane.OFFERS), "stocktaking", now, None, 0, "me")
        targets.suspend(connection, down)
        targets.suspend(connection, lane)
    mark(house)
    house.clock.advance(seconds=61)
    house.site.refuse(ONE)
    assert codes(house) == ["backend_down", "lane_paused", "late"]
    problems = house.site.summary["problems"]
    assert isinstance(problems, list)
    first: JsonValue = problems[0]
    assert isinstance(first, dict)
    assert "it is away" in str(first["says"]) and first["next"]
    assert house.site.summary["fresh"] is False


def test_a_stopped_run_and_an_import_under_way(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert codes(house) == ["importing"]
    with house.database.write() as connection:
        run_id = runs.start_run(connection, IMPORT, SITE, "me", house.clock.now())
        runs.stop_run(connection, run_id, SITE, house.clock.now())
    listed = house.site.summary["runs"]
    assert listed == []
    house.work.tell_summary()
    listed = house.site.summary["runs"]
    assert isinstance(listed, list) and len(listed) == 1
    house.database.close()


def test_a_site_without_a_panel_is_told_nothing(tmp_path: Path) -> None:
    from dataclasses import replace

    capabilities: SiteCapabilities = replace(WITH_EXTENSION, panel=False)
    house = House(tmp_path, site=MemorySite("blog", capabilities=capabilities))
    assert not house.work.tell_summary()
    assert house.site.counts["write_summary"] == 0
    house.database.close()


def test_what_did_not_arrive_is_told_again(tmp_path: Path) -> None:
    site, clock, script = MemorySite("blog"), FakeClock(), Script()
    house = House(tmp_path, site=site, seen_site=FaultySite(site, script, clock), clock=clock)
    script.on("write_summary", Fault(TargetDown("gone")))
    with pytest.raises(ConnectorError):
        house.work.tell_summary()
    assert house.work.tell_summary()
    house.database.close()


def test_what_is_given_up_on_is_named_also_without_a_page(house: House) -> None:
    second = generate.product(2)
    house.catalogue.put(second)
    house.site.refuse(generate.product_subject(2), "the site does not take <this>")
    house.poll()
    house.work.tell_summary()
    Contract.read().check_request("/summary", {"backend": "shop", "summary": house.site.summary})
    parked = house.site.summary["parked"]
    assert isinstance(parked, list)
    (one,) = parked
    assert isinstance(one, dict)
    assert one["id"] == second.id
    assert one["title"] == second.texts[second.default_locale].title
    assert "does not take <this>" in str(one["reason"])
    assert one["next"]
    assert house.site.summary["counts"] == {"conflicts": 0, "parked": 1, "taken": 0}
