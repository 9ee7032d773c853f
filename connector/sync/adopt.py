"""Which page that a site already has is which product of the backend. Pure.

By SKU first, then by address. A match counts only where it is the only one in both directions;
everything else is for a person, and no page is made for it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connector.model import CmsId, ProductId
from connector.ports import Candidate


class Key(StrEnum):
    """What a match goes by."""

    SKU = "sku"
    SLUG = "slug"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A product that the site does not show yet, as far as matching goes."""

    id: ProductId
    handle: str
    skus: frozenset[str]
    title: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A page that is to show a product from now on, and what says so."""

    product: Wanted
    page: Candidate
    by: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A product that several pages could be, or whose page could be several products'."""

    product: Wanted
    pages: tuple[Candidate, ...]
    by: Key


@dataclass(slots=True)
class Plan:
    pairs: list[Pair] = field(default_factory=list)
    ambiguous: list[Ambiguous] = field(default_factory=list)
    unmatched: int = 0
    """Products without any page that could be theirs: pages are made for them."""

    def sentence(self) -> str:
        return (
            f"{len(self.pairs)} pages match one product each, {len(self.ambiguous)} products are"
            f" ambiguous, {self.unmatched} have no page yet"
        )


def match(
    products: Sequence[Wanted], pages: Sequence[Candidate], keys: Sequence[Key] = tuple(Key)
) -> Plan:
    """The plan. What one key has settled, matched or ambiguous, the next one leaves alone."""
    plan = Plan()
    left, free = list(products), list(pages)
    for key in keys:
        found = _by(left, free, key)
        plan.pairs += [each for each in found if isinstance(each, Pair)]
        plan.ambiguous += [each for each in found if isinstance(each, Ambiguous)]
        settled = {each.product.id for each in found}
        taken = {page.cms_id for each in found for page in _pages_of(each)}
        left = [product for product in left if product.id not in settled]
        free = [page for page in free if page.cms_id not in taken]
    plan.unmatched = len(left)
    return plan


def _by(products: Iterable[Wanted], pages: Iterable[Candidate], key: Key) -> list[Pair | Ambiguous]:
    by_value: dict[str, list[Candidate]] = {}
    for page in pages:
        for value in _PAGE[key](page):
            by_value.setdefault(value, []).append(page)
    found = {
        product.id: (
            product,
            _once(each for v in sorted(_PRODUCT[key](product)) for each in by_value.get(v, ())),
        )
        for product in products
    }
    wanted_by: dict[CmsId, int] = {}
    for _, hits in found.values():
        for page in hits:
            wanted_by[page.cms_id] = wanted_by.get(page.cms_id, 0) + 1
    return [
        Pair(product, hits[0], key.value)
        if len(hits) == 1 and wanted_by[hits[0].cms_id] == 1
        else Ambiguous(product, hits, key)
        for product, hits in found.values()
        if hits
    ]


def _once(pages: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple({page.cms_id: page for page in pages}.values())


def _pages_of(found: Pair | Ambiguous) -> Sequence[Candidate]:
    return (found.page,) if isinstance(found, Pair) else found.pages


_PAGE: dict[Key, Callable[[Candidate], Iterable[str]]] = {
    Key.SKU: lambda page: {sku for sku in page.skus if sku},
    Key.SLUG: lambda page: {page.slug} - {""},
}
_PRODUCT: dict[Key, Callable[[Wanted], Iterable[str]]] = {
    Key.SKU: lambda product: product.skus,
    Key.SLUG: lambda product: {product.handle} - {""},
}
