"""Two changed versions of one rich text, block by block, against the text both came from.

Pure. Where the two sides changed different blocks, the text has both changes; where they touched
the same ones differently, or both put something new at one place, there is no merge. Blocks that
nobody changed stay as the site has them, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from connector.sync.blocks import Block, split_blocks

BLANK_LINE = "\n\n"
_BLANK = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True, slots=True)
class _Change:
    """Blocks of the base that one side replaced by others."""

    start: int
    end: int
    blocks: tuple[Block, ...]

    @property
    def adds(self) -> bool:
        """Whether it puts more there than it takes away, so that its edge is a place to add."""
        return len(self.blocks) > self.end - self.start

    @property
    def effect(self) -> tuple[int, int, tuple[str, ...]]:
        """Equal for changes that do the same."""
        return self.start, self.end, tuple(block.key for block in self.blocks)

    def clashes(self, other: _Change) -> bool:
        if max(self.start, other.start) < min(self.end, other.end):
            return True
        touch = self.start <= other.end and other.start <= self.end
        return touch and ((self.adds and other.adds) or self._within(other) or other._within(self))

    def _within(self, other: _Change) -> bool:
        """Whether it adds between blocks that the other replaced together."""
        return self.start == self.end and other.start < self.start < other.end


def merge_texts(base: str, backend: str, site: str) -> str | None:
    """The text with both sides' changes; None where they touched the same blocks.

    None too where one of the three does not close its markup.
    """
    old, theirs, ours = (split_blocks(each) for each in (base, backend, site))
    if old is None or theirs is None or ours is None:
        return None
    to_theirs, to_ours = _changes(old, theirs), _changes(old, ours)
    done = {change.effect for change in to_ours}
    news = [change for change in to_theirs if change.effect not in done]
    if any(one.clashes(other) for one, other in _near(news, to_ours)):
        return None
    there, here = _followed(old, theirs, to_theirs), _followed(old, ours, to_ours)
    blocks = _unchanged(old, there, here)
    return _written(_applied(blocks, sorted([*news, *to_ours], key=_place)))


def _changes(old: Sequence[Block], new: Sequence[Block]) -> list[_Change]:
    """What turns the old blocks into the new ones; blocks changed one by one are told apart."""
    numbers: dict[str, int] = {}
    before, after = ([numbers.setdefault(b.key, len(numbers)) for b in each] for each in (old, new))
    runs: list[list[tuple[str, int, int, int, int]]] = [[]]
    for op in Levenshtein.opcodes(before, after):
        if op.tag == "equal":
            runs.append([])
        else:
            runs[-1].append((op.tag, op.src_start, op.src_end, op.dest_start, op.dest_end))
    return [change for run in runs if run for change in _run(run, new)]


def _run(run: Sequence[tuple[str, int, int, int, int]], new: Sequence[Block]) -> Iterator[_Change]:
    (_, start, _, at, _), (_, _, end, _, until) = run[0], run[-1]
    if all(tag == "replace" for tag, *_ in run):
        for step in range(end - start):
            yield _Change(start + step, start + step + 1, (new[at + step],))
    else:
        yield _Change(start, end, tuple(new[at:until]))


def _near(some: Sequence[_Change], others: Sequence[_Change]) -> Iterator[tuple[_Change, _Change]]:
    """Pairs that overlap or touch; both sides in their order."""
    first = 0
    for one in some:
        while first < len(others) and others[first].end < one.start:
            first += 1
        at = first
        while at < len(others) and others[at].start <= one.end:
            yield one, others[at]
            at += 1


def _place(change: _Change) -> tuple[int, int]:
    return change.start, change.end


def _unchanged(
    old: Sequence[Block], there: dict[int, Block], here: dict[int, Block]
) -> list[Block]:
    """The old blocks with the bytes that they have now; the site's unless only the backend's moved.

    Blocks that a side changed keep their old bytes here: they are replaced.
    """
    blocks: list[Block] = []
    for at, was in enumerate(old):
        one, other = there.get(at, was), here.get(at, was)
        tail = one.tail if other.tail == was.tail else other.tail
        blocks.append(Block(other.body, tail, other.running))
    return blocks


def _followed(
    old: Sequence[Block], new: Sequence[Block], changes: Sequence[_Change]
) -> dict[int, Block]:
    """The present form of those old blocks that are still there."""
    found: dict[int, Block] = {}
    at, shift = 0, 0
    for change in [*changes, _Change(len(old), len(old), ())]:
        for place in range(at, change.start):
            found[place] = new[place + shift]
        at = change.end
        shift += len(change.blocks) - (change.end - change.start)
    return found


def _applied(blocks: Sequence[Block], changes: Sequence[_Change]) -> Iterator[Block]:
    at = 0
    for change in changes:
        yield from blocks[at : change.start]
        yield from change.blocks
        at = change.end
    yield from blocks[at:]


def _written(blocks: Iterator[Block]) -> str:
    """The text of these blocks, running texts parted by a blank line."""
    listed = list(blocks)
    parts = [
        left.body + BLANK_LINE
        if left.running and right.running and not _BLANK.search(left.tail)
        else left.text
        for left, right in pairwise(listed)
    ]
    return "".join([*parts, *(block.text for block in listed[-1:])])
