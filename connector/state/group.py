"""Durable writes of many requests at once, one commit for all that wait: group commit.

On SQLite one thread takes whatever waits, up to MOST pieces of work, does each in a savepoint of
its own and commits once; each caller goes on after the commit that holds its work. On PostgreSQL,
which groups commits itself, every piece is a transaction of its own in one of a few threads. A
piece that fails fails alone; a commit that fails fails all of its pieces. Knows no table.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from connector.state.database import Database

Result = TypeVar("Result")
Work = Callable[[Connection], Result]
MOST = 64
THREADS = 8
PATIENCE_SECONDS = 5.0
"""How long a request waits for another writer; then it is told to come again."""


@dataclass(slots=True)
class _Piece:
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class GroupWriter:
    """Opened once a process; `close` waits for what was begun."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        alone = database.path is not None
        self._most = MOST if alone else 1
        self._threads = [
            threading.Thread(target=self._run, name=f"group writer {number}", daemon=True)
            for number in range(1 if alone else THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def do(self, work: Work[Result]) -> Result:
        """What `work` answers, once it is committed. Raises what it raises, and DBAPIError.

        `work` runs in another thread and may be run only once.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.put(_Piece(work, loop, future))
        return await future

    def close(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(10)

    # ---- in the threads ----

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            pieces, ended = self._batch(first)
            self._commit(pieces)
            for piece in pieces:
                _tell(piece)
            if ended:
                return

    def _batch(self, first: _Piece) -> tuple[list[_Piece], bool]:
        pieces = [first]
        while len(pieces) < self._most:
            try:
                piece = self._waiting.get_nowait()
            except queue.Empty:
                break
            if piece is None:
                return pieces, True
            pieces.append(piece)
        return pieces, False

    def _commit(self, pieces: list[_Piece]) -> None:
        try:
            with self._database.write(PATIENCE_SECONDS) as connection:
                if len(pieces) == 1:
                    pieces[0].result = pieces[0].work(connection)
                    return
                for piece in pieces:
                    _try(connection, piece)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            for piece in pieces:
                piece.error = piece.error or error


def _try(connection: Connection, piece: _Piece) -> None:
    try:
        with connection.begin_nested():
            piece.result = piece.work(connection)
    except Exception as error:  # noqa: BLE001 - handed on to the one who asked
        piece.error = error


def _tell(piece: _Piece) -> None:
    def settle() -> None:
        if piece.future.cancelled():
            return
        if piece.error is not None:
            piece.future.set_exception(piece.error)
        else:
            piece.future.set_result(piece.result)

    try:
        piece.loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop of the one who asked has ended
