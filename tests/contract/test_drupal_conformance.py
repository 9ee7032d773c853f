"""The site suite on what a real Drupal 10.5 answered, for both modes, without a Drupal.

Plain mode runs on core's recorded answers (drupal_replayed.py). The module's client runs on the
contract's stand-in below Drupal's address (drupal_standin.py). The same suite runs on a real site
in tests/live.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses

from adapters.drupal.plain_page import uuid_of
from connector.model import FieldName, Subject
from connector.ports import Site
from connector.signing import Secret
from connector.testing.clock import FakeClock
from connector.testing.conformance import SiteBench, SiteConformance
from connector.testing.conformance.writes import TITLE
from tests.contract.drupal_replayed import Replayed, Reply
from tests.contract.drupal_standin import BACKEND, CREDENTIAL, StandIn, connect, nothing, serve


class PlainBench:
    """Plain mode on recordings; editors change what the stub holds."""

    many = 55

    def __init__(self) -> None:
        self.drupal = Replayed(CREDENTIAL)
        self.site = self.connect()

    def connect(self) -> Site:
        return connect(FakeClock(datetime.now(UTC)), plain=True)

    def with_wrong_credentials(self) -> Site:
        return connect(FakeClock(), plain=True, credential="syncer:wrong")

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        if name == TITLE:
            self._node(subject)["title"] = value
        else:
            self._node(subject)["body"]["value"] = value

    def read(self, subject: Subject, name: FieldName) -> str:
        node = self._node(subject)
        return str(node["title"] if name == TITLE else node["body"]["value"])

    def unpublish(self, subject: Subject) -> None:
        self._node(subject)["status"] = False

    def trash(self, subject: Subject) -> None:
        self.unpublish(subject)

    def delete(self, subject: Subject) -> None:
        del self.drupal.of("node--article")[uuid_of(BACKEND, subject)]

    def count_pages(self) -> int:
        return len(self.drupal.of("node--article"))

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        self.drupal.breaks_off = True
        yield
        self.drupal.breaks_off = False

    def breaking(self) -> AbstractContextManager[None]:
        return self._breaking()

    def _node(self, subject: Subject) -> dict[str, Any]:
        node = self.drupal.of("node--article")[uuid_of(BACKEND, subject)]
        attributes: dict[str, Any] = node["attributes"]
        return attributes


class TestPlainMode(SiteConformance):
    @pytest.fixture
    def bench(self) -> Iterator[SiteBench]:
        bench = PlainBench()
        with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
            serve(web, bench.drupal.answer)
            yield bench


class ModuleBench:
    """The module's client on the contract's stand-in; editors work in its memory."""

    many = 250

    def __init__(self) -> None:
        self.clock = FakeClock(datetime.now(UTC))
        self.drupal = StandIn(self.clock)
        self.memory = self.drupal.memory
        self.site = self.connect()

    def connect(self) -> Site:
        return connect(self.clock)

    def with_wrong_credentials(self) -> Site:
        return connect(self.clock, secret=Secret(b"w" * 32))

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        self.memory.edit(subject, name, value)

    def read(self, subject: Subject, name: FieldName) -> str:
        page = self.memory.page(subject)
        assert page is not None
        return str(page.fields[name])

    def unpublish(self, subject: Subject) -> None:
        self.memory.unpublish(subject)

    def trash(self, subject: Subject) -> None:
        self.memory.trash(subject)

    def delete(self, subject: Subject) -> None:
        self.memory.delete(subject)

    def count_pages(self) -> int:
        return len(self.memory.pages())

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        self.drupal.instead = _after_the_first_page
        yield
        self.drupal.instead = nothing

    def breaking(self) -> AbstractContextManager[None]:
        return self._breaking()


def _after_the_first_page(request: requests.PreparedRequest) -> Reply | None:
    url = str(request.url)
    return (500, {}, "") if "/inventory" in url and "after=0" not in url else None


class TestModule(SiteConformance):
    @pytest.fixture
    def bench(self) -> Iterator[SiteBench]:
        bench = ModuleBench()
        with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
            serve(web, bench.drupal.answer)
            yield bench
