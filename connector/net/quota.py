"""What a server says is left of its quota, and how long to wait so that it need not refuse.

Read from each answer's headers: `RateLimit` and its older pair (IETF httpapi), the `X-RateLimit`
pair of many gateways, and BigCommerce's. While plenty is left nothing waits; the last few requests
are spread over the time until the quota is full again. A wait is never long: a server that means
more says 429 and `Retry-After`, which leaves the whole site alone. Knows no adapter.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping

FEW = 5
"""So many requests left are spread."""
LONGEST_WAIT_SECONDS = 10.0
_PAIRS = (
    ("ratelimit-remaining", "ratelimit-reset", 1.0),
    ("x-ratelimit-remaining", "x-ratelimit-reset", 1.0),
    ("x-rate-limit-requests-left", "x-rate-limit-time-reset-ms", 0.001),
)
"""Requests left, time until they are full again, and that time's unit in seconds."""
_A_MOMENT = 1_000_000_000
"""A reset above it is a time since 1970, not a duration."""


def wait_seconds(headers: Mapping[str, str], now: float) -> float:
    """How long to wait before the next request; 0 where nothing is said. `now` is since 1970."""
    waits = [
        reset / (left + 1) for left, reset in _quotas(headers, now) if left <= FEW and reset > 0
    ]
    return min(max(waits, default=0.0), LONGEST_WAIT_SECONDS)


def _quotas(headers: Mapping[str, str], now: float) -> list[tuple[int, float]]:
    """Pairs of requests left and seconds until the quota is full again."""
    found = []
    for item in headers.get("ratelimit", "").split(","):
        left, reset = _parameter(item, "r"), _parameter(item, "t")
        if left is not None and reset is not None:
            found.append((left, float(reset)))
    for remaining, reset_name, unit in _PAIRS:
        left, reset = _whole(headers.get(remaining, "")), _whole(headers.get(reset_name, ""))
        if left is not None and reset is not None:
            found.append((left, reset - now if reset > _A_MOMENT else reset * unit))
    return found


def _parameter(item: str, name: str) -> int | None:
    """Of a structured field's item (RFC 9651), such as `"default";r=3;t=30`."""
    match = re.search(rf";\s*{name}=(\d{{1,9}})(?=\s*(;|$))", item)
    return int(match[1]) if match else None


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


class Quota:
    """One server's; shared by the threads that ask it."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._now = now
        self._rests_until = 0.0
        self._guard = threading.Lock()

    def wait(self) -> None:
        """Before a request."""
        with self._guard:
            left = self._rests_until - self._monotonic()
        if left > 0:
            self._sleep(left)

    def note(self, headers: Mapping[str, str]) -> None:
        """After an answer. Header names are looked up in lower case."""
        wait = wait_seconds(headers, self._now())
        with self._guard:
            self._rests_until = self._monotonic() + wait if wait else 0.0
