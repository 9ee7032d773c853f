"""What becomes of a field that an editor and the shop both had in hand: `settle`, exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import FieldHash, FieldName, JsonValue
from connector.sync.edits import NO_HASH, Choice, Ruling, Settled, StoredField, settle
from connector.sync.merge import UNKNOWN, Conflict, Unknown
from connector.sync.owners import Owner
from connector.sync.rules import Alike, never
from connector.sync.words import alike_to

TITLE, DESCRIPTION = FieldName("title"), FieldName("description")
HELD, OTHER = FieldHash("held"), FieldHash("other")
MERGING = pytest.mark.parametrize("owner", [Owner.MERGE, Owner.TWO_WAY])
ALIKE = alike_to(lambda given: {name: text.strip().lower() for name, text in given.items()})
"""Of a shop that keeps its words in small letters."""


def on_page(
    value: JsonValue,
    base: JsonValue | Unknown = "Old",
    *,
    ours: bool = False,
    given: JsonValue | Unknown = UNKNOWN,
    read_since: bool = False,
    sent: tuple[JsonValue, ...] = (),
) -> StoredField:
    """A field whose page last took in `base`. Not `ours`: an editor was there."""
    return StoredField(value, HELD, HELD if ours else OTHER, base, given, read_since, sent)


def conflict(base: JsonValue | Unknown, backend: JsonValue, site: JsonValue) -> Settled:
    return Settled(expected=HELD, conflict=Conflict(base, backend, site))


def para(*words: str) -> str:
    return "".join(f"<p>{word}</p>\n" for word in words).strip()


# ---- one side changed it ----


@pytest.mark.parametrize("owner", list(Owner))
def test_a_page_without_the_field_is_given_it(owner: Owner) -> None:
    assert settle(TITLE, owner, "News", None, NO_HASH) == Settled("News")


@MERGING
def test_an_editors_words_stay_where_the_shop_has_nothing_new(owner: Owner) -> None:
    assert settle(TITLE, owner, "Old", on_page("Edit"), NO_HASH) == Settled()
    assert settle(TITLE, owner, " Old\r\n", on_page("Edit"), NO_HASH) == Settled()


@MERGING
def test_the_shops_news_are_written_where_no_editor_was(owner: Owner) -> None:
    as_the_site_keeps_it = on_page("old", ours=True)
    assert settle(TITLE, owner, "News", as_the_site_keeps_it, NO_HASH) == Settled("News", HELD)
    put_back_by_an_editor = on_page("Old")
    assert settle(TITLE, owner, "News", put_back_by_an_editor, NO_HASH) == Settled("News", HELD)


@MERGING
def test_the_same_news_on_both_sides_are_the_shops_from_there_on(owner: Owner) -> None:
    assert settle(TITLE, owner, "News", on_page("News"), NO_HASH) == Settled("News", HELD)


def test_where_one_side_decides_alone_nothing_is_joined() -> None:
    here = on_page(para("a", "edit"), para("a", "b"))
    assert settle(DESCRIPTION, Owner.EDITOR, para("shop", "b"), here, NO_HASH) == Settled()
    settled = settle(DESCRIPTION, Owner.COMMERCE, para("shop", "b"), here, NO_HASH)
    assert settled == Settled(para("shop", "b"), HELD)


# ---- both sides changed it ----


@MERGING
def test_what_cannot_be_joined_stays_for_a_person(owner: Owner) -> None:
    settled = settle(TITLE, owner, "News", on_page("Edit"), NO_HASH)
    assert settled == conflict("Old", "News", "Edit")
    torn = on_page(para("edit"), para("a"))
    settled = settle(DESCRIPTION, owner, para("shop"), torn, NO_HASH)
    assert settled == conflict(para("a"), para("shop"), para("edit"))


@MERGING
def test_where_nobody_knows_what_both_came_from_a_person_decides(owner: Owner) -> None:
    settled = settle(TITLE, owner, "News", on_page("Edit", UNKNOWN), NO_HASH)
    assert settled == conflict(UNKNOWN, "News", "Edit")
    settled = settle(TITLE, owner, "News", on_page("Old", UNKNOWN, ours=True), NO_HASH)
    assert settled == Settled("News", HELD)


@MERGING
def test_changes_of_different_paragraphs_are_joined(owner: Owner) -> None:
    here = on_page(para("a", "edit"), para("a", "b"))
    settled = settle(DESCRIPTION, owner, para("shop", "b"), here, NO_HASH)
    assert settled == Settled(para("shop", "edit"), HELD, joined=True)


@MERGING
def test_what_the_site_will_not_have_joined_a_person_decides(owner: Owner) -> None:
    """Until the editor changes it again, or the shop's value goes in as it is."""
    here = on_page(para("a", "edit"), para("a", "b"))
    settled = settle(DESCRIPTION, owner, para("shop", "b"), here, known=HELD)
    assert settled == conflict(para("a", "b"), para("shop", "b"), para("a", "edit"))
    settled = settle(DESCRIPTION, owner, para("shop", "b"), here, known=OTHER)
    assert settled == Settled(para("shop", "edit"), HELD, joined=True)
    put_back = on_page(para("a", "b"), para("a", "b"))
    settled = settle(DESCRIPTION, owner, para("shop", "b"), put_back, known=HELD)
    assert settled == Settled(para("shop", "b"), HELD)


# ---- what a person said of a conflict ----

SEEN = on_page("Edit")


@pytest.mark.parametrize(
    ("ruling", "settled"),
    [
        (Ruling(Choice.SITE, "News", HELD), Settled("Edit", HELD, joined=True)),
        (Ruling(Choice.BACKEND, "News", HELD), Settled("News", HELD)),
        (Ruling(Choice.VALUE, "News", HELD, "Third"), Settled("Third", HELD, joined=True)),
        (Ruling(Choice.VALUE, "News", HELD, "News"), Settled("News", HELD)),
    ],
)
def test_what_a_person_said_is_done(ruling: Ruling, settled: Settled) -> None:
    assert settle(TITLE, Owner.MERGE, "News", SEEN, NO_HASH, ruling) == settled
    assert settle(TITLE, Owner.MERGE, "News", SEEN, HELD, ruling) == settled


@pytest.mark.parametrize("choice", [Choice.BACKEND, Choice.VALUE])
def test_of_words_that_the_editor_changed_since_nothing_was_said(choice: Choice) -> None:
    ruling = Ruling(choice, "News", OTHER, "Third")
    settled = settle(TITLE, Owner.MERGE, "News", SEEN, NO_HASH, ruling)
    assert settled == conflict("Old", "News", "Edit")


def test_a_page_that_is_to_stay_stays_whatever_its_editor_made_of_it_since() -> None:
    ruling = Ruling(Choice.SITE, "News", OTHER)
    settled = settle(TITLE, Owner.MERGE, "News", SEEN, NO_HASH, ruling)
    assert settled == Settled("Edit", HELD, joined=True)


@pytest.mark.parametrize(
    ("choice", "base"),
    [(Choice.SITE, "News"), (Choice.BACKEND, "Old"), (Choice.VALUE, "Old")],
)
def test_the_shops_next_change_is_a_conflict_of_its_own(choice: Choice, base: str) -> None:
    """With what it had said before as the base, where the page was to stay despite of that."""
    ruling = Ruling(choice, "News", HELD, "Third")
    settled = settle(TITLE, Owner.MERGE, "Newest", SEEN, NO_HASH, ruling)
    assert settled == conflict(base, "Newest", "Edit")


# ---- words that the shop writes in its own way ----


def two_way(backend: JsonValue, here: StoredField, name: FieldName = TITLE) -> Settled:
    return settle(name, Owner.TWO_WAY, backend, here, NO_HASH, alike=ALIKE)


def test_a_page_keeps_its_own_writing_of_what_the_shop_holds() -> None:
    assert two_way("edit", on_page("Edit")) == Settled("Edit", HELD, joined=True)
    assert two_way("edit", on_page("Edit", "edit")) == Settled()
    assert two_way("Edit", on_page("Edit\r\n")) == Settled("Edit", HELD)


def test_to_whom_nothing_is_written_back_other_letters_are_other_words() -> None:
    settled = settle(TITLE, Owner.MERGE, "edit", on_page("Edit"), NO_HASH)
    assert settled == conflict("Old", "edit", "Edit")


def test_a_page_that_says_what_it_took_in_has_no_edit() -> None:
    assert two_way("news", on_page("Edit", "edit")) == Settled("news", HELD)
    assert two_way("news", on_page("Edit", "else")) == conflict("else", "news", "Edit")


# ---- after words went back to the shop, and before the page has taken them in ----


def test_the_shops_next_change_goes_in_over_words_that_were_written_back() -> None:
    assert two_way("news", on_page("Edit", given="edit", read_since=True)) == Settled("news", HELD)


def test_the_echo_of_words_that_were_written_back_is_taken_in() -> None:
    assert two_way("Edit", on_page("Edit", given="edit", read_since=True)) == Settled("Edit", HELD)
    newer = on_page("Newer", given="edit", read_since=True)
    assert two_way("edit", newer) == Settled("Newer", HELD, joined=True)


def test_both_sides_go_on_from_what_was_written_back() -> None:
    newer = on_page("Newer", given="edit", read_since=True)
    assert two_way("news", newer) == conflict("edit", "news", "Newer")


def test_a_shop_that_was_read_before_the_write_says_nothing_of_it() -> None:
    newer = on_page("Newer", given="edit")
    assert two_way("Old", newer) == Settled()
    assert two_way("news", newer) == conflict("Old", "news", "Newer")
    assert two_way("Edit", newer) == Settled("Newer", HELD, joined=True)


# ---- after words were sent to the shop, and nobody knows whether they arrived ----


def test_words_that_did_arrive_are_what_both_sides_go_on_from() -> None:
    newer = on_page("Newer", sent=("Sent", "Sent again"))
    for backend in ("sent", "sent again"):
        assert two_way(backend, newer) == Settled("Newer", HELD, joined=True)
    assert two_way("news", newer) == conflict("Old", "news", "Newer")


@pytest.mark.parametrize(
    ("backend", "sent"),
    [
        pytest.param(para("sent", "b", "shop"), [para("sent", "b", "c")], id="arrived"),
        pytest.param(para("a", "b", "shop"), [para("sent", "b", "c")], id="did not arrive"),
        pytest.param(
            para("two", "b", "shop"),
            [para("one", "b", "c"), para("two", "b", "c")],
            id="the second did",
        ),
        pytest.param(
            para("one", "b", "shop"),
            [para("one", "b", "c"), para("two", "b", "c")],
            id="the first did",
        ),
    ],
)
def test_what_arrived_of_the_pages_words_is_no_change_of_the_shops(
    backend: str, sent: list[JsonValue]
) -> None:
    """It changed the last paragraph only; the first is the page's own, in a later version."""
    here = on_page(para("last", "b", "c"), para("a", "b", "c"), sent=tuple(sent))
    joined = Settled(para("last", "b", "shop"), HELD, joined=True)
    assert two_way(backend, here, DESCRIPTION) == joined
    assert settle(DESCRIPTION, Owner.TWO_WAY, backend, here, HELD, alike=ALIKE) == conflict(
        here.base, backend, here.value
    )


def test_what_the_shop_changed_beside_the_pages_words_stays_a_conflict() -> None:
    sent = (para("sent", "b", "c"),)
    here = on_page(para("last", "b", "c"), para("a", "b", "c"), sent=sent)
    changed = para("other", "b", "c")
    assert two_way(changed, here, DESCRIPTION) == conflict(here.base, changed, here.value)
    nothing_sent = replace(here, sent=())
    changed = para("sent", "b", "shop")
    assert two_way(changed, nothing_sent, DESCRIPTION) == conflict(here.base, changed, here.value)


def test_where_nobody_knows_what_the_page_took_in_nothing_is_taken_out_again() -> None:
    here = on_page(para("last", "b", "c"), UNKNOWN, sent=(para("sent", "b", "c"),))
    backend = para("sent", "b", "shop")
    assert two_way(backend, here, DESCRIPTION) == conflict(UNKNOWN, backend, here.value)


# ---- laws ----

VALUES: st.SearchStrategy[JsonValue] = st.one_of(
    st.sampled_from(("Old", "old", "Edit", "edit ", "News", "")),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda each: para(*each)),
)
NAMES = st.sampled_from((TITLE, DESCRIPTION))
OWNERS = st.sampled_from((Owner.MERGE, Owner.TWO_WAY))
FIELDS = st.builds(
    on_page,
    VALUES,
    st.one_of(VALUES, st.just(UNKNOWN)),
    ours=st.booleans(),
    given=st.one_of(VALUES, st.just(UNKNOWN)),
    sent=st.lists(VALUES, max_size=2).map(tuple),
)


def alike_of(owner: Owner) -> Alike:
    return ALIKE if owner is Owner.TWO_WAY else never


@given(NAMES, OWNERS, VALUES, FIELDS, st.sampled_from((NO_HASH, HELD, OTHER)))
def test_a_page_is_written_or_contested_or_left_alone_and_only_as_it_was_seen(
    name: FieldName, owner: Owner, backend: JsonValue, here: StoredField, known: FieldHash
) -> None:
    settled = settle(name, owner, backend, here, known, alike=alike_of(owner))
    written = not isinstance(settled.write, Unknown)
    assert not (written and settled.conflict)
    assert settled.expected == (HELD if written or settled.conflict else NO_HASH)
    assert settled.joined <= written
    if settled.conflict:
        assert (settled.conflict.backend, settled.conflict.site) == (backend, here.value)
    if written and not settled.joined:
        assert settled.write == backend


@given(NAMES, OWNERS, VALUES, FIELDS)
def test_a_page_that_has_taken_in_what_was_decided_is_left_alone(
    name: FieldName, owner: Owner, backend: JsonValue, here: StoredField
) -> None:
    alike = alike_of(owner)
    settled = settle(name, owner, backend, here, NO_HASH, alike=alike)
    if not isinstance(settled.write, Unknown):
        after = on_page(settled.write, backend, ours=not settled.joined)
        assert settle(name, owner, backend, after, NO_HASH, alike=alike) == Settled()
