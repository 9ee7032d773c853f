"""Editors and the backend at the same page: joined, left alone or in conflict, and never lost."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConnectorError
from connector.model import (
    FieldName,
    JsonValue,
    Lane,
    ProductId,
    Subject,
    SubjectKind,
)
from connector.ports import ContentWrite, Receipt
from connector.reconcile import reconcile
from connector.state import conflicts, todo
from connector.state.conflicts import OpenConflict
from connector.state.targets import Suspension, resume, site_target, suspend
from connector.state.todo import Due, Priority, Why
from connector.sync.edits import Choice, Contested, Ruling
from connector.sync.merge import Conflict
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultySite, Script, broken_off, lost_answer, refused
from connector.testing.site import WITH_EXTENSION, MemorySite, stored_hash
from connector.work.retry import RetryPolicy
from tests.desk import Desk, editor_of
from tests.house import EUROS, SITE, House

ONE = generate.product_subject(1)
TITLE, DESCRIPTION = FieldName("title"), FieldName("description")
TAGS = FieldName("tags")
A, B, C = "<p>a</p>\n", "<p>b</p>\n", "<p>c</p>\n"
LIVES = int(os.environ.get("EDITS", "150"))


def rules(**owners: Owner) -> SiteRules:
    return SiteRules(markets=(EUROS,), owners={**DEFAULT_OWNERS, **owners}, media=False)


def house_of(folder: Path, **owners: Owner) -> House:
    house = House(folder, MemoryCatalogue(), rules=rules(**owners))
    shop(house, title="Shop", description=A + B)
    house.fill()
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = house_of(tmp_path)
    yield house
    house.database.close()


def shop(house: House, **words: str) -> None:
    """What a merchant does to product 1."""
    found = house.catalogue.fetch([ProductId(ONE.id)]).products
    old = found.get(ProductId(ONE.id)) or generate.product(1)
    text = replace(old.texts[old.default_locale], **words)
    house.catalogue.put(replace(old, texts={old.default_locale: text}))


def page(house: House, name: FieldName = DESCRIPTION) -> JsonValue:
    found = house.site.page(ONE)
    assert found is not None
    return found.fields[name]


def open_conflicts(house: House) -> list[OpenConflict]:
    with house.database.read() as connection:
        return conflicts.list_conflicts(connection)


def rule(house: House, choice: Choice, value: JsonValue = None) -> None:
    with house.database.write() as connection:
        found = conflicts.list_conflicts(connection)
        decided = conflicts.decide(
            connection, found, choice, value=value, asked_by="me", now=house.clock.now()
        )
        assert decided == found
    look(house)


def look(house: House) -> None:
    """Make the page due and work."""
    with house.database.write() as connection:
        todo.mark(
            connection,
            [Due(SITE, Lane.CONTENT, ONE)],
            priority=Priority.PERSON,
            now=house.clock.now(),
            why=Why("trace", "test"),
        )
    house.settle()


def written(house: House) -> int:
    return house.site.counts["write_content.items"]


# ---- one field, step by step ----


def test_changes_of_different_paragraphs_are_joined(house: House) -> None:
    house.site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    shop(house, description="<p>shop</p>\n" + B)
    house.poll()
    assert page(house) == "<p>shop</p>\n<p>editor</p>"
    assert open_conflicts(house) == []
    assert house.due() == 0


def test_a_joined_page_keeps_the_editors_words_through_later_changes(house: House) -> None:
    house.site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    for number in range(3):
        shop(house, description=f"<p>shop {number}</p>\n" + B)
        house.poll()
        assert page(house) == f"<p>shop {number}</p>\n<p>editor</p>"
    house.site.edit(ONE, DESCRIPTION, "<p>shop 2</p>\n<p>editor again</p>")
    shop(house, description=A + B)
    house.poll()
    assert page(house) == A + "<p>editor again</p>"


def test_both_changed_the_same_is_kept_as_the_editor_left_it_and_told_once(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer", description=A + B + C)
    house.poll()
    assert page(house, TITLE) == "Editor"
    assert page(house) == (A + B + C).strip()
    (one,) = open_conflicts(house)
    assert (one.site, one.subject, one.field) == (SITE, ONE, TITLE)
    assert one.contested == Contested(Conflict("Shop", "Newer", "Editor"), stored_hash("Editor"))
    assert (one.cause.split()[0], one.ruling) == ("poll", None)
    before = written(house)
    house.poll()
    look(house)
    assert open_conflicts(house) == [one]
    assert written(house) == before
    story = [step.message for step in house.story(ONE)]
    assert sum("in conflict, for a person to decide: title" in each for each in story) == 1


def test_a_conflict_follows_both_sides(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    house.site.edit(ONE, TITLE, "Editor again")
    shop(house, title="Newest")
    house.poll()
    (one,) = open_conflicts(house)
    assert one.contested.conflict == Conflict("Shop", "Newest", "Editor again")
    shop(house, title="Shop")
    house.poll()
    assert open_conflicts(house) == []
    assert page(house, TITLE) == "Editor again"


def test_a_conflict_that_the_editor_gave_up_is_over(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    house.site.edit(ONE, TITLE, "Shop")
    shop(house, title="Newest")
    house.poll()
    assert page(house, TITLE) == "Newest"
    assert open_conflicts(house) == []
    shop(house, title="Last")
    house.poll()
    assert page(house, TITLE) == "Last"


def test_equal_changes_on_both_sides_are_no_conflict(house: House) -> None:
    house.site.edit(ONE, TITLE, "Same")
    shop(house, title="Same")
    house.poll()
    assert open_conflicts(house) == []
    shop(house, title="Next")
    house.poll()
    assert page(house, TITLE) == "Next"


def test_a_restored_revision_is_an_edit_like_any_other(house: House) -> None:
    house.site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    shop(house, description="<p>shop</p>\n" + B)
    house.poll()
    house.site.edit(ONE, DESCRIPTION, A + B)
    shop(house, description="<p>shop again</p>\n" + B)
    house.poll()
    assert page(house) == (A + B).strip()
    assert [one.field for one in open_conflicts(house)] == [DESCRIPTION]


def test_lists_take_both_sides_entries(tmp_path: Path) -> None:
    house = house_of(tmp_path, tags=Owner.MERGE)
    old = house.catalogue.fetch([ProductId(ONE.id)]).products[ProductId(ONE.id)]
    house.catalogue.put(replace(old, tags=("a", "b")))
    house.poll()
    house.site.edit(ONE, TAGS, ["b", "a", "editor"])
    house.catalogue.put(replace(old, tags=("b", "shop")))
    house.poll()
    assert page(house, TAGS) == ["b", "editor", "shop"]
    house.database.close()


def test_commerce_always_wins_and_an_editors_field_is_given_once(tmp_path: Path) -> None:
    house = house_of(tmp_path, title=Owner.COMMERCE, description=Owner.EDITOR)
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer", description=C)
    house.poll()
    assert page(house, TITLE) == "Newer"
    assert page(house) == (A + B).strip()
    house.database.close()


def test_a_field_given_back_by_the_configuration_is_merged_from_there(tmp_path: Path) -> None:
    house = house_of(tmp_path, title=Owner.EDITOR)
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    house.database.close()
    again = House(tmp_path, house.catalogue, house.site, rules=rules(), clock=house.clock)
    look(again)
    assert page(again, TITLE) == "Editor"
    assert [one.contested.conflict for one in open_conflicts(again)] == [
        Conflict("Shop", "Newer", "Editor")
    ]
    again.database.close()


def test_a_field_given_to_commerce_is_the_backends_at_the_next_look(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer", description="<p>shop</p>\n" + B)
    house.poll()
    house.database.close()
    given = rules(title=Owner.COMMERCE, description=Owner.COMMERCE)
    again = House(tmp_path, house.catalogue, house.site, rules=given, clock=house.clock)
    reconcile(again.database, again.work.target(), again.clock, "me")
    again.settle()
    assert (page(again, TITLE), page(again)) == ("Newer", ("<p>shop</p>\n" + B).strip())
    assert open_conflicts(again) == []
    before = written(again)
    reconcile(again.database, again.work.target(), again.clock, "me")
    again.settle()
    assert written(again) == before
    again.database.close()


def test_a_product_off_sale_asks_nobody_to_decide(contested: House) -> None:
    old = contested.catalogue.fetch([ProductId(ONE.id)]).products[ProductId(ONE.id)]
    contested.catalogue.remove(ProductId(ONE.id))
    contested.poll()
    assert open_conflicts(contested) == []
    contested.catalogue.put(old)
    contested.poll()
    assert page(contested, TITLE) == "Editor"
    assert [one.contested.conflict for one in open_conflicts(contested)] == [
        Conflict("Shop", "Newer", "Editor")
    ]


def test_a_lost_state_keeps_joined_and_contested_pages(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    house.site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer", description="<p>shop</p>\n" + B)
    house.poll()
    house.database.close()
    (tmp_path / "state.db").unlink()
    again = House(tmp_path, house.catalogue, house.site, rules=rules(), clock=house.clock)
    again.fill()
    assert page(again) == "<p>shop</p>\n<p>editor</p>"
    assert page(again, TITLE) == "Editor"
    assert [one.contested.conflict for one in open_conflicts(again)] == [
        Conflict("Shop", "Newer", "Editor")
    ]
    shop(again, description="<p>shop again</p>\n" + B)
    again.poll()
    assert page(again) == "<p>shop again</p>\n<p>editor</p>"
    again.database.close()


# ---- what a person says ----


@pytest.fixture
def contested(house: House) -> House:
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    return house


@pytest.mark.parametrize(
    ("choice", "value", "title"),
    [
        (Choice.BACKEND, None, "Newer"),
        (Choice.SITE, None, "Editor"),
        (Choice.VALUE, "A third", "A third"),
        (Choice.VALUE, "Newer", "Newer"),
    ],
)
def test_what_a_person_says_is_done_and_the_conflict_over(
    contested: House, choice: Choice, value: JsonValue, title: str
) -> None:
    rule(contested, choice, value)
    assert page(contested, TITLE) == title
    assert open_conflicts(contested) == []
    assert contested.due() == 0
    look(contested)
    assert page(contested, TITLE) == title


def test_what_was_said_holds_until_the_backend_changes_it_again(contested: House) -> None:
    rule(contested, Choice.SITE)
    shop(contested, description=C)
    contested.poll()
    assert page(contested, TITLE) == "Editor"
    shop(contested, title="Newest")
    contested.poll()
    (one,) = open_conflicts(contested)
    assert one.contested.conflict == Conflict("Newer", "Newest", "Editor")


def test_after_the_backends_value_was_chosen_it_is_the_backends(contested: House) -> None:
    rule(contested, Choice.BACKEND)
    shop(contested, title="Newest")
    contested.poll()
    assert page(contested, TITLE) == "Newest"


@pytest.mark.parametrize("choice", [Choice.BACKEND, Choice.VALUE])
def test_what_was_said_of_another_text_is_not_done(contested: House, choice: Choice) -> None:
    contested.site.edit(ONE, TITLE, "Editor again")
    rule(contested, choice, "A third")
    assert page(contested, TITLE) == "Editor again"
    (one,) = open_conflicts(contested)
    assert one.contested.conflict == Conflict("Shop", "Newer", "Editor again")
    assert one.ruling is None


@pytest.mark.parametrize("choice", list(Choice))
def test_what_was_said_against_an_older_backend_is_not_done(
    contested: House, choice: Choice
) -> None:
    shop(contested, title="Newest")
    rule(contested, choice, "A third")
    assert page(contested, TITLE) == "Editor"
    (one,) = open_conflicts(contested)
    base = "Newer" if choice is Choice.SITE else "Shop"
    assert one.contested.conflict == Conflict(base, "Newest", "Editor")


def test_only_the_conflict_that_a_person_saw_is_decided(contested: House) -> None:
    seen = open_conflicts(contested)
    shop(contested, title="Newest")
    contested.clock.advance(seconds=1)
    contested.poll()
    with contested.database.write() as connection:
        now = contested.clock.now()
        decided = conflicts.decide(connection, seen, Choice.BACKEND, asked_by="me", now=now)
    assert decided == []


def test_conflicts_are_found_by_site_product_field_and_state(contested: House) -> None:
    with contested.database.write() as connection:
        (one,) = conflicts.list_conflicts(connection, site=SITE, subject=ONE, field="title")
        assert conflicts.list_conflicts(connection, field="titl") == []
        assert conflicts.list_conflicts(connection, subject=generate.product_subject(2)) == []
        assert conflicts.find_conflict(connection, one.id) == one
        assert conflicts.find_conflict(connection, one.id + 1) is None
        now = contested.clock.now()
        conflicts.decide(connection, [one], Choice.VALUE, value="x", asked_by="me", now=now)
        (decided,) = conflicts.list_conflicts(connection)
        assert decided.ruling == Ruling(Choice.VALUE, "Newer", stored_hash("Editor"), "x")
        assert (decided.decided_by, decided.decided_at) == ("me", now)
        assert conflicts.list_conflicts(connection, undecided=True) == []


# ---- what the site's own log tells ----


def read_log(house: House) -> int:
    count = house.work.read_edits()
    house.settle()
    return count


def test_a_conflict_tells_who_edited_the_page_and_when(contested: House) -> None:
    (before,) = open_conflicts(contested)
    assert (before.edited_by, before.edited_at) == (None, None)
    assert read_log(contested) == 1
    contested.site.edit(ONE, TITLE, "Ada's", "ada")
    contested.site.edit(ONE, DESCRIPTION, A + C, "bob")
    (last, _) = [event for page in contested.site.events("1") for event in page]
    assert read_log(contested) == 2
    (one,) = open_conflicts(contested)
    assert (one.edited_by, one.edited_at) == ("ada", last.at)
    assert one.contested.conflict == Conflict("Shop", "Newer", "Ada's")
    assert list(contested.site.events("0")) == []
    assert read_log(contested) == 0


def test_a_conflict_ends_when_the_editor_takes_the_backends_value(contested: House) -> None:
    contested.site.edit(ONE, TITLE, "Newer")
    read_log(contested)
    assert open_conflicts(contested) == []
    shop(contested, title="Newest")
    contested.poll()
    assert page(contested, TITLE) == "Newest"


def test_edits_of_other_fields_ask_nothing(contested: House) -> None:
    read_log(contested)
    before = dict(contested.site.counts)
    contested.site.edit(ONE, DESCRIPTION, A)
    assert read_log(contested) == 1
    asked = {n: c - before.get(n, 0) for n, c in contested.site.counts.items()}
    assert {name for name, more in asked.items() if more} == {"events", "acknowledge_events"}


def test_an_edit_over_words_that_the_editor_had_not_seen_is_a_conflict(house: House) -> None:
    opened = house.site.page(ONE)
    assert opened is not None
    shop(house, title="Newer")
    house.poll()
    house.site.edit_unseen(ONE, TITLE, "Editor", opened)
    assert read_log(house) == 2
    (one,) = open_conflicts(house)
    assert one.contested.conflict == Conflict("Shop", "Newer", "Editor")
    assert page(house, TITLE) == "Editor"


def test_an_edit_over_unseen_words_elsewhere_in_the_text_is_joined(house: House) -> None:
    shop(house, description=A + B)
    house.poll()
    opened = house.site.page(ONE)
    assert opened is not None
    shop(house, description=A + C)
    house.poll()
    house.site.edit_unseen(ONE, DESCRIPTION, A + "<p>more</p>\n" + B, opened)
    assert read_log(house) == 2
    assert open_conflicts(house) == []
    text = str(page(house, DESCRIPTION))
    assert "<p>more</p>" in text and C.strip() in text and B.strip() not in text


def test_unseen_words_that_the_editor_left_alone_come_back(house: House) -> None:
    opened = house.site.page(ONE)
    assert opened is not None
    shop(house, title="Newer")
    house.poll()
    house.site.edit_unseen(ONE, TITLE, "Shop", opened)
    read_log(house)
    assert open_conflicts(house) == []
    assert page(house, TITLE) == "Newer"


def test_what_the_backend_alone_decides_is_put_right(house: House) -> None:
    before = page(house, TAGS)
    house.site.edit(ONE, TAGS, ["an editor's"])
    assert read_log(house) == 1
    house.settle()
    assert page(house, TAGS) == before


def test_a_category_that_somebody_deleted_is_made_again_with_its_pages(tmp_path: Path) -> None:
    category = generate.category(3)
    product = generate.product(1, categories=(3,))
    house = House(tmp_path, MemoryCatalogue([product], [category]), rules=rules())
    house.fill()
    term = Subject(SubjectKind.CATEGORY, category.id)
    house.site.delete_term(term)
    assert page(house, FieldName("categories")) == []
    assert read_log(house) == 2
    house.settle()
    assert page(house, FieldName("categories")) == [category.id]
    assert house.site.page(term) is not None
    assert (house.parked(), house.due()) == ([], 0)
    house.database.close()


def test_a_log_whose_reading_failed_is_read_again(tmp_path: Path) -> None:
    site, clock = MemorySite("blog", page_size=1), FakeClock()
    script = Script()
    seen = FaultySite(site, script, clock)
    house = House(tmp_path, site=site, seen_site=seen, rules=rules(), clock=clock)
    shop(house, title="Shop", description=A + B)
    house.fill()
    site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    site.edit(ONE, TITLE, "Newer", "ada")
    script.on("events", broken_off(1)).on("acknowledge_events", lost_answer())
    with pytest.raises(ConnectorError):
        house.work.read_edits()
    assert open_conflicts(house)[0].edited_by == "editor"
    with pytest.raises(ConnectorError):
        house.work.read_edits()
    house.settle()
    assert open_conflicts(house) == []
    assert house.work.read_edits() == 0
    house.database.close()


def test_a_site_that_is_left_alone_or_keeps_no_log_is_not_asked(tmp_path: Path) -> None:
    site = MemorySite("blog", capabilities=replace(WITH_EXTENSION, events=False))
    house = House(tmp_path, site=site, rules=rules())
    shop(house, title="Shop")
    house.fill()
    site.edit(ONE, TITLE, "Editor")
    assert house.work.read_edits() == 0
    assert site.counts["events"] == 0
    house.database.close()


def test_a_suspended_site_is_not_asked(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    alone = Suspension(site_target(SITE), "down", house.clock.now(), None, 1, "me")
    with house.database.write() as connection:
        suspend(connection, alone)
    assert house.work.read_edits() == 0
    with house.database.write() as connection:
        resume(connection, site_target(SITE))
    assert house.work.read_edits() == 1


# ---- what editors see ----


def test_editors_see_a_conflict_until_it_is_over(contested: House) -> None:
    assert contested.work.tell_editors() == 1
    note = contested.site.notes[ONE]
    assert set(note) == {"conflicts"}
    found = note["conflicts"]
    assert isinstance(found, list)
    (conflict,) = found
    assert isinstance(conflict, dict)
    told = {name: conflict[name] for name in ("field", "base", "backend", "site", "decided")}
    assert told == {
        "field": "title",
        "base": "Shop",
        "backend": "Newer",
        "site": "Editor",
        "decided": None,
    }
    assert contested.work.tell_editors() == 0
    shop(contested, title="x" * 400)
    contested.poll()
    assert contested.work.tell_editors() == 1
    assert "x" * 400 in str(contested.site.notes[ONE]["conflicts"])
    rule(contested, Choice.BACKEND)
    assert contested.work.tell_editors() == 1
    assert contested.site.notes[ONE] == {}
    assert contested.work.tell_editors() == 0


def test_editors_see_why_a_product_is_not_synced(house: House) -> None:
    house.site.refuse(ONE, "the site does not take <this>")
    shop(house, title="Newer")
    house.poll()
    assert house.work.tell_editors() == 1
    assert "does not take <this>" in str(house.site.notes[ONE]["parked"])


def test_a_note_that_did_not_arrive_is_told_again(tmp_path: Path) -> None:
    site, clock, script = MemorySite("blog"), FakeClock(), Script()
    seen = FaultySite(site, script, clock)
    house = House(tmp_path, site=site, seen_site=seen, rules=rules(), clock=clock)
    shop(house, title="Shop")
    house.fill()
    site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    script.on("write_status", refused())
    with pytest.raises(ConnectorError):
        house.work.tell_editors()
    assert ONE not in site.notes
    assert house.work.tell_editors() == 1
    assert set(site.notes[ONE]) == {"conflicts"}
    house.database.close()


# ---- sites and answers that are not as they should be ----


class Refusing(FaultySite):
    """A site whose cleaning would touch the editor's markup: it keeps what is to be joined."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        receipts = super().write_content(
            [
                replace(each, fields={n: v for n, v in each.fields.items() if n not in each.joined})
                for each in batch
            ]
        )
        return [
            replace(receipt, kept=receipt.kept | each.joined.keys())
            for receipt, each in zip(receipts, batch, strict=True)
        ]


def test_what_the_site_will_not_join_a_person_decides(tmp_path: Path) -> None:
    site, clock = MemorySite("blog"), FakeClock()
    house = House(
        tmp_path,
        site=site,
        seen_site=Refusing(site, Script(), clock),
        rules=rules(),
        clock=clock,
    )
    shop(house, title="Shop", description=A + B)
    house.fill()
    site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    shop(house, description="<p>shop</p>\n" + B)
    house.poll()
    assert page(house) == A + "<p>editor</p>"
    (one,) = open_conflicts(house)
    assert one.contested.conflict == Conflict(A + B, "<p>shop</p>\n" + B, A + "<p>editor</p>")
    assert house.due() == 0
    house.database.close()


def test_a_site_that_cannot_merge_keeps_the_editors_value(tmp_path: Path) -> None:
    site = MemorySite("blog", capabilities=replace(WITH_EXTENSION, merges=False))
    house = House(tmp_path, MemoryCatalogue(), site, rules=rules())
    shop(house, title="Shop", description=A + B)
    house.fill()
    site.edit(ONE, TITLE, "Editor")
    shop(house, title="Newer")
    house.poll()
    assert page(house, TITLE) == "Editor"
    assert (site.counts["documents"], open_conflicts(house), house.due()) == (0, [], 0)
    house.database.close()


@pytest.mark.parametrize("nth", range(1, 4))
def test_a_lost_answer_at_any_step_neither_loses_nor_repeats_an_edit(
    tmp_path: Path, nth: int
) -> None:
    site, clock = MemorySite("blog"), FakeClock()
    script = Script()
    house = House(
        tmp_path,
        site=site,
        seen_site=FaultySite(site, script, clock),
        rules=rules(),
        clock=clock,
        policy=RetryPolicy(park_after=10**6),
    )
    shop(house, title="Shop", description=A + B)
    house.fill()
    site.edit(ONE, DESCRIPTION, A + "<p>editor</p>")
    site.edit(ONE, TITLE, "Editor")
    script.on("write_content", *[None] * (nth - 1), lost_answer())
    shop(house, title="Newer", description="<p>shop</p>\n" + B)
    for _ in range(4):
        try:
            house.poll()
        except ConnectorError:
            clock.advance(seconds=60)
    house.settle()
    assert page(house) == "<p>shop</p>\n<p>editor</p>"
    assert page(house, TITLE) == "Editor"
    assert [one.field for one in open_conflicts(house)] == [TITLE]
    shop(house, description="<p>shop again</p>\n" + B)
    house.poll()
    assert page(house) == "<p>shop again</p>\n<p>editor</p>"
    house.database.close()


# ---- whole lives ----


@pytest.mark.parametrize("seed", range(LIVES))
def test_whatever_comes_between_both_sides_words_are_on_the_page(tmp_path: Path, seed: int) -> None:
    site = MemorySite("blog")
    desk = Desk(tmp_path, seed, site, editor_of(site), [1])
    desk.live(40)
    desk.check()
    desk.close()
