"""Networks that break in every way we know: calls end in time, nothing is lost, nothing doubled.

The real client of the site API, real sockets, a proxy that breaks on purpose, the site API's
stand-in behind it. The engine's own time is a fake clock, so that hours of an outage take seconds.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from adapters.sandbox import BACKEND as SANDBOX
from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.machine import free_port
from connector.errors import ConnectorError, Incomplete, TargetDown, TryAgain
from connector.model import (
    BackendName,
    FieldName,
    Locale,
    LocationStock,
    Money,
    Price,
    ProductId,
    SiteName,
    Stock,
    SubjectKind,
)
from connector.ports import BackendSettings, Catalogue, Site, StatusNote
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.conformance.writes import (
    document,
    offers_write,
    picture,
    retire_write,
    term_write,
)
from connector.testing.proxy import Cut, Fault, Hang, Instead, Proxy, Trickle
from connector.testing.site import MemorySite
from tests.faults.rig import DEADLINE_SECONDS, HttpSite, Rig, amounts

SLACK = 1.1
SCHEDULING_SECONDS = 0.25
"""What a busy machine may add to a deadline before it is the connector's fault."""
PRODUCTS = 30
PAGES = int(os.environ.get("LOST_ANSWERS", "250"))
TITLE = FieldName("title")

FAULTS: dict[str, Fault] = {
    "hang": Hang(),
    "hang after the write": Hang(asked_upstream=True),
    "reset before the answer": Cut(0),
    "reset in mid-head": Cut(20),
    "reset in mid-body": Cut(-3),
    "truncated": Cut(-3, reset=False),
    "closed without an answer": Cut(0, reset=False),
    "trickle": Trickle(bytes_per_second=20, whole_bytes=-60),
    "429": Instead(429),
    "429 with seconds": Instead(429, (("retry-after", "30"),)),
    "500": Instead(500),
    "502 of a proxy": Instead(502, (("content-type", "text/html"),), b"<html>bad gateway</html>"),
    "503": Instead(503),
    "503 with seconds": Instead(503, (("retry-after", "60"),)),
    "504": Instead(504),
    "no JSON": Instead(200, (("content-type", "text/html"),), b"<html>Coming soon</html>"),
    "half JSON": Instead(200, (("content-type", "application/json"),), b'{"receipts": [{"ki'),
    "JSON of something else": Instead(200, (), b'{"hello": []}'),
}


@pytest.fixture
def http() -> Iterator[HttpSite]:
    site = HttpSite(SiteName("blog"), FakeClock(), MemorySite("blog"))
    yield site
    site.stop()


def every_call(site: Site) -> dict[str, Callable[[], object]]:
    upload = picture()
    return {
        "check": site.check,
        "offers": lambda: site.write_offers([offers_write(generate.product_subject(1))]),
        "content": lambda: site.write_content([document(generate.product_subject(1))]),
        "terms": lambda: site.write_terms([term_write()]),
        "retire": lambda: site.retire([retire_write(generate.product_subject(2))]),
        "find media": lambda: site.find_media([upload.content_hash]),
        "upload": lambda: site.upload_media(upload),
        "inventory": lambda: list(site.inventory(SubjectKind.PRODUCT)),
        "status": lambda: site.write_status([StatusNote(generate.product_subject(1), {})]),
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_ends_in_time_with_one_of_our_errors(http: HttpSite, fault: str) -> None:
    site = http.connect()
    site.write_content([document(generate.product_subject(n)) for n in range(5)])
    http.proxy.always(FAULTS[fault])
    for name, call in every_call(site).items():
        if (fault, name) == ("JSON of something else", "status"):
            continue  # nothing of its answer is used
        began = time.monotonic()
        with pytest.raises((TryAgain, TargetDown)) as caught:
            call()
        took = time.monotonic() - began
        assert took <= DEADLINE_SECONDS * SLACK + SCHEDULING_SECONDS, f"{name} took {took:.2f} s"
        assert http.proxy.url in caught.value.message or "site API" in caught.value.message, name
    http.proxy.always(None)
    assert site.check().system == "memory"
    site.close()


def test_a_refused_connection_is_a_target_that_is_down(http: HttpSite) -> None:
    site = http.connect()
    http.proxy.refuse()
    for name, call in every_call(site).items():
        began = time.monotonic()
        with pytest.raises(TargetDown, match="cannot be reached"):
            call()
        assert time.monotonic() - began <= DEADLINE_SECONDS * SLACK + SCHEDULING_SECONDS, name
    http.proxy.listen()
    assert site.check().system == "memory"
    site.close()


# ---- the engine over a broken network ----


def shop(count: int = PRODUCTS) -> MemoryCatalogue:
    return MemoryCatalogue(
        [generate.product(n, categories=(n % 2,)) for n in range(count)],
        [generate.category(0), generate.category(1, 0)],
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path, shop(), park_after=10**6)
    yield rig
    rig.close()


def assert_equal(rig: Rig) -> None:
    """Every site shows each product once, with the shop's words and prices, and no other."""
    truth = {each: p for page in rig.catalogue.products() for each, p in page.products.items()}
    for site in rig.sites.values():
        pages = site.memory.pages(SubjectKind.PRODUCT)
        assert {s.id for s in pages} == set(truth), "one lost, or one too many"
        assert len({page.cms_id for page in pages.values()}) == len(pages)
        for subject, page in pages.items():
            product = truth[ProductId(subject.id)]
            assert page.slug == product.handle, "a page made twice"
            assert page.fields[TITLE] == product.texts[product.default_locale].title
            assert amounts(site.memory, subject) == [
                next(p.amount.amount_minor for p in v.prices if p.amount.currency == "EUR")
                for v in product.variants
            ]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_import_through_this_fault_ends_whole(rig: Rig, fault: str) -> None:
    """Every third request meets the fault until forty have; then the network is well."""
    proxy = rig.sites[SiteName("blog")].proxy
    proxy.then(*[FAULTS[fault] if n % 3 == 0 else None for n in range(24)])
    rig.fill()
    assert rig.due() == 0
    assert rig.parked() == []
    assert sum(call.fault is not None for call in proxy.calls) == 8
    assert_equal(rig)


def random_fault(dice: random.Random) -> Fault | None:
    return dice.choice(list(FAULTS.values())) if dice.random() < 0.3 else None


def test_a_shop_that_changes_under_a_storm_of_all_faults_ends_equal(rig: Rig) -> None:
    dice = random.Random(20261124)
    proxy = rig.sites[SiteName("blog")].proxy
    proxy.choose(lambda _method, _target: random_fault(dice))
    rig.detector.poll()
    rig.detector.import_new_sites()
    for _ in range(30):
        number = dice.randrange(PRODUCTS)
        product = generate.product(number)
        match dice.randrange(3):
            case 0:
                price = Price(Money(dice.randrange(1, 9999), "EUR"))
                rig.catalogue.set_price(product.variants[0].id, price)
            case 1:
                level = LocationStock("main", dice.randrange(9))
                rig.catalogue.set_stock(
                    product.variants[0].id, Stock(tracked=True, locations=(level,))
                )
            case _:
                (old,) = rig.catalogue.fetch([product.id]).products.values()
                rig.catalogue.put(generate.retitled(old, f"Renamed {dice.random()}"))
        rig.detector.poll()
        rig.step()
        rig.clock.advance(seconds=dice.randrange(30))
    proxy.choose(None)
    rig.settle()
    assert rig.due() == 0
    assert rig.parked() == []
    assert_equal(rig)
    assert sum(call.fault is not None for call in proxy.calls) > 20


def test_lost_answers_make_no_page_twice(tmp_path: Path) -> None:
    """Commit, then drop: pages are written, the answer is lost, the write is repeated."""
    rig = Rig(tmp_path, shop(PAGES), park_after=10**6)
    lost: set[str] = set()
    proxy = rig.sites[SiteName("blog")].proxy

    def once(method: str, target: str) -> Fault | None:
        if method == "POST" and len(lost) < 60:
            lost.add(f"{len(lost)} {target}")
            return Cut(0)
        return None

    proxy.choose(once)
    rig.fill()
    assert len(lost) == 60
    assert_equal(rig)
    rig.close()


# ---- how a target is left alone ----


def test_no_call_comes_before_the_time_that_a_429_named(rig: Rig) -> None:
    site = rig.sites[SiteName("blog")]
    rig.fill()
    for seconds, as_date in ((37, False), (95, True)):
        header = _date(rig, seconds) if as_date else str(seconds)
        refusal = Instead(429, (("retry-after", header), ("date", _date(rig))))
        rig.catalogue.set_price(generate.product(1).variants[0].id, Price(Money(seconds, "EUR")))
        rig.detector.poll()
        site.proxy.then(refusal)
        refused_at, before = rig.clock.now(), len(site.proxy.calls)
        while rig.due():
            rig.step()
            rig.clock.advance(seconds=0.5)
        later = [call.at for call in site.proxy.calls[before + 1 :]]
        assert min(later) >= refused_at + timedelta(seconds=seconds)
        assert min(later) <= refused_at + timedelta(seconds=seconds + 2), "and not much later"
        assert amounts(site.memory, generate.product_subject(1))[0] == seconds


def test_a_503_with_a_time_is_left_alone_until_then(rig: Rig) -> None:
    site = rig.sites[SiteName("blog")]
    rig.fill()
    rig.catalogue.set_price(generate.product(1).variants[0].id, Price(Money(77, "EUR")))
    rig.detector.poll()
    site.proxy.then(Instead(503, (("retry-after", "120"),)))
    refused_at, before = rig.clock.now(), len(site.proxy.calls)
    while rig.due():
        rig.step()
        rig.clock.advance(seconds=1)
    later = [call.at for call in site.proxy.calls[before + 1 :]]
    assert min(later) >= refused_at + timedelta(seconds=120)


def _date(rig: Rig, later: int = 0) -> str:
    return format_datetime(rig.clock.now() + timedelta(seconds=later), usegmt=True)


@pytest.mark.parametrize("storm", ["refused", "500", "502 of a proxy", "503", "no JSON", "hang"])
def test_a_dead_site_is_probed_seldom_and_the_other_unaffected(tmp_path: Path, storm: str) -> None:
    rig = Rig(tmp_path, shop(), ("blog", "news"), park_after=10**6)
    blog, news = rig.sites[SiteName("blog")], rig.sites[SiteName("news")]
    rig.fill()
    if storm == "refused":
        blog.proxy.refuse()
    else:
        blog.proxy.always(FAULTS[storm])
    began = rig.clock.now()
    waits: list[float] = []
    while rig.clock.now() < began + timedelta(hours=1):
        minute = int((rig.clock.now() - began).total_seconds()) // 60
        cents = 10_000 + minute
        rig.catalogue.set_price(generate.product(3).variants[0].id, Price(Money(cents, "EUR")))
        rig.detector.poll()
        marked = rig.clock.now()
        while rig.due("news"):
            rig.step()
            rig.clock.advance(seconds=1)
        waits.append((rig.clock.now() - marked).total_seconds())
        assert amounts(news.memory, generate.product_subject(3))[0] == cents
        while rig.clock.now() < began + timedelta(minutes=minute + 1):
            rig.step()
            rig.clock.advance(seconds=5)
    assert max(waits) <= 2, "the living site waited for the dead one"
    backed_off = began + timedelta(minutes=10)
    assert blog.calls_since(backed_off) <= (rig.clock.now() - backed_off).total_seconds() / 30
    assert "site:blog" in rig.suspended()
    assert "site:news" not in rig.suspended()
    assert rig.due("blog") > 0
    blog.proxy.always(None)
    blog.proxy.listen()
    rig.settle()
    assert rig.due() == 0
    assert rig.suspended() == {}
    assert rig.parked() == []
    assert_equal(rig)
    rig.close()


def test_a_wrong_secret_locks_nobody_out(tmp_path: Path) -> None:
    """A secret rotated away under us: few tries, the site suspended, and no loop of refusals."""
    rig = Rig(tmp_path, shop())
    blog = rig.sites[SiteName("blog")]
    rig.fill()
    refusal = b'{"code": "commerce_connector_signature", "message": "no signature fits"}'
    blog.proxy.always(Instead(401, (), refusal))
    rig.catalogue.set_price(generate.product(3).variants[0].id, Price(Money(1, "EUR")))
    rig.detector.poll()
    began = rig.clock.advance(seconds=1)
    while rig.clock.now() < began + timedelta(minutes=1):
        rig.step()
        rig.clock.advance(seconds=1)
    assert blog.calls_since(began) <= 5
    assert "refuses us (401)" in rig.suspended()["site:blog"].reason
    blog.proxy.always(None)
    rig.settle()
    assert amounts(blog.memory, generate.product_subject(3))[0] == 1
    assert rig.parked() == []
    rig.close()


# ---- the backend's side ----


@pytest.fixture(scope="module")
def real_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    running = start_shop(tmp_path_factory.mktemp("shop") / "shop.db", free_port(), products=40)
    yield running
    running.stop()


@pytest.fixture
def shop_proxy(real_shop: RunningShop) -> Iterator[Proxy]:
    proxy = Proxy(int(real_shop.url.rpartition(":")[2]), FakeClock()).start()
    yield proxy
    proxy.stop()


def open_shop(
    proxy: Proxy, real_shop: RunningShop, deadline_seconds: float = DEADLINE_SECONDS
) -> Catalogue:
    settings = BackendSettings(
        BackendName("shop"),
        proxy.url,
        real_shop.key,
        (),
        Locale("en-US"),
        {},
        timeout_seconds=deadline_seconds,
    )
    return SANDBOX.open(settings, FakeClock())


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_of_a_shop_ends_in_time(
    real_shop: RunningShop, shop_proxy: Proxy, fault: str
) -> None:
    catalogue = open_shop(shop_proxy, real_shop)
    calls: dict[str, Callable[[], object]] = {
        "check": catalogue.check,
        "ids": lambda: list(catalogue.ids()),
        "products": lambda: list(catalogue.products()),
        "fetch": lambda: catalogue.fetch([ProductId("p0000001")]),
        "categories": catalogue.categories,
        "changes": lambda: list(catalogue.changes(None)),
    }
    if isinstance(FAULTS[fault], Hang | Trickle):
        calls = {"check": catalogue.check, "products": lambda: list(catalogue.products())}
    shop_proxy.always(FAULTS[fault])
    for name, call in calls.items():
        began, before = time.monotonic(), len(shop_proxy.calls)
        with pytest.raises((TryAgain, TargetDown, Incomplete)):
            call()
        tries = len(shop_proxy.calls) - before
        most = DEADLINE_SECONDS * SLACK + SCHEDULING_SECONDS
        assert time.monotonic() - began <= tries * most + 3, f"{name} after {tries} tries"
    shop_proxy.always(None)
    assert catalogue.check().product_count == 40
    catalogue.close()


def test_a_reconcile_over_a_broken_network_never_thins_a_site(
    tmp_path: Path, real_shop: RunningShop, shop_proxy: Proxy
) -> None:
    """Whatever a listing meets, in whichever page: an error, and nothing goes off sale."""
    from connector.reconcile import reconcile

    # None of these faults hangs: a busy machine must not add a time-out of its own.
    catalogue = open_shop(shop_proxy, real_shop, deadline_seconds=60)
    rig = Rig(tmp_path, shop(0), seen_catalogue=catalogue)
    rig.fill()
    blog = rig.sites[SiteName("blog")]
    assert len(blog.live()) == 40
    target = rig.works[SiteName("blog")].target()
    for fault in (Cut(-3), Cut(-3, reset=False), FAULTS["half JSON"], FAULTS["no JSON"]):
        for well in range(4):
            left, before = [None] * well, len(shop_proxy.calls)
            shop_proxy.choose(lambda *_, left=left, fault=fault: left.pop() if left else fault)
            failed = False
            try:
                reconcile(rig.database, target, rig.clock, "test")
            except ConnectorError:
                failed = True
            met = [call for call in shop_proxy.calls[before:] if call.fault is not None]
            assert failed == bool(met), "a broken listing was taken for a whole one"
            shop_proxy.choose(None)
            rig.clock.advance(minutes=10)
            rig.settle()
            assert len(blog.live()) == 40
    _, report = reconcile(rig.database, target, rig.clock, "test")
    assert (report.equal, report.surplus, report.missing) == (40, 0, 0)
    catalogue.close()
    rig.close()
