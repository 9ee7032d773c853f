"""Death at a chosen commit: before it (all of it is undone) or after it (nobody hears of it).

Every commit of the state has a name, `module.function` of the step that asked for it, like
`receipts.keep`. Listens to SQLAlchemy's engines from outside, so that the connector itself knows
nothing of failpoints. Arm it in a process that may die:

    with failpoints.armed(Failpoint.parse("receipts.keep:after:2")):   # the second such commit
        ...
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import FrameType

from sqlalchemy import Connection, Engine, event

EXIT_CODE = 137
"""As of a process that was killed."""
ENVIRONMENT = "CONNECTOR_FAILPOINT"
_BETWEEN = ("sqlalchemy", "contextlib", "connector.state.database", "connector.testing.failpoints")


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Which commit to die at: its name, on which side of it, the how many-th."""

    name: str
    when: When
    number: int = 1

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """From `name:before` or `name:after`, and `:number` where it is not the first."""
        name, when, *number = text.split(":")
        return cls(name, When(when), int(number[0]) if number else 1)

    def __str__(self) -> str:
        return f"{self.name}:{self.when}:{self.number}"


def die() -> None:
    """End the process at once: no clean-up, no flush, no farewell."""
    os._exit(EXIT_CODE)


@dataclass(slots=True)
class Watch:
    """Commits by name, and what happens at the failpoint."""

    failpoint: Failpoint | None
    then: Callable[[], None] = die
    seen: Counter[str] = field(default_factory=Counter)

    def on_commit(self, connection: Connection) -> None:
        if connection.get_execution_options().get("reads", False):
            return
        name = _asked_by(sys._getframe(1))
        self.seen[name] += 1
        point = self.failpoint
        if point is None or point.name != name or point.number != self.seen[name]:
            return
        if point.when is When.AFTER:
            connection.connection.commit()
        self.then()


@contextmanager
def armed(failpoint: Failpoint | None, then: Callable[[], None] = die) -> Iterator[Watch]:
    """Watch every engine's commits for the length of the block; with a failpoint, die there."""
    watch = Watch(failpoint, then)
    event.listen(Engine, "commit", watch.on_commit)
    try:
        yield watch
    finally:
        event.remove(Engine, "commit", watch.on_commit)


def _asked_by(frame: FrameType | None) -> str:
    """The nearest step on the stack that is no machinery of transactions."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(_BETWEEN):
            return f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "unknown"
