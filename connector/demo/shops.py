"""The shops that the demo can show: the sandbox, or a real Medusa. One face for both.

A shop is started, described to the configuration, and changed the way a merchant would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.machine import LOOPBACK, free_port, scratch
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres

MEDUSA_PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "medusa" / "plugin"


class Shop(Protocol):
    """A running shop."""

    name: str
    credential: str

    def settings(self) -> Mapping[str, Any]:
        """Its part of the configuration, without the credential."""

    def addresses(self) -> Mapping[str, str]:
        """What a person opens, by what it is."""

    def a_variant(self) -> tuple[str, str]:
        """SKU and id of a variant to play with."""

    def set_price(self, variant: str, euros: str) -> None: ...

    def set_stock(self, variant: str, pieces: int) -> None: ...

    def stop(self) -> None: ...


@dataclass(slots=True)
class SandboxShop:
    shop: RunningShop
    name: str = "sandbox"
    credential: str = field(default="", repr=False)

    @classmethod
    def start(cls, products: int, hook: str, secret: str) -> SandboxShop:
        place = scratch("sandbox") / "shop.db"
        shop = start_shop(place, free_port(), products=products, webhook=(hook, secret))
        return cls(shop, credential=shop.key)

    def settings(self) -> Mapping[str, Any]:
        return {"system": "sandbox", "url": self.shop.url}

    def addresses(self) -> Mapping[str, str]:
        return {"shop (change prices and stock)": f"{self.shop.url}/admin?key={self.shop.key}"}

    def a_variant(self) -> tuple[str, str]:
        variant = self.shop.product("p0000001")["variants"][0]
        return variant["sku"], variant["id"]

    def set_price(self, variant: str, euros: str) -> None:
        self.shop.set_price(variant, euros)

    def set_stock(self, variant: str, pieces: int) -> None:
        self.shop.set_stock(variant, pieces)

    def stop(self) -> None:
        self.shop.stop()


@dataclass(slots=True)
class MedusaShop:
    medusa: Medusa
    postgres: Postgres
    name: str = "medusa"
    credential: str = field(default="", repr=False)

    @classmethod
    def start(cls, cache: Path, products: int, hook: str, secret: str) -> MedusaShop:
        postgres = Postgres.start()
        settings = {"COMMERCE_CONNECTOR_URL": hook, "COMMERCE_CONNECTOR_SECRET": secret}
        medusa = Medusa.start(
            cache, postgres, products=products, plugin=MEDUSA_PLUGIN, settings=settings
        )
        return cls(medusa, postgres, credential=medusa.secret_key)

    def settings(self) -> Mapping[str, Any]:
        options = {"publishable_key": self.medusa.publishable_key}
        return {"system": "medusa", "url": self.medusa.url, "options": options}

    def addresses(self) -> Mapping[str, str]:
        login = f"{self.medusa.admin_email} / {self.medusa.admin_password}"
        return {"Medusa's API": self.medusa.url, "its login": login}

    def a_variant(self) -> tuple[str, str]:
        return "P1-S", self._variant("P1-S")["id"]

    def set_price(self, variant: str, euros: str) -> None:
        product = self._by_id(variant)["product_id"]
        prices = [{"currency_code": "eur", "amount": float(euros)}]
        with self.medusa.admin() as admin:
            path = f"/admin/products/{product}/variants/{variant}"
            admin.post(path, json={"prices": prices}).raise_for_status()

    def set_stock(self, variant: str, pieces: int) -> None:
        item = self._by_id(variant)["inventory_items"][0]["inventory_item_id"]
        location = self.medusa.seeded.stock_location_id
        with self.medusa.admin() as admin:
            path = f"/admin/inventory-items/{item}/location-levels/{location}"
            admin.post(path, json={"stocked_quantity": pieces}).raise_for_status()

    def stop(self) -> None:
        self.medusa.stop()
        self.postgres.stop()

    def _variant(self, sku: str) -> dict[str, Any]:
        return self._ask(sku=sku)

    def _by_id(self, variant: str) -> dict[str, Any]:
        return self._ask(id=variant)

    def _ask(self, **by: str) -> dict[str, Any]:
        fields = "id,product_id,inventory_items.inventory_item_id"
        with self.medusa.admin() as admin:
            answer = admin.get("/admin/product-variants", params={**by, "fields": fields})
            found: dict[str, Any] = answer.raise_for_status().json()["variants"][0]
        return found


def start(system: str, cache: Path, products: int, port: int, secret: str) -> Shop:
    """Start a shop that tells a connector on this port of every change."""
    hook = f"http://{LOOPBACK}:{port}/hooks/shop"
    if system == "medusa":
        return MedusaShop.start(cache, products, hook, secret)
    return SandboxShop.start(products, hook, secret)
