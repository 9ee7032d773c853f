"""What editors ask in their CMS: begun once, done by the usual road, answered in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from connector.model import FieldName, JsonValue, ProductId, Subject, SubjectKind, hash_value
from connector.ports_panel import EditorRequest, RequestAnswer, Standing
from connector.reconcile import reconcile
from connector.state import asked, conflicts, holds, runs, tables, taken
from connector.state.holds import HeldField
from connector.sync.diff import Hold
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import SiteRules
from connector.testing import generate
from tests.house import BACKEND, EUROS, SITE, House

NUMBER = 7
ONE = generate.product_subject(NUMBER)
TITLE, TAGS, DESCRIPTION = FieldName("title"), FieldName("tags"), FieldName("description")
ANNA = "Anna (user 3 of blog)"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    rules = SiteRules(markets=(EUROS,), media=False, owners={**DEFAULT_OWNERS})
    found = House(tmp_path, rules=rules)
    shop(found, title="Shop")
    found.fill()
    found.detector.proved(SITE)
    yield found
    found.database.close()


def shop(house: House, title: str, tags: tuple[str, ...] = ("red",)) -> None:
    known = house.catalogue.fetch([ProductId(ONE.id)]).products
    old = known.get(ProductId(ONE.id)) or generate.product(NUMBER)
    text = replace(old.texts[old.default_locale], title=title)
    house.catalogue.put(replace(old, texts={old.default_locale: text}, tags=tags))


def ask(
    house: House,
    action: str,
    field: FieldName | None = None,
    *,
    identity: str = "r1",
    choice: str | None = None,
    value: JsonValue = None,
    seen: str = "",
    subject: Subject = ONE,
) -> RequestAnswer:
    """Ask, work until it is over, and read the answer as the site has it."""
    request = EditorRequest(identity, action, "Anna", field, choice, value, seen)
    house.site.ask(subject, request, "3")
    house.work.read_edits()
    while house.work.attend():
        house.settle()
    return house.site.answers[identity]


def told_of(house: House, name: str) -> dict[str, JsonValue]:
    """The one entry of a list in the product's note."""
    found = house.site.notes[ONE][name]
    assert isinstance(found, list)
    (one,) = found
    assert isinstance(one, dict)
    return one


def state_of(house: House, field: FieldName) -> object:
    """How the site was told that a field is decided on this page."""
    fields = house.site.notes[ONE]["fields"]
    assert isinstance(fields, dict)
    one = fields[field]
    assert isinstance(one, dict)
    return one["state"]


def title_on_page(house: House) -> object:
    page = house.site.page(ONE)
    assert page is not None
    return page.fields[TITLE]


# ---- resync ----


def test_a_resync_brings_what_was_missed_and_says_what(house: House) -> None:
    shop(house, "Newer")
    answer = ask(house, "resync")
    assert (answer.standing, answer.code) == (Standing.DONE, "synced")
    assert answer.facts["changes"] == [{"what": "title", "before": "Shop"}]
    assert title_on_page(house) == "Newer"


def test_a_resync_mends_what_the_site_lost(house: House) -> None:
    house.site.edit(ONE, TAGS, ["lost"])
    answer = ask(house, "resync")
    assert answer.facts["changes"] == [{"what": "tags", "before": ["lost"]}]
    page = house.site.page(ONE)
    assert page is not None and page.fields[TAGS] == ["red"]


def test_a_resync_keeps_an_editors_words(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    answer = ask(house, "resync")
    assert (answer.code, title_on_page(house)) == ("unchanged", "Editor")


def test_the_same_request_twice_is_one(house: House) -> None:
    ask(house, "resync")
    again = ask(house, "resync")
    with house.database.read() as connection:
        (run,) = [run for run in runs.latest_runs(connection) if run.kind == "resync"]
        (row,) = asked.of_run(connection, run.id)
    assert row.answer == again


def test_following_many_requests_reads_what_is_parked_once(house: House) -> None:
    """Several times a second, for as long as hundreds of them are under way."""
    for number in range(20):
        request = EditorRequest(f"r{number}", "resync", "Anna", None, None, None, "")
        house.site.ask(ONE, request, "3")
    house.work.read_edits()
    house.work.attend()
    asked: list[str] = []
    listen = event.listens_for(house.database._engine, "before_cursor_execute")
    listen(lambda *statement: asked.append(statement[2]))
    assert house.work.attend()
    assert sum("FROM parked" in each for each in asked) == 1


def test_a_site_that_counts_its_events_anew_is_heard_all_the_same(house: House) -> None:
    """Put back from a backup, or its database started anew with an empty table."""
    for number in range(3):
        ask(house, "resync", identity=f"early {number}")
    house.site._last_event = 0
    assert ask(house, "resync", identity="late").standing is Standing.DONE


def test_many_at_once_are_one_run(house: House) -> None:
    other = generate.product(8)
    house.catalogue.put(other)
    house.poll()
    second = generate.product_subject(8)
    house.site.ask(ONE, EditorRequest("a", "resync", "Anna"), "3")
    ask(house, "resync", identity="b", subject=second)
    assert {each.standing for each in house.site.answers.values()} == {Standing.DONE}
    with house.database.read() as connection:
        (run,) = [run for run in runs.latest_runs(connection) if run.kind == "resync"]
    assert (run.asked_by, run.outcome) == (ANNA, "done")
    assert run.counts == {"products": 2, "failed": 0}


def test_a_resync_that_fails_says_why(house: House) -> None:
    shop(house, "Newer")
    house.site.refuse(ONE, "the site does not take <this>")
    answer = ask(house, "resync")
    assert (answer.standing, answer.code) == (Standing.FAILED, "parked")
    assert "does not take <this>" in answer.says
    house.work.tell_editors()
    assert told_of(house, "parked")["code"] == "Rejected"


def test_who_asked_stands_in_the_story(house: House) -> None:
    ask(house, "resync")
    told = [step.message for step in house.story(ONE) if step.step == "asked"]
    assert told == [
        f"resync asked by {ANNA}",
        "answered: Held against the shop: everything was as it should be.",
    ]


# ---- look without touching ----


def test_a_preview_changes_nothing(house: House) -> None:
    shop(house, "Newer")
    answer = ask(house, "preview")
    assert answer.facts["changes"] == [{"what": "title", "after": "Newer"}]
    assert title_on_page(house) == "Shop"
    assert house.due() == 0


def test_a_preview_broken_off_is_answered_in_the_end(house: House) -> None:
    house.site.ask(ONE, EditorRequest("r1", "preview", "Anna"), "3")
    house.work.read_edits()
    with house.database.write() as connection:
        (one,) = asked.list_open(connection, SITE)
        assert asked.begin(connection, one, house.clock.now())
        assert not asked.begin(connection, one, house.clock.now())
    assert house.work.attend()
    house.clock.advance(seconds=121)
    assert not house.work.attend()
    assert house.site.answers["r1"].standing is Standing.FAILED


# ---- take over, give back ----


@pytest.mark.parametrize("field", [TITLE, TAGS])
def test_a_field_taken_over_is_the_editors_until_given_back(house: House, field: FieldName) -> None:
    answer = ask(house, "take_over", field)
    assert (answer.standing, answer.code) == (Standing.DONE, "taken")
    words: JsonValue = "Editor" if field == TITLE else ["blue"]
    house.site.edit(ONE, field, words)
    shop(house, "Newer", ("green",))
    house.poll()
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    page = house.site.page(ONE)
    assert page is not None and page.fields[field] == words
    assert state_of(house, field) == "taken"
    back = ask(house, "give_back", field, identity="r2")
    assert (back.standing, back.code) == (Standing.DONE, "given_back")
    page = house.site.page(ONE)
    assert page is not None
    assert page.fields[field] == ("Newer" if field == TITLE else ["green"])
    assert house.site.notes[ONE] == {}
    with house.database.read() as connection:
        assert taken.list_taken(connection, SITE) == []
    shop(house, "Newest", ("green",))
    house.poll()
    assert title_on_page(house) == "Newest"


def test_a_field_taken_over_is_in_no_conflict(house: House) -> None:
    house.site.edit(ONE, TITLE, "Editor")
    shop(house, "Newer")
    house.poll()
    ask(house, "take_over", TITLE)
    with house.database.read() as connection:
        assert conflicts.list_conflicts(connection) == []
    shop(house, "Newest")
    house.poll()
    assert title_on_page(house) == "Editor"
    with house.database.read() as connection:
        assert conflicts.list_conflicts(connection) == []


def test_a_field_held_by_an_undo_can_be_given_back(house: House) -> None:
    page = house.site.page(ONE)
    assert page is not None
    hold = Hold("Held", hash_value("Shop"), page.ours[TITLE])
    now = house.clock.now()
    with house.database.write() as connection:
        row = HeldField(SITE, ONE, TITLE, hold, "run", "me", now, page.ours[TITLE])
        holds.hold(connection, [row])
    ask(house, "resync")
    assert title_on_page(house) == "Held"
    house.work.tell_editors()
    assert state_of(house, TITLE) == "held"
    assert ask(house, "give_back", TITLE, identity="r2").code == "given_back"
    assert title_on_page(house) == "Shop"


# ---- conflicts ----


@pytest.fixture
def contested(house: House) -> House:
    house.site.edit(ONE, TITLE, "Editor", "3")
    shop(house, "Newer")
    house.poll()
    house.work.read_edits()
    house.work.tell_editors()
    return house


@pytest.mark.parametrize(
    ("choice", "value", "shown"),
    [("site", None, "Editor"), ("backend", None, "Newer"), ("value", "Third", "Third")],
)
def test_a_conflict_is_resolved_as_the_editor_says(
    contested: House, choice: str, value: str | None, shown: str
) -> None:
    note = told_of(contested, "conflicts")
    assert (note["base"], note["backend"], note["site"]) == ("Shop", "Newer", "Editor")
    assert note["edited_by"] == "3"
    answer = ask(contested, "resolve", TITLE, choice=choice, value=value, seen=str(note["mark"]))
    assert (answer.standing, answer.code) == (Standing.DONE, "resolved")
    assert title_on_page(contested) == shown
    assert contested.site.notes[ONE] == {}


def test_nobody_decides_what_they_did_not_see(contested: House) -> None:
    seen = str(told_of(contested, "conflicts")["mark"])
    shop(contested, "Newest")
    contested.poll()
    answer = ask(contested, "resolve", TITLE, choice="backend", seen=seen)
    assert (answer.standing, answer.code) == (Standing.REFUSED, "moved_on")
    assert title_on_page(contested) == "Editor"


def test_a_conflict_that_moved_on_while_it_was_decided_is_told(contested: House) -> None:
    mark = str(told_of(contested, "conflicts")["mark"])
    request = EditorRequest("r1", "resolve", "Anna", TITLE, "value", "Third", mark)
    contested.site.ask(ONE, request, "3")
    contested.work.read_edits()
    assert contested.work.attend()
    shop(contested, "Newest")
    contested.settle()
    contested.work.attend()
    answer = contested.site.answers["r1"]
    assert (answer.standing, answer.code) == (Standing.FAILED, "moved_on")


# ---- what cannot be done is said ----


@pytest.mark.parametrize(
    ("action", "field", "more", "code"),
    [
        ("take_over", FieldName("variants"), {}, "fixed"),
        ("take_over", FieldName("price"), {}, "fixed"),
        ("take_over", None, {}, "fixed"),
        ("take_over", FieldName("slug"), {}, "already_editors"),
        ("give_back", TITLE, {}, "not_taken"),
        ("resolve", TITLE, {"choice": "site"}, "no_conflict"),
        ("dance", None, {}, "unknown_action"),
        ("resync", None, {"subject": Subject(SubjectKind.PRODUCT, "strange")}, "unknown_product"),
    ],
)
def test_what_cannot_be_done_is_refused(
    house: House, action: str, field: FieldName | None, more: dict[str, object], code: str
) -> None:
    if "subject" in more:
        house.site._pages[more["subject"]] = house.site._pages[ONE]  # type: ignore[index]
    answer = ask(house, action, field, **more)  # type: ignore[arg-type]
    assert (answer.standing, answer.code) == (Standing.REFUSED, code)
    assert answer.says


def test_a_third_value_is_of_the_fields_kind(contested: House) -> None:
    mark = str(told_of(contested, "conflicts")["mark"])
    answer = ask(contested, "resolve", TITLE, choice="value", value=["x"], seen=mark)
    assert answer.code == "wrong_kind"
    answer = ask(contested, "resolve", TITLE, identity="r2", choice="dance", seen=mark)
    assert answer.code == "unknown_action"
    assert title_on_page(contested) == "Editor"


def test_two_take_over_the_same_field(house: House) -> None:
    ask(house, "take_over", TITLE)
    again = ask(house, "take_over", TITLE, identity="r2")
    assert (again.code, ANNA in again.says) == ("already_taken", True)


def test_an_answer_that_did_not_arrive_is_told_again(house: House) -> None:
    ask(house, "take_over", TITLE)
    with house.database.write() as connection:
        connection.execute(tables.asked.update().values(told=""))
    house.site.answers.clear()
    assert not house.work.attend()
    assert house.site.answers["r1"].code == "taken"
    assert house.site.counts["answer_requests"] == 2
    assert not house.work.attend()
    assert house.site.counts["answer_requests"] == 2


def test_the_owner_of_a_single_page(house: House) -> None:
    ask(house, "take_over", TITLE)
    with house.database.read() as connection:
        own = taken.load_taken(connection, SITE, [ONE])[ONE]
    rules = house.rules.of_page(taken.owners_of(own))
    assert (rules.owner(TITLE), house.rules.owner(TITLE)) == (Owner.EDITOR, Owner.MERGE)
    assert rules.owner(DESCRIPTION) is Owner.MERGE
    assert BACKEND == "shop"
