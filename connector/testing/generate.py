"""Plain examples of the canonical values, the same every time: for tests that want a catalogue.

`product(7)` is product 7 everywhere. For laws over all values use `testing.strategies`.
"""

from __future__ import annotations

from dataclasses import replace

from connector.model import (
    Availability,
    Category,
    CategoryId,
    FieldName,
    JsonValue,
    Locale,
    LocationStock,
    MarketName,
    Media,
    Money,
    Offer,
    Option,
    Price,
    Product,
    ProductId,
    Stock,
    Subject,
    SubjectKind,
    Text,
    Variant,
    VariantId,
)

ENGLISH = Locale("en-GB")
GERMAN = Locale("de-DE")
SIZES = ("S", "M", "L")


def product_subject(number: int) -> Subject:
    return Subject(SubjectKind.PRODUCT, f"prod_{number:06}")


def category_subject(number: int) -> Subject:
    return Subject(SubjectKind.CATEGORY, f"cat_{number:03}")


def category(number: int, parent: int | None = None) -> Category:
    return Category(
        id=CategoryId(category_subject(number).id),
        handle=f"category-{number}",
        texts={
            ENGLISH: Text(f"Category {number}", description=f"<p>All of {number}</p>"),
            GERMAN: Text(f"Kategorie {number}", description=f"<p>Alles aus {number}</p>"),
        },
        default_locale=ENGLISH,
        parent=None if parent is None else CategoryId(category_subject(parent).id),
        rank=number,
    )


def variant(number: int, place: int = 0) -> Variant:
    """A variant in one size, sold in euro and pounds, with stock in one place."""
    cents = 1000 + 10 * number + place
    size = SIZES[place % len(SIZES)]
    return Variant(
        id=VariantId(f"var_{number:06}_{place}"),
        sku=f"SKU-{number:06}-{size}",
        title=size,
        options=(("Size", size),),
        prices=(Price(Money(cents, "EUR")), Price(Money(cents - 100, "GBP"))),
        stock=Stock(tracked=True, locations=(LocationStock("main", number % 20 + place),)),
    )


def product(number: int, variants: int = 2, categories: tuple[int, ...] = ()) -> Product:
    """A product with words in two locales; its id, handle and SKUs follow from the number."""
    sizes = tuple(variant(number, place) for place in range(variants))
    return Product(
        id=ProductId(product_subject(number).id),
        handle=f"product-{number}",
        texts={
            ENGLISH: Text(f"Product {number}", description=f"<p>The {number}th product</p>"),
            GERMAN: Text(f"Produkt {number}", description=f"<p>Das {number}. Produkt</p>"),
        },
        default_locale=ENGLISH,
        variants=sizes,
        options=(Option("Size", tuple(each.title for each in sizes)),),
        media=(Media(f"https://backend.example/media/{number}.png", {ENGLISH: "A picture"}),),
        categories=tuple(CategoryId(category_subject(each).id) for each in categories),
        attributes={"material": "wool" if number % 2 else "cotton"},
    )


def products(count: int) -> list[Product]:
    return [product(number) for number in range(count)]


def retitled(old: Product, title: str) -> Product:
    """The product with another title in its default locale."""
    text = replace(old.texts[old.default_locale], title=title)
    return replace(old, texts={**old.texts, old.default_locale: text})


def offer(number: int, place: int = 0, amount_minor: int = 1990, quantity: int = 3) -> Offer:
    """One row of a product's offers in a market called `home`, in euro."""
    amount = Money(amount_minor, "EUR")
    each = variant(number, place)
    return Offer(
        variant=each.id,
        market=MarketName("home"),
        min_quantity=1,
        sku=each.sku or "",
        amount=amount,
        amount_text=f"€{amount.major()}",
        compare_at=None,
        compare_at_text="",
        price_list=None,
        tax_included=True,
        availability=Availability.IN_STOCK if quantity else Availability.OUT_OF_STOCK,
        quantity=quantity,
        valid_until=None,
        position=place,
    )


def fields(number: int, categories: tuple[int, ...] = ()) -> dict[FieldName, JsonValue]:
    """All fields of one document, with spaces and line ends that a CMS will not keep."""
    values: dict[str, JsonValue] = {
        "title": f"Product {number} ",
        "subtitle": "",
        "description": f"<p>The “{number}th” product & 5″ — \\ 'quoted'</p>\r\n",
        "seo_title": f"Buy product {number}",
        "seo_description": "",
        "categories": [category_subject(each).id for each in categories],
        "tags": ["new"],
        "attributes": [{"name": "material", "value": "wool"}],
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "variants": [{"id": variant(number).id, "sku": variant(number).sku, "media": []}],
        "media": [],
        "source": {"handle": f"product-{number}", "admin_url": None},
    }
    return {FieldName(name): value for name, value in values.items()}
