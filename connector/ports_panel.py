"""What editors see of the connector in their CMS, and what they ask of it there.

A site with the capability `panel` keeps a summary, a note beside each product that has something
to tell, and the requests of its editors with their answers. Requests come as events of what
`ASKED`, in the site's event log; answers go back by `Panel`. Knows no state and no adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from connector.model import FieldName, JsonValue

ASKED = "asked"
"""What an event is that carries an editor's request."""


class Action(StrEnum):
    """What an editor can ask for."""

    RESYNC = "resync"
    """Hold this product against the backend now, and mend what differs."""
    PREVIEW = "preview"
    """Say what that would change, and change nothing."""
    TAKE_OVER = "take_over"
    """Let a field of this product be the editors' from now on."""
    GIVE_BACK = "give_back"
    """Let the backend have it again: its value goes onto the page."""
    RESOLVE = "resolve"
    """Say whose value of a field in conflict holds."""


@dataclass(frozen=True, slots=True)
class EditorRequest:
    """What one editor asked of one product. The same id is the same request, however often."""

    id: str
    """The site's own, unique there."""
    action: str
    """One of `Action`; another one is refused in words."""
    by: str
    """The editor's name, as people know it."""
    field: FieldName | None = None
    choice: str | None = None
    """Of a conflict: sync.edits.Choice."""
    value: JsonValue = None
    """Of a conflict: the third value."""
    seen: str = ""
    """Of a conflict: its `mark` in the note that the editor had before them."""


class Standing(StrEnum):
    """How far a request is."""

    WORKING = "working"
    DONE = "done"
    REFUSED = "refused"
    """It cannot be done, and why."""
    FAILED = "failed"
    """It was tried, and why it did not work."""


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """What has become of a request; a later answer replaces an earlier one."""

    request: str
    standing: Standing
    code: str
    """A word for it, from which a site makes the sentence in its editors' language."""
    says: str
    """The sentence in English."""
    at: datetime
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    """What was changed, or would be: `changes`, each with `what`, and maybe `before`, `after`."""


@runtime_checkable
class Panel(Protocol):
    """What a site with the capability `panel` takes beside the rest of `ports.Site`."""

    def write_summary(self, summary: Mapping[str, JsonValue]) -> None:
        """How it stands with this backend as a whole, in place of the summary before."""

    def answer_requests(self, answers: Sequence[RequestAnswer]) -> None:
        """What has become of requests. Those that the site does not know are passed over."""
