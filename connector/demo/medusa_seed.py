"""Fills an empty Medusa through its Admin API: two currencies and regions, stock, N products.

The catalogue is the same for the same N. Requests follow one another, because Medusa is one
process that a single client already keeps busy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from connector.demo.machine import SetUpFailed

BATCH = 100
LEVELS_BATCH = 500
IMAGES = "https://images.example.org/{number}.png"
COUNTRIES = {"Europe": ("eur", ["de", "fr", "dk"]), "America": ("usd", ["us"])}
CATEGORIES = {
    "Clothing": ("Shirts", "Trousers", "Coats"),
    "Home": ("Kitchen", "Garden"),
    "Books": ("Novels", "Travel"),
}
SIZES = ("S", "M")


@dataclass(frozen=True, slots=True)
class Seeded:
    """The ids and keys that whoever uses the catalogue has to know."""

    secret_key: str
    publishable_key: str
    sales_channel_id: str
    stock_location_id: str
    region_ids: dict[str, str]
    category_ids: dict[str, str]


def seed(admin: httpx.Client, products: int, images: str = IMAGES) -> Seeded:
    """Create everything, products last, and say how it can be reached."""
    channel = _post(admin, "/admin/sales-channels", name="Web")["sales_channel"]["id"]
    _set_currencies(admin, channel)
    location = _stock_location(admin, channel)
    regions = {name: _region(admin, name) for name in COUNTRIES}
    _shipping(admin, location)
    categories = _categories(admin)
    _products(admin, products, images, channel, list(categories.values()))
    _stock(admin, location)
    return Seeded(
        secret_key=_key(admin, "secret")["token"],
        publishable_key=_publishable_key(admin, channel),
        sales_channel_id=channel,
        stock_location_id=location,
        region_ids=regions,
        category_ids=categories,
    )


def product(number: int, images: str, channel: str, category: str, profile: str) -> dict[str, Any]:
    """The body that creates product `number`: two variants, two currencies, one image."""
    image = images.format(number=number)
    return {
        "title": f"Product {number}",
        "handle": f"product-{number}",
        "external_id": f"ext-{number}",
        "status": "published",
        "subtitle": f"The {number}th of its kind",
        "description": f"<p>What there is to say about product {number}.</p>",
        "thumbnail": image,
        "images": [{"url": image}],
        "categories": [{"id": category}],
        "sales_channels": [{"id": channel}],
        "shipping_profile_id": profile,
        "weight": 100 + number % 900,
        "options": [{"title": "Size", "values": list(SIZES)}],
        "variants": [_variant(number, rank, size) for rank, size in enumerate(SIZES)],
    }


def _variant(number: int, rank: int, size: str) -> dict[str, Any]:
    cents = 500 + number * 7 % 20000 + rank * 100
    prices = [("eur", cents / 100), ("usd", (cents + 150) / 100)]
    return {
        "title": size,
        "sku": f"P{number}-{size}",
        "variant_rank": rank,
        "manage_inventory": True,
        "options": {"Size": size},
        "prices": [{"currency_code": code, "amount": amount} for code, amount in prices],
    }


def _products(
    admin: httpx.Client, products: int, images: str, channel: str, categories: list[str]
) -> None:
    profile = _get(admin, "/admin/shipping-profiles")["shipping_profiles"][0]["id"]
    bodies = [
        product(number, images, channel, categories[number % len(categories)], profile)
        for number in range(1, products + 1)
    ]
    for start in range(0, products, BATCH):
        _post(admin, "/admin/products/batch", create=bodies[start : start + BATCH])


def _stock(admin: httpx.Client, location: str) -> None:
    for items in _inventory_items(admin):
        levels = [
            {"inventory_item_id": item, "location_id": location, "stocked_quantity": quantity}
            for item, quantity in items
        ]
        _post(admin, "/admin/inventory-items/location-levels/batch", create=levels)


def _inventory_items(admin: httpx.Client) -> Iterator[list[tuple[str, int]]]:
    """Pages of (inventory item, its opening stock); the stock follows from the SKU."""
    offset = 0
    while True:
        query = f"limit={LEVELS_BATCH}&offset={offset}&order=id&fields=id,sku"
        items = _get(admin, f"/admin/inventory-items?{query}")["inventory_items"]
        if not items:
            return
        yield [(item["id"], stock_of(item["sku"])) for item in items]
        offset += len(items)


def stock_of(sku: str) -> int:
    """The opening stock of a seeded SKU such as `P12-S`: 0 to 49."""
    return int(sku[1:].partition("-")[0]) * 3 % 50


def _set_currencies(admin: httpx.Client, channel: str) -> None:
    store = _get(admin, "/admin/stores")["stores"][0]["id"]
    currencies = [
        {"currency_code": "eur", "is_default": True},
        {"currency_code": "usd", "is_default": False},
    ]
    _post(
        admin,
        f"/admin/stores/{store}",
        supported_currencies=currencies,
        default_sales_channel_id=channel,
    )


def _region(admin: httpx.Client, name: str) -> str:
    currency, countries = COUNTRIES[name]
    region = _post(
        admin,
        "/admin/regions",
        name=name,
        currency_code=currency,
        countries=countries,
        payment_providers=["pp_system_default"],
    )
    for country in countries:
        _post(admin, "/admin/tax-regions", country_code=country, provider_id="tp_system")
    identity: str = region["region"]["id"]
    return identity


def _stock_location(admin: httpx.Client, channel: str) -> str:
    address = {"address_1": "Quay 1", "city": "Berlin", "country_code": "DE"}
    made = _post(admin, "/admin/stock-locations", name="Warehouse", address=address)
    location: str = made["stock_location"]["id"]
    _post(admin, f"/admin/stock-locations/{location}/sales-channels", add=[channel])
    providers = f"/admin/stock-locations/{location}/fulfillment-providers"
    _post(admin, providers, add=["manual_manual"])
    return location


def _shipping(admin: httpx.Client, location: str) -> None:
    sets = f"/admin/stock-locations/{location}/fulfillment-sets?fields=*fulfillment_sets"
    answer = _post(admin, sets, name="Shipping", type="shipping")
    fulfilment = answer["stock_location"]["fulfillment_sets"][0]["id"]
    countries = [code for _currency, codes in COUNTRIES.values() for code in codes]
    zones = [{"type": "country", "country_code": code} for code in countries]
    path = f"/admin/fulfillment-sets/{fulfilment}/service-zones?fields=*service_zones"
    zone = _post(admin, path, name="Everywhere", geo_zones=zones)
    profile = _get(admin, "/admin/shipping-profiles")["shipping_profiles"][0]["id"]
    _post(
        admin,
        "/admin/shipping-options",
        name="Standard",
        service_zone_id=zone["fulfillment_set"]["service_zones"][0]["id"],
        shipping_profile_id=profile,
        provider_id="manual_manual",
        price_type="flat",
        type={"label": "Standard", "description": "2-3 days", "code": "standard"},
        prices=[{"currency_code": "eur", "amount": 5}, {"currency_code": "usd", "amount": 6}],
        rules=[
            {"attribute": "enabled_in_store", "operator": "eq", "value": "true"},
            {"attribute": "is_return", "operator": "eq", "value": "false"},
        ],
    )


def _categories(admin: httpx.Client) -> dict[str, str]:
    """The tree's leaves by name: products belong to those."""
    leaves = {}
    for root, children in CATEGORIES.items():
        parent = _category(admin, root, None)
        leaves.update({child: _category(admin, child, parent) for child in children})
    return leaves


def _category(admin: httpx.Client, name: str, parent: str | None) -> str:
    body = {"name": name, "handle": name.lower(), "is_active": True, "is_internal": False}
    if parent is not None:
        body["parent_category_id"] = parent
    made: str = _post(admin, "/admin/product-categories", **body)["product_category"]["id"]
    return made


def _publishable_key(admin: httpx.Client, channel: str) -> str:
    key = _key(admin, "publishable")
    _post(admin, f"/admin/api-keys/{key['id']}/sales-channels", add=[channel])
    token: str = key["token"]
    return token


def _key(admin: httpx.Client, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = _post(admin, "/admin/api-keys", title="connector", type=kind)["api_key"]
    return made


def _get(admin: httpx.Client, path: str) -> dict[str, Any]:
    return _answer(admin.get(path))


def _post(admin: httpx.Client, path: str, **body: object) -> dict[str, Any]:
    return _answer(admin.post(path, json=body))


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        request = f"{response.request.method} {response.request.url.path}"
        # Our own bodies, sent to a server of our own: nothing in the answer is secret.
        raise SetUpFailed(f"Medusa answered {response.status_code} to {request}: {response.text}")
    answered: dict[str, Any] = response.json()
    return answered
