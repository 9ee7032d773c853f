"""Two relay processes on one state, killed without warning while shoppers buy: each intention once.

Every request is repeated with its key, at any process that lives, until it is answered. KILLS=50
makes the long version.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.sandbox.run import RunningShop, running_shop
from connector.demo.machine import free_port
from tests.conftest import ROOT

KILLS = int(os.environ.get("KILLS", "4"))
SHOPPERS, ADDS = 3, 4 + KILLS
PATIENCE_SECONDS = 300.0
VARIANT = "v0000013-0"
"""Not tracked: it never runs out."""


@dataclass(slots=True)
class Fleet:
    """Two processes; the one that is killed is started again."""

    state: str
    shop: RunningShop
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        self.processes = [self._launch(port) for port in self.ports]
        for port in self.ports:
            self.until_up(port)

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "tests.relay_process", self.state]
        words += [self.shop.url, self.shop.key, str(port), "4"]
        return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)

    def until_up(self, port: int) -> None:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the relay did not start")

    def kill(self, place: int) -> None:
        self.processes[place].kill()
        self.processes[place].wait()
        self.processes[place] = self._launch(self.ports[place])
        self.until_up(self.ports[place])

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_shop(tmp_path / "shop.db", free_port(), products=20) as shop:
        fleet = Fleet(f"sqlite:///{tmp_path}/state.db", shop)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.stop()


@dataclass(slots=True)
class Shopper:
    fleet: Fleet
    dice: random.Random
    answers: int = 0
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=15, trust_env=False))

    def ask(self, path: str, body: object, token: str = "") -> dict[str, object]:
        """One intention, repeated with its key until somebody answers it for good."""
        headers = {"idempotency-key": secrets.token_hex(16)}
        if token:
            headers["authorization"] = f"Bearer {token}"
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            url = f"http://127.0.0.1:{self.dice.choice(self.fleet.ports)}/v1/blog{path}"
            try:
                answer = self.client.post(url, json=body, headers=headers)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if "retry-after" in answer.headers:
                time.sleep(0.1)
                continue
            assert answer.status_code in (200, 201), answer.text
            if self.dice.random() < 0.3:
                again = self.client.post(url, json=body, headers=headers)
                assert again.status_code in (200, 201, 409, 503)
                if again.status_code < 300:
                    assert again.json() == answer.json()
            self.answers += 1
            said: dict[str, object] = json.loads(answer.text)
            return said
        raise AssertionError("nobody answered")

    def buy(self) -> None:
        token = str(self.ask("/carts", {})["token"])
        wanted = 0
        for _ in range(ADDS):
            quantity = self.dice.randint(1, 3)
            wanted += quantity
            wish = {"variant": VARIANT, "quantity": quantity}
            said = self.ask("/carts/current/lines", wish, token)
            cart = said["cart"]
            assert isinstance(cart, dict)
            assert cart["pieces"] == wanted


@pytest.mark.timeout(1800)
def test_each_intention_counts_once_whoever_dies(fleet: Fleet) -> None:
    shoppers = [Shopper(fleet, random.Random(number)) for number in range(SHOPPERS)]
    failures: list[BaseException] = []

    def run(shopper: Shopper) -> None:
        try:
            with shopper.client:
                shopper.buy()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in shoppers]
    for thread in threads:
        thread.start()
    dice = random.Random(99)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.1, 1.0))
        fleet.kill(dice.randrange(2))
    for thread in threads:
        thread.join(600)
    assert failures == []
    assert [each.answers for each in shoppers] == [ADDS + 1] * SHOPPERS
