"""Whoever runs the shop, for tests: sells, changes prices and stock, looks at the orders.

One face for the sandbox and for Medusa.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from adapters.sandbox.run import RunningShop
from connector.demo.medusa import Medusa
from connector.model import VariantId

MEDUSA_CODE, SANDBOX_CODE = "TENOFF", "TEN"
"""Promotions that take a tenth off."""


class Merchant(Protocol):
    """The shop's other side."""

    def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        """A new article."""

    def reprice(self, variant: VariantId, price_minor: int) -> None: ...

    def restock(self, variant: VariantId, pieces: int) -> None: ...

    def withdraw(self, variant: VariantId) -> None:
        """Sell it no longer."""

    def orders(self) -> list[tuple[str, int]]:
        """Number and total of each order that is paid, or whose payment is authorised."""


@dataclass(slots=True)
class SandboxMerchant:
    """By the sandbox's admin API; `place` is its database, where orders are read."""

    shop: RunningShop
    place: Path | None = None

    def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        variant = VariantId(f"v-{sku}")
        self._put(sku, "published", _article(variant, sku, price_minor, stock))
        return variant

    def reprice(self, variant: VariantId, price_minor: int) -> None:
        self.shop.set_price(variant, f"{price_minor // 100}.{price_minor % 100:02d}")

    def restock(self, variant: VariantId, pieces: int) -> None:
        self.shop.set_stock(variant, pieces)

    def withdraw(self, variant: VariantId) -> None:
        self._put(variant.removeprefix("v-"), "draft", _article(variant, "WITHDRAWN", 1, 5))

    def orders(self) -> list[tuple[str, int]]:
        assert self.place is not None
        with closing(sqlite3.connect(f"file:{self.place}?mode=ro", uri=True)) as shop:
            rows = shop.execute("SELECT number, doc FROM orders ORDER BY number").fetchall()
        made = [(str(number), json.loads(doc)) for number, doc in rows]
        return [
            (number, round(float(doc["total"]) * 100))
            for number, doc in made
            if doc["status"] == "paid"
        ]

    def _put(self, sku: str, status: str, variant: dict[str, object]) -> None:
        product = {
            "handle": sku.lower(),
            "status": status,
            "texts": {"en-US": {"title": f"The {sku}"}},
            "categories": [],
            "tags": [],
            "channels": [],
            "attributes": {},
            "options": [],
            "images": [{"url": "/media/1/1-0.png", "alt": {}}],
            "variants": [variant],
        }
        with self.shop.admin() as admin:
            admin.put(f"/admin/products/x-{sku}", json=product).raise_for_status()


def _article(variant: VariantId, sku: str, price_minor: int, stock: int) -> dict[str, object]:
    amount = f"{price_minor // 100}.{price_minor % 100:02d}"
    return {
        "id": variant,
        "sku": sku,
        "title": "one",
        "barcode": None,
        "options": {},
        "prices": [{"amount": amount, "currency": "EUR", "tax_included": True}],
        "stock": {"tracked": True, "backorder": False, "locations": {"berlin": stock}},
    }


@dataclass(slots=True)
class MedusaMerchant:
    """By Medusa's Admin API."""

    medusa: Medusa
    admin: httpx.Client
    profile: str
    login: str | None = field(default=None, repr=False)
    products: dict[VariantId, str] = field(default_factory=dict)
    items: dict[VariantId, str] = field(default_factory=dict)

    def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        variant = {
            "title": "one",
            "sku": sku,
            "manage_inventory": True,
            "options": {"Size": "one"},
            "prices": [{"currency_code": "eur", "amount": price_minor / 100}],
        }
        body = {
            "title": f"The {sku}",
            "status": "published",
            "options": [{"title": "Size", "values": ["one"]}],
            "sales_channels": [{"id": self.medusa.seeded.sales_channel_id}],
            "shipping_profile_id": self.profile,
            "variants": [variant],
        }
        product = self._post("/admin/products", body)["product"]
        made = VariantId(product["variants"][0]["id"])
        self.products[made] = product["id"]
        found = self.admin.get("/admin/inventory-items", params={"sku": sku}).json()
        self.items[made] = found["inventory_items"][0]["id"]
        level = {"location_id": self.medusa.seeded.stock_location_id, "stocked_quantity": stock}
        self._post(f"/admin/inventory-items/{self.items[made]}/location-levels", level)
        return made

    def reprice(self, variant: VariantId, price_minor: int) -> None:
        prices = [{"currency_code": "eur", "amount": price_minor / 100}]
        path = f"/admin/products/{self.products[variant]}/variants/{variant}"
        self._post(path, {"prices": prices})

    def restock(self, variant: VariantId, pieces: int) -> None:
        """So many that can still be sold: what orders have reserved comes on top."""
        location = self.medusa.seeded.stock_location_id
        path = f"/admin/inventory-items/{self.items[variant]}/location-levels/{location}"
        self._post(path, {"stocked_quantity": pieces})

    def withdraw(self, variant: VariantId) -> None:
        self._post(f"/admin/products/{self.products[variant]}", {"status": "draft"})

    def promote(self) -> None:
        method = {
            "type": "percentage",
            "target_type": "order",
            "value": 10,
            "currency_code": "eur",
        }
        body = {
            "code": MEDUSA_CODE,
            "type": "standard",
            "status": "active",
            "application_method": method,
        }
        self._post("/admin/promotions", body)

    def orders(self) -> list[tuple[str, int]]:
        params = {"fields": "display_id,total,payment_status", "limit": "100"}
        rows = self.admin.get("/admin/orders", params=params).raise_for_status().json()["orders"]
        paid = [row for row in rows if row["payment_status"] in ("authorized", "captured")]
        return sorted((str(row["display_id"]), round(row["total"] * 100)) for row in paid)

    def enrol(self, email: str) -> str:
        """A customer with an account, logged in as on Medusa's own storefront: what proves it."""
        account = {"email": email, "password": "correct horse battery"}
        headers = {"x-publishable-api-key": self.medusa.publishable_key}
        with httpx.Client(base_url=self.medusa.url, headers=headers, trust_env=False) as shop:
            said = shop.post("/auth/customer/emailpass/register", json=account)
            bearer = {"authorization": f"Bearer {said.raise_for_status().json()['token']}"}
            shop.post("/store/customers", json={"email": email}, headers=bearer).raise_for_status()
            said = shop.post("/auth/customer/emailpass", json=account)
            return str(said.raise_for_status().json()["token"])

    def _post(self, path: str, body: object) -> Any:
        answer = self.admin.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def medusa_merchant(medusa: Medusa) -> Iterator[MedusaMerchant]:
    with medusa.admin() as admin:
        profiles = admin.get("/admin/shipping-profiles").json()["shipping_profiles"]
        yield MedusaMerchant(medusa, admin, profiles[0]["id"])
