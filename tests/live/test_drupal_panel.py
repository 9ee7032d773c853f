"""The panel on a real Drupal: what editors see of a product, what they ask, and what comes of it.

First with this test in the daemon's place, then with a daemon of its own process and a shop.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
import requests

from adapters.drupal.site import open_site
from adapters.sandbox.run import RunningShop, start_shop
from adapters.site_api.client import SiteApi
from connector.clock import SystemClock
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.model import BackendName, FieldName, JsonValue, SiteName, Subject, SubjectKind
from connector.ports import SiteEvent, SiteSettings, StatusNote
from connector.ports_panel import RequestAnswer, Standing
from connector.signing import Secret
from connector.testing.conformance.writes import (
    TITLE,
    change_of,
    document,
    fresh_subject,
    offers_write,
)
from tests.live.drupal_shop import open_form, press
from tests.live.drupal_site import Editor, Where
from tests.live.pair import until

pytestmark = pytest.mark.live
NOW = "2026-11-24T08:30:00Z"
TWO_WAY = ("subtitle", "description")
TITLE_CONFLICT: dict[str, JsonValue] = {
    "number": 12,
    "mark": "3f9a6c1d20b7e845",
    "field": "title",
    "base": "Enamel mug",
    "backend": "Enamel mug, 0.4 l <b>",
    "site": "The mug for every morning",
    "found_at": NOW,
    "edited_by": "1",
    "edited_at": NOW,
    "decided": None,
}
SUMMARY: dict[str, JsonValue] = {
    "at": NOW,
    "fresh": True,
    "backend": {"name": "panel", "looked_at": NOW, "compared_at": None},
    "lanes": [{"lane": "offers", "due": 3, "in_flight": 1, "parked": 0, "oldest_at": NOW}],
    "counts": {"conflicts": 1, "parked": 2, "taken": 0},
    "fields": [
        {"field": "title", "owner": "merge", "why": "the default", "takes": True},
        {"field": "price", "owner": "commerce", "why": "the backend's to say", "takes": False},
        {"field": "author", "owner": "editor", "why": "the default", "takes": False},
    ],
    "runs": [
        {
            "id": "1",
            "kind": "resync",
            "asked_by": "Anna Editor",
            "started_at": NOW,
            "ended_at": NOW,
            "outcome": "done",
            "message": "",
        }
    ],
    "problems": [{"code": "parked", "says": "x", "next": "y", "since": NOW, "count": 2}],
    "nudge": None,
}


@dataclass
class Desk:
    """A product's page, an editor before it, and the site API behind it."""

    where: Where
    editor: Editor
    site: SiteApi
    subject: Subject
    node: str

    @property
    def panel(self) -> str:
        return f"{self.where.url}/node/{self.node}/shop"

    def note(self, **note: JsonValue) -> None:
        self.site.write_status([StatusNote(self.subject, note)])

    def reads(self, path: str = "") -> str:
        """What the panel says, in words."""
        answer = self.editor.session.get(path or self.panel, timeout=60)
        assert answer.status_code == 200, answer.text[:300]
        return words_of(answer.text)

    def press(self, button: str, **fields: str) -> str:
        return words_of(press(self.editor, self.panel, button, **fields))

    def decide(self, choice: str, text: str = "") -> str:
        """Decide the first conflict that is shown."""
        html = self.editor.session.get(self.panel, timeout=60).text
        found = re.search(rf'name="(resolve_([0-9a-f]+)_{choice})"', html)
        assert found, html[:300]
        return self.press(found[1], **({f"third_{found[2]}": text} if text else {}))

    def asked(self) -> SiteEvent:
        """What was asked last, of this product."""
        events = [each for page in self.site.events("0") for each in page]
        mine = [each for each in events if each.what == "asked" and each.subject == self.subject]
        return mine[-1]

    def state(self) -> Any:
        return self.editor.session.get(f"{self.panel}/state", timeout=60).json()


def words_of(html: str) -> str:
    """What a person reads, buttons too."""
    main = html[html.index("<main") : html.index("</main>")]
    main = re.sub(r'<input[^>]*type="submit"[^>]*value="([^"]*)"[^>]*>', r" \1 ", main)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def open_module(where: Where) -> SiteApi:
    secrets = (Secret.parse(where.secret),)
    settings = SiteSettings(
        SiteName("magazine"), where.url, BackendName("panel"), False, secrets, None, {}
    )
    site = open_site(settings, SystemClock())
    assert isinstance(site, SiteApi)
    return site


@pytest.fixture
def desk() -> Desk:
    where = Where.from_environment()
    site, subject = open_module(where), fresh_subject()
    (receipt,) = site.write_content([document(subject)])
    site.write_offers([offers_write(subject)])
    site.write_summary({**SUMMARY, "at": datetime.now(UTC).isoformat()})
    return Desk(where, Editor(where), site, subject, str(receipt.cms_id))


# ---- what editors see ----


def test_a_product_in_step_says_so_and_who_decides_what(desk: Desk) -> None:
    desk.note()
    words = desk.reads()
    assert "In step with the shop" in words
    assert desk.subject.id in words
    assert "You and the shop" in words
    assert "Title Take over" in words
    assert "Price" in words.partition("Only the shop")[2]


def test_a_conflict_is_shown_side_by_side_and_nothing_of_it_runs(desk: Desk) -> None:
    desk.note(conflicts=[TITLE_CONFLICT])
    words = desk.reads()
    assert "1 field waits for your decision" in words
    assert "Title: changed here and in the shop" in words
    for side in ("On this page", "The mug for every morning", "Enamel mug, 0.4 l <b>"):
        assert side in words
    assert "In the shop" in words
    assert "<b>" not in desk.editor.session.get(desk.panel, timeout=60).text.split("<main")[1]


def test_what_was_given_up_on_says_why_and_what_to_do(desk: Desk) -> None:
    reason = "product p7 has no title in de-DE; give it one"
    desk.note(
        parked=[{"lane": "content", "since": NOW, "code": "Rejected", "reason": reason, "next": ""}]
    )
    words = desk.reads()
    assert "Not synced: something is wrong with this product" in words
    assert reason in words
    assert "What to do: Correct the product in the shop" in words


def test_the_form_of_the_page_shows_it_too(desk: Desk) -> None:
    desk.note(conflicts=[TITLE_CONFLICT])
    words = desk.reads(f"{desk.where.url}/node/{desk.node}/edit")
    assert "1 field waits for your decision" in words
    assert "Compare, decide, resync" in words


def test_lists_show_and_filter_how_products_stand(desk: Desk) -> None:
    title = f"Listed {desk.subject.id}"
    desk.editor.change(desk.node, {"title": title})
    products = f"{desk.where.url}/admin/content/products?title={title}"
    desk.note(conflicts=[TITLE_CONFLICT])
    assert title in desk.reads(f"{products}&in_conflict=1")
    assert title not in desk.reads(f"{products}&in_conflict=0")
    desk.note()
    assert "No product stands so." in desk.reads(f"{products}&in_conflict=1")
    desk.note(
        parked=[{"lane": "media", "since": NOW, "code": "Rejected", "reason": "x", "next": ""}]
    )
    assert title in desk.reads(f"{products}&is_parked=1")
    desk.note(waiting={"since": NOW, "reason": "the shop answered 503"})
    assert title in desk.reads(f"{products}&is_late=1")


def test_the_dashboard_says_how_it_stands(desk: Desk) -> None:
    words = desk.reads(f"{desk.where.url}/admin/content/shop")
    assert "Shop “panel”" in words
    assert "2 products or parts of them are not synced." in words
    assert "Open each one: its panel says why, and what to do." in words
    assert "Prices and stock 3 0" in words
    assert "Resync Anna Editor" in words


# ---- what they ask ----


def test_resync_now_is_asked_followed_and_told(desk: Desk) -> None:
    desk.note()
    assert "Asked. The connector is on its way" in desk.press("resync")
    event = desk.asked()
    assert event.request is not None
    assert (event.request.action, event.request.by) == ("resync", "admin")
    changes: JsonValue = [{"what": "title", "before": "Old", "after": "New"}]
    late = RequestAnswer(
        event.request.id, Standing.WORKING, "retrying", "<b> & 'c'", datetime.now(UTC)
    )
    desk.site.answer_requests([late])
    assert desk.state()["requests"][0]["says"].endswith("is tried again: <b> & 'c'")
    answer = RequestAnswer(
        event.request.id, Standing.DONE, "synced", "Done.", datetime.now(UTC), {"changes": changes}
    )
    desk.site.answer_requests([replace(answer, request="nobody"), answer])
    (told, *_) = desk.state()["requests"]
    assert told["says"] == "Done. 1 thing was brought up to date:"
    assert told["changes"] == ["Title: “Old” → “New”"]
    assert "Done. 1 thing was brought up to date:" in desk.reads()


def test_a_decision_carries_what_the_editor_saw(desk: Desk) -> None:
    desk.note(conflicts=[TITLE_CONFLICT])
    desk.decide("backend")
    request = desk.asked().request
    assert request is not None
    assert (request.action, request.field) == ("resolve", "title")
    assert (request.choice, request.seen) == ("backend", "3f9a6c1d20b7e845")
    desk.decide("value", "A third\r\ntext")
    request = desk.asked().request
    assert request is not None
    assert (request.choice, request.value) == ("value", "A third\ntext")


def test_a_third_list_is_written_an_entry_a_line(desk: Desk) -> None:
    lists: dict[str, JsonValue] = {"backend": ["Mugs", "Blue"], "site": ["Mugs", "Red"]}
    desk.note(conflicts=[{**TITLE_CONFLICT, "field": "tags", "base": ["Mugs"], **lists}])
    assert "One entry a line." in desk.reads()
    (stored,) = desk.site.documents(SubjectKind.PRODUCT, [desk.subject.id])
    assert set(stored.note) == {"conflicts"}
    desk.decide("value", "Mugs\r\n\r\n Blue, deep \r\nMugs")
    request = desk.asked().request
    assert request is not None
    assert request.value == ["Mugs", "Blue, deep"]


def test_nobody_decides_what_they_did_not_see_and_no_text_is_lost(desk: Desk) -> None:
    """Another editor, or the shop, was quicker than the button."""
    desk.note(conflicts=[TITLE_CONFLICT])
    mark = str(TITLE_CONFLICT["mark"])
    with changing(desk.editor, lambda: desk.note(conflicts=[{**TITLE_CONFLICT, "mark": "0" * 16}])):
        words = desk.press(f"resolve_{mark}_value", **{f"third_{mark}": "What I wrote"})
    assert "Not done: it was changed again meanwhile." in words
    assert "What I wrote" in words
    with pytest.raises(IndexError):
        desk.asked()


@contextmanager
def changing(editor: Editor, change: Callable[[], None]) -> Iterator[None]:
    """Something changes after the form was read and before it is sent."""
    send = editor.session.post

    def post(*args: Any, **more: Any) -> requests.Response:
        change()
        return send(*args, **more)

    editor.session.post = post  # type: ignore[method-assign]
    try:
        yield
    finally:
        editor.session.post = send  # type: ignore[method-assign]


def test_a_field_is_taken_over_and_given_back(desk: Desk) -> None:
    desk.note()
    desk.press("take_over_title")
    request = desk.asked().request
    assert request is not None
    assert (request.action, request.field) == ("take_over", "title")
    taken: JsonValue = {"title": {"state": "taken", "by": "Anna Editor", "at": NOW}}
    desk.note(fields=taken)
    words = desk.reads()
    assert "Title – taken over by Anna Editor" in words.partition("Yours alone")[2]
    desk.press("give_back_title")
    request = desk.asked().request
    assert request is not None
    assert request.action == "give_back"


def resync_list(desk: Desk, title: str) -> requests.Response:
    """Tick every product of that title in the list, and resync them from the shop."""
    url = f"{desk.where.url}/admin/content/products?title={title}"
    html = desk.editor.session.get(url, timeout=60).text
    found = re.findall(r'name="(node_bulk_form\[\d+\])"[^>]*value="([^"]+)"', html)
    boxes = {name: unescape(value) for name, value in found}
    assert boxes
    form = html[html.index("views-form-commerce-products-shop") :]
    hidden = dict(re.findall(r'name="(form_[a-z_]+)" value="([^"]+)"', form))
    press = {"action": "commerce_connector_resync", "op": "Apply to selected items"}
    return desk.editor.session.post(url, {**hidden, **boxes, **press}, timeout=60)


def test_a_list_of_products_is_resynced_at_once_and_followed(desk: Desk) -> None:
    title = f"Listed {desk.subject.id}"
    desk.editor.change(desk.node, {"title": title})
    second = fresh_subject()
    (receipt,) = desk.site.write_content([document(second)])
    desk.editor.change(str(receipt.cms_id), {"title": title})
    page = resync_list(desk, title)
    assert "/admin/content/shop/resync" in page.url
    assert "Resync under way: 0 of 2." in words_of(page.text)
    assert f'href="/admin/content/products?title={title.partition(" ")[0]}' in page.text
    other = replace(desk, subject=second).asked().request
    mine = desk.asked().request
    assert mine is not None and other is not None
    now, reason = datetime.now(UTC), "it has <b>no title"
    late = RequestAnswer(other.id, Standing.WORKING, "retrying", reason, now)
    desk.site.answer_requests([RequestAnswer(mine.id, Standing.DONE, "unchanged", "", now), late])
    state = f"{desk.where.url}/admin/content/shop/resync/state"
    told = desk.editor.session.get(state, timeout=60).json()
    assert (told["done"], told["is_over"]) == (1, False)
    assert told["problems"][0]["says"].endswith(f"tried again: {reason}")
    desk.site.answer_requests([RequestAnswer(other.id, Standing.FAILED, "parked", reason, now)])
    html = desk.editor.session.get(page.url, timeout=60).text
    assert "Resync: done. Up to date: 1 of 2. Not synced: 1." in words_of(html)
    assert f"{title} : It did not work: {reason}" in words_of(html)
    assert f'href="/node/{receipt.cms_id}/shop"' in html
    assert "<b>no title" not in html


def test_how_far_a_resync_is_concerns_who_asked_alone(desk: Desk) -> None:
    anew = Editor(desk.where)
    page = f"{desk.where.url}/admin/content/shop/resync"
    visitor = desk.editor.session.__class__()
    assert visitor.get(page, timeout=60).status_code == 403
    assert visitor.get(f"{page}/state", timeout=60).status_code == 403
    credential = os.environ.get("DRUPAL_EDITOR")
    if credential:
        anew = Editor(replace(desk.where, admin=credential))
        assert anew.session.get(page, timeout=60).status_code == 403, "may not list content"


def test_a_form_opened_before_the_shop_wrote_is_refused_with_its_text_kept(desk: Desk) -> None:
    edit = f"{desk.where.url}/node/{desk.node}/edit"
    form = open_form(desk.editor, edit)
    fresh = change_of(document(desk.subject), {TITLE: "The shop's <new> one"})
    (receipt,) = desk.site.write_content([fresh])
    assert receipt.hashes
    html = form.send(desk.editor, edit, "op", **{"title[0][value]": "What the editor wrote"})
    words = words_of(html)
    assert "Not saved: the page was changed since you opened it." in words
    assert "Title: “The shop's one”" in words
    assert 'value="What the editor wrote"' in html
    assert desk.editor.find(desk.node)["attributes"]["title"] == "The shop's <new> one"
    anew = open_form(desk.editor, edit)
    anew.send(desk.editor, edit, "op", **{"title[0][value]": "What the editor wrote"})
    assert desk.editor.find(desk.node)["attributes"]["title"] == "What the editor wrote"


def test_words_for_search_engines_are_written_in_the_form(desk: Desk) -> None:
    edit = f"{desk.where.url}/node/{desk.node}/edit"
    title = {"commerce_connector_search[seo_title]": "Found <b>by</b> all & more"}
    open_form(desk.editor, edit).send(desk.editor, edit, "op", **title)
    assert edits(desk) == [("seo_title",)]
    (stored,) = desk.site.documents(SubjectKind.PRODUCT, [desk.subject.id])
    assert stored.values[FieldName("seo_title")] == "Found by all & more"
    page = desk.editor.session.get(f"{desk.where.url}/node/{desk.node}", timeout=60).text
    assert "<title>Found by all &amp; more" in page
    form = open_form(desk.editor, edit)
    form.send(desk.editor, edit, "op")
    assert edits(desk) == [("seo_title",)], "what nobody changed is no edit"
    stale = open_form(desk.editor, edit)
    newer = {FieldName("seo_title"): "The shop's"}
    desk.site.write_content([change_of(document(desk.subject), newer)])
    html = stale.send(desk.editor, edit, "op", **{"commerce_connector_search[seo_title]": "Mine"})
    assert "Search engine title: “The shop's”" in words_of(html)
    assert 'value="Mine"' in html
    description = {FieldName("seo_description"): 'A "<script>x()</script>'}
    desk.site.write_content([change_of(document(desk.subject), description)])
    assert "<script>x()" not in desk.editor.session.get(edit, timeout=60).text
    open_form(desk.editor, edit).send(desk.editor, edit, "op", **{"title[0][value]": "Mine"})
    (stored,) = desk.site.documents(SubjectKind.PRODUCT, [desk.subject.id])
    assert stored.values[FieldName("seo_description")] == 'A "<script>x()</script>'


def edits(desk: Desk) -> list[tuple[str, ...]]:
    """The fields that each edit of this product changed."""
    events = [each for page in desk.site.events("0") for each in page]
    mine = [each for each in events if each.subject == desk.subject and each.what == "edited"]
    return [tuple(map(str, each.fields)) for each in mine]


def test_who_may_not_take_over_sees_and_resyncs(desk: Desk) -> None:
    credential = os.environ.get("DRUPAL_EDITOR")
    if not credential:
        pytest.skip("NO EDITOR OF DRUPAL WAS TESTED: set DRUPAL_EDITOR (docs/drupal.md says how)")
    desk.note()
    desk.editor = Editor(replace(desk.where, admin=credential))
    words = desk.reads()
    assert "You may look at this, but not take fields over." in words
    assert "Take over" not in words.partition("You may look")[2].partition("can.")[2]
    desk.press("resync")
    assert desk.asked().request is not None


def test_visitors_see_none_of_it(desk: Desk) -> None:
    for path in (f"/node/{desk.node}/shop", f"/node/{desk.node}/shop/state", "/admin/content/shop"):
        answer = desk.editor.session.__class__().get(desk.where.url + path, timeout=60)
        assert answer.status_code == 403


# ---- with a daemon ----


@dataclass
class Newsroom:
    """A shop, a daemon and the Drupal that shows it."""

    where: Where
    shop: RunningShop
    installed: Installed
    editor: Editor

    def desk(self, product: str) -> Desk:
        site = open_module(self.where)
        subject = Subject(SubjectKind.PRODUCT, product)
        (stored,) = site.documents(SubjectKind.PRODUCT, [product])
        return Desk(self.where, self.editor, site, subject, str(stored.cms_id))


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    where, home = Where.from_environment(), tmp_path_factory.mktemp("newsroom")
    shop = start_shop(home / "shop.db", free_port(), products=5)
    port = free_port()
    market = {"name": "main", "locale": "en-US", "currency": "EUR"}
    magazine: Mapping[str, Any] = {
        "system": "drupal",
        "url": where.url,
        "backend": "panel",
        "secrets": [{"env": "MAGAZINE"}],
        "media": "off",
        "markets": [market],
        "owners": dict.fromkeys(TWO_WAY, "two-way"),
    }
    backend = {"system": "sandbox", "url": shop.url, "credential": {"env": "SHOP_KEY"}}
    installed = Installed(
        home / "connector",
        {
            "server": {"bind": "127.0.0.1", "port": port, "public_url": f"http://127.0.0.1:{port}"},
            "backends": {"panel": {**backend, "poll_seconds": 1.0}},
            "sites": {"magazine": magazine},
        },
        {"MAGAZINE": where.secret, "SHOP_KEY": shop.key},
        port=port,
    )
    try:
        installed.start()
        site, ids = open_module(where), [f"p000000{number}" for number in range(1, 6)]

        def is_there() -> bool:
            return len(site.documents(SubjectKind.PRODUCT, ids)) == 5 and installed.due() == 0

        until(is_there, "everything is on its page", 180)
        yield Newsroom(where, shop, installed, Editor(where))
    finally:
        installed.stop()
        shop.stop()


def followed(desk: Desk) -> Any:
    """What has become of the newest request."""

    def is_over() -> bool:
        return bool(desk.state()["requests"][0]["standing"] not in ("waiting", "working"))

    until(is_over, "the request is answered", 60)
    return desk.state()["requests"][0]


def test_an_editors_day(newsroom: Newsroom) -> None:
    """Resync, take over, edit, the shop changes it too, give back: with a real daemon."""
    desk = newsroom.desk("p0000001")
    until(lambda: "In step with the shop" in desk.reads(), "the summary has come", 120)
    desk.press("resync")
    assert followed(desk)["standing"] == "done"
    desk.press("take_over_title")
    told = followed(desk)
    assert (told["standing"], told["says"]) == ("done", "Title is yours on this page now.")
    desk.editor.change(desk.node, {"title": "The editor's own"})
    retitle(newsroom.shop, "p0000001", "The shop's new one")
    desk.press("resync")
    assert followed(desk)["standing"] == "done"
    assert desk.editor.find(desk.node)["attributes"]["title"] == "The editor's own"
    until(lambda: "Title – taken over by admin" in desk.reads(), "the note has come", 60)
    desk.press("give_back_title")
    assert "the shop's again" in followed(desk)["says"]
    assert desk.editor.find(desk.node)["attributes"]["title"] == "The shop's new one"


def test_both_change_a_title_and_a_person_decides(newsroom: Newsroom) -> None:
    desk = newsroom.desk("p0000002")
    desk.editor.change(desk.node, {"title": "As the editor says"})
    retitle(newsroom.shop, "p0000002", "As the shop says")
    until(lambda: "field waits for your decision" in desk.reads(), "the conflict is shown", 120)
    assert desk.editor.find(desk.node)["attributes"]["title"] == "As the editor says"
    assert "As the shop says" in desk.reads()
    desk.decide("backend")
    assert followed(desk)["says"] == "Done. It is on the page as you decided."
    assert desk.editor.find(desk.node)["attributes"]["title"] == "As the shop says"
    until(lambda: "In step with the shop" in desk.reads(), "the conflict is gone", 60)


def test_an_editors_words_are_the_shops_and_come_back_as_no_change(newsroom: Newsroom) -> None:
    product = "p0000003"
    desk, words = newsroom.desk(product), f"<p>Salt &amp; pepper {uuid.uuid4().hex}</p>"

    def shop_says() -> Any:
        return newsroom.shop.product(product)["texts"]["en-US"]

    until(lambda: "In step with the shop" in desk.reads(), "the page is the shop's", 60)
    text = {"value": words, "format": "commerce_connector_html"}
    answer = desk.editor.change(
        desk.node, {"commerce_subtitle": "An editor's", "commerce_description": text}
    )
    assert answer.status_code == 200, answer.text[:300]
    until(lambda: shop_says()["description"] == words, "the description in the shop", 60)
    until(lambda: shop_says()["subtitle"] == "An editor's", "the subtitle in the shop", 60)
    until(lambda: newsroom.installed.due() == 0, "nothing is due", 60)
    newsroom.installed.command("reconcile", "--site", "magazine")
    attributes = desk.editor.find(desk.node)["attributes"]
    assert attributes["commerce_description"]["value"] == words
    assert (attributes["commerce_subtitle"], shop_says()["description"]) == ("An editor's", words)
    assert newsroom.installed.ask("conflicts", "list") == []
    say(newsroom.shop, product, "subtitle", "The shop's again")

    def page_says() -> bool:
        found = desk.editor.find(desk.node)["attributes"]["commerce_subtitle"]
        return bool(found == "The shop's again")

    until(page_says, "the shop's words on the page", 60)


def retitle(shop: RunningShop, product: str, title: str) -> None:
    say(shop, product, "title", title)


def say(shop: RunningShop, product: str, field: str, words: str) -> None:
    doc = shop.product(product)
    doc["texts"]["en-US"][field] = words
    with shop.admin() as admin:
        admin.put(f"/admin/products/{product}", json=doc).raise_for_status()
