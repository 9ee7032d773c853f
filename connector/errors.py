"""Every failure, named by what the caller does next.

    ConnectorError
      ConfigError      fix the configuration: every problem at once; exit 2
      TryAgain         the same work later; may carry retry_after_seconds
        OutcomeUnknown   it may have been done: look before doing it again
      Rejected         this item, never: park it, go on with the others
      TargetDown       the whole target later: suspend it
      Incomplete       a listing broke off: nothing may be concluded from what is absent
      SafetyStop       a person must decide; exit 4
      BadSignature     answer 401 and say nothing more
      StateError       the state cannot be used as it is: the message says which command mends it

Messages say what happened, to which id, and what to do next. They never hold bodies,
secrets or customer data. Knows nothing of the rest of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class ConnectorError(Exception):
    """The root: whatever this project raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.target: str | None = None
        """Whose failure it is, where that is known: site:NAME or backend:NAME."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration: where it stands, what is wrong, how to mend it."""

    path: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}. {self.fix}"


class ConfigError(ConnectorError):
    """The configuration cannot be used. Holds every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class TryAgain(ConnectorError):
    """The same call may succeed later: time-outs, 429, 5xx."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(TryAgain):
    """A write was sent and no answer came: it may have been done. Read, then decide."""


class Rejected(ConnectorError):
    """The other side, or our own mapping, will never take this item as it is."""


class TargetDown(ConnectorError):
    """Nothing can be done with this backend or site now: refused, 401, 403, maintenance."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Incomplete(TryAgain):
    """A listing did not reach its end; what it did not name may well exist."""


class SafetyStop(ConnectorError):
    """More of a site would be taken off sale than one run may do without a person."""


class BadSignature(ConnectorError):
    """The sender could not be proved. Nothing of the message may be used."""


class StateError(ConnectorError):
    """The state is locked, older, newer or damaged."""


@contextmanager
def blaming(target: str) -> Iterator[None]:
    """Whatever one of ours fails in this block is the failure of `target`."""
    try:
        yield
    except ConnectorError as error:
        error.target = error.target or target
        raise
