"""SIGTERM in the middle of an import: done within ten seconds, and the rest goes on afterwards."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.live.pair import pair_with, site_settings, until

pytestmark = pytest.mark.live
PRODUCTS = 1500


def test_sigterm_finishes_or_releases_what_is_in_flight(
    tmp_path: Path, wordpress_on_sqlite: WordPress
) -> None:
    with running_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS) as shop:
        backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
        site = site_settings(wordpress_on_sqlite.url)
        secrets = {"SHOP_KEY": shop.key, "SITE_SECRET": pair_with(wordpress_on_sqlite)}
        settings = {"backends": {"shop": backend}, "sites": {"blog": site}}
        installed = Installed(tmp_path / "home", settings, secrets)
        daemon = installed.start()
        until(lambda: installed.waiting() > PRODUCTS, "the import under way")
        asked = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(30)
        assert time.monotonic() - asked <= 10 + 8, "drain and server shutdown"
        assert daemon.process.returncode == 0
        standing = installed.ask("status")
        assert sum(lane["in_flight"] for lane in standing["lanes"]) == 0
        assert sum(lane["due"] for lane in standing["lanes"]) > 0
        assert standing["daemon"] is None
        installed.start()
        assert httpx.get(f"{installed.url}/healthz").text == "alive\n"
        until(lambda: installed.waiting() == 0, "the rest of the import", 240)
        metrics = httpx.get(f"{installed.url}/metrics").text
        assert 'connector_due{lane="content",site="blog"} 0.0' in metrics
        assert 'connector_oldest_unconfirmed_seconds{lane="offers",site="blog"} 0.0' in metrics
        installed.stop()
