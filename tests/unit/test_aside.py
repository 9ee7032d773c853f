"""A call aside goes on by itself; what it raises is raised where its result is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from connector.aside import Aside, one_ahead
from connector.errors import TryAgain


def test_the_caller_goes_on_while_the_call_waits() -> None:
    may_end = threading.Event()
    waiting = Aside(lambda: may_end.wait(10) and "done")
    may_end.set()
    assert waiting.result() == "done"
    assert waiting.result() == "done"


def test_what_the_call_raises_is_raised_with_its_result() -> None:
    def fails() -> None:
        raise TryAgain("later")

    aside = Aside(fails)
    with pytest.raises(TryAgain, match="later"):
        aside.result()


def test_the_next_item_is_made_while_the_present_one_is_worked_on() -> None:
    made = [threading.Event() for _ in range(3)]

    def items() -> Iterator[int]:
        for number, each in enumerate(made):
            each.set()
            yield number

    seen = []
    for number in one_ahead(items()):
        assert all(each.wait(10) for each in made[: number + 2])
        seen.append(number)
    assert seen == [0, 1, 2]


def test_a_listing_that_breaks_off_does_so_after_the_items_before() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise TryAgain("the second page")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(TryAgain, match="the second page"):
        next(ahead)
