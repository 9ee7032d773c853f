"""Who decides each field of a page: the owners, their defaults, and why each holds.

Pure. The configuration gives a field an owner of its own, in all languages or in one
(`title@fr-FR`); what it does not name keeps its default. Owners decide what `sync.merge` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.model import FieldName, Locale


class Owner(StrEnum):
    """Who decides a field of a page."""

    COMMERCE = "commerce"
    """The backend wins, always."""
    MERGE = "merge"
    """Whoever changed it; where both did, their changes are joined, or a person decides."""
    TWO_WAY = "two-way"
    """As merge, and the editor's value is written back to the backend."""
    EDITOR = "editor"
    """Given once, when the page is made; never touched again."""

    @property
    def merges(self) -> bool:
        """Whether an editor's value and the backend's are held against each other."""
        return self in (Owner.MERGE, Owner.TWO_WAY)


DEFAULT_OWNERS: Mapping[str, Owner] = {
    "title": Owner.MERGE,
    "subtitle": Owner.MERGE,
    "description": Owner.MERGE,
    "seo_title": Owner.MERGE,
    "seo_description": Owner.MERGE,
    "categories": Owner.COMMERCE,
    "tags": Owner.COMMERCE,
    "attributes": Owner.COMMERCE,
    "options": Owner.COMMERCE,
    "variants": Owner.COMMERCE,
    "media": Owner.COMMERCE,
    "source": Owner.COMMERCE,
    "slug": Owner.EDITOR,
}

FIXED_OWNERS: Mapping[str, tuple[Owner, str]] = {
    "price": (Owner.COMMERCE, "what a shopper pays is the backend's to say"),
    "stock": (Owner.COMMERCE, "what can be sold is the backend's to say"),
    "sku": (Owner.COMMERCE, "carts and orders go by it"),
    "publish state": (Owner.EDITOR, "a page that an editor took offline stays so"),
    "author": (Owner.EDITOR, "the connector writes no name under a page"),
    "layout": (Owner.EDITOR, "template, order and design are the site's"),
    "extra blocks": (Owner.EDITOR, "what an editor puts beside the product is theirs"),
}
"""What no configuration changes, with the reason."""

TAKEABLE = frozenset(DEFAULT_OWNERS) - {"options", "variants", "source"}
"""The fields of single pages that an editor may take over; shoppers buy by the others."""

TRANSLATED = ("title", "subtitle", "description", "seo_title", "seo_description")
"""The fields that each locale has for itself."""


@dataclass(frozen=True, slots=True)
class FieldOwner:
    """Who decides one field, and why it is so, in words for people."""

    field: FieldName
    locale: Locale | None
    """None: the same in all locales."""
    owner: Owner
    why: str


def owner_of(owners: Mapping[str, Owner], name: str) -> Owner:
    """Who decides this field; `title@fr-FR` has the owner of `title` unless it has its own."""
    base = name.partition("@")[0]
    return owners.get(name) or owners.get(base) or Owner.COMMERCE


def takes(name: str) -> bool:
    """Whether an editor may take this field of a page over."""
    return name.partition("@")[0] in TAKEABLE


def field_owners(owners: Mapping[str, Owner], locales: Iterable[Locale]) -> tuple[FieldOwner, ...]:
    """Each field of a site in each of its locales, the first one bare as in its documents."""
    listed = tuple(dict.fromkeys(locales))
    rows: list[FieldOwner] = []
    for field in DEFAULT_OWNERS:
        if field not in TRANSLATED:
            rows.append(_row(owners, field, field, None))
            continue
        for place, locale in enumerate(listed):
            rows.append(_row(owners, field, f"{field}@{locale}" if place else field, locale))
    fixed = [
        FieldOwner(FieldName(field), None, owner, why)
        for field, (owner, why) in FIXED_OWNERS.items()
    ]
    return (*rows, *fixed)


def _row(owners: Mapping[str, Owner], field: str, name: str, locale: Locale | None) -> FieldOwner:
    owner = owner_of(owners, name)
    return FieldOwner(FieldName(name), locale, owner, _why(owners, field, name, owner))


def _why(owners: Mapping[str, Owner], field: str, name: str, owner: Owner) -> str:
    if name != field and name in owners:
        return f"the configuration says so (owners: {name})"
    if owner is DEFAULT_OWNERS[field]:
        return "the default"
    return f"the configuration says so (owners: {field})"
