"""What Drupal's core calls the things that plain mode decides about, and its resources.

Pure. The decisions themselves are those of every core: adapters.plain.decide. Core writes a
revision even of what is equal, so only what differs is in a change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.drupal.plain_page import TITLE_LENGTH, Node, Places, section_of, uuid_of
from adapters.plain.decide import Frame, PageWrite
from adapters.plain.page import (
    CATEGORIES,
    DESCRIPTION,
    MEDIA,
    SUBTITLE,
    TITLE,
    Marker,
    first_picture,
)
from connector.model import FieldName, JsonValue

PUBLISHED, UNPUBLISHED = "published", "unpublished"


@dataclass(frozen=True, slots=True)
class NodeFrame(Frame[Node]):
    """A site of JSON:API."""

    extension = "module"

    home: str
    places: Places

    def url(self, page: Node) -> str:
        return f"{self.home}{page.alias or f'/node/{page.id}'}"

    def state(self, page: Node) -> str:
        return PUBLISHED if page.published else UNPUBLISHED

    def is_live(self, page: Node) -> bool:
        return page.published

    def hiding(self, page: Node) -> Mapping[str, JsonValue]:
        return {"status": False} if page.published else {}

    def problem(self, fields: Mapping[FieldName, JsonValue]) -> str:
        if len(str(fields.get(TITLE, ""))) > TITLE_LENGTH:
            return f"the title has more than the {TITLE_LENGTH} letters that Drupal takes"
        # By name: a class with slots is made anew, and super() knows the one before.
        return Frame.problem(self, fields)

    def picture(self, fields: Mapping[FieldName, JsonValue], old: Marker) -> str:
        if MEDIA not in fields or MEDIA not in self.shown:
            return old.picture
        return first_picture(fields[MEDIA])[0]

    def changes(
        self, fields: Mapping[FieldName, JsonValue], page: Node | None, old: Marker
    ) -> Mapping[str, JsonValue]:
        comes_back = bool(page and not page.published and old.retired_from == PUBLISHED)
        return {
            **_words(fields, page, self.places),
            **self._categories(fields, page),
            **self._picture(fields, page, old),
            # Published when it is made, and again when it comes back; else the editor's.
            **({"status": True} if page is None or comes_back else {}),
        }

    def _categories(
        self, fields: Mapping[FieldName, JsonValue], page: Node | None
    ) -> dict[str, JsonValue]:
        if CATEGORIES not in fields or CATEGORIES not in self.shown:
            return {}
        keys = self.categories_of(fields[CATEGORIES], page)
        if set(keys) == set(page.categories if page else ()):
            return {}
        kind = f"taxonomy_term--{self.places.vocabulary}"
        return {self.places.categories_field: {"data": [{"type": kind, "id": k} for k in keys]}}

    def _picture(
        self, fields: Mapping[FieldName, JsonValue], page: Node | None, old: Marker
    ) -> dict[str, JsonValue]:
        """A picture that an editor chose stays."""
        if MEDIA not in fields or MEDIA not in self.shown:
            return {}
        picture, alt = first_picture(fields[MEDIA])
        has = page.picture if page else ""
        if has != old.picture or has == picture:
            return {}
        file: JsonValue = {"type": "file--file", "id": picture, "meta": {"alt": alt}}
        return {self.places.image_field: {"data": file if picture else None}}


def resource_of(
    write: PageWrite[Node], places: Places, alias: str | None = None
) -> dict[str, object]:
    """The JSON:API resource of the request; `alias` for a page that is made."""
    related = {places.categories_field, places.image_field}
    value: JsonValue = section_of(write.marker, write.offers_html)
    section: JsonValue = {"value": value, "format": places.section_format}
    attributes = {name: each for name, each in write.changes.items() if name not in related}
    attributes[places.section_field] = section
    if alias:
        attributes["path"] = {"alias": alias}
    return {
        "type": f"node--{places.bundle}",
        "id": uuid_of(write.marker.backend, write.subject),
        "attributes": attributes,
        "relationships": {n: each for n, each in write.changes.items() if n in related},
    }


def aliases(prefix: str, slug: str, uuid: str) -> tuple[str, str]:
    """The address wanted, and the one taken where another page has it: always the same."""
    clean = re.sub(r"[^\w.~-]+", "-", slug.lower()).strip("-.")[:150] or "product"
    base = "/".join(["", *filter(None, prefix.split("/")), clean])
    return base, f"{base}-{uuid[:8]}"


def _words(
    fields: Mapping[FieldName, JsonValue], page: Node | None, places: Places
) -> dict[str, JsonValue]:
    words: dict[str, JsonValue] = {}
    if TITLE in fields and (page is None or page.title != fields[TITLE]):
        words["title"] = fields[TITLE]
    have = (page.text, page.summary) if page else ("", "")
    wanted = (str(fields.get(DESCRIPTION, have[0])), str(fields.get(SUBTITLE, have[1])))
    if wanted != have:
        text, summary = wanted
        words[places.description_field] = (
            {"value": text, "summary": summary, "format": places.description_format}
            if text or summary
            else None
        )
    return words
