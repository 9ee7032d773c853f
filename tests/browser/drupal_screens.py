"""`python -m tests.browser.drupal_screens`: the pictures of Drupal in docs/editors.md.

From the Drupal that DRUPAL_URL names (docs/drupal.md), with this script in the daemon's place: it
makes three products there. Each picture is smaller than 150 kB.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.sync_api import BrowserContext, Page, sync_playwright

from connector.model import FieldName, JsonValue
from connector.ports_panel import RequestAnswer, Standing
from connector.testing.conformance.writes import document, fresh_subject, offers_write
from tests.browser.drupal_editor import log_in
from tests.browser.screens import IMAGES, MOST_BYTES
from tests.live.drupal_site import Editor, Where
from tests.live.test_drupal_panel import SUMMARY, Desk, open_module

TITLES = ("Enamel mug, handmade", "Reading lamp, handmade", "Oak chair, handmade")
FIELDS: JsonValue = [
    {"field": name, "owner": owner, "why": "the default", "takes": takes}
    for name, owner, takes in (
        ("title", "merge", True),
        ("description", "merge", True),
        ("seo_title", "merge", True),
        ("price", "commerce", False),
        ("stock", "commerce", False),
        ("publish state", "editor", False),
        ("author", "editor", False),
    )
]


def stage(where: Where) -> list[Desk]:
    """Products of the shop; of the second, somebody has to decide the title."""
    site, editor, now = open_module(where), Editor(where), datetime.now(UTC)
    backend: JsonValue = {"name": "shop", "looked_at": now.isoformat(), "compared_at": None}
    site.write_summary({**SUMMARY, "at": now.isoformat(), "backend": backend, "fields": FIELDS})
    desks = []
    for title in TITLES:
        made = document(fresh_subject())
        fields = {
            FieldName("title"): title,
            FieldName("description"): f"<p>{title}, made well.</p>",
        }
        (receipt,) = site.write_content([replace(made, fields={**made.fields, **fields})])
        site.write_offers([offers_write(made.subject)])
        desks.append(Desk(where, editor, site, made.subject, str(receipt.cms_id)))
    earlier = (now - timedelta(minutes=12)).isoformat(timespec="seconds")
    desks[1].note(
        conflicts=[
            {
                "number": 1,
                "mark": "3f9a6c1d20b7e845",
                "field": "title",
                "base": "Reading lamp",
                "backend": "Reading lamp, handmade",
                "site": "A lamp for long evenings",
                "found_at": earlier,
                "edited_by": "1",
                "edited_at": earlier,
                "decided": None,
            }
        ]
    )
    return desks


def save(page: Page, name: str, height: int) -> None:
    page.set_viewport_size({"width": 1100, "height": height})
    file = IMAGES / f"drupal-{name}.png"
    page.screenshot(path=file)
    size = file.stat().st_size
    assert size < MOST_BYTES, f"{file.name} has {size} bytes"
    print(f"{file.name}: {size} bytes", flush=True)


def take(editor: BrowserContext, desks: list[Desk]) -> None:
    where, page = desks[0].where, editor.new_page()
    page.goto(desks[1].panel)
    save(page, "conflict", 1000)
    page.goto(desks[0].panel)
    page.get_by_role("button", name="Resync now").click()
    page.get_by_text("The connector is on its way").wait_for()
    asked = desks[0].asked().request
    assert asked is not None
    changes: JsonValue = [{"what": "title", "before": "Mug", "after": "Enamel mug"}]
    now = datetime.now(UTC)
    answer = RequestAnswer(asked.id, Standing.DONE, "synced", "", now, {"changes": changes})
    desks[0].site.answer_requests([answer])
    page.get_by_text("was brought up to date").wait_for()
    save(page, "panel", 900)
    page.goto(f"{where.url}/admin/content/products?title=handmade")
    save(page, "list", 640)
    for desk in desks:
        page.locator(f'tr:has(a[href*="/node/{desk.node}/"]) input[type=checkbox]').check()
    page.get_by_label("Action", exact=True).select_option(label="Resync from the shop")
    page.get_by_role("button", name="Apply to selected items").first.click()
    page.locator(".commerce-connector-bulk").wait_for()
    requests = [request for desk in desks if (request := desk.asked().request) is not None]
    done = [RequestAnswer(each.id, Standing.DONE, "unchanged", "", now) for each in requests[:2]]
    why = "product 7 has no title in en-US; give it one"
    bad = RequestAnswer(requests[2].id, Standing.FAILED, "parked", why, now)
    desks[0].site.answer_requests([*done, bad])
    page.locator("strong").get_by_text("Resync: done").wait_for()
    save(page, "many", 420)


def main() -> None:
    where = Where.from_environment()
    with sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1100, "height": 900})
        log_in(context)
        take(context, stage(where))
        browser.close()


if __name__ == "__main__":
    main()
