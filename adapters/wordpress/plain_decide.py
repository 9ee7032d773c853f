"""What plain mode writes of each item, decided from what the post holds now.

Pure: a write, the post as read a moment ago and what is known of the site make a `PageWrite`, or
the receipt where there is nothing to write. Sends nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.wordpress.plain_page import (
    CATEGORIES,
    DESCRIPTION,
    MEDIA,
    OFFERS,
    SUBTITLE,
    TITLE,
    Marker,
    Post,
    category_ids,
    content_of,
    first_picture,
    offers_hash,
    offers_table,
    problem_of,
    stored_hashes,
    stored_values,
    text_as_stored,
    wanted_hash,
)
from connector.model import (
    BackendName,
    CategoryId,
    CmsId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    Subject,
)
from connector.ports import Before, ContentWrite, Held, OffersWrite, Outcome, Receipt, RetireWrite

Write = OffersWrite | ContentWrite | RetireWrite
RETIRED = "draft"
_SHOWN_TO_SOMEBODY = frozenset({"publish", "future", "private"})


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of the site while a batch is decided."""

    backend: BackendName
    shown: frozenset[FieldName]
    """The fields for which core has a place."""
    terms: Mapping[int, CategoryId]
    """Our categories there."""

    def hashes(self, post: Post) -> dict[FieldName, FieldHash]:
        return stored_hashes(post, self.shown, self.terms)

    def numbers(self, categories: list[CategoryId]) -> dict[CategoryId, int]:
        wanted = set(categories)
        return {each: number for number, each in self.terms.items() if each in wanted}


@dataclass(frozen=True, slots=True)
class PageWrite:
    """A page as it should be: the editor's text, our section, and what changes beside these."""

    subject: Subject
    post: Post | None
    """The page as it is; None: it is made."""
    text: str
    offers_html: str
    marker: Marker
    written: frozenset[FieldName]
    kept: frozenset[FieldName] = frozenset()
    body: Mapping[str, object] | None = None

    def request_body(self) -> dict[str, object]:
        content = content_of(self.text, self.marker, self.offers_html)
        return {**(self.body or {}), "content": content}

    def mended(self, post: Post, stored: Mapping[FieldName, FieldHash]) -> PageWrite | None:
        """The write that puts the true hashes into the marker; None: it foretold them all."""
        hashes = {**self.marker.hashes, **{name: stored[name] for name in self.written}}
        if hashes == self.marker.hashes:
            return None
        marker = replace(self.marker, hashes=hashes)
        return replace(
            self, post=post, text=post.text, offers_html=post.offers_html, marker=marker, body=None
        )


def repeated(write: Write, lane: Lane, post: Post | None) -> Receipt | None:
    """The receipt that this very write got before; None when it is the first time."""
    marker = post.marker if post else None
    if post is None or marker is None or marker.write_ids.get(lane) != write.write_id:
        return None
    match write:
        case ContentWrite():
            names = [name for name in write.fields if name not in marker.kept]
        case OffersWrite() | RetireWrite():
            names = [OFFERS]
    kept = marker.kept if isinstance(write, ContentWrite) else frozenset[FieldName]()
    hashes = {name: marker.hashes[name] for name in names if name in marker.hashes}
    return receipt_of(post, write.subject, hashes, kept)


def decide_content(write: ContentWrite, post: Post | None, frame: Frame) -> PageWrite | Receipt:
    if problem := problem_of(write.fields):
        return Receipt(write.subject, Outcome.REJECTED, message=problem)
    if post is None and not write.whole:
        return Receipt(write.subject, Outcome.MISSING, message="there is no such page")
    if waits := _missing_category(write, frame):
        return Receipt(write.subject, Outcome.RETRY, message=f"category {waits} is not here yet")
    old = (post and post.marker) or Marker(frame.backend, write.subject.id)
    kept = _kept(write, post, frame)
    fields = {name: value for name, value in write.fields.items() if name not in kept}
    hashes = {name: wanted_hash(name, value) for name, value in fields.items()}
    media = first_picture(fields[MEDIA]) if MEDIA in fields else old.featured_media
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={OFFERS: FieldHash(""), **old.hashes, **hashes},
        kept=kept,
        featured_media=media,
        retired_from=None,
    )
    return PageWrite(
        subject=write.subject,
        post=post,
        text=_text(fields, post),
        offers_html=post.offers_html if post else "",
        marker=marker,
        written=frozenset(fields),
        kept=kept,
        body=_core_fields(fields, post, frame) | _state(post, old),
    )


def decide_offers(write: OffersWrite, post: Post | None, frame: Frame) -> PageWrite | Receipt:
    """Offers stand in the page, so they wait for it. The same table again is not written."""
    table = offers_table(write.offers)
    hashes = {OFFERS: offers_hash(table)}
    if post is None:
        if table:
            return Receipt(write.subject, Outcome.RETRY, message="the page is not here yet")
        return Receipt(write.subject, Outcome.DONE, hashes=hashes)
    old = post.marker or Marker(frame.backend, write.subject.id)
    if post.marker and table == post.offers_html:
        return receipt_of(post, write.subject, hashes)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.OFFERS: write.write_id},
        hashes={**old.hashes, **hashes},
    )
    return PageWrite(write.subject, post, post.text, table, marker, frozenset({OFFERS}))


def decide_retire(write: RetireWrite, post: Post | None, frame: Frame) -> PageWrite | Receipt:
    """Unpublish, remember the status that the page had, and take the offers out."""
    gone = {OFFERS: FieldHash("")}
    if post is None:
        return Receipt(write.subject, Outcome.DONE, hashes=gone)
    old = post.marker or Marker(frame.backend, write.subject.id)
    visible = post.status in _SHOWN_TO_SOMEBODY
    if old.retired_from is not None and not visible and not post.offers_html:
        return receipt_of(post, write.subject, gone)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={**old.hashes, **gone},
        kept=frozenset(),
        retired_from=post.status if visible or old.retired_from is None else old.retired_from,
    )
    body = {"status": RETIRED} if visible else {}
    return PageWrite(write.subject, post, post.text, "", marker, frozenset({OFFERS}), body=body)


def receipt_of(
    post: Post,
    subject: Subject,
    hashes: Mapping[FieldName, FieldHash],
    kept: frozenset[FieldName] = frozenset(),
) -> Receipt:
    return Receipt(subject, Outcome.DONE, CmsId(str(post.id)), post.link, hashes, kept)


def replaced(page: PageWrite, frame: Frame) -> dict[FieldName, Before] | None:
    """What a write replaced, of the fields that core has a place for; None: the page was made."""
    if page.post is None:
        return None
    hashes, values = frame.hashes(page.post), stored_values(page.post, frame.shown, frame.terms)
    return {
        name: Before(values[name], hashes[name])
        for name in page.written
        if name in values and name in hashes
    }


def held_of(post: Post, marker: Marker, frame: Frame) -> Held:
    live = post.status == "publish"
    return Held(
        subject=marker.subject,
        cms_id=CmsId(str(post.id)),
        live=live,
        retired=marker.retired_from is not None and not live,
        hashes=frame.hashes(post),
        url=post.link,
    )


def slugs_for(subject: Subject, backend: BackendName, wanted: str) -> tuple[str, str]:
    """The slug wanted, and the one taken instead where another page has it: always the same."""
    digest = hashlib.sha256(f"{backend}/{subject}".encode()).hexdigest()[:8]
    spare = f"{wanted or subject.kind.value}-{digest}"
    return wanted or spare, spare


def _missing_category(write: ContentWrite, frame: Frame) -> CategoryId | None:
    if CATEGORIES not in frame.shown:
        return None
    wanted = category_ids(write.fields.get(CATEGORIES))
    known = frame.numbers(wanted)
    return next((each for each in wanted if each not in known), None)


def _kept(write: ContentWrite, post: Post | None, frame: Frame) -> frozenset[FieldName]:
    """Where the stored value is neither the one expected nor the one that we wrote last."""
    if post is None or post.marker is None:
        return frozenset()
    now, ours = frame.hashes(post), post.marker.hashes
    return frozenset(
        name
        for name in write.fields
        if name in write.expected
        and name in now
        and now[name] not in (write.expected[name], ours[name])
    )


def _text(fields: Mapping[FieldName, JsonValue], post: Post | None) -> str:
    value = fields.get(DESCRIPTION)
    if isinstance(value, str):
        return text_as_stored(DESCRIPTION, value)
    return post.text if post else ""


def _core_fields(
    fields: Mapping[FieldName, JsonValue], post: Post | None, frame: Frame
) -> dict[str, object]:
    body: dict[str, object] = {}
    if TITLE in fields:
        body["title"] = fields[TITLE]
    if SUBTITLE in fields and SUBTITLE in frame.shown:
        body["excerpt"] = fields[SUBTITLE]
    if MEDIA in fields:
        body["featured_media"] = first_picture(fields[MEDIA])
    if CATEGORIES in fields and CATEGORIES in frame.shown:
        ours = frame.numbers(category_ids(fields[CATEGORIES])).values()
        editors = {each for each in post.categories if each not in frame.terms} if post else set()
        body["categories"] = sorted({*ours, *editors})
    return body


def _state(post: Post | None, old: Marker) -> dict[str, object]:
    """Published when it is made, and as it was when it comes back; else the editor's."""
    if post is None:
        return {"status": "publish"}
    came_back = old.retired_from is not None and post.status == RETIRED
    return {"status": old.retired_from} if came_back and old.retired_from != RETIRED else {}
