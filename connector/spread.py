"""Make long work last as long as it is meant to: rests between its parts, ended when we stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.errors import Incomplete


@dataclass(frozen=True, slots=True)
class Spread:
    """`rest` after each part takes its share of the whole time, and no part more than is left: a
    site that shows more than it did lasts no longer."""

    seconds: float
    parts: int
    """Of each of the sides that are read at the same time."""
    wait: Callable[[float], bool]
    """Waits so long, or until the process is told to stop: then True."""

    monotonic: Callable[[], float] = time.monotonic
    _began: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_began", self.monotonic())

    def rest(self, done: int) -> None:
        """After so many parts. Raises Incomplete when the process is told to stop."""
        left = self._began + self.seconds - self.monotonic()
        share = min(left, self.seconds * done / max(1, self.parts))
        if share > 0 and self.wait(share):
            raise Incomplete("the daemon was stopped; the comparison begins anew after its start")
