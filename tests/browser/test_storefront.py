"""The storefront's elements in a real browser, against the relay: with script, without, and when
answers get lost. Needs Debian's chromium."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from connector.model import Order
from connector.relay.files import STOREFRONT
from tests.browser.conftest import Axe
from tests.browser.counter import PRODUCT, Shopfront, open_shopfront
from tests.relay_house import LAMP, MUG


def buy(page: Page, quantity: int = 1) -> None:
    page.get_by_label("Menge", exact=True).fill(str(quantity))
    page.get_by_role("button", name="Kaufen").click()


def pieces(shop: Shopfront) -> list[int]:
    return [sum(line.quantity for line in cart.lines) for cart in shop.carts.carts.values()]


# ---- price and stock ----


def test_all_prices_of_a_page_take_one_request(shop: Shopfront, page: Page) -> None:
    shop.house.confirm(MUG, "MUG-1", 1490, quantity=4)
    page.goto(f"{shop.url}/product")
    expect(page.locator("#price")).to_have_text("14.90 €")
    expect(page.locator("#lamp")).to_have_text("49.00 €")
    expect(page.locator("#stock")).to_have_text("Nur noch 4 da")
    assert [each for each in shop.asked if "offers" in each] == ["GET /v1/blog/offers"]


def test_what_is_not_sold_any_more_cannot_be_bought(shop: Shopfront, page: Page) -> None:
    shop.bodies["product"] = page_of("GONE-1")
    page.goto(f"{shop.url}/product")
    expect(page.locator("#stock")).to_have_text("Ausverkauft")
    button = page.get_by_role("button", name="Kaufen")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    expect(page.get_by_role("alert")).to_have_text("Ausverkauft")
    assert pieces(shop) == []


def page_of(sku: str) -> str:
    return PRODUCT.replace("MUG-1", sku)


def test_prices_stand_where_the_relay_is_away(shop: Shopfront, page: Page) -> None:
    page.route("**/v1/**", lambda route: route.abort())
    page.goto(f"{shop.url}/product")
    buy(page)
    expect(page.get_by_role("alert").first).to_contain_text("antwortet gerade nicht")
    expect(page.locator("#price")).to_have_text("19,90 €")
    expect(page.locator("#stock")).to_have_text("Auf Lager")


def test_a_chosen_article_brings_its_price_and_stock(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/choice")
    expect(page.locator("#price")).to_have_text("19.90 €")
    page.get_by_label("Artikel").select_option("LAMP-1")
    expect(page.locator("#price")).to_have_text("49.00 €")
    expect(page.locator("#stock")).to_have_text("Nur noch 3 da")
    buy(page, 2)
    expect(page.get_by_role("status").first).to_have_text("A lamp liegt im Warenkorb.")
    assert [line.variant for cart in shop.carts.carts.values() for line in cart.lines] == [LAMP]


def test_changes_come_to_an_open_page(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product?live")
    expect(page.locator("#price")).to_have_text("19.90 €")
    shop.house.confirm(MUG, "MUG-1", 990, quantity=2)
    expect(page.locator("#price")).to_have_text("9.90 €")
    expect(page.locator("#stock")).to_have_text("Nur noch 2 da")


# ---- buying ----


def test_buying_works_by_form_post_without_script(shop: Shopfront, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop.url}/product")
    assert page.locator("#price").inner_text() == "19,90\xa0€"
    assert page.get_by_role("link", name="Warenkorb ansehen").get_attribute("href") == "/cms/cart"
    buy(page, 3)
    assert page.get_by_role("heading").inner_text() == "Im Warenkorb"
    assert shop.posted == [{"quantity": ["3"]}]
    context.close()


def test_buying_fills_the_cart_and_says_so(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(page.locator("commerce-buy [role=status]")).to_have_text("A mug liegt im Warenkorb.")
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    buy(page, 1)
    expect(page.get_by_role("button", name="3 im Warenkorb")).to_be_visible()
    assert pieces(shop) == [3]
    assert shop.posted == []


@pytest.mark.parametrize("lost", ["POST /v1/blog/carts", "POST /v1/blog/carts/current/lines"])
def test_a_lost_answer_puts_nothing_in_twice(shop: Shopfront, page: Page, lost: str) -> None:
    page.goto(f"{shop.url}/product")
    if lost.endswith("lines"):
        buy(page)
        expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()
    shop.lost += [lost]
    buy(page, 2)
    count = 3 if lost.endswith("lines") else 2
    expect(page.get_by_role("button", name=f"{count} im Warenkorb")).to_be_visible()
    assert pieces(shop) == [count]
    assert shop.asked.count(lost) == 2


def test_pressing_again_after_silence_is_the_same_intention(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    shop.lost += ["POST /v1/blog/carts"] * 3
    buy(page, 2)
    expect(page.locator("commerce-buy [role=alert]")).to_contain_text("antwortet gerade nicht")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    assert pieces(shop) == [2]


def test_too_many_are_refused_in_the_shoppers_language(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 11)
    alert = page.locator("commerce-buy [role=alert]")
    expect(alert).not_to_be_empty()
    expect(alert).to_contain_text("Nur noch 10 da")


# ---- the cart ----


def drawer(page: Page) -> None:
    page.get_by_role("button", name="im Warenkorb").click()
    expect(page.get_by_role("dialog", name="Warenkorb")).to_be_visible()


def test_the_drawer_is_worked_by_keyboard(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    button = page.get_by_role("button", name="2 im Warenkorb")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Warenkorb")
    expect(dialog).to_be_visible()
    field = page.get_by_label("Menge von A mug")
    field.fill("5")
    page.keyboard.press("Tab")
    expect(dialog.get_by_text("99,50").first).to_be_visible()
    assert pieces(shop) == [5]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="5 im Warenkorb")).to_be_focused()


@pytest.mark.parametrize(("wish", "moves"), [("reduce", "none"), ("no-preference", "in")])
def test_the_drawer_moves_only_for_who_does_not_mind(
    shop: Shopfront, page: Page, wish: Literal["reduce", "no-preference"], moves: str
) -> None:
    page.emulate_media(reduced_motion=wish)
    page.goto(f"{shop.url}/product")
    buy(page, 1)
    drawer(page)
    dialog = page.get_by_role("dialog", name="Warenkorb")
    assert dialog.evaluate("each => getComputedStyle(each).animationName") == moves


def test_quantities_codes_and_removal(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    drawer(page)
    page.get_by_role("button", name="Eins mehr von A mug").click(click_count=2)
    field = page.get_by_label("Menge von A mug")
    expect(field).to_have_value("4")
    field.fill("")
    field.blur()
    expect(field).to_have_value("4")
    expect(page.get_by_role("status").last).to_contain_text("79,60")
    page.get_by_label("Gutscheincode").fill("NONE")
    page.get_by_role("button", name="Einlösen").click()
    expect(page.locator("commerce-cart").get_by_role("alert")).not_to_be_empty()
    page.get_by_label("Gutscheincode").fill("TEN")
    page.get_by_role("button", name="Einlösen").click()
    expect(page.get_by_text("−7,96")).to_be_visible()
    page.get_by_role("button", name="Code TEN entfernen").click()
    expect(page.get_by_text("−7,96")).to_be_hidden()
    page.get_by_role("button", name="A mug entfernen").click()
    expect(page.get_by_text("Der Warenkorb ist leer.")).to_be_visible()
    expect(page.get_by_role("heading", name="Warenkorb")).to_be_focused()
    assert pieces(shop) == [0]


def test_two_tabs_show_one_cart(shop: Shopfront, visitor: BrowserContext, page: Page) -> None:
    other = visitor.new_page()
    other.goto(f"{shop.url}/product")
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(other.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    buy(other, 1)
    for each in (other, page):
        expect(each.get_by_role("button", name="3 im Warenkorb")).to_be_visible()
    assert pieces(shop) == [3]


def test_a_cart_that_is_gone_begins_anew(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    shop.carts.carts.clear()
    buy(page, 1)
    expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()


def test_the_page_that_is_cached_holds_nothing_personal(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page)
    expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()
    first = page.request.get(f"{shop.url}/product").text()
    assert "cct_" not in first
    assert "cct_" not in page.url
    page.reload()
    expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()


# ---- checkout ----


def fill_address(page: Page) -> None:
    words = {
        "E-Mail": "ada@lovelace.example",
        "Vorname": "Ada",
        "Nachname": "Lovelace",
        "Straße und Hausnummer": "Weg 1",
        "Postleitzahl": "10117",
        "Ort": "Berlin",
        "Land (zwei Buchstaben, etwa DE)": "de",
    }
    for label, text in words.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_label("E-Mail", exact=True)).to_have_count(0)


def test_a_purchase_step_by_step(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    drawer(page)
    page.get_by_role("button", name="Zur Kasse").click()
    fill_address(page)
    page.get_by_label("Pick up").check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Zahlungspflichtig bestellen: 39,80").click()
    thanks = page.get_by_role("heading", name="Vielen Dank")
    expect(thanks).to_be_focused()
    (order,) = shop.carts.orders.values()
    expect(thanks).to_contain_text(order.number)
    expect(page.get_by_text("2 × A mug")).to_be_visible()
    page.goto(f"{shop.url}/product")
    expect(page.get_by_role("button", name="0 im Warenkorb")).to_be_visible()
    kept = page.evaluate("JSON.stringify([Object.entries(localStorage), document.cookie])")
    assert kept == '[[],""]'


def test_a_price_that_changed_meanwhile_is_agreed_to_again(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    page.goto(f"{shop.url}/checkout")
    fill_address(page)
    page.get_by_role("button", name="Weiter").click()
    order = page.get_by_role("button", name="Zahlungspflichtig bestellen")
    expect(order).to_contain_text("44,70")
    shop.carts.reprice(MUG, 2500)
    order.click()
    expect(page.get_by_role("alert")).to_contain_text("kostet jetzt 25,00")
    expect(order).to_contain_text("54,90")
    assert shop.carts.orders == {}
    order.click()
    expect(page.get_by_role("heading", name="Vielen Dank")).to_be_visible()


def test_an_order_whose_answer_was_lost_is_one_order(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page)
    expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()
    page.goto(f"{shop.url}/checkout")
    fill_address(page)
    page.get_by_role("button", name="Weiter").click()
    shop.lost += ["POST /v1/blog/carts/current/complete"]
    page.get_by_role("button", name="Zahlungspflichtig bestellen").click()
    expect(page.get_by_role("heading", name="Vielen Dank")).to_be_visible()
    assert len(shop.carts.orders) == 1


def test_a_payment_providers_script_is_waited_for(shop: Shopfront, page: Page) -> None:
    page.goto(f"{shop.url}/product")
    buy(page)
    expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()
    page.goto(f"{shop.url}/checkout")
    page.evaluate("""addEventListener('commerce-payment', ({ detail }) => {
        document.title = `${detail.provider} ${detail.session.client_secret}`;
        detail.wait(new Promise((resolve) => { globalThis.pay = resolve; }));
    })""")
    fill_address(page)
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Zahlungspflichtig bestellen").click()
    expect(page).to_have_title("test of a test")
    assert shop.carts.orders == {}
    page.evaluate("pay()")
    expect(page.get_by_role("heading", name="Vielen Dank")).to_be_visible()


def test_a_hosted_checkout_is_gone_to_and_come_back_from(tmp_path: Path, page: Page) -> None:
    with open_shopfront(tmp_path, hosted=True) as shop:
        page.route("https://shop.example/**", lambda route: route.fulfill(body="hosted"))
        page.goto(f"{shop.url}/product")
        buy(page)
        expect(page.get_by_role("button", name="1 im Warenkorb")).to_be_visible()
        page.goto(f"{shop.url}/checkout")
        page.get_by_role("button", name="Zur Kasse").click()
        page.wait_for_url("https://shop.example/checkout/**")
        order_everything(shop)
        page.goto(f"{shop.url}/checkout")
        expect(page.get_by_role("heading", name="Vielen Dank")).to_be_visible()


def order_everything(shop: Shopfront) -> None:
    """What the shopper does at the engine's own checkout."""
    for identity, cart in list(shop.carts.carts.items()):
        order = Order("77", "placed", cart.currency, cart.lines, cart.totals)
        shop.carts.orders[identity] = order
        shop.carts.carts[identity] = replace(cart, ordered=True)


# ---- everybody ----


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "2 in the cart"), ("fr-FR", "2 dans le panier"), ("nl", "2 in the cart")],
)
def test_it_speaks_the_pages_language(shop: Shopfront, page: Page, lang: str, words: str) -> None:
    page.goto(f"{shop.url}/product?lang={lang}")
    buy(page, 2)
    expect(page.get_by_role("button", name=words)).to_be_visible()


def test_a_page_may_say_it_otherwise(shop: Shopfront, page: Page) -> None:
    shop.bodies["words"] = (
        '<script type="application/json" id="commerce-words">{"pieces": "{count} Dinge"}</script>'
    )
    page.goto(f"{shop.url}/product")
    expect(page.get_by_role("button", name="0 Dinge")).to_be_visible()


def test_markup_in_what_comes_from_the_engine_stays_text(shop: Shopfront, page: Page) -> None:
    title = "<img src=x onerror=alert(1)>"
    shop.carts.articles[MUG] = replace(shop.carts.articles[MUG], title=title)
    page.on("dialog", lambda _: pytest.fail("a script of the engine's ran"))
    page.goto(f"{shop.url}/product")
    buy(page)
    drawer(page)
    expect(page.locator("commerce-cart strong")).to_have_text(title)
    assert page.locator("commerce-cart img").count() == 0


def test_nothing_moves_when_the_elements_wake_up(shop: Shopfront, page: Page) -> None:
    shop.bodies["product"] = page_of("MUG-1").replace("19,90", "19.90").replace("49,00", "49.00")
    page.add_init_script("""globalThis.shifts = 0;
        new PerformanceObserver((list) => {
            for (const each of list.getEntries()) shifts += each.value;
        }).observe({ type: 'layout-shift', buffered: true });""")
    page.goto(f"{shop.url}/product")
    expect(page.get_by_role("button", name="0 im Warenkorb")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("shifts") == 0


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_axe_finds_no_fault(shop: Shopfront, page: Page, axe: Axe, direction: str) -> None:
    page.goto(f"{shop.url}/product?dir={direction}")
    buy(page, 2)
    expect(page.get_by_role("button", name="2 im Warenkorb")).to_be_visible()
    assert axe.faults(page) == []
    drawer(page)
    assert axe.faults(page) == []
    page.goto(f"{shop.url}/choice?dir={direction}")
    expect(page.get_by_label("Menge von A mug")).to_be_visible()
    assert axe.faults(page) == []
    page.goto(f"{shop.url}/checkout?dir={direction}")
    expect(page.get_by_role("heading", name="Kontakt")).to_be_visible()
    assert axe.faults(page) == []
    fill_address(page)
    expect(page.get_by_label("Pick up")).to_be_visible()
    assert axe.faults(page) == []
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("button", name="Zahlungspflichtig bestellen")).to_be_visible()
    assert axe.faults(page) == []


def test_all_elements_together_are_small() -> None:
    files = sorted(STOREFRONT.glob("*.js"))
    together = b"".join(file.read_bytes() for file in files)
    assert len(gzip.compress(together, 9)) < 15_000
    shown = [file.read_bytes() for file in files if file.name != "checkout.js"]
    assert sum(len(gzip.compress(each, 9)) for each in shown) < 15_000
