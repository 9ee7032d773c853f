"""Plain mode on a WordPress as it comes: the site suite as far as declared, and its own traps.

One site serves the module; each test takes subjects of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from adapters.plain.site import PLAIN
from adapters.wordpress.plain import open_plain
from connector.clock import SystemClock
from connector.demo.wordpress import WordPress
from connector.errors import TargetDown
from connector.model import BackendName, FieldHash, FieldName, SiteName, Subject, SubjectKind
from connector.ports import Outcome, Receipt, Site, SiteSettings
from connector.testing.conformance import SiteBench, SiteConformance
from connector.testing.conformance.writes import (
    CATEGORIES,
    DESCRIPTION,
    OFFERS,
    TITLE,
    change_of,
    document,
    offers_write,
    picture,
    retire_write,
    term_write,
)

pytestmark = pytest.mark.live
SET_STATUS = "wp_update_post( array( 'ID' => $args[0], 'post_status' => $args[1] ) );"
EDIT_TITLE = "wp_update_post( wp_slash( array( 'ID' => $args[0], 'post_title' => $args[1] ) ) );"
EDIT_TEXT = """
$content = get_post_field( 'post_content', $args[0], 'raw' );
$content = $args[1] . substr( $content, strrpos( $content, "\\n\\n<!-- wp:html" ) );
wp_update_post( wp_slash( array( 'ID' => $args[0], 'post_content' => $content ) ) );
"""
READ = "echo get_post_field( $args[1], $args[0], 'raw' );"
COUNT = """
global $wpdb;
echo $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->posts WHERE post_type = 'post'
    AND post_status != 'auto-draft'" );
"""


@dataclass
class Bench:
    """A WordPress without our plugin; what editors do is PHP inside it."""

    wordpress: WordPress
    many: int = 105

    def __post_init__(self) -> None:
        self.site: Site = self.connect()

    def settings(self, password: str | None = None, **options: str) -> SiteSettings:
        return SiteSettings(
            name=SiteName("blog"),
            url=self.wordpress.url,
            backend=BackendName("shop"),
            plain=True,
            secrets=(),
            credential=f"admin:{password or self.wordpress.app_password}",
            options=options,
        )

    def connect(self) -> Site:
        return open_plain(self.settings(), SystemClock())

    def with_wrong_credentials(self) -> Site:
        return open_plain(self.settings("wrong wrong wrong"), SystemClock())

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        code = EDIT_TITLE if name == TITLE else EDIT_TEXT
        self.wordpress.php(code, self.id_of(subject), value)

    def read(self, subject: Subject, name: FieldName) -> str:
        column = "post_title" if name == TITLE else "post_content"
        value = self.wordpress.php(READ, self.id_of(subject), column)
        return value.split("\n\n<!-- wp:html", maxsplit=1)[0]

    def unpublish(self, subject: Subject) -> None:
        self.wordpress.php(SET_STATUS, self.id_of(subject), "draft")

    def trash(self, subject: Subject) -> None:
        self.wordpress.php("wp_trash_post( $args[0] );", self.id_of(subject))

    def delete(self, subject: Subject) -> None:
        self.wordpress.php("wp_delete_post( $args[0], true );", self.id_of(subject))

    def count_pages(self) -> int:
        return int(self.wordpress.php(COUNT))

    def breaking(self) -> AbstractContextManager[None] | None:
        return None

    def id_of(self, subject: Subject) -> int:
        held = [each for page in self.site.inventory(subject.kind) for each in page]
        return int(next(each.cms_id for each in held if each.subject == subject))


@pytest.fixture(scope="module")
def wordpress_plain(cache: Path) -> Iterator[WordPress]:
    site = WordPress.start(cache)
    yield site
    site.stop()


@pytest.fixture
def plain(wordpress_plain: WordPress) -> Bench:
    return Bench(wordpress_plain)


class TestPlainMode(SiteConformance):
    @pytest.fixture
    def bench(self, plain: Bench) -> SiteBench:
        return plain


def one(receipts: object) -> Receipt:
    assert isinstance(receipts, list)
    (receipt,) = receipts
    assert isinstance(receipt, Receipt)
    assert receipt.outcome is Outcome.DONE, receipt
    return receipt


def test_check_says_what_is_there_and_what_is_missing(plain: Bench) -> None:
    facts = plain.site.check()
    assert (facts.system, facts.extension_version) == ("wordpress", None)
    assert facts.version.startswith("6.8")
    assert facts.locales == ("en-US",)
    assert facts.capabilities == PLAIN
    assert any("plugin" in note for note in facts.notes)


def test_an_unknown_post_type_is_said_at_once(plain: Bench) -> None:
    site = open_plain(plain.settings(post_type="no-such-type"), SystemClock())
    with pytest.raises(TargetDown, match="post_type"):
        site.check()


def test_visitors_see_the_price_and_not_the_marker(plain: Bench) -> None:
    made = document(fields={TITLE: "Seen by visitors", DESCRIPTION: "<p>Good wool</p>"})
    receipt = one(plain.site.write_content([made]))
    one(plain.site.write_offers([offers_write(made.subject, 1990, 2490)]))
    assert receipt.url
    page = requests.get(receipt.url, timeout=30).text
    for words in ("Seen by visitors", "Good wool", "€19.90", "€24.90", "In stock"):
        assert words in page
    one(plain.site.retire([retire_write(made.subject)]))
    assert requests.get(receipt.url, timeout=30).status_code == 404


def test_another_process_finds_the_page_and_makes_no_twin(plain: Bench) -> None:
    made = document()
    first = one(plain.site.write_content([made]))
    before = plain.count_pages()
    again = change_of(made, made.fields, whole=True)
    assert one(plain.connect().write_content([again])).cms_id == first.cms_id
    assert plain.count_pages() == before


def test_a_page_made_elsewhere_meanwhile_is_found(plain: Bench) -> None:
    """This process has read its index already, and does not read it again for a minute."""
    other = plain.connect()
    one(plain.site.write_content([document()]))
    made = document()
    first = one(other.write_content([made]))
    again = change_of(made, made.fields, whole=True)
    assert one(plain.site.write_content([again])).cms_id == first.cms_id


def test_a_page_that_lost_its_slug_to_another_is_found_too(plain: Bench) -> None:
    other = plain.connect()
    taken = document()
    one(plain.site.write_content([taken]))
    made = replace(document(), slug=taken.slug)
    first = one(other.write_content([made]))
    again = change_of(made, made.fields, whole=True)
    assert one(plain.site.write_content([again])).cms_id == first.cms_id


def test_a_trashed_page_made_elsewhere_gets_no_twin(plain: Bench) -> None:
    other = plain.connect()
    one(plain.site.write_content([document()]))
    made = document()
    first = one(other.write_content([made]))
    plain.wordpress.php("wp_trash_post( $args[0] );", int(first.cms_id or 0))
    again = change_of(made, made.fields, whole=True)
    assert one(plain.site.write_content([again])).cms_id == first.cms_id


def test_a_duplicated_post_is_not_taken_for_the_product(plain: Bench) -> None:
    made = document()
    first = one(plain.site.write_content([made]))
    code = """
    $post = get_post( $args[0], ARRAY_A );
    unset( $post['ID'], $post['post_name'] );
    wp_insert_post( wp_slash( $post ) );
    """
    plain.wordpress.php(code, int(first.cms_id or 0))
    held = [each for page in plain.site.inventory(SubjectKind.PRODUCT) for each in page]
    assert [each.cms_id for each in held if each.subject == made.subject] == [first.cms_id]
    change = change_of(made, {TITLE: "The first one"})
    assert one(plain.connect().write_content([change])).cms_id == first.cms_id


def test_text_written_behind_our_section_stays_the_editors(plain: Bench) -> None:
    made = document()
    first = one(plain.site.write_content([made]))
    code = """
    $content = get_post_field( 'post_content', $args[0], 'raw' ) . '<p>Below</p>';
    wp_update_post( wp_slash( array( 'ID' => $args[0], 'post_content' => $content ) ) );
    """
    plain.wordpress.php(code, int(first.cms_id or 0))
    one(plain.site.write_offers([offers_write(made.subject)]))
    content = plain.wordpress.php(READ, int(first.cms_id or 0), "post_content")
    assert content.index("<p>Below</p>") < content.index("€19.90")
    assert content.count("wp:html") == 2


def test_an_editors_own_category_stays(plain: Bench) -> None:
    term = term_write()
    one(plain.site.write_terms([term]))
    made = document(fields={TITLE: "Two owners", CATEGORIES: [term.subject.id]})
    first = one(plain.site.write_content([made]))
    number = int(first.cms_id or 0)
    code = "$new = wp_create_category( $args[1] ); wp_set_post_categories( $args[0], $new, true );"
    plain.wordpress.php(
        f"require_once ABSPATH . 'wp-admin/includes/taxonomy.php'; {code}", number, "Gifts"
    )
    one(plain.site.write_content([change_of(made, {CATEGORIES: []})]))
    names = plain.wordpress.php(
        "echo wp_json_encode( wp_get_post_categories( $args[0], array( 'fields' => 'names' ) ) );",
        number,
    )
    assert json.loads(names) == ["Gifts"]


def test_the_first_picture_stands_in_front(plain: Bench) -> None:
    upload = picture()
    media = plain.site.upload_media(upload)
    made = document(
        fields={TITLE: "With a picture", FieldName("media"): [{"id": media.cms_id, "alt": "A"}]}
    )
    receipt = one(plain.site.write_content([made]))
    code = "echo get_post_thumbnail_id( $args[0] );"
    assert plain.wordpress.php(code, int(receipt.cms_id or 0)) == media.cms_id
    assert plain.connect().find_media([upload.content_hash]) == {upload.content_hash: media}
    alt = "echo get_post_meta( $args[0], '_wp_attachment_image_alt', true );"
    assert plain.wordpress.php(alt, int(media.cms_id)) == upload.alt


def test_products_may_be_pages(plain: Bench) -> None:
    """Core's pages have neither categories nor excerpts: those are remembered, not shown."""
    site = open_plain(plain.settings(post_type="pages"), SystemClock())
    made = document()
    receipt = one(site.write_content([made]))
    offers = one(site.write_offers([offers_write(made.subject)]))
    held = [each for page in site.inventory(SubjectKind.PRODUCT) for each in page]
    assert [dict(each.hashes) for each in held] == [{**receipt.hashes, **offers.hashes}]
    code = "echo get_post_type( $args[0] );"
    assert plain.wordpress.php(code, int(receipt.cms_id or 0)) == "page"


def test_what_wordpress_filters_is_remembered_as_it_stored_it(plain: Bench) -> None:
    """An author may not write scripts: the receipt and the inventory still agree."""
    code = """
    $id = wp_insert_user( array( 'user_login' => 'ed', 'user_pass' => wp_generate_password(),
        'role' => 'editor' ) );
    get_user_by( 'id', $id )->add_cap( 'unfiltered_html', false );
    $named = array( 'name' => 'x' );
    echo WP_Application_Passwords::create_new_application_password( $id, $named )[0];
    """
    password = plain.wordpress.php(code)
    settings = replace(plain.settings(), credential=f"ed:{password}")
    site = open_plain(settings, SystemClock())
    assert any("unfiltered" in note for note in site.check().notes)
    text = "<p onclick='x()'>Safe</p><script>alert(1)</script>"
    made = document(fields={TITLE: "Filtered", DESCRIPTION: text})
    receipt = one(site.write_content([made]))
    offers = one(site.write_offers([offers_write(made.subject)]))
    assert "script" not in plain.read(made.subject, DESCRIPTION)
    held = [each for page in site.inventory(SubjectKind.PRODUCT) for each in page]
    (mine,) = [each for each in held if each.subject == made.subject]
    assert dict(mine.hashes) == {**receipt.hashes, **offers.hashes}
    assert offers.hashes != {OFFERS: FieldHash("")}
    assert one(site.write_content([made])).hashes == receipt.hashes


def test_without_pretty_permalinks_it_works_as_well(plain: Bench) -> None:
    code = """
    global $wp_rewrite;
    $wp_rewrite->set_permalink_structure( $args[0] );
    flush_rewrite_rules( false );
    """
    plain.wordpress.php(code, "")
    try:
        site = plain.connect()
        assert site.check().version.startswith("6.8")
        assert one(site.write_content([document()])).cms_id
    finally:
        plain.wordpress.php(code, "/%postname%/")
