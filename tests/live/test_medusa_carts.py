"""Medusa's carts keep every promise of ports_carts.Carts, against a real Medusa."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.medusa.carts import MedusaCarts, open_carts
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.errors import TargetDown
from connector.model import BackendName, Locale, Money, VariantId
from connector.ports import BackendSettings
from connector.ports_carts import MarketTerms
from connector.testing.conformance import CartsConformance

CODE = "TENOFF"


@dataclass(slots=True)
class Merchant:
    """Whoever runs the shop, by its Admin API."""

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
            "code": CODE,
            "type": "standard",
            "status": "active",
            "application_method": method,
        }
        self._post("/admin/promotions", body)

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


@dataclass(slots=True)
class MedusaCartsBench:
    merchant: Merchant
    carts: MedusaCarts
    terms: MarketTerms
    login: str | None
    code: str | None = CODE

    async def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        return self.merchant.sell(sku, price_minor, stock)

    async def reprice(self, variant: VariantId, price_minor: int) -> None:
        self.merchant.reprice(variant, price_minor)

    async def restock(self, variant: VariantId, pieces: int) -> None:
        self.merchant.restock(variant, pieces)

    async def withdraw(self, variant: VariantId) -> None:
        self.merchant.withdraw(variant)


def opened(medusa: Medusa, key: str | None = None) -> MedusaCarts:
    options = {"publishable_key": key or medusa.publishable_key}
    settings = BackendSettings(
        BackendName("shop"), medusa.url, medusa.secret_key, (), Locale("en-US"), options, 30.0
    )
    carts = open_carts(settings)
    assert carts is not None
    return carts


@pytest.fixture(scope="module")
def selling(cache: Path, postgres: Postgres) -> Iterator[Medusa]:
    """A server of this module's own: what was ordered cannot be taken away again."""
    server = Medusa.start(cache, postgres)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def merchant(selling: Medusa) -> Iterator[Merchant]:
    with selling.admin() as admin:
        profiles = admin.get("/admin/shipping-profiles").json()["shipping_profiles"]
        merchant = Merchant(selling, admin, profiles[0]["id"])
        merchant.promote()
        merchant.login = merchant.enrol("grace@hopper.example")
        yield merchant


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(selling: Medusa, merchant: Merchant) -> AsyncIterator[MedusaCartsBench]:
    region = selling.seeded.region_ids["Europe"]
    carts = opened(selling)
    terms = MarketTerms("EUR", region, Locale("en-US"))
    yield MedusaCartsBench(merchant, carts, terms, merchant.login)
    await carts.close()


class TestMedusaCarts(CartsConformance):
    @pytest.fixture
    def bench(self, bench: MedusaCartsBench) -> MedusaCartsBench:
        return bench


@pytest.mark.anyio
async def test_a_wrong_publishable_key_says_where_to_mend_it(selling: Medusa) -> None:
    carts = opened(selling, "pk_wrong")
    with pytest.raises(TargetDown, match="publishable"):
        await carts.create(MarketTerms("EUR", None, Locale("en-US")))
    await carts.close()


@pytest.mark.anyio
async def test_a_market_without_a_region_gets_one_that_sells_in_its_currency(
    bench: MedusaCartsBench,
) -> None:
    cart = await bench.carts.create(MarketTerms("USD", None, Locale("en-US")))
    assert cart.currency == "USD"
    with pytest.raises(TargetDown, match="no region that sells in CHF"):
        await bench.carts.create(MarketTerms("CHF", None, Locale("en-US")))


@pytest.mark.anyio
async def test_without_a_recheck_the_cart_would_be_sold_at_its_old_price(
    bench: MedusaCartsBench,
) -> None:
    """Why `complete` may never go without `recheck`."""
    variant = await bench.sell("FROZEN", 1000, 10)
    cart = await bench.carts.add((await bench.carts.create(bench.terms)).id, variant, 1)
    await bench.reprice(variant, 1400)
    assert (await bench.carts.read(cart.id)).lines[0].unit_price == Money(1000, "EUR")
    checked = await bench.carts.recheck(cart)
    assert checked.cart.lines[0].unit_price == Money(1400, "EUR")
