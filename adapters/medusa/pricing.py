"""Medusa's price rows as the model has them. Pure.

A row counts for the public only when all its rules are understood: a region, nothing else. Rows
and lists with other rules (customer groups, cart totals) are left out and named, never guessed.
Medusa's own order of precedence is that of connector.sync.prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from adapters.medusa.client import JsonObject
from connector.errors import Rejected
from connector.model import Money, Price, VariantId

REGION = "region_id"


@dataclass(frozen=True, slots=True)
class TaxPreferences:
    """Whether amounts include tax, by region and by currency (`/admin/price-preferences`)."""

    known: bool = False
    by_region: Mapping[str, bool] = field(default_factory=dict)
    by_currency: Mapping[str, bool] = field(default_factory=dict)

    def included(self, currency: str, region: str | None) -> bool | None:
        """As Medusa decides it: the region's word goes before the currency's, for its own rows."""
        if not self.known:
            return None
        if region is not None and region in self.by_region:
            return self.by_region[region]
        return self.by_currency.get(currency, False)


@dataclass(frozen=True, slots=True)
class PriceList:
    """An active price list that holds for everyone, or for everyone of some regions."""

    id: str
    overrides: bool
    regions: tuple[str, ...] | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class PriceLists:
    """What `/admin/price-lists` says: the lists that count, and the rules of those left out."""

    public: tuple[PriceList, ...]
    left_out: Mapping[str, tuple[str, ...]]
    """List id to the attributes of its rules that are not understood."""


@dataclass(frozen=True, slots=True)
class ListedPrices:
    """The prices of one price list."""

    prices: Mapping[VariantId, tuple[Price, ...]]
    poison: Mapping[VariantId, str] = field(default_factory=dict)
    """Variants that have a price in it that is none, and why: their products are rejected."""
    left_out: frozenset[str] = frozenset()
    """Attributes of the rules for which prices were left out."""


def tax_preferences(rows: Iterable[JsonObject]) -> TaxPreferences:
    """The preferences of `/admin/price-preferences`."""
    regions, currencies = {}, {}
    for row in rows:
        match row.get("attribute"):
            case "region_id":
                regions[str(row["value"])] = bool(row["is_tax_inclusive"])
            case "currency_code":
                currencies[str(row["value"]).upper()] = bool(row["is_tax_inclusive"])
    return TaxPreferences(True, regions, currencies)


def price_lists(rows: Iterable[JsonObject]) -> PriceLists:
    """Sort `/admin/price-lists` into those that hold for the public, and the others. Drafts: none.

    Raises Rejected for a list whose rules cannot be read at all.
    """
    public, left_out = [], {}
    for row in rows:
        if row.get("status") != "active":
            continue
        rules = _list_rules(row)
        unknown = tuple(sorted(set(rules) - {REGION}))
        if unknown:
            left_out[str(row["id"])] = unknown
        else:
            public.append(_price_list(row, rules.get(REGION)))
    return PriceLists(tuple(public), left_out)


def base_prices(
    rows: Iterable[JsonObject], tax: TaxPreferences
) -> tuple[tuple[Price, ...], frozenset[str]]:
    """A variant's own prices, and the attributes of the rules for which rows were left out."""
    prices, left_out = [], set()
    for row in rows:
        rules = row.get("rules")
        if not isinstance(rules, Mapping):
            raise Rejected("a price came without its rules; it may not be everyone's")
        unknown = set(rules) - {REGION}
        if unknown:
            left_out |= unknown
        else:
            region = str(rules[REGION]) if REGION in rules else None
            prices.append(_price(row, tax, region))
    return tuple(sorted(prices, key=_order)), frozenset(left_out)


def list_prices(
    price_list: PriceList, rows: Iterable[JsonObject], tax: TaxPreferences
) -> ListedPrices:
    """The prices of one list, by variant. Raises KeyError or TypeError for malformed rows."""
    found: dict[VariantId, list[Price]] = {}
    poison: dict[VariantId, str] = {}
    left_out: set[str] = set()
    for row in rows:
        variant = (row.get("price_set") or {}).get("variant") or {}
        rules = {str(rule["attribute"]): str(rule["value"]) for rule in row["price_rules"]}
        left_out |= set(rules) - {REGION}
        if not variant.get("id") or set(rules) - {REGION}:
            continue
        id_ = VariantId(variant["id"])
        try:
            found.setdefault(id_, []).extend(_listed(row, price_list, rules.get(REGION), tax))
        except Rejected as error:
            poison[id_] = f"price list {price_list.id}: {error.message}"
    prices = {variant: tuple(sorted(each, key=_order)) for variant, each in found.items()}
    return ListedPrices(prices, poison, frozenset(left_out))


def _list_rules(row: JsonObject) -> Mapping[str, Sequence[str]]:
    rules = row.get("rules")
    if not isinstance(rules, Mapping) or (row.get("rules_count") or 0) != len(rules):
        raise Rejected(f"price list {row['id']} came without its rules; it may not be everyone's")
    return {
        str(name): [value] if isinstance(value, str) else [str(each) for each in value or ()]
        for name, value in rules.items()
    }


def _price_list(row: JsonObject, regions: Sequence[str] | None) -> PriceList:
    if row.get("type") not in ("sale", "override"):
        raise Rejected(f"price list {row['id']} is of an unknown type; it may not be everyone's")
    return PriceList(
        id=str(row["id"]),
        overrides=row["type"] == "override",
        regions=None if regions is None else tuple(sorted(regions)),
        starts_at=parse_time(row.get("starts_at")),
        ends_at=parse_time(row.get("ends_at")),
    )


def _listed(
    row: JsonObject, price_list: PriceList, region: str | None, tax: TaxPreferences
) -> list[Price]:
    if price_list.regions is None:
        regions: Sequence[str | None] = [region]
    else:
        regions = [each for each in price_list.regions if region in (None, each)]
    # Medusa asks the row's own region about tax, not the list's.
    return [_price(row, tax, region, price_list, only) for only in regions]


def _price(
    row: JsonObject,
    tax: TaxPreferences,
    rule_region: str | None,
    price_list: PriceList | None = None,
    region: str | None = None,
) -> Price:
    currency = str(row["currency_code"]).upper()
    return Price(
        amount=Money.from_major(_number(row["amount"]), currency),
        price_list=price_list.id if price_list else None,
        region=region or rule_region,
        overrides=price_list.overrides if price_list else False,
        min_quantity=max(1, int(row.get("min_quantity") or 1)),
        max_quantity=None if row.get("max_quantity") is None else int(row["max_quantity"]),
        starts_at=price_list.starts_at if price_list else None,
        ends_at=price_list.ends_at if price_list else None,
        tax_included=tax.included(currency, rule_region),
    )


def _number(value: object) -> Decimal | int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Rejected("a price has an amount that is no number")
    return value


def _order(price: Price) -> tuple[str, str, str, int, int]:
    amount = price.amount
    return (
        amount.currency,
        price.price_list or "",
        price.region or "",
        price.min_quantity,
        amount.amount_minor,
    )


def parse_time(text: object) -> datetime | None:
    """Medusa's timestamps; None for none. Raises Rejected for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise Rejected("a timestamp that is none came from Medusa") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
