"""Real WordPress in a browser: the blocks in the editor, and one cart with and without script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Axe
from tests.wordpress_shop import WordPressShop, open_wordpress_shop

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def blog(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPressShop]:
    with open_wordpress_shop(cache, tmp_path_factory.mktemp("blog")) as shop:
        yield shop


@pytest.fixture(autouse=True)
def empty_carts(blog: WordPressShop) -> None:
    blog.carts.carts.clear()


@pytest.fixture
def scriptless(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def with_mini_cart(blog: WordPressShop) -> str:
    return blog.page(f"[commerce_mini_cart][commerce_buy product='{blog.ids['mug']}']")


def pieces(blog: WordPressShop) -> list[int]:
    return [sum(line.quantity for line in cart.lines) for cart in blog.carts.carts.values()]


def buy(page: Page, quantity: int) -> None:
    page.get_by_label("Quantity", exact=True).fill(str(quantity))
    page.get_by_role("button", name="Add to cart").click()


# ---- one cart ----


def test_what_a_script_put_in_stands_in_the_cart_without_script(
    blog: WordPressShop, visitor: BrowserContext, page: Page
) -> None:
    page.goto(with_mini_cart(blog))
    with page.expect_response("**/?commerce-connector=cart"):
        buy(page, 2)
    expect(page.get_by_role("button", name="2 in the cart")).to_be_visible()
    html = visitor.request.get(blog.urls["cart"]).text()
    assert 'name="quantity" value="2"' in html


def test_what_was_pressed_before_the_script_came_is_in_its_cart(
    blog: WordPressShop, page: Page
) -> None:
    url = with_mini_cart(blog)
    page.route("**/storefront/*.js", lambda route: route.abort())
    page.goto(url)
    buy(page, 3)
    expect(page.get_by_text("It is in your cart.")).to_be_visible()
    page.unroute("**/storefront/*.js")
    page.goto(url)
    expect(page.get_by_role("button", name="3 in the cart")).to_be_visible()
    buy(page, 1)
    expect(page.get_by_role("button", name="4 in the cart")).to_be_visible()
    assert pieces(blog) == [4]


# ---- everybody ----


@pytest.mark.parametrize("name", ["mug", "set", "cart", "checkout"])
def test_pages_keep_nobody_out(blog: WordPressShop, page: Page, axe: Axe, name: str) -> None:
    page.goto(blog.urls["mug"])
    buy(page, 1)
    expect(page.get_by_text("A mug is in your cart.")).to_be_visible()
    page.goto(blog.urls[name])
    page.wait_for_load_state("networkidle")
    assert axe.faults(page, "main") == []


@pytest.mark.parametrize("name", ["shop", "landing", "product"])
def test_patterns_keep_nobody_out(blog: WordPressShop, page: Page, axe: Axe, name: str) -> None:
    content = blog.php(
        "$all = WP_Block_Patterns_Registry::get_instance();"
        " echo $all->get_registered( 'commerce-connector/' . $args[0] )['content'];",
        name,
    )
    card, chosen = "product-card /", f'product-card {{"productId":{blog.ids["mug"]}}} /'
    page.goto(blog.page(content.replace(card, chosen), f"Pattern {name}"))
    page.wait_for_load_state("networkidle")
    assert axe.faults(page, "main") == []
    expect(page.get_by_role("link", name="A mug").first).to_be_visible()


def test_forms_without_script_keep_nobody_out(
    blog: WordPressShop, scriptless: Page, page: Page, axe: Axe
) -> None:
    """axe needs a script of its own: it looks at what the server sent to a shopper without one."""
    scriptless.goto(blog.urls["mug"])
    scriptless.get_by_label("Quantity", exact=True).fill("2")
    scriptless.get_by_role("button", name="Add to cart").click()
    expect(scriptless.get_by_role("status")).to_contain_text("It is in your cart.")
    seen = [scriptless.content()]
    scriptless.goto(blog.urls["cart"])
    seen.append(scriptless.content())
    scriptless.get_by_role("button", name="Checkout").click()
    expect(scriptless.get_by_role("heading", name="Contact and address")).to_be_visible()
    seen.append(scriptless.content())
    scriptless.get_by_label("E-mail").evaluate("field => field.form.noValidate = true")
    scriptless.get_by_role("button", name="Continue").click()
    alert = scriptless.get_by_role("alert")
    expect(alert.get_by_role("link", name="E-mail is missing.")).to_be_visible()
    seen.append(scriptless.content())
    page.route("**/storefront/*.js", lambda route: route.abort())
    page.route("**/seen", lambda route: route.fulfill(body=seen[0], content_type="text/html"))
    while seen:
        page.goto(f"{blog.wordpress.url}/seen")
        assert axe.faults(page, "main") == []
        seen.pop(0)


# ---- editors ----


def test_an_editor_finds_a_product_by_typing(blog: WordPressShop, visitor: BrowserContext) -> None:
    """WordPress' own scripts may err (Debian brings them without some); ours may not."""
    page, wrong = visitor.new_page(), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error.stack)))
    url = blog.page("<!-- wp:commerce-connector/product-card /-->", "For editors")
    identity = blog.php("echo url_to_postid( $args[0] );", url)
    page.goto(f"{blog.wordpress.url}/wp-login.php")
    page.get_by_label("Username or Email Address").fill(blog.wordpress.admin_user)
    page.get_by_label("Password", exact=True).fill(blog.wordpress.admin_password)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/**")
    page.goto(f"{blog.wordpress.url}/wp-admin/post.php?post={identity}&action=edit")
    page.wait_for_function("wp.data.select('core/block-editor').getBlocks().length === 1")
    page.evaluate(
        "wp.data.dispatch('core/preferences').set('core/edit-post', 'welcomeGuide', false)"
    )
    page.evaluate(
        "wp.data.dispatch('core/block-editor').selectBlock("
        "wp.data.select('core/block-editor').getBlocks()[0].clientId)"
    )
    picker = page.get_by_role("combobox", name="Product")
    picker.click()
    picker.fill("lamp-1")
    page.get_by_role("option", name="LAMP-1 · 49,00 €").first.click()
    chosen = page.evaluate(
        "wp.data.select('core/block-editor').getBlocks()[0].attributes.productId"
    )
    assert chosen in (blog.ids["lamp"], blog.ids["set"])
    frame = page.frame_locator("iframe[name=editor-canvas]")
    expect(frame.locator("commerce-price, .commerce-connector-price").first).to_contain_text(
        "49,00"
    )
    blocks = page.evaluate(
        "wp.blocks.getBlockTypes().map((each) => each.name)"
        ".filter((name) => name.startsWith('commerce-connector/'))"
    )
    assert len(blocks) == 7
    valid = page.evaluate(
        "wp.data.select('core').getBlockPatterns ? "
        "wp.data.resolveSelect('core').getBlockPatterns().then((all) => all"
        ".filter((each) => each.name.startsWith('commerce-connector/'))"
        ".flatMap((each) => wp.blocks.parse(each.content)).every(function sound(block) {"
        " return block.isValid && block.innerBlocks.every(sound); })) : null"
    )
    assert valid is True
    assert [each for each in wrong if "plugins/commerce-connector" in each] == []
