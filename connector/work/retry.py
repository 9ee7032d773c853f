"""What becomes of work that failed: again later, or parked for a person. Pure.

In-call retries (seconds, idempotent calls only) are the adapters'; these are the long ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import ConnectorError, Rejected, SafetyStop, TryAgain


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits first * factor^n seconds, at most max, each a quarter more or less by chance."""

    first_seconds: float = 2.0
    factor: float = 2.0
    max_seconds: float = 900.0
    park_after: int = 8
    """Failed attempts after which an item is parked."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    at: datetime


@dataclass(frozen=True, slots=True)
class Park:
    """Stop trying. `error` is the class of errors.py that brought it here."""

    error: str


def after_failure(
    error: ConnectorError, failed_attempts: int, policy: RetryPolicy, now: datetime, chance: float
) -> RetryAt | Park:
    """The decision for one item. `failed_attempts` counts this one; `chance` is in [0, 1).

    What can never succeed is parked at once; a retry_after from the other side is kept to.
    """
    if isinstance(error, Rejected | SafetyStop) or failed_attempts >= policy.park_after:
        return Park(type(error).__name__)
    asked = error.retry_after_seconds if isinstance(error, TryAgain) else None
    wait = max(asked or 0.0, backoff_seconds(failed_attempts, policy, chance))
    return RetryAt(now + timedelta(seconds=wait))


def backoff_seconds(failed_attempts: int, policy: RetryPolicy, chance: float) -> float:
    """How long to wait after the n-th failure (n from 1)."""
    exponent = min(max(failed_attempts, 1) - 1, 60)
    wait = min(policy.first_seconds * policy.factor**exponent, policy.max_seconds)
    return wait * (0.75 + 0.5 * chance)
