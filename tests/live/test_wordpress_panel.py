"""What the panel's routes take, refuse and answer on a real WordPress, and who may ask."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from adapters.site_api import versions
from adapters.site_api.client import SiteApi
from adapters.wordpress.site import open_site
from connector.clock import SystemClock
from connector.compose import Connector
from connector.demo.wordpress import WordPress
from connector.doctor import Mark, examine_site
from connector.errors import TargetDown
from connector.model import BackendName, JsonValue, SiteName, Subject
from connector.ports import SiteEvent, SiteSettings, StatusNote
from connector.ports_panel import ASKED, RequestAnswer, Standing
from connector.signing import Secret
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.conformance.writes import document
from tests.contract.site_api_contract import FOLDER, Contract
from tests.house import SITE, House

pytestmark = pytest.mark.live
PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
EXAMPLES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
MAKE_PERSON = """
$caps = get_role( 'editor' )->capabilities;
if ( 'writer' === $args[1] ) {
	unset( $caps['take_over_commerce_fields'] );
	add_role( 'writer', 'Writer', $caps );
}
$id = wp_insert_user( array( 'user_login' => $args[0], 'user_pass' => wp_generate_password(),
	'display_name' => ucfirst( $args[0] ), 'role' => $args[1] ) );
echo WP_Application_Passwords::create_new_application_password( $id, array( 'name' => 'x' ) )[0];
"""


@dataclass
class Press:
    """A WordPress with people in it, and the daemon's client of it."""

    wordpress: WordPress
    site: SiteApi
    people: dict[str, tuple[str, str]]

    def page(self) -> tuple[Subject, int]:
        made = document()
        (receipt,) = self.site.write_content([made])
        return made.subject, int(receipt.cms_id or 0)

    def panel(self, post: int, who: str = "anna") -> dict[str, Any]:
        answer = self.call("GET", f"panel?post={post}", who)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, who: str, post: int, action: str, **more: Any) -> requests.Response:
        body = {"post": post, "action": action, "id": more.pop("id", str(uuid.uuid4())), **more}
        return self.call("POST", "requests", who, body)

    def call(self, method: str, path: str, who: str, body: Any = None) -> requests.Response:
        url = f"{self.wordpress.url}/wp-json/commerce-connector/editor/v1/{path}"
        return requests.request(method, url, json=body, auth=self.people.get(who), timeout=60)

    def asked(self, subject: Subject) -> list[SiteEvent]:
        """What the daemon is told of this product, as the contract says it."""
        pages = list(self.site.events("0"))
        return [e for page in pages for e in page if e.subject == subject and e.what == ASKED]


@pytest.fixture(scope="module")
def press(cache: Path) -> Iterator[Press]:
    wordpress = WordPress.start(cache, plugin=PLUGIN)
    try:
        secret = Secret.parse(wordpress.php("echo commerce_connector_pair();"))
        settings = SiteSettings(
            SiteName("blog"), wordpress.url, BackendName("shop"), False, (secret,), None, {}
        )
        site = open_site(settings, SystemClock())
        assert isinstance(site, SiteApi)
        roles = {"anna": "editor", "cleo": "writer", "dora": "subscriber"}
        people = {
            login: (login, wordpress.php(MAKE_PERSON, login, role)) for login, role in roles.items()
        }
        site.write_summary(EXAMPLES["summary"])
        yield Press(wordpress, site, people)
        log = wordpress.debug_log
        assert not log.exists(), log.read_text()[:2000]
    finally:
        wordpress.stop()


def test_what_an_editor_asks_reaches_the_daemon_and_its_answer_the_editor(press: Press) -> None:
    subject, post = press.page()
    number = str(uuid.uuid4())
    wish = {"field": "title", "choice": "value", "value": 'A "third" <b>\\ ü', "seen": "abc"}
    told = press.ask("anna", post, "resolve", id=number, **wish)
    assert told.status_code == 200
    assert told.json()["requests"][0]["standing"] == "waiting"
    (event,) = press.asked(subject)
    assert event.request is not None
    assert (event.request.id, event.request.by) == (number, "Anna")
    assert event.request.value == wish["value"]
    assert (event.request.field, event.request.choice) == ("title", "value")
    assert event.request.seen == "abc"
    now = datetime.now(UTC)
    changes: list[JsonValue] = [{"what": "title", "before": "Old", "after": "<New>"}]
    answer = RequestAnswer(number, Standing.DONE, "synced", "Synced.", now, {"changes": changes})
    press.site.answer_requests([answer])
    (shown,) = press.panel(post)["requests"]
    assert (shown["standing"], shown["mine"]) == ("done", True)
    assert shown["changes"] == ["Title: “Old” → “<New>”"]


def test_a_third_list_is_written_an_entry_a_line(press: Press) -> None:
    subject, post = press.page()
    lists = {"backend": ["Mugs", "Blue"], "site": ["Mugs", "Red"], "base": ["Mugs"]}
    (contested,) = EXAMPLES["note"]["conflicts"]
    note = {**EXAMPLES["note"], "conflicts": [{**contested, "field": "tags", **lists}]}
    press.site.write_status([StatusNote(subject, note)])
    (shown,) = press.panel(post)["conflicts"]
    assert (shown["third"], shown["lines"]) == ("Mugs\nRed", True)
    wish = {"field": "tags", "choice": "value", "value": "Mugs\n\n Blue, deep \nMugs\n"}
    assert press.ask("anna", post, "resolve", **wish).status_code == 200
    (event,) = press.asked(subject)
    assert event.request is not None
    assert event.request.value == ["Mugs", "Blue, deep"]


def test_events_and_site_are_as_the_contract_says(press: Press) -> None:
    subject, post = press.page()
    press.ask("anna", post, "take_over", field="title")
    contract = Contract.read()
    raw = press.site._transport.get("/events", backend="shop", after="0")
    contract.check_answer("GET", "/events", raw)
    assert press.asked(subject)
    assert press.site.check().capabilities.panel


@pytest.mark.parametrize(
    ("spoken", "fix"),
    [
        (frozenset({2}), "plugin is too old for the connector: install the one that"),
        (frozenset({0}), "connector is too old for this plugin: update the connector"),
    ],
)
def test_versions_without_one_in_common_are_refused_by_name(
    press: Press, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spoken: frozenset[int], fix: str
) -> None:
    raw = press.site._transport.get("/site")
    assert raw["versions"] == [1]
    monkeypatch.setattr(versions, "SPOKEN", spoken)
    with pytest.raises(TargetDown, match=fix):
        press.site.write_summary(EXAMPLES["summary"])
    house = House(tmp_path, MemoryCatalogue(), seen_site=press.site)
    seen = SimpleNamespace(database=house.database, works={SITE: house.work})
    (found,) = examine_site(cast(Connector, seen), SITE)
    assert found.mark is Mark.BAD
    assert fix in found.says
    monkeypatch.undo()
    assert next(each.mark for each in examine_site(cast(Connector, seen), SITE)) is Mark.GOOD
    house.database.close()


def test_the_same_request_twice_is_one(press: Press) -> None:
    subject, post = press.page()
    number = str(uuid.uuid4())
    for _ in range(2):
        assert press.ask("anna", post, "resync", id=number).status_code == 200
    requests_of = {event.request.id for event in press.asked(subject) if event.request}
    assert requests_of == {number}
    assert len(press.panel(post)["requests"]) == 1


@pytest.mark.parametrize(
    ("who", "action", "status"),
    [
        ("nobody", "resync", 401),
        ("dora", "resync", 403),
        ("dora", "resolve", 403),
        ("cleo", "take_over", 403),
        ("cleo", "give_back", 403),
        ("cleo", "resync", 200),
        ("anna", "take_over", 200),
    ],
)
def test_who_may_ask(press: Press, who: str, action: str, status: int) -> None:
    subject, post = press.page()
    assert press.ask(who, post, action, field="title").status_code == status
    assert len(press.asked(subject)) == (1 if status == 200 else 0)


def test_who_may_look(press: Press) -> None:
    _, post = press.page()
    assert press.call("GET", f"panel?post={post}", "nobody").status_code == 401
    assert press.call("GET", f"panel?post={post}", "dora").status_code == 403
    assert press.panel(post, "cleo")["can"] == {"resync": True, "take_over": False}
    assert press.panel(post, "anna")["can"] == {"resync": True, "take_over": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "dance"},
        {"id": "short"},
        {"id": "x" * 65},
        {"id": "with space and more"},
        {"choice": "maybe"},
        {"field": "x" * 101},
        {"post": 0},
        {"post": "one"},
        {"value": ["no", "text"]},
    ],
)
def test_what_is_malformed_is_refused_and_keeps_nothing(
    press: Press, wrong: dict[str, object]
) -> None:
    subject, post = press.page()
    wish = {"post": post, "action": "resync", "id": str(uuid.uuid4()), **wrong}
    answer = press.call("POST", "requests", "anna", wish)
    assert answer.status_code in (400, 403), answer.text
    assert press.asked(subject) == []


def test_another_page_than_a_product_is_refused(press: Press) -> None:
    post = int(press.wordpress.php("echo wp_insert_post( array( 'post_title' => 'x' ) );"))
    assert press.ask("anna", post, "resync").status_code == 403
    own = int(
        press.wordpress.php(
            "echo wp_insert_post( array( 'post_title' => 'x',"
            " 'post_type' => 'commerce_product' ) );"
        )
    )
    assert press.panel(own)["bound"] is False
    assert press.ask("anna", own, "resync").status_code == 404


def test_the_panel_shows_the_note_and_who_decides(press: Press) -> None:
    subject, post = press.page()
    press.site.write_status([StatusNote(subject, EXAMPLES["note"])])
    (stored,) = press.site.documents(subject.kind, [subject.id])
    assert stored.note == EXAMPLES["note"]
    panel = press.panel(post)
    assert panel["state"]["tone"] == "bad"
    (conflict,) = panel["conflicts"]
    assert (conflict["base"], conflict["shop"], conflict["page"]) == (
        "Enamel mug",
        "Enamel mug, 0.4 l",
        "The mug for every morning",
    )
    assert [one["reason"] for one in panel["parked"]] == [
        "product p7 has no title in de-DE; give it one",
        "the shop answered 503",
    ]
    groups = {group["label"]: group["fields"] for group in panel["groups"]}
    assert [one["label"] for one in groups["Only the shop"]] == ["Price"]
    assert groups["You and the shop"][0]["offer"] == "take_over"
    press.site.write_status([StatusNote(subject, {})])
    assert press.panel(post)["state"]["says"] == "In step with the shop"


def test_marks_move_when_the_shop_writes_and_not_when_an_editor_does(press: Press) -> None:
    made = document()
    (receipt,) = press.site.write_content([made])
    post = int(receipt.cms_id or 0)
    before = press.panel(post)["marks"]["title"]["mark"]
    press.wordpress.php(
        "wp_update_post( array( 'ID' => $args[0], 'post_title' => 'Editor' ) );", post
    )
    assert press.panel(post)["marks"]["title"]["mark"] == before


def test_nothing_heard_for_long_is_said(press: Press) -> None:
    _, post = press.page()
    press.wordpress.php(
        "$all = get_option( 'commerce_connector_summaries' ); $all['shop']['came_at'] -= 301;"
        " update_option( 'commerce_connector_summaries', $all );"
    )
    assert press.panel(post)["state"]["says"].startswith("Nothing was heard")
    press.site.write_summary(EXAMPLES["summary"])
    assert press.panel(post)["state"]["says"] == "In step with the shop"


def test_the_list_tells_and_narrows(press: Press) -> None:
    subject, post = press.page()
    press.site.write_status([StatusNote(subject, EXAMPLES["note"])])
    shown = press.wordpress.php(
        "$GLOBALS['wp_query'] = new WP_Query( array( 'post_type' => 'commerce_product',"
        " 'p' => $args[0] ) ); Commerce_Connector_Product_List::show_column("
        " 'commerce_connector', $args[0] );",
        post,
    )
    assert "Not synced" in shown and "Decide words" in shown and "Behind" in shown


def test_an_older_schema_is_brought_up_to_date(press: Press) -> None:
    found = press.wordpress.php(
        "global $wpdb; $t = Commerce_Connector_Tables::name( 'requests' );"
        ' $wpdb->query( "DROP TABLE $t" );'
        " update_option( Commerce_Connector_Tables::OPTION, 1 );"
        " Commerce_Connector_Setup::upgrade();"
        ' echo $wpdb->get_var( "SELECT COUNT(*) FROM $t" );'
    )
    assert found == "0"


@pytest.mark.parametrize(
    ("locale", "said"),
    [("de_DE", "Auf dem Stand des Shops"), ("fr_FR", "À jour avec la boutique")],
)
def test_the_panel_speaks_german_and_french(press: Press, locale: str, said: str) -> None:
    _, post = press.page()
    press.site.write_summary(EXAMPLES["summary"])
    chosen = press.wordpress.place.root / "wp-content" / "mu-plugins" / "locale.php"
    chosen.write_text(
        f"<?php add_filter( 'locale', function () {{ return '{locale}'; }} );", encoding="utf-8"
    )
    try:
        assert press.panel(post)["state"]["says"] == said
    finally:
        chosen.unlink()


# ---- many at once ----

ASK_FOR_MANY = """
wp_set_current_user( get_user_by( 'login', $args[0] )->ID );
echo wp_json_encode( Commerce_Connector_Bulk::ask( $args[1] ) );
"""


def test_many_asked_at_once_are_followed_by_who_asked_alone(press: Press) -> None:
    (first, one), (second, two) = press.page(), press.page()
    own = int(press.wordpress.php("echo wp_insert_post( array( 'post_title' => 'A note' ) );"))
    batch, left = json.loads(press.wordpress.php(ASK_FOR_MANY, "anna", [one, two, own]))
    assert left == 1, "what is no product of the shop is left out"
    path = f"bulk?batch={batch}"
    told = press.call("GET", path, "anna")
    assert "no-store" in told.headers["Cache-Control"]
    assert told.json()["says"] == "Resync under way: 0 of 2."
    assert not told.json()["over"]
    assert press.call("GET", path, "cleo").status_code == 404, "it is not hers"
    assert press.call("GET", path, "dora").status_code == 403
    assert press.call("GET", path, "nobody").status_code == 401
    assert press.call("GET", "bulk?batch=%25", "anna").status_code == 400
    now, reason = datetime.now(UTC), "product p2 has <b>no title"
    ids = [event.request.id for s in (first, second) for event in press.asked(s) if event.request]
    late = RequestAnswer(ids[1], Standing.WORKING, "retrying", reason, now)
    press.site.answer_requests([RequestAnswer(ids[0], Standing.DONE, "unchanged", "", now), late])
    midway = press.call("GET", path, "anna").json()
    assert (midway["done"], midway["over"]) == (1, False)
    assert [each["says"] for each in midway["problems"]] == [
        f"It did not work yet and is tried again: {reason}"
    ]
    press.site.answer_requests([RequestAnswer(ids[1], Standing.FAILED, "parked", reason, now)])
    ended = press.call("GET", path, "anna").json()
    assert (ended["done"], ended["failed"], ended["over"]) == (1, 1, True)
    assert ended["says"] == "Resync: done. Up to date: 1 of 2. Not synced: 1."
    (problem,) = ended["problems"]
    assert problem["says"] == f"It did not work: {reason}"
    assert f"post={two}&action=edit" in problem["url"]
    assert ended["badges"] == {str(one): [["good", "In step"]], str(two): [["good", "In step"]]}


def test_nothing_is_asked_for_pages_that_a_person_may_not_edit(press: Press) -> None:
    subject, post = press.page()
    assert json.loads(press.wordpress.php(ASK_FOR_MANY, "dora", [post])) == ["", 1]
    assert press.asked(subject) == []
