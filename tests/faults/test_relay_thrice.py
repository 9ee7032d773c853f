"""Each action that a faulty network repeats three times has happened once: every operation.

By its own route, and as a signed action.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.relay.api import ROUTES
from connector.relay.operations import OPERATIONS
from tests.relay_house import ADDRESS, LAMP, MUG, NEWS, NEWS_ORIGIN, Process, RelayHouse
from tests.thrice import Thrice

pytestmark = pytest.mark.anyio
PATHS = {name: (method, path) for method, path, name in ROUTES}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(slots=True)
class Shopper:
    """Does operations by name, by their routes or as actions, and counts which were done."""

    relay: Process
    signed: bool
    token: str = ""
    done: set[str] = field(default_factory=set)

    async def do(self, name: str, body: object = None, **more: str) -> dict[str, Any]:
        self.done.add(name)
        said = await (self._act(name, body, more) if self.signed else self._ask(name, body, more))
        self.token = said.get("token", self.token)
        return said

    async def _act(self, name: str, body: object, more: dict[str, str]) -> dict[str, Any]:
        wish: dict[str, Any] = {**more, **({"token": self.token} if self.token else {})}
        if body is not None:
            wish["body"] = body
        answer = await self.relay.act(name, **wish)
        assert answer.status == 200, answer.body
        return answer.body

    async def _ask(self, name: str, body: object, more: dict[str, str]) -> dict[str, Any]:
        method, path = PATHS[name]
        path = path.format(site="", **more).removeprefix("/")
        answer = await self.relay.ask(method, path, body, token=self.token or None)
        assert answer.status in (200, 201), answer.body
        return answer.body


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path)
    yield house
    house.database.close()


@pytest.mark.parametrize("signed", [False, True], ids=["by its route", "as an action"])
async def test_every_operation_happens_once(house: RelayHouse, signed: bool) -> None:
    async with house.process() as relay:
        network = Thrice(relay.client._transport)
        relay.client = httpx.AsyncClient(transport=network, base_url="http://relay.test")
        shopper = Shopper(relay, signed)
        made = await shopper.do("create_cart", {"lines": [{"sku": "MUG-1", "quantity": 2}]})
        assert len(house.carts.carts) == 1
        (mine,) = house.carts.carts
        mug = made["cart"]["lines"][0]["id"]

        def held() -> dict[str, int]:
            return {line.variant: line.quantity for line in house.carts.carts[mine].lines}

        await shopper.do("add_line", {"variant": LAMP, "quantity": 1})
        assert held() == {MUG: 2, LAMP: 1}
        await shopper.do("set_line", {"quantity": 3}, line=mug)
        assert held() == {MUG: 3, LAMP: 1}
        await shopper.do("add_promotion", {"code": "TEN"})
        assert house.carts.carts[mine].promotions == ("TEN",)
        await shopper.do("remove_promotion", code="TEN")
        assert house.carts.carts[mine].promotions == ()
        await shopper.do("refresh_cart")
        await shopper.do("assign_cart", {"login": "login-of-ada"})
        details = {"email": "ada@lovelace.example", "shipping_address": ADDRESS}
        await shopper.do("update_cart", details)
        other = Shopper(relay, signed)
        await other.do("create_cart", {"lines": [{"variant": LAMP, "quantity": 3}]})
        await shopper.do("merge_carts", {"from": other.token})
        assert held() == {MUG: 3, LAMP: 3}
        lamp = house.carts.carts[mine].lines[1].id
        await shopper.do("remove_line", line=lamp)
        assert held() == {MUG: 3}
        code = (await shopper.do("hand_over_cart", {"to": NEWS}))["code"]
        taken = await relay.ask(
            "POST", "/carts/claim", {"code": code}, site=NEWS, origin=NEWS_ORIGIN
        )
        assert taken.body["cart"]["pieces"] == 3
        shopper.done.add("claim_cart")
        assert (await shopper.do("shipping_options"))["options"][0]["id"] == "post"
        await shopper.do("choose_shipping", {"option": "post"})
        assert (await shopper.do("payment_providers"))["providers"] == [{"id": "test"}]
        await shopper.do("choose_payment", {"provider": "test"})
        assert (await shopper.do("checkout", {}))["kind"] == "steps"
        total = (await shopper.do("read_cart"))["cart"]["total"]["minor"]
        order = await shopper.do("complete_cart", {"total_minor": total})
        assert len(house.carts.orders) == 1
        assert house.carts.articles[MUG].stock == 10 - 3
        assert (await shopper.do("read_order")) == order
        assert shopper.done == set(OPERATIONS)
        assert len(house.carts.carts) == 2
        assert house.carts.calls["create"] == 2
        assert network.sent >= 3 * len(OPERATIONS)
