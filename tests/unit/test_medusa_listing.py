"""A list of Medusa's is read to its proven end, or it raises: laws over random shops and faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.medusa.client import Answer, Params
from adapters.medusa.listing import Listing, read_pages
from connector.errors import Incomplete

NOW = datetime(2026, 11, 24, tzinfo=UTC)
Between = Callable[[int, list[str]], None]


class Lists:
    """Medusa's paging over a list of ids; `between` changes the list before the n-th request."""

    def __init__(self, ids: Sequence[str], between: Between = lambda _number, _ids: None) -> None:
        self.ids = list(ids)
        self.between = between
        self.requests = 0

    def get(self, path: str, params: Params | None) -> Answer:
        assert params is not None
        assert params["order"] == "id"
        self.requests += 1
        self.between(self.requests, self.ids)
        offset, limit = int(str(params["offset"])), int(str(params["limit"]))
        ids = sorted(self.ids)
        rows = [{"id": each} for each in ids[offset : offset + limit]]
        return Answer({"rows": rows, "count": len(ids)}, NOW)


def listing(size: int, *, grows: bool = False) -> Listing:
    return Listing("/admin/rows", "rows", "id", size, grows=grows)


def read(lists: Lists, size: int, *, grows: bool = False) -> list[str]:
    pages = list(read_pages(lists.get, listing(size, grows=grows)))
    assert all(pages)
    return [row["id"] for page in pages for row in page]


def named(count: int) -> list[str]:
    return [f"prod_{number:04}" for number in range(count)]


ids = st.sets(st.text("ABC0123", min_size=1, max_size=4), max_size=40)


@given(ids, st.integers(2, 12))
def test_a_list_that_stands_still_is_given_whole_once_and_in_order(
    held: set[str], size: int
) -> None:
    assert read(Lists(sorted(held)), size) == sorted(held)


@given(ids, st.integers(2, 8), st.data())
def test_whatever_stays_all_the_time_is_never_missed(
    held: set[str], size: int, data: st.DataObject
) -> None:
    """Rows come and go between any two requests: either all that stayed are given, or it raises."""
    goes = data.draw(st.sets(st.sampled_from(sorted(held)))) if held else set()
    comes = data.draw(ids) - held
    moment = data.draw(st.integers(1, 12))

    def between(number: int, now: list[str]) -> None:
        if number == moment:
            now[:] = sorted((held - goes) | comes)

    try:
        given_ids = read(Lists(sorted(held), between), size)
    except Incomplete:
        return
    assert held - goes <= set(given_ids)
    assert len(given_ids) == len(set(given_ids))


@given(ids, st.integers(2, 8), st.data())
def test_a_window_of_changes_may_grow_while_it_is_read(
    held: set[str], size: int, data: st.DataObject
) -> None:
    comes = data.draw(ids) - held
    moment = data.draw(st.integers(1, 12))

    def between(number: int, now: list[str]) -> None:
        if number == moment:
            now[:] = sorted(held | comes)

    assert held <= set(read(Lists(sorted(held), between), size, grows=True))


def test_one_row_removed_in_the_middle_is_healed_by_reading_again() -> None:
    def between(number: int, now: list[str]) -> None:
        if number == 2:
            now.remove("prod_0001")

    given_ids = read(Lists(named(10), between), 4)
    assert given_ids == named(10)


def test_several_rows_removed_in_the_course_of_a_long_pass_are_healed() -> None:
    """One at each time that the pass has gone on: what stays all the time is given, once."""
    gone = {3: "prod_0001", 9: "prod_0004", 17: "prod_0008"}

    def between(number: int, now: list[str]) -> None:
        if number in gone:
            now.remove(gone[number])

    found = read(Lists(named(30), between), 4)
    assert found == sorted(set(found))
    assert set(named(30)) - set(gone.values()) <= set(found)


def test_rows_removed_again_and_again_raise() -> None:
    def between(number: int, now: list[str]) -> None:
        del now[0]

    with pytest.raises(Incomplete, match="nothing is concluded"):
        read(Lists(named(30), between), 4)


def test_half_a_catalogue_from_the_second_page_on_raises() -> None:
    def between(number: int, now: list[str]) -> None:
        now[:] = named(10) if number % 2 else named(5)

    with pytest.raises(Incomplete):
        read(Lists(named(10), between), 4)


def test_a_page_that_repeats_raises() -> None:
    lists = Lists(named(10))

    def same_page(path: str, params: Params | None) -> Answer:
        assert params is not None
        return lists.get(path, {**params, "offset": 0})

    with pytest.raises(Incomplete, match="repeats itself"):
        list(read_pages(same_page, listing(4)))


def test_an_empty_page_before_the_end_raises() -> None:
    lists = Lists(named(10))

    def empty_later(path: str, params: Params | None) -> Answer:
        assert params is not None
        answer = lists.get(path, params)
        rows: list[Any] = [] if params["offset"] else list(answer.body["rows"])
        return Answer({"rows": rows, "count": 10}, NOW)

    with pytest.raises(Incomplete):
        list(read_pages(empty_later, listing(4)))


def test_a_list_shorter_than_it_says_raises() -> None:
    def short(_path: str, _params: Params | None) -> Answer:
        return Answer({"rows": [{"id": "prod_1"}], "count": 2}, NOW)

    with pytest.raises(Incomplete):
        list(read_pages(short, listing(4)))


def test_a_list_in_another_order_raises() -> None:
    def unordered(_path: str, _params: Params | None) -> Answer:
        return Answer({"rows": [{"id": "b"}, {"id": "a"}], "count": 2}, NOW)

    with pytest.raises(Incomplete, match="order of ids"):
        list(read_pages(unordered, listing(4)))


@pytest.mark.parametrize(
    "body",
    [{}, {"rows": []}, {"count": 0}, {"rows": {}, "count": 0}, {"rows": [{"id": 1}], "count": 1}],
)
def test_what_is_no_list_raises(body: dict[str, Any]) -> None:
    with pytest.raises(Incomplete):
        list(read_pages(lambda _path, _params: Answer(body, NOW), listing(4)))
