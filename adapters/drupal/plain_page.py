"""What plain mode keeps in a node: words in core's own fields, and a section field of ours.

Core can store nothing of ours without a field, so the site's builder adds one (see the README).
It holds the table of offers and, in a comment before it, the marker: whose product this is, the
last write ids, per field the hash of what we last wrote. Identity is a UUID made from the ids, so
that making a page twice is impossible. Pure: knows no HTTP.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from adapters.drupal.plain_rest import Json, mapping
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

TITLE, SUBTITLE = FieldName("title"), FieldName("subtitle")
DESCRIPTION, CATEGORIES = FieldName("description"), FieldName("categories")
MEDIA, OFFERS = FieldName("media"), FieldName("offers")
TEXTS = frozenset({"title", "subtitle", "description", "seo_title", "seo_description"})
NAMESPACE = UUID("5f5a0d6c-7c0b-5b43-9a53-0a6a3c1d2f11")
ROOT_TERM = "virtual"
"""What JSON:API calls the parent of a term that has none."""
TITLE_LENGTH = 255

_MARKER = re.compile(r"<!-- commerce-connector (?P<marker>\{[^>]*\}) -->")
_AVAILABILITY = {
    Availability.IN_STOCK: "In stock",
    Availability.OUT_OF_STOCK: "Out of stock",
    Availability.BACKORDER: "Available on backorder",
}


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
class Marker:
    """What our section remembers. Hashes are of the values as we wrote them last."""

    backend: BackendName
    id: str
    write_ids: Mapping[Lane, str] = field(default_factory=dict)
    hashes: Mapping[FieldName, FieldHash] = field(default_factory=dict)
    kept: frozenset[FieldName] = frozenset()
    picture: str = ""
    """The file that our last write of `media` put in front."""
    retired_from: bool | None = None
    """Whether the page was published when we retired it; None: it is not retired."""

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.PRODUCT, self.id)


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


@dataclass(frozen=True, slots=True)
class TermMarker:
    backend: BackendName
    id: CategoryId
    write_id: str


@dataclass(frozen=True, slots=True)
class Term:
    """A term; ours when it has a marker."""

    uuid: str
    id: int
    name: str
    text: str
    parent: str
    """"": it has none."""
    rank: int
    alias: str | None
    marker: TermMarker | None


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
        marker=_marker_from(found["marker"]) if found else None,
        categories=tuple(_related(resource, places.categories_field)),
        picture=next(iter(_related(resource, places.image_field)), ""),
    )


def term_from(resource: Json) -> Term:
    """A term. Raises TargetDown for what is none."""
    attributes = mapping(resource.get("attributes"))
    description = _text(mapping(attributes.get("description")).get("value"))
    found = _MARKER.search(description)
    parent = next(iter(_related(resource, "parent")), ROOT_TERM)
    return Term(
        uuid=str(resource.get("id", "")),
        id=_number(attributes.get("drupal_internal__tid")),
        name=_text(attributes.get("name")),
        text=_MARKER.sub("", description),
        parent="" if parent == ROOT_TERM else parent,
        rank=_number(attributes.get("weight")),
        alias=_alias(attributes),
        marker=_term_marker_from(found["marker"]) if found else None,
    )


def stored_hashes(
    node: Node, shown: Collection[FieldName], terms: Mapping[str, CategoryId]
) -> dict[FieldName, FieldHash]:
    """Per field that we ever wrote: recomputed where the site has a place for it (`shown`)."""
    if node.marker is None:
        return {}
    now = {name: hash_value(value) for name, value in stored_values(node, shown, terms).items()}
    if node.picture != node.marker.picture:
        now[MEDIA] = hash_value(node.picture)
    return {
        name: now.get(name, known) for name, known in node.marker.hashes.items() if name != OFFERS
    } | {OFFERS: offers_hash(node.offers_html)}


def stored_values(
    node: Node, shown: Collection[FieldName], terms: Mapping[str, CategoryId]
) -> dict[FieldName, JsonValue]:
    """The values that core has a place for, as they can be written again."""
    values: dict[FieldName, JsonValue] = {
        TITLE: node.title,
        SUBTITLE: node.summary,
        DESCRIPTION: node.text,
        CATEGORIES: [*sorted(str(terms[each]) for each in node.categories if each in terms)],
    }
    return {name: value for name, value in values.items() if name in shown}


def term_hashes(term: Term, terms: Mapping[str, CategoryId]) -> dict[FieldName, FieldHash]:
    return {
        FieldName("name"): hash_value(term.name),
        FieldName("description"): hash_value(term.text),
        FieldName("parent"): hash_value(terms.get(term.parent)),
        FieldName("rank"): hash_value(term.rank),
    }


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


def _marker_from(text: str) -> Marker | None:
    """None for what somebody has damaged."""
    try:
        row = json.loads(text)
        return Marker(
            backend=BackendName(row["b"]),
            id=row["i"],
            write_ids={Lane(lane): each for lane, each in row["w"].items()},
            hashes={FieldName(name): FieldHash(each) for name, each in row["h"].items()},
            kept=frozenset(map(FieldName, row.get("k", []))),
            picture=row.get("m", ""),
            retired_from=row.get("r"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _term_marker_from(text: str) -> TermMarker | None:
    try:
        row = json.loads(text)
        return TermMarker(BackendName(row["b"]), CategoryId(row["i"]), row["w"])
    except (ValueError, KeyError, TypeError):
        return None


# ---- to core's JSON ----


def section_of(marker: Marker, offers_html: str) -> str:
    """The value of our section field."""
    row: dict[str, JsonValue] = {
        "b": marker.backend,
        "i": marker.id,
        "w": {lane.value: each for lane, each in sorted(marker.write_ids.items())},
        "h": {**dict(sorted(marker.hashes.items()))},
    }
    if marker.kept:
        row["k"] = [*sorted(marker.kept)]
    if marker.picture:
        row["m"] = marker.picture
    if marker.retired_from is not None:
        row["r"] = marker.retired_from
    return f"<!-- commerce-connector {_in_comment(row)} -->{offers_html}"


def term_text(text: str, marker: TermMarker) -> str:
    row: dict[str, JsonValue] = {"b": marker.backend, "i": marker.id, "w": marker.write_id}
    return f"{text}<!-- commerce-connector {_in_comment(row)} -->"


def _in_comment(row: JsonValue) -> str:
    """JSON that does not end an HTML comment."""
    text = json.dumps(row, separators=(",", ":"))
    for mark in "<>&-":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def problem_of(fields: Mapping[FieldName, JsonValue]) -> str:
    """Why plain mode can never take these fields; empty when it can."""
    for name, value in fields.items():
        if "@" in name:
            return f"field {name}: plain mode takes one locale only; install the module"
        if name in TEXTS and not isinstance(value, str):
            return f"field {name} is no text"
        if name == TITLE and len(str(value)) > TITLE_LENGTH:
            return f"the title has more than the {TITLE_LENGTH} letters that Drupal takes"
    return ""


def wanted_hash(name: FieldName, value: JsonValue) -> FieldHash:
    """The hash of a value as core will store it."""
    if name == CATEGORIES:
        return hash_value([*sorted(category_ids(value))])
    return hash_value(value)


def category_ids(value: JsonValue | None) -> list[CategoryId]:
    return [CategoryId(str(each)) for each in value] if isinstance(value, list) else []


def first_picture(value: JsonValue | None) -> tuple[str, str]:
    """The file that stands first in the field `media`, and its text; "" for none."""
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("id", "")), str(first.get("alt", ""))


def offers_hash(offers_html: str) -> FieldHash:
    return hash_value(offers_html) if offers_html else FieldHash("")


def offers_table(offers: Iterable[Offer]) -> str:
    """A table that any theme can show; markets and quantities only where there are several."""
    listed = sorted(offers, key=lambda each: (each.market, each.position, each.min_quantity))
    if not listed:
        return ""
    several = len({each.market for each in listed}) > 1
    lines = "\n".join(_offer_row(each, several) for each in listed)
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
    cells = f"<td>{html.escape(name)}</td><td>{price}</td><td>{words}</td>"
    return f'<tr data-variant="{html.escape(offer.variant, quote=True)}">{cells}</tr>'
