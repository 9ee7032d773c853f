"""What WordPress's core calls the things that plain mode decides about, and its requests.

Pure. The decisions themselves are those of every core: adapters.plain.decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.plain.decide import Frame, PageWrite
from adapters.plain.page import CATEGORIES, DESCRIPTION, MEDIA, SUBTITLE, TITLE, Marker
from adapters.wordpress.plain_page import Post, attachment_in_front, content_of, text_as_stored
from connector.model import BackendName, FieldHash, FieldName, JsonValue, Subject

RETIRED = "draft"
CONTENT = "content"
_SHOWN_TO_SOMEBODY = frozenset({"publish", "future", "private"})


@dataclass(frozen=True, slots=True)
class CoreFrame(Frame[Post]):
    """A site of core REST."""

    extension = "plugin"

    def url(self, page: Post) -> str:
        return page.link

    def state(self, page: Post) -> str:
        return page.status

    def is_live(self, page: Post) -> bool:
        return page.status == "publish"

    def hiding(self, page: Post) -> Mapping[str, JsonValue]:
        return {"status": RETIRED} if page.status in _SHOWN_TO_SOMEBODY else {}

    def picture(self, fields: Mapping[FieldName, JsonValue], old: Marker) -> str:
        return attachment_in_front(fields[MEDIA]) if MEDIA in fields else old.picture

    def as_stored(self, name: FieldName, value: str) -> str:
        return text_as_stored(name, value)

    def changes(
        self, fields: Mapping[FieldName, JsonValue], page: Post | None, old: Marker
    ) -> Mapping[str, JsonValue]:
        body: dict[str, JsonValue] = {}
        if TITLE in fields:
            body["title"] = fields[TITLE]
        if DESCRIPTION in fields:
            body[CONTENT] = text_as_stored(DESCRIPTION, str(fields[DESCRIPTION]))
        if SUBTITLE in fields and SUBTITLE in self.shown:
            body["excerpt"] = fields[SUBTITLE]
        if MEDIA in fields:
            body["featured_media"] = int(attachment_in_front(fields[MEDIA]) or 0)
        if CATEGORIES in fields and CATEGORIES in self.shown:
            body["categories"] = [
                *sorted(map(int, self.categories_of(fields[CATEGORIES], page))),
            ]
        return body | _state(page, old)


def request_body(write: PageWrite[Post]) -> dict[str, object]:
    """What core is sent: its fields, and the editor's text with our section behind it."""
    text = write.changes.get(CONTENT, write.page.text if write.page else "")
    content = content_of(str(text), write.marker, write.offers_html)
    return {**write.changes, CONTENT: content}


def mended(
    write: PageWrite[Post], post: Post, stored: Mapping[FieldName, FieldHash]
) -> PageWrite[Post] | None:
    """The write that puts the true hashes into the marker; None: it foretold them all."""
    hashes = {**write.marker.hashes, **{name: stored[name] for name in write.written}}
    if hashes == write.marker.hashes:
        return None
    marker = replace(write.marker, hashes=hashes)
    return replace(write, page=post, offers_html=post.offers_html, marker=marker, changes={})


def slugs_for(subject: Subject, backend: BackendName, wanted: str) -> tuple[str, str]:
    """The slug wanted, and the one taken instead where another page has it: always the same."""
    digest = hashlib.sha256(f"{backend}/{subject}".encode()).hexdigest()[:8]
    spare = f"{wanted or subject.kind.value}-{digest}"
    return wanted or spare, spare


def _state(post: Post | None, old: Marker) -> dict[str, JsonValue]:
    """Published when it is made, and as it was when it comes back; else the editor's."""
    if post is None:
        return {"status": "publish"}
    came_back = old.retired_from is not None and post.status == RETIRED
    return {"status": old.retired_from} if came_back and old.retired_from != RETIRED else {}
