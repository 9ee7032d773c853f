"""`python -m tests.faults.soak --minutes 120`: a daemon under load and faults, and what it holds.

A shop that changes all the time, webhooks, a site behind a proxy that breaks in every way and goes
away for a while now and then. Samples the daemon's memory, open files and rows; at the end the site
must equal the shop. Prints the slope of memory after warm-up with its 95 % confidence interval.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from adapters.sandbox.run import RunningShop, start_shop
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.model import FieldName, SiteName, Subject, SubjectKind
from connector.signing import Secret, format_secret, signed_headers
from connector.testing.proxy import Cut, Fault, Hang, Instead, Trickle
from connector.testing.site import MemorySite
from tests.faults.rig import SECRET, HttpSite
from tests.live.pair import site_settings, until

HOOK = Secret(b"h" * 32)
SAMPLE_SECONDS = 5.0
BLOCK_SECONDS = 60.0
"""Samples are averaged over a minute before the regression, for neighbours are alike."""
WARM_UP_SECONDS = 1800.0
"""So long the daemon's heap, caches and tables go on filling; half of a run that is shorter."""
GOAL_MB_PER_HOUR = 5.0
KEPT = frozenset({"trail", "inbox", "journal", "runs", "notices"})
"""Tables that grow by design until their retention ends."""
FAULTS: list[Fault] = [
    Instead(500),
    Instead(503),
    Instead(503, (("retry-after", "2"),)),
    Instead(429, (("retry-after", "1"),)),
    Instead(200, (("content-type", "text/html"),), b"<html>Coming soon</html>"),
    Cut(0),
    Cut(-5),
    Cut(-5, reset=False),
    Hang(asked_upstream=True),
    Trickle(bytes_per_second=20, whole_bytes=-60),
]


@dataclass(frozen=True, slots=True)
class Sample:
    second: float
    megabytes: float
    files: int
    threads: int
    rows: Mapping[str, int]


@dataclass(slots=True)
class Soak:
    """The systems, what is done to them, and what was seen."""

    home: Path
    minutes: float
    products: int
    dice: random.Random = field(default_factory=lambda: random.Random(20261124))
    samples: list[Sample] = field(default_factory=list)
    changes: int = 0
    hooks: int = 0

    def run(self) -> bool:
        shop = start_shop(self.home / "shop.db", free_port(), products=self.products)
        site = HttpSite(SiteName("blog"), SystemClock(), MemorySite("blog"), deadline_seconds=2)
        installed = self._installed(shop, site)
        try:
            installed.start()
            until(lambda: len(site.live()) == self.products, "the first import", 600)
            self._load(shop, site, installed)
            site.proxy.choose(None)
            site.proxy.listen()
            until(lambda: self._equal(shop, site, installed), "equal at the end", 900)
            return self._report(site)
        finally:
            installed.stop()
            site.stop()
            shop.stop()

    def _installed(self, shop: RunningShop, site: HttpSite) -> Installed:
        backend = {
            "system": "sandbox",
            "url": shop.url,
            "credential": {"env": "SHOP_KEY"},
            "webhook_secrets": [{"env": "SHOP_HOOK"}],
            "poll_seconds": 5.0,
        }
        place = site_settings(site.proxy.url, media="off", timeout_seconds=2.0)
        secrets = {
            "SHOP_KEY": shop.key,
            "SHOP_HOOK": format_secret(HOOK.key),
            "SITE_SECRET": format_secret(SECRET.key),
        }
        return Installed(
            self.home / "home", {"backends": {"shop": backend}, "sites": {"blog": place}}, secrets
        )

    # ---- load ----

    def _load(self, shop: RunningShop, site: HttpSite, installed: Installed) -> None:
        assert installed.daemon is not None
        process = psutil.Process(installed.daemon.process.pid)
        began, next_sample = time.monotonic(), 0.0
        site.proxy.choose(lambda *_: self._fault())
        while (second := time.monotonic() - began) < self.minutes * 60:
            away = second % 180 > 150
            (site.proxy.refuse if away else site.proxy.listen)()
            self._change(shop, installed)
            if second >= next_sample:
                self.samples.append(_sample(second, process, installed))
                next_sample = second + SAMPLE_SECONDS
            time.sleep(0.2)

    def _fault(self) -> Fault | None:
        return self.dice.choice(FAULTS) if self.dice.random() < 0.05 else None

    def _change(self, shop: RunningShop, installed: Installed) -> None:
        number = self.dice.randrange(1, self.products + 1)
        product = shop.product(f"p{number:07d}")
        variant = product["variants"][0]["id"]
        shop.set_price(variant, f"{self.dice.randrange(1, 500)}.{self.dice.randrange(10, 100)}")
        shop.set_stock(variant, self.dice.randrange(100))
        self.changes += 2
        if self.dice.random() < 0.3:
            product["texts"]["en-US"]["title"] = f"Renamed {self.changes}"
            with shop.admin() as admin:
                admin.put(f"/admin/products/{product['id']}", json=product).raise_for_status()
            self.changes += 1
        change = {"kind": "product", "id": product["id"], "what": "content"}
        body = json.dumps({"type": "catalogue.changed", "changes": [change]}).encode()
        self.hooks += 1
        headers = signed_headers(HOOK, f"soak-{self.hooks}", int(time.time()), body)
        address = f"{installed.url}/hooks/shop"
        httpx.post(address, content=body, headers=headers, timeout=30, trust_env=False)

    # ---- the end ----

    def _equal(self, shop: RunningShop, site: HttpSite, installed: Installed) -> bool:
        return installed.due() == 0 and not differences(shop, site)

    def _report(self, site: HttpSite) -> bool:
        warm_up = min(WARM_UP_SECONDS, self.minutes * 60 / 2)
        warm = [each for each in self.samples if each.second >= warm_up]
        slope, error = slope_per_hour([(each.second, each.megabytes) for each in warm])
        first, last = warm[0], warm[-1]
        met = [call for call in site.proxy.calls if call.fault is not None]
        print(f"{self.minutes:g} minutes, {self.products} products, {self.changes} changes,")
        print(f"{self.hooks} webhooks, {len(site.proxy.calls)} calls of which {len(met)} failed;")
        print(f"sites equal at the end: yes; pages twice: {_twice(site)}")
        print(f"memory: {first.megabytes:.1f} MB after warm-up, {last.megabytes:.1f} MB at the end")
        sure = f"95 % between {slope - error:+.2f} and {slope + error:+.2f}"
        print(f"slope: {slope:+.2f} MB an hour ({sure}); goal: under {GOAL_MB_PER_HOUR:g}")
        for quarter in _quarters(warm):
            print(f"  {quarter}")
        print(
            f"open files: {first.files} -> {last.files}; threads: {first.threads} -> {last.threads}"
        )
        grown = {
            name: (first.rows.get(name, 0), rows)
            for name, rows in last.rows.items()
            if rows != first.rows.get(name, 0)
        }
        for name, (before, after) in sorted(grown.items()):
            kept = " (kept until its retention ends)" if name in KEPT else ""
            print(f"rows of {name}: {before} -> {after}{kept}", flush=True)
        return slope <= GOAL_MB_PER_HOUR and last.files <= first.files + 10


def differences(shop: RunningShop, site: HttpSite) -> list[str]:
    """Titles and lowest prices that the site does not show as the shop has them."""
    pages, after = site.memory.pages(SubjectKind.PRODUCT), ""
    found: list[str] = []
    with shop.admin() as admin:
        while True:
            rows = admin.get("/v1/products", params={"after": after, "limit": 500}).json()[
                "products"
            ]
            if not rows:
                return found
            after = rows[-1]["id"]
            for product in rows:
                subject = Subject(SubjectKind.PRODUCT, product["id"])
                page, title = pages.get(subject), product["texts"]["en-US"]["title"]
                if page is None or page.fields[FieldName("title")] != title:
                    found.append(f"{subject}: {title}")
                shown = [o for o in site.memory.offers(subject) if o.min_quantity == 1]
                amounts = [(offer.variant, offer.amount.amount_minor) for offer in shown]
                if amounts != [(each["id"], cents(each)) for each in product["variants"]]:
                    found.append(f"{subject}: offers {amounts}")


def cents(variant: Mapping[str, Sequence[Mapping[str, str]]]) -> int:
    """The price of one piece in EUR."""
    return min(
        round(float(row["amount"]) * 100)
        for row in variant["prices"]
        if row["currency"] == "EUR" and row.get("min_quantity", 1) == 1
    )


def _quarters(samples: Sequence[Sample]) -> list[str]:
    """What memory did in each quarter of the time."""
    size = max(1, len(samples) // 4)
    found = []
    for start in range(0, size * 4, size):
        some = samples[start : start + size]
        mean = sum(each.megabytes for each in some) / len(some)
        most = max(each.megabytes for each in some)
        found.append(f"from minute {some[0].second / 60:.0f}: {mean:.1f} MB, at most {most:.1f} MB")
    return found


def _twice(site: HttpSite) -> int:
    pages = site.memory.pages(SubjectKind.PRODUCT)
    return len(pages) - len({page.fields[FieldName("source")]["handle"] for page in pages.values()})  # type: ignore[call-overload,index]


def _sample(second: float, process: psutil.Process, installed: Installed) -> Sample:
    with process.oneshot():
        megabytes = process.memory_info().rss / 10**6
        files, threads = process.num_fds(), process.num_threads()
    return Sample(second, megabytes, files, threads, _rows(installed.home / "state.db"))


def _rows(state: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=60)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [name for (name,) in connection.execute(query)]
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
        }


def slope_per_hour(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least-squares slope of (second, value), and half its 95 % interval, both per hour.

    Over means of a minute each, with Student's t for few of them.
    """
    blocks: dict[int, list[tuple[float, float]]] = {}
    for second, value in points:
        blocks.setdefault(int(second // BLOCK_SECONDS), []).append((second, value))
    means = [
        (sum(x for x, _ in block) / len(block), sum(y for _, y in block) / len(block))
        for _, block in sorted(blocks.items())
    ]
    count = len(means)
    if count < 3:
        return math.nan, math.inf
    middle = sum(x for x, _ in means) / count
    height = sum(y for _, y in means) / count
    spread = sum((x - middle) ** 2 for x, _ in means)
    slope = sum((x - middle) * (y - height) for x, y in means) / spread
    left = sum((y - height - slope * (x - middle)) ** 2 for x, y in means)
    error = math.sqrt(left / (count - 2) / spread)
    return slope * 3600, student_t(count - 2) * error * 3600


def student_t(freedom: int) -> float:
    """The two-sided 95 % quantile, by Cornish and Fisher's expansion; exact enough from 3 on."""
    z, n = 1.959964, float(freedom)
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--products", type=int, default=500)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        return 0 if Soak(Path(home), chosen.minutes, chosen.products).run() else 1


if __name__ == "__main__":
    sys.exit(main())
