"""A believable catalogue out of a seed: product n depends on (seed, n) alone.

So the same seed gives the same bytes, a small catalogue is the beginning of a larger one, and a
million products need no more memory than one. Pure: makes plain values, stores nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

LOCALES = ("en-US", "de-DE")
LOCATIONS = ("berlin", "chicago")
SALE_LIST = "summer-sale"
WHOLESALE_FROM = 10

_ADJECTIVES = (
    ("Quiet", "Leise"), ("Northern", "Nordische"), ("Bright", "Helle"), ("Sturdy", "Robuste"),
    ("Velvet", "Samtene"), ("Amber", "Bernsteinfarbene"), ("Coastal", "Maritime"),
    ("Everyday", "Alltägliche"), ("Mountain", "Alpine"), ("Paper", "Papierne"),
    ("Copper", "Kupferne"), ("Linen", "Leinene"), ("Midnight", "Mitternächtliche"),
    ("Garden", "Gärtnerische"), ("Little", "Kleine"), ("Nordic", "Skandinavische"),
)  # fmt: skip
_THINGS = (
    ("Lamp", "Lampe", "LMP"), ("Jacket", "Jacke", "JCK"), ("Mug", "Tasse", "MUG"),
    ("Chair", "Sitzbank", "CHR"), ("Scarf", "Schärpe", "SCF"), ("Clock", "Uhr", "CLK"),
    ("Kettle", "Teekanne", "KTL"), ("Blanket", "Decke", "BLK"), ("Bag", "Tasche", "BAG"),
    ("Vase", "Vase", "VSE"), ("Cap", "Mütze", "CAP"), ("Notebook", "Kladde", "NTB"),
)  # fmt: skip
_MATERIALS = ("oak", "wool", "cotton", "steel", "stoneware", "linen", "glass", "leather")
_SIZES = ("S", "M", "L")
_COLOURS = ("blue", "green", "ochre")
_TAGS = ("new", "gift", "handmade", "bestseller")
_ROOMS = (
    ("Living", "Wohnen"), ("Kitchen", "Küche"), ("Clothing", "Kleidung"), ("Garden", "Garten"),
)  # fmt: skip
_KINDS = (("Basics", "Grundausstattung"), ("Premium", "Besonderes"))
_STYLES = (("Classic", "Klassisch"), ("Modern", "Modern"))


def _dice(seed: int, *what: object) -> random.Random:
    return random.Random(f"{seed}:{what}")


def categories() -> list[Json]:
    """The tree, parents first: 4 rooms of 2 kinds of 2 styles, 28 categories."""
    tree: list[Json] = []
    for r, room in enumerate(_ROOMS):
        tree.append(_category(f"cat-{r}", room, None, r))
        for k, kind in enumerate(_KINDS):
            tree.append(_category(f"cat-{r}-{k}", _join(room, kind), f"cat-{r}", k))
            for s, style in enumerate(_STYLES):
                names = _join(_join(room, kind), style)
                tree.append(_category(f"cat-{r}-{k}-{s}", names, f"cat-{r}-{k}", s))
    return tree


def _join(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
    return f"{one[0]} {other[0]}", f"{one[1]} {other[1]}"


def _category(identity: str, names: tuple[str, str], parent: str | None, rank: int) -> Json:
    return {
        "id": identity,
        "handle": names[0].lower().replace(" ", "-"),
        "parent": parent,
        "rank": rank,
        "active": True,
        "names": dict(zip(LOCALES, names, strict=True)),
    }


def products(count: int, seed: int) -> Iterator[Json]:
    """The first `count` products, one at a time."""
    for number in range(1, count + 1):
        yield product(number, seed)


def product(number: int, seed: int) -> Json:
    """Product `number` (from 1), as the shop's API says it. Pictures have relative addresses."""
    dice = _dice(seed, "product", number)
    adjective, thing = dice.choice(_ADJECTIVES), dice.choice(_THINGS)
    title = {"en-US": f"{adjective[0]} {thing[0]}", "de-DE": f"{adjective[1]} {thing[1]}"}
    material = dice.choice(_MATERIALS)
    variants = _variants(number, thing[2], dice)
    pictures = [f"/media/{seed}/{number}-{place}.png" for place in range(1 + number % 3)]
    return {
        "id": f"p{number:07d}",
        "handle": f"{adjective[0]}-{thing[0]}-{number}".lower(),
        "status": "published",
        "texts": {locale: _text(title[locale], locale, material, number) for locale in LOCALES},
        "categories": [_leaf(dice)],
        "tags": sorted(dice.sample(_TAGS, k=number % 3)),
        "channels": ["web"],
        "attributes": {"material": material, "weight": f"{dice.randrange(50, 4000)} g"},
        "options": _options(variants),
        "images": [{"url": url, "alt": title} for url in pictures],
        "variants": variants,
    }


def _leaf(dice: random.Random) -> str:
    places = len(_ROOMS), len(_KINDS), len(_STYLES)
    return "cat-" + "-".join(str(dice.randrange(size)) for size in places)


def _text(title: str, locale: str, material: str, number: int) -> Json:
    if locale == "de-DE":
        description = f"<p>{title} aus gutem Material ({material}). Modell {number}.</p>"
        subtitle = "Sorgfältig gemacht"
    else:
        description = f"<p>{title} made of {material}, number {number} of its kind.</p>"
        subtitle = "Made with care"
    return {
        "title": title,
        "subtitle": subtitle,
        "description": description + "<ul><li>2 years warranty</li></ul>",
        "seo_title": f"{title} | Sandbox",
        "seo_description": f"{title}, {material}.",
    }


def _variants(number: int, code: str, dice: random.Random) -> list[Json]:
    choices = [(size, colour) for size in _SIZES for colour in _COLOURS[:2]][: 1 + number % 6]
    cents = dice.randrange(500, 30000)
    return [
        _variant(number, place, f"{code}-{number:05d}-{size}{colour[0].upper()}", size, colour,
                 cents + 150 * place, dice)
        for place, (size, colour) in enumerate(choices)
    ]  # fmt: skip


def _variant(
    number: int, place: int, sku: str, size: str, colour: str, cents: int, dice: random.Random
) -> Json:
    return {
        "id": f"v{number:07d}-{place}",
        "sku": sku,
        "title": f"{size} / {colour}",
        "barcode": None,
        "options": {"Size": size, "Colour": colour},
        "prices": _prices(number, cents),
        "stock": _stock(number, place, dice),
    }


def _prices(number: int, cents: int) -> list[Json]:
    dollars = cents * 11 // 10
    rows = [_price(cents, "EUR", tax_included=True), _price(dollars, "USD", tax_included=False)]
    if number % 5 == 0:
        rows.append(_price(cents * 8 // 10, "EUR", tax_included=True, price_list=SALE_LIST))
    if number % 7 == 0:
        rows.append(_price(cents * 9 // 10, "EUR", tax_included=True, min_quantity=WHOLESALE_FROM))
    if number % 11 == 0:
        rows[0]["compare_at"] = _major(cents * 12 // 10)
    return rows


def _price(cents: int, currency: str, **more: Any) -> Json:
    return {"amount": _major(cents), "currency": currency, **more}


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _stock(number: int, place: int, dice: random.Random) -> Json:
    if number % 13 == 0:
        return {"tracked": False, "backorder": False, "locations": {}}
    levels = {location: dice.randrange(0, 40) for location in LOCATIONS}
    if (number + place) % 17 == 0:
        levels = dict.fromkeys(LOCATIONS, 0)
    return {"tracked": True, "backorder": number % 19 == 0, "locations": levels}


def _options(variants: list[Json]) -> list[Json]:
    return [
        {"name": name, "values": list(dict.fromkeys(each["options"][name] for each in variants))}
        for name in ("Size", "Colour")
    ]
