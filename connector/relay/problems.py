"""Everything that the relay answers when it cannot do what is asked: RFC 9457, one word each.

A problem is an exception with its status, a stable word and a sentence for the shopper in English,
German or French. What an engine or an adapter raises becomes one here. Sentences name no ids and
repeat nothing that came in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.errors import ConnectorError, OutcomeUnknown, Rejected, TargetDown, TryAgain
from connector.model import JsonValue, Locale
from connector.ports_carts import CartRefused, Refusal
from connector.relay.sentences import KINDS, Kind

PREFIX = "urn:commerce-connector:problem:"


_OF_REFUSAL = {refusal: refusal.value for refusal in Refusal}


@dataclass
class Problem(Exception):
    """Raised wherever the relay cannot go on; answered as application/problem+json."""

    word: str
    retry_after_seconds: int | None = None
    more: dict[str, JsonValue] = field(default_factory=dict)
    """Further members: errors, left, needs, cart, changes."""
    locale: Locale | None = None
    """The market's, once it is known."""

    def __post_init__(self) -> None:
        super().__init__(self.word)

    @property
    def kind(self) -> Kind:
        return KINDS[self.word]

    @property
    def final(self) -> bool:
        """Repeating the same request would end the same: its answer is kept."""
        return self.kind.status < 500 and self.word not in ("rate", "busy", "under-way")

    @property
    def unread(self) -> bool:
        """The rest of the request is not wanted: the connection ends with the answer."""
        return self.word in ("too-large", "too-slow")

    def body(self, otherwise: Locale | None, trace_id: str) -> dict[str, JsonValue]:
        """The problem as JSON, in its own locale, or else in this one."""
        return {
            "type": PREFIX + self.word,
            "title": self.kind.english.partition(".")[0],
            "status": self.kind.status,
            "detail": self.kind.says(self.locale or otherwise),
            "trace_id": trace_id,
            **self.more,
        }


def problem_of(error: ConnectorError) -> Problem:
    """What a failure of the engine is to a shopper."""
    match error:
        case CartRefused(refusal=refusal, left=left):
            more: dict[str, JsonValue] = {} if left is None else {"left": left}
            return Problem(_OF_REFUSAL[refusal], more=more)
        case OutcomeUnknown():
            return Problem("outcome-unknown", 1)
        case TryAgain(retry_after_seconds=seconds) | TargetDown(retry_after_seconds=seconds):
            return Problem("engine-away", max(1, round(seconds or 5)))
        case Rejected():
            return Problem("refused")
        case _:
            return Problem("unavailable", 5)
