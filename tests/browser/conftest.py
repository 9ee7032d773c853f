"""A browser for these tests: Debian's Chromium, one for all; each test is a visitor of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from connector.demo import debian, node
from connector.demo.prepare import BROWSER_PACKAGES
from tests.browser.counter import Shopfront, open_shopfront

AXE = "axe-core@4.11.0"
PATIENCE_MS = 40_000
"""Ends a hopeless wait on a busy machine; nothing is that slow otherwise."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True, slots=True)
class Axe:
    """Looks for what keeps people out (axe-core)."""

    script: str

    def faults(self, page: Page, within: str = "html", impacts: str = "") -> list[str]:
        """What is wrong in a part of the page; only of these impacts, if any are named."""
        page.evaluate(self.script)
        ask = "(part) => axe.run(part).then((all) => all.violations)"
        return [
            f"{each['id']}: {each['nodes'][0]['html']}"
            for each in page.evaluate(ask, within)
            if not impacts or each["impact"] in impacts
        ]


@pytest.fixture(scope="session")
def axe(cache: Path) -> Axe:
    place = cache / "axe"
    script = place / "node_modules/axe-core/axe.min.js"
    if not script.exists():
        place.mkdir(parents=True, exist_ok=True)
        node.find(cache).npm("install", "--no-save", "--prefix", str(place), AXE, cwd=place)
    return Axe(script.read_text(encoding="utf-8"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium for the tests of this folder, and ended with them.

    Playwright leaves an event loop running in this thread for as long as it lives, and no
    asynchronous test of another folder can run beside that.
    """
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
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    page = visitor.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    assert wrong == []


@pytest.fixture
def scriptless(browser: Browser) -> Iterator[Page]:
    """A visitor whose browser runs no script."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()
