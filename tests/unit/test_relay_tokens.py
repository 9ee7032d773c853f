"""Cart tokens: sealed, bound to site and origin, expiring, rotated; guesses open nothing."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import BackendName, CartId, MarketName, SiteName
from connector.relay.relay import Limits
from connector.relay.sealing import Sealer
from connector.relay.tokens import NO_ORIGIN, CartToken, open_token, seal_token
from connector.signing import Secret
from connector.testing.clock import START, FakeClock
from tests.relay_house import BLOG, BLOG_ORIGIN, KEY, NEWS, NEWS_ORIGIN, Process, RelayHouse

SEALER = Sealer((KEY,))
SITE = SiteName("blog")
ORIGIN = "https://blog.example"
TOKEN = CartToken(
    BackendName("shop"), SITE, MarketName("de"), CartId("cart_1"), ORIGIN, START + timedelta(days=1)
)
CURRENT = "/carts/current"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def opened(text: str, **change: object) -> CartToken | None:
    how = {"sealer": SEALER, "site": SITE, "origins": {ORIGIN}, "now": START, **change}
    return open_token(text=text, **how)  # type: ignore[arg-type]


@given(
    st.text(min_size=1, max_size=64), st.sampled_from([ORIGIN, NO_ORIGIN]), st.integers(1, 10**6)
)
def test_what_is_sealed_opens_as_it_was(cart: str, origin: str, seconds: int) -> None:
    expires_at = START + timedelta(seconds=seconds)
    token = replace(TOKEN, cart=CartId(cart), origin=origin, expires_at=expires_at)
    assert opened(seal_token(SEALER, token), origins={origin}) == token


def test_it_works_nowhere_else() -> None:
    text = seal_token(SEALER, TOKEN)
    assert opened(text) == TOKEN
    assert opened(text, site=SiteName("news")) is None
    assert opened(text, origins={"https://evil.example"}) is None
    assert opened(text, origins={NO_ORIGIN}) is None
    assert opened(text, now=TOKEN.expires_at) is None
    assert opened(text, sealer=Sealer((Secret(b"x" * 32),))) is None
    assert "cart_1" not in text
    assert "cart_1" not in repr(TOKEN)


def test_two_seals_of_one_token_look_different() -> None:
    assert seal_token(SEALER, TOKEN) != seal_token(SEALER, TOKEN)


def test_keys_are_changed_without_a_gap() -> None:
    old, new = KEY, Secret(b"n" * 32)
    before, during, after = Sealer((old,)), Sealer((new, old)), Sealer((new,))
    text = seal_token(before, TOKEN)
    assert opened(text, sealer=during) == TOKEN
    assert opened(text, sealer=after) is None
    assert opened(seal_token(during, TOKEN), sealer=after) == TOKEN


def test_a_key_for_one_purpose_opens_nothing_of_another() -> None:
    sealed = SEALER.seal("one", b"secret", "bound")
    assert SEALER.open("one", sealed, "bound") == b"secret"
    assert SEALER.open("two", sealed, "bound") is None
    assert SEALER.open("one", sealed, "elsewhere") is None


def test_every_bit_counts() -> None:
    text = seal_token(SEALER, TOKEN)
    body = text.removeprefix("cct_")
    sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for place in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[place // 8] ^= 1 << place % 8
        altered = "cct_" + base64.urlsafe_b64encode(bytes(flipped)).rstrip(b"=").decode()
        assert opened(altered) is None, place
    for cut in range(len(text)):
        assert opened(text[:cut]) is None


@pytest.mark.parametrize("text", ["", "cct_", "cct_AAAA", "x" * 3000, "cct_" + "ü" * 80, "cct_ =="])
def test_nonsense_opens_as_nothing(text: str) -> None:
    assert opened(text) is None


def test_a_token_has_one_spelling() -> None:
    text = seal_token(SEALER, TOKEN)
    for other in (text + "=", text + " ", text.replace("_", "/", 2), text.upper()):
        assert opened(other) is None or other == text


def test_a_hundred_thousand_guesses_open_nothing() -> None:
    dice, letters = random.Random(7), string.ascii_letters + string.digits + "-_"
    real = seal_token(SEALER, TOKEN)
    for number in range(100_000):
        if number % 2:
            guess = "cct_" + "".join(dice.choices(letters, k=len(real) - 4))
        else:
            place = dice.randrange(4, len(real))
            guess = real[:place] + dice.choice(letters) + real[place + 1 :]
        assert guess == real or opened(guess) is None


def test_half_way_through_its_life_it_is_renewed() -> None:
    day = timedelta(days=1)
    assert TOKEN.renewed(START, day) is None
    later = START + timedelta(hours=13)
    assert TOKEN.renewed(later, day) == replace(TOKEN, expires_at=later + day)


# ---- over HTTP ----


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RelayHouse]:
    house = RelayHouse.build(tmp_path, clock=FakeClock(), limits=Limits(10**6, 10**6, 80))
    yield house
    house.database.close()


@pytest.fixture
async def relay(house: RelayHouse) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


@pytest.mark.anyio
async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(
    relay: Process, house: RelayHouse
) -> None:
    token = await relay.begin()
    bodies = []
    for wrong, site, origin in (
        (None, BLOG, BLOG_ORIGIN),
        ("cct_guess", BLOG, BLOG_ORIGIN),
        (token[:-2], BLOG, BLOG_ORIGIN),
        (token, NEWS, NEWS_ORIGIN),
        (token, BLOG, "https://www.blog.example"),
    ):
        answer = await relay.ask("GET", CURRENT, token=wrong, site=site, origin=origin)
        assert answer.status == 404
        bodies.append((answer.word, answer.body["title"]))
    assert len(set(bodies)) == 1
    assert isinstance(house.clock, FakeClock)
    house.clock.advance(days=31)
    assert (await relay.ask("GET", CURRENT, token=token)).word == "unknown-cart"


@pytest.mark.anyio
async def test_guessing_is_slowed_down_and_hits_nothing(relay: Process) -> None:
    token = await relay.begin()
    words = [
        (await relay.ask("GET", CURRENT, token=f"cct_guess{number}")).word for number in range(30)
    ]
    assert set(words) == {"unknown-cart", "rate"}
    assert words.count("unknown-cart") <= 21
    blocked = await relay.ask("GET", CURRENT, token=token)
    assert (blocked.status, blocked.word) == (429, "rate")
    assert int(blocked.headers["retry-after"]) >= 1


@pytest.mark.anyio
async def test_a_used_cart_stays_within_reach(relay: Process, house: RelayHouse) -> None:
    token = await relay.begin({"sku": "MUG-1"})
    assert isinstance(house.clock, FakeClock)
    assert "token" not in (await relay.ask("GET", CURRENT, token=token)).body
    house.clock.advance(days=16)
    renewed = (await relay.ask("GET", CURRENT, token=token)).body["token"]
    house.clock.advance(days=20)
    assert (await relay.ask("GET", CURRENT, token=token)).status == 404
    assert (await relay.ask("GET", CURRENT, token=renewed)).body["cart"]["pieces"] == 1
