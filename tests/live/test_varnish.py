"""The VCL that deploy/ ships, in a real Varnish: what is kept, what is not, what goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from connector.demo.machine import free_port
from connector.demo.varnish import Varnish

pytestmark = pytest.mark.live
CART = "commerce_connector_cart=0123.cct_mine"


@dataclass(slots=True)
class Street:
    """A cache, and what came through it to the site: method, address, cookies."""

    cache: Varnish
    came: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """More headers of the site's answers, by path."""

    def ask(self, path: str, cookie: str = "", method: str = "GET", **headers: str) -> str:
        """Whether the answer came out of the cache: hit or miss."""
        sent = {**headers, **({"cookie": cookie} if cookie else {})}
        answer = httpx.request(method, self.cache.url + path, headers=sent, trust_env=False)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.headers["x-cache"]


@pytest.fixture(scope="module")
def varnish() -> Iterator[Street]:
    port = free_port()

    class Site(BaseHTTPRequestHandler):
        def answer(self) -> None:
            made.came.append((self.command, self.path, self.headers.get("cookie", "")))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
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
    made.cache = Varnish.start(free_port(), port)
    yield made
    made.cache.stop()
    site.shutdown()
    site.server_close()


@pytest.fixture
def street(varnish: Street) -> Street:
    varnish.came.clear()
    varnish.answers.clear()
    return varnish


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


@pytest.mark.parametrize(
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
def test_what_is_not_for_everybody_goes_through(
    street: Street, path: str, cookie: str, method: str
) -> None:
    street.ask("/mug/")
    street.came.clear()
    for _ in range(2):
        assert street.ask(path, cookie, method) == "miss"
    assert street.came == [(method, path, cookie)] * 2


def purge(street: Street, path: str, **headers: str) -> int:
    url = street.cache.url + path
    return httpx.request("PURGE", url, headers=headers, trust_env=False).status_code


def test_a_page_that_changed_is_taken_out_whatever_its_query(street: Street) -> None:
    pages = ["/lamp/", "/lamp/?page=2", "/lamp/shade/"]
    assert [street.ask(each) for each in pages] == ["miss"] * 3
    assert [street.ask(each) for each in pages] == ["hit"] * 3
    assert purge(street, "/lamp/") == 200
    assert [street.ask(each) for each in pages] == ["miss", "miss", "hit"]


def test_many_pages_are_taken_out_at_once(street: Street) -> None:
    pages = ["/vase/", "/bowl/", "/jug/"]
    assert [street.ask(each) for each in pages] == ["miss"] * 3
    assert purge(street, "/", **{"x-paths": "^(/vase/|/jug/)$"}) == 200
    assert [street.ask(each) for each in pages] == ["miss", "hit", "miss"]


def test_nonsense_takes_nothing_out(street: Street) -> None:
    street.ask("/cup/")
    assert purge(street, "/", **{"x-paths": "^(/cup/ && x"}) == 400
    assert street.ask("/cup/") == "hit"
