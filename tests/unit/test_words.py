"""Words of a page on their way back to the shop: which go, which cannot, and in which language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import (
    Document,
    FieldHash,
    FieldName,
    JsonValue,
    Locale,
    MarketName,
    ProductId,
    Text,
    hash_value,
)
from connector.ports import WordsCapabilities, WordsWrite
from connector.sync.diff import Hold
from connector.sync.edits import StoredField
from connector.sync.merge import UNKNOWN, Unknown
from connector.sync.owners import DEFAULT_OWNERS, Owner
from connector.sync.rules import Market, SiteRules
from connector.sync.words import (
    Back,
    alike_to,
    as_sent,
    changed_meanwhile,
    locale_of,
    spoken,
    taken,
    words_back,
)
from connector.testing import generate

TITLE, SUBTITLE, DESCRIPTION, TAGS = map(FieldName, ("title", "subtitle", "description", "tags"))
FRENCH = FieldName("title@fr-FR")
OTHER = FieldHash("other")


def in_small_letters(words: Mapping[str, str]) -> Mapping[str, str]:
    """What becomes of words in this shop. It has not heard of fields with a language."""
    known = ("title", "subtitle", "description")
    return {name: words[name].strip().lower() for name in known if name in words}


RULES = SiteRules(
    markets=(Market(MarketName("main"), Locale("en-GB"), "EUR"),),
    owners={
        **DEFAULT_OWNERS,
        **dict.fromkeys(("title", "subtitle", "description", "tags"), Owner.TWO_WAY),
    },
    alike=alike_to(in_small_letters),
)


def on_page(
    value: JsonValue, base: JsonValue = "old", given: JsonValue | Unknown = UNKNOWN
) -> StoredField:
    """A field that an editor changed, on a page that last took in `base`."""
    return StoredField(value, FieldHash("held"), OTHER, base, given, given is not UNKNOWN)


def back(
    here: StoredField | None,
    backend: JsonValue,
    name: FieldName = TITLE,
    *,
    owner: Owner = Owner.TWO_WAY,
    hold: Hold | None = None,
    contested: FieldName | None = None,
) -> Back:
    """Of a page with one field."""
    return words_back(
        Document(generate.product_subject(1), "slug", {name: backend}),
        {} if here is None else {name: here},
        RULES.of_page({name: owner}),
        {} if hold is None else {name: hold},
        set() if contested is None else {contested},
    )


LOOK = Back(look=frozenset({TITLE}))
"""The page is to take the shop's value in first."""


# ---- what goes back ----


def test_what_only_the_page_changed_goes_back() -> None:
    assert back(on_page("Edit"), "old") == Back(words={TITLE: "Edit"})
    assert back(on_page("<p>Edit</p>"), "old", DESCRIPTION).words == {DESCRIPTION: "<p>Edit</p>"}
    assert back(on_page("Titre"), "old", FRENCH) == Back(words={FRENCH: "Titre"})
    assert back(on_page("Salt &amp; Oil"), "old") == Back(words={TITLE: "Salt & Oil"})


def test_each_field_of_a_page_goes_its_own_way() -> None:
    page = {TITLE: on_page("Edit"), SUBTITLE: on_page("<b>Sub</b>"), DESCRIPTION: on_page("Text")}
    shop = {TAGS: "x", TITLE: "old", SUBTITLE: "old", DESCRIPTION: "news"}
    found = words_back(Document(generate.product_subject(1), "slug", shop), page, RULES, {}, ())
    assert found.words == {TITLE: "Edit"}
    assert found.refused.keys() == {SUBTITLE}
    assert found.look == {DESCRIPTION}


def test_what_nobody_changed_stays_where_it_is() -> None:
    assert back(on_page("old"), "old") == Back()
    assert back(on_page("Old"), "old") == Back()


def test_what_the_shop_changed_the_page_takes_in_first() -> None:
    assert back(on_page("old"), "news") == LOOK
    assert back(on_page("Edit"), "news") == LOOK
    both = back(on_page("<p>a</p><p>edit</p>", "<p>a</p><p>b</p>"), "<p>c</p><p>b</p>", DESCRIPTION)
    assert both == Back(look=frozenset({DESCRIPTION}))


def test_an_echo_does_not_go_back_and_the_page_takes_it_in_once() -> None:
    assert back(on_page("Edit"), "EDIT") == LOOK
    assert back(on_page("Edit", "EDIT"), "EDIT") == Back()
    assert back(on_page("Edit", given="edit"), "edit ") == LOOK


def test_an_edit_after_words_that_went_back_goes_back_too() -> None:
    assert back(on_page("Newer", given="edit"), "edit ") == Back(words={TITLE: "Newer"})
    assert back(on_page("Newer", given="edit"), "old") == LOOK
    read_before = replace(on_page("Newer", given="edit"), given_before=False)
    assert back(read_before, "old") == Back(words={TITLE: "Newer"})
    sent = replace(on_page("Newer"), sent=("Sent",))
    assert back(sent, "sent") == Back(words={TITLE: "Newer"})


def test_what_is_no_text_goes_nowhere() -> None:
    assert back(on_page(["a", "edit"], ["a"]), ["a"], TAGS) == Back()


def test_what_the_page_does_not_have_is_no_edit() -> None:
    assert back(None, "news") == Back()


@pytest.mark.parametrize("owner", [Owner.COMMERCE, Owner.MERGE, Owner.EDITOR])
def test_only_fields_that_are_two_way_go_back(owner: Owner) -> None:
    assert back(on_page("Edit"), "old", owner=owner) == Back()
    assert back(on_page("Edit"), "news", owner=owner) == Back()


def test_what_a_person_has_to_decide_waits_for_that_person() -> None:
    assert back(on_page("Edit"), "old", contested=TITLE) == Back()
    assert back(on_page("Edit"), "old", contested=SUBTITLE) == Back(words={TITLE: "Edit"})


def test_what_is_held_stays_until_the_shop_has_something_new() -> None:
    hold = Hold("Edit", against=hash_value("old"), expected=OTHER)
    assert back(on_page("Edit"), "old", hold=hold) == Back()
    assert back(on_page("Edit"), "news", hold=hold) == LOOK
    over = replace(hold, against=hash_value("older"))
    assert back(on_page("Edit"), "old", hold=over) == Back(words={TITLE: "Edit"})


# ---- what no shop takes ----


@pytest.mark.parametrize("name", [TITLE, FRENCH])
@pytest.mark.parametrize("text", ["", " \t\n"])
def test_a_page_without_a_title_is_told_of(name: FieldName, text: str) -> None:
    reason = "the page has no title; the shop's products need one"
    assert back(on_page(text), "old", name) == Back(refused={name: reason})


@pytest.mark.parametrize("name", [SUBTITLE, DESCRIPTION, FieldName("subtitle@fr-FR")])
def test_any_other_field_may_be_emptied(name: FieldName) -> None:
    assert back(on_page(""), "old", name) == Back(words={name: ""})


@pytest.mark.parametrize(
    "text", ["a <b>b</b>", "</i>", "<BR>", "a <!-- b", "<a\nhref=''>", "&lt;em&gt;"]
)
def test_markup_in_plain_text_is_told_of(text: str) -> None:
    for name, plain in ((TITLE, "title"), (FieldName("subtitle@fr-FR"), "subtitle")):
        reason = f"there is markup in the {plain}, which is plain text in the shop; take it out"
        assert back(on_page(text), "old", name) == Back(refused={name: reason})
    assert back(on_page(text), "old", DESCRIPTION) == Back(words={DESCRIPTION: text})


@pytest.mark.parametrize("text", ["1 < 2 > 0", "a <3 b", "<>", "a<b", "x -->", "</ b>"])
def test_signs_that_are_no_markup_go_back(text: str) -> None:
    assert back(on_page(text), "old") == Back(words={TITLE: text})


# ---- as the shop has them ----


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#039;", "'"), ("&#39;", "'"),
        ("&amp;", "&"), ("&amp;&amp;", "&&"), ("&amp;lt;", "&lt;"), ("&euro; &", "&euro; &"),
    ],
)  # fmt: skip
def test_only_titles_and_subtitles_lose_their_entities(kept: str, sent: str) -> None:
    for name in (TITLE, SUBTITLE, FRENCH, FieldName("subtitle@fr-FR")):
        assert as_sent(name, f"a{kept}b") == f"a{sent}b"
    for name in (DESCRIPTION, FieldName("description@fr-FR")):
        assert as_sent(name, kept) == kept


@given(st.text(alphabet="&<>\"'amp;lt#039 é", max_size=20))
def test_a_title_that_the_site_escaped_is_the_shops_again(text: str) -> None:
    kept = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    kept = kept.replace('"', "&quot;").replace("'", "&#039;")
    assert as_sent(TITLE, kept) == text


def test_words_are_alike_where_the_shop_cannot_tell_them_apart() -> None:
    assert RULES.alike(TITLE, "Salt &amp; Oil", " salt & oil")
    assert not RULES.alike(TITLE, "Salt", "Oil")
    assert not RULES.alike(DESCRIPTION, "&amp;", "&")
    assert RULES.alike(FRENCH, "Titre", "TITRE")
    assert not RULES.alike(FRENCH, "Titre", "Autre")


@pytest.mark.parametrize(
    ("one", "other"), [(None, None), ("", None), (None, ""), (["a"], ["a"]), (UNKNOWN, UNKNOWN)]
)
def test_values_that_are_no_words_are_never_alike(one: object, other: object) -> None:
    assert RULES.alike(TITLE, one, other) is False


# ---- in which language ----


def test_a_fields_language_is_its_own_or_that_of_the_first_market() -> None:
    assert locale_of(TITLE, RULES) == "en-GB"
    assert locale_of(FRENCH, RULES) == "fr-FR"
    markets = (*RULES.markets, Market(MarketName("fr"), Locale("fr-FR"), "EUR"))
    assert locale_of(TITLE, replace(RULES, markets=markets)) == "en-GB"
    assert locale_of(TITLE, replace(RULES, markets=markets[1:])) == "fr-FR"


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("en-GB", "en-AU"), ("en-US", "en-US"), ("en", "en-AU"),
        ("de-DE", "de-DE"), ("de-AT", "de-DE"), ("fr-FR", "fr-FR"),
    ],
)  # fmt: skip
def test_words_go_where_the_page_has_them_from(shown: str, kept: str) -> None:
    texts = {Locale(each): Text(each) for each in ("en-US", "en-AU", "de-DE")}
    product = replace(generate.product(1), default_locale=Locale("en-US"), texts=texts)
    assert spoken(product, Locale(shown)) == kept


@pytest.mark.parametrize("default", ["en-US", "en"])
def test_a_backends_own_language_counts_in_all_its_countries(default: str) -> None:
    can = WordsCapabilities(frozenset({"title"}), frozenset({"subtitle"}))
    for name, own in (("title", True), ("subtitle", False)):
        for locale in ("en-GB", "en-US", "en"):
            assert taken(can, name, Locale(locale), Locale(default)) is own
        for locale in ("de-DE", "fr-US"):
            assert taken(can, name, Locale(locale), Locale(default)) is not own


# ---- at the backend ----

WORDS = st.fixed_dictionaries({n: st.sampled_from("aAbc") for n in ("title", "description")})


def write_of(words: Mapping[str, str], expected: Mapping[str, str]) -> WordsWrite:
    return WordsWrite(ProductId("1"), Locale("en-GB"), words, expected)


def test_what_somebody_changed_meanwhile_stays() -> None:
    words = {"title": "New", "subtitle": "Same", "description": "Mine"}
    expected = {"title": "Old", "subtitle": "Was", "description": "Before"}
    now = {"title": "Old", "subtitle": "Same", "description": "Theirs"}
    news, kept = changed_meanwhile(now, write_of(words, expected), lambda given: given)
    assert (news, kept) == ({"title": "New"}, frozenset({"description"}))


def test_what_the_backend_writes_otherwise_was_not_changed() -> None:
    write = write_of({"title": "New ", "description": "SAME"}, {"title": "OLD", "description": "x"})
    now = {"title": "old", "description": "same"}
    assert changed_meanwhile(now, write, in_small_letters) == ({"title": "New "}, frozenset())


@given(WORDS, WORDS, WORDS)
def test_a_write_overwrites_nothing_that_it_did_not_expect_and_repeats_nothing(
    now: dict[str, str], words: dict[str, str], expected: dict[str, str]
) -> None:
    write = write_of(words, expected)
    news, kept = changed_meanwhile(now, write, in_small_letters)
    assert all(now[name].lower() == expected[name].lower() for name in news)
    after = {**now, **news}
    assert kept == {n for n in words if after[n].lower() != words[n].lower()}
    assert changed_meanwhile(after, write, in_small_letters) == ({}, kept)
