"""Lateness shows whatever its cause, is told once when it begins and once when it is over, and the
message is sent again until somebody takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from connector import signing
from connector.errors import TargetDown
from connector.model import ProductId
from connector.ops.metrics import Metrics
from connector.ops.notify import RETRY_SECONDS, Receiver, Watch, next_attempt
from connector.state import notices, targets
from connector.state.targets import Suspension
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import Fault, FaultyCatalogue, Script
from tests.house import BACKEND, EUROS, SITE, House

SECRET = signing.Secret(b"k" * 32)
RULES = SiteRules(markets=(EUROS,), media=False)


class Phone:
    """Whoever is told. Keeps each message that it took."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answers: list[int] = []
        self.taken: list[dict[str, object]] = []
        self.ids: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        verified = signing.verify(
            [SECRET], dict(request.headers), request.content, self.clock.now()
        )
        self.ids.append(verified.id)
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            self.taken.append(json.loads(request.content))
        return httpx.Response(status)

    def types(self) -> list[object]:
        return [each["type"] for each in self.taken]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def house(tmp_path: Path, clock: FakeClock, script: Script) -> Iterator[House]:
    catalogue = MemoryCatalogue(generate.products(30))
    seen = FaultyCatalogue(catalogue, script, clock)
    house = House(tmp_path, catalogue, seen_catalogue=seen, rules=RULES, clock=clock)
    house.fill()
    yield house
    house.database.close()


@pytest.fixture
def phone(clock: FakeClock) -> Phone:
    return Phone(clock)


@pytest.fixture
def watch(house: House, phone: Phone) -> Iterator[Watch]:
    client = httpx.Client(transport=httpx.MockTransport(phone))
    watch = Watch(
        house.database,
        house.clock,
        [SITE],
        {BACKEND: 90.0},
        300.0,
        Receiver("https://alerts.example/", SECRET),
        client,
        chance=lambda: 0.0,
    )
    watch.look()
    yield watch
    watch.close()


def tick(watch: Watch) -> None:
    watch.look()
    watch.send()


def test_nothing_is_told_of_a_site_that_has_everything(watch: Watch, phone: Phone) -> None:
    tick(watch)
    assert phone.taken == []


def test_a_late_site_is_told_once_and_again_when_it_is_not(
    house: House, watch: Watch, phone: Phone
) -> None:
    with house.database.write() as connection:
        paused = Suspension("site:blog", "paused", house.clock.now(), None, 0, "test")
        targets.suspend(connection, paused)
    house.catalogue.put(generate.retitled(generate.product(3), "new"))
    house.detector.poll()
    house.clock.advance(seconds=299)
    house.detector.poll()
    tick(watch)
    assert phone.taken == []
    house.clock.advance(seconds=2)
    house.detector.poll()
    for _ in range(5):
        tick(watch)
    assert phone.types() == ["freshness.late", "freshness.late"]
    told = "".join(str(each["data"]) for each in phone.taken)
    assert "blog/offers" in told
    assert "blog/content" in told
    assert "301 s old" in told
    with house.database.write() as connection:
        targets.resume(connection, "site:blog")
    house.settle()
    tick(watch)
    assert phone.types()[2:] == ["freshness.recovered", "freshness.recovered"]


def test_a_backend_that_no_poll_reaches_is_told_although_nothing_is_due(
    house: House, watch: Watch, phone: Phone, script: Script
) -> None:
    script.always("changes", Fault(TargetDown("refused")))
    for _ in range(4):
        house.clock.advance(seconds=30)
        with pytest.raises(TargetDown):
            house.detector.poll()
        tick(watch)
    assert phone.types() == ["backend.unseen"]
    script.always("changes", None)
    house.detector.poll()
    tick(watch)
    assert phone.types() == ["backend.unseen", "backend.seen"]


def test_a_safety_stop_is_told_until_somebody_decides(
    house: House, watch: Watch, phone: Phone
) -> None:
    for number in range(20):
        house.catalogue.remove(ProductId(generate.product_subject(number).id))
    house.poll()
    tick(watch)
    assert phone.types() == ["safety.stopped"]
    assert "connector approve" in str(phone.taken[0]["data"])


def test_a_message_is_sent_again_under_its_id_until_it_is_taken(
    house: House, watch: Watch, phone: Phone
) -> None:
    phone.answers = [500, 302, 204]
    watch.late_seconds = 10**9
    for number in range(20):
        house.catalogue.remove(ProductId(generate.product_subject(number).id))
    house.poll()
    tick(watch)
    tick(watch)
    assert len(phone.ids) == 1
    house.clock.advance(seconds=5)
    tick(watch)
    house.clock.advance(seconds=299)
    house.detector.poll()
    tick(watch)
    assert len(phone.ids) == 2
    house.clock.advance(seconds=1)
    house.detector.poll()
    tick(watch)
    assert (len(phone.ids), len(set(phone.ids))) == (3, 1)
    assert phone.types() == ["safety.stopped"]
    with house.database.read() as connection:
        assert notices.undelivered(connection) == 0


def test_attempts_follow_the_schedule_and_end() -> None:
    now = FakeClock().now()
    waits = [next_attempt(500, n, now, 0.0) for n in range(len(RETRY_SECONDS))]
    assert waits == [now + timedelta(seconds=each) for each in RETRY_SECONDS]
    assert sum(RETRY_SECONDS) > 3 * 86400 - 3600
    assert next_attempt(500, len(RETRY_SECONDS), now, 0.0) is None
    assert next_attempt(410, 0, now, 0.0) is None


def test_a_restart_tells_nothing_twice(house: House, watch: Watch, phone: Phone) -> None:
    for number in range(20):
        house.catalogue.remove(ProductId(generate.product_subject(number).id))
    house.poll()
    tick(watch)
    again = Watch(house.database, house.clock, [SITE], {BACKEND: 90.0}, 300.0, watch.receiver)
    again.look()
    with house.database.read() as connection:
        assert notices.undelivered(connection) == 0
    again.close()


def test_the_metrics_show_when_the_backend_was_last_reached(house: House) -> None:
    house.clock.advance(seconds=42)
    text = Metrics(house.database, [SITE], [BACKEND], house.clock).text().decode()
    assert 'connector_backend_looked_seconds{backend="shop"} 42.0' in text
