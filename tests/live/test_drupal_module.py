"""The module on a real Drupal: the site suite, and what is its own.

One site serves the whole file; each test takes subjects of its own, so it may hold products
already. Nothing is left out silently: without a Drupal every test says what to set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from adapters.drupal.site import open_site
from adapters.site_api.client import SiteApi
from connector import signing
from connector.model import BackendName, FieldName, SiteName, Subject
from connector.ports import Site, SiteSettings
from connector.signing import Secret
from connector.testing.conformance.site import SiteConformance
from connector.testing.conformance.writes import DESCRIPTION, TITLE
from tests.live.drupal_site import Editor, Where
from tests.live.test_wordpress_plugin import RealClock

pytestmark = pytest.mark.live
BACKEND = BackendName("shop")


class Bench:
    """A Drupal with the module, paired; editors work through JSON:API."""

    many = 201

    def __init__(self, where: Where) -> None:
        self.where = where
        self.editor = Editor(where)
        self.site: SiteApi = self.connect()

    def settings(self, secret: str | None = None) -> SiteSettings:
        key = Secret.parse(secret or self.where.secret)
        return SiteSettings(SiteName("site"), self.where.url, BACKEND, False, (key,), None, {})

    def connect(self) -> SiteApi:
        site = open_site(self.settings(), RealClock())
        assert isinstance(site, SiteApi)
        return site

    def with_wrong_credentials(self) -> Site:
        return open_site(self.settings(signing.format_secret(b"x" * 32)), RealClock())

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        attributes: dict[str, Any] = {"title": value}
        if name == DESCRIPTION:
            attributes = {"commerce_description": {"value": value, "format": "full_html"}}
        self.change(subject, attributes)

    def read(self, subject: Subject, name: FieldName) -> str:
        attributes = self.editor.find(self.id_of(subject))["attributes"]
        stored = attributes["title"] if name == TITLE else attributes["commerce_description"]
        return str(stored if isinstance(stored, str) else (stored or {"value": ""})["value"])

    def unpublish(self, subject: Subject) -> None:
        self.change(subject, {"status": False})

    def trash(self, subject: Subject) -> None:
        """Drupal has no trash: what comes nearest is to unpublish."""
        self.unpublish(subject)

    def delete(self, subject: Subject) -> None:
        self.editor.delete(self.id_of(subject))

    def count_pages(self) -> int:
        return self.editor.count()

    def breaking(self) -> Any:
        return _breaking(self.site)

    def change(self, subject: Subject, attributes: dict[str, Any]) -> None:
        answer = self.editor.change(self.id_of(subject), attributes)
        assert answer.status_code == 200, answer.text[:500]

    def id_of(self, subject: Subject) -> str:
        (stored,) = self.site.documents(subject.kind, [subject.id])
        return stored.cms_id


@contextmanager
def _breaking(site: SiteApi) -> Iterator[None]:
    """The second page of a listing is not answered."""
    session = site._transport._session
    send = session.request

    def request(method: str, url: str, **more: Any) -> requests.Response:
        if "after=" in url and "after=0" not in url:
            raise requests.exceptions.ConnectionError("broken off")
        return send(method, url, **more)

    session.request = request  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        session.request = send  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(Where.from_environment())


class TestConformance(SiteConformance):
    """The promises of ports.Site."""

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        return bench
