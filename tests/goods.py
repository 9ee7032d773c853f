"""What the pages of any CMS sell in tests: three products, and the relay that stands before them.

Knows no CMS: how its site is paired and where its pages are is told by whoever opens one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette

from connector.clock import SystemClock
from connector.model import FieldName, JsonValue, MarketName, Money, Subject, VariantId
from connector.ports import ContentWrite, OffersWrite
from connector.relay.files import storefront_mount
from connector.relay.front import Storefront
from connector.relay.relay import Relay
from connector.relay.sealing import Sealer
from connector.relay.service import RelayService
from connector.signing import Secret
from connector.testing import generate
from connector.testing.conformance.writes import document, offers_write
from tests.relay_house import BLOG, GENEROUS, GERMAN, KEY, LAMP, MUG, SHOP, RelayHouse

Variants = tuple[tuple[VariantId, str, int], ...]
EVIL = 'A <script>alert("title")</script> & "mug"'
SOLD: Mapping[str, tuple[str, Variants]] = {
    "mug": ("A mug", ((MUG, "MUG-1", 1990),)),
    "lamp": (EVIL, ((LAMP, "LAMP-1", 4900),)),
    "set": ("A choice", ((MUG, "MUG-1", 1990), (LAMP, "LAMP-1", 4900))),
}
"""Products by name: title, variants with SKU and price in cents."""
STOCK = ((MUG, 1990, 10), (LAMP, 4900, 3))


def relay_app(house: RelayHouse, home: str, secret: str) -> Starlette:
    """The relay of one site at `home`, with the elements."""
    counter = Counter("relay", "asked", ["operation", "result"], registry=CollectorRegistry())
    secrets = (Secret.parse(secret),)
    site = Storefront(BLOG, SHOP, house.carts, (GERMAN,), home, frozenset({home}), secrets)
    relay = Relay(
        house.database,
        {BLOG: site},
        Sealer((KEY,)),
        SystemClock(),
        counter,
        token_lifetime=timedelta(days=30),
        limits=GENEROUS,
    )
    service = RelayService(relay)
    return Starlette(routes=[service.mount(), storefront_mount()], lifespan=service.lifespan)


def content_of(subject: Subject, title: str, variants: Variants) -> ContentWrite:
    """The page of a product with these variants."""
    fields: dict[FieldName, JsonValue] = {
        **generate.fields(1),
        FieldName("title"): title,
        FieldName("variants"): [
            {"id": each, "sku": sku, "title": sku, "media": []} for each, sku, _ in variants
        ],
    }
    return document(subject, fields)


def offers_of(subject: Subject, variants: Variants) -> OffersWrite:
    """Offers of a product's variants, each with a price in euros."""
    offers = tuple(
        replace(
            generate.offer(1, place, minor),
            variant=variant,
            sku=sku,
            market=MarketName("de"),
            amount=Money(minor, "EUR"),
            amount_text=f"{minor / 100:.2f} €".replace(".", ","),
        )
        for place, (variant, sku, minor) in enumerate(variants)
    )
    return replace(offers_write(subject), offers=offers)


def confirm_offers(house: RelayHouse) -> None:
    """The site has confirmed what it shows of each variant."""
    for variant, sku, minor in SOLD["set"][1]:
        house.confirm(variant, sku, minor, quantity=10)


def as_before(house: RelayHouse) -> None:
    """Prices and stock as they were, no carts, and an engine that answers."""
    house.carts.fail_with = None
    house.carts.carts.clear()
    for variant, minor, stock in STOCK:
        house.carts.reprice(variant, minor)
        house.carts.restock(variant, stock)


def bought(house: RelayHouse) -> list[dict[str, int]]:
    """What is in each cart of the engine."""
    return [
        {str(line.variant): line.quantity for line in cart.lines}
        for cart in house.carts.carts.values()
    ]
