"""Bad words on a real WordPress, from either side: a clear message, and the text kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.demo.wordpress import WordPress
from connector.model import FieldName, JsonValue, Option, ProductId, Subject, SubjectKind, Text
from connector.state import conflicts
from connector.state.conflicts import OpenConflict
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from tests.conftest import WORDPRESS_PLUGIN
from tests.house import EUROS, House
from tests.live.test_wordpress_edits import Newsroom

pytestmark = pytest.mark.live
TITLE, DESCRIPTION = FieldName("title"), FieldName("description")
A, B = "<p>a</p>\n", "<p>b</p>\n"
TWO_WAY = {
    **DEFAULT_OWNERS,
    **dict.fromkeys(("title", "description", "seo_title"), Owner.TWO_WAY),
}


@dataclass(slots=True)
class Desk:
    """One product in a shop, its page on WordPress, and people who write to it by REST."""

    newsroom: Newsroom
    house: House
    number: int

    @property
    def subject(self) -> Subject:
        return generate.product_subject(self.number)

    def say(self, **words: str) -> None:
        """The merchant writes, and the daemon works."""
        found = self.house.catalogue.fetch([ProductId(self.subject.id)]).products
        old = found.get(ProductId(self.subject.id)) or generate.product(self.number)
        text = replace(old.texts[old.default_locale], **words)
        self.house.catalogue.put(replace(old, texts={old.default_locale: text}))
        self.work()

    def said(self, name: str) -> str:
        found = self.house.catalogue.fetch([ProductId(self.subject.id)]).products
        product = found[ProductId(self.subject.id)]
        return str(getattr(product.texts[product.default_locale], name))

    def work(self) -> None:
        self.house.detector.poll()
        self.house.detector.import_new_sites()
        self.house.work.read_edits()
        self.house.settle()

    def shown(self, name: FieldName = DESCRIPTION) -> str:
        return str(self.newsroom.value(self.subject, name))

    def save(self, user: str = "admin", **parts: JsonValue) -> httpx.Response:
        """As the block editor does; `user` is known to WordPress, with an application password."""
        site = self.newsroom.wordpress
        login = (site.admin_user, site.app_password) if user == "admin" else PEOPLE[user]
        address = f"{site.url}/wp-json/wp/v2/commerce_product/{self.newsroom.post(self.subject)}"
        return httpx.post(address, json=parts, auth=login, timeout=60, trust_env=False)

    def conflicts(self) -> list[OpenConflict]:
        with self.house.database.read() as connection:
            return conflicts.list_conflicts(connection)


NO_UPDATES = """<?php
add_filter( 'pre_http_request', function () {
	return array( 'headers' => array(), 'body' => '', 'cookies' => array(),
		'response' => array( 'code' => 204, 'message' => '' ) );
} );
"""
"""Screens of administrators look for updates, which fail here, and are logged."""

PEOPLE: dict[str, tuple[str, str]] = {}
"""Login and application password of who was hired."""


def hire(site: WordPress, name: str, role: str) -> None:
    password = site.php(
        "$id = wp_insert_user(['user_login' => $args[0], 'user_pass' => wp_generate_password(),"
        " 'role' => $args[1]]); if (is_wp_error($id)) { die($id->get_error_message()); }"
        " echo WP_Application_Passwords::create_new_application_password($id, ['name' => 't'])[0];",
        name,
        role,
    )
    PEOPLE[name] = (name, password)


@pytest.fixture(scope="module")
def newsroom(cache: Path) -> Iterator[Newsroom]:
    site = WordPress.start(cache, plugin=WORDPRESS_PLUGIN)
    site.php(
        "add_role('shop_editor', 'Shop editor', array_fill_keys(['read',"
        " 'edit_commerce_products', 'edit_others_commerce_products',"
        " 'edit_published_commerce_products'], true));"
    )
    quiet = site.place.root / "wp-content" / "mu-plugins" / "no-updates.php"
    quiet.write_text(NO_UPDATES)
    hire(site, "anna", "editor")
    hire(site, "paul", "editor")
    hire(site, "sam", "subscriber")
    hire(site, "carla", "shop_editor")
    try:
        yield Newsroom(site)
        log = site.debug_log
        assert not log.exists(), log.read_text()[:2000]
    finally:
        site.stop()


_numbers = iter(range(900_000, 1_000_000))


@pytest.fixture
def desk(newsroom: Newsroom, tmp_path: Path) -> Iterator[Desk]:
    rules = SiteRules(markets=(EUROS,), owners=TWO_WAY, media=False)
    clock = FakeClock(datetime.now(UTC))
    house = House(tmp_path, MemoryCatalogue(), seen_site=newsroom.site, rules=rules, clock=clock)
    desk = Desk(newsroom, house, next(_numbers))
    desk.say(title="Shop", description=A + B)
    yield desk
    assert house.due() == 0
    house.database.close()


def user(newsroom: Newsroom, login: str) -> str:
    return newsroom.wordpress.php("echo get_user_by('login', $args[0])->ID;", login)


# ---- from the shop ----


def test_a_script_of_the_shop_is_taken_out_by_wordpress_and_never_goes_back(desk: Desk) -> None:
    evil = A + "<script>steal()</script><p onclick='x()'>b</p>\n<img src=x onerror=alert(1)>"
    desk.say(title="<script>t()</script>Shop", description=evil)
    assert "<script" not in desk.shown() + desk.shown(TITLE)
    assert "onclick" not in desk.shown() and "onerror" not in desk.shown()
    assert "<p>a</p>" in desk.shown() and ">b</p>" in desk.shown()
    assert desk.said("description") == evil, "what was cleaned is not written back"
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


EVIL = "\"'><script>evil()</script><img src=x onerror=evil()>"


def test_a_script_in_any_field_of_the_shop_runs_on_no_page(desk: Desk) -> None:
    """For visitors, in feeds and searches, and in the editor's list, form and panel."""
    category = generate.category(desk.number)
    words = Text(f"C{EVIL}", description=EVIL)
    desk.house.catalogue.put_category(replace(category, texts={category.default_locale: words}))
    found = desk.house.catalogue.fetch([ProductId(desk.subject.id)]).products
    product = found[ProductId(desk.subject.id)]
    each = (replace(product.variants[0], title=EVIL, options=((EVIL, EVIL),), sku=f"S{EVIL}"),)
    text = Text(f"T{EVIL}", EVIL, f"<p>{EVIL}</p>", EVIL, EVIL)
    desk.house.catalogue.put(
        replace(
            product,
            texts={product.default_locale: text},
            variants=each,
            options=(Option(EVIL, (EVIL,)),),
            categories=(category.id,),
            tags=(f"tag{EVIL}",),
            attributes={f"a{EVIL}": EVIL},
        )
    )
    desk.work()
    assert desk.house.parked() == []
    site, post = desk.newsroom.wordpress, desk.newsroom.post(desk.subject)
    link = site.php("echo get_permalink($args[0]);", post)
    pages = [link, f"{site.url}/products/", f"{site.url}/?s=T", f"{site.url}/products/feed/"]
    pages += [f"{site.url}/?rest_route=/wp/v2/commerce_product/{post}"]
    pages += [
        site.php("echo get_term_link(get_the_terms($args[0], $args[1])[0]);", post, taxonomy)
        for taxonomy in ("commerce_category", "commerce_tag")
    ]
    with httpx.Client(timeout=60, trust_env=False, follow_redirects=True) as visitor:
        for page in pages:
            answer = visitor.get(page)
            assert answer.status_code == 200, page
            assert_harmless(answer.text, page)
    with contextlib.closing(admin(site)) as editor:
        screens = ("edit.php?post_type=commerce_product", f"post.php?post={post}&action=edit")
        for screen in screens:
            answer = editor.get(f"{site.url}/wp-admin/{screen}")
            assert "wp-admin-bar" in answer.text, screen
            assert_harmless(answer.text, screen)


def assert_harmless(page: str, where: str) -> None:
    """Nothing evil stands there as markup; as text, or in JSON of the page's own, it may."""
    json_free = re.sub(r"(?s)<script(?: id=\S+)?( type=\S+)?>.*?</script>", "", page)
    assert "<script>evil()" not in page, where
    assert not re.search(r"<img[^>]*\sonerror=", json_free), where


def admin(site: WordPress) -> httpx.Client:
    """A browser in which the administrator has logged in."""
    session = httpx.Client(timeout=60, trust_env=False, follow_redirects=True)
    session.get(f"{site.url}/wp-login.php")
    login = {"log": site.admin_user, "pwd": site.admin_password, "wp-submit": "Log In"}
    session.post(f"{site.url}/wp-login.php", data={**login, "testcookie": "1"})
    return session


def test_an_edit_beside_a_script_is_joined_without_it_or_decided_by_a_person(desk: Desk) -> None:
    assert desk.save(content="<p>anna</p>\n" + B).status_code == 200
    desk.say(description=A + "<p>new</p>\n<script>steal()</script>")
    assert "<p>anna</p>" in desk.shown()
    assert "<script" not in desk.shown()


@pytest.mark.parametrize(
    "broken",
    [
        "<p>open <b>bold",
        "</div></div><p>x",
        "<p>a</p>\n<!-- never closed <p>b</p>",
        "<p <<a href='",
    ],
)
def test_broken_markup_of_the_shop_harms_no_edit(desk: Desk, broken: str) -> None:
    assert desk.save(content=A + "<p>anna's</p>").status_code == 200
    desk.say(description=broken)
    assert "<p>anna's</p>" in desk.shown()
    (one,) = desk.conflicts()
    assert (one.field, one.contested.conflict.backend) == (DESCRIPTION, broken)
    assert desk.said("description") == broken, "the shop keeps its own until a person decides"
    desk.house.work.tell_editors()
    assert desk.house.parked() == []


def test_a_megabyte_of_the_shop_is_shown_and_joined_with_an_edit(desk: Desk) -> None:
    long = [f"<p>paragraph {number} {'äöü ' * 20}</p>\n" for number in range(9_000)]
    assert len("".join(long)) > 900_000
    desk.say(description="".join(long))
    assert desk.shown() == "".join(long)
    edited = [*long[:10], "<p>anna's</p>\n", *long[11:]]
    assert desk.save(content="".join(edited)).status_code == 200
    desk.say(description="".join([*long[:8_000], "<p>the shop's</p>\n", *long[8_001:]]))
    both = [*edited[:8_000], "<p>the shop's</p>\n", *edited[8_001:]]
    assert desk.shown().strip() == "".join(both).strip()
    assert desk.said("description").strip() == "".join(both).strip()
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


# ---- from the page ----


def test_blocks_that_nobody_knows_are_kept_to_the_byte(desk: Desk) -> None:
    unknown = '<!-- wp:acme/spinner {"speed":9,"deep":{"a":[1,2]}} /-->\n'
    own = f"{A}{unknown}<!-- wp:paragraph -->\n<p>b</p>\n<!-- /wp:paragraph -->"
    assert desk.save(content=own).status_code == 200
    desk.say(description="<p>new</p>\n" + B)
    assert unknown.strip() in desk.shown()
    assert "<p>new</p>" in desk.shown()
    assert unknown.strip() in desk.said("description")
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


@pytest.mark.parametrize("broken", ["<p>open <b>bold", "</div></div><p>x", "<p <<a href='"])
def test_broken_markup_of_an_editor_stays_as_wordpress_took_it(desk: Desk, broken: str) -> None:
    assert desk.save(content=A + broken).status_code == 200
    taken = desk.shown()
    desk.say(description="<p>new</p>\n" + B)
    assert broken in desk.shown(), "joined or in conflict, the editor's words are there"
    assert taken == desk.shown() or "<p>new</p>" in desk.shown()
    assert len(desk.conflicts()) == (taken == desk.shown())


def test_markup_in_a_title_is_not_written_back_and_the_editor_is_told(desk: Desk) -> None:
    assert desk.save(title="A <em>bold</em> title").status_code == 200
    desk.work()
    desk.house.work.tell_editors()
    (parked,) = desk.house.parked()
    assert "title: there is markup in the title" in parked.reason
    assert desk.shown(TITLE) == "A <em>bold</em> title"
    assert desk.said("title") == "Shop"
    note = desk.newsroom.wordpress.php(
        "echo json_encode(Commerce_Connector_Sql::rows('SELECT status FROM '"
        ". Commerce_Connector_Tables::name('bindings') . ' WHERE object_id = ' . $args[0]));",
        desk.newsroom.post(desk.subject),
    )
    assert "there is markup in the title" in note


def test_words_for_search_engines_go_back_as_wordpress_cleaned_them(desk: Desk) -> None:
    words: JsonValue = {"seo_title": "Anna's <script>x()</script> & more < 9 %20"}
    assert desk.save("anna", commerce_connector_search=words).status_code == 200
    desk.work()
    assert desk.shown(FieldName("seo_title")) == desk.said("seo_title") == "Anna's  & more < 9 %20"
    assert desk.save("sam", commerce_connector_search=words).status_code == 403
    wrong = desk.save("anna", commerce_connector_search={"seo_title": ["no", "text"]})
    assert wrong.status_code == 400
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


def test_who_has_no_right_is_told_so_and_the_text_stays(desk: Desk) -> None:
    answer = desk.save("sam", content="<p>sam was here</p>")
    assert answer.status_code == 403
    assert answer.json()["code"] == "rest_cannot_edit"
    desk.work()
    assert desk.shown() == A + B
    assert desk.said("description") == A + B


def test_who_may_write_no_scripts_has_them_taken_out_by_wordpress_alone(desk: Desk) -> None:
    """Of an editor without unfiltered_html: what WordPress leaves is kept, and goes back."""
    own = A + "<p>carla's</p><script>x()</script>"
    answer = desk.save("carla", content=own, title="Salt & Carla")
    assert answer.status_code == 200, answer.text
    desk.work()
    assert "<p>carla's</p>" in desk.shown() and "<script" not in desk.shown()
    assert desk.shown(TITLE) == "Salt &amp; Carla", "as WordPress stores it for such an editor"
    assert desk.said("title") == "Salt & Carla"
    assert "<p>carla's</p>" in desk.said("description")
    assert "<script" not in desk.said("description")
    desk.say(title="Salt & Shop")
    assert desk.shown(TITLE) == "Salt & Shop"
    assert desk.conflicts() == []


def test_two_editors_at_once_keep_both_texts(desk: Desk) -> None:
    """WordPress lets the later save stand; the earlier one is a revision, the shop's a conflict."""
    anna, paul = (user(desk.newsroom, name) for name in ("anna", "paul"))
    assert desk.save("anna", title="Anna's").status_code == 200
    assert desk.save("paul", title="Paul's").status_code == 200
    desk.say(title="Newer")
    (one,) = desk.conflicts()
    sides = one.contested.conflict
    assert (sides.base, sides.backend, sides.site) == ("Shop", "Newer", "Paul's")
    assert one.edited_by == paul != anna
    revisions = desk.newsroom.wordpress.php(
        'foreach (wp_get_post_revisions($args[0]) as $one) { echo $one->post_title, "\\n"; }',
        desk.newsroom.post(desk.subject),
    ).split("\n")
    assert {"Anna's", "Paul's"} <= set(revisions)
    assert desk.shown(TITLE) == "Paul's"


# ---- drafts, autosaves, revisions ----


def test_an_autosave_is_no_edit_and_a_restored_revision_is_one(desk: Desk) -> None:
    for title in ("First of mine", "Second of mine"):
        assert desk.save("anna", title=title).status_code == 200
        desk.work()
        assert desk.said("title") == title
    site, post = desk.newsroom.wordpress, desk.newsroom.post(desk.subject)
    typed = httpx.post(
        f"{site.url}/wp-json/wp/v2/commerce_product/{post}/autosaves",
        json={"title": "Only typed", "content": A},
        auth=PEOPLE["anna"],
        timeout=60,
        trust_env=False,
    )
    assert typed.status_code == 200
    desk.work()
    assert desk.shown(TITLE) == desk.said("title") == "Second of mine"
    site.php(
        "wp_set_current_user(1); foreach (wp_get_post_revisions($args[0]) as $one) {"
        " if ('First of mine' === $one->post_title) { wp_restore_post_revision($one->ID); } }",
        post,
    )
    desk.work()
    assert desk.shown(TITLE) == desk.said("title") == "First of mine"
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


@pytest.mark.parametrize(
    "hidden",
    [{"status": "draft"}, {"status": "future", "date": "2035-01-02T03:04:05"}],
    ids=["draft", "scheduled"],
)
def test_words_that_visitors_do_not_see_yet_go_back_when_they_do(
    desk: Desk, hidden: dict[str, JsonValue]
) -> None:
    assert desk.save("anna", **hidden, title="Not yet").status_code == 200
    desk.work()
    desk.say(subtitle="The shop's")
    assert desk.shown(FieldName("subtitle")) == "The shop's"
    assert (desk.said("title"), desk.shown(TITLE)) == ("Shop", "Not yet")
    state = "echo get_post_status($args[0]);"
    site, post = desk.newsroom.wordpress, desk.newsroom.post(desk.subject)
    assert site.php(state, post) == hidden["status"], "the shop's words publish nothing"
    past: JsonValue = "2020-01-02T03:04:05"
    assert desk.save("anna", status="publish", date=past).status_code == 200
    desk.work()
    assert desk.said("title") == "Not yet"


# ---- deleted behind our back ----


def test_a_category_that_somebody_deleted_is_there_again_with_its_pages(desk: Desk) -> None:
    category = generate.category(desk.number)
    desk.house.catalogue.put_category(category)
    found = desk.house.catalogue.fetch([ProductId(desk.subject.id)]).products
    product = found[ProductId(desk.subject.id)]
    desk.house.catalogue.put(replace(product, categories=(category.id,)))
    desk.work()
    assert categories(desk) == [category.id]
    (term,) = desk.newsroom.site.documents(SubjectKind.CATEGORY, [category.id])
    desk.newsroom.wordpress.php(
        "wp_set_current_user(1); wp_delete_term($args[0], 'commerce_category');", int(term.cms_id)
    )
    assert categories(desk) == []
    desk.say(description=A)
    assert categories(desk) == [category.id]
    assert desk.shown() == A
    assert desk.house.parked() == []


def test_a_tag_that_somebody_deleted_is_there_again(desk: Desk) -> None:
    found = desk.house.catalogue.fetch([ProductId(desk.subject.id)]).products
    tag = f"Tag {desk.number}"
    desk.house.catalogue.put(replace(found[ProductId(desk.subject.id)], tags=(tag,)))
    desk.work()
    assert tags(desk) == [tag]
    desk.newsroom.wordpress.php(
        "wp_set_current_user(1);"
        " wp_delete_term(get_term_by('name', $args[0], 'commerce_tag')->term_id, 'commerce_tag');",
        tag,
    )
    assert tags(desk) == []
    desk.work()
    assert tags(desk) == [tag]
    assert (desk.conflicts(), desk.house.parked()) == ([], [])


def tags(desk: Desk) -> Any:
    (found,) = desk.newsroom.site.documents(SubjectKind.PRODUCT, [desk.subject.id])
    return found.values[FieldName("tags")]


def categories(desk: Desk) -> Any:
    (found,) = desk.newsroom.site.documents(SubjectKind.PRODUCT, [desk.subject.id])
    return found.values[FieldName("categories")]
