"""The site API's stand-in keeps every promise of ports.Site, through the real client and a proxy.

So what the network tests see is the network's fault, and never the stand-in's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from connector.model import FieldName, SiteName, Subject
from connector.ports import Site
from connector.signing import Secret
from connector.testing.clock import FakeClock
from connector.testing.conformance import SiteConformance
from connector.testing.conformance.site import SiteBench
from connector.testing.proxy import Fault, Instead
from connector.testing.site import MemorySite
from tests.faults.rig import HttpSite


@dataclass(slots=True)
class HttpBench:
    """The editors of the site in memory, and clients that reach it over HTTP."""

    http: HttpSite
    many: int = 250
    opened: list[Site] = field(default_factory=list)

    @property
    def site(self) -> Site:
        return self.opened[0] if self.opened else self.connect()

    def connect(self) -> Site:
        self.opened.append(self.http.connect())
        return self.opened[-1]

    def with_wrong_credentials(self) -> Site:
        self.opened.append(self.http.connect(Secret(b"w" * 32)))
        return self.opened[-1]

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        self.http.memory.edit(subject, name, value)

    def read(self, subject: Subject, name: FieldName) -> str:
        page = self.http.memory.page(subject)
        assert page is not None
        return str(page.fields[name])

    def unpublish(self, subject: Subject) -> None:
        self.http.memory.unpublish(subject)

    def trash(self, subject: Subject) -> None:
        self.http.memory.trash(subject)

    def delete(self, subject: Subject) -> None:
        self.http.memory.delete(subject)

    def count_pages(self) -> int:
        return len(self.http.memory.pages())

    def breaking(self) -> AbstractContextManager[None] | None:
        return self._breaking()

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        def after_the_first_page(_method: str, target: str) -> Fault | None:
            later = "/inventory" in target and "after=0" not in target
            return Instead(500) if later else None

        self.http.proxy.choose(after_the_first_page)
        try:
            yield
        finally:
            self.http.proxy.choose(None)


@pytest.fixture(scope="module")
def http() -> Iterator[HttpSite]:
    clock = FakeClock(datetime.now(UTC))
    http = HttpSite(SiteName("blog"), clock, MemorySite("blog"), deadline_seconds=60)
    yield http
    http.stop()


class TestSiteServer(SiteConformance):
    @pytest.fixture
    def bench(self, http: HttpSite) -> Iterator[SiteBench]:
        bench = HttpBench(http)
        _ = bench.site
        yield bench
        for site in bench.opened:
            site.close()
