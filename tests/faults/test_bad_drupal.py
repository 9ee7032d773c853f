"""A Drupal that is set up wrongly, beside a site that is not: named with the fix, and no more.

What the broken site says was recorded from a real Drupal 10.5 (tests/contract/drupal). In each case
`doctor` names what is wrong, that site alone is left alone, the other gets its pages, and when it
is mended the work goes on by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest
import requests
import responses
from structlog.testing import capture_logs

from connector.compose import Connector
from connector.detect import Detector
from connector.doctor import Mark, examine_site
from connector.model import Lane, ProductId, SiteName, Subject, SubjectKind
from connector.ports import Site
from connector.site_work import SiteWork
from connector.state import parking, targets, todo
from connector.state.database import open_database
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.site import MemorySite
from connector.work.embedded import Engine, Line
from connector.work.retry import RetryPolicy
from tests.contract.drupal_replayed import Replayed, Reply
from tests.contract.drupal_standin import (
    BACKEND,
    CREDENTIAL,
    Instead,
    StandIn,
    changed,
    connect,
    nothing,
    serve,
)
from tests.house import EUROS, picture

MAGAZINE, BLOG = SiteName("magazine"), SiteName("blog")
PRODUCTS = 3


def always(name: str, **parts: Any) -> Instead:
    return lambda _request: changed(name, **parts)


def describes_itself(**parts: Any) -> Instead:
    """Only GET /site is answered so: all else would be taken."""

    def instead(request: requests.PreparedRequest) -> Reply | None:
        return changed("module-site", **parts) if str(request.url).endswith("/site") else None

    return instead


def with_clock(minutes: float) -> Instead:
    """The site's clock, and so its verdict on what we signed."""

    def instead(request: requests.PreparedRequest) -> Reply:
        status, headers, body = changed("module-bad-signature")
        theirs = NOW + timedelta(minutes=minutes)
        return status, {**headers, "date": format_datetime(theirs, usegmt=True)}, body

    return instead


NOW = datetime(2030, 1, 1, tzinfo=UTC)
MODULE: dict[str, tuple[Instead, str]] = {
    "module missing": (always("no-module"), r"module is missing or inactive; install"),
    "module too old": (describes_itself(versions=[0]), r"too old for this connector.*plugin build"),
    "module too new": (describes_itself(versions=[2]), r"too new for this connector.*update the"),
    "daemon refused": (always("module-version"), r"module is too old for the connector: install"),
    "not paired": (always("module-not-paired"), r"not paired: make a secret on"),
    "role lost": (always("module-no-role"), r"lost its role: save the form"),
    "maintenance": (always("maintenance-page"), r"is in maintenance"),
    "clock ahead": (with_clock(9), r"\d+ s ahead of ours; set both by NTP"),
    "clock behind": (with_clock(-9), r"\d+ s behind ours; set both by NTP"),
    "content type gone": (always("module-setup"), r"content type nope is not there: choose"),
    "field required": (always("module-required"), r"is required .* give it a default value"),
}
PLAIN: dict[str, tuple[str, str]] = {
    "read-only": ("probe-read-only", r"read-only .*allow all operations"),
    "role too small": ("probe-forbidden", r"'administer nodes' permission is required.*role may"),
    "field required": ("probe-required", r"field_needed: .*should not be null.*default value"),
    "text format not allowed": ("probe-format", r"takes none .*field_commerce.*valid choice"),
    "text format gone": ("unknown-format", r"takes none of our pages: .*valid choice"),
}


class TwoSites:
    """One backend, shown by a Drupal that can break and by a blog that does not."""

    def __init__(self, folder: Path, magazine: Site, clock: FakeClock) -> None:
        self.clock = clock
        self.catalogue = MemoryCatalogue(generate.products(PRODUCTS))
        self.database = open_database(f"sqlite:///{folder}/state.db")
        self.blog = MemorySite("blog")
        sites = {MAGAZINE: magazine, BLOG: cast(Site, self.blog)}
        self.works = {name: self._work(name, site) for name, site in sites.items()}
        self.detector = Detector(self.database, BACKEND, self.catalogue, list(self.works), clock)
        self.restart()

    def restart(self) -> None:
        """A daemon that has not asked the sites yet what they are."""
        self.works = {name: self._work(name, work.site) for name, work in self.works.items()}
        self.lines = [
            Line(name, BACKEND, tuple(Lane), 50, work, name=name)
            for name, work in self.works.items()
        ]
        self.engine = Engine(self.database, self.clock, self.lines, chance=lambda: 0.5)

    def _work(self, name: SiteName, site: Site) -> SiteWork:
        return SiteWork(
            self.database,
            name,
            BACKEND,
            site,
            self.catalogue,
            SiteRules(markets=(EUROS,)),
            self.clock,
            RetryPolicy(park_after=4),
            fetch=picture,
            chance=lambda: 0.5,
        )

    def work(self, minutes: int = 10) -> None:
        """Work for so long by the clock, or until nothing is due."""
        for _ in range(minutes * 60):
            worked = [self.engine.step(line, line.name) for line in self.lines]
            if not any(worked):
                if self.due() == 0:
                    return
                self.clock.advance(seconds=1)

    def due(self, site: SiteName | None = None) -> int:
        with self.database.read() as connection:
            return todo.waiting(connection, site=site)

    def parked(self) -> list[parking.Parked]:
        with self.database.read() as connection:
            return parking.list_parked(connection)

    def suspended(self) -> dict[str, str]:
        with self.database.read() as connection:
            found = targets.suspensions_now(connection)
        return {target: each.reason for target, each in found.items()}

    def findings(self) -> list[str]:
        """What `doctor` says is bad about the magazine."""
        found = examine_site(cast(Connector, self), MAGAZINE)
        return [each.says for each in found if each.mark is Mark.BAD]

    def sells(self, number: int) -> bool:
        page = self.blog.page(product_subject(number))
        return page is not None and page.live


def product_subject(number: int) -> Subject:
    return Subject(SubjectKind.PRODUCT, str(generate.product(number).id))


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def break_and_mend(
    house: TwoSites,
    says: str,
    break_it: Callable[[], None],
    mend: Callable[[], None],
    *,
    restarts: bool,
) -> None:
    """Fill both, break the magazine, change the shop, mend the magazine; check all the way."""
    house.detector.poll()
    house.detector.import_new_sites()
    house.work()
    assert (house.due(), house.suspended()) == (0, {})
    break_it()
    if restarts:
        house.restart()
    house.catalogue.put(generate.product(PRODUCTS + 1))
    house.detector.poll()
    house.work(minutes=2)
    assert house.sells(PRODUCTS + 1)
    assert house.due(BLOG) == 0
    assert house.due(MAGAZINE) > 0
    ((target, reason),) = house.suspended().items()
    assert target == targets.site_target(MAGAZINE)
    for said in (reason, *house.findings()):
        assert re.search(says, said, re.S), said
    mend()
    house.work(minutes=30)
    assert (house.due(), house.suspended(), house.parked(), house.findings()) == (0, {}, [], [])


@pytest.mark.parametrize("case", MODULE)
def test_the_module_that_is_set_up_wrongly_is_named_and_holds_up_nobody(
    case: str, tmp_path: Path, web: responses.RequestsMock
) -> None:
    instead, says = MODULE[case]
    clock = FakeClock(NOW)
    drupal = StandIn(clock)
    serve(web, drupal.answer)
    house = TwoSites(tmp_path, connect(clock), clock)

    def break_it() -> None:
        drupal.instead = instead

    def mend() -> None:
        drupal.instead = nothing

    break_and_mend(house, says, break_it, mend, restarts="too" in case)
    page = drupal.memory.page(product_subject(PRODUCTS + 1))
    assert page is not None
    assert page.live


@pytest.mark.parametrize("case", PLAIN)
def test_plain_mode_that_is_set_up_wrongly_is_named_and_holds_up_nobody(
    case: str, tmp_path: Path, web: responses.RequestsMock
) -> None:
    recording, says = PLAIN[case]
    clock = FakeClock(NOW)
    drupal = Replayed(CREDENTIAL)
    serve(web, drupal.answer)
    house = TwoSites(tmp_path, connect(clock, plain=True), clock)

    def break_it() -> None:
        drupal.refuses_with = recording

    def mend() -> None:
        drupal.refuses_with = None

    break_and_mend(house, says, break_it, mend, restarts=False)
    assert len(drupal.of("node--article")) == PRODUCTS + 1


def test_plain_mode_makes_no_page_by_asking(web: responses.RequestsMock) -> None:
    """Where a site lets even the probe be a page, it is deleted again."""
    drupal = Replayed(CREDENTIAL)
    serve(web, drupal.answer)
    site = connect(FakeClock(NOW), plain=True)
    site.check()
    assert drupal.of("node--article") == {}
    drupal.longest_title = 1000
    site.check()
    assert drupal.of("node--article") == {}


def test_an_extension_that_lists_no_versions_speaks_the_first(
    web: responses.RequestsMock,
) -> None:
    clock = FakeClock(NOW)
    drupal = StandIn(clock)
    serve(web, drupal.answer)
    asked: list[str] = []

    def note(request: requests.PreparedRequest) -> Reply | None:
        asked.append(request.headers["commerce-connector-api"])
        return None

    drupal.instead = note
    assert connect(clock).check().system
    assert asked == ["1"]


def test_products_that_only_a_person_can_mend_do_not_suspend_the_site(
    tmp_path: Path, web: responses.RequestsMock
) -> None:
    """Core refuses one page for its own sake: it is parked, the site goes on."""
    clock = FakeClock(NOW)
    drupal = Replayed(CREDENTIAL)
    serve(web, drupal.answer)
    house = TwoSites(tmp_path, connect(clock, plain=True), clock)
    house.catalogue.put(generate.retitled(generate.product(1), "x" * 300))
    house.detector.poll()
    house.detector.import_new_sites()
    house.work()
    assert {each.subject.id for each in house.parked()} == {ProductId(product_subject(1).id)}
    assert house.suspended() == {}
    assert len(drupal.of("node--article")) == PRODUCTS - 1
