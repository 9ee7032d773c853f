"""Price lists, kept at hand and asked at each use whether they are still the same.

Medusa gives the prices of a list only as a whole. Its count together with the newest row's id and
timestamp tells whether anything in it changed (every write to a price, its rules included, moves
its timestamp; a delete moves the count), so that one small request a list keeps what we hold true.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.medusa.listing import Get, Listing, read_all
from adapters.medusa.pricing import (
    ListedPrices,
    PriceList,
    PriceLists,
    TaxPreferences,
    list_prices,
    price_lists,
    tax_preferences,
)
from connector.errors import Incomplete, Rejected
from connector.model import Price, VariantId
from connector.ports import Clock

PRICE_FIELDS = (
    "id,amount,currency_code,min_quantity,max_quantity,price_set.variant.id,"
    "price_rules.attribute,price_rules.value"
)
TAX_AGE = timedelta(seconds=60)
"""No signal tells that a tax preference changed: the sweep of prices finds it."""
LIST_FIELDS = (
    "id,title,type,status,starts_at,ends_at,rules_count,"
    "price_list_rules.attribute,price_list_rules.value"
)


@dataclass(frozen=True, slots=True)
class _Kept:
    version: object
    listed: ListedPrices


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All public price lists at a moment, with the tax preferences that their amounts follow."""

    tax: TaxPreferences
    lists: Sequence[ListedPrices]
    left_out: Mapping[str, tuple[str, ...]]
    """Price list id to the rules for which it, or some of its prices, do not count."""

    def of(self, variants: Sequence[VariantId]) -> Mapping[VariantId, tuple[Price, ...]]:
        """The listed prices of these variants."""
        return {
            variant: tuple(price for each in self.lists for price in each.prices.get(variant, ()))
            for variant in variants
        }

    @property
    def poison(self) -> Mapping[VariantId, str]:
        """Variants whose listed prices cannot be read, and why."""
        return {id_: why for each in self.lists for id_, why in each.poison.items()}


class PriceShelf:
    """Opens the price book. Threads may share it."""

    def __init__(self, get: Get, clock: Clock) -> None:
        self._get = get
        self._clock = clock
        self._tax: tuple[datetime, TaxPreferences] | None = None
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def open(self) -> PriceBook:
        """The book as it is now. Raises Incomplete where a list cannot be read to its end."""
        tax = self._taxes()
        found = self._lists()
        listed = [self._prices(each, tax) for each in found.public]
        with self._lock:
            for id_ in set(self._kept) - {each.id for each in found.public}:
                del self._kept[id_]
        left_out = dict(found.left_out) | {
            each.id: tuple(sorted(prices.left_out))
            for each, prices in zip(found.public, listed, strict=True)
            if prices.left_out
        }
        return PriceBook(tax, listed, left_out)

    def _taxes(self) -> TaxPreferences:
        now = self._clock.now()
        if self._tax is None or now - self._tax[0] >= TAX_AGE:
            fields = "id,attribute,value,is_tax_inclusive"
            listing = Listing("/admin/price-preferences", "price_preferences", fields, 1000)
            self._tax = (now, tax_preferences(read_all(self._get, listing)))
        return self._tax[1]

    def _lists(self) -> PriceLists:
        listing = Listing("/admin/price-lists", "price_lists", LIST_FIELDS, 500)
        try:
            return price_lists(read_all(self._get, listing))
        except (KeyError, TypeError) as error:
            raise Incomplete("the price lists came malformed; no price is concluded") from error
        except Rejected as error:
            raise Incomplete(error.message) from error

    def _prices(self, price_list: PriceList, tax: TaxPreferences) -> ListedPrices:
        path = f"/admin/price-lists/{price_list.id}/prices"
        version = (price_list, tax, self._version(path))
        held = self._kept.get(price_list.id)
        if held is not None and held.version == version:
            return held.listed
        rows = read_all(self._get, Listing(path, "prices", PRICE_FIELDS, 1000))
        try:
            listed = list_prices(price_list, rows, tax)
        except (KeyError, TypeError) as error:
            raise Incomplete(f"{path} came malformed; no price is concluded from it") from error
        with self._lock:
            self._kept[price_list.id] = _Kept(version, listed)
        return listed

    def _version(self, path: str) -> object:
        fields = "id,updated_at"
        body = self._get(path, {"fields": fields, "order": "-updated_at", "limit": 1}).body
        newest = [(row.get("id"), row.get("updated_at")) for row in body.get("prices") or ()]
        return (body.get("count"), *newest)
