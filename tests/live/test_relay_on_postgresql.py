"""The relay's memory on PostgreSQL: two processes, many shoppers, each intention once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from connector.state.database import open_database
from connector.testing.carts import MemoryCarts
from tests.relay_house import LAMP, MUG, RelayHouse, articles

pytestmark = pytest.mark.anyio
CURRENT = "/carts/current"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(postgres_url: str) -> AsyncIterator[RelayHouse]:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    house = RelayHouse(open_database(url, migrate=True), MemoryCarts(articles()))
    house.index(MUG, "MUG-1")
    house.index(LAMP, "LAMP-1")
    house.carts.restock(MUG, 500)
    yield house
    house.database.close()


async def test_two_processes_serve_many_shoppers_at_once(house: RelayHouse) -> None:
    async with house.process() as one, house.process() as two:
        tokens = [await one.begin({"sku": "LAMP-1"}) for _ in range(5)]
        path, wish = CURRENT + "/lines", {"variant": MUG}
        answers = await asyncio.gather(
            *(
                process.ask("POST", path, wish, token=token, key=f"intention-{number:08}")
                for number in range(6)
                for token in tokens
                for process in (one, two, one)
            )
        )
        assert {each.status for each in answers} == {200}
        for token in tokens:
            read = await two.ask("GET", CURRENT, token=token)
            assert read.body["cart"]["pieces"] == 7


async def test_a_purchase_and_an_action_that_waits(house: RelayHouse) -> None:
    async with house.process() as one, house.process() as two:
        token, total = await one.ready()
        agreed = {"total_minor": total}
        orders = [
            await process.ask("POST", CURRENT + "/complete", agreed, token=token, key="k" * 16)
            for process in (one, two)
        ]
        assert orders[0].body == orders[1].body
        assert len(house.carts.orders) == 1
        await two.act("create_cart", identity="msg_1", wait=False)
        for _ in range(500):
            if (await one.outcome("msg_1")).status == 200:
                break
            await asyncio.sleep(0.02)
        assert len(house.carts.carts) == 2
        one.service.prune()
