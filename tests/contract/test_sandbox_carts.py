"""The sandbox's carts keep every promise of ports_carts.Carts, against the shop over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from adapters.sandbox.carts import SandboxCarts
from adapters.sandbox.run import RunningShop, start_shop
from connector.compose import compose
from connector.daemon import Daemon
from connector.demo.machine import free_port
from connector.doctor import Finding, Mark, examine
from connector.errors import OutcomeUnknown, Rejected, TargetDown, TryAgain
from connector.model import BackendName, CartId, Locale, VariantId
from connector.ports import BackendSettings
from connector.ports_carts import CartRefused, MarketTerms
from connector.testing.conformance import CartsConformance
from tests.merchants import SandboxMerchant
from tests.relay_process import configured

TERMS = MarketTerms("EUR", None, Locale("de-DE"))


def settings_of(shop: RunningShop) -> BackendSettings:
    return BackendSettings(BackendName("shop"), shop.url, shop.key, (), Locale("en-US"), {}, 20.0)


@dataclass(slots=True)
class SandboxCartsBench:
    """A merchant at the shop, by its admin API."""

    shop: RunningShop
    carts: SandboxCarts
    terms: MarketTerms = TERMS
    code: str | None = "TEN"
    login: str | None = None

    @property
    def merchant(self) -> SandboxMerchant:
        return SandboxMerchant(self.shop)

    async def sell(self, sku: str, price_minor: int, stock: int) -> VariantId:
        return self.merchant.sell(sku, price_minor, stock)

    async def reprice(self, variant: VariantId, price_minor: int) -> None:
        self.merchant.reprice(variant, price_minor)

    async def restock(self, variant: VariantId, pieces: int) -> None:
        self.merchant.restock(variant, pieces)

    async def withdraw(self, variant: VariantId) -> None:
        self.merchant.withdraw(variant)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    place: Path = tmp_path_factory.mktemp("shop")
    running = start_shop(place / "shop.db", free_port(), products=1)
    yield running
    running.stop()


class TestSandboxCarts(CartsConformance):
    @pytest.fixture
    async def bench(self, shop: RunningShop) -> AsyncIterator[SandboxCartsBench]:
        carts = SandboxCarts(settings_of(shop))
        yield SandboxCartsBench(shop, carts)
        await carts.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(shop: RunningShop) -> AsyncIterator[SandboxCartsBench]:
    carts = SandboxCarts(settings_of(shop))
    yield SandboxCartsBench(shop, carts)
    shop.set_faults()
    await carts.close()


@pytest.mark.anyio
async def test_a_write_whose_answer_is_lost_is_unknown_and_has_happened_once(
    bench: SandboxCartsBench,
) -> None:
    variant = await bench.sell("LOST", 1000, 50)
    cart = await bench.carts.create(TERMS)
    bench.shop.set_faults(lost=1)
    with pytest.raises(OutcomeUnknown):
        await bench.carts.add(cart.id, variant, 2)
    assert (await bench.carts.add(cart.id, variant, 2)).lines[0].quantity == 2


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [{"status": 500}, {"broken_json": True}, {"html": True}])
async def test_nonsense_for_a_write_is_unknown_and_for_a_reading_try_again(
    bench: SandboxCartsBench, fault: dict[str, object]
) -> None:
    variant = await bench.sell("NONSENSE", 1000, 50)
    cart = await bench.carts.create(TERMS)
    bench.shop.set_faults(**fault)
    with pytest.raises(OutcomeUnknown):
        await bench.carts.add(cart.id, variant, 1)
    with pytest.raises(TryAgain) as caught:
        await bench.carts.read(cart.id)
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_shop_did_nothing_and_says_when_to_come_again(
    bench: SandboxCartsBench, status: int
) -> None:
    cart = await bench.carts.create(TERMS)
    bench.shop.set_faults(status=status)
    with pytest.raises(TryAgain) as caught:
        await bench.carts.apply_code(cart.id, "TEN")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.retry_after_seconds == 1


@pytest.mark.anyio
async def test_a_slow_shop_is_waited_for_no_longer_than_told(shop: RunningShop) -> None:
    carts = SandboxCarts(replace(settings_of(shop), timeout_seconds=0.3))
    cart = await carts.create(TERMS)
    shop.set_faults(latency_ms=2000)
    with pytest.raises(OutcomeUnknown):
        await carts.apply_code(cart.id, "TEN")
    shop.set_faults()
    await carts.close()


@pytest.mark.anyio
async def test_a_shop_that_is_not_there_is_down_and_did_nothing(shop: RunningShop) -> None:
    carts = SandboxCarts(replace(settings_of(shop), url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(TargetDown, match="nobody answers"):
        await carts.create(TERMS)
    await carts.close()


@pytest.mark.anyio
async def test_ids_cannot_leave_their_path(bench: SandboxCartsBench) -> None:
    cart = await bench.carts.create(TERMS)
    for name in ("../../admin", "a/b?c#d", "%2e%2e/x", "..", "ü/\\"):
        with pytest.raises((CartRefused, Rejected, TryAgain)):
            await bench.carts.add(cart.id, VariantId(name), 1)
    assert await bench.carts.read(cart.id) == cart


@pytest.mark.anyio
async def test_an_engine_is_sent_what_the_adapter_says_and_nothing_else() -> None:
    """No header of a shopper's request can come through; cookies of an engine are not kept."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json={"code": "unknown_cart"}, headers={"set-cookie": "a=b"})

    settings = BackendSettings(
        BackendName("shop"), "http://shop.test", "key", (), Locale("en-US"), {}, 5.0
    )
    carts = SandboxCarts(settings, httpx.MockTransport(answer))
    for _ in range(2):
        with pytest.raises(CartRefused):
            await carts.read(CartId("cart_1"))
    await carts.close()
    names = {"accept", "accept-encoding", "connection", "host", "user-agent"}
    assert [set(each.headers) for each in seen] == [names, names]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1_000, 5 * 1024 * 1024])
async def test_an_answer_without_end_is_not_read_to_its_end(size: int) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += size
            yield b" " * size

    settings = BackendSettings(
        BackendName("shop"), "http://shop.test", "key", (), Locale("en-US"), {}, 5.0
    )
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    carts = SandboxCarts(settings, transport)
    with pytest.raises(TryAgain):
        await carts.read(CartId("cart_1"))
    await carts.close()
    assert read <= 4 * 1024 * 1024 + 2 * size


def test_doctor_says_whether_shoppers_can_buy(shop: RunningShop, tmp_path: Path) -> None:
    def findings(url: str) -> list[Finding]:
        connector = compose(configured(f"sqlite:///{tmp_path}/state.db", url, shop.key))
        found = [each for each in examine(connector) if each.part == "carts of shop"]
        connector.close()
        return found

    (good,) = findings(shop.url)
    assert (good.mark, good.says) == (Mark.GOOD, "shoppers can buy")
    (away,) = findings(f"http://127.0.0.1:{free_port()}")
    assert away.mark is Mark.BAD
    assert "nobody answers" in away.says


def test_the_daemon_sells_while_it_works_and_stops_cleanly(
    shop: RunningShop, tmp_path: Path
) -> None:
    port = free_port()
    more = f"server: {{port: {port}}}\n"
    config = configured(f"sqlite:///{tmp_path}/state.db", shop.url, shop.key, more)
    daemon = Daemon(compose(config))
    daemon.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            headers = {"idempotency-key": "an-idempotency-key-1"}
            wish = {"lines": [{"variant": "v0000001-0"}]}
            made = client.post("/v1/blog/carts", json=wish, headers=headers)
            assert made.status_code == 201
            assert made.json()["cart"]["pieces"] == 1
            scraped = client.get("/metrics").text
            assert 'connector_relay_total{operation="create_cart",result="done"} 1.0' in scraped
            assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")
        daemon.schedule.prune()
    finally:
        daemon.stop()
