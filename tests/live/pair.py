"""A real backend and a real WordPress joined by a daemon of its own process, for live tests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.medusa import Medusa
from connector.demo.wordpress import WordPress
from connector.signing import format_secret


def new_secret() -> str:
    return format_secret(secrets.token_bytes(32))


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> float:
    """Wait until something is true; how long that took. The limit only ends a hopeless wait."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - started


def pair_with(site: WordPress) -> str:
    """The signing secret that the site's plugin has just made."""
    return site.php("echo commerce_connector_pair();").strip()


def site_settings(url: str, **more: Any) -> dict[str, Any]:
    market = {"name": "main", "locale": "en-US", "currency": "EUR"}
    return {
        "system": "wordpress",
        "url": url,
        "backend": "shop",
        "secrets": [{"env": "SITE_SECRET"}],
        "media": "off",
        "markets": [market],
        **more,
    }


@dataclass(frozen=True, slots=True)
class MedusaPair:
    """Medusa -> daemon -> WordPress, ready for its first import."""

    medusa: Medusa
    site: WordPress
    installed: Installed

    @classmethod
    def lay_out(
        cls,
        home: Path,
        start_medusa: Callable[[dict[str, str]], Medusa],
        site: WordPress,
        **more: Any,
    ) -> MedusaPair:
        """`more`: further settings of the site."""
        port, hook = free_port(), new_secret()
        medusa = start_medusa(
            {
                "COMMERCE_CONNECTOR_URL": f"http://127.0.0.1:{port}/hooks/shop",
                "COMMERCE_CONNECTOR_SECRET": hook,
            }
        )
        shop = {
            "system": "medusa",
            "url": medusa.url,
            "credential": {"env": "SHOP_KEY"},
            "webhook_secrets": [{"env": "SHOP_HOOK"}],
            "poll_seconds": 600.0,
        }
        environment = {
            "SHOP_KEY": medusa.secret_key,
            "SHOP_HOOK": hook,
            "SITE_SECRET": pair_with(site),
        }
        settings = {"backends": {"shop": shop}, "sites": {"blog": site_settings(site.url, **more)}}
        return cls(medusa, site, Installed(home, settings, environment, port))

    def import_all(self) -> None:
        self.installed.start()
        looked = "import:blog"
        until(
            lambda: (
                looked in self.installed.ask("status")["looked"]["shop"]
                and self.installed.waiting() == 0
            ),
            "the first import",
            180,
        )

    def page(self, sku: str) -> str:
        """The HTML of the product's page."""
        (found,) = self.installed.ask("explain", sku)
        return httpx.get(found["sites"][0]["url"]).text

    def address(self, sku: str) -> str:
        (found,) = self.installed.ask("explain", sku)
        return str(found["sites"][0]["url"])
