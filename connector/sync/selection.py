"""Does a product belong on a site? Knows rules and values only; fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from connector.model import Category, CategoryId, Product
from connector.sync.rules import Selection


def exclusion(
    product: Product, selection: Selection, tree: Mapping[CategoryId, Category]
) -> str | None:
    """Why the product does not belong on the site, in words for people; None: it does."""
    tags = set(product.tags)
    if product.status not in selection.statuses:
        return f"its status is {product.status}"
    if selection.channels and not selection.channels & set(product.channels):
        return "it is in none of the site's sales channels"
    if selection.tags and not selection.tags & tags:
        return "it has none of the site's tags"
    if shunned := selection.exclude_tags & tags:
        return f"it has the excluded tag {min(shunned)!r}"
    if selection.skus and not _any_sku(product, selection.skus):
        return "no SKU fits the site's patterns"
    return _category_exclusion(product, selection, tree)


def _any_sku(product: Product, patterns: tuple[str, ...]) -> bool:
    skus = [variant.sku for variant in product.variants if variant.sku]
    return any(fnmatchcase(sku, pattern) for sku in skus for pattern in patterns)


def _category_exclusion(
    product: Product, selection: Selection, tree: Mapping[CategoryId, Category]
) -> str | None:
    if not selection.categories and not selection.exclude_categories:
        return None
    names = names_above(product.categories, tree)
    if selection.categories and not selection.categories & names:
        return "it is in none of the site's categories"
    if shunned := selection.exclude_categories & names:
        return f"it is in the excluded category {min(shunned)!r}"
    return None


def names_above(
    categories: Iterable[CategoryId], tree: Mapping[CategoryId, Category]
) -> frozenset[str]:
    """Ids and handles of these categories and of all above them. A cycle ends the climb."""
    names: set[str] = set()
    waiting: list[CategoryId] = list(categories)
    while waiting:
        identity = waiting.pop()
        if identity in names:
            continue
        names.add(identity)
        if category := tree.get(identity):
            names.add(category.handle)
            if category.parent is not None:
                waiting.append(category.parent)
    return frozenset(names)
