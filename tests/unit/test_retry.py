"""How long to wait, when to stop trying or retiring, and when a target may be called: exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import Rejected, SafetyStop, TargetDown, TryAgain
from connector.sync.plan import Allowance, retire_allowance
from connector.sync.rules import SafetyRule
from connector.work.retry import Park, RetryAt, RetryPolicy, after_failure, backoff_seconds
from connector.work.suspend import POLICY, suspension_after

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_policy_that_nobody_chose() -> None:
    assert RetryPolicy() == RetryPolicy(2.0, 2.0, 900.0, 8)
    assert RetryPolicy(5, 2, 300) == POLICY


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [
        (0, 0.5, 2.0),
        (1, 0.0, 1.5),
        (1, 0.5, 2.0),
        (2, 0.5, 4.0),
        (9, 0.5, 512.0),
        (10, 0.5, 900.0),
        (10**6, 1.0, 1125.0),
    ],
)
def test_waits_double_and_stop_growing(failures: int, chance: float, seconds: float) -> None:
    assert backoff_seconds(failures, RetryPolicy(), chance) == seconds


def test_a_wait_asked_for_is_kept_to_and_no_shorter_than_ours() -> None:
    long, short = (TryAgain("slow", retry_after_seconds=each) for each in (60.0, 0.5))
    assert after_failure(long, 1, RetryPolicy(), NOW, 0.5) == RetryAt(NOW + timedelta(seconds=60))
    assert after_failure(short, 1, RetryPolicy(), NOW, 0.5) == RetryAt(NOW + timedelta(seconds=2))
    without = RetryPolicy(first_seconds=0.1)
    assert after_failure(TryAgain("no"), 1, without, NOW, 0.5) == RetryAt(
        NOW + timedelta(seconds=0.1)
    )
    down = TargetDown("gone", retry_after_seconds=999.0)
    assert after_failure(down, 1, RetryPolicy(), NOW, 0.5) == RetryAt(NOW + timedelta(seconds=2))


def test_what_can_never_succeed_is_parked_at_once_and_the_rest_after_its_tries() -> None:
    assert after_failure(Rejected("no"), 1, RetryPolicy(), NOW, 0.5) == Park("Rejected")
    assert after_failure(SafetyStop("no"), 1, RetryPolicy(), NOW, 0.5) == Park("SafetyStop")
    assert after_failure(TryAgain("no"), 8, RetryPolicy(), NOW, 0.5) == Park("TryAgain")
    assert isinstance(after_failure(TryAgain("no"), 7, RetryPolicy(), NOW, 0.5), RetryAt)


def test_a_suspension_remembers_since_when_and_grows() -> None:
    first = suspension_after(TargetDown("gone"), "site:blog", None, NOW, 0.5)
    assert (first.since, first.failures, first.asked_by) == (NOW, 1, "connector")
    assert first.until == NOW + timedelta(seconds=5)
    later = NOW + timedelta(seconds=5)
    second = suspension_after(TargetDown("gone"), "site:blog", first, later, 0.5)
    assert (second.since, second.failures) == (NOW, 2)
    assert second.until == later + timedelta(seconds=10)
    asked = TryAgain("slow", retry_after_seconds=2.5)
    third = suspension_after(asked, "site:blog", second, later, 0.5)
    assert third.until == later + timedelta(seconds=2.5)


@pytest.mark.parametrize(
    ("held", "already", "wanted", "expected"),
    [
        (1000, 0, 50, Allowance(50, 50, False)),
        (1000, 0, 51, Allowance(0, 50, True)),
        (1000, 50, 0, Allowance(0, 50, False)),
        (1000, 60, 0, Allowance(0, 50, False)),
        (1000, 49, 1, Allowance(1, 50, False)),
        (1000, 49, 2, Allowance(0, 50, True)),
        (100, 0, 10, Allowance(10, 10, False)),
        (100, 0, 11, Allowance(0, 10, True)),
        (1, 0, 1, Allowance(1, 10, False)),
        (2, 0, 2, Allowance(0, 10, True)),
        (2, 1, 1, Allowance(0, 10, True)),
        (2, 0, 1, Allowance(1, 10, False)),
        (0, 0, 0, Allowance(0, 10, False)),
        (219, 0, 10, Allowance(10, 10, False)),
        (220, 0, 11, Allowance(11, 11, False)),
    ],
)
def test_the_safety_stop(held: int, already: int, wanted: int, expected: Allowance) -> None:
    rule = SafetyRule(products=10, percent=5)
    assert retire_allowance(rule, held=held, already=already, wanted=wanted) == expected
