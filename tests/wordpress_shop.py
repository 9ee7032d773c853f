"""A real WordPress that sells: the plugin paired, three products, the relay with carts in memory.

The relay stands on a port of its own in this process, so that a test is the merchant, loses answers
and lets the engine go away. Used by live and browser tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.wordpress.site import open_site
from connector.clock import SystemClock
from connector.demo.mariadb import MariaDB
from connector.demo.wordpress import WordPress
from connector.model import Subject, SubjectKind
from connector.ports import SiteSettings
from connector.signing import Secret
from connector.testing.carts import MemoryCarts
from tests import wordpress_kinds
from tests.browser.counter import served
from tests.goods import SOLD, confirm_offers, content_of, offers_of, relay_app
from tests.relay_house import BLOG, SHOP, RelayHouse


@dataclass(slots=True)
class WordPressShop:
    """What a test sets up and looks at."""

    wordpress: WordPress
    house: RelayHouse
    secret: str
    relay_url: str = ""
    ids: dict[str, int] = field(default_factory=dict)
    """Posts of the products."""
    urls: dict[str, str] = field(default_factory=dict)
    """Pages: those of the products by name, cart, checkout, and what a test adds."""

    @property
    def carts(self) -> MemoryCarts:
        return self.house.carts

    def php(self, code: str, *args: object) -> str:
        return self.wordpress.php(code, *args)

    def page(self, content: str, title: str = "A page") -> str:
        """The address of a new page with this content."""
        return self.php(
            "$page = array( 'post_type' => 'page', 'post_status' => 'publish',"
            " 'post_title' => $args[0], 'post_content' => $args[1] );"
            " echo get_permalink( wp_insert_post( wp_slash( $page ) ) );",
            title,
            content,
        )

    def address_of_relay(self, url: str) -> None:
        """Say where the relay is, as an administrator does."""
        self.php("update_option( 'commerce_connector_relay', $args[0] );", url)


@contextmanager
def open_wordpress_shop(
    cache: Path,
    folder: Path,
    *,
    hosted: bool = False,
    kind: str = "sqlite",
    mariadb: MariaDB | None = None,
) -> Iterator[WordPressShop]:
    """Everything up and paired until the block ends."""
    house = RelayHouse.build(folder)
    if hosted:
        can = replace(house.carts.capabilities, hosted_checkout=True, shows_cart_id=True)
        house.carts = MemoryCarts(house.carts.articles.values(), can)
    wordpress = wordpress_kinds.start(kind, cache, mariadb)
    try:
        shop = WordPressShop(wordpress, house, wordpress.php("echo commerce_connector_pair();"))
        with served(relay_app(house, wordpress.url, shop.secret)) as url:
            shop.relay_url = url
            _stock(shop)
            yield shop
    finally:
        wordpress.stop()
        house.database.close()


def _stock(shop: WordPressShop) -> None:
    """Put the products on the site, make cart and checkout, say where the relay is."""
    secrets = (Secret.parse(shop.secret),)
    settings = SiteSettings(BLOG, shop.wordpress.url, SHOP, False, secrets, None, {})
    site = open_site(settings, SystemClock())
    for name, (title, variants) in SOLD.items():
        subject = Subject(SubjectKind.PRODUCT, f"p-{name}")
        (receipt,) = site.write_content([content_of(subject, title, variants)])
        shop.ids[name], shop.urls[name] = int(receipt.cms_id or 0), receipt.url or ""
        site.write_offers([offers_of(subject, variants)])
    confirm_offers(shop.house)
    shop.php("Commerce_Connector_Shop_Pages::make();")
    for name in ("cart", "checkout"):
        shop.urls[name] = shop.php("echo Commerce_Connector_Shop_Pages::url( $args[0] );", name)
    shop.address_of_relay(f"{shop.relay_url}/v1/blog")
