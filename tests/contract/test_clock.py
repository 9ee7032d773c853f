"""A clock that is set back is noticed, and nothing waits longer for it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from adapters.sandbox.run import running_shop
from connector.clock import ClockWatch
from connector.compose import compose
from connector.daemon import Daemon
from connector.demo.machine import free_port
from connector.model import BackendName, Lane, Subject, SubjectKind
from connector.state import leases, targets, todo
from connector.state.database import open_database
from connector.state.todo import Due, Priority, Why
from connector.state.waits import bring_forward
from connector.testing.clock import FakeClock
from tests.house import SITE
from tests.live.pair import until
from tests.relay_process import configured

LEASE = 120.0
BACKEND = BackendName("shop")


class Settable(datetime):
    """The machine's clock, which a test sets."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.by


def test_only_a_clock_that_was_set_back_counts() -> None:
    clock, steady = FakeClock(), [100.0]
    watch = ClockWatch(clock, lambda: steady[0])

    def look(wall: float, real: float) -> float:
        clock.advance(seconds=wall)
        steady[0] += real
        return watch.look().total_seconds()

    assert look(1, 1) == 0
    assert look(3600, 1) == 0, "forward"
    assert look(-2, 1) == 0, "a correction"
    assert look(-3599, 1) == 3600
    assert look(1, 1) == 0, "told once"


def test_what_waits_is_due_and_what_waits_for_a_person_waits(tmp_path: Path) -> None:
    clock = FakeClock()
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    later, sooner = (Subject(SubjectKind.PRODUCT, name) for name in ("later", "sooner"))
    with database.write() as connection:
        for subject, hours in ((later, 1), (sooner, -1)):
            due_at = clock.now() + timedelta(hours=hours)
            todo.mark(
                connection,
                [Due(SITE, Lane.CONTENT, subject)],
                priority=Priority.SIGNAL,
                now=clock.now(),
                why=Why("t", "test"),
                due_at=due_at,
            )
        for name, until_ in (("site:down", clock.now() + timedelta(hours=1)), ("site:off", None)):
            left = targets.Suspension(name, "why", clock.now(), until_, 1, "who")
            targets.suspend(connection, left)
        assert bring_forward(connection, clock.now(), LEASE) == 2
        found = targets.suspensions_now(connection)
        due = [
            row.due_at for each in (later, sooner) for row in todo.rows_of(connection, SITE, each)
        ]
    assert due == [clock.now(), clock.now() - timedelta(hours=1)]
    assert (found["site:down"].until, found["site:off"].until) == (clock.now(), None)
    database.close()


def test_no_lease_outlives_one_taken_now(tmp_path: Path) -> None:
    clock = FakeClock()
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    subject = Subject(SubjectKind.PRODUCT, "p1")
    with database.write() as connection:
        due = [Due(SITE, Lane.CONTENT, subject)]
        todo.mark(connection, due, priority=Priority.SIGNAL, now=clock.now(), why=Why("t", "test"))

    def claimed() -> int:
        with database.write() as connection:
            now = clock.now()
            return len(
                leases.claim(
                    connection,
                    SITE,
                    lanes=[Lane.CONTENT],
                    limit=5,
                    now=now,
                    lease_seconds=LEASE,
                    owner="w",
                )
            )

    assert claimed() == 1
    clock.advance(hours=-1)
    with database.write() as connection:
        bring_forward(connection, clock.now(), LEASE)
    clock.advance(seconds=LEASE - 1)
    assert claimed() == 0
    clock.advance(seconds=1)
    assert claimed() == 1
    database.close()


def test_the_daemon_goes_on_polling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler would wait for the hour to come round again."""
    for module in ("apscheduler.schedulers.base", "apscheduler.triggers.interval"):
        monkeypatch.setattr(f"{module}.datetime", Settable)
    monkeypatch.setattr("connector.clock.datetime", Settable)
    with running_shop(tmp_path / "shop.db", free_port(), products=20) as shop:
        more = "server: {enabled: false}\n"
        config = configured(f"sqlite:///{tmp_path}/state.db", shop.url, shop.key, more)
        often = config.backends[BACKEND].model_copy(update={"poll_seconds": 1.0})
        daemon = Daemon(compose(config.model_copy(update={"backends": {BACKEND: often}})))
        daemon.start()
        polled = daemon.metrics.jobs.labels("poll", "done")._value
        try:
            until(lambda: polled.get() > 0, "the first poll")
            until(lambda: b"connector_leads 1.0" in daemon.metrics.text(), "it leads")
            monkeypatch.setattr(Settable, "by", timedelta(hours=-1))
            daemon.look_at_clock()
            before = polled.get()
            until(lambda: polled.get() >= before + 2, "polls go on", 20)
        finally:
            daemon.stop()
