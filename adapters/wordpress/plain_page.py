"""What plain mode keeps inside a post: the editor's text, and one section of ours at its end.

Core REST can store nothing beside a post without a plugin, so the section's opening comment is the
marker: whose product this is, the last write ids, per field the hash of what we last wrote. Pure:
turns core's JSON into values and writes into core's JSON; knows no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.plain.page import (
    CATEGORIES,
    DESCRIPTION,
    MEDIA,
    SUBTITLE,
    TITLE,
    Marker,
    Term,
    TermMarker,
    first_picture,
    marker_from,
    marker_text,
    term_marker_from,
    term_marker_text,
)
from connector.errors import TargetDown
from connector.model import FieldName, JsonValue

Json = Mapping[str, object]
NAME = "commerce-connector:offers"

_SECTION = re.compile(
    rf"\s*(?:<!-- wp:html -->\s*)?<!-- {NAME} (?P<marker>\{{[^>]*\}}) -->(?P<offers>.*?)"
    rf"<!-- /{NAME} -->(?:\s*<!-- /wp:html -->)?\s*",
    re.DOTALL,
)
_TERM_MARKER = re.compile(r"\s*<!-- commerce-connector:category (?P<marker>\{[^>]*\}) -->\s*")
_PHP_SPACE = " \t\n\r\0\x0b"


@dataclass(frozen=True, slots=True)
class Post:
    """A post as core stores it, in raw values. Our section is told apart from the editor's text."""

    id: int
    status: str
    slug: str
    link: str
    title: str
    summary: str
    text: str
    """The content without our section."""
    offers_html: str
    marker: Marker | None
    categories: frozenset[str]
    picture: str


def places(post_type: str) -> frozenset[FieldName]:
    """The fields for which core has a place; of the others only the marker's hash is kept."""
    everywhere = frozenset({TITLE, DESCRIPTION, MEDIA})
    return everywhere | {SUBTITLE, CATEGORIES} if post_type == "posts" else everywhere


# ---- from core's JSON ----


def post_from(answer: Json) -> Post:
    """A post in the edit context. Raises TargetDown for what is no post."""
    content = _raw(answer.get("content"))
    found = _SECTION.search(content)
    return Post(
        id=_number(answer.get("id")),
        status=str(answer.get("status", "")),
        slug=str(answer.get("slug", "")),
        link=str(answer.get("link", "")),
        title=_raw(answer.get("title")),
        summary=_raw(answer.get("excerpt", "")),
        text=_SECTION.sub("\n\n", content).strip("\n") if found else content,
        offers_html=found["offers"].strip() if found else "",
        marker=marker_from(found["marker"]) if found else None,
        categories=frozenset(str(_number(each)) for each in _rows(answer.get("categories", []))),
        picture=_key(answer.get("featured_media", 0)),
    )


def term_from(answer: Json) -> Term:
    """A category in the edit context. Raises TargetDown for what is no category."""
    description = str(answer.get("description", ""))
    found = _TERM_MARKER.search(description)
    marker = term_marker_from(found["marker"]) if found else None
    number = str(_number(answer.get("id")))
    return Term(
        key=number,
        id=number,
        name=str(answer.get("name", "")),
        text=_TERM_MARKER.sub("", description),
        parent=_key(answer.get("parent", 0)),
        rank=marker.rank if marker else None,
        url=str(answer.get("link", "")),
        marker=marker,
    )


def _raw(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("raw")
    if not isinstance(value, str):
        raise TargetDown("WordPress left out raw values; it may answer us as a visitor")
    return value


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TargetDown("WordPress gave something else than a number for an id")
    return value


def _rows(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _key(value: object) -> str:
    """An id as text; "" for the 0 by which core says that there is none."""
    return str(_number(value) or "")


# ---- to core's JSON ----


def content_of(text: str, marker: Marker, offers_html: str) -> str:
    """The whole post_content. Our section is a Custom HTML block, which editors leave alone."""
    body = f"\n{offers_html}" if offers_html else ""
    section = f"<!-- {NAME} {marker_text(marker)} -->{body}\n<!-- /{NAME} -->"
    return f"{text}\n\n<!-- wp:html -->\n{section}\n<!-- /wp:html -->"


def description_of(text: str, marker: TermMarker) -> str:
    return f"{text}<!-- commerce-connector:category {term_marker_text(marker)} -->"


def text_as_stored(name: FieldName, value: str) -> str:
    """What core will make of a text, as far as it can be foretold."""
    if name == TITLE:
        return value.strip(_PHP_SPACE)
    if name == DESCRIPTION:
        return value.replace("\r\n", "\n").strip("\n")
    return value


def attachment_in_front(value: JsonValue | None) -> str:
    """The attachment that stands first in the field `media`; "" for none."""
    number, _ = first_picture(value)
    return number if number.isascii() and number.isdigit() else ""
