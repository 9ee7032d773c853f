"""A whole connector in memory for tests: backend, site, state, engine; time by a fake clock."""

from __future__ import annotations

from pathlib import Path

from connector.detect import Detector, products, ring
from connector.model import BackendName, Lane, Locale, MarketName, SiteName, Subject
from connector.net.pictures import PictureFile, PictureRules
from connector.ports import Catalogue, Site
from connector.site_work import SiteWork
from connector.state import parking, runs, todo
from connector.state.database import Database, open_database
from connector.state.runs import Step
from connector.sync.rules import Market, SiteRules
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.site import MemorySite
from connector.work.embedded import Engine, Line
from connector.work.retry import RetryPolicy

BACKEND = BackendName("shop")
SITE = SiteName("blog")
EUROS = Market(MarketName("main"), Locale("en-GB"), "EUR")


def picture(url: str, _rules: PictureRules) -> PictureFile:
    """A picture for any address: its bytes are the address."""
    import hashlib

    body = b"\x89PNG\r\n\x1a\n" + url.encode()
    return PictureFile(hashlib.sha256(body).hexdigest(), "image/png", "png", body)


class House:
    """Backend `shop` shown by site `blog`; `settle` works until nothing can be done any more."""

    def __init__(
        self,
        folder: Path,
        catalogue: MemoryCatalogue | None = None,
        site: MemorySite | None = None,
        *,
        seen_catalogue: Catalogue | None = None,
        seen_site: Site | None = None,
        rules: SiteRules | None = None,
        policy: RetryPolicy | None = None,
        clock: FakeClock | None = None,
        url: str | None = None,
        database: Database | None = None,
    ) -> None:
        self.catalogue = catalogue or MemoryCatalogue()
        self.site = site or MemorySite("blog", locales=("en-GB",))
        self.clock = clock or FakeClock()
        place = url or f"sqlite:///{folder}/state.db"
        self.database = database or open_database(place, migrate=True)
        self.rules = rules or SiteRules(markets=(EUROS,))
        seen = seen_catalogue or self.catalogue
        self.work = SiteWork(
            self.database,
            SITE,
            BACKEND,
            seen_site or self.site,
            seen,
            self.rules,
            self.clock,
            policy or RetryPolicy(park_after=4),
            fetch=picture,
            chance=lambda: 0.5,
        )
        self.detector = Detector(self.database, BACKEND, seen, [SITE], self.clock)
        self.lines = [
            Line(SITE, BACKEND, (Lane.OFFERS,), 250, self.work, todo.Priority.BULK, "express"),
            Line(SITE, BACKEND, (Lane.OFFERS, Lane.CONTENT), 200, self.work),
            Line(SITE, BACKEND, (Lane.MEDIA,), 10, self.work, name="media"),
            Line(SITE, BACKEND, (Lane.WORDS,), 10, self.work, name="words"),
        ]
        self.engine = Engine(self.database, self.clock, self.lines, chance=lambda: 0.5)

    def step(self) -> bool:
        """One batch of each line. False: nothing was due."""
        worked = [self.engine.step(line, line.name) for line in self.lines]
        return any(worked)

    def settle(self, hours: float = 6) -> None:
        """Work, moving the clock to whatever comes next, until nothing is due or time is over."""
        end = self.clock.now().timestamp() + hours * 3600
        while self.clock.now().timestamp() < end:
            ring(self.database, self.clock, lambda: None)
            if self.step():
                continue
            with self.database.read() as connection:
                if todo.waiting(connection) == 0:
                    return
            self.clock.advance(seconds=1)

    def fill(self) -> None:
        """The first poll, the first import, all the work that follows."""
        self.detector.poll()
        self.detector.import_new_sites()
        self.settle()

    def poll(self) -> None:
        self.detector.poll()
        self.settle()

    def parked(self) -> list[parking.Parked]:
        with self.database.read() as connection:
            return parking.list_parked(connection)

    def due(self) -> int:
        with self.database.read() as connection:
            return todo.waiting(connection)

    def story(self, subject: Subject) -> list[Step]:
        with self.database.read() as connection:
            return runs.story(connection, BACKEND, subject)


__all__ = ["BACKEND", "EUROS", "SITE", "House", "picture", "products"]
