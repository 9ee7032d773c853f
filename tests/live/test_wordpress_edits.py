"""Editors and the backend at the same pages of a real WordPress: nothing of either is lost.

EDITS=300 makes the long version; each life has faults, restarts and reconciles in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.site_api.client import SiteApi
from adapters.wordpress.site import open_site
from connector.clock import SystemClock
from connector.demo.wordpress import WordPress
from connector.model import BackendName, FieldName, ProductId, SiteName, Subject
from connector.ports import SiteSettings
from connector.signing import Secret
from connector.state import conflicts
from connector.sync.edits import Choice
from connector.sync.merge import Conflict
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from tests.desk import Desk, Editor
from tests.house import EUROS, House

pytestmark = pytest.mark.live
LIVES = int(os.environ.get("EDITS", "5"))
PLUGIN = Path(__file__).resolve().parents[2] / "adapters" / "wordpress" / "plugin"
A, B, C = "<p>a</p>\n", "<p>b</p>\n", "<p>c</p>\n"


class Newsroom:
    """A WordPress with the plugin, and what editors do in it."""

    def __init__(self, wordpress: WordPress) -> None:
        self.wordpress = wordpress
        secret = Secret.parse(wordpress.php("echo commerce_connector_pair();"))
        settings = SiteSettings(
            SiteName("blog"), wordpress.url, BackendName("shop"), False, (secret,), None, {}
        )
        site = open_site(settings, SystemClock())
        assert isinstance(site, SiteApi)
        self.site = site

    def set(self, subject: Subject, column: str, text: str) -> None:
        self.wordpress.php(
            "wp_set_current_user( 1 );"
            " wp_update_post( wp_slash( array( 'ID' => $args[0], $args[1] => $args[2] ) ) );",
            self.post(subject),
            column,
            text,
        )

    def value(self, subject: Subject, field: str) -> str | None:
        found = self.site.documents(subject.kind, [subject.id])
        return str(found[0].values[FieldName(field)]) if found else None

    def post(self, subject: Subject) -> int:
        (found,) = self.site.documents(subject.kind, [subject.id])
        return int(found.cms_id)

    def editor(self) -> Editor:
        """Who saves as the block editor does, by REST."""
        posts: dict[Subject, int] = {}
        parts = {"title": "title", "description": "content"}
        login = (self.wordpress.admin_user, self.wordpress.app_password)
        rest = httpx.Client(
            base_url=f"{self.wordpress.url}/wp-json/wp/v2/commerce_product",
            auth=login,
            timeout=60,
            trust_env=False,
        )

        def edit(subject: Subject, name: FieldName, text: str) -> None:
            if subject not in posts:
                posts[subject] = self.post(subject)
            answer = rest.post(f"/{posts[subject]}", json={parts[name]: text})
            assert answer.status_code == 200, answer.text[:300]

        return Editor(edit, self.value)


@pytest.fixture(scope="module")
def newsroom(cache: Path) -> Iterator[Newsroom]:
    wordpress = WordPress.start(cache, plugin=PLUGIN)
    try:
        yield Newsroom(wordpress)
        log = wordpress.debug_log
        assert not log.exists(), log.read_text()[:2000]
    finally:
        wordpress.stop()


def test_a_day_of_an_editor(newsroom: Newsroom, tmp_path: Path) -> None:
    """Joined paragraphs, a conflict, privileged markup that cleaning would take, decisions."""
    number = 700_001
    subject = generate.product_subject(number)
    clock = FakeClock(datetime.now(UTC))
    catalogue = MemoryCatalogue()
    rules = SiteRules(markets=(EUROS,), media=False)
    house = House(tmp_path, catalogue, seen_site=newsroom.site, rules=rules, clock=clock)

    def shop(title: str, description: str) -> None:
        found = catalogue.fetch([ProductId(subject.id)]).products
        old = found.get(ProductId(subject.id)) or generate.product(number)
        text = replace(old.texts[old.default_locale], title=title, description=description)
        catalogue.put(replace(old, texts={old.default_locale: text}))
        house.detector.poll()
        house.detector.import_new_sites()
        house.settle()

    shop("Shop", A + B)
    newsroom.set(subject, "post_content", A + "<p>The editor's own & more</p>\n")
    shop("Shop", "<p>New</p>\n<script>x()</script>" + B)
    joined = newsroom.value(subject, "description")
    assert joined is not None
    assert "<p>New</p>" in joined and "The editor's own" in joined and "<script" not in joined
    newsroom.set(subject, "post_title", "Editor")
    framed = '<p>New</p>\n<iframe src="https://video.example/"></iframe>\n'
    newsroom.set(subject, "post_content", framed)
    shop("Newer", "<p>Newest</p>\n" + B)
    assert newsroom.value(subject, "title") == "Editor"
    assert newsroom.value(subject, "description") == framed.strip() or "<iframe" in str(
        newsroom.value(subject, "description")
    )
    with house.database.write() as connection:
        found = {one.field: one for one in conflicts.list_conflicts(connection)}
        title = found[FieldName("title")]
        assert title.contested.conflict == Conflict("Shop", "Newer", "Editor")
        conflicts.decide(
            connection, [title], Choice.VALUE, value="A third", asked_by="me", now=clock.now()
        )
    shop("Newer", "<p>Newest</p>\n" + C)
    assert newsroom.value(subject, "title") == "A third"
    assert "<iframe" in str(newsroom.value(subject, "description"))
    assert house.due() == 0
    assert house.parked() == []
    house.database.close()


@pytest.mark.parametrize("seed", range(LIVES))
def test_whatever_comes_between_nothing_of_either_side_is_lost(
    newsroom: Newsroom, tmp_path: Path, seed: int
) -> None:
    desk = Desk(tmp_path, seed, newsroom.site, newsroom.editor(), [800_000 + seed])
    desk.live(40)
    desk.check()
