"""Waits before and after each write, so that a site is worked no harder than it takes.

One pacer serves one site and is shared by its workers; several daemons share the rate. Urgent
writes (a price that just changed) wait for the limit a second alone; everything else also for its
turn and for the site's rest. Which pace is right is work/pace.py's to say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from connector.errors import ConnectorError, Rejected
from connector.ports import Clock
from connector.work.pace import (
    MAX_REST_SECONDS,
    Limits,
    Pace,
    after_answer,
    after_failure,
    rest_seconds,
)

LOOK_SECONDS = 0.05


class Pacer:
    """Gives turns."""

    def __init__(
        self, clock: Clock, limits: Limits, sharers: Callable[[], int] = lambda: 1
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._sharers = sharers
        """How many processes write to the site, each of which takes its part of the rate."""
        self._pace = Pace.first(limits)
        self._lock = threading.Lock()
        self._under_way = 0
        self._rests_until: datetime | None = None
        self._next_at: datetime | None = None

    @property
    def pace(self) -> Pace:
        with self._lock:
            return self._pace

    @contextmanager
    def turn(self, kind: str, items: int, *, urgent: bool) -> Iterator[None]:
        """One request of so many items of a kind. Waits first; learns from how it went."""
        if not urgent:
            self._wait_for_turn()
        self._wait_for_rate()
        began = self._clock.now()
        try:
            yield
        except Rejected:
            raise
        except ConnectorError:
            self._learn(after_failure(self._pace), 0.0)
            raise
        else:
            seconds = (self._clock.now() - began).total_seconds()
            if not urgent:
                seconds = max(0.0, seconds)
                learned = after_answer(self._pace, self._limits, kind, seconds, items)
                self._learn(learned, seconds)
        finally:
            if not urgent:
                with self._lock:
                    self._under_way -= 1

    def _learn(self, pace: Pace, seconds: float) -> None:
        now = self._clock.now()
        with self._lock:
            self._pace = pace
            rest = rest_seconds(pace, self._limits, seconds)
            self._rests_until = now + timedelta(seconds=rest) if rest else None

    def _wait_for_turn(self) -> None:
        """The site's rest counts once, whatever the clock does meanwhile."""
        while not self._taken():
            self._clock.sleep(LOOK_SECONDS)
        if (left := self._rest_left()) > 0:
            self._clock.sleep(left)

    def _taken(self) -> bool:
        with self._lock:
            free = self._under_way < int(self._pace.window)
            self._under_way += free
            return free

    def _rest_left(self) -> float:
        with self._lock:
            until = self._rests_until
        if until is None:
            return 0.0
        return min((until - self._clock.now()).total_seconds(), MAX_REST_SECONDS)

    def _wait_for_rate(self) -> None:
        """At most so many requests a second, evenly, urgent ones among them."""
        if self._limits.per_second is None:
            return
        apart = timedelta(seconds=self._sharers() / self._limits.per_second)
        with self._lock:
            now = self._clock.now()
            mine = now if self._next_at is None else max(now, min(self._next_at, now + apart * 100))
            self._next_at = mine + apart
        if mine > now:
            self._clock.sleep((mine - now).total_seconds())
