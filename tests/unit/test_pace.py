"""How hard a site is worked follows from what it shows, and a gentle pace leaves it room."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Rejected, TryAgain
from connector.pacer import Pacer
from connector.testing.clock import FakeClock
from connector.work.pace import (
    MAX_REST_SECONDS,
    MOST_REST,
    Limits,
    Pace,
    after_answer,
    after_failure,
    rest_seconds,
)

GENTLE = Limits(at_a_time=4, gentle=True)
FULL = Limits(at_a_time=4)
steps = st.lists(
    st.one_of(st.none(), st.tuples(st.floats(0, 100), st.integers(0, 500))), max_size=60
)


def after(limits: Limits, history: Sequence[tuple[float, int] | None]) -> Pace:
    pace = Pace.first(limits)
    for each in history:
        pace = after_answer(pace, limits, "write", *each) if each else after_failure(pace)
    return pace


@given(st.sampled_from([GENTLE, FULL]), steps)
def test_a_pace_never_leaves_its_limits(
    limits: Limits, history: Sequence[tuple[float, int] | None]
) -> None:
    pace = after(limits, history)
    assert 1 <= pace.window <= (1 if limits.gentle else 4)
    assert 1 <= pace.rest <= MOST_REST
    assert 0 <= rest_seconds(pace, limits, 3.0) <= MAX_REST_SECONDS


def test_failures_halve_what_runs_at_a_time_and_answers_bring_it_back() -> None:
    pace = after(FULL, [None, None])
    assert pace.window == 1
    assert after(FULL, [None, None, *[(1.0, 10)] * 60]).window == 4


def test_a_gentle_pace_rests_as_long_as_it_works_and_longer_when_the_site_slows_down() -> None:
    calm = after(GENTLE, [(1.0, 100)] * 5)
    assert rest_seconds(calm, GENTLE, 1.0) == 1.0
    busy = after(GENTLE, [(1.0, 100)] * 5 + [(2.0, 100)] * 2)
    assert rest_seconds(busy, GENTLE, 1.0) == 4.0
    assert rest_seconds(after(GENTLE, [(1.0, 100), *[(2.0, 100)] * 80]), GENTLE, 1.0) == 1.0
    assert rest_seconds(calm, FULL, 1.0) == 0


def test_kinds_of_requests_are_not_held_against_each_other() -> None:
    pace = after_answer(Pace.first(GENTLE), GENTLE, "offers", 0.05, 500)
    assert after_answer(pace, GENTLE, "media", 2.0, 1).rest == 1.0


def work(pacer: Pacer, clock: FakeClock, seconds: float, *, urgent: bool = False) -> None:
    with pacer.turn("write", 10, urgent=urgent):
        clock.advance(seconds=seconds)


def test_bulk_rests_and_what_is_urgent_does_not() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, GENTLE)
    work(pacer, clock, 2.0)
    work(pacer, clock, 0.1, urgent=True)
    assert clock.slept == []
    work(pacer, clock, 2.0)
    assert clock.slept == [pytest.approx(1.9)]


def test_requests_keep_their_distance() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, Limits(per_second=4.0))
    began: list[float] = []
    for turn in range(9):
        with pacer.turn("write", 1, urgent=turn % 2 == 0):
            began.append(clock.now().timestamp())
    assert all(later - earlier >= 0.249 for earlier, later in pairwise(began))
    assert began[-1] - began[0] == pytest.approx(2.0)


def test_daemons_share_the_rate_that_a_site_allows() -> None:
    clock, sharers = FakeClock(), [1]
    pacer = Pacer(clock, Limits(per_second=4.0), lambda: sharers[0])
    for count, apart in ((1, 0.25), (2, 0.5), (3, 0.75), (1, 0.25)):
        sharers[0] = count
        for _ in range(2):
            with pacer.turn("write", 1, urgent=True):
                last = clock.now().timestamp()
        with pacer.turn("write", 1, urgent=True):
            assert clock.now().timestamp() - last == pytest.approx(apart)


def test_a_clock_that_jumps_back_keeps_nobody_waiting_longer_than_one_rest() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, GENTLE)
    work(pacer, clock, 2.0)
    clock.advance(hours=-1)
    work(pacer, clock, 0.1)
    assert clock.slept == [MAX_REST_SECONDS]


def test_a_failure_gives_the_turn_back() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, Limits(at_a_time=1))
    for error in (TryAgain("busy"), Rejected("no")):
        with pytest.raises(type(error)), pacer.turn("write", 1, urgent=False):
            raise error
    work(pacer, clock, 0.1)
    assert pacer.pace.window == 1


def test_no_more_run_at_a_time_than_the_site_takes() -> None:
    clock = FakeClock()
    pacer = Pacer(clock, Limits(at_a_time=2))
    inside, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2, timeout=10)

    def worker() -> None:
        nonlocal inside, most
        for turn in range(20):
            with pacer.turn("write", 1, urgent=False):
                with lock:
                    inside += 1
                    most = max(most, inside)
                if turn == 0:
                    both.wait()
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 2
