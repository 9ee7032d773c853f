"""A real Drupal that moderates products: a page's state, and a draft above it, are its editors'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from adapters.site_api.client import SiteApi
from connector.model import FieldName, JsonValue, Subject, SubjectKind
from connector.ports import ContentWrite, Outcome
from connector.testing.conformance.writes import (
    DESCRIPTION,
    TITLE,
    change_of,
    document,
    retire_write,
)
from tests.live.drupal_site import Editor, Where
from tests.live.test_drupal_panel import open_module

pytestmark = pytest.mark.live


@dataclass
class Desk:
    """A product's page, and the editor before it."""

    where: Where
    site: SiteApi
    editor: Editor
    made: ContentWrite
    node: str

    def state(self) -> str:
        return str(self.editor.find(self.node)["attributes"]["moderation_state"])

    def set(self, **attributes: JsonValue) -> None:
        answer = self.editor.change(self.node, dict(attributes))
        assert answer.status_code == 200, answer.text[:500]

    def draft(self) -> Any:
        """The words of the newest revision, as editors see them."""
        uuid = self.editor.find(self.node)["id"]
        version = "resourceVersion=rel:working-copy"
        answer = self.editor.call("GET", f"{self.editor.resource}/{uuid}?{version}")
        assert answer.status_code == 200, answer.text[:300]
        return answer.json()["data"]["attributes"]

    def write(self, **fields: JsonValue) -> None:
        named = {FieldName(name): value for name, value in fields.items()}
        (receipt,) = self.site.write_content([change_of(self.made, named)])
        assert (receipt.outcome, receipt.kept) == (Outcome.DONE, frozenset()), receipt.message

    def shown(self) -> tuple[int, str]:
        answer = requests.get(f"{self.where.url}/node/{self.node}", timeout=60)
        return answer.status_code, answer.text


@pytest.fixture
def desk() -> Iterator[Desk]:
    where = Where.from_environment()
    site, made, editor = open_module(where), document(), Editor(where)
    (receipt,) = site.write_content([made])
    assert receipt.outcome is Outcome.DONE, receipt.message
    node = str(receipt.cms_id)
    if "moderation_state" not in editor.find(node)["attributes"]:
        pytest.skip("NO MODERATION WAS TESTED: put Product under a workflow (docs/drupal.md)")
    yield Desk(where, site, editor, made, node)
    site.close()


def test_a_new_page_begins_as_the_workflow_says_and_editors_publish_it(desk: Desk) -> None:
    assert desk.state() == "draft"
    assert desk.shown()[0] == 403
    desk.write(title="The shop's newer")
    assert desk.state() == "draft"
    desk.set(moderation_state="published")
    desk.write(title="The shop's newest")
    assert desk.state() == "published"
    assert "The shop&#039;s newest" in desk.shown()[1]
    events = [each for page in desk.site.events("0") for each in page]
    mine = [each.what for each in events if each.subject == desk.made.subject]
    assert mine == ["published"], "what the shop writes is no edit"


def test_a_draft_above_a_page_stays_there_with_what_its_editor_left_alone(desk: Desk) -> None:
    desk.set(moderation_state="published")
    desk.set(title="My draft", moderation_state="draft")
    desk.write(title="The shop's title", description="<p>The shop's text</p>")
    status, page = desk.shown()
    assert (status, "The shop&#039;s title" in page, "The shop's text" in page) == (200, True, True)
    draft = desk.draft()
    assert (draft["title"], draft["moderation_state"]) == ("My draft", "draft")
    assert "The shop's text" in draft["commerce_description"]["value"]
    (stored,) = desk.site.documents(SubjectKind.PRODUCT, [desk.made.subject.id])
    assert stored.values[TITLE] == "The shop's title", "a draft is no edit before it is published"
    assert stored.values[DESCRIPTION] == "<p>The shop's text</p>"


def test_what_goes_off_sale_is_archived_and_comes_back_published(desk: Desk) -> None:
    subject: Subject = desk.made.subject
    desk.set(moderation_state="published")
    (receipt,) = desk.site.retire([retire_write(subject)])
    assert receipt.outcome is Outcome.DONE
    assert (desk.state(), desk.shown()[0]) == ("archived", 403)
    desk.write(title="Back again")
    assert (desk.state(), desk.shown()[0]) == ("published", 200)


def test_what_editors_archived_stays_so(desk: Desk) -> None:
    desk.set(moderation_state="published")
    desk.set(moderation_state="archived")
    desk.write(title="Newer")
    assert (desk.state(), desk.shown()[0]) == ("archived", 403)
