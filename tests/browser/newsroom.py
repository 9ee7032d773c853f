"""A newsroom for browser tests: a sandbox shop, a real WordPress, a daemon between them, and people
with different rights. Knows the command line and the web alone, as its users do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, Page

from adapters.sandbox.run import RunningShop, start_shop
from connector.demo.installed import Installed
from connector.demo.machine import free_port
from connector.demo.wordpress import WordPress
from tests.live.pair import new_secret, pair_with, site_settings, until

PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
PRODUCTS = 12
PASSWORD = "a-long-pass-phrase"
PEOPLE = {
    "anna": ("Anna Editor", "editor"),
    "ben": ("Ben Editor", "editor"),
    "cleo": ("Cleo Writer", "commerce_writer"),
}
"""Login, name and role; writers may edit products, and take nothing over."""
MAKE_PEOPLE = """
$editor = get_role( 'editor' )->capabilities;
unset( $editor['take_over_commerce_fields'] );
add_role( 'commerce_writer', 'Writer', $editor );
foreach ( $args[0] as $login => $who ) {
	$id = wp_insert_user( array( 'user_login' => $login, 'user_pass' => $args[1],
		'user_email' => "$login@site.example", 'display_name' => $who[0], 'role' => $who[1] ) );
	update_user_meta( $id, 'wp_persisted_preferences', array(
		'core' => array( 'welcomeGuide' => false ),
		'core/edit-post' => array( 'welcomeGuide' => false, 'fullscreenMode' => false ),
		'_modified' => gmdate( 'c' ),
	) );
}
"""


@dataclass(slots=True)
class Newsroom:
    """What a test looks at and changes."""

    shop: RunningShop
    site: WordPress
    installed: Installed
    posts: dict[str, int] = field(default_factory=dict)

    def reword(self, product: str, **words: str) -> None:
        """The merchant saves words of a product (title, description ...)."""
        with self.shop.admin() as admin:
            (found,) = admin.get("/v1/products", params={"ids": product}).json()["products"]
            for text in found["texts"].values():
                text.update(words)
            admin.put(f"/admin/products/{product}", json=found).raise_for_status()

    def post(self, product: str) -> int:
        """The number of a product's page."""
        if product not in self.posts:
            found: Any = self.installed.ask("explain", product)
            self.posts[product] = int(found[0]["sites"][0]["cms_id"])
        return self.posts[product]

    def stored(self, product: str, column: str = "post_title") -> str:
        code = "echo get_post_field( $args[1], $args[0], 'raw' );"
        return self.site.php(code, self.post(product), column)

    def set(self, product: str, column: str, value: str) -> None:
        """What an editor saves, without a browser."""
        self.site.php(
            "wp_set_current_user( get_user_by( 'login', 'ben' )->ID );"
            " wp_update_post( wp_slash( array( 'ID' => $args[0], $args[1] => $args[2] ) ) );",
            self.post(product),
            column,
            value,
        )

    def until_stored(self, product: str, wanted: str, column: str = "post_title") -> None:
        until(lambda: wanted in self.stored(product, column), f"{wanted!r} on {product}", 120)

    def log_in(self, browser: Browser, login: str, **context: Any) -> BrowserContext:
        """A browser of this person's own, logged in."""
        opened = browser.new_context(reduced_motion="reduce", **context)
        opened.set_default_timeout(90_000)
        page = opened.new_page()
        page.goto(f"{self.site.url}/wp-login.php", wait_until="domcontentloaded")
        page.fill("#user_login", login)
        page.fill("#user_pass", PASSWORD)
        page.click("#wp-submit")
        page.wait_for_url("**/wp-admin/**", wait_until="domcontentloaded")
        page.close()
        return opened

    def leave(self, product: str) -> None:
        """Nobody has the product open any more, as WordPress takes it 150 s after a tab closed."""
        self.site.php("delete_post_meta( (int) $args[0], '_edit_lock' );", self.post(product))

    def edit(self, context: BrowserContext, product: str, *, takes_over: bool = False) -> Page:
        """The product in the block editor, its panel shown; from another editor's hands, if so."""
        page = context.new_page()
        query = urlencode({"post": self.post(product), "action": "edit"})
        page.goto(f"{self.site.url}/wp-admin/post.php?{query}", wait_until="domcontentloaded")
        if takes_over:
            page.get_by_role("link", name="Take over").click()
        page.locator(".cc-panel .cc-state").wait_for()
        return page


@contextlib.contextmanager
def open_newsroom(cache: Path, home: Path, *, quiet: bool = False) -> Iterator[Newsroom]:
    """All of it, with the first import through. `quiet`: the shop tells the daemon of nothing."""
    port, hook = free_port(), new_secret()
    with contextlib.ExitStack() as stack:
        webhook = None if quiet else (f"http://127.0.0.1:{port}/hooks/shop", hook)
        shop = start_shop(home / "shop.db", free_port(), products=PRODUCTS, webhook=webhook)
        stack.callback(shop.stop)
        site = WordPress.start(cache, plugin=PLUGIN, workers=6)
        stack.callback(site.stop)
        site.php(MAKE_PEOPLE, PEOPLE, PASSWORD)
        backend = {
            "system": "sandbox",
            "url": shop.url,
            "credential": {"env": "SHOP_KEY"},
            "webhook_secrets": [{"env": "SHOP_HOOK"}],
            "poll_seconds": 3600.0 if quiet else 30.0,
        }
        secrets = {"SHOP_KEY": shop.key, "SHOP_HOOK": hook, "SITE_SECRET": pair_with(site)}
        settings = {"backends": {"shop": backend}, "sites": {"blog": site_settings(site.url)}}
        installed = Installed(home / "daemon", settings, secrets, port)
        stack.callback(installed.stop)
        installed.start()
        room = Newsroom(shop, site, installed)
        until(
            lambda: "reconcile:blog" in installed.ask("status")["looked"]["shop"],
            "the first import, proved",
            300,
        )
        yield room
