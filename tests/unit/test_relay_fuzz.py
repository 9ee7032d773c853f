"""2,000 odd requests over every route: none is answered 500, each as the document says.

REQUESTS=20000 makes the long version. And what a shopper tells us is in no log, metric or error.
"""

from __future__ import annotations

import json
import os
import random
import string
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from tests.openapi import DOCUMENT, METHODS, resolved
from tests.relay_house import BLOG_ORIGIN, BLOG_SECRET, KEY, LAMP, MUG, Process, RelayHouse

pytestmark = pytest.mark.anyio
REQUESTS = int(os.environ.get("REQUESTS", "2000"))
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, "", "x", "é\u202e\u0000", "a" * 5000, "../../..", "%00", "\r\n",
    "' OR 1=1 --", "<script>", "{{7*7}}", [], {}, [[[[]]]], {"a": {"b": {}}},
]  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path)
    house.confirm(MUG, "MUG-1", 1990)
    yield house
    house.database.close()


@pytest.fixture
async def relay(house: RelayHouse) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


class Dice(random.Random):
    """Makes requests that are nearly right."""

    def value(self, schema: dict[str, Any]) -> Any:
        schema = resolved(schema)
        if self.random() < 0.15:
            return self.choice(ODD)
        if "allOf" in schema or "anyOf" in schema:
            return self.value(self.choice(schema.get("allOf") or schema["anyOf"]))
        if "enum" in schema:
            return self.choice(schema["enum"])
        kind = schema.get("type", "string")
        match kind if isinstance(kind, str) else self.choice(kind):
            case "object":
                return self.object(schema)
            case "array":
                return [self.value(schema["items"]) for _ in range(self.randrange(4))]
            case "integer":
                return self.choice([0, 1, 2, 999, 1000, self.randrange(-5, 2000)])
            case "boolean":
                return self.random() < 0.5
            case _:
                known = [MUG, LAMP, "MUG-1", "TEN", "post", "test", "de", "news", "DE", "a@b.c"]
                return self.choice([*known, self.word()])

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        made = {
            name: self.value(part)
            for name, part in schema.get("properties", {}).items()
            if name in schema.get("required", ()) or self.random() < 0.5
        }
        if self.random() < 0.1:
            made[self.word()] = self.choice(ODD)
        return made

    def word(self) -> str:
        return "".join(self.choices(string.printable, k=self.randrange(1, 20)))


def routes() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, item[method])
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item and "stream" not in path
    ]


async def test_no_request_is_answered_500(relay: Process) -> None:
    dice, seen = Dice(5), set()
    tokens = [await relay.begin({"sku": "MUG-1"}) for _ in range(3)]
    for _ in range(REQUESTS):
        method, path, operation = dice.choice(routes())
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        content = json.dumps(dice.value(body["schema"])).encode() if body else None
        if content and dice.random() < 0.05:
            content = content[: dice.randrange(len(content))]
        site = "blog" if dice.random() < 0.95 else dice.choice(["news", "other", "nobody"])
        filled = path.replace("{site}", site).replace("{line}", f"line_{dice.randrange(9):06}")
        filled = filled.replace("{code}", "TEN").replace("{id}", "msg_1")
        if "offers" in path:
            filled += f"?sku=MUG-1&sku={dice.randrange(99)}"
        headers = {
            "authorization": f"Bearer {dice.choice([*tokens, 'cct_no', ''])}",
            "content-type": dice.choice(["application/json"] * 9 + ["text/plain"]),
            "idempotency-key": f"{dice.getrandbits(128):032x}",
            "origin": dice.choice([BLOG_ORIGIN] * 9 + ["https://evil.example"]),
        }
        answer = await relay.send(method, filled, content=content, headers=headers)
        assert answer.status < 500, (method, filled, content)
        seen.add((operation["operationId"], answer.status // 100))
    reached = {name for name, kind in seen if kind == 2}
    assert len(reached) >= 12, reached


async def test_signed_nonsense_is_answered_like_any_other(relay: Process) -> None:
    dice = Dice(6)
    schema = DOCUMENT["components"]["schemas"]["Action"]
    for _ in range(min(REQUESTS, 400)):
        wish = dice.object(schema)
        body = dict(wish, wait=dice.random() < 0.8)
        action = body.pop("action", "create_cart")
        answer = await relay.act(action, secret=BLOG_SECRET, **body)
        assert answer.status < 500, wish


async def test_what_a_shopper_says_is_in_no_log_metric_or_error(
    relay: Process, house: RelayHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    canaries = {
        "email": "canary.7f3a@mail.example",
        "street": "Canary Road 7f3a",
        "card": "4111111111111111",
        "code": "CANARYCODE7F3A",
        "login": "canary-login-7f3a",
    }
    address = {"line_1": canaries["street"], "country": "DE"}
    current = "/carts/current"
    token = await relay.begin({"sku": "MUG-1"})
    answers = []
    for body in (
        {"email": canaries["email"], "shipping_address": address},
        {"email": canaries["email"] + " x", "shipping_address": {**address, "odd": 1}},
        {"shipping_address": {**address, "company": canaries["card"]}},
    ):
        for _ in range(2):
            answers.append(await relay.ask("PATCH", current, body, token=token))
            answers.append(await relay.act("update_cart", token=token, body=body))
    login = {"login": canaries["login"]}
    answers.append(await relay.ask("PUT", current + "/customer", login, token=token))
    answers.append(await relay.act("assign_cart", token=token, body=login))
    wish = {"code": canaries["code"]}
    answers.append(await relay.ask("POST", current + "/promotions", wish, token=token))
    house.carts.fail_with = RuntimeError(canaries["email"])  # type: ignore[assignment]
    broken = await relay.ask("GET", current, token=token)
    assert (broken.status, broken.word) == (503, "unavailable")
    problems = json.dumps([each.body for each in (*answers, broken) if each.status >= 400])
    logged = capsys.readouterr()
    counted = generate_latest(house.registry).decode()
    assert "update_cart" in counted
    (identity,) = house.carts.carts
    for secret in (*canaries.values(), token, identity, KEY.key.decode(), BLOG_SECRET.key.decode()):
        for where in (logged.out, logged.err, problems, counted):
            assert secret not in where, secret
