"""A shop on real WordPress without script: what editors put on pages, and what shoppers get.

The relay and its carts are in this process, so that each test is the merchant too. The way through
the daemon and the sandbox shop's own checkout is walked once, at the end.
"""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.mariadb import MariaDB
from connector.demo.show import SELLING
from connector.demo.wordpress import SCRIPTS, WordPress
from connector.errors import TargetDown
from connector.model import VariantId
from connector.relay.guard import Buckets
from connector.relay.problems import Problem
from tests.conftest import WORDPRESS_PLUGIN
from tests.goods import EVIL, as_before, bought
from tests.live.pair import new_secret, pair_with, site_settings, until
from tests.plain_browser import Page, PlainBrowser
from tests.relay_house import LAMP, MUG
from tests.wordpress_kinds import VERSIONS
from tests.wordpress_shop import WordPressShop, open_wordpress_shop

pytestmark = pytest.mark.live
BLOCKS = (
    "price", "buy-button", "product-card", "product-grid", "cart", "mini-cart", "checkout",
)  # fmt: skip
PERSON = {
    "email": "ada@lovelace.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line_1": "Weg 1",
    "postal_code": "10117",
    "city": "Berlin",
    "country": "de",
}
PAGE = "echo Commerce_Connector_Shop_Pages::url( $args[0] );"
ADD_MUG = "Add to cart: A mug"


@pytest.fixture(scope="module", params=["sqlite", *VERSIONS])
def shop(
    request: pytest.FixtureRequest,
    cache: Path,
    mariadb: MariaDB,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WordPressShop]:
    folder = tmp_path_factory.mktemp("shop")
    with open_wordpress_shop(cache, folder, kind=request.param, mariadb=mariadb) as shop:
        yield shop
        log = shop.wordpress.debug_log
        assert not log.exists(), log.read_text()[:2000]


@pytest.fixture(autouse=True)
def merchant(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test finds prices and stock as they were, and an engine that answers."""
    yield
    if "shop" in request.fixturenames:
        shop: WordPressShop = request.getfixturevalue("shop")
        as_before(shop.house)


@pytest.fixture
def shopper() -> PlainBrowser:
    return PlainBrowser()


def buy(shop: WordPressShop, shopper: PlainBrowser, quantity: str = "1") -> Page:
    return shopper.press(shopper.get(shop.urls["mug"]), ADD_MUG, quantity=quantity)


# ---- what editors put on pages ----


def test_every_block_is_registered_as_its_file_says(shop: WordPressShop) -> None:
    registered = json.loads(
        shop.php(
            "$all = array(); foreach ( WP_Block_Type_Registry::get_instance()->get_all_registered()"
            " as $name => $type ) { if ( 0 === strpos( $name, 'commerce-connector/' ) ) {"
            " $all[ $name ] = array( $type->title, null !== $type->render_callback,"
            " $type->editor_script_handles ); } } echo json_encode( $all );"
        )
    )
    for name in BLOCKS:
        told = json.loads((WORDPRESS_PLUGIN / "blocks" / name / "block.json").read_text())
        assert told["name"] == f"commerce-connector/{name}"
        assert told["apiVersion"] == 3
        assert registered[told["name"]] == [told["title"], True, ["commerce-connector-blocks"]]
    assert len(registered) == len(BLOCKS)


def test_product_blocks_stand_without_script(shop: WordPressShop, shopper: PlainBrowser) -> None:
    mug = json.dumps({"productId": shop.ids["mug"]})
    page = shopper.get(
        shop.page(
            f"<!-- wp:commerce-connector/price {mug} /-->"
            f"<!-- wp:commerce-connector/buy-button {mug} /-->"
            f"<!-- wp:commerce-connector/product-card {mug} /-->"
        )
    )
    assert page.words.count("19,90 €") == 2
    assert page.html.count('<commerce-price variant="v-mug">') == 2
    assert page.html.count("<commerce-buy ") == 2
    assert f'href="{shop.urls["mug"]}"' in page.html
    ids = re.findall(r' id="(commerce-buy-[^"]+)"', page.html)
    assert len(set(ids)) == len(ids) == 4


def test_a_block_in_a_list_shows_the_product_of_its_place(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    what = {"postType": "commerce_product", "perPage": 9, "inherit": False, "orderBy": "title"}
    query = json.dumps({"query": what})
    page = shopper.get(
        shop.page(
            f"<!-- wp:query {query} --><!-- wp:post-template -->"
            "<!-- wp:commerce-connector/price /--><!-- /wp:post-template --><!-- /wp:query -->"
        )
    )
    shown = re.findall(r"<span data-amount>([^<]*)</span>", page.html)
    assert sorted(shown) == ["19,90 €", "49,00 €", "From 19,90 €"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("[commerce_price sku='LAMP-1']", "49,00 €"),
        ("[commerce_stock product='{mug}']", "In stock"),
        ("[commerce_buy product='{mug}']", ADD_MUG),
        ("[commerce_product sku='MUG-1']", "A mug"),
        ("[commerce_products per_page='1' orderby='title' order='desc']", "A mug"),
        ("[commerce_mini_cart]", "Cart"),
    ],
)
def test_shortcodes_show_the_same_parts(
    shop: WordPressShop, shopper: PlainBrowser, code: str, words: str
) -> None:
    page = shopper.get(shop.page(code.format(mug=shop.ids["mug"])))
    assert words in page.words
    assert "[commerce" not in page.words


def test_a_grid_goes_page_by_page_in_the_order_asked_for(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    wish = json.dumps({"perPage": 2, "orderBy": "price", "order": "desc"})
    url = shop.page(f"<!-- wp:commerce-connector/product-grid {wish} /-->")
    first = shopper.get(url)
    titles = re.findall(r'card-title"><a href="([^"]+)"', first.html)
    assert titles[0] == shop.urls["lamp"]
    assert len(titles) == 2
    (onwards,) = set(re.findall(r'href="([^"]*commerce-page=2[^"]*)"', first.html))
    second = shopper.get(urljoin(url, onwards))
    others = re.findall(r'card-title"><a href="([^"]+)"', second.html)
    assert len(others) == 1
    assert not set(others) & set(titles)
    assert 'aria-current="page" class="page-numbers current">2<' in second.html


def test_a_grid_shows_a_category_and_what_is_searched(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    term = shop.php(
        "$term = wp_insert_term( 'Kitchen', 'commerce_category' );"
        "wp_set_object_terms( $args[0], array( $term['term_id'] ), 'commerce_category' );"
        "echo $term['term_id'];",
        shop.ids["mug"],
    )
    wish = json.dumps({"category": [int(term)]})
    shown = shopper.get(shop.page(f"<!-- wp:commerce-connector/product-grid {wish} /-->"))
    assert re.findall(r'card-title"><a href="([^"]+)"', shown.html) == [shop.urls["mug"]]
    slug = shopper.get(shop.page("[commerce_products category='kitchen']"))
    assert re.findall(r'card-title"><a href="([^"]+)"', slug.html) == [shop.urls["mug"]]
    none = shopper.get(shop.page("[commerce_products search='no such thing']"))
    assert "No products were found." in none.words


def test_what_visitors_may_not_see_is_not_shown(shop: WordPressShop, shopper: PlainBrowser) -> None:
    page = shop.page(f"[commerce_product product='{shop.ids['lamp']}']|[commerce_products]")
    shop.php(
        "wp_update_post( array( 'ID' => $args[0], 'post_status' => 'draft' ) );", shop.ids["lamp"]
    )
    try:
        assert "49,00 €" not in shopper.get(page).words
    finally:
        shop.php(
            "wp_update_post( array( 'ID' => $args[0], 'post_status' => 'publish' ) );",
            shop.ids["lamp"],
        )
    assert shopper.get(page).words.count("49,00 €") == 2


def test_patterns_parse_and_render(shop: WordPressShop) -> None:
    told = json.loads(
        shop.php(
            "$all = array(); $known = WP_Block_Patterns_Registry::get_instance();"
            " foreach ( $known->get_all_registered() as $one ) {"
            " if ( 0 !== strpos( $one['name'], 'commerce-connector/' ) ) { continue; }"
            " $blocks = parse_blocks( $one['content'] ); $loose = array();"
            " foreach ( $blocks as $block ) { if ( null === $block['blockName'] &&"
            " '' !== trim( $block['innerHTML'] ) ) { $loose[] = $block['innerHTML']; } }"
            " $same = serialize_blocks( $blocks ) === $one['content'];"
            " $all[ $one['name'] ] = array( $same, $loose, do_blocks( $one['content'] ) ); }"
            " echo json_encode( $all );"
        )
    )
    assert set(told) == {f"commerce-connector/{name}" for name in ("shop", "landing", "product")}
    for same, loose, html in told.values():
        assert same
        assert loose == []
        assert "<!-- wp:" not in html
    assert "A mug" in told["commerce-connector/shop"][2]


def test_the_picker_finds_by_title_and_sku_for_editors_alone(shop: WordPressShop) -> None:
    root = f"{shop.wordpress.url}/wp-json/commerce-connector-editor/v1/products"
    assert requests.get(root, params={"search": "mug"}, timeout=30).status_code == 401
    admin = requests.Session()
    admin.auth = (shop.wordpress.admin_user, shop.wordpress.app_password)

    def find(text: str) -> list[int]:
        return [each["id"] for each in admin.get(root, params={"search": text}, timeout=30).json()]

    assert find("choice") == [shop.ids["set"]]
    assert set(find("LAMP")) == {shop.ids["lamp"], shop.ids["set"]}
    assert find("' OR 1=1 -- ") == []
    assert find("%") == []
    (told,) = admin.get(root, params={"include": shop.ids["lamp"]}, timeout=30).json()
    assert (told["title"], told["skus"], told["price"]) == (EVIL_AS_STORED, ["LAMP-1"], "49,00 €")
    subscriber = shop.php(
        "$id = wp_insert_user( array( 'user_login' => 'sub', 'user_pass' => 'x',"
        " 'role' => 'subscriber' ) ); $name = array( 'name' => 'x' );"
        "echo WP_Application_Passwords::create_new_application_password( $id, $name )[0];"
    )
    assert requests.get(root, auth=("sub", subscriber), timeout=30).status_code == 403


EVIL_AS_STORED = 'A alert("title") & "mug"'


def test_a_theme_overrides_a_part(shop: WordPressShop, shopper: PlainBrowser) -> None:
    page = shop.page(f"[commerce_price product='{shop.ids['mug']}']")
    path = shop.php(
        "$file = get_stylesheet_directory() . '/commerce-connector/price.php';"
        "mkdir( dirname( $file ) );"
        "$text = '<b>only <?php echo esc_html( $product[\"price_text\"] ); ?></b>';"
        "file_put_contents( $file, $text ); echo $file;"
    )
    try:
        assert "only 19,90 €" in shopper.get(page).words
    finally:
        shop.php("unlink( $args[0] ); rmdir( dirname( $args[0] ) );", path)


def test_the_module_comes_to_pages_that_need_it(shop: WordPressShop, shopper: PlainBrowser) -> None:
    module = {"type": "module", "src": f"{shop.relay_url}/storefront/commerce.js"}

    def has_module(url: str) -> bool:
        return any(module.items() <= each.items() for each in shopper.get(url).scripts)

    assert has_module(shop.urls["mug"])
    assert has_module(shop.urls["cart"])
    assert not has_module(shop.page("<p>no product</p>"))
    meta = (
        f'<meta name="commerce-connector" content="{shop.relay_url}/v1/blog" data-market="de"'
        f' data-cart="{shop.wordpress.url}/?commerce-connector=cart">'
    )
    assert meta in shopper.get(shop.urls["mug"]).html


def test_without_a_relay_pages_show_prices_and_sell_nothing(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    shop.address_of_relay("")
    try:
        page = shopper.get(shop.urls["mug"])
        assert "19,90 €" in page.words
        assert "<form" not in page.html.partition("<main")[2].partition("</main")[0]
        assert "commerce.js" not in page.html
        assert "commerce-cart" not in shopper.get(shop.urls["cart"]).html
    finally:
        shop.address_of_relay(f"{shop.relay_url}/v1/blog")


def test_lists_and_skus_hold_what_they_should(shop: WordPressShop) -> None:
    asked = (
        "[commerce_products orderby='price' order='desc']",
        "[commerce_products orderby='price' order='asc' per_page='1']",
        "[commerce_products search='mug' orderby='title' order='asc']",
        "[commerce_product sku='lamp-1']",
    )
    told = (
        "$out = array( Commerce_Connector_Picker::by_sku( 'MUG' ) );"
        " foreach ( $args[0] as $code ) { preg_match_all( '/card-title\">(.*?)<\\/h3/',"
        " do_shortcode( $code ), $found ); $out[] = array_map( 'wp_strip_all_tags', $found[1] ); }"
        " echo json_encode( $out );"
    )
    here = json.loads(shop.php(told, asked))
    assert [len(each) for each in here] == [2, 3, 1, 2, 1]
    assert here[2] == [here[1][1]]


def test_page_caches_learn_which_pages_show_a_changed_product(shop: WordPressShop) -> None:
    card = '<!-- wp:commerce-connector/product-card {{"productId":{0}}} /-->'
    inner = card.format(shop.ids["mug"])
    synced = shop.php(
        "echo wp_insert_post( wp_slash( array( 'post_type' => 'wp_block', 'post_status' =>"
        " 'publish', 'post_title' => 'Synced', 'post_content' => $args[0] ) ) );",
        inner,
    )
    pages = {
        "card": f"<!-- wp:group --><div>{inner}</div><!-- /wp:group -->",
        "pattern": f'<!-- wp:block {{"ref":{synced}}} /-->',
        "code": "[commerce_price sku='MUG-1']",
        "grid": "<!-- wp:commerce-connector/product-grid /-->",
        "other card": card.format(shop.ids["lamp"]),
        "words": "<p>commerce</p>",
    }
    purged = (
        "$seen = array(); add_action( 'clean_post_cache', function ( $id ) use ( &$seen ) {"
        " $seen[] = $id; } ); Commerce_Connector_Purge::offers( array( $args[0] ) );"
        " echo json_encode( array_map( 'get_permalink', $seen ) );"
    )
    urls = {name: shop.page(content, name) for name, content in pages.items()}
    told = json.loads(shop.php(purged, shop.ids["mug"]))
    assert shop.urls["mug"] in told
    assert {name for name, url in urls.items() if url in told} == set(pages) - {
        "other card",
        "words",
    }
    shop.php("wp_delete_post( url_to_postid( $args[0] ), true );", urls["card"])
    assert urls["card"] not in json.loads(shop.php(purged, shop.ids["mug"]))
    shop.php(
        "wp_update_post( wp_slash( array( 'ID' => $args[0], 'post_content' => $args[1] ) ) );",
        synced,
        card.format(shop.ids["lamp"]),
    )
    assert urls["pattern"] not in json.loads(shop.php(purged, shop.ids["mug"]))
    assert urls["pattern"] in json.loads(shop.php(purged, shop.ids["lamp"]))


# ---- buying ----


def test_buying_leads_back_and_says_so(shop: WordPressShop, shopper: PlainBrowser) -> None:
    page = buy(shop, shopper, "2")
    assert page.url.split("?")[0] == shop.urls["mug"]
    assert "It is in your cart. To the cart" in page.words
    assert bought(shop.house) == [{"v-mug": 2}]
    buy(shop, shopper, "1")
    assert bought(shop.house) == [{"v-mug": 3}]
    assert "It is in your cart" not in shopper.get(shop.urls["mug"]).words


def test_a_chosen_variant_is_bought(shop: WordPressShop, shopper: PlainBrowser) -> None:
    page = shopper.get(shop.urls["set"])
    shopper.press(page, "Add to cart: A choice", variant="v-lamp")
    assert bought(shop.house) == [{"v-lamp": 1}]


def test_a_themes_form_may_name_the_article_by_sku(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    fields = {"commerce-connector": "add", "sku": "LAMP-1"}
    page = shopper.post(shop.urls["mug"], "", fields)
    assert "It is in your cart." in page.words
    assert bought(shop.house) == [{"v-lamp": 1}]
    unknown = shopper.post(shop.urls["mug"], "", {**fields, "sku": "NONE"})
    assert unknown.status == 404
    assert 'role="alert"' in unknown.html


def test_pressed_twice_is_one_intention(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    page = shopper.get(shop.urls["mug"])
    kept = shopper.session.cookies.copy()
    shopper.press(page, ADD_MUG)
    shopper.session.cookies = kept
    shopper.press(page, ADD_MUG)
    assert bought(shop.house) == [{"v-mug": 2}]


@pytest.mark.parametrize("quantity", ["0", "-1", "1000", "1.5", "many"])
def test_a_quantity_that_is_none_is_said_beside_its_field(
    shop: WordPressShop, shopper: PlainBrowser, quantity: str
) -> None:
    page = buy(shop, shopper, quantity)
    assert page.status == 422
    assert "Please write a quantity from 1 to 999." in page.words
    assert 'aria-invalid="true" aria-describedby="commerce-buy-' in page.html
    assert bought(shop.house) == []


def test_more_than_there_is_is_refused_in_the_markets_language(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    page = buy(shop, shopper, "11")
    assert page.status == 409
    assert "Only 10 left." in page.words
    assert 'role="alert"' in page.html
    assert page.url == shop.urls["mug"]


def test_an_engine_that_is_away_loses_nothing(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    shop.carts.fail_with = TargetDown("the engine is away")
    page = buy(shop, shopper, "2")
    assert page.status == 503
    shop.carts.fail_with = None
    after = shopper.press(page, "Try again")
    assert "It is in your cart" in after.words
    assert bought(shop.house) == [{"v-mug": 3}]


def test_a_relay_that_is_away_is_said_clearly(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    shop.address_of_relay("http://127.0.0.1:9/v1/blog")
    try:
        page = buy(shop, shopper)
        assert page.status == 503
        assert "The shop does not answer just now. Nothing is lost" in page.words
        assert "The shop does not answer just now." in shopper.get(shop.urls["cart"]).words
    finally:
        shop.address_of_relay(f"{shop.relay_url}/v1/blog")
    shopper.press(page, "Try again")
    assert bought(shop.house) == [{"v-mug": 2}]
    log = shop.wordpress.debug_log
    assert "the relay does not answer" in log.read_text()
    log.unlink()


def too_often(_buckets: Buckets, _name: str) -> None:
    raise Problem("rate", 60)


def test_too_often_is_said_and_loses_nothing(
    shop: WordPressShop, shopper: PlainBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(shop, shopper)
    with monkeypatch.context() as patch:
        patch.setattr(Buckets, "take", too_often)
        page = buy(shop, shopper)
        assert page.status == 429
        assert "Das war viel auf einmal." in page.words
    shopper.press(page, "Try again")
    assert bought(shop.house) == [{"v-mug": 2}]


def test_an_add_whose_answer_is_lost_happens_once(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    buy(shop, shopper)
    shop.carts.lose_writes("change", 1)
    buy(shop, shopper, "2")
    assert bought(shop.house) == [{"v-mug": 3}]


def test_a_cart_that_is_gone_begins_anew(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper, "2")
    shop.carts.carts.clear()
    assert "Your cart is empty." in shopper.get(shop.urls["cart"]).words
    buy(shop, shopper)
    assert bought(shop.house) == [{"v-mug": 1}]


# ---- the cart ----


def test_quantities_codes_and_removal(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper, "2")
    cart = shopper.get(shop.urls["cart"])
    assert "A mug" in cart.words
    assert "39,80" in cart.words
    cart = shopper.press(cart, "Change: A mug", quantity="4")
    assert "Your cart is up to date." in cart.words
    assert bought(shop.house) == [{"v-mug": 4}]
    cart = shopper.press(cart, "Apply", code="NONE")
    assert cart.status == 422
    assert 'role="alert"' in cart.html
    assert "79,60" in cart.words
    cart = shopper.press(cart, "Apply", code="TEN")
    assert "−7,96" in cart.words
    cart = shopper.press(cart, "Remove code TEN")
    assert "−7,96" not in cart.words
    cart = shopper.press(cart, "Remove: A mug")
    assert "Your cart is empty." in cart.words
    assert "It is no longer in your cart." in cart.words
    assert "no longer in your cart" not in shopper.get(shop.urls["cart"]).words
    assert bought(shop.house) == [{}]


def test_pages_with_a_cart_are_kept_by_nobody(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    for name in ("cart", "checkout"):
        page = shopper.get(shop.urls[name])
        assert page.headers["cache-control"] == "private, no-store, max-age=0"
        assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
        assert "noindex" in page.html.partition("</head>")[0]
    code = shopper.get(shop.page("[commerce_cart]"))
    assert code.headers["cache-control"] == "private, no-store, max-age=0"
    assert "19,90" in code.words


def test_pages_that_caches_keep_hold_nothing_personal(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    """With a cart and without: byte for byte the same page, and no cookie comes with it."""
    mini = shop.page(f"[commerce_mini_cart][commerce_buy product='{shop.ids['mug']}']")
    buy(shop, shopper)
    for url in (shop.urls["mug"], mini):
        mine, theirs = shopper.get(url), PlainBrowser().get(url)
        assert mine.html == theirs.html
        assert "cct_" not in mine.html
        assert "nonce" not in mine.html.partition("<main")[2].partition("</main")[0]
        assert "set-cookie" not in mine.headers


def test_a_cart_where_it_was_not_foreseen_is_a_link(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    """In a template the block may stand on a page that a cache keeps."""
    buy(shop, shopper)
    told = shop.php("echo do_blocks( '<!-- wp:commerce-connector/cart /-->' );")
    assert f'<a href="{shop.urls["cart"]}">' in told
    assert "19,90" not in told


# ---- the checkout ----


def at_review(shop: WordPressShop, shopper: PlainBrowser) -> Page:
    """A cart of two mugs, one button before the order."""
    buy(shop, shopper, "2")
    page = shopper.press(shopper.get(shop.urls["cart"]), "Checkout")
    page = shopper.press(page, "Continue", **PERSON)
    return shopper.press(page, "Continue", option="post")


def test_a_purchase_step_by_step(shop: WordPressShop, shopper: PlainBrowser) -> None:
    review = at_review(shop, shopper)
    assert "2 × A mug" in review.words
    button = next(words for words, *_ in review.form("Order and pay 44,70 €").buttons)
    thanks = shopper.press(review, button)
    (order,) = shop.carts.orders.values()
    assert f"Thank you. Your order has the number {order.number}." in thanks.words
    assert "2 × A mug" in thanks.words
    assert "44,70" in thanks.words
    assert order.number in shopper.get(shop.urls["checkout"]).words
    shop.carts.orders.clear()
    buy(shop, shopper)
    assert "There is nothing to order" not in shopper.get(shop.urls["checkout"]).words


def test_wrong_fields_are_tied_to_what_is_said_of_them(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    buy(shop, shopper)
    page = shopper.press(shopper.get(shop.urls["cart"]), "Checkout")
    wrong = shopper.press(
        page, "Continue", **{**PERSON, "email": "ada", "city": "", "line_1": "<b>"}
    )
    assert wrong.status == 422
    assert "This is no e-mail address." in wrong.words
    assert "City is missing." in wrong.words
    assert 'aria-describedby="commerce-checkout-city-wrong"' in wrong.html
    assert '<a href="#commerce-checkout-email">' in wrong.html
    assert wrong.form("Continue").fields["last_name"] == "Lovelace"
    assert wrong.form("Continue").fields["line_1"] == "<b>"
    assert shopper.press(wrong, "Continue", **PERSON).words.count("Shipping") >= 1


def test_steps_are_not_skipped(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    page = shopper.get(f"{shop.urls['checkout']}?commerce-step=review")
    assert "Contact and address" in page.words
    begin = shopper.get(shop.urls["checkout"])
    assert "Your cart" in begin.words


def test_a_price_that_changed_is_agreed_to_again(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    review = at_review(shop, shopper)
    shop.carts.reprice(MUG, 2500)
    again = shopper.press(review, "Order and pay 44,70 €")
    assert again.status == 409
    assert "kostet jetzt 25,00" in again.words
    assert shop.carts.orders == {}
    shopper.press(again, "Order and pay 54,90 €")
    assert len(shop.carts.orders) == 1
    shop.carts.orders.clear()


def test_what_changed_is_said_at_the_beginning_of_the_checkout(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    buy(shop, shopper, "2")
    shop.carts.reprice(MUG, 2500)
    page = shopper.press(shopper.get(shop.urls["cart"]), "Checkout")
    assert "kostet jetzt 25,00" in page.words
    assert "Contact and address" in page.words


def test_a_forged_total_makes_no_order(shop: WordPressShop, shopper: PlainBrowser) -> None:
    review = at_review(shop, shopper)
    button = "Order and pay 44,70 €"
    answer = shopper.press(review, button, total="1")
    assert answer.status == 409
    assert shop.carts.orders == {}


def test_nothing_personal_is_in_the_database(shop: WordPressShop, shopper: PlainBrowser) -> None:
    shopper.press(at_review(shop, shopper), "Order and pay 44,70 €")
    shop.carts.orders.clear()
    place = shop.wordpress.place
    files = [file.read_bytes() for file in place.sqlite_file.parent.iterdir()]
    if place.database is not None:
        files = [shop.php((SCRIPTS / "dump.php").read_text()).encode()]
    assert any(b"commerce_connector_pages" in content for content in files)
    for secret in (b"lovelace.example", b"Lovelace", b"10117", b"cct_"):
        assert not any(secret in content for content in files), secret


# ---- languages ----


@pytest.mark.parametrize(
    ("locale", "button", "says"),
    [
        ("de_AT", "In den Warenkorb: A mug", "Es liegt im Warenkorb."),
        ("fr_CA", "Ajouter au panier: A mug", "C'est dans le panier."),
    ],
)
def test_pages_speak_the_sites_language(
    shop: WordPressShop, shopper: PlainBrowser, locale: str, button: str, says: str
) -> None:
    chosen = shop.wordpress.place.root / "wp-content" / "mu-plugins" / "locale.php"
    chosen.write_text(f"<?php add_filter( 'locale', fn() => '{locale}' );")
    try:
        page = shopper.press(shopper.get(shop.urls["mug"]), button)
        assert says in page.words.replace("’", "'")
    finally:
        chosen.unlink()


@pytest.mark.parametrize(
    ("locale", "title", "columns"),
    [("de_AT", "Produktpreis", "Spalten"), ("fr_CA", "Prix du produit", "Colonnes")],
)
def test_blocks_speak_the_editors_language(
    shop: WordPressShop, locale: str, title: str, columns: str
) -> None:
    chosen = shop.wordpress.place.root / "wp-content" / "mu-plugins" / "locale.php"
    chosen.write_text(f"<?php add_filter( 'locale', fn() => '{locale}' );")
    try:
        said = shop.php(
            "$blocks = WP_Block_Type_Registry::get_instance();"
            " echo $blocks->get_registered( 'commerce-connector/price' )->title, PHP_EOL,"
            " wp_scripts()->print_translations( 'commerce-connector-blocks', false );"
        )
    finally:
        chosen.unlink()
    assert said.splitlines()[0] == title
    assert f'"Columns":["{columns}"]' in said


# ---- who may ----


ASKED_FROM = """
$_SERVER['REMOTE_ADDR'] = $args[0];
add_filter( 'pre_http_request', function ( $none, $sent ) {
    echo $sent['body'];
    return array( 'response' => array( 'code' => 200 ), 'headers' => array(), 'body' => '{}' );
}, 10, 2 );
Commerce_Connector_Relay::ask( 'read_cart', '' );
"""


def client_at(shop: WordPressShop, address: str) -> str | None:
    """What the relay is told of a shopper with this address."""
    sent = shop.php(ASKED_FROM, address)
    assert address not in sent
    found: str | None = json.loads(sent).get("client")
    return found


def test_the_relay_can_tell_shoppers_apart_and_learns_no_address(shop: WordPressShop) -> None:
    ada = client_at(shop, "203.0.113.7")
    assert re.fullmatch("[0-9a-f]{32}", ada or "")
    assert client_at(shop, "203.0.113.7") == ada
    assert client_at(shop, "203.0.113.8") != ada
    household = client_at(shop, "2003:db8:0:1::1")
    assert household == client_at(shop, "2003:db8:0:1::2")
    assert household != client_at(shop, "2003:db8:0:2::1")
    for proxy in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1", "unknown"):
        assert client_at(shop, proxy) is None, proxy


def fields_of(shop: WordPressShop) -> dict[str, str]:
    form = f"commerce-buy-{shop.ids['mug']}"
    return {"commerce-connector": "add", "form": form, "variant": "v-mug", "quantity": "1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null", "referer": "https://evil.example/page"},
        {"referer": "https://evil.example/page"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "HOME"},
        {"origin": "HOME.evil.example"},
        {"origin": "http://127.0.0.1"},
    ],
)
def test_another_sites_form_does_nothing(shop: WordPressShop, headers: dict[str, str]) -> None:
    sent = {name: value.replace("HOME", shop.wordpress.url) for name, value in headers.items()}
    answer = requests.post(shop.urls["mug"], fields_of(shop), headers=sent, timeout=60)
    assert answer.status_code == 403
    assert "sent by another site" in answer.text
    assert "set-cookie" not in answer.headers
    assert bought(shop.house) == []


@pytest.mark.parametrize("sent", [{}, {"origin": "null"}])
def test_a_browser_that_says_nothing_is_asked_to_confirm(
    shop: WordPressShop, sent: dict[str, str]
) -> None:
    shopper = PlainBrowser(says_where_from=False)
    answer = shopper.session.post(shop.urls["mug"], fields_of(shop), headers=sent, timeout=60)
    page = Page(answer.url, answer.status_code, {}, answer.text)
    assert page.status == 409
    assert bought(shop.house) == []
    stranger = PlainBrowser(says_where_from=False)
    stranger.press(page, "Confirm")
    assert bought(shop.house) == []
    assert "It is in your cart" in shopper.press(page, "Confirm").words
    assert bought(shop.house) == [{"v-mug": 1}]


@pytest.mark.parametrize(
    "path",
    ["//evil.example/page", "/\\evil.example", "/?back=https://evil.example", "/@evil.example/"],
)
def test_nobody_is_sent_elsewhere(shop: WordPressShop, path: str) -> None:
    more = {"back": "https://evil.example", "_wp_http_referer": "https://evil.example"}
    session = requests.Session()
    request = requests.Request(
        "POST", shop.wordpress.url, data={**fields_of(shop), **more},
        headers={"origin": shop.wordpress.url, "referer": f"{shop.wordpress.url}/x"},
    ).prepare()  # fmt: skip
    request.url = shop.wordpress.url + path
    answer = session.send(request, timeout=60, allow_redirects=False)
    if answer.is_redirect:
        assert answer.headers["location"].startswith(f"{shop.wordpress.url}/")


def test_what_titles_and_addresses_hold_cannot_run(
    shop: WordPressShop, shopper: PlainBrowser
) -> None:
    shop.carts.articles[LAMP] = shop.carts.articles[LAMP].__class__(
        VariantId(LAMP), "LAMP-1", EVIL, 4900, 3
    )
    page = shopper.get(shop.urls["lamp"])
    assert '<script>alert("title")' not in page.html
    shopper.post(shop.urls["lamp"], "", {**fields_of(shop), "variant": "v-lamp", "form": "x"})
    cart = shopper.get(shop.urls["cart"])
    assert EVIL in cart.words
    assert '<script>alert("title")' not in cart.html
    grid = shop.page("[commerce_products per_page='1']")
    word = '"><script>alert(1)</script>'
    for query in ("commerce-form", "commerce-said", "commerce-page", "commerce-step", "x"):
        url = (
            requests.Request("GET", grid, params={query: word, "commerce-page-2": word})
            .prepare()
            .url
        )
        assert url
        assert "<script>alert(1)" not in shopper.get(url).html
    evil = {**fields_of(shop), "quantity": word, "form": word, "x": word}
    assert "<script>alert(1)" not in shopper.post(shop.urls["mug"], "", evil).html


# ---- one cart for script and server ----


def share(shop: WordPressShop, session: requests.Session, body: Any, **headers: str) -> Any:
    sent = {"origin": shop.wordpress.url, "content-type": "application/json", **headers}
    url = f"{shop.wordpress.url}/?commerce-connector=cart"
    return session.post(url, data=json.dumps(body), headers=sent, timeout=60)


def test_a_script_learns_of_the_servers_cart(shop: WordPressShop, shopper: PlainBrowser) -> None:
    buy(shop, shopper)
    mark = shopper.session.cookies["commerce_cart"]
    answer = share(shop, shopper.session, {})
    token = answer.json()["token"]
    assert token.startswith("cct_")
    assert "no-store" in answer.headers["cache-control"]
    assert "access-control-allow-origin" not in answer.headers
    assert shopper.session.cookies["commerce_cart"] == mark
    read = requests.get(
        f"{shop.relay_url}/v1/blog/carts/current",
        headers={"authorization": f"Bearer {token}", "origin": shop.wordpress.url},
        timeout=60,
    )
    assert read.json()["cart"]["pieces"] == 1


def test_the_server_learns_of_a_scripts_cart(shop: WordPressShop, shopper: PlainBrowser) -> None:
    made = requests.post(
        f"{shop.relay_url}/v1/blog/carts",
        json={"lines": [{"variant": "v-mug", "quantity": 3}]},
        headers={"idempotency-key": uuid.uuid4().hex, "origin": shop.wordpress.url},
        timeout=60,
    ).json()
    share(shop, shopper.session, {"token": made["token"]})
    assert "59,70" in shopper.get(shop.urls["cart"]).words
    cookies = {each.name: each for each in shopper.session.cookies}
    kept = cookies["commerce_connector_cart"]
    assert kept.has_nonstandard_attr("HttpOnly")
    assert kept.get_nonstandard_attr("SameSite") == "Lax"
    assert made["token"] not in (cookies["commerce_cart"].value or "")
    share(shop, shopper.session, {"token": None})
    assert "Your cart is empty." in shopper.get(shop.urls["cart"]).words


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
def test_other_pages_neither_learn_of_a_cart_nor_plant_one(
    shop: WordPressShop, shopper: PlainBrowser, headers: dict[str, str]
) -> None:
    buy(shop, shopper)
    before = shopper.session.cookies["commerce_connector_cart"]
    for body in ({}, {"token": "cct_" + "x" * 40}):
        answer = share(shop, shopper.session, body, **headers)
        assert answer.status_code == 403
        assert "cct_" not in answer.text
    assert shopper.session.cookies["commerce_connector_cart"] == before


# ---- administrators ----


def test_the_settings_say_where_the_relay_is_and_test_it(shop: WordPressShop) -> None:
    kept = shop.php(
        "require_once ABSPATH . 'wp-admin/includes/admin.php'; echo json_encode("
        " array_map( array( 'Commerce_Connector_Shop_Settings', 'address' ), $args[0] ) );",
        [
            "https://connector.example/v1/blog/",
            "",
            "javascript:alert(1)",
            "https://connector.example",
            "https://user@connector.example/v1/blog",
            'https://connector.example/v1/blog"><script>',
        ],
    )
    there = f"{shop.relay_url}/v1/blog"
    assert json.loads(kept) == ["https://connector.example/v1/blog", "", there, there, there, there]
    tested = "echo Commerce_Connector_Shop_Settings::tested();"
    assert shop.php(tested) == "The relay answers, and takes our signature."
    shop.address_of_relay(f"{shop.relay_url}/v1/another")
    try:
        assert "does not take our signature" in shop.php(tested)
    finally:
        shop.address_of_relay(there)
    shown = shop.php(
        "require_once ABSPATH . 'wp-admin/includes/admin.php'; Commerce_Connector_Settings::show();"
    )
    assert f'value="{there}"' in shown
    assert "Make the pages" not in shown


def test_a_rotated_secret_signs_on(shop: WordPressShop, shopper: PlainBrowser) -> None:
    """The daemon may know only the older one for a while."""
    shop.php("Commerce_Connector_Secrets::rotate();")
    buy(shop, shopper)
    assert bought(shop.house) == [{"v-mug": 1}]


def test_pages_are_made_on_request_only_and_go_with_the_plugin(
    cache: Path, mariadb: MariaDB
) -> None:
    wordpress = WordPress.start(cache, database=mariadb, plugin=WORDPRESS_PLUGIN)
    pages = "echo array_sum( (array) wp_count_posts( 'page' ) );"
    try:
        before = int(wordpress.php(pages))
        assert wordpress.php("echo Commerce_Connector_Shop_Pages::make();") == "2"
        assert wordpress.php("echo Commerce_Connector_Shop_Pages::make();") == "0"
        assert int(wordpress.php(pages)) == before + 2
        wordpress.php("update_option( 'commerce_connector_relay', 'https://x.example/v1/blog' );")
        uninstall = (
            "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
            "deactivate_plugins( 'commerce-connector/commerce-connector.php' );"
            "uninstall_plugin( 'commerce-connector/commerce-connector.php' );"
        )
        wordpress.php(uninstall)
        assert int(wordpress.php(pages)) == before
        left = wordpress.php(
            'global $wpdb; echo json_encode( $wpdb->get_col( "SELECT option_name'
            " FROM $wpdb->options WHERE option_name LIKE '%commerce%'\" ) );"
        )
        assert json.loads(left) == []
    finally:
        wordpress.stop()


def test_a_purchase_through_the_daemon_at_the_sandbox_shops_own_checkout(
    wordpress_on_sqlite: WordPress, shopper: PlainBrowser, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        sold = stack.enter_context(running_shop(tmp_path / "shop.db", free_port(), products=5))
        keys = {
            "SHOP_KEY": sold.key,
            "SITE_SECRET": pair_with(wordpress_on_sqlite),
            "RELAY_KEY": new_secret(),
        }
        backend = {"system": "sandbox", "url": sold.url, "credential": {"env": "SHOP_KEY"}}
        settings = {
            "backends": {"shop": backend},
            "sites": {"blog": site_settings(wordpress_on_sqlite.url)},
            "relay": {"keys": [{"env": "RELAY_KEY"}]},
        }
        installed = Installed(tmp_path / "daemon", settings, keys)
        stack.callback(installed.stop)
        wordpress_on_sqlite.php(SELLING, f"{installed.url}/v1/blog")
        installed.start()
        imported = "import:blog"
        until(
            lambda: (
                imported in installed.ask("status")["looked"]["shop"] and not installed.waiting()
            ),
            "the first import",
            180,
        )
        variant = sold.product("p0000001")["variants"][0]
        (found,) = installed.ask("explain", variant["sku"])
        product = shopper.get(found["sites"][0]["url"])
        (button,) = product.form_with("variant").buttons
        shopper.press(product, button[0], variant=variant["id"], quantity="2")
        cart = shopper.get(wordpress_on_sqlite.php(PAGE, "cart"))
        hosted = shopper.press(cart, "Checkout")
        assert hosted.url.startswith(f"{sold.url}/checkout/")
        thanks = shopper.press(
            hosted,
            "Pay (test payment, no card needed)",
            email="ada@lovelace.example",
            address="Weg 1",
        )
        assert thanks.url.split("?")[0] == wordpress_on_sqlite.php(PAGE, "checkout")
        assert re.search(r"Thank you\. Your order has the number \S+\.", thanks.words)
        assert "2 × " in thanks.words


def test_every_file_is_php_that_parses() -> None:
    files = sorted(WORDPRESS_PLUGIN.rglob("*.php"))
    assert len(files) > 60
    for file in files:
        done = subprocess.run(["php", "-l", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
