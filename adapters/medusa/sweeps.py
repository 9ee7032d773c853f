"""Fingerprints of what no timestamp in Medusa's API shows. Each sweep sees every product.

    translations  the words in every locale
    memberships   categories, sales channels, pictures and tags; and the categories themselves
    stock         the stock of every variant
    prices        every price row, listed ones and their dates included

A listing here that breaks off raises Incomplete, so that no absence is ever concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from adapters.medusa.client import JsonObject, NoSuchRoute
from adapters.medusa.listing import Get, Listing, read_all, read_pages
from adapters.medusa.mapping import CATEGORY_FIELDS, map_stock
from adapters.medusa.prices import PriceBook, PriceShelf
from adapters.medusa.pricing import base_prices
from connector.errors import Rejected
from connector.model import JsonValue, Lane, Price, Subject, SubjectKind, hash_value
from connector.ports import Sighting

NAMES = ("translations", "memberships", "stock", "prices")

LINK_FIELDS = "id,sales_channels.id,images.id,images.url,images.rank,tags.value"
STOCK_FIELDS = (
    "id,variants.id,variants.manage_inventory,variants.allow_backorder,"
    "variants.inventory_items.inventory_item_id,variants.inventory_items.required_quantity,"
    "variants.inventory_items.inventory.location_levels.location_id,"
    "variants.inventory_items.inventory.location_levels.stocked_quantity,"
    "variants.inventory_items.inventory.location_levels.reserved_quantity"
)
PRICE_FIELDS = (
    "id,variants.id,variants.prices.amount,variants.prices.currency_code,"
    "variants.prices.min_quantity,variants.prices.max_quantity,"
    "variants.prices.price_rules.attribute,variants.prices.price_rules.value"
)
OFFERS = frozenset({Lane.OFFERS})
CONTENT = frozenset({Lane.CONTENT, Lane.MEDIA})

Pages = Iterator[Sequence[Sighting]]


def sweep(get: Get, shelf: PriceShelf, name: str, page_size: int) -> Pages:
    """The sweep of that name. Raises Rejected for a name that is not in NAMES."""
    match name:
        case "memberships":
            return _memberships(get, page_size)
        case "stock":
            return _products(get, STOCK_FIELDS, page_size, OFFERS, _stock)
        case "prices":
            return _prices(get, shelf, page_size)
        case "translations":
            return _translations(get, page_size)
        case _:
            raise Rejected(f"Medusa has no sweep {name!r}; it has {', '.join(NAMES)}")


def read_memberships(get: Get) -> Mapping[str, list[str]]:
    """Every product that is in a category, with its categories' ids in order."""
    listing = Listing("/admin/product-categories", "product_categories", "id,products.id", 20)
    found: dict[str, list[str]] = {}
    for rows in read_pages(get, listing):
        for row in rows:
            for product in row.get("products") or ():
                found.setdefault(product["id"], []).append(row["id"])
    return found


def read_words(get: Get, reference: str, ids: Sequence[str] | None = None) -> list[JsonObject]:
    """Translations of products or categories: of these, or of all. Without the module: none."""
    filters: dict[str, str | int | Sequence[str]] = {"reference": reference}
    if ids is not None:
        filters["reference_id[]"] = ids
    fields = "id,reference_id,locale_code,translations"
    listing = Listing("/admin/translations", "translations", fields, 1000, filters)
    try:
        return read_all(get, listing)
    except NoSuchRoute:
        return []


def read_categories(get: Get) -> list[JsonObject]:
    return read_all(
        get, Listing("/admin/product-categories", "product_categories", CATEGORY_FIELDS, 500)
    )


def _products(
    get: Get,
    fields: str,
    page_size: int,
    lanes: frozenset[Lane],
    facts: Callable[[JsonObject], JsonValue],
) -> Pages:
    listing = Listing("/admin/products", "products", fields, page_size)
    for rows in read_pages(get, listing):
        yield [
            Sighting(Subject(SubjectKind.PRODUCT, row["id"]), hash_value(_safe(facts, row)), lanes)
            for row in rows
        ]


def _safe(facts: Callable[[JsonObject], JsonValue], row: JsonObject) -> JsonValue:
    """What cannot be read has a fingerprint too; the fetch says what is wrong with it."""
    try:
        return facts(row)
    except (Rejected, KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return ["unreadable", type(error).__name__]


def _memberships(get: Get, page_size: int) -> Pages:
    memberships = read_memberships(get)

    def facts(row: JsonObject) -> JsonValue:
        pictures = [[each["rank"], each["id"], each["url"]] for each in row["images"]]
        return [
            [*sorted(memberships.get(row["id"], []))],
            sorted(each["id"] for each in row["sales_channels"] or ()),
            sorted(pictures, key=repr),
            sorted(each["value"] for each in row["tags"] or ()),
        ]

    yield from _products(get, LINK_FIELDS, page_size, frozenset(), facts)
    yield [
        Sighting(Subject(SubjectKind.CATEGORY, row["id"]), hash_value(_plain(row)))
        for row in read_categories(get)
    ]


def _stock(row: JsonObject) -> JsonValue:
    found: list[JsonValue] = []
    for variant in sorted(row["variants"], key=lambda each: str(each["id"])):
        stock = map_stock(variant)
        places: list[JsonValue] = [[each.location, each.available] for each in stock.locations]
        found.append([variant["id"], stock.tracked, stock.backorder, places])
    return found


def _prices(get: Get, shelf: PriceShelf, page_size: int) -> Pages:
    book = shelf.open()
    yield from _products(get, PRICE_FIELDS, page_size, OFFERS, lambda row: _price_facts(row, book))


def _price_facts(row: JsonObject, book: PriceBook) -> JsonValue:
    listed = book.of([variant["id"] for variant in row["variants"]])
    poison = book.poison
    return [
        [
            variant["id"],
            poison.get(variant["id"]),
            [
                _price(price)
                for price in (*base_prices(variant["prices"], book.tax)[0], *listed[variant["id"]])
            ],
        ]
        for variant in sorted(row["variants"], key=lambda each: str(each["id"]))
    ]


def _price(price: Price) -> JsonValue:
    return [
        str(price.amount),
        price.price_list,
        price.region,
        price.overrides,
        price.min_quantity,
        price.max_quantity,
        price.starts_at.isoformat() if price.starts_at else None,
        price.ends_at.isoformat() if price.ends_at else None,
        price.tax_included,
    ]


def _translations(get: Get, page_size: int) -> Pages:
    for kind, reference, path, key in (
        (SubjectKind.PRODUCT, "product", "/admin/products", "products"),
        (
            SubjectKind.CATEGORY,
            "product_category",
            "/admin/product-categories",
            "product_categories",
        ),
    ):
        words = _words_by_id(read_words(get, reference))
        for rows in read_pages(get, Listing(path, key, "id", page_size)):
            yield [
                Sighting(Subject(kind, row["id"]), words.get(row["id"], ""), CONTENT)
                for row in rows
            ]


def _words_by_id(rows: Sequence[JsonObject]) -> Mapping[str, str]:
    found: dict[str, list[JsonValue]] = {}
    for row in rows:
        words: JsonValue = _plain(row["translations"] or {})
        found.setdefault(str(row["reference_id"]), []).append([str(row["locale_code"]), words])
    return {id_: hash_value(sorted(each, key=repr)) for id_, each in found.items()}


def _plain(row: JsonObject) -> JsonValue:
    return {str(name): None if value is None else str(value) for name, value in row.items()}
