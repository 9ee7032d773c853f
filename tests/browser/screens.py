"""`python -m tests.browser.screens`: the pictures of docs/editors.md, from a real site.

Each is smaller than 150 kB. Starts a shop, a WordPress and a daemon of its own, and stops them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from connector.demo.machine import cache_dir
from tests.browser.newsroom import Newsroom, open_newsroom
from tests.conftest import ROOT

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000
LIST = "edit.php?post_type=commerce_product"


def save(page: Page, name: str, part: str | None = None, *, scroll: bool = True) -> None:
    """One picture: of the whole window, or of a part with a little around it."""
    IMAGES.mkdir(exist_ok=True)
    file = IMAGES / f"editors-{name}.png"
    if part and scroll:
        page.evaluate("document.querySelector('.cc-document-panel').scrollIntoView()")
    box = page.locator(part).first.bounding_box() if part else None
    if box is None:
        page.screenshot(path=file)
    else:
        top = max(0.0, box["y"] - 48)
        page.screenshot(
            path=file,
            clip={
                "x": box["x"] - 16,
                "y": top,
                "width": box["width"] + 32,
                "height": box["y"] + box["height"] + 16 - top,
            },
        )
    size = file.stat().st_size
    assert size < MOST_BYTES, f"{file.name} has {size} bytes"
    print(f"{file.relative_to(ROOT)}: {size} bytes", flush=True)


def stage(room: Newsroom) -> None:
    """A conflict, a field taken over in words, a product without a title."""
    for product in ("p0000002", "p0000004", "p0000009"):
        room.post(product)
    room.set("p0000002", "post_title", "A lamp for long evenings")
    room.reword("p0000002", title="Reading lamp, warm white")
    room.reword("p0000009", title="")


def open_panel(room: Newsroom, anna: BrowserContext, product: str) -> Page:
    """The editor, high enough for the whole panel."""
    page = room.edit(anna, product)
    page.set_viewport_size({"width": 1200, "height": 1250})
    return page


def panels(room: Newsroom, anna: BrowserContext) -> None:
    page = open_panel(room, anna, "p0000001")
    page.get_by_role("button", name="Resync now").click()
    page.locator(".cc-live").get_by_text("Done").wait_for()
    save(page, "panel", ".cc-panel")
    page = open_panel(room, anna, "p0000004")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Take Title over from the shop, on this page").click()
    page.locator(".cc-owners").get_by_text("taken over by").wait_for()
    save(page, "taken", ".cc-panel")
    page = open_panel(room, anna, "p0000009")
    page.locator(".cc-panel").get_by_text("has no title").wait_for()
    save(page, "parked", ".cc-panel")
    page = open_panel(room, anna, "p0000002")
    page.get_by_role("button", name="Compare and decide").click()
    page.locator(".cc-dialog").wait_for()
    page.set_viewport_size({"width": 1200, "height": 820})
    save(page, "conflict")


def search_words(room: Newsroom, anna: BrowserContext) -> None:
    page = open_panel(room, anna, "p0000003")
    panel = page.locator(".cc-search-panel")
    panel.get_by_role("button", name="Search engines").click()
    panel.get_by_label("Search engine title").fill("A chair to read in, made of oak")
    panel.scroll_into_view_if_needed()
    save(page, "search", ".cc-search-panel", scroll=False)


def many(room: Newsroom, anna: BrowserContext) -> None:
    page = anna.new_page()
    page.goto(f"{room.site.url}/wp-admin/{LIST}", wait_until="domcontentloaded")
    page.locator("#cb-select-all-1").check()
    page.locator("#bulk-action-selector-top").select_option(label="Resync from the shop")
    page.locator("#doaction").click()
    page.locator(".cc-bulk").get_by_text("Resync: done").wait_for()
    page.set_viewport_size({"width": 1200, "height": 480})
    save(page, "many")


def pages(room: Newsroom, anna: BrowserContext) -> None:
    page = anna.new_page()
    page.goto(f"{room.site.url}/wp-admin/{LIST}", wait_until="domcontentloaded")
    save(page, "list")
    address = f"{room.site.url}/wp-admin/{LIST}&page=commerce-connector-dashboard"
    page.goto(address, wait_until="domcontentloaded")
    while page.locator(".cc-notice.cc-bad").count() < 2:
        page.wait_for_timeout(1000)
        page.reload(wait_until="domcontentloaded")
    save(page, "dashboard")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as play,
        open_newsroom(cache_dir(), Path(home)) as room,
    ):
        stage(room)
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        anna = room.log_in(browser, "anna", viewport={"width": 1200, "height": 820})
        panels(room, anna)
        search_words(room, anna)
        pages(room, anna)
        many(room, anna)
        browser.close()


if __name__ == "__main__":
    main()
