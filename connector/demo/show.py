"""`connector demo`: a shop, a real WordPress and the daemon; a change on its way to the page.

Everything it starts is a process of its own and ends with it. Prints what it does and how long it
takes; with `once` it ends after the show, otherwise it stays for you to try until Ctrl-C.
"""

from __future__ import annotations

import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from connector.demo import shops
from connector.demo.installed import Installed
from connector.demo.machine import LOOPBACK, SetUpFailed, cache_dir, free_port, say, scratch
from connector.demo.wordpress import WordPress
from connector.signing import format_secret

PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
PATIENCE_SECONDS = 300.0
SELLING = (
    "update_option( 'commerce_connector_relay', $args[0] ); Commerce_Connector_Shop_Pages::make();"
)
"""What an administrator does on the settings page so that shoppers can buy."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where the products go: a WordPress of ours, or one that the user has."""

    url: str
    secret: str
    login: str
    clean_up: Callable[[], None]


def show(system: str, products: int, site: str | None, site_secret: str, once: bool) -> None:
    """Bring everything up, import, change a price and a stock level, say how long it took.

    Raises SetUpFailed where a system cannot be brought up here.
    """
    started = time.monotonic()
    cache, port = cache_dir(), free_port()
    cache.mkdir(parents=True, exist_ok=True)
    hook = format_secret(secrets.token_bytes(32))
    with ExitStack() as stack:
        page = _page(cache, site, site_secret, port)
        stack.callback(page.clean_up)
        say(f"WordPress is up at {page.url}")
        shop = shops.start(system, cache, products, port, hook)
        stack.callback(shop.stop)
        say(f"the {shop.name} shop is up with {products} products")
        installed = _installed(shop, page, hook, port)
        stack.callback(installed.stop)
        installed.start()
        _import(installed)
        _changes(installed, shop)
        _farewell(installed, shop, page, time.monotonic() - started)
        if not once:
            _until_stopped()


def _page(cache: Path, site: str | None, site_secret: str, port: int) -> Page:
    if site is not None:
        if not site_secret:
            raise SetUpFailed(
                "a WordPress of yours needs --site-secret: install the plugin (`connector plugin"
                " build`) and pair it on its Settings > Commerce Connector"
            )
        return Page(site, site_secret, "yours", lambda: None)
    ours = WordPress.start(cache, plugin=PLUGIN)
    secret = ours.php("echo commerce_connector_pair();").strip()
    ours.php(SELLING, _relay(port))
    return Page(ours.url, secret, f"{ours.admin_user} / {ours.admin_password}", ours.stop)


def _relay(port: int) -> str:
    """The relay's address for the page, as its settings take it."""
    return f"http://{LOOPBACK}:{port}/v1/blog"


def _installed(shop: shops.Shop, page: Page, hook: str, port: int) -> Installed:
    host = httpx.URL(str(shop.settings()["url"])).host
    home = scratch("demo")
    keys = {
        "shop-key": shop.credential,
        "shop-webhook-secret": hook,
        "blog-secret": page.secret,
        "relay-key": format_secret(secrets.token_bytes(32)),
    }
    for name, value in keys.items():
        (home / name).write_text(value)
        (home / name).chmod(0o600)
    settings: Mapping[str, Any] = {
        "backends": {
            "shop": {
                **shop.settings(),
                "credential": {"file": f"{home}/shop-key"},
                "webhook_secrets": [{"file": f"{home}/shop-webhook-secret"}],
            }
        },
        "sites": {
            "blog": {
                "system": "wordpress",
                "url": page.url,
                "backend": "shop",
                "secrets": [{"file": f"{home}/blog-secret"}],
                "markets": [{"name": "main", "locale": "en-US", "currency": "EUR"}],
            }
        },
        "media": {"allow_private_hosts": [host]},
        "relay": {"keys": [{"file": f"{home}/relay-key"}]},
    }
    return Installed(home, settings, {}, port)


def _import(installed: Installed) -> None:
    started = time.monotonic()
    total = 0
    while True:
        standing = installed.ask("status")
        left = sum(lane["due"] for lane in standing["lanes"] if lane["lane"] != "media")
        total = max(total, left)
        if "import:blog" in standing["looked"]["shop"] and left == 0:
            break
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise SetUpFailed(f"the import did not end; {installed.log} says why")
        time.sleep(0.3)
    say(f"imported in {time.monotonic() - started:.1f} s; the pictures follow by themselves")


def _changes(installed: Installed, shop: shops.Shop) -> None:
    sku, variant = shop.a_variant()
    (found,) = installed.ask("explain", sku)
    address = found["sites"][0]["url"]
    say(f"\nchanging {sku} in the shop, watching {address}")
    changed = time.monotonic()
    shop.set_price(variant, "12.34")
    _wait_for(lambda: "12.34" in _read(address), "the new price", installed)
    say(f"  its new price of 12.34 was on the page after {time.monotonic() - changed:.2f} s")
    changed = time.monotonic()
    shop.set_stock(variant, 0)
    _wait_for(lambda: "OutOfStock" in _read(address), "the empty stock", installed)
    say(f"  that it is out of stock was on the page after {time.monotonic() - changed:.2f} s")
    say(f"\nconnector explain {sku}\n{installed.command('explain', sku, '--steps', '6').stdout}")


def _read(address: str) -> str:
    return httpx.get(address, timeout=30, trust_env=False).text


def _wait_for(true: Callable[[], bool], what: str, installed: Installed) -> None:
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise SetUpFailed(f"{what} did not arrive; {installed.log} says why")
        time.sleep(0.05)


def _farewell(installed: Installed, shop: shops.Shop, page: Page, seconds: float) -> None:
    lines = {
        "pages (find something and buy it)": f"{page.url}/products/",
        "the relay, for the settings there": _relay(installed.port),
        "WordPress login": f"{page.url}/wp-admin/ ({page.login})",
        **shop.addresses(),
        "the daemon": f"{installed.url}/metrics",
        "its command line": f"{sys.argv[0]} --config {installed.file} status",
    }
    say(f"all of it in {seconds:.0f} s. Try it:")
    for what, where in lines.items():
        say(f"  {what:34} {where}")


def _until_stopped() -> None:
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    say("Ctrl-C ends it.")
    while not stopped.wait(1):
        pass
