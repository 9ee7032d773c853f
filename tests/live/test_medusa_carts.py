"""Medusa's carts keep every promise of ports_carts.Carts, against a real Medusa."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.medusa.carts import MedusaCarts, open_carts
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.errors import TargetDown
from connector.model import BackendName, Locale, Money, VariantId
from connector.ports import BackendSettings
from connector.ports_carts import MarketTerms
from connector.testing.conformance import CartsConformance
from tests.merchants import MEDUSA_CODE, MedusaMerchant, medusa_merchant


@dataclass(slots=True)
class MedusaCartsBench:
    merchant: MedusaMerchant
    carts: MedusaCarts
    terms: MarketTerms
    login: str | None
    code: str | None = MEDUSA_CODE

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
def merchant(selling: Medusa) -> Iterator[MedusaMerchant]:
    with medusa_merchant(selling) as merchant:
        merchant.promote()
        merchant.login = merchant.enrol("grace@hopper.example")
        yield merchant


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(selling: Medusa, merchant: MedusaMerchant) -> AsyncIterator[MedusaCartsBench]:
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
