"""Reads one of Medusa's lists to its proven end, page by page; or raises Incomplete.

Pages are taken by `order=id`, because Medusa sorts by one field only and rows made together share
their timestamps. Each page starts with the last row of the page before, so that a row removed or
added in between shows as a shift and cannot hide another row. Knows nothing of what the rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from adapters.medusa.client import Answer, JsonObject, Params
from connector.errors import Incomplete

MOST_MOVES = 10
"""So often a list may move while it is read once."""
Get = Callable[[str, Params | None], Answer]


@dataclass(frozen=True, slots=True)
class Listing:
    """Which list, which of its rows and fields, and how many at a time."""

    path: str
    key: str
    """The name under which the answer holds the rows."""
    fields: str
    size: int
    filters: Params = field(default_factory=dict)
    grows: bool = False
    """Rows may join anywhere while we read (a window of changes): those are the next poll's."""


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[JsonObject]
    offset: int
    count: int

    @property
    def is_last(self) -> bool:
        return self.offset + len(self.rows) >= self.count


class _Shifted(Exception):
    """The list moved under our feet, or the server counts otherwise than it lists."""


def read_pages(get: Get, listing: Listing) -> Iterator[Sequence[JsonObject]]:
    """Every row, by id ascending, none twice. An empty list yields nothing.

    When the list moves while being read, it is read again from its start (rows already given are
    not given again). Raises Incomplete when it moves a second time before it has gone on, and after
    MOST_MOVES: a pass that is spread over hours meets more than one deletion.
    """
    given_up_to, moves = "", 0
    while True:
        began_at = given_up_to
        try:
            for page in _one_pass(get, listing):
                fresh = [row for row in page if row["id"] > given_up_to]
                if fresh:
                    given_up_to = fresh[-1]["id"]
                    yield fresh
            return
        except _Shifted as shift:
            moves += 1
            stands_still = moves > 1 and given_up_to == began_at
            if stands_still or moves >= MOST_MOVES:
                raise Incomplete(f"{listing.path} {shift}; nothing is concluded from it") from None


def read_all(get: Get, listing: Listing) -> list[JsonObject]:
    """The whole list at once, for lists that are short."""
    return [row for page in read_pages(get, listing) for row in page]


def _one_pass(get: Get, listing: Listing) -> Iterator[Sequence[JsonObject]]:
    offset, seen, last, first_count = 0, 0, "", None
    while True:
        page = _read(get, listing, offset)
        first_count = page.count if first_count is None else first_count
        fresh = [row for row in page.rows if row["id"] > last]
        _check(page, fresh, last, first_count, listing)
        seen += len(fresh)
        if fresh:
            last = fresh[-1]["id"]
            yield fresh
        if page.is_last:
            break
        offset += len(page.rows) - 1
    if seen < page.count and not listing.grows:
        raise _Shifted(f"counts {page.count} rows and lists {seen}")


def _check(
    page: _Page, fresh: Sequence[JsonObject], last: str, first_count: int, listing: Listing
) -> None:
    if last and (not page.rows or page.rows[0]["id"] > last):
        raise _Shifted("shifted between two pages")
    if not fresh and not page.is_last:
        raise _Shifted(f"repeats itself or ends at row {page.offset} of {page.count}")
    if page.count < first_count and not listing.grows:
        raise _Shifted(f"shrank from {first_count} to {page.count} rows while being read")


def _read(get: Get, listing: Listing, offset: int) -> _Page:
    params: dict[str, str | int | Sequence[str]] = {
        **listing.filters,
        "fields": listing.fields,
        "order": "id",
        "limit": listing.size,
        "offset": offset,
    }
    body = get(listing.path, params).body
    count, rows = body.get("count"), body.get(listing.key)
    if not isinstance(count, int) or not isinstance(rows, list) or not all(map(has_id, rows)):
        raise Incomplete(f"{listing.path} answered with something that is no list of rows")
    if any(one["id"] >= other["id"] for one, other in pairwise(rows)):
        raise _Shifted("is not in the order of ids")
    return _Page(rows, offset, count)


def has_id(row: Any) -> bool:
    """Whether a row of an answer is an object with an id, as every row should be."""
    return isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"] != ""
