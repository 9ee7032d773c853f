"""A connector whose sites are spoken to over HTTP through proxies that break on purpose.

The engine's time is a fake clock, moved by hand; sockets and their deadlines are real. Each site
has the real client of the site API, a proxy, and a MemorySite behind the site API's own routes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adapters.wordpress import SITE as WORDPRESS
from connector.compose import OFFERS_BATCH, PICTURES_BATCH
from connector.detect import Detector, ring
from connector.model import Lane, SiteName, Subject, SubjectKind
from connector.ports import Catalogue, Clock, Site, SiteSettings
from connector.serve import HttpServer
from connector.signing import Secret
from connector.site_work import SiteWork
from connector.state import parking, targets, todo
from connector.state.database import Database, open_database
from connector.sync.rules import SiteRules
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.proxy import Proxy
from connector.testing.site import MemorySite
from connector.testing.site_server import site_app
from connector.work.embedded import Engine, Line
from connector.work.retry import RetryPolicy
from tests.house import BACKEND, EUROS, picture

SECRET = Secret(b"s" * 32)
DEADLINE_SECONDS = 0.4


@dataclass(slots=True)
class HttpSite:
    """A site in memory, served over HTTP, reached through a proxy."""

    name: SiteName
    clock: Clock
    memory: MemorySite
    deadline_seconds: float = DEADLINE_SECONDS
    proxy: Proxy = field(init=False)
    server: HttpServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = HttpServer(site_app(self.memory, [SECRET], self.clock), "127.0.0.1", 0)
        self.server.start()
        self.proxy = Proxy(self.server.port, self.clock).start()

    def connect(self, secret: Secret = SECRET) -> Site:
        settings = SiteSettings(
            self.name,
            self.proxy.url,
            BACKEND,
            False,
            (secret,),
            None,
            {},
            timeout_seconds=self.deadline_seconds,
        )
        return WORDPRESS.open(settings, self.clock)

    def live(self) -> set[str]:
        pages = self.memory.pages(SubjectKind.PRODUCT)
        return {subject.id for subject, page in pages.items() if page.live}

    def calls_since(self, moment: datetime) -> int:
        return sum(call.at >= moment for call in self.proxy.calls)

    def stop(self) -> None:
        self.proxy.stop()
        self.server.stop()


class Rig:
    """One backend shown by several sites; `settle` works until nothing can be done any more."""

    def __init__(
        self,
        folder: Path,
        catalogue: MemoryCatalogue,
        names: Sequence[str] = ("blog",),
        *,
        seen_catalogue: Catalogue | None = None,
        clock: FakeClock | None = None,
        park_after: int = 8,
    ) -> None:
        self.catalogue = catalogue
        self.clock = clock or FakeClock(datetime.now(UTC).replace(microsecond=0))
        self.database: Database = open_database(f"sqlite:///{folder}/state.db")
        self.sites = {
            SiteName(name): HttpSite(SiteName(name), self.clock, MemorySite(name)) for name in names
        }
        seen = seen_catalogue or catalogue
        self.works = {
            name: SiteWork(
                self.database,
                name,
                BACKEND,
                site.connect(),
                seen,
                SiteRules(markets=(EUROS,)),
                self.clock,
                RetryPolicy(park_after=park_after),
                fetch=picture,
                chance=lambda: 0.5,
            )
            for name, site in self.sites.items()
        }
        self.detector = Detector(self.database, BACKEND, seen, list(self.sites), self.clock)
        self.lines = [line for work in self.works.values() for line in _lines(work)]
        self.engine = Engine(self.database, self.clock, self.lines, chance=lambda: 0.5)

    def step(self) -> bool:
        """One batch of each line. False: nothing was due."""
        worked = [self.engine.step(line, line.name) for line in self.lines]
        return any(worked)

    def settle(self, hours: float = 6) -> None:
        end = self.clock.now().timestamp() + hours * 3600
        while self.clock.now().timestamp() < end:
            ring(self.database, self.clock, lambda: None)
            if self.step():
                continue
            if self.due() == 0:
                return
            self.clock.advance(seconds=1)

    def fill(self) -> None:
        self.detector.poll()
        self.detector.import_new_sites()
        self.settle()

    def due(self, site: str | None = None) -> int:
        with self.database.read() as connection:
            return todo.waiting(connection, site=None if site is None else SiteName(site))

    def parked(self) -> list[parking.Parked]:
        with self.database.read() as connection:
            return parking.list_parked(connection)

    def suspended(self) -> dict[str, targets.Suspension]:
        with self.database.read() as connection:
            return targets.suspensions_now(connection)

    def close(self) -> None:
        for work in self.works.values():
            work.site.close()
        for site in self.sites.values():
            site.stop()
        self.database.close()


def _lines(work: SiteWork) -> list[Line]:
    return [
        Line(
            work.name,
            BACKEND,
            (Lane.OFFERS,),
            OFFERS_BATCH,
            work,
            todo.Priority.BULK,
            f"{work.name}-express",
        ),
        Line(
            work.name,
            BACKEND,
            (Lane.OFFERS, Lane.CONTENT),
            20,
            work,
            name=f"{work.name}-worker",
        ),
        Line(work.name, BACKEND, (Lane.MEDIA,), PICTURES_BATCH, work, name=f"{work.name}-media"),
    ]


def amounts(site: MemorySite, subject: Subject) -> list[int]:
    return [offer.amount.amount_minor for offer in site.offers(subject)]
