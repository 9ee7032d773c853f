"""`POST /hooks/{backend}` and the daemon's other addresses, over the ASGI app."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient

from connector import detect
from connector.clock import SystemClock
from connector.ops.metrics import Metrics
from connector.ports import Signal
from connector.relay import hooks
from connector.serve import build_app
from connector.signing import Secret, signed_headers
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue, webhook_body
from tests.house import BACKEND, SITE, House

SECRET = Secret(b"k" * 32)


HERE = ("127.0.0.1", 4000)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(41), secrets=[SECRET]))
    house.detector.clock = SystemClock()
    yield house
    house.database.close()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    metrics = Metrics(house.database, [SITE], [BACKEND], house.clock)
    with TestClient(build_app({BACKEND: house.detector}, metrics, dict), client=HERE) as client:
        yield client


def message(number: int, event: str = "") -> tuple[bytes, dict[str, str]]:
    body = webhook_body([Signal(generate.product_subject(number))])
    now = int(SystemClock().now().timestamp())
    return body, signed_headers(SECRET, event or f"event-{number}", now, body)


def test_a_signed_one_is_noted_and_a_repeated_one_has_no_effect(
    house: House, client: TestClient
) -> None:
    body, headers = message(1)
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 202
    due = house.due()
    assert due == 2
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 200
    assert house.due() == due
    scraped = client.get("/metrics").text
    assert 'connector_webhooks_total{backend="shop",result="noted"} 1.0' in scraped
    assert 'connector_webhooks_total{backend="shop",result="repeated"} 1.0' in scraped
    assert 'connector_due{lane="offers",site="blog"} 1.0' in scraped


def test_an_unproved_one_is_401_with_nothing_said_and_nothing_noted(
    house: House, client: TestClient
) -> None:
    body, headers = message(1)
    for spoiled in (
        {},
        {**headers, "webhook-signature": "v1,AAAA"},
        {**headers, "webhook-timestamp": "1000000000"},
        {**headers, "webhook-id": "another"},
        {**headers, "webhook-signature": headers["webhook-signature"].swapcase()},
    ):
        answer = client.post("/hooks/shop", content=body, headers=spoiled)
        assert (answer.status_code, answer.content) == (401, b"")
    assert house.due() == 0


def test_a_large_body_is_refused_before_it_is_read(house: House, client: TestClient) -> None:
    answer = client.post("/hooks/shop", content=b"x" * (hooks.MAX_BODY + 1))
    assert answer.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(hooks.MAX_BODY // 1000 + 2):
            yield b"x" * 1000

    assert client.post("/hooks/shop", content=pieces()).status_code == 413
    assert house.due() == 0


def test_an_unknown_backend_or_method_is_not_there(client: TestClient) -> None:
    assert client.post("/hooks/nobody").status_code == 404
    assert client.get("/hooks/shop").status_code == 405


def test_a_state_that_cannot_be_written_asks_the_sender_to_come_again(
    tmp_path: Path, house: House, client: TestClient
) -> None:
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("ALTER TABLE inbox RENAME TO elsewhere")
    connection.close()
    body, headers = message(2)
    answer = client.post("/hooks/shop", content=body, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO inbox")
    connection.close()
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 202


def test_a_sender_waits_a_few_seconds_for_the_state_and_no_longer(
    tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect, "SENDER_PATIENCE_SECONDS", 0.2)
    body, headers = message(2)
    with sqlite3.connect(tmp_path / "state.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = client.post("/hooks/shop", content=body, headers=headers)
        waited = time.monotonic() - began
        other.execute("ROLLBACK")
    other.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert 0.2 <= waited < 10
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 202


@pytest.mark.parametrize("error", [PoolTimeout("used up"), ZeroDivisionError("a mistake")])
def test_whatever_fails_on_our_side_asks_the_sender_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> bool:
        raise error

    body, headers = message(2)
    with monkeypatch.context() as patch:
        patch.setattr(detect.Detector, "receive", fail)
        answer = client.post("/hooks/shop", content=body, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert client.post("/hooks/shop", content=body, headers=headers).status_code == 202


def test_every_webhook_three_times_out_of_order_makes_one_page_each(
    house: House, client: TestClient
) -> None:
    deliveries = [message(number) for number in range(1, 41) for _ in range(3)]
    random.Random(1).shuffle(deliveries)
    with ThreadPoolExecutor(8) as senders:
        answers = list(
            senders.map(
                lambda each: (
                    client.post("/hooks/shop", content=each[0], headers=each[1]).status_code
                ),
                deliveries,
            )
        )
    assert answers.count(202) == 40
    assert answers.count(200) == 80
    house.clock.advance(days=3650)
    house.settle()
    assert len(house.site.pages()) == 40


def test_health_is_told_from_readiness(house: House) -> None:
    metrics = Metrics(house.database, [SITE], [BACKEND], house.clock)
    app = build_app({}, metrics, lambda: {"workers": "not all are running"})
    with TestClient(app, client=HERE) as client:
        assert client.get("/healthz").text == "alive\n"
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"workers": "not all are running"}
