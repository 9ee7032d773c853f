"""A clock that stands still until it is told, or asked to sleep.

Knows nothing but time: whoever takes a `ports.Clock` takes this one in tests.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2030, 1, 1, tzinfo=UTC)


class FakeClock:
    """Aware UTC time that only `sleep` and `advance` move. Threads may share it."""

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware time")
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()
        self.slept: list[float] = []
        """Every sleep asked for, in seconds."""

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Move by this much, at once."""
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=max(seconds, 0.0))

    def advance(self, **duration: float) -> datetime:
        """Move on: `advance(minutes=5)`. Gives the new time."""
        with self._lock:
            self._now += timedelta(**duration)
            return self._now
