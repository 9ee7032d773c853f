"""The page of docs/relay.md, as it stands there, in a browser: it sells."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Axe
from tests.browser.counter import Shopfront
from tests.browser.test_storefront import pieces
from tests.conftest import ROOT
from tests.relay_house import LAMP


@pytest.fixture
def own(shop: Shopfront, page: Page) -> Page:
    """The page, put onto the site's origin."""
    text = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
    (html,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    shop.whole["own"] = html.replace("https://connector.example", shop.relay_url)
    page.goto(f"{shop.url}/own")
    return page


def test_it_buys_once_whatever_gets_lost(shop: Shopfront, own: Page) -> None:
    said = own.locator("#cart")
    own.get_by_role("button", name="Buy MUG-1").click()
    expect(said).to_contain_text("1 in the cart, 19,90")
    shop.lost += ["POST /v1/blog/carts/current/lines"]
    own.get_by_role("button", name="Buy LAMP-1").click()
    expect(said).to_contain_text("2 in the cart, 68,90")
    assert pieces(shop) == [2]
    own.reload()
    expect(said).to_contain_text("2 in the cart, 68,90")
    shop.carts.reprice(LAMP, 3900)
    own.get_by_role("button", name="Checkout").click()
    expect(said).to_contain_text("To pay now: 58,90")
    expect(said).to_contain_text("A lamp kostet jetzt 39,00")


def test_it_says_what_cannot_be_done_and_begins_anew(shop: Shopfront, own: Page) -> None:
    said = own.locator("#cart")
    own.get_by_role("button", name="Buy MUG-1").click()
    expect(said).to_contain_text("1 in the cart")
    shop.carts.carts.clear()
    own.get_by_role("button", name="Buy MUG-1").click()
    expect(said).to_contain_text("Diesen Warenkorb gibt es nicht mehr")
    own.get_by_role("button", name="Buy MUG-1").click()
    expect(said).to_contain_text("1 in the cart")


def test_a_cart_that_was_ordered_elsewhere_is_over(shop: Shopfront, own: Page) -> None:
    """At the engine's own checkout: the page is told when it is loaded, or at the next article."""
    said = own.locator("#cart")
    for is_loaded in (True, False):
        own.get_by_role("button", name="Buy MUG-1").click()
        expect(said).to_contain_text("1 in the cart")
        for cart in list(shop.carts.carts.values()):
            shop.carts.carts[cart.id] = replace(cart, ordered=True)
        if is_loaded:
            own.reload()
            expect(said).to_contain_text("Thank you for your order.")
        else:
            own.get_by_role("button", name="Buy MUG-1").click()
            expect(said).to_contain_text("schon bestellt")
        own.get_by_role("button", name="Buy LAMP-1").click()
        expect(said).to_contain_text("1 in the cart")
        own.evaluate("localStorage.clear()")
        own.reload()


def test_axe_finds_no_fault_in_it(own: Page, axe: Axe) -> None:
    expect(own.get_by_role("button", name="Buy MUG-1")).to_be_visible()
    assert axe.faults(own) == []
