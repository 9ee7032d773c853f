"""A browser that has logged in to the Drupal that DRUPAL_URL names."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext

from tests.live.drupal_site import Where


def log_in(context: BrowserContext) -> None:
    where = Where.from_environment()
    name, _, password = where.admin.partition(":")
    page = context.new_page()
    page.goto(f"{where.url}/user/login")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    # Chromium was seen to hang where a page is closed that is still loading.
    page.wait_for_url(re.compile(r"/user/\d+"), wait_until="load")
    page.close()
