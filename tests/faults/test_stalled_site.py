"""One daemon, one backend, WordPress and Drupal at once: where one stalls, the other does not wait.

The daemon is a process of its own with a configuration file. WordPress is the site API's stand-in;
so is Drupal, and a real one too where DRUPAL_URL names it. Between daemon and Drupal stands a proxy
that takes requests and never answers, until it is told to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from adapters.drupal.site import API_ROOT, open_site
from adapters.sandbox.run import RunningShop, start_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.model import BackendName, SiteName, SubjectKind
from connector.ports import Site, SiteSettings
from connector.serve import HttpServer
from connector.signing import Secret, format_secret
from connector.testing.conformance.writes import OFFERS
from connector.testing.proxy import Hang, Proxy
from connector.testing.site import MemorySite
from connector.testing.site_server import site_app
from tests.live.drupal_site import Where
from tests.live.pair import until

PRODUCTS = 12
BACKEND = BackendName("stall")
KEY = b"s" * 32
SECRET = Secret(KEY)
CLOCK = SystemClock()
STALL_SECONDS = 20
"""How long the daemon waits for an answer of Drupal."""


class Pair:
    """Both sites, seen past the proxy, and the daemon that serves them."""

    def __init__(self, stack: ExitStack, folder: Path, real: Where | None) -> None:
        self.shop = start_shop(folder / "shop.db", free_port(), products=PRODUCTS)
        stack.callback(self.shop.stop)
        self.blog = MemorySite("blog", locales=("en-US",))
        blog = _serve(stack, site_app(self.blog, [SECRET], CLOCK))
        self.magazine = MemorySite("magazine", locales=("en-US",))
        port = urlsplit(real.url).port if real else None
        if port is None:
            port = _serve(stack, site_app(self.magazine, [SECRET], CLOCK, f"/{API_ROOT}"))
        self.proxy = Proxy(port, CLOCK).start()
        stack.callback(self.proxy.stop)
        secret = real.secret if real else format_secret(KEY)
        self.drupal = _drupal(f"http://127.0.0.1:{port}", secret)
        self.installed = Installed(
            folder / "connector",
            {
                "backends": {BACKEND: _backend(self.shop)},
                "sites": {
                    "blog": _site("wordpress", f"http://127.0.0.1:{blog}", "BLOG"),
                    "magazine": {
                        **_site("drupal", self.proxy.url, "MAGAZINE"),
                        "timeout_seconds": float(STALL_SECONDS),
                    },
                },
            },
            {
                "BLOG": format_secret(KEY),
                "MAGAZINE": secret,
                "SHOP_KEY": self.shop.key,
            },
        )
        stack.callback(self.installed.stop)

    def on_blog(self) -> dict[str, int]:
        """The price that each product has on WordPress."""
        pages = self.blog.pages(SubjectKind.PRODUCT)
        return {
            subject.id: offers[0].amount.amount_minor
            for subject in pages
            if (offers := self.blog.offers(subject))
        }

    def blog_sells_at(self, minor: int) -> bool:
        return set(self.on_blog().values()) == {minor}

    def on_magazine(self) -> dict[str, str]:
        """The fingerprint of the offers that each product has on Drupal."""
        held = [each for page in self.drupal.inventory(SubjectKind.PRODUCT) for each in page]
        return {each.subject.id: each.hashes.get(OFFERS, "") for each in held}

    def reprice(self, euros: str) -> None:
        for number in range(1, PRODUCTS + 1):
            self.shop.set_price(f"v{number:07d}-0", euros)


def _serve(stack: ExitStack, app: object) -> int:
    server = HttpServer(app, "127.0.0.1", 0)  # type: ignore[arg-type]
    server.start()
    stack.callback(server.stop)
    return server.port


def _drupal(url: str, secret: str) -> Site:
    key = Secret.parse(secret)
    return open_site(
        SiteSettings(SiteName("magazine"), url, BACKEND, False, (key,), None, {}), CLOCK
    )


def _backend(shop: RunningShop) -> dict[str, object]:
    key = {"env": "SHOP_KEY"}
    return {"system": "sandbox", "url": shop.url, "credential": key, "poll_seconds": 1.0}


def _site(system: str, url: str, secret: str) -> dict[str, object]:
    market = {"name": "main", "locale": "en-US", "currency": "EUR"}
    return {
        "system": system,
        "url": url,
        "backend": str(BACKEND),
        "secrets": [{"env": secret}],
        "media": "off",
        "markets": [market],
    }


@pytest.fixture(params=["stand-in", "real"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    real = Where.from_environment() if request.param == "real" else None
    with ExitStack() as stack:
        yield Pair(stack, tmp_path, real)


def test_a_site_that_stalls_never_slows_the_other(pair: Pair) -> None:
    pair.installed.start()
    until(lambda: len(pair.on_blog()) == PRODUCTS, "WordPress has all products", 120)
    until(lambda: len(pair.on_magazine()) == PRODUCTS, "Drupal has all products", 120)
    until(lambda: pair.installed.due() == 0, "nothing is due", 120)
    before = pair.on_magazine()

    pair.proxy.choose(lambda _method, _target: Hang())
    for euros, minor in (("21.00", 2100), ("22.00", 2200), ("23.00", 2300)):
        pair.reprice(euros)
        until(partial(pair.blog_sells_at, minor), f"{euros} on WordPress", 60)
    assert pair.on_magazine() == before
    status = pair.installed.ask("status")
    assert {each["site"] for each in status["lanes"] if each["parked"]} == set()

    pair.proxy.choose(None)
    until(
        lambda: not set(before.values()) & set(pair.on_magazine().values()),
        "Drupal has the new prices",
        STALL_SECONDS + 180,
    )
    until(lambda: pair.installed.due() == 0, "nothing is due", 120)
    assert requests.get(f"{pair.installed.url}/readyz", timeout=10).status_code == 200
