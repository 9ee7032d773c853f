"""What plain mode keeps inside a post: the editor's text, and one section of ours at its end.

Core REST can store nothing beside a post without a plugin, so the section's opening comment is the
marker: whose product this is, the last write ids, per field the hash of what we last wrote. Pure:
turns core's JSON into values and writes into core's JSON; knows no HTTP.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from connector.errors import TargetDown
from connector.model import (
    Availability,
    BackendName,
    CategoryId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    Offer,
    Subject,
    SubjectKind,
    hash_value,
)

Json = Mapping[str, object]
TITLE, SUBTITLE = FieldName("title"), FieldName("subtitle")
DESCRIPTION, CATEGORIES = FieldName("description"), FieldName("categories")
MEDIA, OFFERS = FieldName("media"), FieldName("offers")
TEXTS = frozenset({"title", "subtitle", "description", "seo_title", "seo_description"})
NAME = "commerce-connector:offers"

_SECTION = re.compile(
    rf"\s*(?:<!-- wp:html -->\s*)?<!-- {NAME} (?P<marker>\{{[^>]*\}}) -->(?P<offers>.*?)"
    rf"<!-- /{NAME} -->(?:\s*<!-- /wp:html -->)?\s*",
    re.DOTALL,
)
_TERM_MARKER = re.compile(r"\s*<!-- commerce-connector:category (?P<marker>\{[^>]*\}) -->\s*")
_PHP_SPACE = " \t\n\r\0\x0b"
_AVAILABILITY = {
    Availability.IN_STOCK: "In stock",
    Availability.OUT_OF_STOCK: "Out of stock",
    Availability.BACKORDER: "Available on backorder",
}


@dataclass(frozen=True, slots=True)
class Marker:
    """What our section remembers. Hashes are of the values as stored at our last write."""

    backend: BackendName
    id: str
    write_ids: Mapping[Lane, str] = field(default_factory=dict)
    hashes: Mapping[FieldName, FieldHash] = field(default_factory=dict)
    kept: frozenset[FieldName] = frozenset()
    """Fields that the last content write left to an editor."""
    featured_media: int = 0
    """The attachment that our last write of `media` put in front."""
    retired_from: str | None = None
    """The status that the page had when we retired it; None: it is not retired."""

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.PRODUCT, self.id)


@dataclass(frozen=True, slots=True)
class Post:
    """A post as core stores it, in raw values. Our section is told apart from the editor's text."""

    id: int
    status: str
    slug: str
    link: str
    title: str
    excerpt: str
    text: str
    """The content without our section."""
    offers_html: str
    marker: Marker | None
    categories: frozenset[int]
    featured_media: int


@dataclass(frozen=True, slots=True)
class Term:
    """A core category; ours when it has a subject."""

    id: int
    name: str
    text: str
    parent: int
    link: str
    marker: TermMarker | None


@dataclass(frozen=True, slots=True)
class TermMarker:
    backend: BackendName
    id: CategoryId
    rank: int
    write_id: str


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
        excerpt=_raw(answer.get("excerpt", "")),
        text=_SECTION.sub("\n\n", content).strip("\n") if found else content,
        offers_html=found["offers"].strip() if found else "",
        marker=_marker_from(found["marker"]) if found else None,
        categories=frozenset(map(_number, _rows(answer.get("categories", [])))),
        featured_media=_number(answer.get("featured_media", 0)),
    )


def term_from(answer: Json) -> Term:
    """A category in the edit context. Raises TargetDown for what is no category."""
    description = str(answer.get("description", ""))
    found = _TERM_MARKER.search(description)
    return Term(
        id=_number(answer.get("id")),
        name=str(answer.get("name", "")),
        text=_TERM_MARKER.sub("", description),
        parent=_number(answer.get("parent", 0)),
        link=str(answer.get("link", "")),
        marker=_term_marker_from(found["marker"]) if found else None,
    )


def stored_hashes(
    post: Post, shown: Collection[FieldName], terms: Mapping[int, CategoryId]
) -> dict[FieldName, FieldHash]:
    """Per field that we ever wrote: recomputed where core has a place for it (`shown`)."""
    if post.marker is None:
        return {}
    now = {
        TITLE: hash_value(post.title),
        SUBTITLE: hash_value(post.excerpt),
        DESCRIPTION: hash_value(post.text),
        CATEGORIES: categories_hash(terms[each] for each in post.categories if each in terms),
    }
    if post.featured_media != post.marker.featured_media:
        now[MEDIA] = hash_value(post.featured_media)
    return {
        name: now.get(name, known) if name in shown else known
        for name, known in post.marker.hashes.items()
        if name != OFFERS
    } | {OFFERS: offers_hash(post.offers_html)}


def stored_values(
    post: Post, shown: Collection[FieldName], terms: Mapping[int, CategoryId]
) -> dict[FieldName, JsonValue]:
    """The values that core has a place for, as they can be written again."""
    values: dict[FieldName, JsonValue] = {
        TITLE: post.title,
        SUBTITLE: post.excerpt,
        DESCRIPTION: post.text,
        CATEGORIES: [*sorted(str(terms[each]) for each in post.categories if each in terms)],
    }
    return {name: value for name, value in values.items() if name in shown}


def categories_hash(categories: Iterable[CategoryId]) -> FieldHash:
    return hash_value([*sorted(categories)])


def offers_hash(offers_html: str) -> FieldHash:
    return hash_value(offers_html) if offers_html else FieldHash("")


def term_hashes(term: Term, terms: Mapping[int, CategoryId]) -> dict[FieldName, FieldHash]:
    return {
        FieldName("name"): hash_value(term.name),
        FieldName("description"): hash_value(term.text),
        FieldName("parent"): hash_value(terms.get(term.parent)),
        FieldName("rank"): hash_value(term.marker.rank if term.marker else None),
    }


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


def _marker_from(text: str) -> Marker | None:
    """None for what an editor has damaged."""
    try:
        row = json.loads(text)
        return Marker(
            backend=BackendName(row["b"]),
            id=row["i"],
            write_ids={Lane(lane): each for lane, each in row["w"].items()},
            hashes={FieldName(name): FieldHash(each) for name, each in row["h"].items()},
            kept=frozenset(map(FieldName, row.get("k", []))),
            featured_media=row.get("m", 0),
            retired_from=row.get("r"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _term_marker_from(text: str) -> TermMarker | None:
    try:
        row = json.loads(text)
        return TermMarker(BackendName(row["b"]), CategoryId(row["i"]), row["n"], row["w"])
    except (ValueError, KeyError, TypeError):
        return None


# ---- to core's JSON ----


def content_of(text: str, marker: Marker, offers_html: str) -> str:
    """The whole post_content. Our section is a Custom HTML block, which editors leave alone."""
    row: dict[str, JsonValue] = {
        "b": marker.backend,
        "i": marker.id,
        "w": {lane.value: each for lane, each in sorted(marker.write_ids.items())},
        "h": {**dict(sorted(marker.hashes.items()))},
    }
    if marker.kept:
        row["k"] = [*sorted(marker.kept)]
    if marker.featured_media:
        row["m"] = marker.featured_media
    if marker.retired_from is not None:
        row["r"] = marker.retired_from
    body = f"\n{offers_html}" if offers_html else ""
    section = f"<!-- {NAME} {_in_comment(row)} -->{body}\n<!-- /{NAME} -->"
    return f"{text}\n\n<!-- wp:html -->\n{section}\n<!-- /wp:html -->"


def description_of(text: str, marker: TermMarker) -> str:
    row: dict[str, JsonValue] = {
        "b": marker.backend,
        "i": marker.id,
        "n": marker.rank,
        "w": marker.write_id,
    }
    return f"{text}<!-- commerce-connector:category {_in_comment(row)} -->"


def _in_comment(row: JsonValue) -> str:
    """JSON that neither ends an HTML comment nor is changed by WordPress's filters."""
    text = json.dumps(row, separators=(",", ":"))
    for mark in "<>&-":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def text_as_stored(name: FieldName, value: str) -> str:
    """What core will make of a text, as far as it can be foretold."""
    if name == TITLE:
        return value.strip(_PHP_SPACE)
    if name == DESCRIPTION:
        return value.replace("\r\n", "\n").strip("\n")
    return value


def problem_of(fields: Mapping[FieldName, JsonValue]) -> str:
    """Why plain mode can never take these fields; empty when it can."""
    for name, value in fields.items():
        if "@" in name:
            return f"field {name}: plain mode takes one locale only; install the plugin"
        if name in TEXTS and not isinstance(value, str):
            return f"field {name} is no text"
    return ""


def wanted_hash(name: FieldName, value: JsonValue) -> FieldHash:
    """The hash of a value as core will store it, as far as that can be foretold."""
    if name == CATEGORIES:
        return categories_hash(category_ids(value))
    return hash_value(text_as_stored(name, value) if isinstance(value, str) else value)


def category_ids(value: JsonValue | None) -> list[CategoryId]:
    return [CategoryId(str(each)) for each in value] if isinstance(value, list) else []


def first_picture(value: JsonValue | None) -> int:
    """The attachment that stands first in the field `media`; 0 for none."""
    first = value[0] if isinstance(value, list) and value else None
    number = str(first.get("id", "")) if isinstance(first, dict) else ""
    return int(number) if number.isascii() and number.isdigit() else 0


def offers_table(offers: Iterable[Offer]) -> str:
    """A table that any theme can show; markets and quantities only where there are several."""
    rows = sorted(offers, key=lambda each: (each.market, each.position, each.min_quantity))
    if not rows:
        return ""
    several = len({each.market for each in rows}) > 1
    lines = "\n".join(_offer_row(each, several) for each in rows)
    return f'<table class="commerce-connector-offers"><tbody>\n{lines}\n</tbody></table>'


def _offer_row(offer: Offer, with_market: bool) -> str:
    name = f"{offer.sku} ({offer.market})" if with_market else offer.sku
    price = f"<strong>{html.escape(offer.amount_text)}</strong>"
    if offer.compare_at_text:
        price = f"<del>{html.escape(offer.compare_at_text)}</del> {price}"
    if offer.min_quantity > 1:
        price += f" from {offer.min_quantity}"
    words = _AVAILABILITY[offer.availability]
    if offer.quantity:
        words += f" ({offer.quantity})"
    variant = html.escape(offer.variant, quote=True)
    cells = f"<td>{html.escape(name)}</td><td>{price}</td><td>{words}</td>"
    return f'<tr data-variant="{variant}">{cells}</tr>'
