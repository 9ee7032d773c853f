"""Procrastinate's workers in a thread of their own: one for each group of lines, living together.

A life is a set of workers with their heartbeats. When the database goes away they end, and as soon
as it is back a new life begins; what an old one still has in hand finishes beside it and claims
nothing more. Knows jobs by name only, not what it is to work one off.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool

from connector.model import SiteName
from connector.state.database import LINK, SERVER_SIDE
from connector.work.jobs import STALLED_SECONDS, TASK, Drain

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
LOOK_SECONDS = 0.5
"""How often a worker looks for jobs that no notice told it of: those that waited for their lock."""
AGAIN_SECONDS = 1.0
"""Between two tries to begin a life."""
DRAIN_SECONDS = 8.0
"""How long jobs may go on after their life has ended before nobody waits for them any more."""
CONNECT_SECONDS = 4.0

WorkOff = Callable[[Drain, int, Callable[[], bool]], None]
"""Works off the drain of the job with this number until nothing is due or it is told to end.
Raises nothing."""


@dataclass(eq=False, slots=True)
class Life:
    """Workers that begin and end together, and the jobs that they are at."""

    app: App
    workers: list[Worker] = field(default_factory=list)
    jobs: set[int] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def ids(self) -> frozenset[int]:
        """The workers as the database knows them; nothing while they begin."""
        known = [worker.worker_id for worker in self.workers]
        return frozenset() if None in known else frozenset(each for each in known if each)

    def is_over(self) -> bool:
        return self.ended.is_set()

    def end(self) -> None:
        self.ended.set()
        for worker in self.workers:
            worker.stop()


class Workers:
    """As many workers as there are groups, each with its own number of places."""

    def __init__(self, conninfo: str, places: Mapping[str, int], work_off: WorkOff) -> None:
        self._conninfo = conninfo
        self._places = places
        self._work_off = work_off
        self._loop: asyncio.AbstractEventLoop | None = None
        self._life: Life | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workers", daemon=True)

    def start(self) -> None:
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        self._thread.start()
        self._ready.wait()

    def stop(self, within_seconds: float) -> bool:
        """Fetch no more jobs and let the running ones end. False: some did not."""
        self._stopping.set()
        self.renew()
        self._thread.join(within_seconds)
        life = self._life
        return not self._thread.is_alive() and (life is None or not life.jobs)

    def alive(self) -> bool:
        return self._thread.is_alive()

    def ids(self) -> frozenset[int]:
        """The present workers as the database knows them; nothing while they begin."""
        life = self._life
        return life.ids() if life else frozenset()

    def jobs(self) -> frozenset[int]:
        """The jobs that they are at."""
        life = self._life
        return frozenset(life.jobs) if life else frozenset()

    def renew(self) -> None:
        """End this life, so that the next one begins."""
        loop, life = self._loop, self._life
        if loop is not None and life is not None and not loop.is_closed():
            loop.call_soon_threadsafe(life.end)

    # ---- inside the loop ----

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_told)
        before: set[asyncio.Task[None]] = set()
        while not self._stopping.is_set():
            life = Life(self._app())
            self._life = life
            self._ready.set()
            task = asyncio.create_task(self._spend(life))
            before.add(task)
            task.add_done_callback(before.discard)
            ended = asyncio.create_task(life.ended.wait())
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            life.end()
            ended.cancel()
            if not self._stopping.is_set():
                await asyncio.sleep(AGAIN_SECONDS)
        if before:
            await asyncio.wait(before)

    async def _spend(self, life: Life) -> None:
        """One life from its first connection to the last of its jobs."""
        try:
            async with self._pool() as pool, life.app.open_async(pool):
                life.workers = [self._worker(life, group) for group in self._places]
                tasks = [asyncio.create_task(worker.run()) for worker in life.workers]
                ended = asyncio.create_task(life.ended.wait())
                await asyncio.wait({*tasks, ended}, return_when=asyncio.FIRST_COMPLETED)
                # Also when the end came before they began: a worker forgets that it was stopped.
                life.end()
                await asyncio.wait(tasks)
                for task in tasks:
                    task.result()
        except (ConnectorException, psycopg.Error) as error:
            reason = type(error.__cause__ or error).__name__
            log.warning("The workers begin anew", action="workers.renew", reason=reason)
        except Exception:
            log.exception("The workers met something unforeseen", action="workers.crash")

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[AsyncConnectionPool]:
        """Connections for a life. Fails at once while there is no server, as a pool does not."""
        async with await psycopg.AsyncConnection.connect(self._conninfo, **LINK):
            pass
        pool = AsyncConnectionPool(
            self._conninfo,
            kwargs=LINK,
            min_size=1,
            max_size=4,
            open=False,
            timeout=CONNECT_SECONDS,
            check=AsyncConnectionPool.check_connection,
            configure=_prepare,
        )
        try:
            await pool.open(wait=True, timeout=CONNECT_SECONDS)
            yield pool
        finally:
            await pool.close()

    def _worker(self, life: Life, group: str) -> Worker:
        return Worker(
            life.app,
            queues=[group],
            name=group,
            concurrency=self._places[group],
            fetch_job_polling_interval=LOOK_SECONDS,
            abort_job_polling_interval=3600,
            shutdown_graceful_timeout=DRAIN_SECONDS,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            additional_context={"life": life},
        )

    def _app(self) -> App:
        app = App(connector=PsycopgConnector())
        app.task(name=TASK, pass_context=True)(self._drain)
        return app

    async def _drain(self, context: JobContext, site: str, group: str, shard: int) -> None:
        life: Life = context.additional_context["life"]
        number = context.job.id
        assert number is not None
        drain = Drain(SiteName(site), group, shard)
        life.jobs.add(number)
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()

        def run() -> None:
            try:
                self._work_off(drain, number, life.is_over)
            finally:
                life.jobs.discard(number)
                done.set_result(None)

        # A thread of its own, which nobody waits for when the program ends.
        threading.Thread(target=run, name=drain.lock, daemon=True).start()
        await asyncio.wrap_future(done)


async def _prepare(connection: psycopg.AsyncConnection) -> None:
    await connection.execute(SERVER_SIDE)
    await connection.commit()


def _told(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task met that nobody awaits: an answer to the database that could not be given."""
    error = context.get("exception")
    log.warning(
        "A job's end could not be noted",
        action="workers.lost_end",
        reason=type(error).__name__ if error else str(context.get("message")),
    )
