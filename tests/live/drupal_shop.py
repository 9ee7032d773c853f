"""A real Drupal that sells: three products, and the relay with carts in memory, in this process.

So a test is the merchant, loses answers and lets the engine go away. The Drupal is the one of
DRUPAL_URL; its settings get the relay's address by the form that administrators use, and lose it
again at the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

from adapters.drupal.site import open_site
from connector.clock import SystemClock
from connector.model import Subject, SubjectKind
from connector.ports import Fence, SiteSettings
from connector.serve import HttpServer
from connector.signing import Secret
from connector.testing.carts import MemoryCarts
from tests.goods import SOLD, confirm_offers, content_of, offers_of, relay_app
from tests.live.drupal_site import Editor, Where
from tests.relay_house import BLOG, SHOP, RelayHouse

SETTINGS = "/admin/config/services/commerce-connector"


@dataclass(slots=True)
class DrupalShop:
    """What a test sets up and looks at."""

    where: Where
    editor: Editor
    house: RelayHouse
    relay_url: str = ""
    urls: dict[str, str] = field(default_factory=dict)
    """Pages of the products by name, cart, checkout."""
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def carts(self) -> MemoryCarts:
        return self.house.carts

    def save_settings(self, **changed: str) -> str:
        """Save the module's settings as an administrator does; what the page says then."""
        return press(self.editor, f"{self.where.url}{SETTINGS}", "op", **changed)


def press(editor: Editor, url: str, button: str, **changed: str) -> str:
    """Fill in a form of Drupal's administration and press a button by its name."""
    return open_form(editor, url).send(editor, url, button, **changed)


def open_form(editor: Editor, url: str) -> DrupalForm:
    """A form as it was when somebody opened it."""
    shown = editor.session.get(url, timeout=60)
    assert shown.status_code == 200, (url, shown.status_code)
    return DrupalForm.read(shown.text)


class DrupalForm(HTMLParser):
    """What stands in the fields of the page's main form, and its buttons by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, str] = {}
        self._select = ""

    @classmethod
    def read(cls, html: str) -> DrupalForm:
        form = cls()
        form.feed(html[html.index("<form", html.index("<main")) :])
        return form

    def send(self, editor: Editor, url: str, button: str, **changed: str) -> str:
        pressed = {button: self.buttons[button]}
        answer = editor.session.post(url, {**self.fields, **changed, **pressed}, timeout=60)
        assert answer.status_code == 200, (url, answer.status_code)
        return answer.text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name, kind = told.get("name", ""), told.get("type", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in told:
            self.fields[self._select] = told["value"]
        elif tag == "input" and kind == "submit":
            self.buttons.setdefault(name, told["value"])
        elif tag == "input" and name and (kind not in ("radio", "checkbox") or "checked" in told):
            self.fields[name] = told.get("value", "")


@contextmanager
def open_drupal_shop(folder: Path) -> Iterator[DrupalShop]:
    """Everything up and paired until the block ends. Skips where no Drupal was named."""
    where = Where.from_environment()
    house = RelayHouse.build(folder)
    shop = DrupalShop(where, Editor(where), house)
    server = HttpServer(relay_app(house, where.url, where.secret), "127.0.0.1", 0)
    try:
        server.start()
        shop.relay_url = f"http://127.0.0.1:{server.port}"
        _stock(shop)
        shop.save_settings(relay=f"{shop.relay_url}/v1/blog")
        yield shop
    finally:
        shop.save_settings(relay="")
        server.stop()
        house.database.close()


def _stock(shop: DrupalShop) -> None:
    """Put the products on the site, above whatever was written there before."""
    secrets = (Secret.parse(shop.where.secret),)
    settings = SiteSettings(BLOG, shop.where.url, SHOP, False, secrets, None, {})
    site = open_site(settings, SystemClock())
    fences = (Fence(site.check().highest_fence.epoch + 1, each) for each in itertools.count(1))
    for name, (title, variants) in SOLD.items():
        subject = Subject(SubjectKind.PRODUCT, f"shop-{name}")
        write = replace(content_of(subject, title, variants), fence=next(fences))
        (receipt,) = site.write_content([write])
        shop.urls[name], shop.nodes[name] = receipt.url or "", str(receipt.cms_id)
        site.write_offers([replace(offers_of(subject, variants), fence=next(fences))])
    confirm_offers(shop.house)
    for name in ("cart", "checkout"):
        shop.urls[name] = f"{shop.where.url}/shop/{name}"
