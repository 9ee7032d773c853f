"""The three-way merge: laws against an oracle of single edits, and exact values at its edges."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import FieldName, JsonValue
from connector.sync.blocks import split_blocks
from connector.sync.elements import keyed, merge_lists, same_elements
from connector.sync.merge import (
    UNKNOWN,
    Conflict,
    Leave,
    Merged,
    Shape,
    Sides,
    Unknown,
    Write,
    WriteBack,
    WriteBoth,
    join,
    merge,
    same,
    shape_of,
)
from connector.sync.owners import Owner
from connector.sync.rich_text import merge_texts

WORDS = st.text(alphabet="abc", min_size=1, max_size=3)
LISTS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)
PIECES = st.sampled_from(
    [
        *("<p>a</p>", "<p>b", "\n\n", "x", "\r\n", "<ul><li>1<li>2</ul>", "<b>c</b>", "<hr/>", " "),
        *("<!-- wp:a -->", "<!-- /wp:a -->", "<!-- wp:b /-->", "<!--more-->", "<script>", "<"),
        *("</p>", "<div>", "</div>", "-->", "<!--", "a>b", '<img alt="">', "<pre>\n\n</pre>"),
        "</script>",
    ]
)
MARKUP = st.lists(PIECES, max_size=12).map("".join)
VALUES: st.SearchStrategy[JsonValue] = st.one_of(
    MARKUP, LISTS.map(lambda each: [*each]), st.integers(0, 3), st.booleans(), st.none()
)
SHAPES = st.sampled_from(list(Shape))
OWNERS = st.sampled_from(list(Owner))
MERGING = st.sampled_from([Owner.MERGE, Owner.TWO_WAY])


def at_site(decided: Merged, before: JsonValue | Unknown) -> JsonValue | Unknown:
    """What the site holds after a decision was carried out."""
    return decided.value if isinstance(decided, Write | WriteBoth) else before


def at_backend(decided: Merged, before: JsonValue) -> JsonValue:
    return decided.value if isinstance(decided, WriteBack | WriteBoth) else before


# ---- laws of every shape ----


@given(MERGING, SHAPES, VALUES, VALUES)
def test_what_only_the_site_changed_stays(
    owner: Owner, shape: Shape, base: JsonValue, edit: JsonValue
) -> None:
    decided = merge(owner, shape, Sides(base, base, edit))
    assert at_site(decided, edit) == edit
    if owner is Owner.MERGE or same(shape, base, edit):
        assert isinstance(decided, Leave)
    else:
        assert decided == WriteBack(edit)


@given(MERGING, SHAPES, VALUES, VALUES)
def test_what_only_the_backend_changed_goes_in(
    owner: Owner, shape: Shape, base: JsonValue, news: JsonValue
) -> None:
    decided = merge(owner, shape, Sides(base, news, base))
    assert decided == (
        Leave("only the site changed it") if same(shape, base, news) else Write(news)
    )


@given(MERGING, SHAPES, VALUES, VALUES)
def test_the_same_change_on_both_sides_is_no_conflict(
    owner: Owner, shape: Shape, base: JsonValue, both: JsonValue
) -> None:
    decided = merge(owner, shape, Sides(base, both, both))
    assert at_site(decided, both) == both
    assert isinstance(decided, Write | Leave)


@given(OWNERS, SHAPES, VALUES, VALUES, VALUES)
def test_an_echo_is_never_an_edit(
    owner: Owner, shape: Shape, base: JsonValue, news: JsonValue, echo: JsonValue
) -> None:
    """Whatever the site made of our value, and whenever we hear of it."""
    decided = merge(owner, shape, Sides(base, news, echo, is_ours=True))
    assert isinstance(decided, Leave) or decided == Write(news)


@given(OWNERS, SHAPES, VALUES, VALUES, VALUES)
def test_merging_again_changes_nothing(
    owner: Owner, shape: Shape, base: JsonValue, news: JsonValue, edit: JsonValue
) -> None:
    decided = merge(owner, shape, Sides(base, news, edit))
    if isinstance(decided, Conflict):
        assert merge(owner, shape, Sides(base, news, edit)) == decided
        return
    site, backend = at_site(decided, edit), at_backend(decided, news)
    assert isinstance(
        merge(owner, shape, Sides(backend, backend, site, is_ours=site == news)), Leave
    ) or (owner is Owner.TWO_WAY and not same(shape, site, backend))


@given(MERGING, SHAPES, VALUES, VALUES, VALUES)
def test_a_conflict_names_what_it_was_given(
    owner: Owner, shape: Shape, base: JsonValue, news: JsonValue, edit: JsonValue
) -> None:
    decided = merge(owner, shape, Sides(base, news, edit))
    if isinstance(decided, Conflict):
        assert decided == Conflict(base, news, edit)
        assert not same(shape, base, news) and not same(shape, base, edit)
        assert not same(shape, news, edit)


@given(SHAPES, VALUES, VALUES, VALUES)
def test_a_hold_keeps_everything(
    shape: Shape, base: JsonValue, news: JsonValue, edit: JsonValue
) -> None:
    for owner in Owner:
        decided = merge(owner, shape, Sides(base, news, edit), held=True)
        assert decided == Leave("it is held as it is")


@given(OWNERS, SHAPES, VALUES)
def test_a_page_without_the_field_gets_it(owner: Owner, shape: Shape, news: JsonValue) -> None:
    assert merge(owner, shape, Sides(UNKNOWN, news, UNKNOWN)) == Write(news)


@given(SHAPES, VALUES, VALUES)
def test_without_a_base_only_equal_values_agree(
    shape: Shape, news: JsonValue, edit: JsonValue
) -> None:
    decided = merge(Owner.MERGE, shape, Sides(UNKNOWN, news, edit))
    expected = Write(news) if same(shape, news, edit) else Conflict(UNKNOWN, news, edit)
    assert decided == expected


@given(SHAPES, VALUES, VALUES, VALUES)
def test_commerce_always_wins_and_an_editor_always_stays(
    shape: Shape, base: JsonValue, news: JsonValue, edit: JsonValue
) -> None:
    commerce = merge(Owner.COMMERCE, shape, Sides(base, news, edit))
    assert commerce == (
        Leave("the site has it already") if same(shape, news, edit) else Write(news)
    )
    assert merge(Owner.EDITOR, shape, Sides(base, news, edit)) == Leave("it is the editor's")


def test_commerce_does_not_write_again_what_the_site_made_of_its_value() -> None:
    sides = Sides("<script>a", "<script>a", "a", is_ours=True)
    assert merge(Owner.COMMERCE, Shape.WHOLE, sides) == Leave("the site has it already")
    edited = Sides("<script>a", "<script>a", "a", is_ours=False)
    assert merge(Owner.COMMERCE, Shape.WHOLE, edited) == Write("<script>a")
    newer = Sides("<script>a", "b", "a", is_ours=True)
    assert merge(Owner.COMMERCE, Shape.WHOLE, newer) == Write("b")


# ---- no edit is lost: single edits against an oracle ----


@dataclass(frozen=True)
class Edits:
    """What one side did: paragraphs reworded, taken away, added after others (-1: before all)."""

    reworded: dict[int, str]
    removed: frozenset[int]
    added: dict[int, str]


def edits(count: int, mark: str) -> st.SearchStrategy[Edits]:
    places = st.integers(0, max(count - 1, 0))
    return st.builds(
        Edits,
        st.dictionaries(places, WORDS.map(lambda word: f"{mark}{word}"), max_size=2),
        st.frozensets(places, max_size=1),
        st.dictionaries(st.integers(-1, count - 1), WORDS.map(lambda w: f"{mark}+{w}"), max_size=2),
    )


def texts(count: int, *all_edits: Edits) -> str:
    """The text with all these edits done to it, one paragraph a block."""
    blocks: list[str] = []
    for place in range(-1, count):
        words = f"paragraph {place}"
        gone = place < 0
        for each in all_edits:
            gone = gone or place in each.removed
            words = each.reworded.get(place, words)
        if not gone:
            blocks.append(words)
        blocks += [each.added[place] for each in all_edits if place in each.added]
    return "".join(f"<p>{words}</p>\n" for words in blocks)


def far_apart(count: int, one: Edits, other: Edits) -> bool:
    """Whether no edit of one side is at or beside one of the other side's."""

    def places(each: Edits) -> set[int]:
        return {*each.reworded, *each.removed, *each.added, *(place + 1 for place in each.added)}

    return not any(abs(a - b) < 2 for a in places(one) for b in places(other))


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, Edits, Edits]:
    count = draw(st.integers(0, 8))
    return count, draw(edits(count, "shop ")), draw(edits(count, "editor "))


@given(histories())
def test_no_edit_of_a_text_is_lost(history: tuple[int, Edits, Edits]) -> None:
    count, shop, editor = history
    base, news, edit = texts(count), texts(count, shop), texts(count, editor)
    merged = merge_texts(base, news, edit)
    if far_apart(count, shop, editor):
        assert merged == texts(count, shop, editor)
    if merged is None:
        return
    for word in _own(news, base) | _own(edit, base):
        assert word in merged
    for word in _own(base, news) | _own(base, edit):
        assert word not in merged


def _own(text: str, other: str) -> set[str]:
    return set(text.splitlines()) - set(other.splitlines())


@given(histories())
def test_it_does_not_matter_who_comes_first(history: tuple[int, Edits, Edits]) -> None:
    count, shop, editor = history
    base, news, edit = texts(count), texts(count, shop), texts(count, editor)
    forth, back = merge_texts(base, news, edit), merge_texts(base, edit, news)
    assert (forth is None) == (back is None)
    assert forth == back


@given(histories(), histories())
def test_each_step_may_be_synced_before_the_next(
    history: tuple[int, Edits, Edits], later: tuple[int, Edits, Edits]
) -> None:
    """A merged page keeps the editor's words through the backend's next changes."""
    count, shop, editor = history
    base, news, edit = texts(count), texts(count, shop), texts(count, editor)
    page = merge_texts(base, news, edit)
    if page is None or not far_apart(count, shop, editor):
        return
    newest = texts(count)
    final = merge_texts(news, newest, page)
    assert final == edit


@given(MARKUP, MARKUP, MARKUP)
def test_any_markup_merges_to_both_sides_blocks_or_not_at_all(
    base: str, news: str, edit: str
) -> None:
    merged = merge_texts(base, news, edit)
    if merged is None:
        return
    old, theirs, ours, got = (_keys(each) for each in (base, news, edit, merged))
    assert got >= (theirs | ours) - old
    assert got <= theirs | ours | old
    assert not got & (old - theirs - ours)


def _keys(html: str) -> set[str]:
    return {block.key for block in split_blocks(html) or ()} - {""}


@given(MARKUP, MARKUP)
def test_one_sided_changes_of_any_markup_need_no_choice(base: str, news: str) -> None:
    torn = split_blocks(base) is None or split_blocks(news) is None
    for merged in (merge_texts(base, news, base), merge_texts(base, base, news)):
        assert (merged is None) == torn
        assert merged is None or _keys(merged) == _keys(news)


# ---- blocks ----


@given(st.one_of(MARKUP, st.text()))
def test_blocks_joined_are_the_text(html: str) -> None:
    blocks = split_blocks(html)
    assert blocks is None or "".join(block.text for block in blocks) == html


@pytest.mark.parametrize(
    ("html", "pieces"),
    [
        ("", []),
        ("<p>a</p>", ["<p>a</p>"]),
        ("<p>a</p>\r\n\r\n<p>b</p> ", ["<p>a</p>\r\n\r\n", "<p>b</p> "]),
        ("<p>a<p>b", ["<p>a", "<p>b"]),
        ("one\n\ntwo\n \nthree\nfour", ["one\n\n", "two\n \n", "three\nfour"]),
        ("  <h2>a</h2>", ["  <h2>a</h2>"]),
        ("<ul><li>1<li>2</ul>after", ["<ul><li>1<li>2</ul>", "after"]),
        ("<div>a\n\nb</div>c", ["<div>a\n\nb</div>", "c"]),
        ("<b>a\n\nb</b>\n\nc", ["<b>a\n\nb</b>\n\n", "c"]),
        ("<div><p>a</div><p>b", ["<div><p>a</div>", "<p>b"]),
        ("<p>a</p><div>a", None),
        ("<p>a</p><p>b</p></div>", None),
        ("<p>a</p><script>x", None),
        ("<p>a</p><!-- x", None),
        ("<p>a</p><b>b<p>c</p></b><i></b>", None),
        ("a<script></p>\n\n</script>\n\nb", ["a<script></p>\n\n</script>\n\n", "b"]),
        ("a<hr>b<hr/>", ["a", "<hr>", "b", "<hr/>"]),
        ("a<br>b<img src=''>c", ["a<br>b<img src=''>c"]),
        (
            '<!-- wp:list {"ordered":true} -->\n<ol><li>a</li></ol>\n<!-- /wp:list -->\n\n'
            "<!-- wp:my/box --><p>b</p>\n\n<p>c</p><!-- /wp:my/box --><!-- wp:spacer /-->d",
            [
                '<!-- wp:list {"ordered":true} -->\n<ol><li>a</li></ol>\n<!-- /wp:list -->\n\n',
                "<!-- wp:my/box --><p>b</p>\n\n<p>c</p><!-- /wp:my/box -->",
                "<!-- wp:spacer /-->",
                "d",
            ],
        ),
        ("a<!--more-->\n\n<!-- not wp:x -->b", ["a<!--more-->\n\n", "<!-- not wp:x -->b"]),
    ],
)
def test_a_text_falls_into_the_blocks_that_editors_see(html: str, pieces: list[str] | None) -> None:
    blocks = split_blocks(html)
    assert (None if blocks is None else [block.text for block in blocks]) == pieces


def test_a_megabyte_of_anything_is_split_at_once() -> None:
    for piece in (
        "<p>x</p>\n",
        "<!--",
        "<b>",
        "<a ",
        "<script>",
        "\n ",
        "<!-- wp:a",
        "<p>",
        "\n\n",
    ):
        big = piece * (1_000_000 // len(piece))
        blocks = split_blocks(big)
        assert blocks is None or sum(len(block.text) for block in blocks) == len(big)


def test_a_megabyte_merges() -> None:
    base = [f"<p>{'long ' * 20}{number}</p>\n" for number in range(9_000)]
    news, edit = [*base], [*base]
    news[10], edit[8_990] = "<p>shop</p>\n", "<p>editor</p>\n"
    merged = merge_texts("".join(base), "".join(news), "".join(edit))
    assert merged == "".join([*news[:8_990], edit[8_990], *news[8_991:]])


# ---- exact texts ----

A, B, C = "<p>a</p>\n", "<p>b</p>\n", "<p>c</p>\n"


@pytest.mark.parametrize(
    ("base", "news", "edit", "merged"),
    [
        (A + B, "<p>A</p>\n" + B, A + "<p>B</p>\n", "<p>A</p>\n<p>B</p>\n"),
        (A + B, "<p>A</p>\n" + B, "<p>x</p>\n" + B, None),
        (A + B, B, "<p>x</p>\n" + B, None),
        (A + B + C, A + C, A + B + C + "<p>d</p>", A + C + "<p>d</p>"),
        (A + B, A + "<p>n</p>\n" + B, A + "<p>m</p>\n" + B, None),
        (A + B, A + "<p>n</p>\n" + B, A + "<p>n</p>\n" + B, A + "<p>n</p>\n" + B),
        (A + B, "<p>n</p>\n" + A + B, A + B + "<p>m</p>\n", "<p>n</p>\n" + A + B + "<p>m</p>\n"),
        (A + B, A + "<p>n</p>\n" + B, A + "<p>B</p>\n", A + "<p>n</p>\n<p>B</p>\n"),
        (A + B, A + "<p>n</p>\n" + B, "<p>A</p>\n" + B, "<p>A</p>\n<p>n</p>\n" + B),
        (A + B + C, C, A + "<p>n</p>\n" + B + C, None),
        (
            A + B + C,
            "<p>1</p><p>2</p><p>3</p>\n" + C,
            A + B + C + "<p>n</p>",
            "<p>1</p><p>2</p><p>3</p>\n" + C + "<p>n</p>",
        ),
        (A + B, "<p>1</p><p>2</p><p>3</p>", A + B + "<p>n</p>", None),
        (A + B, A, A + B + "<p>n</p>", A + "<p>n</p>"),
        ("", "<p>n</p>", "<p>m</p>", None),
        (A + B, A + B + C, "<div>" + A + B, None),
        ("", "<p>n</p>", "<p>n</p>\n", "<p>n</p>\n"),
        ("a", "a\n\nb", "a2", "a2\n\nb"),
        ("a", "a\n\nb", "a\n", "a\n\nb"),
        ("a\n\nb", "a\n\nb\n\nc", "x\n\na\n\nb", "x\n\na\n\nb\n\nc"),
        ("a\r\n\r\nb", "a\r\n\r\nc", "d\n\nb", "d\n\nc"),
        ("a\r\n\r\nb", "a\r\n\r\nc", "d\r\n\r\nb", "d\r\n\r\nc"),
        ("a\n \nb", "a\n \nc", "d\n \nb", "d\n \nc"),
        (
            "<p>a\r\nb</p>\r\n" + B,
            "<p>a\r\nb</p>\r\n<p>N</p>\r\n",
            "<p>a\nb</p>\n" + B + C,
            "<p>a\nb</p>\n<p>N</p>\r\n" + C,
        ),
    ],
)
def test_texts_merge_exactly(base: str, news: str, edit: str, merged: str | None) -> None:
    assert merge_texts(base, news, edit) == merged


@pytest.mark.parametrize(
    ("base", "news", "edit", "merged"),
    [
        ("abc", "xbz", "ayc", "xyz"),
        ("abc", "xyc", "abz", "xyz"),
        ("abcd", "axyd", "abcz", "axyz"),
        ("abcd", "abcz", "axyd", "axyz"),
        ("abc", "xyc", "ayc", "xyc"),
        ("abc", "xyc", "azc", None),
        ("abcde", "abcxe", "ybcze", None),
        ("abcde", "ybcze", "abcxe", None),
        ("abcde", "xbcde", "abczn", "xbczn"),
    ],
)
def test_paragraphs_are_told_apart_one_by_one(
    base: str, news: str, edit: str, merged: str | None
) -> None:
    """Each letter is one."""
    base, news, edit = ("".join(f"<p>{each}</p>" for each in text) for text in (base, news, edit))
    found = merge_texts(base, news, edit)
    assert (found and re.sub("<[^>]*>", "", found)) == merged


# ---- lists ----


@given(LISTS, LISTS, LISTS)
def test_no_edit_of_a_list_is_lost(base: list[str], news: list[str], edit: list[str]) -> None:
    merged = merge_lists([*base], [*news], [*edit], ordered=False)
    kept = {key for key in base if key in news and key in edit}
    added = {*news, *edit} - {*base}
    assert merged is not None
    assert len(merged) == len({str(each) for each in merged})
    assert {str(each) for each in merged} == kept | added


@given(LISTS, LISTS, st.booleans())
def test_one_sided_changes_of_a_list_come_out_as_they_are(
    base: list[str], news: list[str], ordered: bool
) -> None:
    assert merge_lists([*base], [*news], [*base], ordered=ordered) == news
    assert merge_lists([*base], [*base], [*news], ordered=ordered) == news
    assert merge_lists([*base], [*news], [*news], ordered=ordered) == news


@given(LISTS, LISTS, LISTS)
def test_an_order_that_both_changed_differently_is_a_conflict(
    base: list[str], news: list[str], edit: list[str]
) -> None:
    def order(one: list[str], other: list[str]) -> list[str]:
        return [each for each in one if each in other]

    clash = (
        order(base, news) != order(news, base)
        and order(base, edit) != order(edit, base)
        and order(news, edit) != order(edit, news)
    )
    assert (merge_lists([*base], [*news], [*edit], ordered=True) is None) == clash


def picture(identity: str, alt: str = "") -> JsonValue:
    return {"id": identity, "alt": alt}


@pytest.mark.parametrize(
    ("base", "news", "edit", "merged"),
    [
        ("abc", "abcd", "bac", "bacd"),
        ("abc", "cab", "abcd", "cdab"),
        ("abc", "ab", "abcd", "abd"),
        ("abc", "xabc", "yabc", "xyabc"),
        ("ab", "axb", "ayb", "ayxb"),
        ("abc", "acb", "acb", "acb"),
        ("abc", "", "abc", ""),
        ("", "ab", "ba", "ba"),
    ],
)
def test_lists_merge_exactly(base: str, news: str, edit: str, merged: str | None) -> None:
    found = merge_lists([*base], [*news], [*edit], ordered=True)
    assert found == (None if merged is None else [*merged])


def test_elements_are_told_apart_by_their_id_or_name() -> None:
    base = [picture("1", "old"), picture("2")]
    both = merge_lists(
        base, [picture("1", "new"), picture("2")], [picture("2"), picture("1", "old")], ordered=True
    )
    assert both == [picture("2"), picture("1", "new")]
    clash = merge_lists(base, [picture("1", "new")], [picture("1", "mine")], ordered=True)
    assert clash is None
    gone = merge_lists(base, [picture("2")], [picture("1", "mine"), picture("2")], ordered=True)
    assert gone is None
    named: list[JsonValue] = [{"name": "Size", "values": ["S"]}]
    larger: list[JsonValue] = [{"name": "Size", "values": ["S", "M"]}]
    smaller: list[JsonValue] = [{"name": "Size", "values": []}]
    assert merge_lists(named, larger, named, ordered=True) == larger
    assert merge_lists(named, larger, smaller, ordered=True) is None
    assert keyed([{"id": 1, "name": "x"}, {"id": "1", "name": "x"}]) is not None


def test_a_list_that_names_an_element_twice_is_no_list_of_elements() -> None:
    assert keyed(["a", "a"]) is None
    for lists in (["a", "a"], ["b"], ["c"]), (["b"], ["a", "a"], ["c"]), (["b"], ["c"], ["a", "a"]):
        base, news, edit = ([*each] for each in lists)
        assert merge_lists(base, news, edit, ordered=False) is None


def test_sets_are_equal_in_any_order_and_lists_are_not() -> None:
    assert same_elements(["a", {"b": 1, "c": 2}], [{"c": 2, "b": 1}, "a"])
    assert not same_elements(["a"], ["a", "a"])
    assert same(Shape.SET, ["a", "b"], ["b", "a"])
    assert not same(Shape.LIST, ["a", "b"], ["b", "a"])
    assert same(Shape.LIST, ["a ", {"x": "b\r\n"}], ["a", {"x": "b"}])
    assert not same(Shape.WHOLE, True, 1)
    assert not same(Shape.WHOLE, [True], [1])
    assert not same(Shape.WHOLE, UNKNOWN, UNKNOWN)


# ---- shapes, exactly ----


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("title", Shape.WHOLE),
        ("seo_description", Shape.WHOLE),
        ("description", Shape.RICH_TEXT),
        ("description@fr-FR", Shape.RICH_TEXT),
        ("categories", Shape.SET),
        ("tags", Shape.SET),
        ("attributes", Shape.SET),
        ("media", Shape.LIST),
        ("options", Shape.LIST),
        ("variants", Shape.LIST),
        ("source", Shape.WHOLE),
    ],
)
def test_each_field_is_joined_in_its_way(name: str, shape: Shape) -> None:
    assert shape_of(FieldName(name)) is shape


@pytest.mark.parametrize(
    ("shape", "base", "news", "edit", "joined"),
    [
        (Shape.WHOLE, A + B, A, B, UNKNOWN),
        (Shape.WHOLE, ["a"], ["a", "b"], ["a", "c"], UNKNOWN),
        (Shape.RICH_TEXT, A + B, A + "<p>B</p>", C + B, C + "<p>B</p>"),
        (Shape.RICH_TEXT, UNKNOWN, A, B, UNKNOWN),
        (Shape.RICH_TEXT, ["a"], ["b"], ["c"], UNKNOWN),
        (Shape.SET, ["b", "a"], ["b", "a", "n"], ["a", "m"], ["a", "m", "n"]),
        (Shape.SET, ["a ", "b"], ["a ", "c", "b"], ["b", "a", "d"], ["b", "a", "d", "c"]),
        (Shape.LIST, ["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"], UNKNOWN),
        (Shape.LIST, "a", "b", "c", UNKNOWN),
        (Shape.SET, UNKNOWN, ["a"], ["b"], UNKNOWN),
    ],
)
def test_shapes_join_exactly(
    shape: Shape,
    base: JsonValue | Unknown,
    news: JsonValue,
    edit: JsonValue,
    joined: JsonValue | Unknown,
) -> None:
    assert join(shape, base, news, edit) == joined


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_kinds_of_line_ends_say_nothing_wherever_they_stand(ends: str) -> None:
    mine, theirs = f"a{ends}b", "a\nb"
    assert same(Shape.WHOLE, mine, theirs)
    assert not same(Shape.WHOLE, mine, "a\n\nb")
    assert not same(Shape.WHOLE, mine, "ab")
    assert same(Shape.LIST, [{"alt": mine}], [{"alt": theirs}])
    assert not same(Shape.LIST, [{"alt": mine}], [{"alt": "ab"}])


def test_shapes_have_the_names_that_people_read() -> None:
    assert [*Shape] == ["whole", "rich text", "list", "set"]
    assert UNKNOWN.value == "unknown"


def test_two_way_brings_each_side_what_it_lacks() -> None:
    shape = Shape.RICH_TEXT
    joined = merge(Owner.TWO_WAY, shape, Sides(A + B, "<p>A</p>\n" + B, A + C))
    assert joined == WriteBoth("<p>A</p>\n" + C)
    assert merge(Owner.TWO_WAY, shape, Sides(A, A, B)) == WriteBack(B)
    assert merge(Owner.TWO_WAY, shape, Sides(A, A, "a", is_ours=True)) == Leave(
        "only the site changed it"
    )
    assert merge(Owner.TWO_WAY, shape, Sides(A, B, A)) == Write(B)
    assert merge(Owner.TWO_WAY, shape, Sides(A, B, C)) == Conflict(A, B, C)
    assert merge(Owner.TWO_WAY, shape, Sides(A, B + C, B + C + " ")) == Write(B + C)
