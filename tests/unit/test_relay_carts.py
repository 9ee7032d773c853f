"""Carts through the relay's HTTP: a whole purchase, what changed, one effect for each intention."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connector.errors import TargetDown, TryAgain
from tests.relay_house import (
    ADDRESS,
    BLOG_ORIGIN,
    LAMP,
    MUG,
    NEWS,
    NEWS_ORIGIN,
    Process,
    RelayHouse,
)

pytestmark = pytest.mark.anyio
CURRENT = "/carts/current"
KEY = "an-idempotency-key-1"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path)
    yield house
    house.database.close()


@pytest.fixture
async def relay(house: RelayHouse) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


# ---- a purchase ----


async def test_a_whole_purchase_by_steps(relay: Process, house: RelayHouse) -> None:
    made = await relay.ask("POST", "/carts", {"lines": [{"sku": "MUG-1", "quantity": 2}]})
    assert made.status == 201
    token, cart = made.body["token"], made.body["cart"]
    assert cart["total"] == {"minor": 3980, "currency": "EUR", "text": "39,80\xa0€"}
    assert (cart["market"], cart["pieces"], cart["ordered"]) == ("de", 2, False)
    assert cart["needs"] == ["lines", "email", "shipping_address", "shipping", "payment"][1:]
    added = await relay.ask("POST", CURRENT + "/lines", {"variant": LAMP}, token=token)
    assert added.body["cart"]["total"]["minor"] == 8880
    line = added.body["cart"]["lines"][0]["id"]
    changed = await relay.ask("PUT", f"{CURRENT}/lines/{line}", {"quantity": 1}, token=token)
    assert changed.body["cart"]["total"]["minor"] == 6890
    reduced = await relay.ask("POST", CURRENT + "/promotions", {"code": "TEN"}, token=token)
    assert reduced.body["cart"]["discount"]["minor"] == 689
    full = await relay.ask("DELETE", CURRENT + "/promotions/TEN", token=token)
    assert full.body["cart"]["discount"]["minor"] == 0
    details = {"email": "ada@lovelace.example", "shipping_address": ADDRESS}
    told = await relay.ask("PATCH", CURRENT, details, token=token)
    assert told.body["cart"]["email"] == "ada@lovelace.example"
    options = await relay.ask("GET", CURRENT + "/shipping-options", token=token)
    assert [each["id"] for each in options.body["options"]] == ["post", "pickup"]
    await relay.ask("PUT", CURRENT + "/shipping", {"option": "post"}, token=token)
    providers = await relay.ask("GET", CURRENT + "/payment-providers", token=token)
    assert providers.body == {"providers": [{"id": "test"}]}
    paying = await relay.ask("PUT", CURRENT + "/payment", {"provider": "test"}, token=token)
    assert paying.body["cart"]["payment"]["session"]["client_secret"]
    going = await relay.ask("POST", CURRENT + "/checkout", {}, token=token)
    assert (going.body["kind"], going.body["url"], going.body["changes"]) == ("steps", None, [])
    early = await relay.ask("GET", CURRENT + "/order", token=token)
    assert (early.status, early.word) == (404, "no-order")
    agreed = {"total_minor": going.body["cart"]["total"]["minor"]}
    ordered = await relay.ask("POST", CURRENT + "/complete", agreed, token=token)
    assert ordered.status == 200
    order = ordered.body["order"]
    assert order["total"]["minor"] == 6890 + 490
    assert "ada" not in str(order).lower()
    assert len(house.carts.orders) == 1
    again = await relay.ask("GET", CURRENT + "/order", token=token)
    assert again.body["order"] == order
    late = await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token)
    assert (late.status, late.word) == (409, "ordered")


async def test_the_engines_cart_id_never_leaves_the_relay(
    relay: Process, house: RelayHouse
) -> None:
    token, _ = await relay.ready()
    (identity,) = house.carts.carts
    answers = [
        await relay.ask("GET", CURRENT, token=token),
        await relay.ask("POST", CURRENT + "/checkout", {}, token=token),
        await relay.ask("POST", CURRENT + "/handover", {"to": NEWS}, token=token),
    ]
    assert not [each for each in answers if identity in str(each.body) + str(each.headers)]
    assert identity not in token


async def test_removing_is_absolute_and_an_unknown_line_is_told(relay: Process) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    cart = (await relay.ask("GET", CURRENT, token=token)).body["cart"]
    path = f"{CURRENT}/lines/{cart['lines'][0]['id']}"
    for _ in range(2):
        gone = await relay.ask("DELETE", path, token=token)
        assert (gone.status, gone.body["cart"]["lines"]) == (200, [])
    more = await relay.ask("PUT", path, {"quantity": 2}, token=token)
    assert (more.status, more.word) == (404, "unknown-line")


async def test_the_market_chosen_decides_language_and_text(relay: Process) -> None:
    made = await relay.ask("POST", "/carts", {"market": "en", "lines": [{"sku": "MUG-1"}]})
    assert made.body["cart"]["total"]["text"] == "€19.90"
    wrong = await relay.ask(
        "POST", CURRENT + "/promotions", {"code": "NOPE"}, token=made.body["token"]
    )
    assert wrong.body["detail"] == "This code is not valid."
    nowhere = await relay.ask("POST", "/carts", {"market": "fr"})
    assert (nowhere.status, nowhere.body["errors"][0]["field"]) == (422, "market")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ({"sku": "NOBODY"}, "unknown-product"),
        ({"variant": "v-nobody"}, "unknown-product"),
        ({"sku": "LAMP-1", "quantity": 4}, "out-of-stock"),
    ],
)
async def test_what_cannot_be_had_is_said(
    relay: Process, line: dict[str, object], word: str
) -> None:
    token = await relay.begin()
    answer = await relay.ask("POST", CURRENT + "/lines", line, token=token)
    assert answer.word == word
    if word == "out-of-stock":
        assert answer.body["left"] == 3
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["lines"] == []


# ---- what changed meanwhile ----


async def test_a_shopper_is_told_what_changed_before_going_on(
    relay: Process, house: RelayHouse
) -> None:
    token = await relay.begin({"sku": "MUG-1", "quantity": 2}, {"sku": "LAMP-1", "quantity": 3})
    house.carts.reprice(MUG, 2490)
    house.carts.restock(LAMP, 1)
    answer = await relay.ask("POST", CURRENT + "/checkout", {}, token=token)
    assert [each["kind"] for each in answer.body["changes"]] == ["price", "quantity"]
    price, quantity = answer.body["changes"]
    assert (price["before"]["minor"], price["after"]["minor"]) == (1990, 2490)
    assert (quantity["before"], quantity["after"], quantity["sku"]) == (3, 1, "LAMP-1")
    assert "2.490" not in price["says"]
    assert "24,90\xa0€ statt 19,90\xa0€" in price["says"]
    assert answer.body["cart"]["subtotal"]["minor"] == 2 * 2490 + 4900
    again = await relay.ask("POST", CURRENT + "/refresh", token=token)
    assert again.body["changes"] == []


async def test_what_is_no_longer_sold_leaves_the_cart_and_is_told(
    relay: Process, house: RelayHouse
) -> None:
    token = await relay.begin({"sku": "MUG-1"}, {"sku": "LAMP-1"})
    house.carts.withdraw(LAMP)
    answer = await relay.ask("POST", CURRENT + "/refresh", token=token)
    (gone,) = answer.body["changes"]
    assert (gone["kind"], gone["before"], gone["after"]) == ("gone", 1, 0)
    assert [each["sku"] for each in answer.body["cart"]["lines"]] == ["MUG-1"]


async def test_nobody_pays_another_price_than_agreed(relay: Process, house: RelayHouse) -> None:
    token, total = await relay.ready()
    house.carts.reprice(MUG, 2490)
    path = CURRENT + "/complete"
    stopped = await relay.ask("POST", path, {"total_minor": total}, token=token)
    assert (stopped.status, stopped.word) == (409, "cart-changed")
    assert stopped.body["changes"][0]["after"]["minor"] == 2490
    assert house.carts.orders == {}
    new = stopped.body["cart"]["total"]["minor"]
    lied = await relay.ask("POST", path, {"total_minor": 1}, token=token)
    assert lied.word == "cart-changed"
    bought = await relay.ask("POST", path, {"total_minor": new}, token=token)
    assert bought.body["order"]["total"]["minor"] == new == 2 * 2490 + 490


async def test_a_total_that_moved_before_is_told_as_a_total(
    relay: Process, house: RelayHouse
) -> None:
    token, agreed = await relay.ready({"sku": "MUG-1", "quantity": 2})
    house.carts.reprice(MUG, 2500)
    await relay.ask("POST", "/carts/current/refresh", {}, token=token)
    wish = {"total_minor": agreed}
    stopped = await relay.ask("POST", "/carts/current/complete", wish, token=token)
    assert (stopped.status, stopped.word) == (409, "cart-changed")
    (change,) = stopped.body["changes"]
    assert (change["kind"], change["before"]["minor"]) == ("total", agreed)
    assert change["after"]["minor"] == agreed + 2 * (2500 - 1990)
    assert house.carts.orders == {}


async def test_an_order_is_not_made_of_what_was_sold_out(relay: Process, house: RelayHouse) -> None:
    token, total = await relay.ready()
    house.carts.restock(MUG, 1)
    agreed = {"total_minor": total}
    stopped = await relay.ask("POST", CURRENT + "/complete", agreed, token=token)
    assert (stopped.word, stopped.body["changes"][0]["kind"]) == ("cart-changed", "quantity")
    assert house.carts.orders == {}


async def test_what_is_missing_is_said_before_anything_else(relay: Process) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    answer = await relay.ask("POST", CURRENT + "/complete", {"total_minor": 1990}, token=token)
    assert (answer.status, answer.word) == (409, "incomplete")
    assert answer.body["needs"] == ["email", "shipping_address", "shipping", "payment"]


# ---- once ----


async def test_the_same_key_gives_the_same_answer_and_one_effect(
    relay: Process, house: RelayHouse
) -> None:
    made = [await relay.ask("POST", "/carts", {}, key=KEY) for _ in range(3)]
    assert made[0].body == made[1].body == made[2].body
    assert len(house.carts.carts) == 1
    token = made[0].body["token"]
    path = CURRENT + "/lines"
    added = [
        await relay.ask("POST", path, {"variant": MUG, "quantity": 2}, token=token, key=KEY)
        for _ in range(3)
    ]
    assert added[0].body == added[1].body == added[2].body
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 2


async def test_a_refusal_is_kept_too(relay: Process, house: RelayHouse) -> None:
    token = await relay.begin()
    wish = {"sku": "LAMP-1", "quantity": 9}
    first = await relay.ask("POST", CURRENT + "/lines", wish, token=token, key=KEY)
    house.carts.restock(LAMP, 50)
    second = await relay.ask("POST", CURRENT + "/lines", wish, token=token, key=KEY)
    assert first.body == second.body
    assert second.word == "out-of-stock"


async def test_a_key_for_something_else_is_refused(relay: Process) -> None:
    token = await relay.begin()
    await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
    other = await relay.ask("POST", CURRENT + "/lines", {"variant": LAMP}, token=token, key=KEY)
    assert (other.status, other.word) == (422, "key-reused")


@pytest.mark.parametrize("key", ["", "short", "with spaces in the key", "ü" * 20, "x" * 129])
async def test_a_post_without_a_good_key_is_told_so(relay: Process, key: str) -> None:
    answer = await relay.send(
        "POST",
        "/v1/blog/carts",
        content=b"{}",
        headers={
            "content-type": "application/json",
            "idempotency-key": key.encode("latin-1"),
        },
    )
    assert (answer.status, answer.word) == (400, "key-missing")


async def test_what_is_asked_twice_at_once_happens_once(relay: Process) -> None:
    token = await relay.begin()
    answers = await asyncio.gather(
        *(
            relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
            for _ in range(8)
        )
    )
    assert {each.status for each in answers} == {200}
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 1


async def test_many_at_once_for_one_cart_all_count(relay: Process) -> None:
    token = await relay.begin()
    answers = await asyncio.gather(
        *(relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token) for _ in range(8))
    )
    assert {each.status for each in answers} == {200}
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 8


async def test_a_lost_answer_is_found_by_reading(relay: Process, house: RelayHouse) -> None:
    token = await relay.begin()
    house.carts.lose_answers = 1
    added = await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token)
    assert (added.status, added.body["cart"]["pieces"]) == (200, 1)
    assert house.carts.calls["add"] == 1
    house.carts.lose_answers = 1
    more = await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token)
    assert (more.status, more.body["cart"]["pieces"]) == (200, 2)
    assert house.carts.calls["change"] == 1


async def test_a_lost_order_is_found_and_made_once(relay: Process, house: RelayHouse) -> None:
    token, total = await relay.ready()
    house.carts.lose_writes("complete", 1)
    done = await relay.ask("POST", CURRENT + "/complete", {"total_minor": total}, token=token)
    assert done.status == 200
    assert len(house.carts.orders) == 1
    again = await relay.ask("POST", CURRENT + "/complete", {"total_minor": total}, token=token)
    assert again.body["order"] == done.body["order"]


async def test_an_engine_that_is_away_is_said_and_nothing_is_kept(
    relay: Process, house: RelayHouse
) -> None:
    token = await relay.begin()
    for error, seconds in ((TargetDown("gone"), "5"), (TryAgain("x", retry_after_seconds=7), "7")):
        house.carts.fail_with = error
        away = await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
        assert (away.status, away.word) == (503, "engine-away")
        assert away.headers["retry-after"] == seconds
    house.carts.fail_with = None
    back = await relay.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
    assert (back.status, back.body["cart"]["pieces"]) == (200, 1)


# ---- two processes, two sites ----


async def test_two_processes_serve_one_shopper(house: RelayHouse) -> None:
    async with house.process() as one, house.process() as two:
        token = await one.begin({"sku": "MUG-1"})
        assert (await two.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 1
        first = await one.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
        again = await two.ask("POST", CURRENT + "/lines", {"variant": MUG}, token=token, key=KEY)
        assert first.body == again.body
        path = CURRENT + "/lines"
        answers = await asyncio.gather(
            *(
                process.ask("POST", path, {"variant": MUG}, token=token)
                for process in (one, two) * 3
            )
        )
        assert {each.status for each in answers} == {200}
        assert (await one.ask("GET", CURRENT, token=token)).body["cart"]["pieces"] == 8


async def test_a_cart_goes_over_to_another_site_once(relay: Process) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    given = await relay.ask("POST", CURRENT + "/handover", {"to": NEWS}, token=token)
    code = given.body["code"]
    here = await relay.ask("POST", "/carts/claim", {"code": code})
    assert (here.status, here.word) == (404, "unknown-code"), "it is for the other site alone"
    taken = [
        await relay.ask(
            "POST", "/carts/claim", {"code": code}, site=NEWS, origin=NEWS_ORIGIN, key=KEY
        )
        for _ in range(2)
    ]
    assert taken[0].status == 200
    assert taken[0].body == taken[1].body
    assert taken[0].body["cart"]["market"] == "en"
    theirs = taken[0].body["token"]
    read = await relay.ask("GET", CURRENT, token=theirs, site=NEWS, origin=NEWS_ORIGIN)
    assert read.body["cart"]["pieces"] == 1
    again = await relay.ask("POST", "/carts/claim", {"code": code}, site=NEWS, origin=NEWS_ORIGIN)
    assert again.word == "unknown-code"


async def test_a_cart_goes_only_to_a_site_of_the_same_backend(relay: Process) -> None:
    token = await relay.begin()
    for site in ("other", "nowhere"):
        answer = await relay.ask("POST", CURRENT + "/handover", {"to": site}, token=token)
        assert (answer.status, answer.word) == (422, "invalid")


async def test_merging_takes_the_larger_quantity_however_often(relay: Process) -> None:
    mine = await relay.begin({"sku": "MUG-1", "quantity": 3})
    other = await relay.begin({"sku": "MUG-1", "quantity": 2}, {"sku": "LAMP-1", "quantity": 2})
    for _ in range(2):
        merged = await relay.ask("POST", CURRENT + "/merge", {"from": other}, token=mine)
        quantities = {each["sku"]: each["quantity"] for each in merged.body["cart"]["lines"]}
        assert quantities == {"MUG-1": 3, "LAMP-1": 2}
    refused = await relay.ask("POST", CURRENT + "/merge", {"from": "cct_none"}, token=mine)
    assert refused.word == "unknown-cart"


async def test_what_was_ordered_is_not_put_into_another_cart(relay: Process) -> None:
    ordered, total = await relay.ready({"sku": "MUG-1", "quantity": 2})
    agreed = {"total_minor": total}
    assert (await relay.ask("POST", CURRENT + "/complete", agreed, token=ordered)).status == 200
    mine = await relay.begin({"sku": "LAMP-1", "quantity": 1})
    merged = await relay.ask("POST", CURRENT + "/merge", {"from": ordered}, token=mine)
    assert [each["sku"] for each in merged.body["cart"]["lines"]] == ["LAMP-1"]


async def test_a_cart_becomes_that_of_who_has_logged_in(relay: Process, house: RelayHouse) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    path = "/carts/current/customer"
    for _ in range(2):
        mine = await relay.ask("PUT", path, {"login": "login-of-ada"}, token=token)
        assert (mine.status, mine.body["cart"]["email"]) == (200, "ada@lovelace.example")
    wrong = await relay.ask("PUT", path, {"login": "login-of-nobody"}, token=token)
    assert (wrong.status, wrong.word) == (422, "customer")
    assert wrong.body["detail"] == "Bitte melden Sie sich noch einmal an."
    for odd in ("", "a b", "a\r\nx: y", "\x00", "\u00e9", "x" * 5000):
        refused = await relay.ask("PUT", path, {"login": odd}, token=token)
        assert refused.word == "invalid", odd
    house.carts.lose_writes("assign", 1)
    lost = await relay.ask("PUT", path, {"login": "login-of-ada"}, token=token)
    assert (lost.status, lost.word) == (503, "outcome-unknown")
    again = await relay.ask("PUT", path, {"login": "login-of-ada"}, token=token)
    assert again.status == 200


async def test_what_a_site_sells_in_is_told(relay: Process) -> None:
    answer = await relay.ask("GET", "")
    assert answer.body == {
        "site": "blog",
        "markets": [
            {"name": "de", "locale": "de-DE", "currency": "EUR"},
            {"name": "en", "locale": "en-GB", "currency": "EUR"},
        ],
        "checkout": "steps",
        "promotions": True,
        "customers": True,
        "most_of_a_line": 999,
    }
    assert answer.headers["access-control-allow-origin"] == BLOG_ORIGIN
