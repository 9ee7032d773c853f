"""What tries to get in: other origins, odd paths, bodies, prices, cards, ways back; floods."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.relay import guard, shapes
from connector.relay.front import origin_of
from connector.relay.guard import Buckets
from connector.relay.problems import Problem
from connector.relay.relay import Limits
from tests.relay_house import (
    ADDRESS,
    BLOG,
    BLOG_ORIGIN,
    MUG,
    Answered,
    Process,
    RelayHouse,
    storefronts,
)

CURRENT = "/carts/current"
KEY = "an-idempotency-key-1"
JSON = {"content-type": "application/json", "idempotency-key": KEY}


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


async def post(relay: Process, body: bytes, **headers: str) -> Answered:
    path = "/v1/blog/carts"
    return await relay.send("POST", path, content=body, headers={**JSON, **headers})


# ---- origins ----


@pytest.mark.anyio
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://blog.example.evil.example",
        "https://evilblog.example",
        "http://blog.example",
        "https://blog.example:444",
        "https://blog.example/",
        "https://BLOG.example",
        "https://blog.example https://evil.example",
        "null",
        "*",
        "",
        "file://",
        "https://news.example",
    ],
)
async def test_pages_of_another_origin_get_nothing(
    relay: Process, house: RelayHouse, origin: str
) -> None:
    for method, path in (("POST", "/carts"), ("GET", ""), ("GET", CURRENT), ("OPTIONS", "/carts")):
        headers = {**JSON, "origin": origin}
        answer = await relay.client.request(method, f"/v1/blog{path}", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert answer.json()["type"].endswith(":origin")
    assert house.carts.carts == {}


@pytest.mark.anyio
@pytest.mark.parametrize("origin", [BLOG_ORIGIN, "https://www.blog.example"])
async def test_a_sites_own_pages_may_ask_and_no_wildcard_is_given(
    relay: Process, origin: str
) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    preflight = await relay.client.options("/v1/blog/carts", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"]
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed.split(", "))
    assert preflight.headers["vary"] == "Origin"
    made = await relay.client.post("/v1/blog/carts", headers={**JSON, "origin": origin})
    assert made.headers["access-control-allow-origin"] == origin
    for answer in (preflight, made):
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_a_client_that_is_no_browser_may_ask_too(relay: Process) -> None:
    made = await relay.ask("POST", "/carts", {}, origin=None)
    assert made.status == 201
    token = made.body["token"]
    assert (await relay.ask("GET", CURRENT, token=token, origin=None)).status == 200
    assert (await relay.ask("GET", CURRENT, token=token)).status == 404


@pytest.mark.anyio
async def test_a_relay_behind_the_pages_own_address_is_read_as_browsers_read_it(
    relay: Process,
) -> None:
    """Browsers say an Origin with a POST there, and none with a GET."""
    token = (await relay.ask("POST", "/carts", {})).body["token"]
    assert (await relay.ask("GET", CURRENT, token=token, origin=None)).status == 200
    line = {"variant": MUG}
    sent = await relay.ask("POST", CURRENT + "/lines", line, token=token, origin=None, key=KEY)
    assert sent.word == "unknown-cart"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_what_a_form_on_another_page_can_send_is_refused(relay: Process, kind: str) -> None:
    answer = await post(relay, b'{"market": "de"}', **{"content-type": kind})
    assert (answer.status, answer.word) == (415, "media-type")


@pytest.mark.anyio
async def test_every_answer_is_safe_to_show(relay: Process) -> None:
    token = await relay.begin()
    for answer in (
        await relay.ask("GET", CURRENT, token=token),
        await relay.ask("GET", CURRENT),
        await relay.ask("GET", ""),
        await relay.send("GET", "/v1/openapi.json"),
        await relay.send("GET", "/v1/nowhere/at/all"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"].startswith("application/")


# ---- paths ----


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/v1/blog/carts/../../metrics",
        "/v1/blog/carts/%2e%2e/%2e%2e/admin",
        "/v1/blog/carts/current/lines/..%2f..%2fadmin",
        "/v1/blog//carts",
        "/v1/blog/carts/current/lines/a%00b",
        "/v1/blog/carts/current/lines/a%0d%0aX: y",
        "/v1/blog/carts/current/lines/%E2%88%95",
        "/v1/BLOG/carts",
        "/v1/admin",
        "/v1/store/carts/cart_1",
        "/v1/blog/carts/cart_000001",
        "/v1/blog/carts/cart_000001/complete",
        "/v1/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_only_the_routes_that_there_are_lead_anywhere(
    relay: Process, house: RelayHouse, method: str, path: str
) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    before = dict(house.carts.calls)
    headers = {**JSON, "authorization": f"Bearer {token}", "origin": BLOG_ORIGIN}
    body = b'{"quantity": 3}' if method in ("PUT", "POST") else None
    answer = await relay.client.request(method, path, headers=headers, content=body)
    assert answer.status_code in (404, 405), path
    after = dict(house.carts.calls)
    after.pop("read", None)
    before.pop("read", None)
    assert after == before


@given(st.text(max_size=40))
def test_an_id_holds_nothing_that_means_something_in_an_address(text: str) -> None:
    if shapes.is_id(text):
        assert not set(text) & set("/?#%\\@ \r\n\t\x00&;'\"<>")
        assert text[0] not in ".-"


# ---- bodies ----


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "malformed"),
        (b'"text"', "malformed"),
        (b"[" * 100_000, "too-large"),
        (b"[" * 20_000, "malformed"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "malformed"),
        (b'{"lines": [{"sku": "A", "sku": "B"}]}', "malformed"),
        (b'{"market": NaN}', "malformed"),
        (b'{"market": Infinity}', "malformed"),
        (b'{"market": "\xff"}', "malformed"),
        (b'{"market": 1e999}', "invalid"),
        (b" " * 33_000, "too-large"),
        (b'{"lines": [' + b",".join([b'{"sku": "A"}'] * 51) + b"]}", "invalid"),
        (b'{"market": "a\\u0000b"}', "invalid"),
        (b'{"market": "a\\r\\nX: y"}', "invalid"),
    ],
)
async def test_a_body_is_read_strictly_and_no_further_than_allowed(
    relay: Process, house: RelayHouse, body: bytes, word: str
) -> None:
    answer = await post(relay, body)
    assert answer.word == word
    assert house.carts.carts == {}


@pytest.mark.anyio
async def test_a_body_without_a_length_is_cut_off(relay: Process) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024

    answer = await relay.client.post("/v1/blog/carts", headers=JSON, content=endless())
    assert answer.status_code == 413
    assert read <= 40


@pytest.mark.anyio
async def test_a_compressed_body_is_not_unpacked(relay: Process) -> None:
    answer = await post(relay, b"\x1f\x8b" + b"\x00" * 60, **{"content-encoding": "gzip"})
    assert (answer.status, answer.word) == (415, "media-type")


@pytest.mark.anyio
@pytest.mark.parametrize("quantity", [0, -1, 1000, 10**9, 1.5, "2", True, None, [1], 10**400])
async def test_only_whole_quantities_that_make_sense_are_taken(
    relay: Process, quantity: Any
) -> None:
    token = await relay.begin()
    wish = {"variant": MUG, "quantity": quantity}
    answer = await relay.ask("POST", CURRENT + "/lines", wish, token=token)
    assert answer.word in ("invalid", "malformed")
    assert (await relay.ask("GET", CURRENT, token=token)).body["cart"]["lines"] == []


@pytest.mark.anyio
@pytest.mark.parametrize("field", ["price", "unit_price", "amount", "total", "discount", "id"])
async def test_a_price_that_a_client_sends_is_refused(
    relay: Process, house: RelayHouse, field: str
) -> None:
    token = await relay.begin()
    wish = {"variant": MUG, "quantity": 1, field: 1}
    answer = await relay.ask("POST", CURRENT + "/lines", wish, token=token)
    assert (answer.status, answer.word) == (422, "invalid")
    assert field not in json.dumps(answer.body["errors"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "x378282246310005y"],
)
async def test_card_numbers_are_refused_and_shown_nowhere(
    relay: Process, house: RelayHouse, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await relay.begin()
    for details in (
        {"shipping_address": {**ADDRESS, "company": number}},
        {"billing_address": {**ADDRESS, "line_2": f"card {number}"}},
        {"email": number},
    ):
        answer = await relay.ask("PATCH", CURRENT, details, token=token)
        assert (answer.status, answer.word) == (422, "card-number")
        assert number not in json.dumps(answer.body)
    (cart,) = house.carts.carts.values()
    assert (cart.email, cart.shipping_address) == (None, None)
    shown = capsys.readouterr()
    assert number not in shown.out + shown.err


@pytest.mark.anyio
async def test_a_telephone_number_is_no_card(relay: Process) -> None:
    token = await relay.begin()
    address = {**ADDRESS, "phone": "+49 30 4111 1111 1111", "postal_code": "4111111"}
    answer = await relay.ask("PATCH", CURRENT, {"shipping_address": address}, token=token)
    assert answer.status == 200


# ---- ways back ----


@pytest.mark.parametrize(
    "url",
    [
        "https://blog.example/thanks",
        "https://blog.example",
        "https://www.blog.example/a?b=c#d",
        "https://blog.example:443/thanks",
        "https://BLOG.EXAMPLE/thanks",
    ],
)
def test_a_way_back_to_the_site_is_good(url: str) -> None:
    assert storefronts(None)[BLOG].may_return_to(url)


HOSTS = ["evil.example", "blog.example.evil.example", "evilblog.example", "blog.example%2eevil.org"]
ODD = [
    "//evil.example/",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https:\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://blog.example/",
    "http://blog.example/",
    "https://blog.example:8443/",
    "https://blog.example@evil.example/",
    "https://blog.example:x@evil.example/",
    "https://evil.example#@blog.example/",
    "https://evil.example?@blog.example/",
    "https://evil.example\\@blog.example/",
    "https://blog.example\\.evil.example/",
    "https://blog.example\t.evil.example/",
    "https://blog.example\n/",
    "https://blog.example /",
    " https://blog.example/",
    "https://blog.example\x00/",
    "https://bl\u00f6g.example/",
    "https://blog.example\u3002evil.example/",
    "https://blog.example\uff0fevil.example/",
    "https://[::1]/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[blog.example]/",
    "https://blog.example:99999/",
    "/thanks",
    "thanks",
    "",
    "?next=x",
    "https://",
    "https://.blog.example/",
    "https://blog.example./",
    "https://blog.example'/",
    'https://blog.example"onload=x/',
    "https://blog.example<script>",
]


@pytest.mark.parametrize("url", [*ODD, *(f"https://{host}/x" for host in HOSTS)])
def test_a_way_back_to_anywhere_else_is_not(url: str) -> None:
    assert not storefronts(None)[BLOG].may_return_to(url)


@given(st.text(max_size=60))
def test_no_way_back_leaves_the_sites_origins(text: str) -> None:
    front = storefronts(None)[BLOG]
    for url in (text, f"https://{text}", f"https://blog.example{text}"):
        if front.may_return_to(url):
            assert origin_of(url) in front.origins
            rest = url.split("://", 1)[1]
            host = rest.partition("/")[0].partition("?")[0].partition("#")[0].lower()
            assert host.partition(":")[0] in ("blog.example", "www.blog.example")


@pytest.mark.anyio
async def test_a_checkout_leads_back_to_the_site_alone(relay: Process) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    wish = {"return_url": "https://evil.example/"}
    bad = await relay.ask("POST", CURRENT + "/checkout", wish, token=token)
    assert (bad.status, bad.word) == (400, "return-url")
    wish = {"return_url": "https://blog.example/thanks"}
    assert (await relay.ask("POST", CURRENT + "/checkout", wish, token=token)).status == 200


# ---- floods ----


def test_a_bucket_gives_so_many_and_fills_again() -> None:
    now = 0.0
    buckets = Buckets(60, 3, lambda: now)
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(Problem) as caught:
        buckets.take("a")
    assert caught.value.retry_after_seconds == 1
    buckets.take("b")
    now = 2.0
    buckets.take("a")
    buckets.take("a")
    with pytest.raises(Problem):
        buckets.take("a")
    now = 1_000.0
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(Problem):
        buckets.take("a")


def test_many_names_are_forgotten_and_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_CLIENTS", 100)
    buckets = Buckets(60, 3, lambda: 0.0)
    for number in range(1_000):
        buckets.take(str(number))
    assert len(buckets._held) == 100


@pytest.mark.anyio
async def test_a_client_and_a_cart_have_their_limits(tmp_path: Path) -> None:
    house = RelayHouse.build(tmp_path, limits=Limits(400, 40, 10**6))
    async with house.process() as relay:
        token = await relay.begin()
        answers = [await relay.ask("GET", CURRENT, token=token) for _ in range(15)]
        assert [each.status for each in answers].count(429) >= 4
        assert int(answers[-1].headers["retry-after"]) >= 1
        many = [await relay.ask("GET", "") for _ in range(100)]
        assert many[-1].status == 429
    house.database.close()


@pytest.mark.anyio
async def test_too_many_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    house = RelayHouse.build(tmp_path, limits=Limits(10**6, 10**6, 10**6, at_once=0))
    async with house.process() as relay:
        answer = await relay.ask("POST", "/carts", {})
        assert (answer.status, answer.word) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    house.database.close()


@pytest.mark.anyio
async def test_who_asks_is_never_taken_from_a_header_here(tmp_path: Path) -> None:
    """The server alone decides whose X-Forwarded-For it believes; the app sees one client."""
    house = RelayHouse.build(tmp_path, limits=Limits(40, 10**6, 10**6))
    async with house.process() as relay:
        statuses = [
            (
                await relay.client.get(
                    "/v1/blog",
                    headers={"x-forwarded-for": f"10.0.0.{number}", "forwarded": "for=x"},
                )
            ).status_code
            for number in range(20)
        ]
        assert statuses.count(429) >= 9
    house.database.close()
