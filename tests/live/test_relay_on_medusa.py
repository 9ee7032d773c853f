"""The relay before a real Medusa: a purchase by steps, what changed meanwhile, and lost answers.

The network loses every third answer to a write on its way back: Medusa has done it, we do not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from adapters.medusa.carts import MedusaCarts
from adapters.medusa.options import Options
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.model import BackendName, Locale, MarketName
from connector.ports import BackendSettings
from connector.sync.rules import Market
from tests.merchants import MedusaMerchant, medusa_merchant
from tests.relay_house import BLOG, Process, RelayHouse
from tests.thrice import Thrice

pytestmark = pytest.mark.anyio
CURRENT = "/carts/current"
DETAILS = {
    "email": "ada@lovelace.example",
    "shipping_address": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "line_1": "Weg 1",
        "postal_code": "10117",
        "city": "Berlin",
        "country": "DE",
    },
}


class Lossy(httpx.AsyncBaseTransport):
    """The network; every `loses`th answer to a write is lost after it was given.

    Where it is cut nothing arrives at all.
    """

    def __init__(self, loses: int = 0) -> None:
        self._real = AiohttpTransport()
        self.loses = loses
        self.writes = 0
        self.is_cut = False
        self.refused = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            self.refused += 1
            raise httpx.ConnectError("refused", request=request)
        answer = await self._real.handle_async_request(request)
        if request.method == "GET":
            return answer
        self.writes += 1
        if self.loses and self.writes % self.loses == 0:
            await answer.aread()
            await answer.aclose()
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    async def aclose(self) -> None:
        await self._real.aclose()


@dataclass(slots=True)
class Scene:
    relay: Process
    merchant: MedusaMerchant
    network: Lossy

    async def until_done(self, method: str, path: str, body: object, token: str) -> Any:
        """One intention, repeated with its key until it is answered for good."""
        for attempt in range(20):
            key = f"intention-{id(body):020}"
            answer = await self.relay.ask(method, path, body, token=token, key=key)
            if "retry-after" not in answer.headers:
                assert answer.status in (200, 201), answer.body
                return answer.body
            await asyncio.sleep(0.1 * attempt)
        raise AssertionError("never answered")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def selling(cache: Path, postgres: Postgres) -> Iterator[Medusa]:
    server = Medusa.start(cache, postgres)
    yield server
    server.stop()


@pytest.fixture
async def scene(selling: Medusa, tmp_path: Path) -> AsyncIterator[Scene]:
    network, house = Lossy(), RelayHouse.build(tmp_path)
    settings = BackendSettings(
        BackendName("shop"), selling.url, None, (), Locale("en-US"), {}, 10.0
    )
    options = Options(publishable_key=selling.publishable_key)
    carts = MedusaCarts(settings, options, network)
    with medusa_merchant(selling) as merchant:
        async with house.process(carts) as relay:
            region = selling.seeded.region_ids["Europe"]
            market = Market(MarketName("de"), Locale("de-DE"), "EUR", region)
            front = relay.service.relay.storefronts[BLOG]
            object.__setattr__(front, "markets", (market,))
            yield Scene(relay, merchant, network)
    house.database.close()


async def test_a_purchase_by_steps_with_what_changes_on_the_way(scene: Scene) -> None:
    relay, merchant = scene.relay, scene.merchant
    mug, lamp = merchant.sell("MUG-M", 1990, 10), merchant.sell("LAMP-M", 4900, 5)
    token = await relay.begin({"variant": mug, "quantity": 2}, {"variant": lamp, "quantity": 3})
    merchant.reprice(mug, 2490)
    merchant.restock(lamp, 1)
    going = await relay.ask("POST", CURRENT + "/checkout", {}, token=token)
    assert going.body["kind"] == "steps"
    told = {each["sku"]: (each["kind"], each["after"]) for each in going.body["changes"]}
    assert told["MUG-M"][0] == "price"
    assert told["LAMP-M"] == ("quantity", 1)
    await relay.ask("PATCH", CURRENT, DETAILS, token=token)
    options = await relay.ask("GET", CURRENT + "/shipping-options", token=token)
    option = {"option": options.body["options"][0]["id"]}
    await relay.ask("PUT", CURRENT + "/shipping", option, token=token)
    providers = await relay.ask("GET", CURRENT + "/payment-providers", token=token)
    provider = {"provider": providers.body["providers"][0]["id"]}
    paying = await relay.ask("PUT", CURRENT + "/payment", provider, token=token)
    cart = paying.body["cart"]
    assert cart["needs"] == []
    assert cart["total"]["minor"] == 2 * 2490 + 4900 + 500
    merchant.reprice(mug, 1000)
    old = {"total_minor": cart["total"]["minor"]}
    stopped = await relay.ask("POST", CURRENT + "/complete", old, token=token)
    assert (stopped.status, stopped.word) == (409, "cart-changed")
    cart = stopped.body["cart"]
    if "payment" in cart["needs"]:
        cart = (await relay.ask("PUT", CURRENT + "/payment", provider, token=token)).body["cart"]
    agreed = {"total_minor": cart["total"]["minor"]}
    ordered = await relay.ask("POST", CURRENT + "/complete", agreed, token=token)
    assert ordered.status == 200, ordered.body
    assert ordered.body["order"]["total"]["minor"] == 2 * 1000 + 4900 + 500
    orders = merchant.admin.get("/admin/orders", params={"fields": "id,total,email"}).json()
    assert [each["total"] for each in orders["orders"]] == [74.0]


async def test_lost_answers_neither_double_nor_drop_anything(scene: Scene) -> None:
    variant = scene.merchant.sell("LOST-M", 1000, 500)
    other = scene.merchant.sell("OTHER-M", 500, 500)
    token = await scene.relay.begin()
    scene.network.loses = 3
    wanted = {variant: 0, other: 0}
    for number in range(12):
        article = (variant, other)[number % 2]
        wanted[article] += 1 + number % 3
        wish = {"variant": article, "quantity": 1 + number % 3}
        said = await scene.until_done("POST", CURRENT + "/lines", wish, token)
        held = {each["variant"]: each["quantity"] for each in said["cart"]["lines"]}
        assert held == {name: count for name, count in wanted.items() if count}
    scene.network.loses = 0


async def test_an_order_whose_answer_is_lost_is_made_once(scene: Scene) -> None:
    variant = scene.merchant.sell("ONCE-M", 1000, 5)
    token = await scene.relay.begin({"variant": variant})
    await scene.relay.ask("PATCH", CURRENT, DETAILS, token=token)
    options = await scene.relay.ask("GET", CURRENT + "/shipping-options", token=token)
    option = {"option": options.body["options"][0]["id"]}
    await scene.relay.ask("PUT", CURRENT + "/shipping", option, token=token)
    provider = {"provider": "pp_system_default"}
    paying = await scene.relay.ask("PUT", CURRENT + "/payment", provider, token=token)
    agreed = {"total_minor": paying.body["cart"]["total"]["minor"]}
    before = scene.merchant.admin.get("/admin/orders").json()["count"]
    scene.network.writes, scene.network.loses = 0, 2
    said = await scene.until_done("POST", CURRENT + "/complete", agreed, token)
    scene.network.loses = 0
    assert said["order"]["total"]["minor"] == agreed["total_minor"]
    assert scene.merchant.admin.get("/admin/orders").json()["count"] == before + 1


async def test_what_a_network_repeats_three_times_has_happened_once(scene: Scene) -> None:
    variant = scene.merchant.sell("THRICE-M", 1000, 50)
    relay = scene.relay
    relay.client = httpx.AsyncClient(
        transport=Thrice(relay.client._transport), base_url="http://relay.test"
    )
    before = scene.merchant.admin.get("/admin/orders").json()["count"]
    token = await relay.begin({"variant": variant, "quantity": 2})
    added = await relay.ask("POST", CURRENT + "/lines", {"variant": variant}, token=token)
    assert added.body["cart"]["pieces"] == 3
    line = added.body["cart"]["lines"][0]["id"]
    left = await relay.ask("PUT", f"{CURRENT}/lines/{line}", {"quantity": 4}, token=token)
    assert left.body["cart"]["pieces"] == 4
    await relay.ask("PATCH", CURRENT, DETAILS, token=token)
    options = await relay.ask("GET", CURRENT + "/shipping-options", token=token)
    option = {"option": options.body["options"][0]["id"]}
    await relay.ask("PUT", CURRENT + "/shipping", option, token=token)
    provider = {"provider": "pp_system_default"}
    paying = await relay.ask("PUT", CURRENT + "/payment", provider, token=token)
    agreed = {"total_minor": paying.body["cart"]["total"]["minor"]}
    ordered = await relay.ask("POST", CURRENT + "/complete", agreed, token=token)
    assert ordered.body["order"]["lines"][0]["quantity"] == 4
    assert scene.merchant.admin.get("/admin/orders").json()["count"] == before + 1


async def test_an_action_of_a_cms_waits_for_a_medusa_that_is_away(scene: Scene) -> None:
    variant = scene.merchant.sell("AWAY-M", 1000, 50)
    relay, network = scene.relay, scene.network
    token = await relay.begin({"variant": variant})
    network.is_cut = True
    asked = await relay.act("add_line", token=token, body={"variant": variant})
    assert (asked.status, asked.word) == (503, "engine-away")
    before = network.refused
    wish: dict[str, Any] = {"token": token, "body": {"variant": variant, "quantity": 2}}
    for _ in range(3):
        kept = await relay.act("add_line", identity="msg_away", wait=False, **wish)
        assert (kept.status, kept.body["state"]) == (202, "waiting")
    await until(lambda: network.refused > before)
    assert (await relay.outcome("msg_away")).status == 202
    network.is_cut = False
    for _ in range(600):
        done = await relay.outcome("msg_away")
        if done.status != 202:
            break
        await asyncio.sleep(0.1)
    assert (done.status, done.body["cart"]["pieces"]) == (200, 3)
    again = await relay.act("add_line", identity="msg_away", wait=False, **wish)
    assert (again.status, again.body) == (200, done.body)
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 3


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came to that")
