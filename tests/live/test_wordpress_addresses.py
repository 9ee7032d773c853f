"""What visitors find at the address of a product that went off sale, or moved: real WordPress."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
import requests

from connector.model import CategoryId, CmsId, FieldHash, FieldName, Subject
from connector.ports import AdoptWrite, Candidate, Outcome, Receipt
from connector.testing.conformance.site import done, held_at
from connector.testing.conformance.writes import (
    CATEGORIES,
    DESCRIPTION,
    TITLE,
    change_of,
    document,
    fence,
    offers_write,
    retire_write,
    term_write,
    write_id,
)
from tests.live.test_wordpress_plugin import Bench, bench

pytestmark = pytest.mark.live
SLUG = FieldName("slug")

__all__ = ["bench"]


def retire(bench: Bench, subject: Subject, policy: str) -> Receipt:
    return done(bench.site.retire([replace(retire_write(subject), policy=policy)]))


def status_of(bench: Bench, subject: Subject) -> str:
    return bench.php("echo get_post_status( $args[0] );", bench.id_of(subject))


def visit(url: str | None) -> requests.Response:
    assert url is not None
    return requests.get(url, allow_redirects=False, timeout=30)


def test_the_site_says_what_it_can_do(bench: Bench) -> None:
    can = bench.site.check().capabilities.retire_policies
    assert set(can) == {"unpublish", "notice", "redirect", "gone", "delete"}


def test_a_notice_keeps_the_page_and_says_so(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    done(bench.site.write_offers([offers_write(made.subject)]))
    assert "no longer available" not in visit(receipt.url).text
    retire(bench, made.subject, "notice")
    page = visit(receipt.url)
    assert page.status_code == 200
    assert "This product is no longer available." in page.text
    assert "commerce-connector-amount" not in page.text
    held = held_at(bench.site, made.subject)
    assert (held.live, held.retired, held.hashes[FieldName("offers")]) == (True, True, "")
    back = done(bench.site.write_content([change_of(made, {TITLE: "Back again"})]))
    assert back.url == receipt.url
    assert "no longer available" not in visit(receipt.url).text


def test_a_redirect_leads_to_the_deepest_category(bench: Bench) -> None:
    above = term_write()
    below = replace(term_write(), parent=CategoryId(above.subject.id))
    terms = [done([each]) for each in bench.site.write_terms([above, below])]
    made = document(fields={TITLE: "Sold out", CATEGORIES: [above.subject.id, below.subject.id]})
    receipt = done(bench.site.write_content([made]))
    retire(bench, made.subject, "redirect")
    answer = visit(receipt.url)
    assert (answer.status_code, answer.headers["location"]) == (302, terms[1].url)
    held = held_at(bench.site, made.subject)
    assert (held.live, held.retired) == (False, True)
    back = done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
    assert (back.url, visit(back.url).status_code) == (receipt.url, 200)


def test_a_redirect_without_a_category_leads_to_all_products(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    retire(bench, made.subject, "redirect")
    assert visit(receipt.url).headers["location"] == f"{bench.wordpress.url}/products/"


def test_gone_is_said_to_search_engines(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    retire(bench, made.subject, "gone")
    assert visit(receipt.url).status_code == 410
    done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
    assert visit(receipt.url).status_code == 200


def test_unpublished_is_not_found(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    retire(bench, made.subject, "unpublish")
    assert visit(receipt.url).status_code == 404


def test_deleted_is_in_the_trash_and_comes_back_with_its_page_and_address(bench: Bench) -> None:
    made = document()
    receipt = done(bench.site.write_content([made]))
    told = retire(bench, made.subject, "delete")
    assert (told.message, status_of(bench, made.subject)) == ("", "trash")
    assert visit(receipt.url).status_code == 404
    back = done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
    assert (back.cms_id, back.url) == (receipt.cms_id, receipt.url)
    assert visit(receipt.url).status_code == 200


def test_what_an_editor_put_into_the_trash_stays_there(bench: Bench) -> None:
    made = document()
    done(bench.site.write_content([made]))
    bench.trash(made.subject)
    retire(bench, made.subject, "delete")
    done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
    assert status_of(bench, made.subject) == "trash"


def test_a_page_that_others_link_to_is_not_deleted(bench: Bench) -> None:
    linked, in_menu = document(), document()
    receipts = [done(bench.site.write_content([each])) for each in (linked, in_menu)]
    bench.php(
        "wp_insert_post( array( 'post_status' => 'publish', 'post_title' => 'Our guide',"
        " 'post_content' => '<a href=\"' . $args[0] . '\">it</a>' ) );",
        receipts[0].url or "",
    )
    bench.php(
        "$menu = wp_create_nav_menu( $args[1] ); wp_update_nav_menu_item( $menu, 0, array("
        " 'menu-item-object' => 'commerce_product', 'menu-item-object-id' => $args[0],"
        " 'menu-item-type' => 'post_type', 'menu-item-status' => 'publish' ) );",
        int(receipts[1].cms_id or 0),
        f"Menu {uuid.uuid4().hex}",
    )
    assert '"Our guide"' in retire(bench, linked.subject, "delete").message
    assert "a menu links to it" in retire(bench, in_menu.subject, "delete").message
    assert {status_of(bench, each.subject) for each in (linked, in_menu)} == {"draft"}


def test_an_address_that_follows_leaves_a_permanent_redirect(bench: Bench) -> None:
    made = document()
    slug = f"moved-{uuid.uuid4().hex[:8]}"
    first = done(bench.site.write_content([made]))
    follow = replace(change_of(made, {SLUG: slug}), expected={SLUG: FieldHash("")})
    second = done(bench.site.write_content([follow]))
    assert second.kept == frozenset()
    assert (second.url or "").endswith(f"/product/{slug}/")
    answer = visit(first.url)
    assert (answer.status_code, answer.headers["location"]) == (301, second.url)
    again = replace(change_of(made, {SLUG: f"{slug}-2"}), expected={SLUG: second.hashes[SLUG]})
    third = done(bench.site.write_content([again]))
    assert {visit(each.url).headers.get("location") for each in (first, second)} == {third.url}


def test_an_editors_own_slug_is_kept(bench: Bench) -> None:
    made = document()
    done(bench.site.write_content([made]))
    bench.php(
        "wp_update_post( array( 'ID' => $args[0], 'post_name' => 'editors-own' ) );",
        bench.id_of(made.subject),
    )
    follow = replace(change_of(made, {SLUG: "ours"}), expected={SLUG: FieldHash("")})
    receipt = done(bench.site.write_content([follow]))
    assert receipt.kept == {SLUG}
    assert (receipt.url or "").endswith("/product/editors-own/")


# ---- pages that were there before ----


def own_page(bench: Bench, kind: str, title: str, sku: str) -> str:
    return bench.php(
        "$id = wp_insert_post( array( 'post_type' => $args[0], 'post_title' => $args[1],"
        " 'post_content' => '<p>Words of our own</p>', 'post_status' => 'publish' ) );"
        " update_post_meta( $id, '_sku', $args[2] ); echo $id;",
        kind,
        title,
        sku,
    )


def candidates(bench: Bench, *types: str) -> dict[str, Candidate]:
    return {each.cms_id: each for page in bench.site.candidates(types) for each in page}


def adopt(bench: Bench, subject: Subject, cms_id: str) -> Receipt:
    (receipt,) = bench.site.adopt([AdoptWrite(subject, fence(), write_id(), CmsId(cms_id))])
    return receipt


def test_a_page_becomes_a_product_with_its_words_and_its_old_address_leads_on(
    bench: Bench,
) -> None:
    sku = f"SKU-{uuid.uuid4().hex[:8]}"
    cms_id = own_page(bench, "page", f"Our own {sku}", sku)
    found = candidates(bench)[cms_id]
    assert (found.skus, found.type, found.title) == ((sku,), "page", f"Our own {sku}")
    assert cms_id in candidates(bench, "page")
    assert cms_id not in candidates(bench, "post")
    subject = document().subject
    receipt = adopt(bench, subject, cms_id)
    assert (receipt.outcome, receipt.cms_id) == (Outcome.DONE, cms_id)
    assert cms_id not in candidates(bench)
    moved = visit(found.url)
    assert (moved.status_code, moved.headers["location"]) == (301, receipt.url)
    whole = document(subject)
    expected = {TITLE: FieldHash(""), DESCRIPTION: FieldHash("")}
    written = done(bench.site.write_content([replace(whole, expected=expected)]))
    assert written.kept == {TITLE, DESCRIPTION}
    assert (written.cms_id, written.made) == (cms_id, False)
    assert "Words of our own" in visit(receipt.url).text


def test_nothing_is_bound_twice(bench: Bench) -> None:
    first, second = own_page(bench, "post", "One", "X"), own_page(bench, "post", "Two", "X")
    subject, other = document().subject, document().subject
    assert adopt(bench, subject, first).outcome is Outcome.DONE
    assert "page already" in adopt(bench, subject, second).message
    assert "another product" in adopt(bench, other, first).message
    assert "no such page" in adopt(bench, other, "99999999").message
    assert adopt(bench, subject, first).outcome is Outcome.DONE


def test_candidates_come_in_pages_and_without_what_is_in_the_trash(bench: Bench) -> None:
    made = {own_page(bench, "post", f"Many {n}", f"M-{n}") for n in range(5)}
    thrown = made.pop()
    bench.php("wp_trash_post( $args[0] );", int(thrown))
    assert made <= set(candidates(bench))
    assert thrown not in candidates(bench)
    shown = document()
    receipt = done(bench.site.write_content([shown]))
    assert receipt.cms_id not in candidates(bench)
