"""The canonical values that everything else speaks of: what a backend sells, what a site shows.

Frozen values only: no input or output, no clock, nothing of any one system. Adapters make
these from what their system says (mapping.py) and turn these into what their system takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cached_property
from typing import NewType

from connector.errors import Rejected

BackendName = NewType("BackendName", str)
"""The name a backend has in the configuration."""
SiteName = NewType("SiteName", str)
"""The name a site has in the configuration."""
MarketName = NewType("MarketName", str)
ProductId = NewType("ProductId", str)
"""The backend's own id. Identity is (backend, this), never the SKU."""
VariantId = NewType("VariantId", str)
CategoryId = NewType("CategoryId", str)
CmsId = NewType("CmsId", str)
"""The CMS's own id of a post, node, term or attachment."""
Locale = NewType("Locale", str)
"""A BCP 47 tag: `de-DE`."""
CartId = NewType("CartId", str)
"""The backend's own id of a cart: a secret in most engines, which stays in the relay."""
LineId = NewType("LineId", str)
FieldName = NewType("FieldName", str)
FieldHash = NewType("FieldHash", str)
"""An opaque fingerprint of one field's value; equal means equal, nothing else."""


# ---- money ---------------------------------------------------------------------------------

_EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""ISO 4217 minor units that are not 2 (amendment 177)."""


def currency_exponent(currency: str) -> int:
    """How many decimal places one unit of an ISO 4217 currency has: EUR 2, JPY 0, KWD 3.

    Raises Rejected for anything that is not three capital letters.
    """
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Rejected(f"{currency!r} is no ISO 4217 currency code; write it like 'EUR'")
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount in the currency's minor unit (cents for EUR, yen for JPY)."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        currency_exponent(self.currency)

    @classmethod
    def from_major(cls, amount: Decimal | int | str, currency: str) -> Money:
        """Money from an amount in major units ("19.99").

        Never rounds: raises Rejected where the currency has too few decimals for the amount, or
        the amount is no finite number. Floats are refused by type; parse JSON with Decimal.
        """
        if isinstance(amount, float):
            raise Rejected("a float is no exact amount; read the JSON with decimal numbers")
        exponent = currency_exponent(currency)
        try:
            sign, digits, power = Decimal(amount).as_tuple()
        except (InvalidOperation, ValueError) as error:
            raise Rejected(f"{amount!r} is no amount of money") from error
        if not isinstance(power, int):
            raise Rejected(f"{amount!r} is no amount of money")
        unscaled = int("".join(map(str, digits)) or "0")
        shift = power + exponent
        if abs(shift) > 60:
            raise Rejected(f"{amount} {currency} is no amount of money that anyone asks")
        if shift >= 0:
            minor, rest = unscaled * 10**shift, 0
        else:
            minor, rest = divmod(unscaled, 10**-shift)
        if rest:
            raise Rejected(f"{amount} {currency} has more than {exponent} decimals")
        return cls(-minor if sign else minor, currency)

    def major(self) -> str:
        """The amount in major units, with all its decimals: "19.90", "-0.005", "500"."""
        exponent = currency_exponent(self.currency)
        sign, digits = ("-" if self.amount_minor < 0 else ""), str(abs(self.amount_minor))
        if exponent == 0:
            return sign + digits
        digits = digits.rjust(exponent + 1, "0")
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    def __str__(self) -> str:
        return f"{self.major()} {self.currency}"


# ---- what a backend sells --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Price:
    """One price row of a variant, as the backend has it. Which one holds: sync.prices."""

    amount: Money
    compare_at: Money | None = None
    price_list: str | None = None
    region: str | None = None
    """The backend's region (or channel) for which alone the row holds; None: everywhere."""
    overrides: bool = False
    min_quantity: int = 1
    max_quantity: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    tax_included: bool | None = None


@dataclass(frozen=True, slots=True)
class LocationStock:
    location: str
    available: int


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of a variant can be sold. Untracked stock never runs out."""

    tracked: bool = False
    backorder: bool = False
    locations: tuple[LocationStock, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """One picture, by the address it has at the backend. `alt` by locale."""

    url: str
    alt: Mapping[Locale, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    """A product's or category's words in one locale. Descriptions are HTML."""

    title: str
    subtitle: str = ""
    description: str = ""
    seo_title: str = ""
    seo_description: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that tells variants apart: Size of S, M, L."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    id: VariantId
    sku: str | None
    title: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """(option name, value), in the product's order of options."""
    barcode: str | None = None
    prices: tuple[Price, ...] = ()
    stock: Stock = Stock()
    media: tuple[str, ...] = ()
    """Addresses of those of the product's pictures that show this variant."""


class ProductStatus(StrEnum):
    PUBLISHED = "published"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Product:
    """One product with all its variants, as the backend says it is now."""

    id: ProductId
    handle: str
    texts: Mapping[Locale, Text]
    """By locale. `default_locale` is always among them."""
    default_locale: Locale
    status: ProductStatus = ProductStatus.PUBLISHED
    variants: tuple[Variant, ...] = ()
    options: tuple[Option, ...] = ()
    media: tuple[Media, ...] = ()
    categories: tuple[CategoryId, ...] = ()
    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """Sales channels that offer it, by the backend's ids; for selection."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Free facts to show: material, weight, origin and what the adapter's options map."""


@dataclass(frozen=True, slots=True)
class Category:
    id: CategoryId
    handle: str
    texts: Mapping[Locale, Text]
    default_locale: Locale
    parent: CategoryId | None = None
    rank: int = 0
    active: bool = True


# ---- what a site shows -------------------------------------------------------------------------


class Lane(StrEnum):
    """The independent ways to a site, each with its own storage there, and the one back."""

    OFFERS = "offers"
    CONTENT = "content"
    MEDIA = "media"
    WORDS = "words"
    """From the site to the backend: what editors wrote into fields that are two-way."""


class SubjectKind(StrEnum):
    PRODUCT = "product"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What can be due: a product or a category of a backend, by the backend's id."""

    kind: SubjectKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Availability(StrEnum):
    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    BACKORDER = "backorder"


@dataclass(frozen=True, slots=True)
class Offer:
    """Price and stock of one variant in one market from one quantity on: one row at the site."""

    variant: VariantId
    market: MarketName
    min_quantity: int
    sku: str
    amount: Money
    amount_text: str
    """The amount as the market's readers write it: "19,90 €". Neither CMS has to format money."""
    compare_at: Money | None
    compare_at_text: str
    price_list: str | None
    tax_included: bool
    availability: Availability
    quantity: int | None
    """Pieces left, or None where stock is not tracked or not shown."""
    valid_until: datetime | None
    """When this price ends by schedule."""
    position: int = 0
    """The variant's place among its product's variants, from 0."""


@dataclass(frozen=True)
class Document:
    """The content one site should show of one product: field name to plain JSON value.

    Field names are those of `sync.project`; a further locale's field is `name@locale`. Values are
    str, int, bool, None, lists and dicts of these, so that equal values have equal hashes.
    """

    subject: Subject
    slug: str
    fields: Mapping[FieldName, JsonValue]

    @cached_property
    def hashes(self) -> Mapping[FieldName, FieldHash]:
        """The fingerprint of each field's value."""
        return {name: hash_value(value) for name, value in self.fields.items()}


JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def hash_value(value: JsonValue) -> FieldHash:
    """The fingerprint of a plain JSON value: 16 hex digits that depend on the value alone."""
    return FieldHash(hashlib.sha256(_plain(value).encode()).hexdigest()[:16])


_plain = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


# ---- what a shopper has in the cart --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CartLine:
    """One article of a cart or an order, priced by the backend."""

    id: LineId
    variant: VariantId
    product: ProductId | None
    sku: str
    title: str
    variant_title: str
    quantity: int
    unit_price: Money
    total: Money
    """Of all its pieces, before discounts."""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where something goes; "" where nothing is said. `country` is ISO 3166-1 alpha-2, capitals."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    line_1: str = ""
    line_2: str = ""
    postal_code: str = ""
    city: str = ""
    province: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class CartDetails:
    """What a shopper says about themselves; None leaves what is there."""

    email: str | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None


@dataclass(frozen=True, slots=True)
class ShippingOption:
    id: str
    name: str
    price: Money | None
    """None where the backend says it only once it is chosen."""


@dataclass(frozen=True, slots=True)
class PaymentSession:
    """A payment begun with a provider; `session` is what the provider's script needs."""

    provider: str
    status: str
    session: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """The backend's sums, rounded to the currency's minor unit."""

    subtotal: Money
    """Of the lines, before discounts."""
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    tax_included: bool = True
    """Whether the tax is in the other amounts, or comes on top of them."""


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart as the backend has it. Everything that is said of money, the backend says."""

    id: CartId = field(repr=False)
    currency: str
    lines: tuple[CartLine, ...]
    totals: Totals
    promotions: tuple[str, ...] = ()
    email: str | None = field(default=None, repr=False)
    shipping_address: Address | None = field(default=None, repr=False)
    billing_address: Address | None = field(default=None, repr=False)
    shipping: ShippingOption | None = None
    payment: PaymentSession | None = None
    ordered: bool = False

    def line(self, line: LineId) -> CartLine | None:
        return next((each for each in self.lines if each.id == line), None)

    def line_of(self, variant: VariantId) -> CartLine | None:
        return next((each for each in self.lines if each.variant == variant), None)

    def needs(self) -> tuple[str, ...]:
        """What is missing before this can become an order, in the order in which it is asked."""
        parts = {
            "lines": self.lines,
            "email": self.email,
            "shipping_address": self.shipping_address,
            "shipping": self.shipping,
            "payment": self.payment,
        }
        return tuple(name for name, held in parts.items() if not held)


@dataclass(frozen=True, slots=True)
class Order:
    """What a cart has become."""

    number: str
    status: str
    currency: str
    lines: tuple[CartLine, ...]
    totals: Totals
