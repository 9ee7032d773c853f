"""The carts in memory keep every promise of ports_carts.Carts, and lose answers when told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from connector.errors import OutcomeUnknown, TargetDown
from connector.model import Locale, VariantId
from connector.ports_carts import MarketTerms
from connector.testing.carts import CAPABILITIES, CODE, Article, MemoryCarts
from connector.testing.conformance import CartsConformance

TERMS = MarketTerms("EUR", None, Locale("de-DE"))


@dataclass(slots=True)
class MemoryBench:
    carts: MemoryCarts = field(default_factory=MemoryCarts)
    terms: MarketTerms = TERMS
    code: str | None = CODE
    login: str | None = "login-of-ada"

    async def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        variant = VariantId(f"v-{sku}")
        self.carts.articles[variant] = Article(variant, sku, f"The {sku}", price_minor, stock)
        return variant

    async def reprice(self, variant: VariantId, price_minor: int) -> None:
        self.carts.reprice(variant, price_minor)

    async def restock(self, variant: VariantId, pieces: int) -> None:
        self.carts.restock(variant, pieces)

    async def withdraw(self, variant: VariantId) -> None:
        self.carts.withdraw(variant)


class TestMemoryCarts(CartsConformance):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return MemoryBench()


class TestMemoryCartsWithHostedCheckout(CartsConformance):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        hosted = replace(CAPABILITIES, hosted_checkout=True, shows_cart_id=True)
        return MemoryBench(MemoryCarts(capabilities=hosted))


def test_a_lost_answer_has_happened_and_a_failure_has_not() -> None:
    async def shop() -> None:
        carts = MemoryCarts([Article(VariantId("v"), "V", "V", 100, None)])
        cart = await carts.create(TERMS)
        carts.lose_answers = 1
        with pytest.raises(OutcomeUnknown):
            await carts.add(cart.id, VariantId("v"), 2)
        assert (await carts.read(cart.id)).lines[0].quantity == 2
        carts.fail_with = TargetDown("closed")
        with pytest.raises(TargetDown):
            await carts.add(cart.id, VariantId("v"), 2)
        carts.fail_with = None
        assert (await carts.read(cart.id)).lines[0].quantity == 2

    asyncio.run(shop())
