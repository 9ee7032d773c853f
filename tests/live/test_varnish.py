"""The VCLs that deploy/ ships, in a real Varnish: what is kept, what is not, what goes through.

The site behind it is this test; real ones are in test_drupal_varnish.py and tests/browser.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from connector.demo.machine import free_port
from connector.demo.varnish import DRUPAL, WORDPRESS, Varnish

pytestmark = pytest.mark.live
CART = "commerce_connector_cart=0123.cct_mine"
SHIPPED = {"WordPress": WORDPRESS, "Drupal": DRUPAL}


@dataclass(slots=True)
class Street:
    """A cache, and what came through it to the site: method, address, cookies."""

    cache: Varnish
    came: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """More headers of the site's answers, by path."""
    status: int = 200

    def ask(self, path: str, cookie: str = "", method: str = "GET", **headers: str) -> str:
        """Whether the answer came out of the cache: hit or miss."""
        sent = {**headers, **({"cookie": cookie} if cookie else {})}
        answer = httpx.request(method, self.cache.url + path, headers=sent, trust_env=False)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.headers["x-cache"]


@contextmanager
def open_street(shipped: Path) -> Iterator[Street]:
    port = free_port()

    class Site(BaseHTTPRequestHandler):
        def answer(self) -> None:
            made.came.append((self.command, self.path, self.headers.get("cookie", "")))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(made.status)
            for name, value in made.answers.get(self.path.partition("?")[0], {}).items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"ok")

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("127.0.0.1", port), Site)
    made = Street(Varnish("", None))  # type: ignore[arg-type]
    thread = Thread(target=site.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    made.cache = Varnish.start(free_port(), port, shipped)
    try:
        yield made
    finally:
        made.cache.stop()
        site.shutdown()
        site.server_close()


@pytest.fixture(scope="module")
def wordpress() -> Iterator[Street]:
    with open_street(WORDPRESS) as street:
        yield street


@pytest.fixture(scope="module")
def drupal() -> Iterator[Street]:
    with open_street(DRUPAL) as street:
        yield street


@pytest.fixture(params=SHIPPED)
def street(request: pytest.FixtureRequest, wordpress: Street, drupal: Street) -> Street:
    return as_new(wordpress if request.param == "WordPress" else drupal)


@pytest.fixture
def before_wordpress(wordpress: Street) -> Street:
    return as_new(wordpress)


def as_new(street: Street) -> Street:
    street.came.clear()
    street.answers.clear()
    return street


def test_a_page_is_made_once_for_everybody(street: Street) -> None:
    cookies = ["", CART, "_ga=1; other=2", f"_ga=1; {CART}", "wp-settings-1=x"]
    assert [street.ask("/mug/", each) for each in cookies] == ["miss", *["hit"] * 4]
    assert street.ask("/mug/?utm_source=mail&gclid=7") == "hit"
    assert street.ask("/mug/?b=2&utm_medium=x&a=1") == "miss"
    assert street.ask("/mug/?a=1&b=2") == "hit"
    assert street.came == [("GET", "/mug/", ""), ("GET", "/mug/?a=1&b=2", "")]


def test_only_the_shoppers_own_cookies_go_on(street: Street) -> None:
    street.answers["/cart/"] = {"cache-control": "private, no-store, max-age=0"}
    street.ask("/cart/", f"a=1; {CART}; commerce_cart=m; commerce_connector_says=s; z=9")
    street.ask("/cart/", "xcommerce_connector_cart=1; evil=commerce_connector_cart=2")
    assert [cookie for _, _, cookie in street.came] == [
        f"{CART}; commerce_cart=m; commerce_connector_says=s",
        "",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"cache-control": "private, no-store, max-age=0"},
        {"cache-control": "no-cache"},
        {"set-cookie": "commerce_connector_cart=x"},
    ],
)
def test_what_is_personal_is_never_kept(street: Street, headers: dict[str, str]) -> None:
    path = f"/personal-{next(iter(headers.values()))[:7].strip()}/"
    street.answers[path] = headers
    assert {street.ask(path, cookie) for cookie in (CART, "", CART, "")} == {"miss"}
    assert len(street.came) == 4


WORDPRESS_ANSWERS = pytest.mark.parametrize(
    ("path", "cookie", "method"),
    [
        ("/wp-json/commerce-connector/v1/site", "", "GET"),
        ("/?rest_route=/commerce-connector/v1/site", "", "GET"),
        ("/wp-admin/", "", "GET"),
        ("/mug/?preview=true", "", "GET"),
        ("/mug/", "wordpress_logged_in_x=1", "GET"),
        ("/mug/", "wp-postpass_x=1", "GET"),
        ("/mug/", CART, "POST"),
    ],
)
DRUPAL_ANSWERS = pytest.mark.parametrize(
    ("path", "cookie", "method"),
    [
        ("/commerce-connector/v1/site", "", "GET"),
        ("/jsonapi/node/article", "", "GET"),
        ("/mug", "SESS0123456789abcdef=x", "GET"),
        ("/mug", "_ga=1; SSESS0123456789abcdef=x", "GET"),
        ("/mug", CART, "POST"),
    ],
)


@WORDPRESS_ANSWERS
def test_what_is_not_for_everybody_is_asked_of_wordpress(
    before_wordpress: Street, path: str, cookie: str, method: str
) -> None:
    goes_through(before_wordpress, path, cookie, method)


@DRUPAL_ANSWERS
def test_what_is_not_for_everybody_is_asked_of_drupal(
    drupal: Street, path: str, cookie: str, method: str
) -> None:
    goes_through(as_new(drupal), path, cookie, method)


def goes_through(street: Street, path: str, cookie: str, method: str) -> None:
    street.ask("/mug/")
    street.came.clear()
    for _ in range(2):
        assert street.ask(path, cookie, method) == "miss"
    assert street.came == [(method, path, cookie)] * 2


@pytest.mark.parametrize("name", ["authorization", "webhook-signature"])
def test_who_proves_who_they_are_is_answered_by_drupal(drupal: Street, name: str) -> None:
    drupal.ask("/bowl")
    assert [drupal.ask("/bowl", **{name: "x"}) for _ in range(2)] == ["miss", "miss"]
    assert drupal.ask("/bowl") == "hit"


def test_drupal_says_of_every_page_that_cookies_matter(drupal: Street) -> None:
    """They do where a session is; the others share what is kept."""
    drupal.answers["/dish"] = {"vary": "Cookie"}
    drupal.answers["/dish/2"] = {"vary": "X-Kind, Cookie"}
    assert [drupal.ask("/dish", each) for each in ("", CART)] == ["miss", "hit"]
    kinds = [drupal.ask("/dish/2", CART, **{"x-kind": each}) for each in ("a", "b", "a")]
    assert kinds == ["miss", "miss", "hit"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_page_that_is_too_old_is_given_only_while_the_site_fails(
    name: str, tmp_path: Path
) -> None:
    """However long nobody asked for it: the first visitor sees what is true now."""
    vcl = tmp_path / "kept-one-second.vcl"
    vcl.write_text(SHIPPED[name].read_text().replace("beresp.ttl = 10m", "beresp.ttl = 1s"))
    with open_street(vcl) as street:
        street.answers["/mug"] = {"cache-control": "max-age=1, public"}
        assert [street.ask("/mug") for _ in range(2)] == ["miss", "hit"]
        time.sleep(1.1)
        assert street.ask("/mug") == "miss"
        time.sleep(1.1)
        street.status = 503
        assert {street.ask("/mug") for _ in range(3)} == {"hit"}
        never_seen = httpx.get(f"{street.cache.url}/cup", trust_env=False)
        assert (never_seen.status_code, never_seen.text) == (503, "ok")
        street.status = 200
        assert street.ask("/mug") == "miss"


def purge(street: Street, path: str, **headers: str) -> int:
    url = street.cache.url + path
    return httpx.request("PURGE", url, headers=headers, trust_env=False).status_code


def test_a_page_that_changed_is_taken_out_whatever_its_query(before_wordpress: Street) -> None:
    pages = ["/lamp/", "/lamp/?page=2", "/lamp/shade/"]
    assert [before_wordpress.ask(each) for each in pages] == ["miss"] * 3
    assert [before_wordpress.ask(each) for each in pages] == ["hit"] * 3
    assert purge(before_wordpress, "/lamp/") == 200
    assert [before_wordpress.ask(each) for each in pages] == ["miss", "miss", "hit"]


def test_many_pages_are_taken_out_at_once(before_wordpress: Street) -> None:
    pages = ["/vase/", "/bowl/", "/jug/"]
    assert [before_wordpress.ask(each) for each in pages] == ["miss"] * 3
    assert purge(before_wordpress, "/", **{"x-paths": "^(/vase/|/jug/)$"}) == 200
    assert [before_wordpress.ask(each) for each in pages] == ["miss", "hit", "miss"]


def test_nonsense_takes_nothing_out(before_wordpress: Street) -> None:
    before_wordpress.ask("/cup/")
    assert purge(before_wordpress, "/", **{"x-paths": "^(/cup/ && x"}) == 400
    assert before_wordpress.ask("/cup/") == "hit"
