"""A real Varnish before a real Drupal, with the VCL that deploy/ ships: fresh prices, no carts.

Needs DRUPAL_URL and its credentials (docs/drupal.md), on this machine. Visitors and the daemon go
to the cache; what is set on the site for that is put back at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import pytest

from connector.demo.machine import free_port
from connector.demo.varnish import DRUPAL, Varnish
from connector.ports import ContentWrite
from connector.testing.conformance.site import done
from connector.testing.conformance.writes import TITLE, change_of, document
from tests.contract.site_api_suite import offer_of
from tests.goods import bought
from tests.live.drupal_shop import DrupalShop, open_drupal_shop, press
from tests.live.drupal_site import Where
from tests.live.test_drupal_module import Bench
from tests.live.test_drupal_shop import ADD_MUG
from tests.plain_browser import Page, PlainBrowser
from tests.relay_house import MUG

pytestmark = pytest.mark.live
KEPT_SECONDS = 3
"""How long pages with prices may be kept outside Drupal, in these tests."""
PERFORMANCE = "/admin/config/development/performance"


@dataclass(slots=True)
class Front:
    """The cache's address, a daemon that knows it alone, and the shop behind it."""

    url: str
    bench: Bench
    shop: DrupalShop
    made: ContentWrite = field(default_factory=document)

    def sell(self, price: str) -> str:
        """A product of its own with that price; the address of its page."""
        self.made = document()
        url = done(self.bench.site.write_content([self.made])).url or ""
        self.reprice(price)
        assert url.startswith(self.url)
        return url

    def reprice(self, price: str) -> None:
        done(self.bench.site.write_offers([offer_of(self.made.subject, "v1", price)]))


def visit(url: str, cookie: str = "") -> Page:
    browser = PlainBrowser()
    browser.session.headers.update({"cookie": cookie} if cookie else {})
    return browser.get(url)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    where = Where.from_environment()
    there = urlsplit(where.url)
    if there.hostname != "127.0.0.1" or there.scheme != "http":
        pytest.skip("NO CACHE BEFORE DRUPAL WAS TESTED: DRUPAL_URL is not http://127.0.0.1:PORT")
    cache = Varnish.start(free_port(), there.port or 80, DRUPAL)
    try:
        with open_drupal_shop(tmp_path_factory.mktemp("front")) as shop:
            editor = shop.editor
            press(editor, f"{where.url}{PERFORMANCE}", "op", page_cache_maximum_age="900")
            shop.save_settings(browser_max_age=str(KEPT_SECONDS))
            yield Front(cache.url, Bench(replace(where, url=cache.url)), shop)
            shop.save_settings(browser_max_age="60")
            press(editor, f"{where.url}{PERFORMANCE}", "op", page_cache_maximum_age="0")
    finally:
        cache.stop()


def at_the_cache(front: Front, name: str) -> str:
    """The address of one of the shop's pages, as visitors have it."""
    return front.url + urlsplit(front.shop.urls[name]).path


def test_a_new_price_is_shown_when_the_time_is_over_even_to_the_first(front: Front) -> None:
    url = front.sell("11,10 €")
    seen = [visit(url, each) for each in ("", "_ga=1", "commerce_cart=m")]
    assert [page.headers["x-cache"] for page in seen] == ["miss", "hit", "hit"]
    assert all("11,10 €" in page.words for page in seen)
    front.reprice("22,20 €")
    time.sleep(KEPT_SECONDS + 0.5)
    assert "22,20 €" in visit(url).words
    front.reprice("33,30 €")
    front.bench.edit(front.made.subject, TITLE, "Another title")
    time.sleep(KEPT_SECONDS + 0.5)
    page = visit(url)
    assert "33,30 €" in page.words
    assert "Another title" in page.words


def test_the_daemon_writes_through_the_cache(front: Front) -> None:
    made = document()
    done(front.bench.site.write_content([made]))
    done(front.bench.site.write_content([change_of(made, {TITLE: "Later"})]))
    (stored,) = front.bench.site.documents(made.subject.kind, [made.subject.id])
    assert stored.values[TITLE] == "Later"


def test_editors_are_answered_by_drupal_itself(front: Front) -> None:
    url = front.sell("44,40 €")
    visit(url)
    name, value = next(iter(front.bench.editor.session.cookies.items()))
    assert name.startswith(("SESS", "SSESS"))
    for price in ("55,50 €", "66,60 €"):
        front.reprice(price)
        page = visit(url, f"{name}={value}")
        assert page.headers["x-cache"] == "miss"
        assert price in page.words


def test_shoppers_without_script_share_pages_and_no_carts(front: Front) -> None:
    one, other = PlainBrowser(), PlainBrowser()
    url = at_the_cache(front, "mug")
    before = one.get(url)
    one.press(before, ADD_MUG, quantity="2")
    assert bought(front.shop.house) == [{MUG: 2}]
    shown = [each.get(url) for each in (one, other)]
    assert shown[1].headers["x-cache"] == "hit"
    assert {page.html for page in shown} == {before.html}
    for _ in range(2):
        own, others = (each.get(at_the_cache(front, "cart")) for each in (one, other))
        assert "2 × 19,90 €" in own.words.replace("\xa0", " ")
        assert "Your cart is empty." in others.words
        assert others.headers["x-cache"] == "miss"
