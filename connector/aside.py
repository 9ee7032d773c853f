"""A call under way on a thread of its own, while the caller does something else.

The thread is a daemon's: a call that hangs keeps no process from ending. Knows nothing of what is
called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """Begins at once."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._answers: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="aside", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What the call answers, once it does. Raises what the call raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._answers[0]

    def _run(self) -> None:
        try:
            self._answers.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The items; the next one is being made while the caller works on the present one."""
    coming = Aside(lambda: next(items, None))
    while (item := coming.result()) is not None:
        coming = Aside(lambda: next(items, None))
        yield item
