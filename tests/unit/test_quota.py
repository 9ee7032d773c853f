"""What is left of a quota is spread, in every way that servers say it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.net.quota import LONGEST_WAIT_SECONDS, Quota, wait_seconds
from connector.net.timely import TimelyAdapter, TimelyTransport
from connector.testing.clock import FakeClock
from connector.testing.proxy import Instead, Proxy

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 0.0),
        ({"ratelimit": '"default";r=0;t=7'}, 7.0),
        ({"ratelimit": '"burst";r=90;t=60, "daily";r=1;t=6'}, 3.0),
        ({"ratelimit": "default; r=3; t=8"}, 2.0),
        ({"ratelimit": '"default";r=6;t=9'}, 0.0),
        ({"ratelimit": '"default";t=9'}, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "4"}, 4.0),
        ({"x-ratelimit-remaining": " 1 ", "x-ratelimit-reset": "4"}, 2.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 9)}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) - 9)}, 0.0),
        (
            {"x-rate-limit-requests-left": "0", "x-rate-limit-time-reset-ms": "2500"},
            2.5,
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "86400"}, LONGEST_WAIT_SECONDS),
        ({"ratelimit-remaining": "0"}, 0.0),
        ({"ratelimit-remaining": "none", "ratelimit-reset": "soon"}, 0.0),
        ({"ratelimit-remaining": "-1", "ratelimit-reset": "4"}, 0.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], expected: float) -> None:
    assert wait_seconds(headers, NOW) == expected


@given(
    st.dictionaries(
        st.sampled_from(["ratelimit", "ratelimit-remaining", "ratelimit-reset"]), st.text()
    )
)
def test_whatever_a_server_says_waits_are_short(headers: dict[str, str]) -> None:
    assert 0.0 <= wait_seconds(headers, NOW) <= LONGEST_WAIT_SECONDS


def test_a_wait_ends_with_time_and_with_a_fuller_quota() -> None:
    clock = FakeClock()
    slept = clock.slept
    quota = Quota(lambda: clock.now().timestamp(), clock.sleep, lambda: NOW)
    quota.wait()
    quota.note({"ratelimit": "x;r=0;t=6"})
    clock.advance(seconds=2)
    quota.wait()
    quota.wait()
    assert slept == [4.0]
    quota.note({"ratelimit": "x;r=0;t=6"})
    quota.note({"ratelimit": "x;r=99;t=6"})
    quota.wait()
    assert slept == [4.0]


@pytest.fixture
def stingy() -> Iterator[Proxy]:
    """Says with each answer that nothing is left for seven seconds."""
    proxy = Proxy(1, FakeClock()).start()
    proxy.always(Instead(200, (("RateLimit", '"default";r=0;t=7'),)))
    yield proxy
    proxy.stop()


def test_both_libraries_clients_keep_to_it(stingy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(Quota.__init__, "__defaults__", (lambda: 0.0, slept.append, lambda: NOW))
    session = requests.Session()
    session.mount("http://", TimelyAdapter())
    with httpx.Client(transport=TimelyTransport()) as client:
        for ask in (session.get, client.get):
            ask(stingy.url)
            ask(stingy.url)
    assert slept == [7.0, 7.0]
