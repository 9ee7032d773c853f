"""What plain mode writes of each item, decided from what the node holds now.

Pure: a write, the node as read a moment ago and what is known of the site make a `PageWrite`, or
the receipt where there is nothing to write. Core writes a revision even of what is equal, so what
is equal is not written. Sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.drupal.plain_page import (
    CATEGORIES,
    DESCRIPTION,
    MEDIA,
    OFFERS,
    SUBTITLE,
    TITLE,
    Marker,
    Node,
    Places,
    category_ids,
    first_picture,
    offers_hash,
    offers_table,
    problem_of,
    section_of,
    stored_hashes,
    stored_values,
    uuid_of,
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


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of the site while a batch is decided."""

    home: str
    backend: BackendName
    places: Places
    terms: Mapping[str, CategoryId]
    """Our categories there, by the UUIDs of their terms."""

    def hashes(self, node: Node) -> dict[FieldName, FieldHash]:
        return stored_hashes(node, self.places.shown, self.terms)

    def url(self, node: Node) -> str:
        return f"{self.home}{node.alias or f'/node/{node.id}'}"


@dataclass(frozen=True, slots=True)
class PageWrite:
    """A node as it should be."""

    subject: Subject
    uuid: str
    node: Node | None
    """The node as it is; None: it is made."""
    marker: Marker
    offers_html: str
    written: frozenset[FieldName]
    kept: frozenset[FieldName] = frozenset()
    attributes: Mapping[str, JsonValue] | None = None
    relationships: Mapping[str, JsonValue] | None = None

    def resource(self, places: Places, alias: str | None = None) -> dict[str, object]:
        """The JSON:API resource of the request; `alias` for a page that is made."""
        value: JsonValue = section_of(self.marker, self.offers_html)
        section: JsonValue = {"value": value, "format": places.section_format}
        attributes = {**(self.attributes or {}), places.section_field: section}
        if alias:
            attributes["path"] = {"alias": alias}
        return {
            "type": f"node--{places.bundle}",
            "id": self.uuid,
            "attributes": attributes,
            "relationships": dict(self.relationships or {}),
        }


def repeated(write: Write, lane: Lane, node: Node | None, frame: Frame) -> Receipt | None:
    """The receipt that this very write got before; None when it is the first time."""
    marker = node.marker if node else None
    if node is None or marker is None or marker.write_ids.get(lane) != write.write_id:
        return None
    match write:
        case ContentWrite():
            names = [name for name in write.fields if name not in marker.kept]
        case OffersWrite() | RetireWrite():
            names = [OFFERS]
    kept = marker.kept if isinstance(write, ContentWrite) else frozenset[FieldName]()
    hashes = {name: marker.hashes[name] for name in names if name in marker.hashes}
    return receipt_of(node, write.subject, frame, hashes, kept)


def decide_content(write: ContentWrite, node: Node | None, frame: Frame) -> PageWrite | Receipt:
    if problem := problem_of(write.fields):
        return Receipt(write.subject, Outcome.REJECTED, message=problem)
    if node is None and not write.whole:
        return Receipt(write.subject, Outcome.MISSING, message="there is no such page")
    if waits := _missing_category(write, frame):
        return Receipt(write.subject, Outcome.RETRY, message=f"category {waits} is not here yet")
    old = (node and node.marker) or Marker(frame.backend, write.subject.id)
    kept = _kept(write, node, frame)
    fields = {name: value for name, value in write.fields.items() if name not in kept}
    hashes = {name: wanted_hash(name, value) for name, value in fields.items()}
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={OFFERS: FieldHash(""), **old.hashes, **hashes},
        kept=kept,
        picture=_picture(fields, old, frame),
        retired_from=None,
    )
    comes_back = bool(node and not node.published and old.retired_from)
    page = PageWrite(
        subject=write.subject,
        uuid=uuid_of(frame.backend, write.subject),
        node=node,
        marker=marker,
        offers_html=node.offers_html if node else "",
        written=frozenset(fields),
        kept=kept,
        attributes=_attributes(fields, node, frame.places) | _state(node, comes_back),
        relationships=_relationships(fields, node, old, frame),
    )
    return _unless_equal(page, frame)


def decide_offers(write: OffersWrite, node: Node | None, frame: Frame) -> PageWrite | Receipt:
    """Offers stand in the node, so they wait for it. The same table again is not written."""
    table = offers_table(write.offers)
    hashes = {OFFERS: offers_hash(table)}
    if node is None:
        if table:
            return Receipt(write.subject, Outcome.RETRY, message="the page is not here yet")
        return Receipt(write.subject, Outcome.DONE, hashes=hashes)
    old = node.marker or Marker(frame.backend, write.subject.id)
    if node.marker and table == node.offers_html:
        return receipt_of(node, write.subject, frame, hashes)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.OFFERS: write.write_id},
        hashes={**old.hashes, **hashes},
    )
    return PageWrite(write.subject, node.uuid, node, marker, table, frozenset({OFFERS}))


def decide_retire(write: RetireWrite, node: Node | None, frame: Frame) -> PageWrite | Receipt:
    """Unpublish, remember whether the page was published, and take the offers out."""
    gone = {OFFERS: FieldHash("")}
    if node is None:
        return Receipt(write.subject, Outcome.DONE, hashes=gone)
    old = node.marker or Marker(frame.backend, write.subject.id)
    if old.retired_from is not None and not node.published and not node.offers_html:
        return receipt_of(node, write.subject, frame, gone)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={**old.hashes, **gone},
        kept=frozenset(),
        retired_from=node.published or bool(old.retired_from),
    )
    state: dict[str, JsonValue] = {"status": False} if node.published else {}
    return PageWrite(
        write.subject, node.uuid, node, marker, "", frozenset({OFFERS}), attributes=state
    )


def receipt_of(
    node: Node,
    subject: Subject,
    frame: Frame,
    hashes: Mapping[FieldName, FieldHash],
    kept: frozenset[FieldName] = frozenset(),
) -> Receipt:
    return Receipt(subject, Outcome.DONE, CmsId(str(node.id)), frame.url(node), hashes, kept)


def replaced(page: PageWrite, frame: Frame) -> dict[FieldName, Before] | None:
    """What a write replaced, of the fields that have a place; None: the page was made."""
    if page.node is None:
        return None
    hashes = frame.hashes(page.node)
    values = stored_values(page.node, frame.places.shown, frame.terms)
    return {
        name: Before(values[name], hashes[name])
        for name in page.written
        if name in values and name in hashes
    }


def held_of(node: Node, marker: Marker, frame: Frame) -> Held:
    return Held(
        subject=marker.subject,
        cms_id=CmsId(str(node.id)),
        live=node.published,
        retired=marker.retired_from is not None and not node.published,
        hashes=frame.hashes(node),
        url=frame.url(node),
    )


def aliases(prefix: str, slug: str, uuid: str) -> tuple[str, str]:
    """The address wanted, and the one taken where another page has it: always the same."""
    clean = re.sub(r"[^\w.~-]+", "-", slug.lower()).strip("-.")[:150] or "product"
    base = "/".join(["", *filter(None, prefix.split("/")), clean])
    return base, f"{base}-{uuid[:8]}"


def _unless_equal(page: PageWrite, frame: Frame) -> PageWrite | Receipt:
    """A change that would change nothing but the write id is no write."""
    node = page.node
    if node is None or node.marker is None or page.attributes or page.relationships:
        return page
    now = replace(node.marker, write_ids=page.marker.write_ids)
    if now != page.marker:
        return page
    hashes = {name: page.marker.hashes[name] for name in page.written}
    return receipt_of(node, page.subject, frame, hashes, page.kept)


def _missing_category(write: ContentWrite, frame: Frame) -> CategoryId | None:
    if CATEGORIES not in frame.places.shown:
        return None
    known = set(frame.terms.values())
    wanted = category_ids(write.fields.get(CATEGORIES))
    return next((each for each in wanted if each not in known), None)


def _kept(write: ContentWrite, node: Node | None, frame: Frame) -> frozenset[FieldName]:
    """Where the stored value is neither the one expected nor the one that we wrote last."""
    if node is None or node.marker is None:
        return frozenset()
    now, ours = frame.hashes(node), node.marker.hashes
    return frozenset(
        name
        for name in write.fields
        if name in write.expected
        and name in now
        and now[name] not in (write.expected[name], ours[name])
    )


def _attributes(
    fields: Mapping[FieldName, JsonValue], node: Node | None, places: Places
) -> dict[str, JsonValue]:
    """The attributes that differ from what is stored."""
    attributes: dict[str, JsonValue] = {}
    if TITLE in fields and (node is None or node.title != fields[TITLE]):
        attributes["title"] = fields[TITLE]
    have = (node.text, node.summary) if node else ("", "")
    wanted = (str(fields.get(DESCRIPTION, have[0])), str(fields.get(SUBTITLE, have[1])))
    if wanted != have:
        text, summary = wanted
        attributes[places.description_field] = (
            {"value": text, "summary": summary, "format": places.description_format}
            if text or summary
            else None
        )
    return attributes


def _state(node: Node | None, comes_back: bool) -> dict[str, JsonValue]:
    """Published when it is made, and again when it comes back; else the editor's."""
    return {"status": True} if node is None or comes_back else {}


def _picture(fields: Mapping[FieldName, JsonValue], old: Marker, frame: Frame) -> str:
    if MEDIA not in fields or MEDIA not in frame.places.shown:
        return old.picture
    return first_picture(fields[MEDIA])[0]


def _relationships(
    fields: Mapping[FieldName, JsonValue], node: Node | None, old: Marker, frame: Frame
) -> dict[str, JsonValue]:
    """The relationships that differ. A picture that an editor chose stays."""
    places = frame.places
    found: dict[str, JsonValue] = {}
    if CATEGORIES in fields and CATEGORIES in places.shown:
        named = set(category_ids(fields[CATEGORIES]))
        ours = [uuid for uuid, category in frame.terms.items() if category in named]
        have = node.categories if node else ()
        theirs = [each for each in have if each not in frame.terms]
        if {*ours, *theirs} != set(have):
            kind = f"taxonomy_term--{places.vocabulary}"
            terms: list[JsonValue] = [{"type": kind, "id": each} for each in [*ours, *theirs]]
            found[places.categories_field] = {"data": terms}
    if MEDIA in fields and MEDIA in places.shown:
        picture, alt = first_picture(fields[MEDIA])
        has = node.picture if node else ""
        if has == old.picture and has != picture:
            file: JsonValue = {"type": "file--file", "id": picture, "meta": {"alt": alt}}
            found[places.image_field] = {"data": file if picture else None}
    return found
