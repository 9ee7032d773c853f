"""What a site wants of a backend, as plain values: its markets, selection, owners and limits.

Built from the configuration by connector.compose; the pure core knows only these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from connector.model import CategoryId, FieldName, Locale, MarketName, ProductStatus
from connector.sync.owners import DEFAULT_OWNERS, Owner, owner_of


@dataclass(frozen=True, slots=True)
class Market:
    """How a site shows a backend to one audience."""

    name: MarketName
    locale: Locale
    currency: str
    region: str | None = None
    price_lists: frozenset[str] | None = None
    """Names of the price lists that count here; None: all."""
    tax_included: bool | None = None
    """What to say of tax where the backend does not."""
    show_quantity: bool = True
    stock_locations: frozenset[str] | None = None
    """Locations that sell here; None: all."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which products belong on a site. Empty sets ask nothing."""

    statuses: frozenset[ProductStatus] = frozenset({ProductStatus.PUBLISHED})
    channels: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    """Ids or handles; a category stands for all below it too."""
    exclude_categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    exclude_tags: frozenset[str] = frozenset()
    skus: tuple[str, ...] = ()
    """Shell patterns; one variant that fits is enough."""


@dataclass(frozen=True, slots=True)
class SafetyRule:
    """How much of a site one run may take off sale: the larger of the two."""

    products: int = 10
    percent: float = 5.0


class RetirePolicy(StrEnum):
    """What becomes of the page of a product that goes off sale. Its offers go in any case."""

    UNPUBLISH = "unpublish"
    """Visitors get "not found"."""
    NOTICE = "notice"
    """The page stays, and says that the product is no longer sold."""
    REDIRECT = "redirect"
    """Visitors are sent to the product's category."""
    GONE = "gone"
    """Visitors and search engines are told that it is gone for good (410)."""
    DELETE = "delete"
    """The page goes to the trash, unless something else of the site refers to it."""


Alike = Callable[[FieldName, object, object], bool]
"""Whether the backend cannot tell two values of a field apart."""


def never(_name: FieldName, _one: object, _other: object) -> bool:
    """Of a backend to which nothing is written back."""
    return False


@dataclass(frozen=True, slots=True)
class SiteRules:
    """Everything about a site that decisions depend on."""

    markets: tuple[Market, ...]
    selection: Selection = Selection()
    owners: Mapping[str, Owner] = field(default_factory=lambda: dict(DEFAULT_OWNERS))
    safety: SafetyRule = SafetyRule()
    multilingual: bool = False
    media: bool = True
    merges: bool = False
    """The site can tell what it holds and what that came from, so that edits can be joined."""
    retire: RetirePolicy = RetirePolicy.UNPUBLISH
    alike: Alike = field(default=never, compare=False)
    """For fields that are two-way: how an echo of the page's own words is known."""

    @property
    def writes_back(self) -> bool:
        return Owner.TWO_WAY in self.owners.values()

    def owner(self, name: FieldName) -> Owner:
        """Who decides this field; `title@fr-FR` has the owner of `title` unless it has its own."""
        return owner_of(self.owners, name)

    def of_page(self, owners: Mapping[str, Owner]) -> SiteRules:
        """The rules for a page of which some fields are decided otherwise than usual."""
        return replace(self, owners={**self.owners, **owners}) if owners else self


CategoryParents = Mapping[CategoryId, CategoryId | None]
"""The tree, child to parent."""
