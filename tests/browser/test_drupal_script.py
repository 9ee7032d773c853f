"""The module's panel script in a browser, on a page like Drupal's: also where no Drupal is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import ROOT

MODULE = ROOT / "adapters" / "drupal" / "module"
SITE = "http://drupal.example"
PAGE = """<!doctype html><title>Shop</title><main>
<form method="post" class="commerce-connector-panel-form" action="/node/7/shop">
  <div class="commerce-connector-panel" data-state-url="/node/7/shop/state">
    <div class="commerce-connector-live" role="status"></div></div>
  <label>Or write it anew <textarea name="third_3f9a">The page's words</textarea></label>
  <input type="submit" name="resolve_3f9a_value" value="Use this text">
</form></main>
<script>
  window.Drupal = { behaviors: {}, t: (text) => text };
  window.once = (id, selector, context) => [...context.querySelectorAll(selector)];
</script>
<script src="/panel.js"></script>
<script>Drupal.behaviors.commerceConnectorPanel.attach(document);</script>"""


@dataclass
class Site:
    """Answers as Drupal would: `standing` to who asks for the state, and keeps what is sent."""

    standing: int = 200
    sent: list[str] = field(default_factory=list)

    def answer(self, route: Route) -> None:
        request = route.request
        if request.url.endswith("/state"):
            body = json.dumps({"requests": [], "marks": {}})
            route.fulfill(status=self.standing, content_type="application/json", body=body)
        elif request.url.endswith("/panel.js"):
            route.fulfill(path=MODULE / "js" / "panel.js", content_type="text/javascript")
        else:
            self.sent += [request.post_data or ""] if request.method == "POST" else []
            route.fulfill(status=200, content_type="text/html", body=PAGE)


@pytest.fixture
def site(page: Page) -> Site:
    site = Site()
    page.route(f"{SITE}/**", site.answer)
    page.goto(f"{SITE}/node/7/shop")
    return site


@pytest.mark.parametrize(
    ("standing", "says"),
    [(403, "You are no longer logged in. Your text is kept"), (503, "The site does not answer.")],
)
def test_nothing_is_sent_to_nobody_and_the_text_stays(
    site: Site, page: Page, standing: int, says: str
) -> None:
    text = page.get_by_label("Or write it anew")
    text.fill("A long thought")
    site.standing = standing
    page.get_by_role("button", name="Use this text").click()
    expect(page.get_by_role("alert")).to_contain_text(says)
    page.get_by_role("button", name="Use this text").press("Enter")
    expect(page.get_by_role("alert")).to_have_count(1)
    assert site.sent == []
    page.reload()
    expect(text).to_have_value("A long thought")
    site.standing = 200
    with page.expect_event("load"):
        page.get_by_role("button", name="Use this text").click()
    assert [sent.startswith("third_3f9a=A+long+thought") for sent in site.sent] == [True]
    assert "resolve_3f9a_value=Use+this+text" in site.sent[0], "the button that was pressed"
