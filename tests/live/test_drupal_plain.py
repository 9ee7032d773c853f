"""Plain mode on a Drupal as it comes: the site suite as far as declared, and its own traps.

Beside DRUPAL_URL and DRUPAL_ADMIN it needs DRUPAL_PLAIN, the user:password of a user who may
administer content, and the field `field_commerce` on Articles (docs/drupal.md says how).
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
import requests

from adapters.drupal.site import open_site
from adapters.plain.site import PLAIN
from connector.clock import SystemClock
from connector.errors import TargetDown
from connector.model import BackendName, FieldName, JsonValue, SiteName, Subject
from connector.ports import Outcome, Receipt, Site, SiteSettings
from connector.testing.conformance.site import SiteConformance
from connector.testing.conformance.writes import (
    CATEGORIES,
    DESCRIPTION,
    TITLE,
    change_of,
    document,
    offers_write,
    picture,
    retire_write,
    term_write,
)
from tests.live.drupal_site import Editor, Where

pytestmark = pytest.mark.live


class Bench:
    """A Drupal without our module in the way; editors work through JSON:API with a cookie."""

    many = 55

    def __init__(self, where: Where, credential: str) -> None:
        self.where = where
        self.credential = credential
        self.editor = Editor(where, "article")
        self.site: Site = self.connect()

    def settings(self, credential: str | None = None, **options: str) -> SiteSettings:
        return SiteSettings(
            name=SiteName("plain"),
            url=self.where.url,
            backend=BackendName("plain"),
            plain=True,
            secrets=(),
            credential=credential or self.credential,
            options=options,
        )

    def connect(self) -> Site:
        return open_site(self.settings(), SystemClock())

    def with_wrong_credentials(self) -> Site:
        """A user that is not there: five wrong passwords would lock a real one out."""
        return open_site(self.settings("nobody-of-that-name:wrong"), SystemClock())

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        attributes: dict[str, Any] = {"title": value}
        if name == DESCRIPTION:
            attributes = {"body": {"value": value, "summary": "", "format": "full_html"}}
        self.change(subject, attributes)

    def read(self, subject: Subject, name: FieldName) -> str:
        attributes = self.editor.find(self.id_of(subject))["attributes"]
        return str(attributes["title"] if name == TITLE else attributes["body"]["value"])

    def unpublish(self, subject: Subject) -> None:
        self.change(subject, {"status": False})

    def trash(self, subject: Subject) -> None:
        self.unpublish(subject)

    def delete(self, subject: Subject) -> None:
        self.editor.delete(self.id_of(subject))

    def count_pages(self) -> int:
        return self.editor.count()

    def breaking(self) -> AbstractContextManager[None] | None:
        return None

    def change(self, subject: Subject, attributes: dict[str, Any]) -> None:
        answer = self.editor.change(self.id_of(subject), attributes)
        assert answer.status_code == 200, answer.text[:500]

    def id_of(self, subject: Subject) -> str:
        held = [each for page in self.site.inventory(subject.kind) for each in page]
        return next(each.cms_id for each in held if each.subject == subject)


@pytest.fixture(scope="module")
def bench() -> Bench:
    where = Where.from_environment()
    credential = os.environ.get("DRUPAL_PLAIN")
    if not credential:
        pytest.skip("NO PLAIN DRUPAL WAS TESTED: set DRUPAL_PLAIN (docs/drupal.md says how)")
    return Bench(where, credential)


class TestConformance(SiteConformance):
    """The promises of ports.Site, as far as plain mode declares them."""

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        return bench


def done(receipts: Any) -> Receipt:
    (receipt,) = receipts
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.DONE, receipt
    return receipt


def page(url: str) -> str:
    response = requests.get(url, timeout=60)
    assert response.status_code == 200, url
    return response.text


def test_check_says_what_plain_mode_cannot(bench: Bench) -> None:
    facts = bench.site.check()
    assert facts.system == "drupal"
    assert facts.version != "unknown"
    assert facts.capabilities == PLAIN
    assert any("lock" in note for note in facts.notes)


def test_a_page_shows_price_and_text(bench: Bench) -> None:
    made = document()
    url = done(bench.site.write_content([made])).url
    assert url
    write = offers_write(made.subject)
    offer = replace(write.offers[0], amount_text="19,90 €")
    done(bench.site.write_offers([replace(write, offers=(offer,))]))
    shown = page(url)
    assert "19,90 €" in shown
    assert "In stock" in shown


def test_what_the_backend_sends_cannot_run(bench: Bench) -> None:
    made = document(
        fields={**document().fields, DESCRIPTION: "<p onclick='a1()'>x</p><script>b1()</script>"}
    )
    url = done(bench.site.write_content([made])).url
    assert url
    shown = page(url)
    assert "a1()" not in shown
    assert "<script>b1" not in shown


def test_what_is_equal_makes_no_revision(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    write = offers_write(made.subject)
    done(bench.site.write_offers([write]))
    before = revision(bench, receipt)
    done(bench.site.write_content([change_of(made, made.fields)]))
    done(bench.site.write_offers([replace(offers_write(made.subject), offers=write.offers)]))
    assert revision(bench, receipt) == before


def revision(bench: Bench, receipt: Receipt) -> int:
    attributes = bench.editor.find(str(receipt.cms_id))["attributes"]
    return int(attributes["drupal_internal__vid"])


def test_a_page_made_by_a_lost_answer_is_found(bench: Bench) -> None:
    """A second client that knows nothing makes the same page: core says 409, and it is changed."""
    made = document()
    first = done(bench.site.write_content([made]))
    before = bench.count_pages()
    second = done(bench.connect().write_content([change_of(made, made.fields, whole=True)]))
    assert second.cms_id == first.cms_id
    assert bench.count_pages() == before


def test_categories_pictures_and_addresses(bench: Bench) -> None:
    term = term_write()
    done(bench.site.write_terms([term]))
    upload = bench.site.upload_media(picture())
    media: JsonValue = [{"id": upload.cms_id, "alt": "A picture"}]
    more: dict[FieldName, JsonValue] = {CATEGORIES: [term.subject.id], FieldName("media"): media}
    made = document(fields={**document().fields, **more})
    receipt = done(bench.site.write_content([made]))
    assert receipt.url == f"{bench.where.url}/products/{made.slug}"
    shown = page(receipt.url)
    assert term.name in shown
    assert 'alt="A picture"' in shown
    done(bench.site.retire([retire_write(made.subject)]))
    assert requests.get(receipt.url, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("options", "word"),
    [({"bundle": "nothing_of_that_name"}, "bundle"), ({"section_field": "field_no"}, "field_no")],
)
def test_what_is_missing_is_named(bench: Bench, options: dict[str, str], word: str) -> None:
    with pytest.raises(TargetDown, match=word):
        open_site(bench.settings(**options), SystemClock()).check()
