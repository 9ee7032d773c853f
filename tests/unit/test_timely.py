"""When to come again, as servers say it, and answers that must be whole in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
import requests

from connector.net.timely import TimelyAdapter, TimelyTransport, retry_after_seconds
from connector.testing.clock import FakeClock
from connector.testing.proxy import Instead, Proxy, Trickle

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DEADLINE = 0.3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 37 "}, 37.0),
        ({"retry-after": "99999999999999"}, 7 * 86_400.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:35 GMT"}, 95.0),
        ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0.0),
        (
            {
                "retry-after": "Tue, 24 Nov 2026 15:01:35 GMT",
                "date": "Tue, 24 Nov 2026 15:00:00 GMT",
            },
            95.0,
        ),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:10 -0000"}, 10.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
    ],
)
def test_when_to_come_again(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == expected


@pytest.fixture
def trickling() -> Iterator[Proxy]:
    """Answers of 2,000 bytes that come one at a time, headers too."""
    clock = FakeClock()
    inner = Proxy(0, clock).start().always(Instead(200, (), b"x" * 2000))
    outer = Proxy(inner.port, clock).start().always(Trickle(bytes_per_second=100))
    yield outer
    outer.stop()
    inner.stop()


def test_requests_ends_with_the_answers_deadline(trickling: Proxy) -> None:
    session = requests.Session()
    session.mount("http://", TimelyAdapter())
    for whole in (0, 90):
        trickling.always(Trickle(bytes_per_second=100, whole_bytes=whole))
        began = time.monotonic()
        with pytest.raises(requests.exceptions.ReadTimeout):
            session.get(trickling.url, timeout=(DEADLINE, DEADLINE))
        assert time.monotonic() - began < 3 * DEADLINE
    trickling.always(None)
    assert len(session.get(trickling.url, timeout=(DEADLINE, DEADLINE)).content) == 2000
    session.close()


def test_httpx_ends_with_the_answers_deadline(trickling: Proxy) -> None:
    client = httpx.Client(transport=TimelyTransport(), timeout=DEADLINE)
    trickling.always(Trickle(bytes_per_second=100, whole_bytes=90))
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        client.get(trickling.url)
    assert time.monotonic() - began < 3 * DEADLINE
    trickling.always(None)
    assert len(client.get(trickling.url).content) == 2000
    client.close()
