"""Eight workers, every webhook three times and out of order: one post for each product."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from connector.signing import Secret, signed_headers
from tests.live.pair import new_secret, pair_with, site_settings, until

pytestmark = pytest.mark.live
PRODUCTS = 120


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[RunningShop]:
    running = start_shop(tmp_path / "shop.db", free_port(), products=PRODUCTS)
    yield running
    running.stop()


def test_one_post_for_each_product(tmp_path: Path, shop: RunningShop, wordpress: WordPress) -> None:
    hook = new_secret()
    backend = {
        "system": "sandbox",
        "url": shop.url,
        "credential": {"env": "SHOP_KEY"},
        "webhook_secrets": [{"env": "SHOP_HOOK"}],
    }
    installed = Installed(
        tmp_path / "home",
        {
            "backends": {"shop": backend},
            "sites": {"blog": site_settings(wordpress.url)},
            "work": {"workers_per_site": 8, "batch_products": 3},
        },
        {"SHOP_KEY": shop.key, "SHOP_HOOK": hook, "SITE_SECRET": pair_with(wordpress)},
    )
    installed.start()
    try:
        answers = storm(installed, hook)
        assert set(answers) <= {200, 202}
        assert answers.count(202) == PRODUCTS, "each event counts once"
        until(
            lambda: (
                "import:blog" in installed.ask("status")["looked"]["shop"]
                and installed.waiting() == 0
            ),
            "all work",
            180,
        )
        query = "['post_type' => 'commerce_product', 'numberposts' => -1, 'post_status' => 'any']"
        names = wordpress.php(
            f"echo json_encode(array_map(fn($p) => $p->post_name, get_posts({query})));"
        )
        assert len(json.loads(names)) == len(set(json.loads(names))) == PRODUCTS
        assert installed.ask("parked", "list") == []
    finally:
        installed.stop()


def storm(installed: Installed, hook: str) -> list[int]:
    """Three deliveries of an event about each product, shuffled, from eight senders at once."""
    secret = Secret.parse(hook)
    deliveries = [number for number in range(1, PRODUCTS + 1) for _ in range(3)]
    random.Random(3).shuffle(deliveries)

    def deliver(number: int) -> int:
        change = {"kind": "product", "id": f"p{number:07d}", "what": "content"}
        body = json.dumps({"type": "catalogue.changed", "changes": [change]}).encode()
        headers = signed_headers(secret, f"event-{number}", int(time.time()), body)
        return httpx.post(f"{installed.url}/hooks/shop", content=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as senders:
        return list(senders.map(deliver, deliveries))
