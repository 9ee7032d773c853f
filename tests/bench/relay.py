"""`python -m tests.bench.relay`: what the relay adds to an engine of 20 ms, and how much it takes.

Needs no real system: a fake engine, a relay in a process of its own on SQLite with synchronous
FULL, and requests from a third process. An open loop counts from the moment at which a request was
due. Everything is a difference or ratio within one run; a figure that misses its goal fails
nothing. --seconds makes it shorter.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from connector.demo.machine import free_port
from connector.signing import Secret, signed_headers
from tests.bench.measure import Result, at_least, at_most, line, machine, median, percentile
from tests.conftest import ROOT
from tests.relay_process import SECRET

RATE, INTAKE, BURST = 300, 1000, 5000
Ask = Callable[[aiohttp.ClientSession, int], Awaitable[int]]


@dataclass(slots=True)
class Loop:
    """What an open loop found."""

    latencies_ms: list[float]
    statuses: list[int]
    cpu_ms: float = 0.0
    """Of the process that was asked, for each request: what is left when the machine is busy."""

    @property
    def p50(self) -> float:
        return median(self.latencies_ms)

    @property
    def p99(self) -> float:
        return percentile(self.latencies_ms, 0.99)

    def count(self, *statuses: int) -> int:
        return sum(status in statuses for status in self.statuses)


def session() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=120)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)


async def open_loop(
    ask: Ask, per_second: int, seconds: float, process: psutil.Process | None = None
) -> Loop:
    found, before = Loop([], []), cpu_seconds(process)
    async with no_pauses(), session() as client:

        async def one(number: int, due: float) -> None:
            try:
                found.statuses.append(await ask(client, number))
            except aiohttp.ClientError:
                found.statuses.append(0)
            found.latencies_ms.append((time.perf_counter() - due) * 1000)

        began, tasks = time.perf_counter(), []
        for number in range(int(per_second * seconds)):
            due = began + number / per_second
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(number, due)))
        await asyncio.gather(*tasks)
    found.cpu_ms = (cpu_seconds(process) - before) * 1000 / len(found.statuses)
    return found


@asynccontextmanager
async def no_pauses() -> AsyncIterator[None]:
    """This process's garbage collector would stop it for longer than what is measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


async def closed_loop(ask: Ask, at_once: int, seconds: float) -> float:
    """Requests a second, with so many always under way."""
    done, until = 0, time.perf_counter() + seconds
    async with session() as client:

        async def work(number: int) -> None:
            nonlocal done
            while time.perf_counter() < until:
                await ask(client, number)
                done += 1

        await asyncio.gather(*(work(number) for number in range(at_once)))
    return done / seconds


@contextmanager
def serving(port: int, *words: str) -> Iterator[psutil.Process]:
    """A module in a process of its own, once it listens."""
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


# ---- what is asked ----


def asking(
    method: str, urls: list[str], body: object = None, tokens: list[str] | None = None
) -> Ask:
    """The same request of each address in turn, each with the token of its place."""

    async def ask(client: aiohttp.ClientSession, number: int) -> int:
        place = number % len(urls)
        headers = {"idempotency-key": secrets.token_hex(16)}
        if tokens:
            headers["authorization"] = f"Bearer {tokens[place]}"
        async with client.request(method, urls[place], json=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    return ask


def acting(url: str) -> Ask:
    """A signed action that waits in the inbox."""
    secret = Secret.parse(SECRET)

    async def ask(client: aiohttp.ClientSession, number: int) -> int:
        body = json.dumps({"action": "create_cart", "wait": False, "body": {}}).encode()
        sent_at = int(time.time())
        headers = signed_headers(secret, f"msg_{secrets.token_hex(8)}", sent_at, body)
        async with client.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    return ask


async def carts(url: str, count: int) -> list[str]:
    """Tokens of new carts."""
    tokens = []
    async with session() as client:
        for _ in range(count):
            headers = {"idempotency-key": secrets.token_hex(16)}
            async with client.post(url + "/carts", json={}, headers=headers) as answer:
                tokens.append((await answer.json())["token"])
    return tokens


# ---- the parts ----


async def latency(engine: str, relay: str, seconds: float, process: psutil.Process) -> list[Result]:
    tokens = await carts(relay, 100)
    direct_urls = [f"{engine}/v1/carts/cart_{number}" for number in range(100)]
    found = []
    for name, method, path, body, goal in (
        ("reading a cart", "GET", "", None, 4.0),
        ("changing a line", "PUT", "/lines/v-1", {"quantity": 2}, 10.0),
    ):
        direct = await open_loop(
            asking(method, [url + path for url in direct_urls], body), RATE, seconds
        )
        urls = [f"{relay}/carts/current{path}"] * 100
        through = await open_loop(asking(method, urls, body, tokens), RATE, seconds, process)
        added, tail = through.p50 - direct.p50, through.p99 - direct.p99
        facts: dict[str, float | str] = {
            "direct_p50_ms": round(direct.p50, 1),
            "p99_added_ms": round(tail, 1),
            "cpu_ms_each": round(through.cpu_ms, 2),
            "answered_200": f"{through.count(200)} of {len(through.statuses)}",
        }
        title = f"{name}, added by the relay at {RATE} a second, median"
        found.append(at_most(title, added, goal, "ms", **facts))
    return found


async def throughput(relay: str, proxy: str, seconds: float) -> Result:
    tokens = await carts(relay, 100)
    plain = await closed_loop(asking("GET", [f"{proxy}/v1/carts/cart_1"]), 64, seconds)
    urls = [f"{relay}/carts/current"] * 100
    ours = await closed_loop(asking("GET", urls, tokens=tokens), 64, seconds)
    facts = {"relay_per_second": round(ours), "plain_httpx_per_second": round(plain)}
    return at_least("reads, relay / a plain httpx proxy", ours / plain, 3.0, "x", **facts)


async def intake(url: str, seconds: float, process: psutil.Process) -> Result:
    found = await open_loop(acting(url), INTAKE, seconds, process)
    facts: dict[str, float | str] = {
        "p50_ms": round(found.p50, 1),
        "cpu_ms_each": round(found.cpu_ms, 2),
        "kept": f"{found.count(202)} of {len(found.statuses)}",
    }
    title = f"signed actions kept durably, {INTAKE} a second, 99th percentile"
    return at_most(title, found.p99, 250.0, "ms", **facts)


async def burst(relay: str, process: psutil.Process) -> Result:
    before = process.memory_info().rss
    found = await open_loop(asking("POST", [relay + "/carts"], {}), BURST, 1.0)
    grown = (process.memory_info().rss - before) / 2**20
    facts: dict[str, float | str] = {
        "made": found.count(201),
        "told_to_come_again": found.count(429, 503),
        "of": len(found.statuses),
    }
    return at_most(f"memory grown by a burst of {BURST} in a second", grown, 150.0, "MB", **facts)


def run(seconds: float) -> Iterator[Result]:
    ports = [free_port() for _ in range(3)]
    engine, relay, proxy = (f"http://127.0.0.1:{port}" for port in ports)
    with tempfile.TemporaryDirectory() as home:
        state = f"sqlite:///{Path(home)}/state.db"
        with (
            serving(ports[0], "tests.bench.relay_engine", str(ports[0])),
            serving(
                ports[1], "tests.relay_process", state, engine, "k", str(ports[1]), "25"
            ) as ours,
        ):
            site = f"{relay}/v1/blog"
            yield from asyncio.run(latency(engine, site, seconds, ours))
            with serving(ports[2], "tests.bench.relay_engine", str(ports[2]), engine):
                yield asyncio.run(throughput(site, proxy, seconds))
            yield asyncio.run(intake(f"{relay}/v1/actions?site=blog", seconds, ours))
            yield asyncio.run(burst(site, ours))


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.relay", description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0)
    for each in run(options.parse_args().seconds):
        print(line(each), flush=True)
    print(machine())


if __name__ == "__main__":
    main()
