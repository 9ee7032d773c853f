"""Shoppers at a real WordPress behind a Varnish, before a real Medusa and before the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from connector.demo.postgres import Postgres
from tests.browser.conftest import Axe
from tests.browser.street import Article, Street, open_street
from tests.live.pair import until

EMAIL, STREET = "ada@canary-7f3a.example", "Canary Road 7f3a"
ADA = {
    "E-mail": EMAIL,
    "First name": "Ada7f3a",
    "Last name": "Canary-Lovelace",
    "Street and number": STREET,
    "Postal code": "10117",
    "City": "Berlin",
    "Country (two letters, like DE)": "DE",
}
SHIPPING = {"medusa": 500, "sandbox": 490}
SECONDS_UNTIL_SHOWN = 60.0


@pytest.fixture(scope="session", params=["medusa", "sandbox"])
def street(request: pytest.FixtureRequest, cache: Path, postgres: Postgres) -> Iterator[Street]:
    with open_street(request.param, cache, postgres) as street:
        yield street


def shown(street: Street, page: Page, name: str) -> None:
    """Keep a picture of the page under .cache/."""
    place = street.pictures / f"{street.engine.system}-{name}.png"
    page.locator("main, body").last.screenshot(path=place, animations="disabled")


def euros(minor: int) -> str:
    return f"€{minor // 100:,}.{minor % 100:02d}"


def buy(page: Page, quantity: int = 1) -> None:
    page.get_by_label("Quantity", exact=True).first.fill(str(quantity))
    page.get_by_role("button", name="Add to cart").first.click()


def bought(page: Page, article: Article, quantity: int = 1) -> None:
    """By script: put into the cart from the article's page."""
    page.goto(article.url)
    page.wait_for_function("() => Boolean(customElements.get('commerce-buy'))")
    buy(page, quantity)
    expect(page.locator("commerce-buy [role=status]")).to_have_text(
        f"{article.title} is in your cart."
    )


def seen(found: Locator) -> Locator:
    """What of it is shown: the CMS's own markup stays in the page, unseen, below an element's."""
    return found.locator("visible=true").first


def cart(street: Street, page: Page) -> None:
    page.goto(street.pages["cart"])
    expect(page.get_by_role("heading", name="Cart").last).to_be_visible()


# ---- from the shop's page to a paid order ----


def fill_address(page: Page) -> None:
    for label, text in ADA.items():
        seen(page.get_by_label(label, exact=True)).fill(text)


def order(street: Street, page: Page, begin_with: str = "Checkout") -> None:
    """From the cart's button to the order, the way this engine has it.

    `begin_with` names the checkout's own first button, which is not the same with script: the
    CMS's form stands there until the element wakes up.
    """
    page.get_by_role("button", name="Checkout").click()
    if street.engine.hosted:
        begin = page.get_by_role("button", name=begin_with, exact=True)
        pay = page.get_by_role("button", name="Pay")
        expect(begin.or_(pay).first).to_be_visible()
        if not pay.is_visible():
            begin.click()
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Address").fill(STREET)
        shown(street, page, "hosted-checkout")
        pay.click()
        return
    fill_address(page)
    shown(street, page, "checkout-address")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Order and pay").click()


def thanks(street: Street, page: Page) -> str:
    """The number of the order that the page thanks for."""
    heading = page.get_by_role("heading", name="Thank you. Your order has the number")
    expect(heading).to_be_visible()
    found = re.search(r"number (\d+)", heading.inner_text())
    assert found
    return found.group(1)


def total(street: Street, minor: int) -> int:
    return minor + SHIPPING[street.engine.system]


def test_a_shopper_finds_something_and_buys_it(street: Street, page: Page) -> None:
    lamp = street.article("LAMP")
    page.goto(street.pages["shop"])
    shown(street, page, "shop")
    page.get_by_role("link", name=lamp.title).click()
    shown(street, page, "product")
    buy(page, 2)
    expect(page.locator("commerce-buy [role=status]")).to_contain_text("is in your cart")
    cart(street, page)
    expect(seen(page.get_by_label(f"Quantity of {lamp.title}"))).to_have_value("2")
    shown(street, page, "cart")
    order(street, page)
    number = thanks(street, page)
    expect(seen(page.get_by_text(f"2 × {lamp.title}"))).to_be_visible()
    shown(street, page, "thanks")
    assert (number, total(street, 9800)) in street.merchant.orders()
    until(lambda: street.offers(lamp.sku)[lamp.sku]["quantity"] == 7, "the stock that is left")


def test_a_shopper_without_script_buys_it_too(street: Street, scriptless: Page) -> None:
    vase = street.article("VASE")
    scriptless.goto(street.pages["shop"])
    scriptless.get_by_role("link", name=vase.title).click()
    assert scriptless.locator(".commerce-connector-price, commerce-price").first.is_visible()
    buy(scriptless, 3)
    expect(scriptless.get_by_role("status")).to_contain_text("It is in your cart.")
    scriptless.get_by_role("link", name="To the cart").first.click()
    scriptless.get_by_label(f"Quantity of {vase.title}").fill("2")
    scriptless.get_by_role("button", name=re.compile("^Change")).click()
    expect(scriptless.get_by_role("status")).to_contain_text("up to date")
    scriptless.get_by_label("Promotion code").fill("NONSENSE")
    scriptless.get_by_role("button", name="Apply").click()
    expect(scriptless.get_by_role("alert")).to_contain_text("This code is not valid")
    scriptless.get_by_label("Promotion code").fill(street.engine.code)
    scriptless.get_by_role("button", name="Apply").click()
    expect(scriptless.get_by_role("status")).to_contain_text("The code is applied")
    scriptless.get_by_role("button", name=f"Remove code {street.engine.code}").click()
    shown(street, scriptless, "cart-without-script")
    order(street, scriptless, "Continue")
    number = thanks(street, scriptless)
    shown(street, scriptless, "thanks-without-script")
    assert (number, total(street, 5000)) in street.merchant.orders()


# ---- the cart ----


def test_quantities_and_codes(street: Street, page: Page) -> None:
    bowl = street.article("BOWL")
    bought(page, bowl)
    cart(street, page)
    seen(page.get_by_label(f"Quantity of {bowl.title}")).fill("4")
    page.keyboard.press("Tab")
    expect(seen(page.get_by_text(euros(4000)))).to_be_visible()
    seen(page.get_by_label("Promotion code")).fill("NONSENSE")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("commerce-cart").get_by_role("alert").last).to_contain_text("not valid")
    seen(page.get_by_label("Promotion code")).fill(street.engine.code)
    page.get_by_role("button", name="Apply").click()
    expect(
        page.get_by_text("−" + euros(400)).or_(page.get_by_text("-" + euros(400)))
    ).to_be_visible()


def test_what_is_sold_out_meanwhile_is_told_before_the_order(street: Street, page: Page) -> None:
    jug, cup = street.article("JUG"), street.article("CUP")
    bought(page, jug, 4)
    bought(page, cup)
    street.merchant.restock(jug.variant, 1)
    page.goto(street.pages["checkout"])
    expect(seen(page.get_by_text(f"Only 1 of {jug.title} are left; you wanted 4."))).to_be_visible()
    shown(street, page, "less-than-wanted")
    street.merchant.restock(jug.variant, 0)
    page.goto(street.pages["checkout"])
    expect(seen(page.get_by_text(f"{jug.title} cannot be had any more."))).to_be_visible()
    cart(street, page)
    expect(seen(page.get_by_label(f"Quantity of {cup.title}"))).to_have_value("1")
    unwanted = page.get_by_label(f"Quantity of {jug.title}").locator("visible=true")
    expect(unwanted).to_have_count(0)


def test_a_price_that_changed_meanwhile_is_told_before_the_order(
    street: Street, page: Page
) -> None:
    pot = street.article("POT")
    bought(page, pot, 2)
    street.merchant.reprice(pot.variant, 2490)
    page.goto(street.pages["checkout"])
    changed = f"{pot.title} now costs {euros(2490)} instead of {euros(1990)}."
    expect(seen(page.get_by_text(changed))).to_be_visible()
    shown(street, page, "another-price")
    if street.engine.hosted:
        return
    fill_address(page)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Continue").click()
    pay = page.get_by_role("button", name="Order and pay")
    expect(pay).to_contain_text(euros(total(street, 4980)))
    street.merchant.reprice(pot.variant, 1500)
    before = street.merchant.orders()
    pay.click()
    said = f"{pot.title} now costs {euros(1500)}|The total is now {euros(total(street, 3000))}"
    expect(seen(page.get_by_text(re.compile(said)))).to_be_visible()
    expect(pay).to_contain_text(euros(total(street, 3000)))
    assert street.merchant.orders() == before
    pay.click()
    number = thanks(street, page)
    assert (number, total(street, 3000)) in street.merchant.orders()


def bought_without_script(page: Page, article: Article, quantity: int = 1) -> None:
    page.goto(article.url)
    buy(page, quantity)
    expect(page.get_by_role("status")).to_contain_text("It is in your cart.")


def from_cart_to_checkout(street: Street, page: Page) -> None:
    page.goto(street.pages["cart"])
    page.get_by_role("button", name="Checkout").click()


def test_what_is_sold_out_meanwhile_is_told_without_script_too(
    street: Street, scriptless: Page
) -> None:
    pan, sieve = street.article("PAN"), street.article("SIEVE")
    bought_without_script(scriptless, pan, 4)
    bought_without_script(scriptless, sieve)
    street.merchant.restock(pan.variant, 1)
    from_cart_to_checkout(street, scriptless)
    less = f"Only 1 of {pan.title} are left; you wanted 4."
    expect(scriptless.get_by_text(less).first).to_be_visible()
    shown(street, scriptless, "less-than-wanted-without-script")
    street.merchant.restock(pan.variant, 0)
    from_cart_to_checkout(street, scriptless)
    expect(scriptless.get_by_text(f"{pan.title} cannot be had any more.").first).to_be_visible()
    scriptless.goto(street.pages["cart"])
    expect(scriptless.get_by_label(f"Quantity of {sieve.title}")).to_have_value("1")
    expect(scriptless.get_by_label(f"Quantity of {pan.title}")).to_have_count(0)


def test_a_price_that_changed_meanwhile_is_told_without_script_too(
    street: Street, scriptless: Page
) -> None:
    kettle = street.article("KETTLE")
    bought_without_script(scriptless, kettle, 2)
    street.merchant.reprice(kettle.variant, 2490)
    from_cart_to_checkout(street, scriptless)
    changed = f"{kettle.title} now costs {euros(2490)} instead of {euros(1990)}."
    expect(scriptless.get_by_text(changed).first).to_be_visible()
    shown(street, scriptless, "another-price-without-script")
    scriptless.goto(street.pages["cart"])
    order(street, scriptless, "Continue")
    number = thanks(street, scriptless)
    assert (number, total(street, 4980)) in street.merchant.orders()


def test_two_tabs_and_the_way_back(street: Street, visitor: BrowserContext, page: Page) -> None:
    tray = street.article("TRAY")
    other = visitor.new_page()
    cart(street, other)
    bought(page, tray, 2)
    expect(seen(other.get_by_label(f"Quantity of {tray.title}"))).to_have_value("2")
    seen(other.get_by_label(f"Quantity of {tray.title}")).fill("3")
    other.keyboard.press("Tab")
    expect(seen(other.get_by_text(euros(2400)))).to_be_visible()
    page.goto(street.pages["shop"])
    expect(page.get_by_role("button", name="3 in the cart")).to_be_visible()
    page.goto(street.pages["cart"])
    page.get_by_role("button", name=f"Remove {tray.title}").click()
    expect(page.locator("[part=empty]")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="0 in the cart")).to_be_visible()
    expect(other.locator("[part=empty]")).to_be_visible()


# ---- the page ----


def test_a_page_out_of_the_cache_is_the_same_for_everybody(
    street: Street, page: Page, browser: Browser
) -> None:
    dish = street.article("DISH")
    made = page.goto(dish.url)
    assert made
    bought(page, dish)
    again = page.goto(dish.url)
    assert again
    assert again.headers["x-cache"] == "hit"
    stranger = httpx.get(dish.url, trust_env=False)
    assert stranger.headers["x-cache"] == "hit"
    assert stranger.text == again.text()
    assert "cct_" not in stranger.text
    for name in ("cart", "checkout"):
        answers = [httpx.get(street.pages[name], trust_env=False) for _ in range(2)]
        assert [each.headers["x-cache"] for each in answers] == ["miss", "miss"]
        assert "no-store" in answers[0].headers["cache-control"]


def test_a_changed_price_comes_to_visitors_without_script_too(
    street: Street, scriptless: Page, page: Page
) -> None:
    plate = street.article("PLATE")
    for _ in range(2):
        scriptless.goto(plate.url)
    expect(scriptless.get_by_text(euros(1100)).first).to_be_visible()
    assert httpx.get(plate.url, trust_env=False).headers["x-cache"] == "hit"
    street.merchant.reprice(plate.variant, 990)

    def is_shown() -> bool:
        return euros(990) in httpx.get(plate.url, trust_env=False).text

    until(is_shown, "the new price in the page that Varnish gives", SECONDS_UNTIL_SHOWN)
    scriptless.goto(plate.url)
    expect(scriptless.get_by_text(euros(990)).first).to_be_visible()


def test_all_prices_of_a_page_take_one_request_and_nothing_moves(
    street: Street, page: Page
) -> None:
    spoon = street.article("SPOON")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(WATCH)
    page.route(re.compile(r"\.woff2"), lambda route: route.abort())  # the theme's, which moves text
    for url in (street.pages["shop"], spoon.url):
        asked.clear()
        page.goto(url)
        page.wait_for_load_state("networkidle")
        assert len([each for each in asked if "/v1/blog/offers" in each]) == 1, url
        assert page.evaluate("moved") == [], url


def test_the_elements_keep_the_page_from_nothing(street: Street, page: Page) -> None:
    """The best of five: a busy machine blocks a page too, and not every time."""
    page.add_init_script(WATCH)
    blocked = []
    for _ in range(5):
        page.goto(street.pages["shop"])
        expect(page.get_by_role("button", name="0 in the cart")).to_be_visible()
        page.wait_for_load_state("networkidle")
        blocked.append(page.evaluate("blocked"))
        if blocked[-1] < 50:
            break
    assert min(blocked) < 50, blocked


WATCH = """
    globalThis.blocked = 0;
    globalThis.moved = [];
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) blocked += Math.max(0, each.duration - 50);
    }).observe({ type: 'longtask', buffered: true });
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) {
            for (const { node } of each.sources) {
                if (node?.parentElement?.closest('main')) moved.push(node.nodeName);
            }
        }
    }).observe({ type: 'layout-shift', buffered: true });
"""


def test_axe_finds_no_fault(street: Street, page: Page, scriptless: Page, axe: Axe) -> None:
    fork = street.article("FORK")
    page.goto(street.pages["shop"])
    assert axe.faults(page, "main", "serious critical") == []
    bought(page, fork, 2)
    assert axe.faults(page, "main", "serious critical") == []
    cart(street, page)
    expect(seen(page.get_by_label(f"Quantity of {fork.title}"))).to_be_visible()
    assert axe.faults(page, "main", "serious critical") == []
    page.goto(street.pages["checkout"])
    expect(page.locator("commerce-checkout").get_by_role("button").first).to_be_visible()
    assert axe.faults(page, "main", "serious critical") == []


# ---- what rests ----


def test_nothing_personal_rests_anywhere(street: Street, page: Page) -> None:
    """After an order with script: in neither database, no log, no cache of this machine's."""
    knife = street.article("KNIFE")
    bought(page, knife)
    cart(street, page)
    order(street, page)
    thanks(street, page)
    page.wait_for_function("() => !JSON.stringify(localStorage).includes('cct_')")
    personal = [EMAIL, STREET, "Ada7f3a", "Canary-Lovelace"]
    looked = 0
    for name, content in street.rests():
        looked += len(content)
        for text in personal:
            for form in (text, text.replace(" ", "+"), text.replace("@", "%40")):
                assert form.encode() not in content, (name, text)
    assert looked > 1_000_000
