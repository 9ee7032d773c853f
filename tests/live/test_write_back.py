"""An editor's words on a real WordPress, back in a real Medusa, by a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.demo.medusa import Medusa
from connector.demo.postgres import Postgres
from connector.demo.wordpress import WordPress
from tests.conftest import MEDUSA_PLUGIN, WORDPRESS_PLUGIN
from tests.live.pair import MedusaPair, until

pytestmark = pytest.mark.live
TWO_WAY = dict.fromkeys(("title", "subtitle", "description", "seo_title"), "two-way")


@dataclass(frozen=True, slots=True)
class Page:
    """One product on both sides: an editor at its page, a merchant at its product."""

    pair: MedusaPair
    sku: str

    def told(self) -> Any:
        (found,) = self.pair.installed.ask("explain", self.sku)
        return found

    def edit(self, column: str, text: str) -> None:
        post = int(self.told()["sites"][0]["cms_id"])
        self.pair.site.php(
            "wp_set_current_user(1);"
            "wp_update_post(wp_slash(['ID' => $args[0], $args[1] => $args[2]]));",
            post,
            column,
            text,
        )

    def stored(self, column: str) -> str:
        post = int(self.told()["sites"][0]["cms_id"])
        return self.pair.site.php("echo get_post($args[0])->{$args[1]};", post, column)

    def shop(self) -> Any:
        with self.pair.medusa.admin() as admin:
            path = f"/admin/products/{self.told()['product']}"
            return admin.get(path).raise_for_status().json()["product"]

    def say(self, **words: str) -> None:
        with self.pair.medusa.admin() as admin:
            path = f"/admin/products/{self.told()['product']}"
            admin.post(path, json=words).raise_for_status()

    def settled(self) -> None:
        until(lambda: self.pair.installed.waiting() == 0, "nothing due any more")


@pytest.fixture(scope="module")
def pair(
    cache: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MedusaPair]:
    site = WordPress.start(cache, plugin=WORDPRESS_PLUGIN)
    made = MedusaPair.lay_out(
        tmp_path_factory.mktemp("back"),
        lambda settings: Medusa.start(cache, postgres, plugin=MEDUSA_PLUGIN, settings=settings),
        site,
        owners=TWO_WAY,
    )
    made.import_all()
    yield made
    made.installed.stop()
    made.medusa.stop()
    site.stop()


def test_an_editors_words_are_the_shops_and_come_back_as_no_change(pair: MedusaPair) -> None:
    page = Page(pair, "P1-S")
    page.edit("post_title", "Salt & Pepper of an editor")
    page.edit("post_excerpt", "A subtitle")
    page.edit("post_content", "<p>An editor's own words</p>")
    until(lambda: page.shop()["title"] == "Salt & Pepper of an editor", "the title in the shop")
    until(lambda: page.shop()["subtitle"] == "A subtitle", "the subtitle in the shop")
    words = "<p>An editor's own words</p>"
    until(lambda: page.shop()["description"] == words, "the description in the shop")
    page.settled()
    assert page.stored("post_title") == "Salt & Pepper of an editor"
    assert page.stored("post_content") == words
    assert pair.installed.ask("conflicts", "list") == []
    stands = page.shop()["updated_at"]
    steps = [step for step in page.told()["steps"] if step["step"] == "written back"]
    assert {name for step in steps for name in step["facts"]["fields"]} == {
        "title",
        "subtitle",
        "description",
    }
    pair.installed.command("reconcile", "--site", "blog")
    page.settled()
    assert page.shop()["updated_at"] == stands
    page.say(title="The shop's again")
    until(lambda: page.stored("post_title") == "The shop's again", "the shop's title on the page")
    assert pair.installed.ask("conflicts", "list") == []


def test_both_at_once_is_a_conflict_and_what_is_decided_goes_to_both(pair: MedusaPair) -> None:
    page = Page(pair, "P2-S")
    page.edit("post_title", "Editor")
    page.say(title="Merchant")
    until(lambda: pair.installed.ask("conflicts", "list") != [], "the conflict")
    assert (page.shop()["title"], page.stored("post_title")) == ("Merchant", "Editor")
    (one,) = pair.installed.ask("conflicts", "list")
    pair.installed.command("conflicts", "resolve", str(one["id"]), "--take", "site")
    until(lambda: page.shop()["title"] == "Editor", "the editor's title in the shop")
    page.settled()
    assert page.stored("post_title") == "Editor"
    assert pair.installed.ask("conflicts", "list") == []


def test_what_cannot_go_back_is_told_to_editors_and_operators(pair: MedusaPair) -> None:
    page = Page(pair, "P3-S")
    title = page.shop()["title"]
    page.edit("post_title", "A <b>bold</b> title")
    until(lambda: bool(page.told()["sites"][0]["parked"]), "the parked words")
    (parked,) = page.told()["sites"][0]["parked"]
    assert (parked["lane"], parked["error"]) == ("words", "Rejected")
    assert "markup in the title" in parked["reason"]
    lanes = {each["lane"]: each for each in pair.installed.ask("status")["lanes"]}
    assert lanes["words"]["parked"] == 1
    assert "markup in the title" in pair.installed.command("parked", "list").stdout
    post = int(page.told()["sites"][0]["cms_id"])
    note = "echo json_encode(Commerce_Connector_Sql::rows('SELECT status FROM '"
    note += ". Commerce_Connector_Tables::name('bindings') . ' WHERE object_id = ' . $args[0]));"
    until(lambda: "markup in the title" in pair.site.php(note, post), "the note beside the page")
    assert page.shop()["title"] == title
    page.edit("post_title", "A plain title")
    until(lambda: page.shop()["title"] == "A plain title", "the mended title in the shop")
    until(lambda: not page.told()["sites"][0]["parked"], "nothing parked")
