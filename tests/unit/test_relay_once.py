"""Each intention happens once: answers lost, late or never; processes that die; many at a time.

The engine here loses requests and answers as a network does: a request may never arrive, may
arrive with its answer lost, or may arrive only after we stopped waiting for it. Writes to one cart
arrive in the order in which they were sent, as in engines that lock a cart.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import OutcomeUnknown, TargetDown
from connector.model import Cart, CartId, LineId, VariantId
from connector.ports_carts import CartRefused
from connector.relay import once
from connector.testing.carts import MemoryCarts
from connector.testing.clock import FakeClock
from tests.relay_house import MUG, Answered, Process, RelayHouse, articles

CURRENT = "/carts/current"


NUMBERS = itertools.count(1)
"""No two engines of this module have a cart of the same id."""
Write = Callable[[], Coroutine[None, None, Cart]]


class Fault(StrEnum):
    NONE = "none"
    NEVER = "never arrives"
    LOST = "arrives, its answer does not"
    LATE = "arrives after we stopped waiting"
    DEATH = "arrives, and our process dies"
    FALL = "arrives, and the engine falls"


class Died(BaseException):
    """Our process is no more: nothing is cleaned up."""


class FaultyCarts(MemoryCarts):
    """Adds and changes meet the faults that are told, in order."""

    def __init__(self) -> None:
        super().__init__(articles())
        self._numbers = NUMBERS
        self.faults: list[Fault] = []
        self.fallen = False
        self._late: Write | None = None
        for article in list(self.articles.values()):
            self.restock(article.variant, 500)

    def arrive(self) -> None:
        """Whatever is still on its way arrives now."""
        late, self._late = self._late, None
        if late is not None:
            _run(late())

    async def read(self, cart: CartId) -> Cart:
        if self.fallen:
            raise TargetDown("nobody answers")
        return await MemoryCarts.read(self, cart)

    async def settle(self, cart: CartId) -> Cart:
        return await self._through(lambda: MemoryCarts.settle(self, cart))

    async def add(self, cart: CartId, variant: VariantId, quantity: int) -> Cart:
        return await self._through(lambda: MemoryCarts.add(self, cart, variant, quantity))

    async def change(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        return await self._through(lambda: MemoryCarts.change(self, cart, line, quantity))

    async def _through(self, do: Write) -> Cart:
        if self.fallen:
            raise TargetDown("nobody answers")
        self.arrive()
        fault = self.faults.pop(0) if self.faults else Fault.NONE
        match fault:
            case Fault.NONE:
                return await do()
            case Fault.LOST | Fault.DEATH | Fault.FALL:
                await do()
                self.fallen = fault is Fault.FALL
            case Fault.LATE:
                self._late = do
        if fault is Fault.DEATH:
            raise Died
        raise OutcomeUnknown("no answer came")


def _run(write: Coroutine[None, None, Cart]) -> None:
    """Run a coroutine that never waits to its end."""
    with suppress(StopIteration, CartRefused):
        write.send(None)


@dataclass(slots=True)
class Shopper:
    relay: Process
    token: str

    async def add(self, key: str, quantity: int = 1) -> Answered:
        wish = {"variant": MUG, "quantity": quantity}
        return await self.relay.ask("POST", CURRENT + "/lines", wish, token=self.token, key=key)

    async def pieces(self) -> int:
        answer = await self.relay.ask("GET", CURRENT, token=self.token)
        held: int = answer.body["cart"]["pieces"]
        return held


@dataclass(slots=True)
class Scene:
    house: RelayHouse
    carts: FaultyCarts
    clock: FakeClock


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "WAIT_SECONDS", 0.05)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock, carts = FakeClock(), FaultyCarts()
    house = RelayHouse.build(tmp_path, clock=clock)
    house.carts = carts
    yield Scene(house, carts, clock)
    house.database.close()


KEY_A, KEY_B = "intention-number-a", "intention-number-b"


@pytest.mark.anyio
@pytest.mark.parametrize("arrives", [True, False])
async def test_an_unknown_outcome_is_left_open_and_the_same_key_closes_it(
    scene: Scene, arrives: bool
) -> None:
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        scene.carts.faults = [Fault.LATE]
        unknown = await shopper.add(KEY_A, 2)
        assert (unknown.status, unknown.word) == (503, "outcome-unknown")
        assert unknown.headers["retry-after"] == "1"
        if arrives:
            scene.carts.arrive()
        again = await shopper.add(KEY_A, 2)
        assert (again.status, again.body["cart"]["pieces"]) == (200, 2)
        assert await shopper.pieces() == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "arrived"), [(Fault.LATE, 1), (Fault.NEVER, 0)])
async def test_another_request_settles_what_a_lost_one_did_before_it_changes_anything(
    scene: Scene, fault: Fault, arrived: int
) -> None:
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        scene.carts.faults = [fault]
        assert (await shopper.add(KEY_A)).status == 503
        assert (await shopper.add(KEY_B)).status == 200
        assert await shopper.pieces() == 1 + arrived
        again = await shopper.add(KEY_A)
        assert again.status == 200
        assert await shopper.pieces() == 2


@pytest.mark.anyio
async def test_an_engine_that_falls_over_an_add_has_not_refused_it(scene: Scene) -> None:
    """Neither a reading that finds nobody there nor a repetition says that it is not done."""
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        scene.carts.faults = [Fault.FALL]
        for _ in range(2):
            assert (await shopper.add(KEY_A)).word == "engine-away"
        scene.carts.fallen = False
        assert (await shopper.add(KEY_B)).body["cart"]["pieces"] == 2
        assert (await shopper.add(KEY_A)).body["cart"]["pieces"] == 2


@pytest.mark.anyio
@pytest.mark.parametrize("mending", [Fault.NONE, Fault.NEVER, Fault.LOST])
async def test_an_add_that_arrives_twice_is_mended(scene: Scene, mending: Fault) -> None:
    """The first attempt arrives only just before the second one; mending it may fail too."""
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        scene.carts.faults = [Fault.LATE]
        assert (await shopper.add(KEY_A)).status == 503
        scene.carts.faults = [Fault.NONE, mending]
        await shopper.add(KEY_A)
        assert (await shopper.add(KEY_A)).status == 200
        assert await shopper.pieces() == 1


@pytest.mark.anyio
async def test_a_process_that_dies_leaves_a_cart_that_the_next_one_finds(scene: Scene) -> None:
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        scene.carts.faults = [Fault.DEATH]
        with pytest.raises(Died):
            await shopper.add(KEY_A, 3)
    async with scene.house.process() as relay:
        shopper = Shopper(relay, shopper.token)
        held = await shopper.add(KEY_B)
        assert (held.status, held.word) == (409, "busy")
        own = await shopper.add(KEY_A, 3)
        assert (own.status, own.word) == (409, "under-way")
        scene.clock.advance(seconds=once.LEASE.total_seconds() + 1)
        assert (await shopper.add(KEY_B)).body["cart"]["pieces"] == 4
        assert (await shopper.add(KEY_A, 3)).body["cart"]["pieces"] == 4
        assert scene.carts.calls["add"] + scene.carts.calls["change"] == 2


@pytest.mark.anyio
async def test_a_cart_made_by_a_request_that_died_is_nobodys(scene: Scene) -> None:
    """Its token was never given out: the next attempt makes another, with the lines once."""
    async with scene.house.process() as relay:
        scene.carts.faults = [Fault.DEATH]
        wish = {"lines": [{"variant": MUG, "quantity": 2}]}
        with pytest.raises(Died):
            await relay.ask("POST", "/carts", wish, key=KEY_A)
        scene.clock.advance(seconds=once.LEASE.total_seconds() + 1)
        made = await relay.ask("POST", "/carts", wish, key=KEY_A)
        assert (made.status, made.body["cart"]["pieces"]) == (201, 2)


@pytest.mark.anyio
async def test_answers_are_kept_a_day_and_locks_are_forgotten(scene: Scene) -> None:
    async with scene.house.process() as relay:
        shopper = Shopper(relay, await relay.begin())
        assert (await shopper.add(KEY_A)).status == 200
        relay.service.prune()
        assert (await shopper.add(KEY_A)).body["cart"]["pieces"] == 1
        scene.carts.faults = [Fault.NEVER]
        assert (await shopper.add(KEY_B)).word == "outcome-unknown"
        scene.clock.advance(hours=25)
        relay.service.prune()
        with scene.house.database.read() as connection:
            for table in ("relay_answers", "relay_locks"):
                count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
                assert count == 0, table


@pytest.fixture(scope="module")
def one_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayHouse]:
    house = RelayHouse.build(tmp_path_factory.mktemp("state"), clock=FakeClock())
    yield house
    house.database.close()


STEP = st.tuples(st.integers(0, 3), st.sampled_from(Fault), st.booleans())


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_whatever_happens_each_intention_counts_once(
    one_state: RelayHouse, steps: Sequence[tuple[int, Fault, bool]]
) -> None:
    """Random attempts at four intentions; in the end each is repeated until it is answered."""
    asyncio.run(_shop(one_state, FaultyCarts(), steps))


async def _shop(
    house: RelayHouse, carts: FaultyCarts, steps: Sequence[tuple[int, Fault, bool]]
) -> None:
    clock, tried = house.clock, set()
    assert isinstance(clock, FakeClock)
    async with house.process(carts) as relay:
        shopper = Shopper(relay, await relay.begin())
        for number, fault, arrives in steps:
            tried.add(number)
            carts.faults = [fault]
            try:
                await shopper.add(f"intention-number-{number}", number + 1)
            except Died:
                clock.advance(seconds=once.LEASE.total_seconds() + 1)
            if arrives:
                carts.fallen = False
                carts.arrive()
        carts.fallen, carts.faults = False, []
        carts.arrive()
        for number in sorted(tried):
            answer = await shopper.add(f"intention-number-{number}", number + 1)
            assert answer.status == 200
        assert await shopper.pieces() == sum(number + 1 for number in tried)
