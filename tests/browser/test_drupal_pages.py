"""A real Drupal in a browser: one cart with and without script, and the panel that follows.

Needs DRUPAL_URL and its credentials (docs/drupal.md); says so where they are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from connector.ports_panel import RequestAnswer, Standing
from connector.testing.conformance.writes import TITLE, change_of, document
from tests.browser.conftest import Axe
from tests.browser.drupal_editor import log_in
from tests.live.drupal_shop import DrupalShop, open_drupal_shop
from tests.live.drupal_site import Editor, Where
from tests.live.test_drupal_panel import SUMMARY, TITLE_CONFLICT, Desk, open_module

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def magazine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrupalShop]:
    with open_drupal_shop(tmp_path_factory.mktemp("magazine")) as shop:
        yield shop


@pytest.fixture
def scriptless(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def editor(browser: Browser) -> Iterator[BrowserContext]:
    """An administrator who has logged in."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    log_in(context)
    yield context
    context.close()


def buy(page: Page, quantity: int) -> None:
    page.get_by_label("Quantity", exact=True).fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()


# ---- one cart ----


def test_what_a_script_put_in_stands_in_the_cart_without_script(
    magazine: DrupalShop, visitor: BrowserContext, page: Page
) -> None:
    page.goto(magazine.urls["mug"])
    with page.expect_response("**/shop/token"):
        buy(page, 2)
    html = visitor.request.get(magazine.urls["cart"]).text()
    assert 'name="quantity" value="2"' in html


def test_without_script_a_purchase_leads_back_to_its_page(
    magazine: DrupalShop, scriptless: Page
) -> None:
    scriptless.goto(magazine.urls["mug"])
    buy(scriptless, 3)
    assert scriptless.url.startswith(f"{magazine.urls['mug']}?commerce-said=added")
    expect(scriptless.get_by_role("status")).to_contain_text("It is in your cart.")
    scriptless.get_by_role("link", name="To the cart").click()
    expect(scriptless.get_by_label("Quantity of A mug")).to_have_value("3")


def test_pages_of_the_shop_keep_nobody_out(
    magazine: DrupalShop, scriptless: Page, page: Page, axe: Axe
) -> None:
    scriptless.goto(magazine.urls["mug"])
    buy(scriptless, 1)
    cookies = scriptless.context.cookies()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    for url in (magazine.urls["mug"], magazine.urls["cart"], magazine.urls["checkout"]):
        page.goto(url)
        assert axe.faults(page, "main") == []


# ---- the panel ----


def desk_of(where: Where) -> Desk:
    site, made = open_module(where), document()
    (receipt,) = site.write_content([made])
    site.write_summary({**SUMMARY, "at": datetime.now(UTC).isoformat()})
    return Desk(where, Editor(where), site, made.subject, str(receipt.cms_id))


def test_what_comes_of_a_request_appears_by_itself(editor: BrowserContext, axe: Axe) -> None:
    where = Where.from_environment()
    desk = desk_of(where)
    desk.note(conflicts=[TITLE_CONFLICT])
    page = editor.new_page()
    page.goto(desk.panel)
    assert axe.faults(page, "main") == []
    page.get_by_role("button", name="Resync now").click()
    expect(page.get_by_role("status")).to_contain_text("The connector is on its way")
    request = desk.asked().request
    assert request is not None
    answer = RequestAnswer(request.id, Standing.DONE, "unchanged", "Done.", datetime.now(UTC))
    desk.site.answer_requests([answer])
    expect(page.locator(".commerce-connector-live")).to_contain_text("was up to date already")


def test_a_session_that_ended_in_the_conflict_view_loses_no_text(editor: BrowserContext) -> None:
    desk = desk_of(Where.from_environment())
    desk.note(conflicts=[TITLE_CONFLICT])
    page = editor.new_page()
    page.goto(desk.panel)
    page.get_by_label("Or write it anew").fill("A long thought")
    editor.clear_cookies()
    page.get_by_role("button", name="Use this text").click()
    expect(page.get_by_role("alert")).to_contain_text("Your text is kept here")
    expect(page.get_by_label("Or write it anew")).to_have_value("A long thought")
    log_in(editor)
    page.get_by_role("button", name="Use this text").click()
    expect(page.get_by_text("The form has become outdated")).to_be_visible()
    expect(page.get_by_label("Or write it anew")).to_have_value("A long thought")
    page.get_by_role("button", name="Use this text").click()
    expect(page.get_by_role("status")).to_contain_text("The connector is on its way")
    request = desk.asked().request
    assert request is not None
    assert (request.action, request.value) == ("resolve", "A long thought")


def test_many_are_resynced_and_followed(editor: BrowserContext, axe: Axe) -> None:
    desk = desk_of(Where.from_environment())
    title = f"Listed {desk.subject.id}"
    desk.editor.change(desk.node, {"title": title})
    page = editor.new_page()
    page.goto(f"{desk.where.url}/admin/content/products?title={title}")
    page.locator("input[name^=node_bulk_form]").check()
    page.get_by_label("Action", exact=True).select_option(label="Resync from the shop")
    page.get_by_role("button", name="Apply to selected items").first.click()
    progress = page.locator(".commerce-connector-bulk")
    expect(progress).to_contain_text("Resync under way: 0 of 1.")
    assert axe.faults(page, "main") == []
    request = desk.asked().request
    assert request is not None
    reason = "it has no title"
    answer = RequestAnswer(request.id, Standing.FAILED, "parked", reason, datetime.now(UTC))
    desk.site.answer_requests([answer])
    expect(progress).to_contain_text("Resync: done. Up to date: 0 of 1. Not synced: 1.")
    expect(page.locator("#drupal-live-announce")).to_contain_text("Resync: done.")
    expect(progress.get_by_role("listitem")).to_contain_text(reason)
    progress.get_by_role("link", name=title).press("Enter")
    expect(page).to_have_url(f"{desk.where.url}/node/{desk.node}/shop")


def test_an_open_form_says_what_the_shop_changed(editor: BrowserContext) -> None:
    where = Where.from_environment()
    site, made = open_module(where), document()
    (receipt,) = site.write_content([made])
    page = editor.new_page()
    page.clock.install()
    with page.expect_response("**/shop/state"):
        page.goto(f"{where.url}/node/{receipt.cms_id}/edit")
    site.write_content([change_of(made, {TITLE: "Changed in the shop"})])
    page.clock.run_for(11_000)
    notice = page.get_by_role("alert").filter(has_text="Changed in the shop since you opened")
    expect(notice).to_contain_text("Changed in the shop")
