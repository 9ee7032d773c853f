"""Medusa's rows as the connector's values. Pure: what is not in its arguments is not known here.

Medusa keeps no order of options, option values and variants, so that the same product may come
in another order after any change; here the order follows from the values alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.medusa.client import JsonObject
from adapters.medusa.pricing import TaxPreferences, base_prices
from connector.errors import Rejected
from connector.model import (
    Category,
    CategoryId,
    Locale,
    LocationStock,
    Media,
    Option,
    Price,
    Product,
    ProductId,
    ProductStatus,
    Stock,
    Text,
    Variant,
    VariantId,
)

Words = Mapping[Locale, Mapping[str, str]]
"""Translated fields by locale."""

SEO = ("seo_title", "seo_description")
LEAN_FIELDS = "id,sales_channels.id"
PRODUCT_FIELDS = ",".join(
    [
        "id,title,subtitle,handle,description,status,thumbnail,metadata",
        "material,weight,length,width,height,origin_country,type.value,collection.title",
        "tags.value,images.id,images.url,images.rank,images.metadata,sales_channels.id",
        "options.id,options.title,options.values.value,options.values.rank",
        "variants.id,variants.title,variants.sku,variants.barcode,variants.ean,variants.upc",
        "variants.variant_rank,variants.manage_inventory,variants.allow_backorder",
        "variants.thumbnail,variants.images.id,variants.options.value,variants.options.option_id",
        "variants.prices.amount,variants.prices.currency_code",
        "variants.prices.min_quantity,variants.prices.max_quantity",
        # Without these two every price comes with `rules: {}`, as if it were everyone's.
        "variants.prices.price_rules.attribute,variants.prices.price_rules.value",
        "variants.inventory_items.inventory_item_id,variants.inventory_items.required_quantity",
        "variants.inventory_items.inventory.location_levels.location_id",
        "variants.inventory_items.inventory.location_levels.stocked_quantity",
        "variants.inventory_items.inventory.location_levels.reserved_quantity",
    ]
)
"""Everything of a product but its categories: those, in one list with it, are quadratic."""
CATEGORY_FIELDS = "id,name,handle,description,rank,is_active,is_internal,parent_category_id"

_SIZES = ("xxxs", "xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "xxxxl", "5xl", "6xl")
_SAME_SIZE = {"2xl": "xxl", "3xl": "xxxl", "4xl": "xxxxl"}
_PLAIN_ATTRIBUTES = ("material", "weight", "length", "width", "height", "origin_country")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What Medusa keeps apart from its products and their page needs all the same."""

    default_locale: Locale
    tax: TaxPreferences = field(default_factory=TaxPreferences)
    categories: Mapping[ProductId, Sequence[CategoryId]] = field(default_factory=dict)
    list_prices: Mapping[VariantId, Sequence[Price]] = field(default_factory=dict)
    poison: Mapping[VariantId, str] = field(default_factory=dict)
    """Variants whose listed prices cannot be read, and why."""
    words: Mapping[str, Words] = field(default_factory=dict)
    """Translations by the id of what they translate."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Metadata key to attribute name."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One product, and the price rules for which some of its prices were left out."""

    product: Product
    unknown_rules: frozenset[str]


def map_product(row: JsonObject, around: Surroundings) -> Mapped:
    """One row of `/admin/products` with PRODUCT_FIELDS. Raises Rejected where it cannot be one."""
    try:
        return _product(row, around)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise Rejected(
            f"product {row['id']} came malformed ({type(error).__name__});"
            " look at it in Medusa's admin"
        ) from error
    except Rejected as error:
        raise Rejected(f"product {row['id']}: {error.message}") from error


def map_categories(
    rows: Iterable[JsonObject], words: Mapping[str, Words], default_locale: Locale
) -> tuple[Category, ...]:
    """The tree, parents before children, brothers by rank. Raises Rejected for a broken tree."""
    try:
        found = [_category(row, words, default_locale) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"a category came malformed ({type(error).__name__})") from error
    children: dict[CategoryId | None, list[Category]] = {}
    for category in sorted(found, key=lambda each: (each.rank, each.id)):
        children.setdefault(category.parent, []).append(category)
    ordered: list[Category] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        category = waiting.pop()
        ordered.append(category)
        waiting.extend(reversed(children.get(category.id, [])))
    if len(ordered) != len(found):
        raise Rejected("the categories are no tree: a parent is missing or its own descendant")
    return tuple(ordered)


def map_words(rows: Iterable[JsonObject]) -> Mapping[str, Words]:
    """Rows of `/admin/translations`, by the id of what they translate."""
    found: dict[str, dict[Locale, Mapping[str, str]]] = {}
    for row in rows:
        words = {
            name: value
            for name, value in (row.get("translations") or {}).items()
            if isinstance(value, str) and value
        }
        if words:
            found.setdefault(str(row["reference_id"]), {})[Locale(row["locale_code"])] = words
    return found


def map_stock(variant: JsonObject) -> Stock:
    """A variant's stock by location. A kit holds as many as its scarcest part allows there."""
    if not variant["manage_inventory"]:
        return Stock()
    parts = [_part(link) for link in variant.get("inventory_items") or ()]
    places = sorted({place for part in parts for place in part})
    locations = [
        LocationStock(place, min(part.get(place, 0) for part in parts)) for place in places
    ]
    return Stock(True, bool(variant["allow_backorder"]), tuple(locations))


# ---- products ----


def _product(row: JsonObject, around: Surroundings) -> Mapped:
    options = _options(row["options"])
    names = {option["id"]: option["title"] for option in row["options"]}
    pictures = sorted(row["images"], key=lambda picture: (picture.get("rank") or 0, picture["id"]))
    shared = _shared_pictures(row["variants"])
    addresses = {
        picture["id"]: picture["url"] for picture in pictures if picture["id"] not in shared
    }
    unknown: set[str] = set()
    variants = []
    for each in sorted(row["variants"], key=_variant_order(options, names)):
        if each["id"] in around.poison:
            raise Rejected(around.poison[each["id"]])
        prices, left_out = base_prices(each["prices"], around.tax)
        unknown |= left_out
        listed = tuple(around.list_prices.get(VariantId(each["id"]), ()))
        variants.append(_variant(each, options, names, prices + listed, addresses))
    product = Product(
        id=ProductId(row["id"]),
        handle=str(row["handle"]),
        texts=map_texts(row, around.words.get(row["id"], {}), around.default_locale),
        default_locale=around.default_locale,
        status=ProductStatus.PUBLISHED if row["status"] == "published" else ProductStatus.DRAFT,
        variants=tuple(variants),
        options=options,
        media=_media(row, pictures, around.default_locale),
        categories=tuple(sorted(around.categories.get(ProductId(row["id"]), ()))),
        tags=tuple(sorted({tag["value"] for tag in row.get("tags") or ()})),
        channels=tuple(sorted(channel["id"] for channel in row["sales_channels"] or ())),
        attributes=_attributes(row, around.attributes),
    )
    return Mapped(product, frozenset(unknown))


def map_texts(row: JsonObject, words: Words, default_locale: Locale) -> Mapping[Locale, Text]:
    """A product's words: its own fields, its translations, and SEO texts of its metadata, where
    those of further languages stand under `seo_title@fr-FR`."""
    own = {name: str(row.get(name) or "") for name in ("title", "subtitle", "description")}
    metadata = row.get("metadata") or {}
    named = {Locale(key.partition("@")[2]) for key in metadata if key.startswith("seo_")}
    texts = {}
    for locale in sorted({default_locale, *words, *filter(None, named)}):
        spoken = own | dict(words.get(locale, {}))
        seo = {name: _scalar(metadata.get(seo_key(name, locale, default_locale))) for name in SEO}
        texts[locale] = Text(
            title=spoken["title"],
            subtitle=spoken["subtitle"],
            description=as_html(spoken["description"]),
            seo_title=seo["seo_title"] or "",
            seo_description=seo["seo_description"] or "",
        )
    return texts


def seo_key(name: str, locale: Locale, default_locale: Locale) -> str:
    """Under which key of the metadata an SEO text stands."""
    return name if locale == default_locale else f"{name}@{locale}"


def as_html(text: str) -> str:
    """Descriptions in Medusa are plain text or HTML, and nothing says which.

    What holds a tag is left as it is; plain text is escaped, with its paragraphs and lines kept.
    """
    if not text.strip() or has_markup(text):
        return text
    paragraphs = re.split(r"\s*\n\s*\n\s*", html.escape(text.strip(), quote=False))
    return "".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in paragraphs)


def has_markup(text: str) -> bool:
    return re.search(r"</?[a-zA-Z][^<>]*>|<!--", text) is not None


def as_plain(text: str) -> str | None:
    """A description of paragraphs and lines alone as the plain text that it would be in Medusa;
    None for any other."""
    if not re.fullmatch(r"(?:<p>(?:[^<>]|<br ?/?>)*</p>\s*)+", text):
        return None
    parts = re.findall(r"<p>(.*?)</p>", text, re.DOTALL)
    lines = [re.sub(r"<br ?/?>\n?", "\n", part).strip() for part in parts]
    plain = html.unescape("\n\n".join(lines))
    return None if has_markup(plain) or not plain.strip() else plain


def _media(row: JsonObject, pictures: Sequence[JsonObject], locale: Locale) -> tuple[Media, ...]:
    alts: dict[str, str] = {}
    if row.get("thumbnail"):
        alts[row["thumbnail"]] = ""
    for picture in pictures:
        alt = _scalar((picture.get("metadata") or {}).get("alt"))
        alts[picture["url"]] = alts.get(picture["url"]) or alt or ""
    return tuple(Media(url, {locale: alt} if alt else {}) for url, alt in alts.items())


def _attributes(row: JsonObject, wanted: Mapping[str, str]) -> Mapping[str, str]:
    found = {name: _scalar(row.get(name)) for name in _PLAIN_ATTRIBUTES}
    found["type"] = _scalar((row.get("type") or {}).get("value"))
    found["collection"] = _scalar((row.get("collection") or {}).get("title"))
    metadata = row.get("metadata") or {}
    found |= {name: _scalar(metadata.get(key)) for key, name in wanted.items()}
    return {name: value for name, value in found.items() if value}


def _scalar(value: object) -> str | None:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | Decimal():
            return str(value)
        case list():
            return ", ".join(filter(None, map(_scalar, value))) or None
        case _:
            return None


# ---- options and variants ----


def _options(rows: Iterable[JsonObject]) -> tuple[Option, ...]:
    found = [
        Option(
            str(row["title"]),
            tuple(
                str(value["value"])
                for value in sorted(row.get("values") or (), key=_option_value_order)
            ),
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda option: (option.name.casefold(), option.name)))


def _option_value_order(value: JsonObject) -> tuple[object, ...]:
    rank = value.get("rank")
    return (rank is None, rank or 0, *natural_order(str(value["value"])))


def natural_order(text: str) -> tuple[object, ...]:
    """Sizes of clothing by size, then everything else with its numbers by their worth."""
    plain = text.strip().casefold()
    size = _SAME_SIZE.get(plain, plain)
    if size in _SIZES:
        return (0, _SIZES.index(size), (), text)
    pieces = tuple(
        (0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece)
        for piece in re.split(r"([0-9]+)", plain)
        if piece
    )
    return (1, 0, pieces, text)


def _variant_order(
    options: Sequence[Option], names: Mapping[str, str]
) -> Callable[[JsonObject], tuple[object, ...]]:
    def order(row: JsonObject) -> tuple[object, ...]:
        chosen = _chosen(row, names)
        places = [
            option.values.index(chosen[option.name])
            if chosen.get(option.name) in option.values
            else len(option.values)
            for option in options
        ]
        return (row.get("variant_rank") or 0, places, row["id"])

    return order


def _chosen(row: JsonObject, names: Mapping[str, str]) -> Mapping[str, str]:
    return {
        str(names[choice["option_id"]]): str(choice["value"])
        for choice in row.get("options") or ()
        if choice["option_id"] in names
    }


def _variant(
    row: JsonObject,
    options: Sequence[Option],
    names: Mapping[str, str],
    prices: tuple[Price, ...],
    addresses: Mapping[str, str],
) -> Variant:
    chosen = _chosen(row, names)
    own = {picture["id"] for picture in row.get("images") or ()}
    shown = [url for id_, url in addresses.items() if id_ in own]
    if row.get("thumbnail"):
        shown = list(dict.fromkeys([row["thumbnail"], *shown]))
    return Variant(
        id=VariantId(row["id"]),
        sku=row["sku"] or None,
        title=str(row["title"] or ""),
        options=tuple(
            (option.name, chosen[option.name]) for option in options if option.name in chosen
        ),
        barcode=row.get("barcode") or row.get("ean") or row.get("upc") or None,
        prices=prices,
        stock=map_stock(row),
        media=tuple(shown),
    )


def _shared_pictures(variants: Sequence[JsonObject]) -> frozenset[str]:
    """Pictures that every variant has tell none apart."""
    held = [{picture["id"] for picture in each.get("images") or ()} for each in variants]
    return frozenset(set.intersection(*held)) if held else frozenset()


def _part(link: JsonObject) -> Mapping[str, int]:
    required = link.get("required_quantity") or 1
    levels = (link.get("inventory") or {}).get("location_levels") or ()
    return {
        str(level["location_id"]): int(
            (level["stocked_quantity"] - level["reserved_quantity"]) // required
        )
        for level in levels
    }


def _category(row: JsonObject, words: Mapping[str, Words], default_locale: Locale) -> Category:
    own = {"name": str(row["name"]), "description": str(row.get("description") or "")}
    spoken = words.get(row["id"], {})
    texts = {}
    for locale in sorted({default_locale, *spoken}):
        said = own | dict(spoken.get(locale, {}))
        texts[locale] = Text(title=said["name"], description=as_html(said["description"]))
    return Category(
        id=CategoryId(row["id"]),
        handle=str(row["handle"]),
        texts=texts,
        default_locale=default_locale,
        parent=CategoryId(row["parent_category_id"]) if row.get("parent_category_id") else None,
        rank=int(row.get("rank") or 0),
        active=bool(row["is_active"]) and not row["is_internal"],
    )
