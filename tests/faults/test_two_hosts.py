"""Two daemons on two hosts share one state on PostgreSQL, and each can be lost.

The hosts are network namespaces (tests/faults/daemons.py), the site takes 50 ms a request.
CUT_SECONDS=30 makes the long version of the outage.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from connector.demo.machine import Server
from connector.demo.postgres import Postgres
from connector.model import Money, Price, VariantId
from connector.signing import Secret, signed_headers
from connector.state.database import LINK, SERVER_SIDE
from connector.testing import generate
from connector.testing.catalogue import webhook_body
from tests.faults.daemons import HERE, Cluster, Daemon, Host, cluster, hosts
from tests.live.pair import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

CUT_SECONDS = float(os.environ.get("CUT_SECONDS", "8"))
TAKEN_OVER_SECONDS = 15.0
RESUMED_SECONDS = 10.0
PRODUCTS = 400
RESTARTED: list[Server] = []
"""Servers in the place of one that a test has stopped."""


@pytest.fixture(scope="module")
def two() -> Iterator[list[Host]]:
    with hosts(2) as made:
        yield made


@pytest.fixture
def own_postgres(two: list[Host]) -> Iterator[Postgres]:
    """A server that a test may restart."""
    server = Postgres.start(durable=True, also_at=HERE)
    yield server
    while RESTARTED:
        RESTARTED.pop().stop()
    server.stop()


@pytest.fixture
def pair(tmp_path: Path, two: list[Host], own_postgres: Postgres) -> Iterator[Cluster]:
    """Two daemons with an empty site, not yet started."""
    with cluster(tmp_path, own_postgres, 0, host=HERE) as made:
        for host in two:
            made.daemon(host, batch_products=20)
        made.daemons[0].command("db", "upgrade")
        yield made


def begin(pair: Cluster) -> None:
    """Start both, and give them work once both are there."""
    for daemon in pair.daemons:
        daemon.start()
    until(lambda: pair.daemons[0].ask("status")["daemon"] == {"daemons": 2}, "both are there")
    stock_up(pair)


def stock_up(pair: Cluster) -> None:
    for each in generate.products(PRODUCTS):
        pair.simulation.catalogue.put(each)


def imported(pair: Cluster) -> bool:
    return len(pair.simulation.site.pages()) == PRODUCTS and pair.daemons[0].due() == 0


def assert_sound(pair: Cluster) -> None:
    watch = pair.simulation.watch
    assert (watch.overlaps, watch.backwards) == ([], [])
    assert len(pair.simulation.site.pages()) == PRODUCTS


def test_both_work_and_when_one_is_killed_the_other_finishes(
    pair: Cluster, two: list[Host]
) -> None:
    first, second = pair.daemons
    begin(pair)
    watch = pair.simulation.watch
    until(lambda: len(watch.writers) > PRODUCTS * 1.5, "most of the first import", 120)
    assert min(watch.requests[host.address] for host in two) >= 3, watch.requests
    until(lambda: bool(watch.in_hand[two[1].address]), "it writes")
    second.kill()
    killed_at = time.monotonic()
    until(lambda: imported(pair), "the other finishes", 120)
    took = time.monotonic() - killed_at
    print(f"killed one of two: the other finished all after {took:.1f} s")
    assert took <= TAKEN_OVER_SECONDS
    assert_sound(pair)
    twice = [hosts for hosts in watch.writers.values() if len(hosts) > 1]
    assert all(writers == [two[1].address, two[0].address] for writers in twice)
    assert len(twice) <= 3 * 10, "what the dead one wrote and had no time to note: 3 requests"
    (found,) = first.ask("reconcile")
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("stops", [0, 1], ids=["the leader", "the other"])
def test_one_that_stood_still_writes_nothing_late(
    pair: Cluster, two: list[Host], stops: int
) -> None:
    """Its machine sleeps; what it had in hand is worked at elsewhere, and changes once more."""
    sleeper, awake = pair.daemons[stops], pair.daemons[1 - stops]
    begin(pair)
    watch = pair.simulation.watch
    until(lambda: len(watch.writers) > PRODUCTS * 1.5, "most of the first import", 120)
    until(lambda: bool(watch.in_hand[two[stops].address]), "it writes")
    assert sleeper.daemon is not None
    sleeper.daemon.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: awake.due() == 0 and len(watch.writers) == 2 * PRODUCTS, "all is done", 120)
        for number in range(PRODUCTS):
            _set_price(pair, number, 999)
        until(lambda: _price(pair, PRODUCTS - 1) == 999 and awake.due() == 0, "changed", 120)
    finally:
        sleeper.daemon.process.send_signal(signal.SIGCONT)
    until(lambda: awake.ask("status")["daemon"] == {"daemons": 2}, "it works again")
    print(f"stood still: {len(watch.refused)} late writes refused, {len(watch.backwards)} applied")
    assert_sound(pair)
    assert {_price(pair, number) for number in range(PRODUCTS)} == {999}


def _stop_amid_a_pipeline(sleeper: psycopg.Connection) -> None:
    session = sleeper.pgconn
    session.enter_pipeline_mode()
    session.send_query_params(b"BEGIN", None)
    session.send_query_params(b"SELECT value FROM counters FOR UPDATE", None)
    session.send_flush_request()
    session.flush()


def _stop_after_a_pipeline(sleeper: psycopg.Connection) -> None:
    update = "UPDATE counters SET value = value WHERE name = %s"
    sleeper.cursor().executemany(update, [["epoch"], ["fence"]])


@pytest.mark.parametrize("stop", [_stop_amid_a_pipeline, _stop_after_a_pipeline])
def test_rows_that_one_locks_who_stands_still_are_freed(
    pair: Cluster, stop: Callable[[psycopg.Connection], None]
) -> None:
    """The worst moments to stop: the server would wait for ever."""
    awake, _ = pair.daemons
    awake.start()
    stock_up(pair)
    until(lambda: imported(pair), "the first import", 120)
    state = pair.state.replace("+psycopg", "")
    with closing(psycopg.connect(state, **LINK)) as sleeper:
        sleeper.execute(SERVER_SIDE)
        sleeper.commit()
        stop(sleeper)
        until(lambda: _waits_for_client(pair, sleeper.info.backend_pid), "it stands still")
        _set_price(pair, 3, 555)
        until(lambda: _price(pair, 3) == 555 and awake.due() == 0, "the change is there", 60)
        assert not _waits_for_client(pair, sleeper.info.backend_pid), "its session was ended"


def test_one_that_is_cut_off_is_replaced_and_comes_back(pair: Cluster, two: list[Host]) -> None:
    leader, other = pair.daemons
    begin(pair)
    watch = pair.simulation.watch
    until(lambda: len(watch.writers) > PRODUCTS * 1.5, "most of the first import", 120)
    two[0].cut_off()
    cut_at = time.monotonic()
    try:
        until(lambda: other.due() == 0 and len(watch.writers) == 2 * PRODUCTS, "all is done", 120)
        took = time.monotonic() - cut_at
        print(f"cut off one of two, the leader: the other finished all after {took:.1f} s")
        _set_price(pair, 3, 555)
        until(lambda: _price(pair, 3) == 555, "the other leads, and polls")
    finally:
        two[0].join()
    until(lambda: other.ask("status")["daemon"] == {"daemons": 2}, "it is back")
    assert leader.daemon is not None and leader.daemon.process.poll() is None
    assert took <= TAKEN_OVER_SECONDS
    assert_sound(pair)


def test_when_the_leader_is_killed_the_other_polls(pair: Cluster) -> None:
    first, second = pair.daemons
    first.start()
    stock_up(pair)
    until(lambda: imported(pair), "the first import", 120)
    second.start()
    first.kill()
    killed_at = time.monotonic()
    _set_price(pair, 7, 4711)
    pair.daemons.remove(first)
    until(lambda: _price(pair, 7) == 4711, "the change is on the page", 60)
    took = time.monotonic() - killed_at
    print(f"killed the leader: a change was polled and written after {took:.1f} s")
    assert took <= TAKEN_OVER_SECONDS


def test_a_database_that_restarts_stops_nobody_for_long(
    pair: Cluster, own_postgres: Postgres
) -> None:
    begin(pair)
    until(lambda: len(pair.simulation.watch.writers) > PRODUCTS / 4, "a part of the import", 120)
    _crash(own_postgres)
    assert _hook(pair.daemons[0], pair, 1) == 503
    _start_again(own_postgres)
    back_at, watch = time.monotonic(), pair.simulation.watch
    written = watch.requests.total()
    until(lambda: watch.requests.total() > written, "work goes on", 60)
    took = time.monotonic() - back_at
    print(f"the database restarted: work went on {took:.1f} s after it was back")
    assert took <= RESUMED_SECONDS
    until(lambda: _hook(pair.daemons[0], pair, 2) in (200, 202), "hooks are taken again", 10)
    until(lambda: imported(pair), "the rest of the import", 120)
    assert_sound(pair)
    assert all(daemon.daemon and daemon.daemon.process.poll() is None for daemon in pair.daemons)


def test_daemons_that_are_cut_off_wait_and_go_on(pair: Cluster, two: list[Host]) -> None:
    begin(pair)
    until(lambda: imported(pair), "the first import", 120)
    for host in two:
        host.cut_off()
    time.sleep(1)
    assert _hook_from_inside(pair.daemons[1], pair, 1) == 503
    _set_price(pair, 9, 1234)
    time.sleep(CUT_SECONDS)
    for host in two:
        host.join()
    back_at = time.monotonic()
    until(lambda: _price(pair, 9) == 1234, "the change is on the page", 60)
    took = time.monotonic() - back_at
    print(f"cut off for {CUT_SECONDS + 1:.0f} s: a change was on the page {took:.1f} s after")
    assert took <= RESUMED_SECONDS
    assert_sound(pair)


# ---- what happens to them ----


def _waits_for_client(pair: Cluster, pid: int) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'ClientRead'"
    with psycopg.connect(pair.state.replace("+psycopg", ""), autocommit=True) as looker:
        return looker.execute(query, [pid]).rowcount == 1


def _set_price(pair: Cluster, number: int, minor: int) -> None:
    for place in range(2):
        variant = VariantId(f"var_{number:06}_{place}")
        pair.simulation.catalogue.set_price(variant, Price(Money(minor, "EUR")))


def _price(pair: Cluster, number: int) -> int | None:
    found = pair.simulation.site.offers(generate.product_subject(number))
    return found[0].amount.amount_minor if found and found[0].amount else None


def _crash(postgres: Postgres) -> None:
    """As `pg_ctl stop -m immediate` does it."""
    postgres.server.process.send_signal(signal.SIGQUIT)
    postgres.server.process.wait(30)


def _start_again(postgres: Postgres) -> None:
    command = postgres.server.process.args
    assert isinstance(command, list)
    server = Server.start("PostgreSQL", command, log=postgres.home / "log")
    RESTARTED.append(server)
    server.wait_until(postgres.is_ready)


def _message(pair: Cluster, number: int) -> tuple[dict[str, str], bytes]:
    body = webhook_body([])
    secret = Secret.parse(pair.secret, "secret")
    return signed_headers(secret, f"message-{number}", int(time.time()), body), body


def _hook(daemon: Daemon, pair: Cluster, number: int) -> int:
    headers, body = _message(pair, number)
    address = f"{daemon.url}/hooks/shop"
    return httpx.post(
        address, content=body, headers=headers, timeout=60, trust_env=False
    ).status_code


def _hook_from_inside(daemon: Daemon, pair: Cluster, number: int) -> int:
    """The same, by somebody on the daemon's own host, which nobody else can reach now."""
    headers, body = _message(pair, number)
    says = (
        f"import httpx; print(httpx.post({daemon.url + '/hooks/shop'!r}, content={body!r},"
        f" headers={headers!r}, timeout=60, trust_env=False).status_code)"
    )
    assert daemon.host is not None
    return int(daemon.host.run(sys.executable, "-c", says))
