"""A real daemon that ends itself at a commit, starts again, and has neither lost nor doubled.

One shop, one site and one state live through all the deaths. DOOMED=all takes every point of
`test_failpoints.REACHED` that a daemon meets by itself, on both sides.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from adapters.sandbox.run import RunningShop, start_shop
from connector.clock import SystemClock
from connector.demo.machine import free_port
from connector.model import SiteName, SubjectKind
from connector.signing import Secret, format_secret, signed_headers
from connector.testing.failpoints import EXIT_CODE, Failpoint
from connector.testing.site import MemorySite
from tests.faults.doomed import Doomed
from tests.faults.rig import SECRET, HttpSite
from tests.faults.soak import differences
from tests.live.pair import site_settings, until

PRODUCTS = 40
HOOK = Secret(b"h" * 32)
SHORT = """
    embedded.step:after receipts.keep:after detect.receive:after media._one:before
""".split()  # noqa: SIM905
ALWAYS_MET = """
    daemon._take_state embedded.step deliver._remember receipts.keep receipts.settle detect._follow
    detect.receive media._one
""".split()  # noqa: SIM905
EVERY = [f"{name}:{when}" for name in ALWAYS_MET for when in ("before", "after")]
POINTS = EVERY if os.environ.get("DOOMED") == "all" else SHORT


@dataclass(slots=True)
class World:
    shop: RunningShop
    site: HttpSite
    installed: Doomed
    dice: random.Random
    renamed: int = 0

    def change(self) -> None:
        """A price, a stock level, new words with a new picture, words that change nothing."""
        for _ in range(4):
            number = self.dice.randrange(1, PRODUCTS + 1)
            product = self.shop.product(f"p{number:07d}")
            variant = product["variants"][0]["id"]
            self.shop.set_price(variant, f"{self.dice.randrange(1, 500)}.10")
            self.shop.set_stock(variant, self.dice.randrange(50))
            self.renamed += 1
            product["texts"]["en-US"]["title"] = f"Renamed {self.renamed}"
            picture = f"{self.shop.url}/media/{self.renamed}/{number}-9.png"
            product["images"] = [{"url": picture, "alt": {"en-US": "new"}}]
            with self.shop.admin() as admin:
                put = admin.put(f"/admin/products/{product['id']}", json=product)
                put.raise_for_status()
                again = admin.put(f"/admin/products/{product['id']}", json=product)
                again.raise_for_status()

    def send_hook(self, event: str) -> int:
        """The shop's webhook; 0 when nobody answers."""
        change = {"kind": "product", "id": "p0000001", "what": "content"}
        body = json.dumps({"type": "catalogue.changed", "changes": [change]}).encode()
        headers = signed_headers(HOOK, event, int(time.time()), body)
        address = f"{self.installed.url}/hooks/shop"
        try:
            answer = httpx.post(address, content=body, headers=headers, timeout=10, trust_env=False)
        except httpx.TransportError:
            return 0
        return answer.status_code

    def call_until_dead(self, event: str, over: threading.Event) -> None:
        while not over.wait(0.1) and self.send_hook(event) != 202:
            pass

    def settle(self) -> None:
        self.installed.start()
        try:
            until(
                lambda: self.installed.due() == 0 and not differences(self.shop, self.site),
                "equal again",
                60,
            )
        except AssertionError as error:
            raise AssertionError(f"{differences(self.shop, self.site)[:3]}") from error
        self.installed.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("doomed")
    shop = start_shop(home / "shop.db", free_port(), products=PRODUCTS)
    site = HttpSite(SiteName("blog"), SystemClock(), MemorySite("blog"), deadline_seconds=30)
    backend = {
        "system": "sandbox",
        "url": shop.url,
        "credential": {"env": "SHOP_KEY"},
        "webhook_secrets": [{"env": "SHOP_HOOK"}],
        "poll_seconds": 1.0,
    }
    settings = {
        "backends": {"shop": backend},
        "sites": {"blog": site_settings(site.proxy.url, media="download")},
        "media": {"allow_private_hosts": ["127.0.0.1"]},
    }
    secrets = {
        "SHOP_KEY": shop.key,
        "SHOP_HOOK": format_secret(HOOK.key),
        "SITE_SECRET": format_secret(SECRET.key),
    }
    world = World(shop, site, Doomed(home / "home", settings, secrets), random.Random(5))
    try:
        world.settle()
        yield world
    finally:
        world.installed.stop()
        site.stop()
        shop.stop()


@pytest.mark.parametrize("text", POINTS)
def test_a_daemon_that_dies_here_loses_and_doubles_nothing(world: World, text: str) -> None:
    world.change()
    over, event = threading.Event(), f"event-{text}"
    sender = threading.Thread(target=world.call_until_dead, args=(event, over))
    sender.start()
    code = world.installed.start_doomed(Failpoint.parse(text))
    over.set()
    sender.join()
    assert code == EXIT_CODE, f"{text} was not met"
    world.settle()
    pages = world.site.memory.pages(SubjectKind.PRODUCT)
    assert len(pages) == len({page.cms_id for page in pages.values()}) == PRODUCTS
    assert world.installed.ask("parked", "list") == []
    crashes = [line for line in world.installed.log.read_text().splitlines() if ".crash" in line]
    assert crashes == []
