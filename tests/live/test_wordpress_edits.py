"""Editors and the backend at the same pages of a real WordPress: nothing of either is lost.

EDITS=300 makes the long version; each life has faults, restarts and reconciles in it.
"""

from __future__ import annotations

import html
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.site_api.client import SiteApi
from adapters.wordpress.site import open_site
from connector import undo
from connector.clock import SystemClock
from connector.demo.wordpress import WordPress
from connector.model import BackendName, FieldName, JsonValue, ProductId, SiteName, Subject
from connector.ports import SiteSettings
from connector.signing import Secret
from connector.state import conflicts, runs
from connector.sync.edits import Choice
from connector.sync.merge import UNKNOWN, Conflict
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from tests.desk import Desk, Editor
from tests.house import EUROS, House

pytestmark = pytest.mark.live
LIVES = int(os.environ.get("EDITS", "5"))
PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
NUMBERS = itertools.count(710_001)
A, B, C = "<p>a</p>\n", "<p>b</p>\n", "<p>c</p>\n"


class Newsroom:
    """A WordPress with the plugin, and what editors do in it."""

    def __init__(self, wordpress: WordPress) -> None:
        self.wordpress = wordpress
        secret = Secret.parse(wordpress.php("echo commerce_connector_pair();"))
        settings = SiteSettings(
            SiteName("blog"), wordpress.url, BackendName("shop"), False, (secret,), None, {}
        )
        site = open_site(settings, SystemClock())
        assert isinstance(site, SiteApi)
        self.site = site

    def set(self, subject: Subject, column: str, text: str) -> None:
        self.wordpress.php(
            "wp_set_current_user( 1 );"
            " wp_update_post( wp_slash( array( 'ID' => $args[0], $args[1] => $args[2] ) ) );",
            self.post(subject),
            column,
            text,
        )

    def value(self, subject: Subject, field: str) -> str | None:
        found = self.site.documents(subject.kind, [subject.id])
        return str(found[0].values[FieldName(field)]) if found else None

    def post(self, subject: Subject) -> int:
        (found,) = self.site.documents(subject.kind, [subject.id])
        return int(found.cms_id)

    def editor(self) -> Editor:
        """Who saves as the block editor does, by REST."""
        posts: dict[Subject, int] = {}
        parts = {"title": "title", "description": "content"}
        login = (self.wordpress.admin_user, self.wordpress.app_password)
        rest = httpx.Client(
            base_url=f"{self.wordpress.url}/wp-json/wp/v2/commerce_product",
            auth=login,
            timeout=60,
            trust_env=False,
        )

        def edit(subject: Subject, name: FieldName, text: str) -> None:
            if subject not in posts:
                posts[subject] = self.post(subject)
            answer = rest.post(f"/{posts[subject]}", json={parts[name]: text})
            assert answer.status_code == 200, answer.text[:300]

        return Editor(edit, self.value)


@pytest.fixture(scope="module")
def newsroom(cache: Path) -> Iterator[Newsroom]:
    wordpress = WordPress.start(cache, plugin=PLUGIN)
    try:
        yield Newsroom(wordpress)
        log = wordpress.debug_log
        assert not log.exists(), log.read_text()[:2000]
    finally:
        wordpress.stop()


def test_a_day_of_an_editor(newsroom: Newsroom, tmp_path: Path) -> None:
    """Joined paragraphs, a conflict, privileged markup that cleaning would take, decisions."""
    number = 700_001
    subject = generate.product_subject(number)
    clock = FakeClock(datetime.now(UTC))
    catalogue = MemoryCatalogue()
    rules = SiteRules(markets=(EUROS,), media=False)
    house = House(tmp_path, catalogue, seen_site=newsroom.site, rules=rules, clock=clock)

    def shop(title: str, description: str) -> None:
        found = catalogue.fetch([ProductId(subject.id)]).products
        old = found.get(ProductId(subject.id)) or generate.product(number)
        text = replace(old.texts[old.default_locale], title=title, description=description)
        catalogue.put(replace(old, texts={old.default_locale: text}))
        house.detector.poll()
        house.detector.import_new_sites()
        house.settle()

    shop("Shop", A + B)
    newsroom.set(subject, "post_content", A + "<p>The editor's own & more</p>\n")
    shop("Shop", "<p>New</p>\n<script>x()</script>" + B)
    joined = newsroom.value(subject, "description")
    assert joined is not None
    assert "<p>New</p>" in joined and "The editor's own" in joined and "<script" not in joined
    newsroom.set(subject, "post_title", "Editor")
    framed = '<p>New</p>\n<iframe src="https://video.example/"></iframe>\n'
    newsroom.set(subject, "post_content", framed)
    shop("Newer", "<p>Newest</p>\n" + B)
    assert newsroom.value(subject, "title") == "Editor"
    assert newsroom.value(subject, "description") == framed.strip() or "<iframe" in str(
        newsroom.value(subject, "description")
    )
    with house.database.write() as connection:
        found = {one.field: one for one in conflicts.list_conflicts(connection)}
        title = found[FieldName("title")]
        assert title.contested.conflict == Conflict("Shop", "Newer", "Editor")
        conflicts.decide(
            connection, [title], Choice.VALUE, value="A third", asked_by="me", now=clock.now()
        )
    shop("Newer", "<p>Newest</p>\n" + C)
    assert newsroom.value(subject, "title") == "A third"
    assert "<iframe" in str(newsroom.value(subject, "description"))
    assert house.due() == 0
    assert house.parked() == []
    house.database.close()


@pytest.mark.parametrize("seed", range(LIVES))
def test_whatever_comes_between_nothing_of_either_side_is_lost(
    newsroom: Newsroom, tmp_path: Path, seed: int
) -> None:
    desk = Desk(tmp_path, seed, newsroom.site, newsroom.editor(), [800_000 + seed])
    desk.live(40)
    desk.check()


OPEN_FORM = "ob_start(); do_action( 'edit_form_top', get_post( $args[0] ) ); echo ob_get_clean();"
SAVE_FORM = """
require_once ABSPATH . 'wp-admin/includes/admin.php';
wp_set_current_user( 1 );
$nonce = wp_create_nonce( 'commerce_connector_search' . $args[0]['post_ID'] );
$_POST = wp_slash( $args[0] + array( 'commerce_connector_search_nonce' => $nonce ) );
edit_post();
"""


class Overtaken:
    """A page, opened in an editor before the shop writes to it."""

    def __init__(self, newsroom: Newsroom, tmp_path: Path, number: int) -> None:
        self.newsroom = newsroom
        self.subject = generate.product_subject(number)
        self.number = number
        self.catalogue = MemoryCatalogue()
        rules = SiteRules(markets=(EUROS,), media=False)
        clock = FakeClock(datetime.now(UTC))
        self.house = House(
            tmp_path, self.catalogue, seen_site=newsroom.site, rules=rules, clock=clock
        )
        login = (newsroom.wordpress.admin_user, newsroom.wordpress.app_password)
        self.rest = httpx.Client(auth=login, timeout=60, trust_env=False)

    def shop(self, title: str, description: str, **more: str) -> None:
        product = ProductId(self.subject.id)
        found = self.catalogue.fetch([product]).products
        old = found.get(product) or generate.product(self.number)
        words = {"title": title, "description": description, **more}
        text = replace(old.texts[old.default_locale], **words)
        self.catalogue.put(replace(old, texts={old.default_locale: text}))
        self.house.detector.poll()
        self.house.detector.import_new_sites()
        self.house.settle()

    def is_pulled(self) -> None:
        """The daemon hears of what was saved, and does what follows."""
        self.house.work.read_edits()
        self.house.settle()

    @property
    def url(self) -> str:
        post = self.newsroom.post(self.subject)
        return f"{self.newsroom.wordpress.url}/wp-json/wp/v2/commerce_product/{post}"

    def opened(self) -> dict[str, str]:
        answer = self.rest.get(self.url, params={"context": "edit"})
        found: dict[str, str] = answer.json()["commerce_connector_opened"]
        return found

    def save(self, opened: dict[str, str], **parts: JsonValue) -> dict[str, str]:
        body = {**parts, "commerce_connector_opened": opened}
        answer = self.rest.post(self.url, json=body)
        assert answer.status_code == 200, answer.text[:300]
        found: dict[str, str] = answer.json()["commerce_connector_opened"]
        return found

    def conflicts(self) -> dict[str, Conflict]:
        with self.house.database.read() as connection:
            found = conflicts.list_conflicts(connection)
        return {one.field: one.contested.conflict for one in found}

    def value(self, field: str) -> str | None:
        return self.newsroom.value(self.subject, field)


@pytest.fixture
def overtaken(newsroom: Newsroom, tmp_path: Path) -> Overtaken:
    return Overtaken(newsroom, tmp_path, next(NUMBERS))


def test_a_save_over_newer_words_of_the_shop_is_joined_or_a_conflict(overtaken: Overtaken) -> None:
    overtaken.shop("Shop", A + B)
    opened = overtaken.opened()
    overtaken.shop("Newer", "<p>Newer</p>\n" + B)
    again = overtaken.save(opened, title="Editor", content=A + "<p>editor</p>\n")
    assert overtaken.value("title") == "Editor"
    overtaken.is_pulled()
    assert overtaken.conflicts() == {"title": Conflict("Shop", "Newer", "Editor")}
    assert overtaken.value("title") == "Editor"
    joined = str(overtaken.value("description"))
    assert "<p>Newer</p>" in joined and "<p>editor</p>" in joined and "<p>a</p>" not in joined
    assert again["title"] == opened["title"]
    assert overtaken.opened()["description"] != again["description"]
    overtaken.house.database.close()


def test_an_editor_of_today_and_a_client_that_says_nothing_save_as_ever(
    overtaken: Overtaken,
) -> None:
    overtaken.shop("Shop", A + B)
    overtaken.shop("Newer", A + B)
    overtaken.save(overtaken.opened(), title="Editor")
    overtaken.is_pulled()
    assert overtaken.conflicts() == {}
    assert overtaken.value("title") == "Editor"
    overtaken.rest.post(overtaken.url, json={"title": "By a script"})
    overtaken.is_pulled()
    assert overtaken.conflicts() == {}
    assert overtaken.value("title") == "By a script"
    overtaken.house.database.close()


def test_a_mark_that_nobody_knows_any_more_makes_a_conflict(overtaken: Overtaken) -> None:
    overtaken.shop("Shop", A + B)
    overtaken.save({**overtaken.opened(), "title": "0123456789abcdef"}, title="Editor")
    overtaken.is_pulled()
    assert overtaken.conflicts() == {"title": Conflict(UNKNOWN, "Shop", "Editor")}
    assert overtaken.value("title") == "Editor"
    overtaken.house.database.close()


def test_a_classic_form_puts_back_no_words_that_its_editor_did_not_change(
    overtaken: Overtaken,
) -> None:
    overtaken.shop("Shop", A + B)
    wordpress, post = overtaken.newsroom.wordpress, overtaken.newsroom.post(overtaken.subject)
    found = re.search(r'value="([^"]*)"', wordpress.php(OPEN_FORM, post))
    assert found is not None
    text = str(overtaken.value("description"))
    overtaken.shop("Newer", "<p>Newer</p>\n" + B)
    form = {
        "post_ID": str(post),
        "post_type": "commerce_product",
        "post_title": "Editor",
        "content": text,
        "commerce_connector_opened": html.unescape(found[1]),
    }
    wordpress.php(SAVE_FORM, form)
    overtaken.is_pulled()
    assert overtaken.conflicts() == {"title": Conflict("Shop", "Newer", "Editor")}
    assert str(overtaken.value("description")).startswith("<p>Newer</p>")
    overtaken.house.database.close()


SLOW = """<?php add_filter( 'wp_insert_post_data', function ( $data ) {
	if ( 'Newer' === $data['post_title'] && Commerce_Connector_Writes::$writing ) {
		touch( '%s' );
		sleep( 3 );
	}
	return $data;
} );"""


@pytest.mark.parametrize("by", ["block editor", "script"])
def test_who_saves_while_the_shop_writes_loses_nothing_and_undoes_nothing(
    wordpress_on_mariadb: WordPress, tmp_path: Path, by: str
) -> None:
    """The daemon has read the page, and writes it only after an editor began to save."""
    newsroom = Newsroom(wordpress_on_mariadb)
    overtaken = Overtaken(newsroom, tmp_path, next(NUMBERS))
    overtaken.shop("Shop", A + B)
    opened, url, post = overtaken.opened(), overtaken.url, newsroom.post(overtaken.subject)
    edited = A + "<p>editor</p>\n"
    flag = Path(wordpress_on_mariadb.place.root) / "wp-content" / "uploads" / "writing"
    plugin = Path(wordpress_on_mariadb.place.root) / "wp-content" / "mu-plugins" / "slow.php"
    plugin.write_text(SLOW % flag)
    shop = threading.Thread(target=overtaken.shop, args=("Newer", A + B))
    try:
        shop.start()
        while not flag.exists():
            assert shop.is_alive()
            time.sleep(0.01)
        if by == "script":
            newsroom.wordpress.php(SAVE_CONTENT, post, edited)
        else:
            body = {"content": edited, "commerce_connector_opened": opened}
            assert overtaken.rest.post(url, json=body).status_code == 200
        shop.join()
    finally:
        plugin.unlink()
    assert str(overtaken.value("description")).strip() == edited.strip()
    overtaken.is_pulled()
    assert overtaken.conflicts() == {}
    assert overtaken.value("title") == "Newer"
    assert str(overtaken.value("description")).strip() == edited.strip()
    overtaken.house.database.close()


SAVE_CONTENT = """
wp_set_current_user( 1 );
wp_update_post( wp_slash( array( 'ID' => $args[0], 'post_content' => $args[1] ) ) );
"""


def test_an_undo_leaves_the_editors_words_of_a_join(overtaken: Overtaken) -> None:
    house, edited = overtaken.house, A + "<p>editor</p>\n"
    overtaken.shop("Shop", A + B)
    overtaken.save(overtaken.opened(), content=edited)
    house.clock.advance(seconds=7200)
    overtaken.shop("Shop", "<p>spoilt</p>\n" + B)
    assert "spoilt" in str(overtaken.value("description"))
    with house.database.read() as connection:
        run = runs.latest_runs(connection, 1, unasked=True)[0].id
        steps = undo.plan(connection, run)
    undo_id = undo.begin(house.database, house.clock, run, "test", steps)
    house.settle()
    assert str(overtaken.value("description")).strip() == edited.strip()
    with house.database.read() as connection:
        assert undo.outcome(connection, undo_id, steps).restored == 1
    overtaken.shop("Shop", "<p>mended</p>\n" + B)
    assert str(overtaken.value("description")).strip() == edited.strip()
    assert set(overtaken.conflicts()) == {"description"}, "a person says which of the two"
    house.database.close()


def test_words_for_search_engines_are_merged_like_a_title(overtaken: Overtaken) -> None:
    overtaken.shop("Shop", A, seo_title="Buy it", seo_description="")
    seen: dict[str, JsonValue] = {"seo_title": "Anna <b>says</b>", "seo_description": ""}
    overtaken.save(overtaken.opened(), commerce_connector_search=seen)
    assert overtaken.value("seo_title") == "Anna says"
    overtaken.shop("Shop", A, seo_description="From the shop")
    assert (overtaken.value("seo_title"), overtaken.value("seo_description")) == (
        "Anna says",
        "From the shop",
    )
    page = httpx.get(overtaken.rest.get(overtaken.url).json()["link"], trust_env=False).text
    assert "<title>Anna says" in page
    assert '<meta name="description" content="From the shop" />' in page
    overtaken.shop("Shop", A, seo_title="Buy now")
    overtaken.is_pulled()
    assert overtaken.conflicts() == {"seo_title": Conflict("Buy it", "Buy now", "Anna says")}
    overtaken.house.database.close()


def test_a_classic_form_keeps_words_for_search_engines_that_nobody_changed(
    overtaken: Overtaken,
) -> None:
    """With the box's old texts, without the box, and by somebody who forged its nonce."""
    overtaken.shop("Shop", A, seo_title="Buy  it", seo_description="Old")
    wordpress, post = overtaken.newsroom.wordpress, overtaken.newsroom.post(overtaken.subject)
    opened = json.dumps(overtaken.opened())
    form = {"post_ID": str(post), "post_type": "commerce_product", "post_title": "Shop"}
    words = {"seo_title": "Buy  it", "seo_description": "Old"}
    wordpress.php(SAVE_FORM, {**form, "commerce_connector_search": words})
    assert overtaken.value("seo_title") == "Buy  it", "what nobody changed stays to the byte"
    overtaken.shop("Shop", A, seo_title="Newer")
    mine = {**words, "seo_description": "Anna's"}
    forged = {"commerce_connector_search_nonce": "0123456789"}
    wordpress.php(SAVE_FORM, {**form, "commerce_connector_search": mine, **forged})
    wordpress.php(SAVE_FORM, form)
    assert overtaken.value("seo_description") == "Old"
    saved = {**form, "commerce_connector_search": mine, "commerce_connector_opened": opened}
    wordpress.php(SAVE_FORM, saved)
    overtaken.is_pulled()
    assert (overtaken.value("seo_title"), overtaken.value("seo_description")) == (
        "Newer",
        "Anna's",
    )
    assert overtaken.conflicts() == {}
    overtaken.house.database.close()
