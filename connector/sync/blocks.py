"""A rich text as blocks: paragraphs, headings, lists, as editors see them, without losing a byte.

Pure. A block is one element at the top with what is in it, one block of WordPress between its
comments, or running text up to a blank line; the white space after it belongs to it. Joined they
are the text again, byte for byte. Markup that does not close has no blocks: guessing where it ends
could tear it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"\w+")
BLOCK_ELEMENTS = frozenset(
    _WORD.findall(
        "address article aside blockquote details dialog div dl fieldset figcaption figure footer"
        " form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre section table ul"
    )
)
VOID_ELEMENTS = frozenset(
    _WORD.findall("area base br col embed hr img input link meta param source track wbr")
)
RAW_ELEMENTS = frozenset(("script", "style", "textarea", "title"))
"""What stands in them is no markup."""
OPTIONAL_END = frozenset(
    ("p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option")
)
"""Elements that HTML lets end where the next one begins."""

_TOKEN = re.compile(r"<!--|<(/?)([A-Za-z][A-Za-z0-9:-]*)([^<>]*)>|\n[ \t\r]*\n\s*")
_EDITOR_BLOCK = re.compile(r"/?(wp:[a-z][a-z0-9-]*(?:/[a-z][a-z0-9-]*)?)")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a text that stands by itself."""

    body: str
    tail: str
    """The white space after it."""
    running: bool
    """Text that no element holds; a blank line must part it from its neighbours."""

    @property
    def text(self) -> str:
        return self.body + self.tail

    @property
    def key(self) -> str:
        """Equal for blocks that differ only in kinds of line ends and in space around them."""
        return self.body.replace("\r\n", "\n").replace("\r", "\n").strip()


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where markup at the top begins or ends a block."""

    at: int
    begins: bool


class _Torn(Exception):
    """The markup does not close."""


def split_blocks(html: str) -> tuple[Block, ...] | None:
    """The blocks of a text; joined they are the text. None for markup that does not close."""
    if not html:
        return ()
    try:
        marks = list(_marks(html))
    except _Torn:
        return None
    cuts = sorted({0, len(html), *(mark.at for mark in marks)})
    starts = {mark.at for mark in marks if mark.begins}
    pieces = [(at, html[at:end]) for at, end in pairwise(cuts)]
    return tuple(_joined([_block(piece, running=at not in starts) for at, piece in pieces]))


def _block(piece: str, *, running: bool) -> Block:
    body = piece.rstrip()
    return Block(body, piece[len(body) :], running)


def _joined(blocks: list[Block]) -> Iterator[Block]:
    """The blocks, those of white space alone put to the one before."""
    held: Block | None = None
    for block in blocks:
        if held is None:
            held = block
        elif not block.body:
            held = Block(held.body, held.tail + block.tail, held.running)
        elif not held.body:
            held = Block(held.tail + block.body, block.tail, block.running)
        else:
            yield held
            held = block
    if held is not None:
        yield held


def _marks(html: str) -> Iterator[_Mark]:
    """Where blocks begin and end. Raises _Torn where an element is not closed."""
    open_elements: list[str] = []
    at = 0
    while token := _TOKEN.search(html, at):
        at = token.end()
        if token.group().startswith("<!--"):
            at = _comment_end(html, token.start())
            name, opens, closes = _editor_block(html[token.end() : at - 3])
        elif token.group(2):
            name = token.group(2).lower()
            closes = token.group(1) == "/" or name in VOID_ELEMENTS
            opens = token.group(1) != "/"
            if opens and name in RAW_ELEMENTS:
                at = _raw_end(html, name, at)
                continue
        else:
            if not open_elements:
                yield _Mark(at, begins=False)
            continue
        if not name:
            continue
        if opens:
            _end_implied(open_elements, name)
            if not open_elements and _is_block(name):
                yield _Mark(token.start(), begins=True)
            open_elements.append(name)
        if closes:
            _close(open_elements, name)
            if not open_elements and _is_block(name):
                yield _Mark(at, begins=False)
    if any(name not in OPTIONAL_END for name in open_elements):
        raise _Torn


def _comment_end(html: str, start: int) -> int:
    end = html.find("-->", start + 4)
    if end < 0:
        raise _Torn
    return end + 3


def _raw_end(html: str, name: str, start: int) -> int:
    end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(html, start)
    if end is None:
        raise _Torn
    return end.end()


def _editor_block(comment: str) -> tuple[str, bool, bool]:
    """Name of the WordPress block that a comment opens, closes or both; "" for other comments."""
    said = comment.strip()
    found = _EDITOR_BLOCK.match(said)
    if found is None:
        return "", False, False
    ends = said.startswith("/")
    return found[1], not ends, ends or said.endswith("/")


def _is_block(name: str) -> bool:
    return name in BLOCK_ELEMENTS or name.startswith("wp:")


def _end_implied(open_elements: list[str], name: str) -> None:
    if open_elements and (
        (open_elements[-1] == "p" and _is_block(name))
        or (open_elements[-1] == name and name in OPTIONAL_END)
    ):
        open_elements.pop()


def _close(open_elements: list[str], name: str) -> None:
    """End an element, and what HTML ends with it. Raises _Torn for an end of nothing open."""
    while open_elements and open_elements[-1] != name and open_elements[-1] in OPTIONAL_END:
        open_elements.pop()
    if not open_elements or open_elements.pop() != name:
        raise _Torn
