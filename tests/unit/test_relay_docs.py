"""docs/relay.md is true: its commands buy something in a real sandbox shop, as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sandbox.run import RunningShop, running_shop
from connector.clock import SystemClock
from connector.compose_relay import compose_relay
from connector.config import Config, loads
from connector.demo.machine import free_port
from connector.ops.metrics import Metrics
from connector.serve import HttpServer, build_app
from connector.signing import format_secret
from connector.state.database import open_database
from connector.testing.carts import MemoryCarts
from tests.conftest import ROOT
from tests.relay_house import MUG, RelayHouse

TEXT = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
SECRET = format_secret(b"k" * 32)


def blocks(language: str) -> list[str]:
    """The code of the page, in order."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Running:
    url: str
    folder: Path

    def bash(self, script: str) -> list[str]:
        """Run a script as the page's reader does; the lines that it prints."""
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={"RELAY": self.url, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


SITES = """
sites:
  blog:
    system: wordpress
    url: https://blog.example
    backend: shop
    secrets: [{env: BLOG_SECRET}]
    markets: [{name: de, locale: de-DE, currency: EUR}]
"""


def configured(folder: Path, shop: RunningShop) -> Config:
    """The relay as the page switches it on, before a sandbox shop."""
    backend = f"{{system: sandbox, url: '{shop.url}', credential: {{env: SHOP_KEY}}}}"
    text = f"state: sqlite:///{folder}/state.db\nbackends: {{shop: {backend}}}\n{SITES}"
    env = {"SHOP_KEY": shop.key, "BLOG_SECRET": SECRET, "RELAY_KEY": SECRET}
    return loads(text + blocks("yaml")[0], env=env)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, clock = tmp_path_factory.mktemp("relay"), SystemClock()
    with ExitStack() as stack:
        shop = stack.enter_context(running_shop(folder / "shop.db", free_port(), products=20))
        config = configured(folder, shop)
        database = open_database(config.state)
        stack.callback(database.close)
        metrics = Metrics(database, [], [], clock)
        service = compose_relay(config, database, clock, metrics)
        assert service is not None
        shelf = RelayHouse(database, MemoryCarts())
        shelf.index(MUG, "MUG-1")
        shelf.confirm(MUG, "MUG-1", 1990)
        app = build_app({}, metrics, dict, service)
        server = HttpServer(app, "127.0.0.1", 0, service.stopping)
        server.start()
        stack.callback(server.stop)
        yield Running(f"http://127.0.0.1:{server.port}/v1/blog", folder)


def test_a_purchase_with_curl(relay: Running) -> None:
    said = relay.bash("\n".join(blocks("sh")))
    assert said[0] == "3"
    assert said[3] == "redirect"
    assert said[4] == "['shipping', 'payment']"
    assert said[6] == "Post"
    number, total, first, again, price, event = said[7:]
    assert number == "1"
    assert total.endswith("\xa0€")
    assert (first, again) == ("200", "304")
    assert price == "19.90 €"
    assert json.loads(event.removeprefix("data: "))["offers"][0]["sku"] == "MUG-1"


def test_the_label_asks_again_for_nothing(relay: Running) -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    label, seen = names["label"], names["seen"]
    assert label(relay.url, "MUG-1") == "19.90 €"
    tag = seen["tag"]
    url, headers = relay.url + "/offers?sku=MUG-1", {"if-none-match": tag}
    again = httpx.get(url, headers=headers, trust_env=False)
    assert (again.status_code, again.content) == (304, b"")
    assert label(relay.url, "MUG-1") == "19.90 €"
    assert seen["tag"] == tag
    assert label(relay.url, "GONE-1") == "-"


def test_the_button_presses_once(relay: Running) -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[1], names)
    press = names["press"]
    token = relay.bash(blocks("sh")[0] + '\nask POST /carts "{}" | say \'["token"]\'')[0]
    assert press(relay.url, token, "v0000001-0") == 1
    assert press(relay.url, token, "v0000001-0") == 2
    assert press(relay.url, token, "nobody") == "Dieses Produkt wird hier nicht verkauft."
