"""What plain mode keeps in a node: words in core's own fields, and a section field of ours.

Core can store nothing of ours without a field, so the site's builder adds one (see the README).
It holds the table of offers and, in a comment before it, the marker: whose product this is, the
last write ids, per field the hash of what we last wrote. Identity is a UUID made from the ids, so
that making a page twice is impossible. Pure: knows no HTTP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID, uuid5

from adapters.drupal.plain_rest import Json, mapping
from adapters.plain.page import (
    CATEGORIES,
    DESCRIPTION,
    MEDIA,
    SUBTITLE,
    TITLE,
    Marker,
    Term,
    TermMarker,
    marker_from,
    marker_text,
    term_marker_from,
    term_marker_text,
)
from connector.errors import TargetDown
from connector.model import BackendName, FieldName, Subject

NAMESPACE = UUID("5f5a0d6c-7c0b-5b43-9a53-0a6a3c1d2f11")
ROOT_TERM = "virtual"
"""What JSON:API calls the parent of a term that has none."""
TITLE_LENGTH = 255

_MARKER = re.compile(r"<!-- commerce-connector (?P<marker>\{[^>]*\}) -->")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things stand at this site: the site's options."""

    bundle: str = "article"
    description_field: str = "body"
    section_field: str = "field_commerce"
    categories_field: str = "field_tags"
    image_field: str = "field_image"
    vocabulary: str = "tags"
    description_format: str = "basic_html"
    section_format: str = "full_html"
    path_prefix: str = "/products"

    @property
    def nodes(self) -> str:
        return f"/jsonapi/node/{self.bundle}"

    @property
    def terms(self) -> str:
        return f"/jsonapi/taxonomy_term/{self.vocabulary}"

    @property
    def shown(self) -> frozenset[FieldName]:
        """The fields for which the site has a place; of others the marker's hash alone is kept."""
        more = {CATEGORIES: self.categories_field, MEDIA: self.image_field}
        return frozenset({TITLE, SUBTITLE, DESCRIPTION, *(each for each in more if more[each])})


@dataclass(frozen=True, slots=True)
class Node:
    """A node as core stores it."""

    uuid: str
    id: int
    published: bool
    alias: str | None
    title: str
    text: str
    summary: str
    offers_html: str
    marker: Marker | None
    categories: tuple[str, ...]
    picture: str


def uuid_of(backend: BackendName, subject: Subject) -> str:
    """The UUID of a subject's node or term: the same each time, so that creates are idempotent."""
    return str(uuid5(NAMESPACE, f"{backend}/{subject.kind.value}/{subject.id}"))


# ---- from core's JSON ----


def node_from(resource: Json, places: Places) -> Node:
    """A node as our user sees it. Raises TargetDown for what is no node with our fields."""
    attributes = mapping(resource.get("attributes"))
    body = mapping(attributes.get(places.description_field))
    section = _text(mapping(attributes.get(places.section_field)).get("value"))
    found = _MARKER.search(section)
    title = attributes.get("title")
    if not isinstance(title, str) or not isinstance(attributes.get("drupal_internal__nid"), int):
        raise TargetDown("Drupal gave something else than a node; check the option bundle")
    return Node(
        uuid=str(resource.get("id", "")),
        id=_number(attributes.get("drupal_internal__nid")),
        published=attributes.get("status") is True,
        alias=_alias(attributes),
        title=title,
        text=_text(body.get("value")),
        summary=_text(body.get("summary")),
        offers_html=_MARKER.sub("", section).strip() if found else "",
        marker=marker_from(found["marker"]) if found else None,
        categories=tuple(_related(resource, places.categories_field)),
        picture=next(iter(_related(resource, places.image_field)), ""),
    )


def term_from(resource: Json, home: str) -> Term:
    """A term. Raises TargetDown for what is none."""
    attributes = mapping(resource.get("attributes"))
    description = _text(mapping(attributes.get("description")).get("value"))
    found = _MARKER.search(description)
    parent = next(iter(_related(resource, "parent")), ROOT_TERM)
    number = _number(attributes.get("drupal_internal__tid"))
    return Term(
        key=str(resource.get("id", "")),
        id=str(number),
        name=_text(attributes.get("name")),
        text=_MARKER.sub("", description),
        parent="" if parent == ROOT_TERM else parent,
        rank=_number(attributes.get("weight")),
        url=f"{home}{_alias(attributes) or f'/taxonomy/term/{number}'}",
        marker=term_marker_from(found["marker"]) if found else None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TargetDown("Drupal gave something else than a number for an id or a weight")
    return value


def _alias(attributes: Json) -> str | None:
    alias = mapping(attributes.get("path")).get("alias")
    return alias if isinstance(alias, str) and alias else None


def _related(resource: Json, name: str) -> list[str]:
    """The UUIDs to which a relationship leads."""
    related = mapping(mapping(resource.get("relationships")).get(name)).get("data")
    listed = related if isinstance(related, list) else [related]
    return [str(mapping(each)["id"]) for each in listed if mapping(each).get("id")]


# ---- to core's JSON ----


def section_of(marker: Marker, offers_html: str) -> str:
    """The value of our section field."""
    return f"<!-- commerce-connector {marker_text(marker)} -->{offers_html}"


def term_text(text: str, marker: TermMarker) -> str:
    return f"{text}<!-- commerce-connector {term_marker_text(marker)} -->"
