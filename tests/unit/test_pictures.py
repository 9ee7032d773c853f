"""Pictures: fetched only from where they may be, sent once ever, never in a product's way."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connector.detect import EVERY_LANE
from connector.errors import Rejected, TryAgain
from connector.fetch_picture import PictureFile, PictureRules, fetch_picture, may_connect, resolve
from connector.model import FieldName, Media
from connector.state.pictures import MAX_ATTEMPTS
from connector.state.todo import Priority, Why
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from tests.house import SITE, House, picture

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
MEDIA = FieldName("media")

INWARD = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "10.0.0.1", "10.255.255.255",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254",
    "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1",
    "fe80::1%eth0", "ff02::1", "ff0e::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a00:1::", "100::1", "nonsense", "", "1.2.3", "127.1",
]  # fmt: skip
ODD_NAMES = [
    "2130706433", "0x7f.1", "0x7f000001", "017700000001", "127.1", "127.0.1", "0", "localhost",
    "localhost.", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]",
]  # fmt: skip
NO_ADDRESSES = [
    "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.org/a.png", "data:image/png,x",
    "//example.org/a.png", "/a.png", "http://", "http:///a.png", "https://user:pw@example.org/a",
    "http://user@127.0.0.1/a.png", "javascript:alert(1)", "http://example.org:99999/a.png",
    "http://[::1/a.png",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_no_inward_address_is_ever_connected_to(address: str) -> None:
    assert not may_connect("shop.example", address, ())
    with pytest.raises(Rejected, match="private address"):
        fetch_picture("http://shop.example/a.png", PictureRules(), lambda _h, _p: [address])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_spelling_of_loopback_gets_through(name: str) -> None:
    with pytest.raises((Rejected, TryAgain)):
        fetch_picture(f"http://{name}/a.png", PictureRules(timeout_seconds=2), resolve)


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_only_plain_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(Rejected):
        fetch_picture(url, PictureRules(), lambda _h, _p: ["93.184.216.34"])


def test_one_inward_address_among_many_is_enough_to_refuse() -> None:
    with pytest.raises(Rejected):
        fetch_picture(
            "http://shop.example/a", PictureRules(), lambda _h, _p: ["93.184.216.34", "10.0.0.1"]
        )


def test_a_host_or_network_can_be_allowed() -> None:
    assert may_connect("shop.internal", "10.1.2.3", ("shop.internal",))
    assert may_connect("shop.internal", "10.1.2.3", ("10.0.0.0/8",))
    assert not may_connect("shop.internal", "10.1.2.3", ("other.internal", "10.2.0.0/16"))
    assert may_connect("shop.example", "93.184.216.34", ())


class Pictures(BaseHTTPRequestHandler):
    """A server of pictures and of things that are none."""

    def do_GET(self) -> None:
        port = self.headers["host"].rpartition(":")[2]
        match self.path:
            case "/a.png":
                self._answer(200, PNG)
            case "/page":
                self._answer(200, b"<html>not a picture</html>")
            case "/large":
                self._answer(200, PNG + b"1" * 5000)
            case "/again":
                self._answer(302, b"", location="/a.png")
            case "/inward":
                self._answer(302, b"", location=f"http://secret.internal:{port}/a.png")
            case "/round":
                self._answer(302, b"", location="/round")
            case "/busy":
                self._answer(503, b"")
            case _:
                self._answer(404, b"")

    def _answer(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("location", location)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


ALLOWED = PictureRules(allowed=("127.0.0.1",), max_bytes=4000, timeout_seconds=5)


def test_a_picture_comes_whole_and_is_known_by_its_bytes(server: str) -> None:
    found = fetch_picture(f"{server}/a.png", ALLOWED)
    assert (found.body, found.content_type, found.extension) == (PNG, "image/png", "png")
    assert fetch_picture(f"{server}/again", ALLOWED).content_hash == found.content_hash


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("/page", Rejected, "no PNG"),
        ("/large", Rejected, "larger than 4000"),
        ("/nothing", Rejected, "answers 404"),
        ("/round", Rejected, "redirects more than"),
        ("/busy", TryAgain, "answers 503"),
    ],
)
def test_what_is_no_picture_is_refused(
    server: str, path: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        fetch_picture(server + path, ALLOWED)


def test_a_redirect_is_held_to_the_same_rule(server: str) -> None:
    def resolver(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "127.0.0.1" else ["10.0.0.1"]

    with pytest.raises(Rejected, match=r"private address 10\.0\.0\.1"):
        fetch_picture(f"{server}/inward", ALLOWED, resolver)


# ---- the media lane ----


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(12)))
    yield house
    house.database.close()


class Fetcher:
    """Counts what is downloaded; some addresses are dead."""

    def __init__(self, dead: str = "", error: Exception | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self._dead = dead
        self._error = error

    def __call__(self, url: str, rules: PictureRules) -> PictureFile:
        self.asked[url] += 1
        if url == self._dead and self._error is not None:
            raise self._error
        return picture(url, rules)


def test_every_picture_is_downloaded_and_sent_once_ever(house: House) -> None:
    house.work.fetch = fetcher = Fetcher()
    house.fill()
    assert set(fetcher.asked.values()) == {1}
    assert house.site.counts["upload_media"] == 12
    house.detector.mark_all([SITE], EVERY_LANE, Priority.BULK, Why("t", "test"))
    house.settle()
    house.catalogue.put(generate.retitled(generate.product(3), "new words"))
    house.poll()
    assert set(fetcher.asked.values()) == {1}
    assert house.site.counts["upload_media"] == 12
    assert all(page.fields[MEDIA] for page in house.site.pages().values())


def test_the_same_bytes_under_another_address_are_not_sent_again(house: House) -> None:
    house.work.fetch = lambda url, rules: picture("the same", rules)
    house.fill()
    assert house.site.counts["upload_media"] == 1
    (only,) = {str(page.fields[MEDIA]) for page in house.site.pages().values()}
    assert "'id'" in only


@pytest.mark.parametrize(
    ("error", "tries"), [(Rejected("404"), 1), (TryAgain("timeout"), MAX_ATTEMPTS)]
)
def test_a_dead_picture_leaves_its_product_whole(
    house: House, error: Exception, tries: int
) -> None:
    product = generate.product(5)
    dead = product.media[0].url
    alive = Media("https://backend.example/second.png")
    house.catalogue.put(replace(product, media=(*product.media, alive)))
    house.work.fetch = fetcher = Fetcher(dead, error)
    house.fill()
    assert fetcher.asked[dead] == tries
    assert house.parked() == []
    page = house.site.page(generate.product_subject(5))
    assert page is not None
    assert page.live
    shown = page.fields[MEDIA]
    assert isinstance(shown, list)
    assert len(shown) == 1
    told = [step.message for step in house.story(generate.product_subject(5))]
    assert any("picture left out" in message for message in told)
