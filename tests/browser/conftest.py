"""A browser for these tests: Debian's Chromium, one for all; each test is a visitor of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from connector.demo import debian, node
from connector.demo.prepare import BROWSER_PACKAGES
from tests.browser.counter import Shopfront, open_shopfront

AXE = "axe-core@4.11.0"


@dataclass(frozen=True, slots=True)
class Axe:
    """Looks for what keeps people out (axe-core)."""

    script: str

    def faults(self, page: Page, within: str = "html") -> list[str]:
        page.evaluate(self.script)
        found = page.evaluate("(at) => axe.run(at).then(({ violations }) => violations)", within)
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.fixture(scope="session")
def axe(cache: Path) -> Axe:
    place = cache / "axe"
    script = place / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        place.mkdir(parents=True, exist_ok=True)
        node.find(cache).npm("install", "--no-save", "--prefix", str(place), AXE, cwd=place)
    return Axe(script.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        debian.ensure(*BROWSER_PACKAGES)
    chromium = shutil.which("chromium")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shopfront]:
    with open_shopfront(tmp_path) as shop:
        yield shop


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    page = visitor.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    assert wrong == []
