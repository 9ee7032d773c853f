"""Nobody is spoken to whose certificate does not prove who they are: carts, catalogue and sites.

The proof that the refusal is the certificate's: the same server, with a good one, is heard.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from connector.clock import SystemClock
from connector.errors import ConnectorError
from connector.model import BackendName, Locale, SiteName
from connector.net.engine import EngineHttp
from connector.ports import BackendSettings, SiteSettings
from connector.registry import backend_system, site_system
from connector.signing import Secret

heard: list[str] = []


class Deaf(BaseHTTPRequestHandler):
    """Notes who was let through to it."""

    def do_GET(self) -> None:
        heard.append(self.path)
        self.send_response(404)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Deaf) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


# ---- who asks ----


def by_carts(url: str) -> None:
    async def ask() -> None:
        http = EngineHttp(url, {}, 10.0)
        try:
            await http.read("/x")
        finally:
            await http.close()

    asyncio.run(ask())


def by_catalogue(system: str, credential: str) -> Callable[[str], None]:
    def ask(url: str) -> None:
        settings = BackendSettings(
            BackendName("shop"), url, credential, (), Locale("en-US"), {}, 10.0
        )
        catalogue = backend_system(system).open(settings, SystemClock())
        try:
            catalogue.check()
        finally:
            catalogue.close()

    return ask


def by_site(system: str, plain: bool) -> Callable[[str], None]:
    def ask(url: str) -> None:
        secrets = (Secret(b"s" * 32),)
        settings = SiteSettings(
            SiteName("blog"), url, BackendName("shop"), plain, secrets, "user:pass word", {}, 10.0
        )
        site_system(system).open(settings, SystemClock()).check()

    return ask


CLIENTS = {
    "carts": by_carts,
    "medusa": by_catalogue("medusa", "sk_" + "a" * 64),
    "sandbox": by_catalogue("sandbox", "key"),
    "wordpress": by_site("wordpress", False),
    "plain wordpress": by_site("wordpress", True),
    "drupal": by_site("drupal", False),
    "plain drupal": by_site("drupal", True),
}


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that everybody here believes."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


def stranger(_: trustme.CA) -> ssl.SSLContext:
    return context_of(trustme.CA().issue_cert("127.0.0.1"))


def expired(authority: trustme.CA) -> ssl.SSLContext:
    now = datetime.now(UTC)
    before, after = now - timedelta(days=2), now - timedelta(days=1)
    return context_of(authority.issue_cert("127.0.0.1", not_before=before, not_after=after))


def not_yet(authority: trustme.CA) -> ssl.SSLContext:
    now = datetime.now(UTC)
    before, after = now + timedelta(days=1), now + timedelta(days=2)
    return context_of(authority.issue_cert("127.0.0.1", not_before=before, not_after=after))


def another_host(authority: trustme.CA) -> ssl.SSLContext:
    return context_of(authority.issue_cert("other.example", "127.0.0.2"))


def old_protocol(authority: trustme.CA) -> ssl.SSLContext:
    context = context_of(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("wrong", [stranger, expired, not_yet, another_host, old_protocol])
def test_no_connection_without_proof(
    client: Callable[[str], None],
    wrong: Callable[[trustme.CA], ssl.SSLContext],
    authority: trustme.CA,
) -> None:
    heard.clear()
    with serving(wrong(authority)) as url, pytest.raises(ConnectorError):
        client(url)
    assert heard == []


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_good_one_of_an_authority_of_ones_own_is_heard(
    client: Callable[[str], None], authority: trustme.CA
) -> None:
    heard.clear()
    good = context_of(authority.issue_cert("127.0.0.1"))
    with serving(good) as url, suppress(ConnectorError):
        client(url)
    assert heard
