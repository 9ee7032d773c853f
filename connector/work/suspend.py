"""How long a backend or site that fails as a whole is left alone. Pure.

A target that says when to come again is believed; otherwise waits double from five seconds to five
minutes. When the time is over one probe is made, and only if that succeeds does work go on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector.errors import ConnectorError, TargetDown, TryAgain
from connector.state.targets import Suspension
from connector.work.retry import RetryPolicy, backoff_seconds

POLICY = RetryPolicy(first_seconds=5, factor=2, max_seconds=300)


def suspension_after(
    error: ConnectorError, target: str, before: Suspension | None, now: datetime, chance: float
) -> Suspension:
    """The suspension that follows a failure of the whole target."""
    failures = (before.failures if before else 0) + 1
    asked = error.retry_after_seconds if isinstance(error, TryAgain | TargetDown) else None
    wait = asked or backoff_seconds(failures, POLICY, chance)
    return Suspension(
        target=target,
        reason=error.message,
        since=before.since if before else now,
        until=now + timedelta(seconds=wait),
        failures=failures,
        asked_by="connector",
    )


def may_call(suspension: Suspension | None, now: datetime) -> bool:
    """Whether the target may be called now, be it only to probe."""
    return suspension is None or (suspension.until is not None and suspension.until <= now)
