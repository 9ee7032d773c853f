"""A backend and a site for daemons of other processes: the ones in memory, behind one HTTP port.

`Simulation` serves them, with the delay that a real site has, and watches what comes from whom. The
daemons reach them as systems `simulated`, which `as_plugin` registers as any third party would: a
folder for their PYTHONPATH that names the entry points. Calls travel pickled, between our own
processes only.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx

from connector.errors import ConnectorError, TargetDown
from connector.model import Lane, Subject
from connector.ports import (
    BackendSettings,
    BackendSystem,
    Catalogue,
    CatalogueCapabilities,
    Clock,
    Fence,
    Outcome,
    Site,
    SiteSettings,
    SiteSystem,
    WebhookEvent,
)
from connector.testing.catalogue import EVERYTHING, MemoryCatalogue
from connector.testing.site import MemorySite

LANES = {
    "write_offers": Lane.OFFERS,
    "write_content": Lane.CONTENT,
    "write_terms": Lane.CONTENT,
    "retire": Lane.CONTENT,
}
Key = tuple[Subject, Lane]


# ---- the serving side ----


@dataclass(slots=True)
class Watch:
    """What reached the site."""

    requests: Counter[str] = field(default_factory=Counter)
    """Writing requests, by the address that they came from."""
    writers: dict[Key, list[str]] = field(default_factory=dict)
    """Where each write of a row came from, in order."""
    overlaps: list[Key] = field(default_factory=list)
    """Rows that two requests wrote at once."""
    backwards: list[Key] = field(default_factory=list)
    """Rows on which an older write was applied after a newer one."""
    refused: list[Key] = field(default_factory=list)
    """Rows whose older write was not applied."""
    in_hand: dict[str, set[Key]] = field(default_factory=dict)
    """Rows of the requests under way, by the address that they came from."""
    fences: dict[Key, Fence] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """A daemon that was killed reads no answer; that is no news here."""


class Simulation:
    """One backend and one site. `seconds`: what each call to the site takes at least."""

    def __init__(
        self,
        catalogue: MemoryCatalogue,
        site: MemorySite,
        *,
        host: str = "127.0.0.1",
        seconds: float = 0.05,
    ) -> None:
        self.catalogue = catalogue
        self.site = site
        self.watch = Watch()
        self._seconds = seconds
        self._guard = threading.Lock()
        self._server = _Server((host, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Simulation:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(simulation) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                method, arguments = pickle.loads(body)
                host = str(self.client_address[0])
                answer = pickle.dumps(simulation._answer(self.path, host, method, arguments))
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        return Handler

    def _answer(self, path: str, host: str, method: str, arguments: Sequence[Any]) -> object:
        try:
            if path == "/backend":
                return _whole(getattr(self.catalogue, method)(*arguments))
            if method in LANES:
                return self._write(host, method, arguments[0])
            time.sleep(self._seconds)
            return _whole(getattr(self.site, method)(*arguments))
        except ConnectorError as error:
            return Refusal(error.__class__, error.message)

    def _write(self, host: str, method: str, batch: Sequence[Any]) -> object:
        keys = {(write.subject, LANES[method]) for write in batch}
        with self._guard:
            under_way = set().union(*self.watch.in_hand.values())
            self.watch.overlaps += sorted(keys & under_way)
            self.watch.in_hand.setdefault(host, set()).update(keys)
            self.watch.requests[host] += 1
        time.sleep(self._seconds)
        with self._guard:
            receipts = getattr(self.site, method)(batch)
            for write, receipt in zip(batch, receipts, strict=True):
                if receipt.outcome is Outcome.DONE:
                    self._note(host, (write.subject, LANES[method]), write.fence)
                elif receipt.outcome is Outcome.STALE:
                    self.watch.refused.append((write.subject, LANES[method]))
            self.watch.in_hand[host] -= keys
        return receipts

    def _note(self, host: str, key: Key, fence: Fence) -> None:
        if fence < self.watch.fences.get(key, fence):
            self.watch.backwards.append(key)
        self.watch.writers.setdefault(key, []).append(host)
        self.watch.fences[key] = fence


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error on its way to the caller."""

    kind: type[ConnectorError]
    message: str


@dataclass(frozen=True, slots=True)
class Pages:
    """An iterator on its way to the caller."""

    pages: Sequence[object]


def _whole(answer: object) -> object:
    return Pages(list(answer)) if isinstance(answer, Iterator) else answer


# ---- the calling side, inside a daemon ----


class Remote:
    """Passes every call of a port on."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(timeout=10, trust_env=False)
        self._url = url

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *arguments: self._call(method, arguments)

    def _call(self, method: str, arguments: Sequence[Any]) -> Any:
        try:
            answer = self._client.post(self._url, content=pickle.dumps((method, arguments)))
        except httpx.TransportError as error:
            raise TargetDown(f"{self._url} does not answer ({type(error).__name__})") from error
        found = pickle.loads(answer.content)
        if isinstance(found, Refusal):
            raise found.kind(found.message)
        return iter(found.pages) if isinstance(found, Pages) else found

    def admin_url(self, identity: str) -> str:
        return f"{self._url}/{identity}"

    def close(self) -> None:
        self._client.close()


class RemoteCatalogue(Remote):
    """Knows its capabilities, and verifies webhooks itself."""

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(f"{settings.url}/backend")
        self._verifier = MemoryCatalogue(secrets=settings.webhook_secrets)

    @property
    def capabilities(self) -> CatalogueCapabilities:
        return EVERYTHING

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        return self._verifier.webhook(headers, body, now)


def _open_backend(settings: BackendSettings, _clock: Clock) -> Catalogue:
    return cast(Catalogue, RemoteCatalogue(settings))


def _open_site(settings: SiteSettings, _clock: Clock) -> Site:
    return cast(Site, Remote(f"{settings.url}/site"))


BACKEND = BackendSystem("simulated", _open_backend, lambda _: [])
SITE = SiteSystem("simulated", _open_site, lambda _: [])


def as_plugin(folder: Path) -> Path:
    """A folder that, in a daemon's PYTHONPATH, registers the systems."""
    place = folder / "simulated-1.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: simulated\nVersion: 1\n")
    (place / "entry_points.txt").write_text(
        f"[commerce_connector.backends]\nsimulated = {__name__}:BACKEND\n"
        f"[commerce_connector.sites]\nsimulated = {__name__}:SITE\n"
    )
    return folder
