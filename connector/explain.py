"""Everything known of one product: what each site shows, how fresh, why, and how it got there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.model import BackendName, Lane, ProductId, SiteName, Subject, SubjectKind
from connector.state import mirror, parking, runs, taken, todo
from connector.state.mirror import KnownVariant
from connector.state.parking import Parked
from connector.state.runs import Step
from connector.state.todo import DueRow
from connector.sync.rules import SiteRules


@dataclass(frozen=True, slots=True)
class FieldStory:
    name: str
    owner: str
    kept: bool
    """The site keeps an editor's value against the backend's latest."""
    taken_by: str | None = None
    """Who took it over, at this page alone."""


@dataclass(frozen=True, slots=True)
class SiteStory:
    """One product at one site."""

    site: SiteName
    url: str | None
    cms_id: str | None
    retired_at: datetime | None
    offers: Any
    """The rows the site confirmed, as plain JSON; None: never."""
    offers_confirmed_at: datetime | None
    content_confirmed_at: datetime | None
    fields: tuple[FieldStory, ...]
    due: tuple[DueRow, ...]
    parked: tuple[Parked, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    backend: BackendName
    product: ProductId
    title: str
    skus: tuple[str, ...]
    sites: tuple[SiteStory, ...]
    steps: tuple[Step, ...]


def find_products(
    connection: Connection, backends: list[BackendName], text: str
) -> list[tuple[BackendName, KnownVariant]]:
    """Variants that a text names: an exact SKU, a product's id or a variant's id."""
    return [
        (backend, variant)
        for backend in backends
        for variant in mirror.find_variants(connection, backend, text)
    ]


def explain(
    connection: Connection,
    backend: BackendName,
    product: ProductId,
    sites: Mapping[SiteName, SiteRules],
    steps: int = 50,
) -> Explanation:
    """All that the state knows of a product, of each of these sites."""
    subject = Subject(SubjectKind.PRODUCT, product)
    variants = mirror.find_variants(connection, backend, product)
    return Explanation(
        backend=backend,
        product=product,
        title=variants[0].title if variants else "",
        skus=tuple(variant.sku for variant in variants if variant.product == product),
        sites=tuple(_site(connection, site, subject, rules) for site, rules in sites.items()),
        steps=tuple(runs.story(connection, backend, subject, steps)),
    )


def _site(connection: Connection, site: SiteName, subject: Subject, rules: SiteRules) -> SiteStory:
    offers = mirror.load_mirror(connection, site, Lane.OFFERS, [subject]).get(subject)
    content = mirror.load_mirror(connection, site, Lane.CONTENT, [subject]).get(subject)
    binding = mirror.load_bindings(connection, site, [subject]).get(subject)
    own = taken.load_taken(connection, site, [subject]).get(subject)
    rules = rules.of_page(taken.owners_of(own))
    stuck = parking.list_parked(connection, site=site)
    return SiteStory(
        site=site,
        url=binding.url if binding else None,
        cms_id=binding.cms_id if binding else None,
        retired_at=binding.retired_at if binding else None,
        offers=offers.shown if offers else None,
        offers_confirmed_at=offers.confirmed_at if offers else None,
        content_confirmed_at=content.confirmed_at if content else None,
        fields=tuple(
            FieldStory(
                name,
                rules.owner(name).value,
                field.kept,
                own[name].taken_by if own and name in own else None,
            )
            for name, field in sorted(content.fields.items() if content else ())
        ),
        due=tuple(todo.rows_of(connection, site, subject)),
        parked=tuple(row for row in stuck if row.subject == subject),
    )
