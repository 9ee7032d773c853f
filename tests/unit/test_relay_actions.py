"""Signed actions: proved, once, kept until done; everything unproved is 401 and does nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector.errors import TargetDown
from connector.relay import actions
from connector.relay.relay import Limits, Relay
from connector.signing import Secret, sign, signed_headers
from connector.state.tables import relay_actions, relay_answers
from connector.testing.clock import FakeClock
from tests.relay_house import (
    ADDRESS,
    BLOG_SECRET,
    MUG,
    NEWS_SECRET,
    Answered,
    Process,
    RelayHouse,
)

pytestmark = pytest.mark.anyio
PATH = "/v1/actions?site=blog"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path, clock=FakeClock())
    yield house
    house.database.close()


@pytest.fixture
async def relay(house: RelayHouse) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


async def until_done(relay: Process, identity: str) -> Answered:
    """The answer to an action, once the worker has it."""
    for _ in range(500):
        answer = await relay.outcome(identity)
        if answer.status != 202:
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError("the action was not done")


async def test_a_cms_buys_in_a_shoppers_name(relay: Process, house: RelayHouse) -> None:
    made = await relay.act("create_cart", body={"lines": [{"sku": "MUG-1", "quantity": 2}]})
    assert made.status == 200
    token = made.body["token"]
    details = {"email": "ada@lovelace.example", "shipping_address": ADDRESS}
    await relay.act("update_cart", token=token, body=details)
    await relay.act("choose_shipping", token=token, body={"option": "pickup"})
    await relay.act("choose_payment", token=token, body={"provider": "test"})
    line = made.body["cart"]["lines"][0]["id"]
    changed = await relay.act("set_line", token=token, line=line, body={"quantity": 1})
    assert changed.body["cart"]["total"]["minor"] == 1990
    ordered = await relay.act("complete_cart", token=token, body={"total_minor": 1990})
    assert ordered.body["order"]["total"]["minor"] == 1990
    assert len(house.carts.orders) == 1


async def test_the_page_and_its_server_share_a_cart(relay: Process) -> None:
    """Without JavaScript the server holds the token; with it, the page does."""
    made = await relay.act("create_cart", body={"lines": [{"sku": "MUG-1"}]})
    token = made.body["token"]
    added = await relay.ask("POST", "/carts/current/lines", {"variant": MUG}, token=token)
    assert added.body["cart"]["pieces"] == 2
    pages = await relay.begin({"sku": "MUG-1"})
    assert (await relay.act("read_cart", token=pages)).body["cart"]["pieces"] == 1


async def test_an_action_repeated_happens_once_and_answers_the_same(relay: Process) -> None:
    token = (await relay.act("create_cart")).body["token"]
    wish = {"token": token, "body": {"variant": MUG}}
    answers = [await relay.act("add_line", identity="msg_again", **wish) for _ in range(3)]
    assert answers[0].body == answers[1].body == answers[2].body
    assert (await relay.act("read_cart", token=token)).body["cart"]["pieces"] == 1
    other = await relay.act("add_line", identity="msg_again", token=token, body={"sku": "LAMP-1"})
    assert (other.status, other.word) == (422, "key-reused")


async def test_not_waiting_is_answered_202_and_done(relay: Process, house: RelayHouse) -> None:
    kept = await relay.act("create_cart", identity="msg_later", wait=False, body={})
    assert (kept.status, kept.body) == (202, {"id": "msg_later", "state": "waiting"})
    done = await until_done(relay, "msg_later")
    assert done.status == 200
    again = await relay.act("create_cart", identity="msg_later", wait=False, body={})
    assert again.body == done.body
    assert len(house.carts.carts) == 1
    nothing = await relay.outcome("msg_never_sent")
    assert nothing.status == 404


async def test_an_action_waits_for_an_engine_that_is_away(
    house: RelayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "IDLE_SECONDS", 0.01)
    house.carts.fail_with = TargetDown("closed")
    assert isinstance(house.clock, FakeClock)
    async with house.process() as relay:
        assert (await relay.act("create_cart", identity="msg_1", wait=False)).status == 202
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert (await relay.outcome("msg_1")).status == 202
        waiting = await relay.act("create_cart", identity="msg_2")
        assert (waiting.status, waiting.word) == (503, "engine-away")
    house.carts.fail_with = None
    house.clock.advance(seconds=60)
    async with house.process() as relay:
        assert (await until_done(relay, "msg_1")).status == 200
    assert len(house.carts.carts) == 1


async def test_what_dies_with_its_process_is_taken_up_by_the_next(
    house: RelayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "IDLE_SECONDS", 0.01)
    assert isinstance(house.clock, FakeClock)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(Relay, "perform", never)
        async with house.process() as relay:
            assert (await relay.act("create_cart", identity="msg_1", wait=False)).status == 202
            while not _owned(house):
                await asyncio.sleep(0.01)
    house.clock.advance(seconds=actions.LEASE.total_seconds() + 1)
    async with house.process() as relay:
        assert (await until_done(relay, "msg_1")).status == 200


def _owned(house: RelayHouse) -> bool:
    with house.database.read() as connection:
        return connection.execute(select(relay_actions.c.owner)).scalar() is not None


async def test_nothing_personal_rests_readable_in_the_state(
    relay: Process, house: RelayHouse
) -> None:
    secrets = ["ada@lovelace.example", "Lovelace Street", "10117", "Ada"]
    address = {**ADDRESS, "line_1": "Lovelace Street 1"}
    details = {"email": secrets[0], "shipping_address": address}
    token = await relay.begin({"sku": "MUG-1"})
    await relay.ask("PATCH", "/carts/current", details, token=token)
    await relay.act("update_cart", identity="msg_1", token=token, body=details, wait=False)
    await until_done(relay, "msg_1")
    (identity,) = house.carts.carts
    with house.database.write() as connection:
        connection.exec_driver_sql("SELECT 1")
    path = house.database.path
    assert path is not None
    content = b"".join(each.read_bytes() for each in path.parent.glob("state.db*"))
    for text in [*secrets, token, identity]:
        assert text.encode() not in content, text
    with house.database.read() as connection:
        assert connection.execute(select(relay_actions.c.body)).scalar_one() is None
        assert connection.execute(select(relay_answers.c.answer)).first() is not None


# ---- how often ----

ADA, BOB = "a" * 32, "b" * 32
"""What a CMS calls two shoppers."""
MANY = 1_000_000


async def test_each_shopper_of_a_cms_has_a_rate_of_their_own(tmp_path: Path) -> None:
    house = RelayHouse.build(tmp_path, clock=FakeClock(), limits=Limits(1, MANY, MANY))
    async with house.process() as relay:
        assert (await relay.act("create_cart", client=ADA)).status == 200
        for wait in (True, False):
            refused = await relay.act("create_cart", client=ADA, wait=wait)
            assert (refused.status, refused.word) == (429, "rate")
            assert int(refused.headers["retry-after"]) >= 1
        assert (await relay.act("create_cart", client=BOB)).status == 200
        assert (await relay.act("create_cart")).status == 200
        other = await relay.act("create_cart", client=ADA, secret=NEWS_SECRET, site="news")
        assert other.status == 200
    assert len(house.carts.carts) == 4
    house.database.close()


async def test_a_shopper_who_guesses_through_a_cms_is_stopped_alone(tmp_path: Path) -> None:
    house = RelayHouse.build(tmp_path, clock=FakeClock(), limits=Limits(MANY, MANY, 1))
    async with house.process() as relay:
        guesses = [await relay.act("read_cart", client=ADA, token="cct_guess") for _ in range(3)]
        assert [each.word for each in guesses] == ["unknown-cart", "rate", "rate"]
        assert (await relay.act("read_cart", client=BOB, token="cct_guess")).status == 404
    house.database.close()


# ---- proof ----


def message() -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"action": "create_cart"}).encode()
    now = int(FakeClock().now().timestamp())
    return body, signed_headers(BLOG_SECRET, "msg_proof", now, body)


async def posted(relay: Process, body: bytes, headers: dict[str, str], path: str = PATH) -> Any:
    return await relay.send(
        "POST", path, content=body, headers={"content-type": "application/json", **headers}
    )


async def test_only_the_sites_own_signature_counts(relay: Process, house: RelayHouse) -> None:
    body, good = message()
    now = int(FakeClock().now().timestamp())
    signature = good["webhook-signature"]
    for spoiled in (
        {},
        {**good, "webhook-signature": ""},
        {**good, "webhook-signature": signature[:-4]},
        {**good, "webhook-signature": signature.swapcase()},
        {**good, "webhook-signature": signature.replace("v1,", "v1a,")},
        {**good, "webhook-signature": signature.replace("v1,", "v2,")},
        {**good, "webhook-id": "msg_other"},
        {**good, "webhook-timestamp": str(now + 1)},
        {**good, "webhook-timestamp": "soon"},
        signed_headers(NEWS_SECRET, "msg_proof", now, body),
        signed_headers(BLOG_SECRET, "msg_proof", now - 301, body),
        signed_headers(BLOG_SECRET, "msg_proof", now + 301, body),
        signed_headers(BLOG_SECRET, "msg_proof", now, body + b" "),
    ):
        answer = await posted(relay, body, spoiled)
        assert (answer.status, answer.word) == (401, "signature"), spoiled
    for path in ("/v1/actions?site=news", "/v1/actions?site=nobody", "/v1/actions"):
        assert (await posted(relay, body, good, path)).status == 401
    assert house.carts.carts == {}
    assert (await posted(relay, body, good)).status == 200


async def test_ten_thousand_altered_bodies_are_all_refused(relay: Process) -> None:
    """By the verifier itself; over HTTP the same would only take longer."""
    from connector.errors import BadSignature
    from connector.signing import verify

    body, headers = message()
    dice, now = random.Random(11), FakeClock().now()
    for _ in range(10_000):
        altered = bytearray(body)
        altered[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        with pytest.raises(BadSignature):
            verify([BLOG_SECRET], headers, bytes(altered), now)


async def test_two_secrets_are_good_while_they_are_changed(house: RelayHouse) -> None:
    new = Secret(b"w" * 32)
    async with house.process() as relay:
        fronts = relay.service.relay.storefronts
        site = next(iter(fronts))
        object.__setattr__(fronts[site], "secrets", (new, BLOG_SECRET))
        assert (await relay.act("create_cart", secret=BLOG_SECRET)).status == 200
        assert (await relay.act("create_cart", secret=new)).status == 200
        object.__setattr__(fronts[site], "secrets", (new,))
        assert (await relay.act("create_cart", secret=BLOG_SECRET)).status == 401
        body = json.dumps({"action": "create_cart"}).encode()
        now = int(house.clock.now().timestamp())
        both = f"{sign(Secret(b'z' * 32), 'msg_b', now, body)} {sign(new, 'msg_b', now, body)}"
        headers = {
            "webhook-id": "msg_b",
            "webhook-timestamp": str(now),
            "webhook-signature": both,
        }
        assert (await posted(relay, body, headers)).status == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b'{"action": "create_cart", "action": "read_cart"}', "malformed"),
        (b'{"action": "drop_tables"}', "invalid"),
        (b'{"action": "create_cart", "price": 1}', "invalid"),
        (b'{"action": "create_cart", "body": {"lines": [{"sku": "A", "price": 1}]}}', "invalid"),
        (b'{"action": "create_cart", "client": "203.0.113.7"}', "invalid"),
        (b'{"action": "create_cart", "client": "short"}', "invalid"),
        (b'{"action": "read_cart"}', "unknown-cart"),
        (b'{"action": "set_line", "token": "x", "line": "../../admin"}', "invalid"),
    ],
)
async def test_a_signed_body_is_still_read_strictly(relay: Process, body: bytes, word: str) -> None:
    now = int(FakeClock().now().timestamp())
    headers = signed_headers(BLOG_SECRET, "msg_x", now, body)
    answer = await posted(relay, body, headers)
    assert answer.word == word


async def test_a_large_body_is_not_read(relay: Process) -> None:
    body = b"x" * (256 * 1024 + 1)
    now = int(FakeClock().now().timestamp())
    answer = await posted(relay, body, signed_headers(BLOG_SECRET, "msg_x", now, body))
    assert (answer.status, answer.word) == (413, "too-large")
