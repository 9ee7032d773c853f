"""What plain mode keeps in a page: words in core's own fields, and a section of ours.

The section holds the table of offers and, in a comment, the marker: whose product this is, the
last write ids, per field the hash of what we last wrote. Pure: knows no core and no HTTP.
"""

from __future__ import annotations

import html
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

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
    picture: str = ""
    """The file that our last write of `media` put in front."""
    retired_from: str | None = None
    """The state that the page had when we retired it; None: it is not retired."""

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.PRODUCT, self.id)


@dataclass(frozen=True, slots=True)
class TermMarker:
    """What a category of ours remembers; `rank` where core has no place for it."""

    backend: BackendName
    id: CategoryId
    write_id: str
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A category in core; ours when it has a marker."""

    key: str
    """By which pages and other categories name it."""
    id: str
    name: str
    text: str
    parent: str
    """The key of its parent; "" for none."""
    rank: int | None
    url: str
    marker: TermMarker | None


class Page(Protocol):
    """A page as core stores it, in raw values, our section told apart from the editor's text."""

    @property
    def id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def offers_html(self) -> str: ...
    @property
    def marker(self) -> Marker | None: ...
    @property
    def categories(self) -> Collection[str]: ...
    @property
    def picture(self) -> str: ...


# ---- values and hashes ----


def stored_values(
    page: Page, shown: Collection[FieldName], terms: Mapping[str, CategoryId]
) -> dict[FieldName, JsonValue]:
    """The values that core has a place for (`shown`), as they can be written again."""
    values: dict[FieldName, JsonValue] = {
        TITLE: page.title,
        SUBTITLE: page.summary,
        DESCRIPTION: page.text,
        CATEGORIES: [*sorted(str(terms[each]) for each in page.categories if each in terms)],
    }
    return {name: value for name, value in values.items() if name in shown}


def stored_hashes(
    page: Page, shown: Collection[FieldName], terms: Mapping[str, CategoryId]
) -> dict[FieldName, FieldHash]:
    """Per field that we ever wrote: recomputed where core has a place for it (`shown`)."""
    if page.marker is None:
        return {}
    now = {name: hash_value(value) for name, value in stored_values(page, shown, terms).items()}
    if page.picture != page.marker.picture:
        now[MEDIA] = hash_value(page.picture)
    return {
        name: now.get(name, known) for name, known in page.marker.hashes.items() if name != OFFERS
    } | {OFFERS: offers_hash(page.offers_html)}


def offers_hash(offers_html: str) -> FieldHash:
    return hash_value(offers_html) if offers_html else FieldHash("")


def term_hashes(term: Term, terms: Mapping[str, CategoryId]) -> dict[FieldName, FieldHash]:
    return {
        FieldName("name"): hash_value(term.name),
        FieldName("description"): hash_value(term.text),
        FieldName("parent"): hash_value(terms.get(term.parent)),
        FieldName("rank"): hash_value(term.rank),
    }


def category_ids(value: JsonValue | None) -> list[CategoryId]:
    return [CategoryId(str(each)) for each in value] if isinstance(value, list) else []


def first_picture(value: JsonValue | None) -> tuple[str, str]:
    """The file that stands first in the field `media`, and its text; "" for none."""
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("id", "")), str(first.get("alt", ""))


# ---- markers, as JSON in a comment ----


def marker_from(text: str) -> Marker | None:
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


def marker_text(marker: Marker) -> str:
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
    return _in_comment(row)


def term_marker_from(text: str) -> TermMarker | None:
    try:
        row = json.loads(text)
        return TermMarker(BackendName(row["b"]), CategoryId(row["i"]), row["w"], row.get("n"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def term_marker_text(marker: TermMarker) -> str:
    row: dict[str, JsonValue] = {"b": marker.backend, "i": marker.id, "w": marker.write_id}
    return _in_comment(row if marker.rank is None else {**row, "n": marker.rank})


def _in_comment(row: JsonValue) -> str:
    """JSON that neither ends an HTML comment nor is changed by a core's filters."""
    text = json.dumps(row, separators=(",", ":"))
    for mark in "<>&-":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


# ---- offers ----


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
