"""No address, name, redirect or odd spelling makes us connect inwards; what is no picture, too
large or too slow is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from connector.errors import Rejected, TryAgain
from connector.net import pictures as module
from connector.net.pictures import PictureRules, fetch_picture, may_connect

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
HOME = PictureRules(allowed=("127.0.0.0/8",), timeout_seconds=1.0)

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:c0a8:1::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "localhost",
    "",
    "not an address",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]

SPELLINGS = [
    "http://127.0.0.1/x.png",
    "http://127.1/x.png",
    "http://0177.0.0.1/x.png",
    "http://0x7f.1/x.png",
    "http://0x7f000001/x.png",
    "http://2130706433/x.png",
    "http://017700000001/x.png",
    "http://0/x.png",
    "http://0.0.0.0/x.png",
    "http://127.0.0.1./x.png",
    "http://localhost/x.png",
    "http://LOCALHOST/x.png",
    "http://localhost:80/x.png",
    "http://[::1]/x.png",
    "http://[::]/x.png",
    "http://[0:0:0:0:0:0:0:1]/x.png",
    "http://[::ffff:127.0.0.1]/x.png",
    "http://[::ffff:7f00:1]/x.png",
    "http://①②⑦.⓪.⓪.①/x.png",
    "http://127。0。0。1/x.png",
    "https://127.0.0.1/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
]
MALFORMED = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://8.8.8.8/x.png",
    "dict://127.0.0.1:11211/stat",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//8.8.8.8/x.png",
    "/x.png",
    "x.png",
    "",
    "http://",
    "http:///x.png",
    "http://user@8.8.8.8/x.png",
    "http://user:secret@8.8.8.8/x.png",
    "http://8.8.8.8@127.0.0.1/x.png",
    "http://@8.8.8.8/x.png",
    "http://[::1/x.png",
    "http://[nonsense]/x.png",
    "http://8.8.8.8:99999/x.png",
    "http://8.8.8.8:port/x.png",
    "http://8.8.8.8/\x00.png",
    "http://8.8.8.8/" + "x" * 70_000,
    "http://a\x00b.example/x.png",
    "http://" + "a" * 300 + ".example/x.png",
]


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every connection that is tried is noted, and fails."""
    tried: list[object] = []

    def connect(address: object, *_: object, **__: object) -> socket.socket:
        tried.append(address)
        raise OSError("no connection may be made here")

    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


def answering(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that gives these answers, one after another."""
    left = iter(answers)
    return lambda _host, _port: next(left)


# ---- where a connection may go ----


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_plainly_public_is_never_connected_to(
    address: str, no_connection: list[object]
) -> None:
    assert not may_connect("shop.example", address, ())
    with pytest.raises(Rejected, match="private address"):
        fetch_picture("http://shop.example/x.png", PictureRules(), answering([address]))
    with pytest.raises(Rejected, match="private address"):
        fetch_picture("http://shop.example/x.png", PictureRules(), answering(["8.8.8.8", address]))
    assert no_connection == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_let_through(address: str) -> None:
    assert may_connect("shop.example", address, ())


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_spelling_of_an_inner_address_gets_through(
    url: str, no_connection: list[object]
) -> None:
    with pytest.raises((Rejected, TryAgain)):
        fetch_picture(url, PictureRules())
    assert no_connection == []


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_plain_web_address_is_refused(url: str, no_connection: list[object]) -> None:
    with pytest.raises(Rejected):
        fetch_picture(url, PictureRules(), lambda _host, _port: ["8.8.8.8"])
    assert no_connection == []


def test_the_corpus_is_large_enough() -> None:
    assert len({*PRIVATE, *SPELLINGS, *MALFORMED}) >= 60


def test_the_connection_goes_to_the_address_that_was_checked(
    no_connection: list[object],
) -> None:
    """A name that answers otherwise the second time (rebinding) is never asked twice."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    with pytest.raises(TryAgain):
        fetch_picture("http://shop.example:8080/x.png", PictureRules(), rebinding)
    assert asked == ["shop.example"]
    assert no_connection == [("8.8.8.8", 8080)]


def test_a_host_without_an_address_is_tried_again() -> None:
    with pytest.raises(TryAgain):
        fetch_picture("http://shop.example/x.png", PictureRules(), answering([]))


def test_private_hosts_only_as_they_are_named() -> None:
    assert may_connect("nas.local", "192.168.0.9", ("NAS.local",))
    assert may_connect("nas.local", "192.168.0.9", ("192.168.0.0/24",))
    assert may_connect("nas.local", "::ffff:192.168.0.9", ("192.168.0.0/24",))
    assert not may_connect("nas.local", "192.168.1.9", ("192.168.0.0/24",))
    assert not may_connect("evil-nas.local", "192.168.0.9", ("nas.local",))
    assert not may_connect("nas.local", "nonsense", ("nas.local",))


# ---- what stands there ----


class Shelf(BaseHTTPRequestHandler):
    """Pictures and what pretends to be one."""

    protocol_version = "HTTP/1.1"
    hosts: list[str]

    def do_GET(self) -> None:
        self.hosts.append(self.headers["host"])
        getattr(self, "_" + self.path.strip("/").partition("?")[0])()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _png(self) -> None:
        self._reply(PNG, type="text/plain")

    def _jpg(self) -> None:
        self._reply(b"\xff\xd8\xff" + b"x")

    def _gif(self) -> None:
        self._reply(b"GIF89a" + b"x")

    def _webp(self) -> None:
        self._reply(b"RIFF\x00\x00\x00\x00WEBPx")

    def _svg(self) -> None:
        self._reply(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")

    def _html(self) -> None:
        self._reply(b"<html>\x89PNG\r\n\x1a\n")

    def _empty(self) -> None:
        self._reply(b"")

    def _large(self) -> None:
        self._reply(PNG + b"x" * 5000)

    def _missing(self) -> None:
        self._reply(b"", 404)

    def _busy(self) -> None:
        self._reply(b"", 503)

    def _throttled(self) -> None:
        self._reply(b"", 429)

    def _moved(self) -> None:
        self._reply(b"", 302, location="/png")

    def _around(self) -> None:
        self._reply(b"", 302, location="/around")

    def _nowhere(self) -> None:
        self._reply(b"", 302)

    def _malformed(self) -> None:
        self._reply(b"", 302, location="http://[")

    def _inwards(self) -> None:
        self._reply(b"", 302, location="http://169.254.169.254/latest/meta-data/")

    def _file(self) -> None:
        self._reply(b"", 302, location="file:///etc/passwd")

    def _short(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "500")
        self.end_headers()
        self.wfile.write(PNG)
        self.close_connection = True

    def _silent(self) -> None:
        self.server.closing.wait(5)  # type: ignore[attr-defined]
        self.close_connection = True

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(b"\x89")
                self.wfile.flush()
            except OSError:
                return
            if self.server.closing.wait(0.1):  # type: ignore[attr-defined]
                return


@pytest.fixture(scope="module")
def shelf() -> Iterator[str]:
    Shelf.hosts = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    server.closing = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://shop.test:{server.server_port}"
    server.closing.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def at_home(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize(
    ("path", "content_type", "extension"),
    [
        ("png", "image/png", "png"),
        ("png?size=2 000&ä=ö", "image/png", "png"),
        ("jpg", "image/jpeg", "jpg"),
        ("gif", "image/gif", "gif"),
        ("webp", "image/webp", "webp"),
        ("moved", "image/png", "png"),
    ],
)
def test_a_picture_is_known_by_its_bytes_whatever_it_calls_itself(
    shelf: str, path: str, content_type: str, extension: str
) -> None:
    found = fetch_picture(f"{shelf}/{path}", HOME, at_home)
    assert (found.content_type, found.extension) == (content_type, extension)
    if extension == "png":
        assert found.body == PNG
        assert len(found.content_hash) == 64


def test_the_server_is_asked_by_its_name(shelf: str) -> None:
    Shelf.hosts.clear()
    fetch_picture(f"{shelf}/png", HOME, at_home)
    fetch_picture(shelf.replace("shop.test", "bücher.test") + "/png", HOME, at_home)
    port = shelf.rpartition(":")[2]
    assert Shelf.hosts == [f"shop.test:{port}", f"xn--bcher-kva.test:{port}"]


@pytest.mark.parametrize("path", ["svg", "html", "empty", "missing", "nowhere", "around"])
def test_what_is_no_picture_is_refused_for_good(shelf: str, path: str) -> None:
    with pytest.raises(Rejected):
        fetch_picture(f"{shelf}/{path}", HOME, at_home)


@pytest.mark.parametrize("path", ["busy", "throttled", "short"])
def test_what_may_go_better_is_tried_again(shelf: str, path: str) -> None:
    with pytest.raises(TryAgain):
        fetch_picture(f"{shelf}/{path}", HOME, at_home)


@pytest.mark.parametrize("path", ["silent", "trickle"])
def test_a_slow_server_is_given_its_time_and_no_more(shelf: str, path: str) -> None:
    rules = PictureRules(allowed=("shop.test",), timeout_seconds=0.3)
    with pytest.raises(TryAgain):
        fetch_picture(f"{shelf}/{path}", rules, at_home)


def test_a_redirect_is_checked_like_the_first_address(shelf: str) -> None:
    refused = {"inwards": "private address", "file": "plain http", "malformed": "malformed"}
    for path, said in refused.items():
        with pytest.raises(Rejected, match=said):
            fetch_picture(f"{shelf}/{path}", HOME, lambda host, _: [_address(host)])


def _address(host: str) -> str:
    return "127.0.0.1" if host == "shop.test" else host


def test_no_more_than_the_limit_is_kept(shelf: str) -> None:
    rules = PictureRules(allowed=("shop.test",), max_bytes=len(PNG))
    assert fetch_picture(f"{shelf}/png", rules, at_home).body == PNG
    with pytest.raises(Rejected, match="larger than"):
        fetch_picture(f"{shelf}/large", rules, at_home)


def test_a_name_that_cannot_be_resolved_is_tried_again() -> None:
    with pytest.raises(TryAgain, match="has no address"):
        module.resolve("no-such-host.invalid", 80)
