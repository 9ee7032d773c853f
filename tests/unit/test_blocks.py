"""A rich text taken apart into blocks: what is one, what is torn, and that no byte is lost."""

from __future__ import annotations

import re

import pytest

from connector.sync.blocks import Block, split_blocks

WORD = re.compile(r"\w+")
ONE_OF_ITS_OWN = WORD.findall(
    "address article aside blockquote details dialog div dl fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup main menu nav ol p pre section table ul"
)
IN_A_LINE = WORD.findall("a abbr b bdi cite code em i kbd mark q s small span strong sub sup u")
WITHOUT_END = WORD.findall("area base br col embed hr img input link meta param source track wbr")
NO_MARKUP_INSIDE = ("script", "style", "textarea", "title")
END_MAY_BE_LEFT_OUT = WORD.findall("p li dt dd tr td th thead tbody tfoot option")


def bodies(html: str) -> list[str]:
    """The blocks of a text that has some, without the space between them."""
    blocks = split_blocks(html)
    assert blocks is not None
    assert "".join(block.text for block in blocks) == html
    return [block.body for block in blocks]


# ---- elements ----


@pytest.mark.parametrize("name", ONE_OF_ITS_OWN)
def test_an_element_that_stands_alone_is_a_block(name: str) -> None:
    first, second = f"<{name}>one</{name}>", f'<{name.upper()} class="x">two</{name.upper()}>'
    assert bodies(f"{first}{second}") == [first, second]
    assert bodies(f"before{first}after") == ["before", first, "after"]


@pytest.mark.parametrize("name", IN_A_LINE)
def test_an_element_of_a_line_is_none(name: str) -> None:
    text = f"one <{name}>two</{name}> three"
    assert bodies(text) == [text]
    assert split_blocks(f"one <{name}>two") is None


@pytest.mark.parametrize("name", WITHOUT_END)
def test_an_element_without_an_end_holds_nothing(name: str) -> None:
    for text in (f"<div>one<{name}>two</div>", f"<div>one<{name}/>two</div>"):
        assert bodies(f"{text}<p>x</p>") == [text, "<p>x</p>"]


def test_a_line_across_is_a_block_and_a_line_break_is_none() -> None:
    assert bodies("one<hr>two") == ["one", "<hr>", "two"]
    assert bodies("one<br>two") == ["one<br>two"]


@pytest.mark.parametrize("name", NO_MARKUP_INSIDE)
def test_what_is_no_markup_is_not_read_as_such(name: str) -> None:
    text = f"<div><{name}></i><div></{name.upper()} ></div>"
    assert bodies(f"{text}<p>two</p>") == [text, "<p>two</p>"]
    assert split_blocks(f"<div><{name}></div>") is None
    assert split_blocks(f"<div></{name}></div>") is None


@pytest.mark.parametrize("name", END_MAY_BE_LEFT_OUT)
def test_an_end_that_html_lets_one_leave_out_is_not_missed(name: str) -> None:
    text = f"<div><{name}>one<{name}>two</div>"
    assert bodies(f"{text}<p>x</p>") == [text, "<p>x</p>"]
    assert bodies(f"<div><{name}>one</{name}></div>") == [f"<div><{name}>one</{name}></div>"]
    assert bodies(f"<{name}>one") == [f"<{name}>one"]


def test_a_paragraph_ends_where_a_block_begins() -> None:
    assert bodies("<p>one<p>two<div>three</div>") == ["<p>one", "<p>two", "<div>three</div>"]
    assert bodies("<p>one <em>two</em>") == ["<p>one <em>two</em>"]
    assert bodies("<ul><li>one<p>two</ul><p>x</p>") == ["<ul><li>one<p>two</ul>", "<p>x</p>"]


def test_a_block_within_a_block_is_part_of_it() -> None:
    text = "<div>one<div>two</div>\n\nthree<p>four</p></div>"
    assert bodies(f"{text}<p>x</p>") == [text, "<p>x</p>"]


@pytest.mark.parametrize(
    "torn",
    [
        "<div>one", "one</div>", "</p>", "<div><span>one</div></span>", "<div>one</section>",
        "<ul><li>one", "<!-- one", "<p>one</p><!--", "<!-->", "<b>one</i>", "<div></em></div>",
    ],
)  # fmt: skip
def test_markup_that_does_not_close_has_no_blocks(torn: str) -> None:
    assert split_blocks(torn) is None


# ---- blocks of WordPress, and other comments ----


def test_a_block_of_wordpress_is_one_from_comment_to_comment() -> None:
    first = '<!-- wp:paragraph {"align":"left"} -->\n<p>one</p>\n<!-- /wp:paragraph -->'
    second = (
        "<!-- wp:group --><!-- wp:acme/card --><p>two</p><!-- /wp:acme/card --><!--/wp:group-->"
    )
    third = "<!-- wp:more /-->"
    text = f"{first}\n\n{second}{third}<p>four</p>"
    assert bodies(text) == [first, second, third, "<p>four</p>"]


@pytest.mark.parametrize(
    "torn",
    ["<!-- wp:group -->", "<!-- /wp:group -->", "<!-- wp:group --><!-- /wp:quote -->"],
)
def test_a_block_of_wordpress_that_does_not_close(torn: str) -> None:
    assert split_blocks(torn) is None


def test_another_comment_is_a_part_of_what_it_stands_in() -> None:
    for comment in (
        "<!-- note -->",
        "<!---->",
        "<!-- <p> -->",
        "<!-- a wp:group -->",
        "<!-- / -->",
    ):
        assert bodies(f"one {comment} two") == [f"one {comment} two"]
        assert bodies(f"<p>{comment}</p><p>x</p>") == [f"<p>{comment}</p>", "<p>x</p>"]


# ---- running text, and the space between ----


def test_running_text_is_parted_by_blank_lines() -> None:
    blocks = split_blocks("one\nstill one\n \t\n\n  two <em>three\n\nfour</em>\r\n\r\nfive")
    assert blocks == (
        Block("one\nstill one", "\n \t\n\n  ", running=True),
        Block("two <em>three\n\nfour</em>", "\r\n\r\n", running=True),
        Block("five", "", running=True),
    )


def test_space_belongs_to_the_block_before_it_and_at_the_beginning_to_the_first() -> None:
    assert split_blocks(" \n<p>one</p>\n\n \n<p>two</p> ") == (
        Block(" \n<p>one</p>", "\n\n \n", running=False),
        Block("<p>two</p>", " ", running=False),
    )
    assert split_blocks("\n\n one\n\n\n\n") == (Block("\n\n one", "\n\n\n\n", running=True),)
    assert split_blocks(" \n\n ") == (Block("", " \n\n ", running=True),)
    assert split_blocks("") == ()


def test_only_running_text_needs_a_blank_line() -> None:
    blocks = split_blocks("one<p>two</p>three<hr>")
    assert blocks is not None
    assert [block.running for block in blocks] == [True, False, True, False]


def test_blocks_are_alike_whatever_ends_their_lines() -> None:
    keys = {Block(f" one{end}two ", "\n", running=True).key for end in ("\n", "\r\n", "\r")}
    assert keys == {"one\ntwo"}


def test_signs_that_are_no_markup_are_text() -> None:
    for text in ("1 < 2 and 3 > 2", "a <3 b", "<>", "x <!- y", "AT&T <1>"):
        assert bodies(text) == [text]
