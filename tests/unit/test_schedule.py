"""What a daemon does by time: what one site cannot do keeps no other waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.clock import SystemClock
from connector.model import SiteName
from connector.ops.metrics import Metrics
from connector.schedule import Schedule
from connector.state import signals, targets, todo
from connector.state.targets import Suspension
from connector.testing.faults import FaultySite, Script, refused
from tests.house import BACKEND, SITE
from tests.semidetached import SECOND, Pair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.first.database.close()


def schedule_of(pair: Pair) -> Schedule:
    connector = pair.connector()
    metrics = Metrics(connector.database, [SITE, SECOND], [BACKEND], connector.clock)
    return Schedule(connector, metrics, threading.Event(), lambda: None)


def begin(schedule: Schedule, pair: Pair) -> None:
    detector = pair.first.detector
    schedule._guarded("begin shop", lambda: schedule._begin(detector), BACKEND)


def standing(pair: Pair, site: SiteName) -> str | None:
    with pair.first.database.read() as connection:
        return signals.read_cursor(connection, BACKEND, f"import:{site}")


def left_alone(pair: Pair, target: str) -> bool:
    with pair.first.database.read() as connection:
        return target in targets.suspensions_now(connection)


@pytest.mark.parametrize("how", ["paused", "a paused lane", "in the configuration"])
def test_a_site_that_is_not_filled_yet_keeps_no_other_from_its_proof(pair: Pair, how: str) -> None:
    house = pair.first
    with house.database.write() as connection:
        signals.forget_imports(connection)
        house_target = targets.site_target(SITE) + ("/content" if how == "a paused lane" else "")
        if how == "in the configuration":
            pair.paused = True
        else:
            held = Suspension(house_target, "moving", SystemClock().now(), None, 0, "me")
            targets.suspend(connection, held)
    schedule = schedule_of(pair)
    begin(schedule, pair)
    theirs = [line for line in pair.lines if line.site == SECOND]
    while any(house.engine.step(line, line.name) for line in theirs):
        house.clock.advance(seconds=1)
    house.clock.advance(days=3650)
    with house.database.read() as connection:
        assert todo.waiting(connection, site=SITE) > 0
        assert todo.waiting(connection, site=SECOND) == 0
    begin(schedule, pair)
    assert standing(pair, SECOND) == "proved"
    assert standing(pair, SITE) == "marked"


def test_a_site_that_cannot_be_proved_keeps_no_other_from_its_proof(pair: Pair) -> None:
    script = Script().always("inventory", refused())
    pair.first.work.site = FaultySite(pair.first.site, script, pair.first.clock)
    pair.first.work._open = None
    begin(schedule_of(pair), pair)
    assert standing(pair, SITE) == "marked"
    assert standing(pair, SECOND) == "proved"
    assert left_alone(pair, targets.site_target(SITE))
    assert not left_alone(pair, targets.backend_target(BACKEND))


def test_a_job_that_called_nobody_does_not_say_that_the_shop_works_again(pair: Pair) -> None:
    pair.first.detector.proved(SITE)
    pair.first.detector.proved(SECOND)
    now, shop = SystemClock().now(), targets.backend_target(BACKEND)
    with pair.first.database.write() as connection:
        targets.suspend(connection, Suspension(shop, "down", now, now, 3, "connector"))
    begin(schedule_of(pair), pair)
    assert left_alone(pair, shop)


def test_a_paused_site_is_not_read_through_at_night(pair: Pair) -> None:
    held = Suspension(targets.site_target(SITE), "moving", SystemClock().now(), None, 0, "me")
    with pair.first.database.write() as connection:
        targets.suspend(connection, held)
    before = pair.first.site.counts["inventory"]
    schedule = schedule_of(pair)
    schedule._reconcile_nightly(SITE)
    assert pair.first.site.counts["inventory"] == before
    schedule._reconcile_nightly(SECOND)
    assert pair.second.site.counts["inventory"] > 0  # type: ignore[attr-defined]
