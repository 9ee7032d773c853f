"""A shop on a real Drupal without script: what stands on pages, and what shoppers get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from connector.errors import TargetDown
from connector.relay import actions
from tests.goods import EVIL, as_before, bought
from tests.live.drupal_shop import DrupalShop, open_drupal_shop
from tests.live.drupal_site import Where
from tests.plain_browser import Page, PlainBrowser
from tests.relay_house import LAMP, MUG

pytestmark = pytest.mark.live
ADD_MUG = "Add to cart: A mug"
PERSON = {
    "email": "ada@lovelace.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line_1": "Weg 1",
    "postal_code": "10117",
    "city": "Berlin",
    "country": "de",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrupalShop]:
    Where.from_environment()
    with open_drupal_shop(tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture(autouse=True)
def merchant(shop: DrupalShop) -> Iterator[None]:
    """Each test finds prices and stock as they were, and an engine that answers."""
    yield
    as_before(shop.house)


@pytest.fixture
def shopper() -> PlainBrowser:
    return PlainBrowser()


def buy(shop: DrupalShop, shopper: PlainBrowser, quantity: str = "1") -> Page:
    return shopper.press(shopper.get(shop.urls["mug"]), ADD_MUG, quantity=quantity)


# ---- what stands on pages ----


def test_a_product_stands_ready_for_scripts_and_without_them(shop: DrupalShop) -> None:
    page = PlainBrowser().get(shop.urls["mug"])
    assert f'<commerce-price variant="{MUG}">' in page.html
    assert f'<commerce-stock variant="{MUG}" data-availability="in_stock">' in page.html
    (script,) = [each for each in page.scripts if each.get("type") == "module"]
    assert script["src"] == f"{shop.relay_url}/storefront/commerce.js"
    assert requests.get(script["src"], timeout=30).status_code == 200
    (meta,) = re.findall(r'<meta name="commerce-connector"[^>]*>', page.html)
    assert f'content="{shop.relay_url}/v1/blog"' in meta
    assert 'data-cart="/shop/token"' in meta


def test_a_choice_is_a_list_that_price_and_stock_follow(shop: DrupalShop) -> None:
    page = PlainBrowser().get(shop.urls["set"])
    (form,) = re.findall(r'<commerce-buy id="([^"]+)"', page.html)
    assert page.html.count(f'for="{form}"') == 2
    assert re.findall(r'<option value="([^"]+)">', page.html) == [MUG, LAMP]
    assert "From 19,90 €" in page.words


def test_titles_cannot_run(shop: DrupalShop) -> None:
    page = PlainBrowser().get(shop.urls["lamp"])
    assert EVIL in page.words
    assert '<script>alert("title")' not in page.html


def test_product_pages_come_from_the_cache_and_hold_nothing_of_a_shopper(
    shop: DrupalShop, shopper: PlainBrowser
) -> None:
    before = shopper.get(shop.urls["mug"])
    buy(shop, shopper)
    after = shopper.get(shop.urls["mug"])
    assert after.headers["x-drupal-cache"] == "HIT"
    assert after.html == before.html
    assert "set-cookie" not in after.headers


# ---- buying ----


def test_an_article_is_put_into_the_cart_and_the_page_says_so(
    shop: DrupalShop, shopper: PlainBrowser
) -> None:
    shopper.session.headers["referer"] = shop.urls["mug"]
    page = buy(shop, shopper, "2")
    assert page.url.startswith(
        f"{shop.urls['mug']}?commerce-said=added&commerce-form=commerce-product"
    )
    assert "It is in your cart." in page.words
    assert bought(shop.house) == [{MUG: 2}]


def test_where_the_browser_hides_its_page_the_cart_is_shown(
    shop: DrupalShop, shopper: PlainBrowser
) -> None:
    page = buy(shop, shopper)
    assert page.url == shop.urls["cart"]
    assert "It is in your cart. " in page.words
    assert "1 × 19,90 € = 19,90 €" in page.words.replace("\xa0", " ")


def test_nobody_is_led_to_another_site(shop: DrupalShop, shopper: PlainBrowser) -> None:
    shopper.session.headers["referer"] = "https://evil.example//evil.example/x"
    assert urlsplit(buy(shop, shopper).url).netloc == urlsplit(shop.where.url).netloc


def test_the_cart_is_kept_by_nobody_and_its_token_from_scripts(
    shop: DrupalShop, shopper: PlainBrowser
) -> None:
    page = buy(shop, shopper)
    assert "no-store" in page.headers["cache-control"]
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    answer = shopper.session.post(
        shop.urls["cart"],
        {"commerce-connector": "add", "variant": MUG, "quantity": "1"},
        headers={"origin": shop.where.url},
        allow_redirects=False,
        timeout=60,
    )
    set_cookies = answer.raw.headers.getlist("set-cookie")
    (cart,) = [each for each in set_cookies if each.startswith("commerce_connector_cart=")]
    assert "httponly" in cart.lower()
    assert "samesite=lax" in cart.lower()
    token = cart.split(".", maxsplit=1)[1].split(";", maxsplit=1)[0]
    assert token not in page.html


def test_the_cart_is_changed(shop: DrupalShop, shopper: PlainBrowser) -> None:
    page = shopper.press(buy(shop, shopper), "Change: A mug", quantity="3")
    assert "Your cart is up to date." in page.words
    assert bought(shop.house) == [{MUG: 3}]
    page = shopper.press(page, "Remove: A mug")
    assert "It is no longer in your cart." in page.words
    assert "Your cart is empty." in page.words
    assert "Your cart is up to date." not in page.words


def test_a_checkout_of_the_engines_own_is_reached_without_script(
    shop: DrupalShop, shopper: PlainBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(shop, shopper)
    hosted = replace(shop.carts.capabilities, hosted_checkout=True)
    monkeypatch.setattr(shop.carts, "_capabilities", hosted)
    answer = shopper.session.post(
        shop.urls["checkout"],
        {"commerce-connector": "checkout"},
        headers={"origin": shop.where.url},
        allow_redirects=False,
        timeout=60,
    )
    assert (answer.status_code, answer.headers["location"][:8]) == (303, "https://")
    assert urlsplit(answer.headers["location"]).netloc != urlsplit(shop.where.url).netloc
    assert "no-store" in answer.headers["cache-control"]


def test_a_code_that_is_none_is_said_beside_it(shop: DrupalShop, shopper: PlainBrowser) -> None:
    page = shopper.press(buy(shop, shopper), "Apply", code="NOPE")
    assert page.status >= 400
    assert 'aria-invalid="true"' in page.html


def test_what_is_not_there_is_said(shop: DrupalShop, shopper: PlainBrowser) -> None:
    page = buy(shop, shopper, "11")
    assert page.status == 409
    assert "Only 10 left." in page.words
    assert bought(shop.house) in ([], [{}])


def test_pressed_twice_is_bought_once(shop: DrupalShop, shopper: PlainBrowser) -> None:
    """Both presses leave before the answer to the first has come: with the same cookie."""
    buy(shop, shopper)
    form = shopper.get(shop.urls["mug"]).form(ADD_MUG)
    fields = {**form.fields, "quantity": "1"}
    cookies = dict(shopper.session.cookies)
    for _ in range(2):
        again = PlainBrowser()
        again.session.cookies.update(cookies)
        again.post(shop.urls["mug"], form.action, fields)
    assert bought(shop.house) == [{MUG: 2}]


def test_an_engine_that_is_away_loses_nothing(shop: DrupalShop, shopper: PlainBrowser) -> None:
    page = buy(shop, shopper)
    shop.carts.fail_with = TargetDown("the engine is away")
    page = shopper.press(page, "Change: A mug", quantity="4")
    assert page.status == 503
    shop.carts.fail_with = None
    assert "Your cart is up to date." in shopper.press(page, "Try again").words
    assert bought(shop.house) == [{MUG: 4}]


# ---- who sent it ----


def test_other_sites_change_nothing(shop: DrupalShop, shopper: PlainBrowser) -> None:
    fields = {"commerce-connector": "add", "variant": str(MUG), "quantity": "1"}
    page = shopper.post(shop.urls["mug"], shop.urls["cart"], fields, origin="https://evil.example")
    assert page.status == 403
    assert bought(shop.house) == []


def test_a_browser_that_says_nothing_is_asked(shop: DrupalShop) -> None:
    shopper = PlainBrowser(says_where_from=False)
    page = buy(shop, shopper)
    assert page.status == 409
    assert bought(shop.house) == []
    assert "It is in your cart." in shopper.press(page, "Confirm").words
    assert bought(shop.house) == [{MUG: 1}]


def test_script_and_server_share_one_cart(shop: DrupalShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    ask = f"{shop.where.url}/shop/token"
    ours = {"origin": shop.where.url}
    token = shopper.session.post(ask, json={}, headers=ours, timeout=60).json()["token"]
    read = requests.get(
        f"{shop.relay_url}/v1/blog/carts/current",
        headers={"authorization": f"Bearer {token}", "origin": shop.where.url},
        timeout=60,
    )
    assert read.json()["cart"]["pieces"] == 1
    other = PlainBrowser()
    other.session.post(ask, json={"token": token}, headers=ours, timeout=60)
    assert "1 × 19,90 €" in other.get(shop.urls["cart"]).words.replace("\xa0", " ")
    evil = {"origin": "https://evil.example"}
    assert shopper.session.post(ask, json={}, headers=evil, timeout=60).status_code == 403


def test_shoppers_are_told_apart_and_their_addresses_are_not(
    shop: DrupalShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a rate at the relay, under a name that Drupal makes of the address for a day."""
    heard: list[str | None] = []
    rate_of = actions._client_of

    def note(sender: Any, action: Any) -> str | None:
        heard.append(action.client)
        return rate_of(sender, action)

    def names_of(address: str) -> set[str | None]:
        heard.clear()
        one = PlainBrowser()
        one.session.headers["x-forwarded-for"] = address
        buy(shop, one)
        return set(heard)

    monkeypatch.setattr(actions, "_client_of", note)
    (ada,) = names_of("203.0.113.7")
    if ada is None:
        pytest.skip("NO SHOPPER'S NAME WAS TESTED: `reverse_proxy` there does not name 127.0.0.1")
    assert re.fullmatch(r"[0-9a-f]{32}", ada)
    assert names_of("203.0.113.7") == {ada}
    assert names_of("203.0.113.8").isdisjoint({ada, None})
    assert names_of("10.1.2.3") == {None}


# ---- the checkout ----


def test_a_whole_purchase_without_script(shop: DrupalShop, shopper: PlainBrowser) -> None:
    page = shopper.press(buy(shop, shopper), "Checkout")
    assert "Contact and address" in page.words
    page = shopper.press(page, "Continue", **{**PERSON, "email": "nobody", "city": ""})
    assert page.status == 422
    assert "This is no e-mail address." in page.words
    assert "City is missing." in page.words
    assert 'value="Lovelace"' in page.html
    page = shopper.press(page, "Continue", **PERSON)
    assert "Shipping" in page.words
    page = shopper.press(page, "Continue")
    if "Payment" in page.words:
        page = shopper.press(page, "Continue")
    total = re.search(r"Order and pay ([^ ]+.€)", page.words)
    assert total, page.words
    page = shopper.press(page, f"Order and pay {total[1]}")
    assert "Thank you. Your order has the number" in page.words
    assert "There is nothing to order." not in page.words
    ((cart,),) = [list(shop.carts.carts.values())]
    assert cart.ordered


def test_a_price_that_moved_is_said_before_anything_is_ordered(
    shop: DrupalShop, shopper: PlainBrowser
) -> None:
    page = buy(shop, shopper)
    shop.carts.reprice(MUG, 2490)
    page = shopper.press(page, "Checkout")
    assert "24,90" in page.words


def test_without_a_relay_nothing_can_be_bought_and_nothing_breaks(shop: DrupalShop) -> None:
    shop.save_settings(relay="")
    try:
        page = PlainBrowser().get(shop.urls["mug"])
        assert "Add to cart" not in page.words
        assert "19,90 €" in page.words
        assert PlainBrowser().get(shop.urls["cart"]).status == 404
    finally:
        shop.save_settings(relay=f"{shop.relay_url}/v1/blog")


def test_an_address_that_is_none_is_refused(shop: DrupalShop) -> None:
    said = shop.save_settings(relay="https://connector.example/")
    assert "is written like" in said
    assert "Add to cart" in PlainBrowser().get(shop.urls["mug"]).words
