"""How hard a site is worked: requests at a time, requests a second, rest between them. Pure.

A site that fails under the load gets fewer requests at a time, and slowly more again as it takes
them (additive increase, multiplicative decrease, as TCP does it). A gentle pace also rests: at
least as long as the last request took, and longer while requests take more time than the site has
shown it needs, because then somebody else, its visitors, is waiting too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MAX_REST_SECONDS = 5.0
SLOW = 1.5
"""A request counts as slow that takes so many times what the site has shown it needs."""
MOST_REST = 8.0
FORGET = 1.02
"""The best time fades by so much with every request, so that a site that grew is not held to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a site allows."""

    at_a_time: int = 2
    per_second: float | None = None
    gentle: bool = False
    """Leave room for the site's own visitors."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a site has shown so far."""

    window: float
    """How many requests at a time it takes."""
    rest: float = 1.0
    """Seconds of rest for each second of work, where the pace is gentle."""
    best: Mapping[str, float] = field(default_factory=dict)
    """Per kind of request the least seconds for each item, fading."""

    @classmethod
    def first(cls, limits: Limits) -> Pace:
        return cls(window=float(most_at_a_time(limits)))


def most_at_a_time(limits: Limits) -> int:
    return 1 if limits.gentle else max(1, limits.at_a_time)


def after_answer(pace: Pace, limits: Limits, kind: str, seconds: float, items: int) -> Pace:
    """The site answered a request of so many items of a kind after so long."""
    each = seconds / max(1, items)
    best = min(each, pace.best.get(kind, each) * FORGET)
    slow = each > best * SLOW
    rest = min(MOST_REST, pace.rest * 2) if slow else max(1.0, pace.rest * 0.9)
    window = min(most_at_a_time(limits), pace.window + 1 / max(1.0, pace.window * 4))
    return Pace(window=window, rest=rest, best={**pace.best, kind: best})


def after_failure(pace: Pace) -> Pace:
    """The site did not answer, or answered that it cannot now."""
    return replace(pace, window=max(1.0, pace.window / 2), rest=min(MOST_REST, pace.rest * 2))


def rest_seconds(pace: Pace, limits: Limits, seconds: float) -> float:
    """How long to leave the site alone after a request that took so long."""
    return min(MAX_REST_SECONDS, pace.rest * seconds) if limits.gentle else 0.0
