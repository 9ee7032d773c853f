"""Offers as the site confirmed them, over HTTP and as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connector.relay import offers as module
from connector.relay.offers import Offers, Wish
from tests.relay_house import BLOG, GENEROUS, LAMP, MUG, Process, RelayHouse, storefronts

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path)
    house.confirm(MUG, "MUG-1", 1990)
    house.confirm(LAMP, "LAMP-1", 4900)
    yield house
    house.database.close()


@pytest.fixture
async def relay(house: RelayHouse) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


async def test_offers_are_what_the_site_confirmed(relay: Process) -> None:
    answer = await relay.ask("GET", "/offers?sku=MUG-1&variant=v-lamp&sku=NOBODY")
    assert answer.body["market"] == "de"
    assert [(each["sku"], each["amount"]["minor"]) for each in answer.body["offers"]] == [
        ("LAMP-1", 4900),
        ("MUG-1", 1990),
    ]
    assert answer.body["offers"][1] == {
        "variant": MUG,
        "sku": "MUG-1",
        "min_quantity": 1,
        "amount": {"minor": 1990, "currency": "EUR", "text": "19.90 €"},
        "compare_at": None,
        "tax_included": True,
        "availability": "in_stock",
        "quantity": 5,
        "valid_until": None,
    }
    elsewhere = await relay.ask("GET", "/offers?sku=MUG-1&market=en")
    assert elsewhere.body == {"market": "en", "offers": []}


async def test_nothing_changed_costs_no_bytes(relay: Process, house: RelayHouse) -> None:
    path = "/v1/blog/offers?sku=MUG-1"
    first = await relay.send("GET", path)
    tag = first.headers["etag"]
    same = await relay.client.get(path, headers={"if-none-match": f'W/"x", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    house.confirm(MUG, "MUG-1", 2490)
    now = await relay.client.get(path, headers={"if-none-match": tag})
    assert now.status_code == 200
    assert now.headers["etag"] != tag


@pytest.mark.parametrize(
    "query", ["", "?sku=" + "&sku=".join("x" * 101), "?sku=" + "x" * 192, "?sku=A&market=fr"]
)
async def test_what_is_asked_wrongly_is_said(relay: Process, query: str) -> None:
    answer = await relay.ask("GET", "/offers" + query)
    assert (answer.status, answer.word) == (422, "invalid")


async def test_many_who_ask_the_same_at_once_ask_the_state_once(
    house: RelayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", 60.0)
    offers, front = Offers(house.database, GENEROUS), storefronts(None)[BLOG]
    wish = Wish(front.markets[0].name, ("MUG-1",), ())
    found = await asyncio.gather(*(offers.read(front, wish) for _ in range(50)))
    assert len({id(each) for each in found}) == 1


async def events(house: RelayHouse, offers: Offers, wish: Wish) -> AsyncIterator[Any]:
    front = storefronts(None)[BLOG]
    async for text in offers._events(front, wish, "client"):
        lines = dict(line.split(": ", 1) for line in text.strip().splitlines() if ": " in line)
        assert lines["event"] == "offers"
        yield json.loads(lines["data"])


async def test_a_stream_tells_all_and_then_what_changes(house: RelayHouse) -> None:
    offers = Offers(house.database, GENEROUS)
    market = storefronts(None)[BLOG].markets[0].name
    stream = events(house, offers, Wish(market, ("LAMP-1", "MUG-1"), ()))
    first = await anext(stream)
    assert [each["sku"] for each in first["offers"]] == ["LAMP-1", "MUG-1"]
    house.confirm(MUG, "MUG-1", 2490, quantity=1)
    changed = await anext(stream)
    assert [(each["sku"], each["amount"]["minor"]) for each in changed["offers"]] == [
        ("MUG-1", 2490)
    ]
    assert changed["gone"] == []
    with house.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM mirror WHERE subject = 'p-v-lamp'")
    gone = await anext(stream)
    assert (gone["offers"], gone["gone"]) == ([], [LAMP])
    offers.end()
    assert [each async for each in stream] == []


async def test_a_client_has_so_many_streams(house: RelayHouse) -> None:
    async with house.process() as relay:
        service = relay.service.offers
        service._streams["127.0.0.1"] = GENEROUS.streams_of_a_client
        answer = await relay.ask("GET", "/offers/stream?sku=MUG-1")
        assert (answer.status, answer.word) == (429, "rate")


async def test_a_site_without_carts_still_shows_offers(house: RelayHouse) -> None:
    async with house.process() as relay:
        fronts = relay.service.relay.storefronts
        object.__setattr__(fronts[BLOG], "carts", None)
        assert (await relay.ask("GET", "/offers?sku=MUG-1")).status == 200
        none = await relay.ask("POST", "/carts", {})
        assert (none.status, none.word) == (404, "not-found")


async def test_a_state_that_cannot_be_read_is_no_500(house: RelayHouse) -> None:
    async with house.process() as relay:
        with house.database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE mirror RENAME TO elsewhere")
        answer = await relay.ask("GET", "/offers?sku=MUG-1")
        assert (answer.status, answer.word) == (503, "unavailable")
        assert answer.headers["retry-after"] == "5"
        with house.database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO mirror")
            connection.exec_driver_sql("ALTER TABLE relay_actions RENAME TO elsewhere")
        for answer in (await relay.act("create_cart", wait=False), await relay.outcome("msg_1")):
            assert (answer.status, answer.word) == (503, "unavailable")
