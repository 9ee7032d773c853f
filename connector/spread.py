"""Make long work last as long as it is meant to: rests between its parts, ended when we stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.errors import Incomplete


@dataclass(frozen=True, slots=True)
class Spread:
    """`rest` after each part takes its share of the whole time."""

    seconds: float
    parts: int
    """Of each of the sides that are read at the same time."""
    wait: Callable[[float], bool]
    """Waits so long, or until the process is told to stop: then True."""

    def rest(self, done: int) -> None:
        """After so many parts. Raises Incomplete when the process is told to stop."""
        share = self.seconds * done / max(1, self.parts)
        if share > 0 and self.wait(share):
            raise Incomplete("the daemon was stopped; the comparison begins anew after its start")
