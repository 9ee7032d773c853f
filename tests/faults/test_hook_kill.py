"""A real daemon is killed again and again while webhooks come: what it answered 202 to is kept.

Senders do as every shop does: they send again, with the same id, until they are answered. KILLS=200
makes the long version.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.sandbox.run import running_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.model import SiteName
from connector.signing import Secret, format_secret, signed_headers
from connector.testing.site import MemorySite
from tests.faults.rig import SECRET, HttpSite
from tests.faults.soak import differences
from tests.live.pair import site_settings, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("KILLS", "5"))
SENDERS = 4
PRODUCTS = 20
HOOK = Secret(b"h" * 32)


@dataclass(slots=True)
class Sender:
    """Sends webhooks, one after the other, and remembers what it was answered."""

    url: str
    number: int
    ended: threading.Event
    answers: Counter[int] = field(default_factory=Counter)
    noted: list[str] = field(default_factory=list)

    def run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as client:
            count = 0
            while not self.ended.is_set():
                count += 1
                self._send(client, f"msg-{self.number}-{count}")

    def _send(self, client: httpx.Client, name: str) -> None:
        product = f"p{random.Random(name).randrange(1, PRODUCTS + 1):07d}"
        change = {"kind": "product", "id": product, "what": "content"}
        body = json.dumps({"type": "catalogue.changed", "changes": [change]}).encode()
        while not self.ended.is_set():
            headers = signed_headers(HOOK, name, int(time.time()), body)
            try:
                answer = client.post(self.url, content=body, headers=headers)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code in (200, 202):
                self.noted.append(name)
                return
            time.sleep(0.05)


def test_what_was_answered_is_kept_whenever_the_daemon_dies(tmp_path: Path) -> None:
    site = HttpSite(SiteName("blog"), SystemClock(), MemorySite("blog"), deadline_seconds=5)
    with running_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS) as shop:
        installed = _installed(tmp_path / "home", shop.url, shop.key, site.proxy.url)
        ended = threading.Event()
        senders = [Sender(f"{installed.url}/hooks/shop", each, ended) for each in range(SENDERS)]
        threads = [threading.Thread(target=each.run) for each in senders]
        dice = random.Random(20261130)
        try:
            installed.start()
            for thread in threads:
                thread.start()
            for _ in range(KILLS):
                _wait_for_one_more(senders)
                time.sleep(dice.uniform(0, 0.5))
                installed.kill()
                installed.start()
            shop.set_price(shop.product("p0000001")["variants"][0]["id"], "123.45")
            ended.set()
            for thread in threads:
                thread.join(30)
            until(lambda: not differences(shop, site), "the site shows what the shop has")
        finally:
            ended.set()
            installed.stop()
            site.stop()
    kept = _inbox(tmp_path / "home")
    noted = [name for each in senders for name in each.noted]
    assert len(noted) == len(set(noted)) > KILLS
    assert [name for name in noted if kept[name] != 1] == []
    assert {code for each in senders for code in each.answers} <= {200, 202, 503}
    print(f"{KILLS} kills: {len(noted)} webhooks answered, each kept once")


def _wait_for_one_more(senders: list[Sender]) -> None:
    before = sum(len(each.noted) for each in senders)
    until(lambda: sum(len(each.noted) for each in senders) > before, "webhooks come in")


def _installed(home: Path, shop: str, key: str, site: str) -> Installed:
    backend = {
        "system": "sandbox",
        "url": shop,
        "credential": {"env": "SHOP_KEY"},
        "webhook_secrets": [{"env": "SHOP_HOOK"}],
    }
    settings = {
        "backends": {"shop": backend},
        "sites": {"blog": site_settings(site, media="off")},
    }
    secrets = {
        "SHOP_KEY": key,
        "SHOP_HOOK": format_secret(HOOK.key),
        "SITE_SECRET": format_secret(SECRET.key),
    }
    return Installed(home, settings, secrets)


def _inbox(home: Path) -> Counter[str]:
    with closing(sqlite3.connect(home / "state.db")) as connection:
        return Counter(name for (name,) in connection.execute("SELECT event_id FROM inbox"))
