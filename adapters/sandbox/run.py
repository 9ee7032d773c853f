"""Run a shop as a process of its own, for tests, the demo and benches."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class RunningShop:
    """A shop that answers at `url`."""

    url: str
    key: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def admin(self) -> httpx.Client:
        """A client with the key, to change what the shop sells."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def set_price(self, variant: str, euros: str) -> None:
        """Sell a variant at this price in EUR, and at no other."""
        row = {"amount": euros, "currency": "EUR", "tax_included": True}
        self._post("/admin/prices", [{"variant": variant, "prices": [row]}])

    def set_stock(self, variant: str, pieces: int) -> None:
        self._post("/admin/stock", [{"variant": variant, "locations": {"berlin": pieces}}])

    def set_faults(self, **faults: Any) -> None:
        """Switch on exactly these faults (adapters.sandbox.faults)."""
        with self.admin() as admin:
            admin.put("/admin/faults", json=faults).raise_for_status()

    def product(self, identity: str) -> dict[str, Any]:
        with self.admin() as admin:
            answer = admin.get("/v1/products", params={"ids": identity}).json()
        found: dict[str, Any] = answer["products"][0]
        return found

    def _post(self, path: str, body: object) -> None:
        with self.admin() as admin:
            admin.post(path, json=body).raise_for_status()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_shop(
    database: Path,
    port: int,
    *,
    products: int = 200,
    seed: int = 1,
    webhook: tuple[str, str] | None = None,
) -> RunningShop:
    """Start a shop and wait until it answers. `webhook`: the address and the signing secret."""
    key = secrets.token_hex(16)
    command = [sys.executable, "-m", "adapters.sandbox", "--port", str(port)]
    command += ["--database", str(database), "--products", str(products), "--seed", str(seed)]
    command += ["--key", key]
    if webhook is not None:
        command += ["--webhook", webhook[0], "--webhook-secret", webhook[1]]
    process = subprocess.Popen(command)  # noqa: S603
    shop = RunningShop(f"http://127.0.0.1:{port}", key, process)
    while not _answers(shop.url):
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox shop ended at its start ({process.returncode})")
        time.sleep(0.05)
    return shop


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def running_shop(
    database: Path,
    port: int,
    *,
    products: int = 200,
    seed: int = 1,
    webhook: tuple[str, str] | None = None,
) -> Iterator[RunningShop]:
    """A shop for the length of a block."""
    shop = start_shop(database, port, products=products, seed=seed, webhook=webhook)
    try:
        yield shop
    finally:
        shop.stop()
