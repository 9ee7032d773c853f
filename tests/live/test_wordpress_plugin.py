"""The plugin on real WordPress, new and old, on SQLite and MariaDB: the site suite and its own.

One site a database serves the whole module; each test takes subjects of its own.
"""

from __future__ import annotations

import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.site_api.client import Endpoint, SiteApi
from adapters.wordpress.site import build_zip, endpoint, open_site
from connector import signing
from connector.clock import SystemClock
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import WordPress
from connector.errors import TargetDown
from connector.model import (
    FieldName,
    JsonValue,
    SiteName,
    Subject,
    SubjectKind,
)
from connector.ports import Outcome, Site, SiteSettings
from connector.signing import Secret
from connector.testing.conformance.site import done
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
from tests import wordpress_kinds
from tests.contract.site_api_suite import (
    BACKEND,
    SiteApiConformance,
    breaking_off,
    offer_of,
    page,
    raw,
)
from tests.wordpress_kinds import VERSIONS

pytestmark = pytest.mark.live
PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"


@dataclass
class Bench:
    """A WordPress with the plugin, paired; what editors do is PHP inside it."""

    wordpress: WordPress
    secret: str
    many: int = 201

    def __post_init__(self) -> None:
        self.site: SiteApi = self.connect()

    @property
    def endpoint(self) -> Endpoint:
        return endpoint(self.wordpress.url)

    def settings(self, secret: str | None = None) -> SiteSettings:
        return SiteSettings(
            SiteName("blog"),
            self.wordpress.url,
            BACKEND,
            False,
            (Secret.parse(secret or self.secret),),
            None,
            {},
        )

    def connect(self) -> SiteApi:
        site = open_site(self.settings(), SystemClock())
        assert isinstance(site, SiteApi)
        return site

    def with_wrong_credentials(self) -> Site:
        return open_site(self.settings(signing.format_secret(b"x" * 32)), SystemClock())

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        self.php(
            "wp_update_post( wp_slash( array( 'ID' => $args[0], $args[1] => $args[2] ) ) );",
            self.id_of(subject),
            _COLUMNS[name],
            value,
        )

    def read(self, subject: Subject, name: FieldName) -> str:
        return self.php(
            "echo get_post_field( $args[1], $args[0], 'raw' );",
            self.id_of(subject),
            _COLUMNS[name],
        )

    def unpublish(self, subject: Subject) -> None:
        self.set_status(subject, "draft")

    def set_status(self, subject: Subject, status: str) -> None:
        self.php(
            "wp_update_post( array( 'ID' => $args[0], 'post_status' => $args[1] ) );",
            self.id_of(subject),
            status,
        )

    def trash(self, subject: Subject) -> None:
        self.php("wp_trash_post( $args[0] );", self.id_of(subject))

    def delete(self, subject: Subject) -> None:
        self.php("wp_delete_post( $args[0], true );", self.id_of(subject))

    def count_pages(self) -> int:
        return int(
            self.php(
                'global $wpdb; echo $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->posts'
                " WHERE post_type = 'commerce_product'\" );"
            )
        )

    def breaking(self) -> Any:
        return breaking_off(self.site)

    def php(self, code: str, *args: object) -> str:
        return self.wordpress.php(code, *args)

    def id_of(self, subject: Subject) -> int:
        """The post, draft or trashed, that shows a product."""
        (stored,) = self.site.documents(subject.kind, [subject.id])
        return int(stored.cms_id)


_COLUMNS = {TITLE: "post_title", DESCRIPTION: "post_content"}


@pytest.fixture(scope="module", params=["sqlite", "mariadb", *VERSIONS])
def bench(request: pytest.FixtureRequest, cache: Path, mariadb: MariaDB) -> Iterator[Bench]:
    wordpress = wordpress_kinds.start(request.param, cache, mariadb)
    try:
        yield Bench(wordpress, wordpress.php("echo commerce_connector_pair();"))
        log = wordpress.debug_log
        assert not log.exists(), log.read_text()[:2000]
    finally:
        wordpress.stop()


class TestConformance(SiteApiConformance):
    """The promises of ports.Site, and of the site API."""

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        return bench


# ---- what a page shows ----


def test_the_archive_shows_prices(bench: Bench) -> None:
    made = document()
    done(bench.site.write_content([made]))
    bench.site.write_offers([offer_of(made.subject, "v1", "77,70 €")])
    assert "77,70 €" in page(f"{bench.wordpress.url}/products/")


def test_a_theme_overrides_the_template(bench: Bench) -> None:
    made = document()
    url = done(bench.site.write_content([made])).url
    assert url
    path = bench.php(
        "$file = get_stylesheet_directory() . '/commerce-connector/product.php';"
        "mkdir( dirname( $file ) );"
        "file_put_contents( $file, '<p>theme says <?php echo $product[\"backend_id\"]; ?></p>' );"
        "echo $file;"
    )
    try:
        assert f"theme says {made.subject.id}" in page(url)
    finally:
        bench.php("unlink( $args[0] ); rmdir( dirname( $args[0] ) );", path)


def test_what_the_backend_sends_cannot_run(bench: Bench) -> None:
    bad = (
        "<p onclick='a()'>x</p><script>b()</script><iframe src='//c'></iframe>"
        "<a href='java&Tab;script&colon;d()'>e</a>"
    )
    made = document(fields={**document().fields, DESCRIPTION: bad})
    done(bench.site.write_content([made]))
    stored = bench.read(made.subject, DESCRIPTION)
    assert "<script" not in stored
    assert "onclick" not in stored
    assert "<iframe" not in stored
    assert "&colon;" not in stored.replace("&amp;colon;", "")


# ---- what is stored ----


def test_categories_and_tags_stand_on_the_page(bench: Bench) -> None:
    root = term_write()
    child = term_write(parent=root.subject)
    bench.site.write_terms([root, child])
    tag = f"Salt & pepper {uuid.uuid4().hex[:6]}"
    lists: dict[FieldName, JsonValue] = {
        CATEGORIES: [child.subject.id],
        FieldName("tags"): [tag, "red"],
    }
    made = document(fields={**document().fields, **lists})
    receipt = done(bench.site.write_content([made]))
    names = json.loads(
        bench.php(
            "echo json_encode( array( wp_get_post_terms( $args[0], 'commerce_category',"
            " array( 'fields' => 'names' ) ), wp_get_post_terms( $args[0], 'commerce_tag',"
            " array( 'fields' => 'names' ) ) ) );",
            receipt.cms_id,
        )
    )
    assert names == [[child.name], ["red", tag.replace("&", "&amp;")]]
    counted = "echo get_term_by( 'name', $args[0], 'commerce_category' )->count;"
    assert bench.php(counted, child.name) == "1"
    none = change_of(made, {CATEGORIES: [], FieldName("tags"): ["red"]})
    done(bench.site.write_content([none]))
    (stored,) = bench.site.documents(SubjectKind.PRODUCT, [made.subject.id])
    assert (stored.values[CATEGORIES], stored.values[FieldName("tags")]) == ([], ["red"])
    assert bench.php(counted, child.name) == "0"


def test_an_editors_own_category_stays(bench: Bench) -> None:
    term = term_write()
    bench.site.write_terms([term])
    made = document()
    receipt = done(bench.site.write_content([made]))
    bench.php(
        "$made = wp_insert_term( $args[1], 'commerce_category' );"
        "wp_set_object_terms( $args[0], array( $made['term_id'] ), 'commerce_category', true );",
        int(receipt.cms_id or 0),
        f"Own {uuid.uuid4().hex}",
    )
    done(bench.site.write_content([change_of(made, {CATEGORIES: [term.subject.id]})]))
    count = "echo count( wp_get_post_terms( $args[0], 'commerce_category' ) );"
    assert bench.php(count, int(receipt.cms_id or 0)) == "2"


def test_a_category_that_others_use_is_kept(bench: Bench) -> None:
    term = term_write()
    made = bench.site.write_terms([term])[0]
    bench.php(
        "$post = wp_insert_post( array( 'post_type' => 'commerce_product', 'post_title' => 'Own',"
        " 'post_status' => 'publish' ) );"
        "wp_set_object_terms( $post, array( $args[0] ), 'commerce_category' );",
        int(made.cms_id or 0),
    )
    receipt = done(bench.site.retire([retire_write(term.subject)]))
    assert receipt.cms_id == made.cms_id
    (held,) = [
        each
        for page in bench.site.inventory(SubjectKind.CATEGORY)
        for each in page
        if each.subject == term.subject
    ]
    assert (held.live, held.retired) == (False, True)


def test_a_replayed_or_unchanged_write_makes_no_revision(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    change = change_of(made, {TITLE: "Once"})
    done(bench.site.write_content([change]))
    revisions = "echo count( wp_get_post_revisions( $args[0] ) );"
    before = bench.php(revisions, int(receipt.cms_id or 0))
    done(bench.site.write_content([change]))
    done(bench.site.write_content([change_of(made, {TITLE: "Once"})]))
    meta_only = change_of(made, {FieldName("seo_title"): "Another"})
    done(bench.site.write_content([meta_only]))
    assert bench.php(revisions, int(receipt.cms_id or 0)) == before


def test_hooks_of_other_plugins_fire(bench: Bench) -> None:
    folder = Path(bench.wordpress.place.root) / "wp-content" / "mu-plugins"
    listener = folder / "listener.php"
    listener.write_text(
        "<?php foreach ( array( 'save_post_commerce_product', 'wp_after_insert_post',"
        " 'commerce_connector_content_updated', 'commerce_connector_offers_updated' ) as $hook )"
        " { add_action( $hook, function () use ( $hook ) {"
        " update_option( 'seen_' . $hook, 1 + get_option( 'seen_' . $hook, 0 ) ); } ); }"
    )
    try:
        made = document()
        done(bench.site.write_content([made]))
        done(bench.site.write_offers([offers_write(made.subject)]))
    finally:
        listener.unlink()
    for hook in (
        "save_post_commerce_product",
        "wp_after_insert_post",
        "commerce_connector_content_updated",
        "commerce_connector_offers_updated",
    ):
        assert bench.php("echo get_option( 'seen_' . $args[0], 0 );", hook) == "1", hook


def test_a_hook_that_fails_rejects_its_product_alone(bench: Bench) -> None:
    listener = Path(bench.wordpress.place.root) / "wp-content" / "mu-plugins" / "broken.php"
    listener.write_text(
        "<?php add_action( 'save_post_commerce_product', function ( $id, $post ) {"
        " if ( 'Poison' === $post->post_title ) { throw new RuntimeException( 'no' ); } }, 10, 2 );"
    )
    before = bench.count_pages()
    poison = document(fields={**document().fields, TITLE: "Poison"})
    try:
        receipts = bench.site.write_content([document(), poison, document()])
    finally:
        listener.unlink()
    assert [each.outcome for each in receipts] == [Outcome.DONE, Outcome.REJECTED, Outcome.DONE]
    assert bench.count_pages() == before + 2


def test_a_slug_that_a_post_in_the_trash_still_has_is_freed_for_the_page(bench: Bench) -> None:
    make = "wp_insert_post( array( 'post_title' => 'Old', 'post_status' => 'publish' ) )"
    keep = "array( 'post_name' => 'wanted', 'post_status' => 'trash' )"
    old = bench.php(
        f"global $wpdb; $id = {make}; $wpdb->update( $wpdb->posts, {keep}, array( 'ID' => $id ) );"
        " echo $id;"
    )
    receipt = done(bench.site.write_content([replace(document(), slug="wanted")]))
    slug = "echo get_post_field( 'post_name', $args[0] );"
    assert bench.php(slug, old) == "wanted__trashed"
    assert bench.php(slug, receipt.cms_id) == "wanted"


def test_skus_are_found_by_an_index_that_older_tables_get(bench: Bench) -> None:
    """On a page of twenty shortcodes each would read all offers of the shop otherwise."""
    table = "global $wpdb; $table = Commerce_Connector_Tables::name( 'offers' );"
    keys = f'{table} foreach ( $wpdb->get_results( "SHOW INDEX FROM $table" ) as $one )'
    keys += " { echo $one->Key_name, ' '; }"
    assert "sku" in bench.php(keys).split()
    bench.php(f'{table} $wpdb->query( "ALTER TABLE $table DROP INDEX sku" );')
    assert "sku" not in bench.php(keys).split()
    bench.php("update_option( 'commerce_connector_schema', 3 );")
    page(bench.wordpress.url)
    assert "sku" in bench.php(keys).split()


# ---- editors ----


def test_an_edit_is_in_the_event_log_until_acknowledged(bench: Bench) -> None:
    made = document()
    done(bench.site.write_content([made]))
    bench.edit(made.subject, TITLE, "Edited")
    bench.trash(made.subject)
    bench.php("wp_untrash_post( $args[0] );", bench.id_of(made.subject))
    bench.set_status(made.subject, "publish")
    bench.unpublish(made.subject)
    bench.delete(made.subject)
    events = [
        event for page in bench.site.events("0") for event in page if event.subject == made.subject
    ]
    assert [event.what for event in events] == [
        "edited", "trashed", "restored", "published", "unpublished", "deleted",
    ]  # fmt: skip
    assert events[0].fields == (TITLE,)
    assert abs(events[0].at - datetime.now(UTC)) < timedelta(minutes=5)
    bench.site.acknowledge_events(events[1].id)
    left = [event.id for page in bench.site.events("0") for event in page]
    assert left[0] == events[2].id


def test_what_editors_decide_is_not_ours(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    bench.php(
        "wp_update_post( array( 'ID' => $args[0], 'post_name' => 'own-slug-' . $args[0],"
        " 'post_author' => 1 ) );",
        int(receipt.cms_id or 0),
    )
    later = replace(change_of(made, {TITLE: "Later"}), slug="ours")
    done(bench.site.write_content([later]))
    shown = bench.php(
        "$post = get_post( $args[0] ); echo $post->post_name, ' ', $post->post_author;",
        int(receipt.cms_id or 0),
    )
    assert shown == f"own-slug-{receipt.cms_id} 1"


def test_editors_see_where_a_product_comes_from(bench: Bench) -> None:
    source: JsonValue = {"handle": "h", "admin_url": "https://backend.example/products/1"}
    made = document(fields={**document().fields, FieldName("source"): source})
    receipt = done(bench.site.write_content([made]))
    panel = json.loads(
        bench.php(
            "echo wp_json_encode( Commerce_Connector_Panel::of( get_post( $args[0] ) ) );",
            int(receipt.cms_id or 0),
        )
    )
    assert panel["source"] == {
        "id": made.subject.id,
        "backend": BACKEND,
        "url": "https://backend.example/products/1",
    }


def test_a_featured_image_of_an_editor_stays(bench: Bench) -> None:
    ours, theirs, next_one = (bench.site.upload_media(picture()) for _ in range(3))
    media: JsonValue = [{"id": ours.cms_id, "alt": "ours"}]
    made = document(fields={**document().fields, FieldName("media"): media})
    receipt = done(bench.site.write_content([made]))
    thumbnail = "echo get_post_thumbnail_id( $args[0] );"
    assert bench.php(thumbnail, int(receipt.cms_id or 0)) == ours.cms_id
    bench.php("set_post_thumbnail( $args[0], $args[1] );", int(receipt.cms_id or 0), theirs.cms_id)
    later: JsonValue = [{"id": next_one.cms_id, "alt": "next"}]
    done(bench.site.write_content([change_of(made, {FieldName("media"): later})]))
    assert bench.php(thumbnail, int(receipt.cms_id or 0)) == theirs.cms_id


# ---- who may ----


def test_the_vectors_hold_in_php(bench: Bench) -> None:
    vectors = json.loads(
        (PLUGIN.parents[1] / "site_api" / "vectors.json").read_text(encoding="utf-8")
    )
    answers = json.loads(
        bench.php(
            "$out = array(); foreach ( $args[0] as $one ) { $out[] ="
            " Commerce_Connector_Secrets::fits( $one['secrets'], $one['headers']['webhook-id'],"
            " $one['headers']['webhook-timestamp'], $one['headers']['webhook-signature'],"
            " base64_decode( $one['content_base64'] ), $one['now_unix'] ); }"
            " echo json_encode( $out );",
            vectors["vectors"],
        )
    )
    assert answers == [vector["fits"] for vector in vectors["vectors"]]


def test_a_secret_is_rotated_without_a_gap(bench: Bench) -> None:
    old = bench.secret
    new = bench.php("echo Commerce_Connector_Secrets::rotate();")
    assert raw(bench, "GET", "/site", secret=old) == 200
    assert raw(bench, "GET", "/site", secret=new) == 200
    bench.php(
        "$kept = get_option( 'commerce_connector_secrets' ); $kept[1]['expires'] = time() - 1;"
        "update_option( 'commerce_connector_secrets', $kept );"
    )
    assert raw(bench, "GET", "/site", secret=old) == 401
    assert raw(bench, "GET", "/site", secret=new) == 200
    bench.secret = new
    bench.site = bench.connect()


def test_plain_permalinks_do(bench: Bench) -> None:
    _use_permalinks(bench, "")
    try:
        site = bench.connect()
        assert any("Permalinks are plain" in note for note in site.check().notes)
        made = document()
        done(site.write_content([made]))
        assert any(
            held.subject == made.subject
            for page in site.inventory(SubjectKind.PRODUCT)
            for held in page
        )
    finally:
        _use_permalinks(bench, "/%postname%/")


def _use_permalinks(bench: Bench, structure: str) -> None:
    bench.php("update_option( 'permalink_structure', $args[0] );", structure)
    bench.php("flush_rewrite_rules( false );")


def test_the_daemons_user_can_do_little_and_nobody_is_it(bench: Bench) -> None:
    answer = json.loads(
        bench.php(
            "$user = get_user_by( 'login', 'commerce_connector' ); $can = array();"
            "foreach ( array( 'edit_posts', 'edit_pages', 'manage_options', 'edit_users',"
            " 'unfiltered_html', 'install_plugins', 'edit_commerce_products', 'upload_files' )"
            " as $cap ) { $can[ $cap ] = user_can( $user, $cap ); }"
            "wp_set_password( 'known', $user->ID );"
            "$can['login'] = ! is_wp_error( wp_authenticate( 'commerce_connector', 'known' ) );"
            "list( $made ) = WP_Application_Passwords::create_new_application_password( $user->ID,"
            " array( 'name' => 'app' ) ); add_filter( 'application_password_is_api_request',"
            " '__return_true' ); $can['application'] = wp_authenticate_application_password( null,"
            " 'commerce_connector', $made ) instanceof WP_User;"
            "echo json_encode( $can );"
        )
    )
    assert [name for name, can in answer.items() if can] == [
        "edit_commerce_products",
        "upload_files",
    ]


def test_a_lost_role_is_given_back_as_the_refusal_says(bench: Bench) -> None:
    bench.php("get_user_by( 'login', 'commerce_connector' )->set_role( 'subscriber' );")
    with pytest.raises(TargetDown, match="deactivate and activate"):
        bench.site.check()
    bench.php(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "deactivate_plugins( 'commerce-connector/commerce-connector.php' );"
        "activate_plugin( 'commerce-connector/commerce-connector.php' );"
    )
    bench.site.check()


def test_visitors_see_no_private_field(bench: Bench) -> None:
    source: JsonValue = {"handle": "h", "admin_url": "https://secret-backend.example/1"}
    made = document(fields={**document().fields, FieldName("source"): source})
    receipt = done(bench.site.write_content([made]))
    rest = f"{bench.wordpress.url}/wp-json/wp/v2/commerce_product/{receipt.cms_id}"
    assert "secret-backend" not in page(rest)
    assert receipt.url
    assert "secret-backend" not in page(receipt.url)


# ---- media ----


def test_a_picture_that_a_person_deleted_is_sent_again(bench: Bench) -> None:
    upload = picture()
    first = bench.site.upload_media(upload)
    bench.php("wp_delete_attachment( $args[0], true );", int(first.cms_id))
    assert bench.site.find_media([upload.content_hash]) == {}
    assert bench.site.upload_media(upload).cms_id != first.cms_id


# ---- life ----


def test_an_inactive_plugin_is_told_from_wrong_secrets(bench: Bench) -> None:
    bench.php(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "deactivate_plugins( 'commerce-connector/commerce-connector.php' );"
    )
    try:
        with pytest.raises(TargetDown, match="missing or inactive"):
            bench.connect().check()
    finally:
        bench.php(
            "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
            "activate_plugin( 'commerce-connector/commerce-connector.php' );"
        )
    bench.connect().check()


def test_maintenance_suspends_the_site(bench: Bench) -> None:
    flag = Path(bench.wordpress.place.root) / ".maintenance"
    flag.write_text(f"<?php $upgrading = {int(time.time())};")
    try:
        with pytest.raises(TargetDown, match="maintenance"):
            bench.connect().check()
    finally:
        flag.unlink()


def test_the_settings_page_pairs_and_says_the_state(bench: Bench) -> None:
    bench.site.check()
    shown = bench.php(
        "require_once ABSPATH . 'wp-admin/includes/admin.php'; Commerce_Connector_Settings::show();"
    )
    assert "the last signed request came" in shown
    assert "whsec_" not in shown
    assert "Rotate the secret" in shown


def test_the_package_installs_and_is_reproducible(tmp_path: Path) -> None:
    first = build_zip(tmp_path / "one")
    second = build_zip(tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()
    names = zipfile.ZipFile(first).namelist()
    assert "commerce-connector/commerce-connector.php" in names
    assert "commerce-connector/readme.txt" in names
    assert all(name.startswith("commerce-connector/") for name in names)


def test_uninstalling_leaves_nothing(wordpress: WordPress) -> None:
    """On a site of its own: before and after, everything that can be counted is the same."""
    deactivate = (
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "deactivate_plugins( 'commerce-connector/commerce-connector.php' );"
    )
    bench = Bench(wordpress, wordpress.php("echo commerce_connector_pair();"))
    term = term_write()
    bench.site.write_terms([term])
    upload = bench.site.upload_media(picture())
    media: JsonValue = [{"id": upload.cms_id, "alt": ""}]
    more: dict[FieldName, JsonValue] = {
        CATEGORIES: [term.subject.id],
        FieldName("tags"): ["red"],
        FieldName("media"): media,
    }
    made = document(fields={**document().fields, **more})
    done(bench.site.write_content([made]))
    bench.site.write_offers([offers_write(made.subject)])
    bench.edit(made.subject, TITLE, "Edited")
    bench.php("set_transient( 'commerce_connector_secret_1', 'x', 60 );")
    bench.php(
        "wp_insert_post( array( 'post_type' => 'page', 'post_status' => 'publish',"
        " 'post_title' => 'Ours no more', 'post_content' => '[commerce_products]' ) );"
    )
    assert bench.php("echo count( Commerce_Connector_Showing::pages_of( array( 1 ) ) );") == "1"
    bench.php(deactivate)
    bench.php(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "uninstall_plugin( 'commerce-connector/commerce-connector.php' );"
    )
    left = json.loads(bench.php(_EVERYTHING_OF_OURS))
    assert left == []


def test_a_network_is_served_on_each_site_and_left_as_it_was(
    wordpress_on_mariadb: WordPress,
) -> None:
    """The second site finds the user there, without its role; uninstalling goes over all sites."""
    wordpress = wordpress_on_mariadb
    config, domain = Path(wordpress.place.root) / "wp-config.php", wordpress.url.split("//")[1]
    alone = config.read_text()
    allowed = "<?php define( 'WP_ALLOW_MULTISITE', true );\n"
    config.write_text(alone.replace("<?php", allowed, 1))
    wordpress.php(_MAKE_NETWORK, domain)
    config.write_text(alone.replace("<?php", allowed + _IS_NETWORK % domain, 1))
    second = wordpress.php(
        "echo wp_insert_site( array( 'domain' => $args[0], 'path' => '/two/', 'title' => 'Two',"
        " 'user_id' => 1 ) );",
        domain,
    )
    may = wordpress.php(
        "switch_to_blog( $args[0] ); Commerce_Connector_Setup::activate();"
        "wp_set_current_user( Commerce_Connector_Types::user_id() );"
        "echo (int) current_user_can( 'edit_commerce_products' );",
        int(second),
    )
    assert may == "1"
    wordpress.php(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "deactivate_plugins( 'commerce-connector/commerce-connector.php' );"
        "uninstall_plugin( 'commerce-connector/commerce-connector.php' );"
    )
    for site in (1, int(second)):
        left = wordpress.php(f"switch_to_blog( $args[0] ); {_EVERYTHING_OF_OURS}", site)
        assert json.loads(left) == [], site


_MAKE_NETWORK = """
global $wpdb;
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/network.php';
foreach ( $wpdb->tables( 'ms_global' ) as $name => $table ) { $wpdb->$name = $table; }
install_network();
populate_network( 1, $args[0], 'admin@site.example', 'Network', '/', false );
"""
_IS_NETWORK = (
    "define( 'MULTISITE', true ); define( 'SUBDOMAIN_INSTALL', false );"
    " define( 'DOMAIN_CURRENT_SITE', '%s' ); define( 'PATH_CURRENT_SITE', '/' );"
    " define( 'SITE_ID_CURRENT_SITE', 1 ); define( 'BLOG_ID_CURRENT_SITE', 1 );\n"
)


_EVERYTHING_OF_OURS = """
global $wpdb; $left = array();
foreach ( $wpdb->get_col( 'SHOW TABLES' ) as $table ) {
	if ( false !== strpos( $table, 'commerce' ) ) { $left[] = $table; }
}
foreach ( array( 'options' => 'option_name', 'usermeta' => 'meta_key', 'posts' => 'post_type',
	'postmeta' => 'meta_key', 'termmeta' => 'meta_key', 'term_taxonomy' => 'taxonomy',
	'users' => 'user_login' ) as $table => $column ) {
	foreach ( $wpdb->get_col( "SELECT $column FROM {$wpdb->$table}" ) as $value ) {
		if ( false !== strpos( $value, 'commerce' ) || 0 === strpos( $value, '_cc_' ) ) {
			$left[] = "$table: $value";
		}
	}
}
foreach ( $wpdb->get_col( "SELECT option_value FROM $wpdb->options" ) as $value ) {
	if ( false !== strpos( $value, 'commerce_' ) ) { $left[] = substr( $value, 0, 80 ); }
}
foreach ( $wpdb->get_col( "SELECT post_type FROM $wpdb->posts" ) as $type ) {
	if ( in_array( $type, array( 'attachment', 'revision' ), true ) ) { $left[] = $type; }
}
echo json_encode( $left );
"""


# ---- making writes ----
