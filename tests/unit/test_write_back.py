"""Words of editors on their way back to the backend: taken, echoed, refused, overtaken, lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector import undo
from connector.cli.undo import show_back
from connector.errors import OutcomeUnknown, TargetDown, TryAgain
from connector.model import (
    FieldName,
    JsonValue,
    Lane,
    Locale,
    MarketName,
    ProductId,
)
from connector.ports import WordsCapabilities, WordsReceipt, WordsWrite
from connector.reconcile import reconcile
from connector.state import conflicts, todo, words
from connector.state.conflicts import OpenConflict
from connector.state.parking import Parked
from connector.state.words import WrittenBack
from connector.sync.edits import Choice
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import Market, SiteRules
from connector.testing import generate
from connector.testing.catalogue import EVERYTHING, MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import Fault, FaultyCatalogue, Script, When
from connector.testing.site import WITH_EXTENSION, MemorySite, stored_hash
from tests.house import EUROS, SITE, House

ONE = generate.product_subject(1)
TITLE, SUBTITLE, DESCRIPTION = map(FieldName, ("title", "subtitle", "description"))
WORDS = dict.fromkeys(
    ("title", "subtitle", "description", "seo_title", "seo_description"), Owner.TWO_WAY
)
FRENCH = Market(MarketName("fr"), Locale("fr-FR"), "EUR")


def rules(*markets: Market) -> SiteRules:
    return SiteRules(markets=markets or (EUROS,), owners={**DEFAULT_OWNERS, **WORDS}, media=False)


class Desk:
    """A house whose words are two-way, with faults of the backend by hand."""

    def __init__(self, folder: Path, *markets: Market) -> None:
        self.script = Script()
        self.shop = MemoryCatalogue()
        site = MemorySite("blog", locales=[market.locale for market in markets or (EUROS,)])
        clock = FakeClock()
        seen = FaultyCatalogue(self.shop, self.script, clock)
        self.house = House(
            folder,
            self.shop,
            site,
            seen_catalogue=seen,
            rules=rules(*markets),
            clock=clock,
        )
        self.say(title="Shop", description="<p>a</p>\n<p>b</p>\n")
        self.house.fill()

    @property
    def site(self) -> MemorySite:
        return self.house.site

    def say(self, locale: str = "en-GB", **words: str) -> None:
        """The merchant writes."""
        found = self.shop.fetch([ProductId(ONE.id)]).products
        old = found.get(ProductId(ONE.id)) or generate.product(1)
        text = old.texts.get(Locale(locale), old.texts[old.default_locale])
        self.shop.put(replace(old, texts={**old.texts, Locale(locale): replace(text, **words)}))

    def said(self, name: str = "title", locale: str = "en-GB") -> str:
        product = self.shop.fetch([ProductId(ONE.id)]).products[ProductId(ONE.id)]
        return str(getattr(product.texts[Locale(locale)], name))

    def edit(self, value: str, name: FieldName = TITLE, user: str = "7") -> None:
        self.site.edit(ONE, name, value, user)

    def read(self) -> None:
        """The daemon reads the event log, and works."""
        self.house.work.read_edits()
        self.house.settle()

    def page(self, name: FieldName = TITLE) -> JsonValue:
        found = self.site.page(ONE)
        assert found is not None
        return found.fields[name]

    def conflicts(self) -> list[OpenConflict]:
        with self.house.database.read() as connection:
            return conflicts.list_conflicts(connection)

    def parked(self) -> list[Parked]:
        return self.house.parked()

    def noted(self) -> dict[FieldName, WrittenBack]:
        with self.house.database.read() as connection:
            return words.load(connection, SITE, [ONE]).get(ONE, {})

    def taken(self) -> list[dict[str, str]]:
        return [dict(each.words) for each in self.shop.taken]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.house.database.close()


# ---- back, and the echo ----


def test_what_an_editor_writes_is_the_backends_and_the_pages(desk: Desk) -> None:
    desk.edit("Editor")
    desk.read()
    assert (desk.said(), desk.page()) == ("Editor", "Editor")
    assert desk.taken() == [{"title": "Editor"}]
    assert desk.conflicts() == []
    assert desk.house.due() == 0


def test_the_echo_is_no_change_and_the_next_one_of_the_shop_goes_in(desk: Desk) -> None:
    desk.edit("Editor")
    desk.read()
    for _ in range(3):
        desk.house.poll()
    assert desk.taken() == [{"title": "Editor"}]
    desk.say(title="Newer")
    desk.house.poll()
    assert (desk.said(), desk.page()) == ("Newer", "Newer")
    assert desk.taken() == [{"title": "Editor"}]
    assert desk.conflicts() == []


def test_a_shop_that_writes_its_words_otherwise_starts_no_quarrel(desk: Desk) -> None:
    """It makes HTML of plain text; the page keeps the editor's own writing of it."""
    desk.edit("plain", DESCRIPTION)
    desk.read()
    for _ in range(2):
        desk.house.poll()
    assert (desk.said("description"), desk.page(DESCRIPTION)) == ("<p>plain</p>", "plain")
    assert desk.taken() == [{"description": "<p>plain</p>"}]
    assert desk.conflicts() == []
    desk.say(description="<p>plain</p><p>more</p>")
    desk.house.poll()
    assert desk.page(DESCRIPTION) == "<p>plain</p><p>more</p>"
    assert desk.conflicts() == []
    assert desk.house.due() == 0


def test_entities_of_a_sites_titles_are_none_of_the_shops(desk: Desk) -> None:
    desk.say(title="Salt & Pepper")
    desk.house.poll()
    desk.edit("Salt &amp; Pepper")
    desk.read()
    assert desk.taken() == []
    desk.edit("Salt, Oil &amp; Pepper")
    desk.read()
    assert desk.said() == "Salt, Oil & Pepper"
    desk.say(title="Salt, Oil & Pepper!")
    desk.house.poll()
    assert desk.page() == "Salt, Oil & Pepper!"
    assert desk.conflicts() == []


def test_several_fields_go_in_one_write(desk: Desk) -> None:
    desk.edit("Editor")
    desk.edit("Sub", SUBTITLE)
    desk.read()
    assert desk.taken() == [{"title": "Editor", "subtitle": "Sub"}]


def test_each_language_goes_to_its_own(tmp_path: Path) -> None:
    desk = Desk(tmp_path, EUROS, FRENCH)
    desk.edit("Titre", FieldName("title@fr-FR"))
    desk.edit("Title")
    desk.read()
    desk.house.poll()
    assert (desk.said(), desk.said(locale="fr-FR")) == ("Title", "Titre")
    assert {each.locale for each in desk.shop.taken} == {"en-GB", "fr-FR"}
    assert desk.page(FieldName("title@fr-FR")) == "Titre"
    assert desk.house.due() == 0
    desk.house.database.close()


# ---- both sides ----


def test_a_change_made_meanwhile_is_joined_and_the_join_goes_back(desk: Desk) -> None:
    desk.edit("<p>a</p>\n<p>editor</p>", DESCRIPTION)
    desk.say(description="<p>shop</p>\n<p>b</p>\n")
    desk.read()
    assert desk.page(DESCRIPTION) == "<p>shop</p>\n<p>editor</p>"
    assert desk.said("description") == "<p>shop</p>\n<p>editor</p>"
    assert desk.conflicts() == []
    assert desk.house.due() == 0


def test_the_same_whole_field_on_both_sides_is_a_conflict_and_neither_is_overwritten(
    desk: Desk,
) -> None:
    desk.edit("Editor")
    desk.say(title="Newer")
    desk.read()
    for _ in range(2):
        desk.house.poll()
    assert (desk.said(), desk.page()) == ("Newer", "Editor")
    assert desk.taken() == []
    (one,) = desk.conflicts()
    assert one.contested.conflict.backend == "Newer"
    assert desk.house.due() == 0


@pytest.mark.parametrize(
    ("choice", "value", "at_the_end"),
    [(Choice.SITE, None, "Editor"), (Choice.BACKEND, None, "Newer"), (Choice.VALUE, "3", "3")],
)
def test_what_a_person_decides_goes_to_both_sides(
    desk: Desk, choice: Choice, value: str | None, at_the_end: str
) -> None:
    desk.edit("Editor")
    desk.say(title="Newer")
    desk.read()
    with desk.house.database.write() as connection:
        found = conflicts.list_conflicts(connection)
        conflicts.decide(
            connection, found, choice, value=value, asked_by="me", now=desk.house.clock.now()
        )
        todo.mark(
            connection,
            [todo.Due(SITE, Lane.CONTENT, ONE)],
            priority=todo.Priority.PERSON,
            now=desk.house.clock.now(),
            why=todo.Why("trace", "test"),
        )
    desk.house.settle()
    desk.house.poll()
    assert (desk.said(), desk.page()) == (at_the_end, at_the_end)
    assert desk.conflicts() == []
    assert desk.house.due() == 0


class Racing(FaultyCatalogue):
    """A merchant who writes in the moment before words arrive."""

    rival: str | None = None
    shop: MemoryCatalogue

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        if self.rival is not None:
            found = self.shop.fetch([write.product]).products[write.product]
            text = replace(found.texts[write.locale], title=self.rival)
            self.shop.put(replace(found, texts={**found.texts, write.locale: text}))
            self.rival = None
        return super().write_words(write)


def test_a_change_in_the_moment_of_the_write_is_not_overwritten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    racing = Racing(desk.shop, desk.script, desk.house.clock)
    racing.shop, racing.rival = desk.shop, "Faster"
    desk.house.work.catalogue = racing
    desk.house.work._open = None
    desk.edit("Editor")
    desk.read()
    assert (desk.said(), desk.page()) == ("Faster", "Editor")
    assert [one.contested.conflict.backend for one in desk.conflicts()] == ["Faster"]
    assert desk.taken() == []
    desk.house.database.close()


def test_the_shop_builds_on_words_that_the_page_has_not_taken_in_yet(desk: Desk) -> None:
    """Between the write and the page's own look at it."""
    desk.edit("Editor")
    desk.house.work.read_edits()
    line = next(each for each in desk.house.lines if each.lanes == (Lane.WORDS,))
    assert desk.house.engine.step(line, "words")
    desk.say(title="Editor, and the shop")
    desk.house.poll()
    assert (desk.said(), desk.page()) == ("Editor, and the shop", "Editor, and the shop")
    assert desk.conflicts() == []


# ---- refused, failed, unknown ----


def test_what_the_shop_refuses_is_parked_with_its_reason_and_told_to_the_editor(desk: Desk) -> None:
    desk.shop.refuse_words(ProductId(ONE.id), "titles are frozen this week")
    desk.edit("Editor")
    desk.read()
    desk.house.work.tell_editors()
    (parked,) = desk.parked()
    assert (parked.lane, parked.error) == (Lane.WORDS, "Rejected")
    assert "title: titles are frozen this week" in parked.reason
    note = desk.site.notes[ONE]
    assert "titles are frozen this week" in str(note["parked"])
    assert desk.page() == "Editor"
    assert any(step.step == "refused" for step in desk.house.story(ONE))
    desk.shop.refuse_words(ProductId(ONE.id))
    desk.edit("Editor again")
    desk.read()
    desk.house.work.tell_editors()
    assert (desk.said(), desk.parked()) == ("Editor again", [])
    assert desk.site.notes[ONE] == {}


def test_a_refused_field_holds_no_other_back(desk: Desk) -> None:
    desk.edit("")
    desk.edit("Sub", SUBTITLE)
    desk.read()
    assert desk.said("subtitle") == "Sub"
    assert desk.said() == "Shop"
    (parked,) = desk.parked()
    assert "the page has no title" in parked.reason


def test_other_content_of_the_page_goes_on_while_words_are_parked(desk: Desk) -> None:
    desk.shop.refuse_words(ProductId(ONE.id), "no")
    desk.edit("Editor")
    desk.read()
    desk.say(description="<p>new</p>")
    desk.house.poll()
    assert desk.page(DESCRIPTION) == "<p>new</p>"
    assert [row.lane for row in desk.parked()] == [Lane.WORDS]


def test_a_lost_answer_is_found_out_by_reading(desk: Desk) -> None:
    lost = Fault(OutcomeUnknown("no answer"), When.AFTER)
    desk.script.on("write_words", lost)
    desk.edit("Editor")
    desk.read()
    assert (desk.said(), desk.page()) == ("Editor", "Editor")
    assert desk.taken() == [{"title": "Editor"}]
    assert (desk.conflicts(), desk.parked(), desk.house.due()) == ([], [], 0)


def test_a_lost_answer_and_another_edit_after_it(desk: Desk) -> None:
    """The shop holds the first words, nobody knows, and the page has others by then."""
    desk.script.on("write_words", Fault(TryAgain("no answer"), When.AFTER))
    desk.edit("First")
    desk.house.work.read_edits()
    line = next(each for each in desk.house.lines if each.lanes == (Lane.WORDS,))
    desk.house.engine.step(line, "words")
    assert desk.noted()[TITLE].sent == ("First",)
    desk.edit("Second")
    desk.read()
    assert (desk.said(), desk.page(), desk.conflicts()) == ("Second", "Second", [])
    assert desk.noted()[TITLE].sent == ()
    assert desk.house.due() == 0


def test_failures_come_again_and_are_parked_in_the_end(desk: Desk) -> None:
    desk.script.on("write_words", *[Fault(TryAgain("500"))] * 4)
    desk.edit("Editor")
    desk.read()
    assert [row.attempts for row in desk.parked()] == [4]
    assert desk.said() == "Shop"


def test_while_it_waits_the_editor_is_told_why(desk: Desk) -> None:
    desk.script.always("write_words", Fault(TryAgain("the shop answered 500")))
    desk.edit("Editor")
    desk.house.work.read_edits()
    desk.house.step()
    desk.house.work.tell_editors()
    assert "the shop answered 500" in str(desk.site.notes[ONE]["waiting"])


def test_a_shop_that_is_down_suspends_the_shop_and_loses_nothing(desk: Desk) -> None:
    desk.script.on("write_words", Fault(TargetDown("nobody answers")))
    desk.edit("Editor")
    desk.read()
    assert (desk.said(), desk.page(), desk.parked()) == ("Editor", "Editor", [])


def test_a_shop_that_stores_something_else_is_told_of(tmp_path: Path) -> None:
    class Shortening(FaultyCatalogue):
        def write_words(self, write: WordsWrite) -> WordsReceipt:
            short = {name: text[:3] for name, text in write.words.items()}
            return super().write_words(replace(write, words=short))

    desk = Desk(tmp_path)
    desk.house.work.catalogue = Shortening(desk.shop, desk.script, desk.house.clock)
    desk.house.work._open = None
    desk.edit("Editor")
    desk.read()
    assert desk.page() == "Editor"
    assert "stored it otherwise" in desk.parked()[0].reason
    assert [one.contested.conflict.backend for one in desk.conflicts()] == ["Edi"]
    desk.house.database.close()


# ---- what does not go back ----


def test_a_draft_waits_until_it_is_published(desk: Desk) -> None:
    desk.site.unpublish(ONE)
    desk.edit("Half-finished")
    desk.read()
    assert desk.said() == "Shop"
    desk.site.publish(ONE)
    desk.read()
    assert desk.said() == "Half-finished"


def test_a_product_that_left_the_site_takes_nothing(desk: Desk) -> None:
    desk.edit("Editor")
    desk.shop.remove(ProductId(ONE.id))
    desk.read()
    assert (desk.parked(), desk.house.due(), desk.taken()) == ([], 0, [])


def test_a_site_whose_fields_are_no_longer_two_way_writes_nothing(desk: Desk) -> None:
    desk.edit("Editor")
    desk.house.work.read_edits()
    desk.house.work.rules = SiteRules(markets=(EUROS,), media=False)
    desk.house.work._open = None
    desk.house.settle()
    assert (desk.said(), desk.house.due()) == ("Shop", 0)


def test_where_site_or_backend_cannot_it_is_a_merge(tmp_path: Path) -> None:
    site = MemorySite("blog", capabilities=replace(WITH_EXTENSION, merges=False))
    house = House(tmp_path, MemoryCatalogue([generate.product(1)]), site, rules=rules())
    house.fill()
    site.edit(ONE, TITLE, "Editor")
    house.work.read_edits()
    house.settle()
    assert house.due() == 0
    assert house.catalogue.taken == []
    assert house.work.target().rules.owner(TITLE) is Owner.MERGE
    house.database.close()


def test_a_language_that_the_shop_does_not_take_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, EUROS, FRENCH)
    can = replace(EVERYTHING, words=WordsCapabilities(frozenset({"title"})))
    desk.shop._capabilities = can
    desk.edit("Titre", FieldName("title@fr-FR"))
    desk.read()
    assert "title@fr-FR: the shop takes no title in fr-FR" in desk.parked()[0].reason
    desk.house.database.close()


# ---- found without its event ----


def test_an_edit_whose_event_was_lost_is_found_by_a_reconcile(desk: Desk) -> None:
    desk.edit("Editor")
    desk.site.acknowledge_events("99")
    _, report = reconcile(desk.house.database, desk.house.work.target(), desk.house.clock, "me")
    desk.house.settle()
    assert (desk.said(), desk.page()) == ("Editor", "Editor")
    assert (report.drifted, report.changed) == (0, 0)
    before = desk.site.counts["documents"]
    reconcile(desk.house.database, desk.house.work.target(), desk.house.clock, "me")
    desk.house.settle()
    assert desk.site.counts["documents"] == before


def test_it_is_noted_who_wrote_and_what_stood_there(desk: Desk) -> None:
    desk.edit("Editor", user="7")
    desk.read()
    noted = desk.noted()[TITLE]
    assert (noted.value, noted.before, noted.user) == ("Editor", "Shop", "7")
    assert noted.stored == stored_hash("Editor")
    with desk.house.database.write() as connection:
        assert words.prune(connection, noted.at) == 0
        desk.house.clock.advance(seconds=1)
        assert words.prune(connection, desk.house.clock.now()) == 1
    assert desk.noted() == {}


def test_an_undo_tells_what_the_shop_keeps(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.edit("Editor")
    desk.read()
    steps = [
        undo.Step(SITE, ONE, name, undo.Fate.RESTORE) for name in (TITLE, SUBTITLE, DESCRIPTION)
    ]
    with desk.house.database.read() as connection:
        back = undo.beyond(connection, steps)
    assert [(each.field, each.value, each.before) for each in back] == [(TITLE, "Editor", "Shop")]
    show_back(back)
    told = capsys.readouterr().out
    assert "title: the shop keeps what was written back to it" in told
    assert "it had held 'Shop'" in told
