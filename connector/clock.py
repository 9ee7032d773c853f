"""The real time, behind ports.Clock, and how it is noticed that somebody set it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connector.ports import Clock

SET_BACK = timedelta(seconds=5)
"""A clock that lost more than this was set; less is what a clock does that is being corrected."""


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ClockWatch:
    """Holds the clock against one that nobody can set."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._began = self._steady()

    def look(self) -> timedelta:
        """By how much the clock was set back since the last look; zero where it was not."""
        began, self._began = self._began, self._steady()
        lost = began - self._began
        return lost if lost > SET_BACK else timedelta(0)

    def _steady(self) -> datetime:
        """What the clock showed when the steady one stood at nought; moves only when it is set."""
        return self._clock.now() - timedelta(seconds=self._monotonic())
