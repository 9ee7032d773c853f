"""A street with a shop, all of it real: engine, daemon with the relay, WordPress behind a Varnish.

Knows no test: it sells articles, says where their pages are, and what stands in the databases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from adapters.sandbox.run import running_shop
from connector.demo.installed import Installed
from connector.demo.machine import LOOPBACK, cache_dir, free_port, hand_over, scratch
from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.varnish import Varnish
from connector.demo.wordpress import WordPress
from connector.model import VariantId
from tests.conftest import MEDUSA_PLUGIN, ROOT, WORDPRESS_PLUGIN
from tests.live.pair import new_secret, pair_with, site_settings, until
from tests.merchants import (
    MEDUSA_CODE,
    SANDBOX_CODE,
    Merchant,
    SandboxMerchant,
    medusa_merchant,
)

PURGE = ROOT / "deploy" / "varnish" / "purge.php"
ARTICLES = {
    "LAMP": (4900, 9),
    "VASE": (2500, 9),
    "BOWL": (1000, 50),
    "JUG": (1000, 5),
    "CUP": (700, 50),
    "POT": (1990, 50),
    "TRAY": (800, 50),
    "DISH": (1200, 50),
    "PLATE": (1100, 50),
    "FORK": (400, 50),
    "KNIFE": (900, 50),
    "SPOON": (300, 50),
    "KETTLE": (1990, 50),
    "PAN": (1000, 5),
    "SIEVE": (700, 50),
}
"""What is sold: SKU, price in cents, pieces."""
FURNISH = """
list( $relay, $skus ) = $args;
update_option( 'commerce_connector_relay', $relay );
Commerce_Connector_Shop_Pages::make();
$content  = '<!-- wp:commerce-connector/mini-cart /-->';
$content .= '<!-- wp:commerce-connector/product-grid {"orderBy":"title","perPage":15} /-->';
$page     = array( 'post_type' => 'page', 'post_status' => 'publish', 'post_title' => 'Shop' );
$shop     = wp_insert_post( $page + array( 'post_content' => $content ) );
$pages    = array( 'shop' => get_permalink( $shop ) );
foreach ( array( 'cart', 'checkout' ) as $name ) {
    $pages[ $name ] = Commerce_Connector_Shop_Pages::url( $name );
}
$articles = array();
foreach ( $skus as $sku ) {
    $articles[ $sku ] = get_permalink( Commerce_Connector_Picker::by_sku( $sku, true )[0] );
}
echo wp_json_encode( compact( 'pages', 'articles' ) );
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """One commerce engine, for the street."""

    system: str
    merchant: Merchant
    settings: dict[str, Any]
    credential: str = field(repr=False)
    code: str
    hosted: bool
    """It has a checkout page of its own."""


@dataclass(frozen=True, slots=True)
class Article:
    sku: str
    title: str
    variant: VariantId
    url: str
    """Its page."""


@dataclass(slots=True)
class Street:
    engine: Engine
    site: WordPress
    cache: Varnish
    installed: Installed
    articles: dict[str, Article] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """The addresses of shop, cart and checkout."""
    pictures: Path = field(default_factory=lambda: _folder(cache_dir() / "screens"))

    @property
    def merchant(self) -> Merchant:
        return self.engine.merchant

    @property
    def relay(self) -> str:
        return f"{self.installed.url}/v1/blog"

    def article(self, name: str) -> Article:
        """One of ARTICLES; each test has its own."""
        return self.articles[name]

    def offers(self, *skus: str) -> dict[str, dict[str, Any]]:
        """What the relay offers, by SKU."""
        answer = httpx.get(f"{self.relay}/offers", params={"sku": skus}, trust_env=False)
        return {each["sku"]: each for each in answer.raise_for_status().json()["offers"]}

    def rests(self) -> Iterator[tuple[str, bytes]]:
        """All that rests somewhere: both databases, as they lie on the disk, and every log."""
        places = [
            *self.site.place.sqlite_file.parent.iterdir(),
            *self.installed.home.iterdir(),
            self.site.place.home / "log",
            self.cache.server.log,
        ]
        for place in places:
            if place.is_file():
                yield place.name, place.read_bytes()


def _folder(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    return place


@contextmanager
def open_street(system: str, cache: Path, postgres: Postgres) -> Iterator[Street]:
    """Everything up, paired and imported, until the block ends."""
    with ExitStack() as stack:
        port, hook = free_port(), new_secret()
        engine = stack.enter_context(_ENGINES[system](cache, postgres, port, hook))
        visitors, own = free_port(), free_port()
        public = f"http://{LOOPBACK}:{visitors}"
        site = WordPress.start(cache, plugin=WORDPRESS_PLUGIN, port=own, public=public)
        stack.callback(site.stop)
        varnish = Varnish.start(visitors, own)
        stack.callback(varnish.stop)
        installed = _install(engine, public, pair_with(site), hook, port)
        stack.callback(installed.stop)
        installed.start()
        street = Street(engine, site, varnish, installed)
        _furnish(street)
        yield street


def _install(engine: Engine, public: str, site_secret: str, hook: str, port: int) -> Installed:
    shop = {
        **engine.settings,
        "credential": {"env": "SHOP_KEY"},
        "webhook_secrets": [{"env": "SHOP_HOOK"}],
    }
    settings = {
        "backends": {"shop": shop},
        "sites": {"blog": site_settings(public)},
        "relay": {"keys": [{"env": "RELAY_KEY"}]},
    }
    environment = {
        "SHOP_KEY": engine.credential,
        "SHOP_HOOK": hook,
        "SITE_SECRET": site_secret,
        "RELAY_KEY": new_secret(),
    }
    return Installed(scratch("street"), settings, environment, port)


def _furnish(street: Street) -> None:
    """What a merchant and an editor do: articles, the relay, shop page, cart and checkout."""
    plugins = street.site.place.root / "wp-content/mu-plugins"
    (plugins / PURGE.name).write_text(PURGE.read_text())
    hand_over(plugins)
    sold = {name: street.merchant.sell(name, *of) for name, of in ARTICLES.items()}
    until(lambda: street.offers(*sold).keys() == sold.keys(), "the articles' offers", 180)
    found = json.loads(street.site.php(FURNISH, street.relay, list(sold)))
    street.pages = found["pages"]
    for name, variant in sold.items():
        url = found["articles"][name]
        assert url.startswith(street.cache.url), url
        street.articles[name] = Article(name, f"The {name}", variant, url)


# ---- the engines ----


@contextmanager
def _sandbox(_cache: Path, _postgres: Postgres, port: int, hook: str) -> Iterator[Engine]:
    place = scratch("sandbox") / "shop.db"
    webhook = (f"http://{LOOPBACK}:{port}/hooks/shop", hook)
    with running_shop(place, free_port(), products=8, webhook=webhook) as shop:
        settings = {"system": "sandbox", "url": shop.url}
        merchant = SandboxMerchant(shop, place)
        yield Engine("sandbox", merchant, settings, shop.key, SANDBOX_CODE, True)


@contextmanager
def _medusa(cache: Path, postgres: Postgres, port: int, hook: str) -> Iterator[Engine]:
    told = {
        "COMMERCE_CONNECTOR_URL": f"http://{LOOPBACK}:{port}/hooks/shop",
        "COMMERCE_CONNECTOR_SECRET": hook,
    }
    medusa = Medusa.start(cache, postgres, products=8, plugin=MEDUSA_PLUGIN, settings=told)
    try:
        with medusa_merchant(medusa) as merchant:
            merchant.promote()
            options = {"publishable_key": medusa.publishable_key}
            settings = {"system": "medusa", "url": medusa.url, "options": options}
            yield Engine("medusa", merchant, settings, medusa.secret_key, MEDUSA_CODE, False)
    finally:
        medusa.stop()


_ENGINES = {"sandbox": _sandbox, "medusa": _medusa}
