"""Disks that are full, files that are broken, clocks that jump, products that are poison.

Each is met with an error that names what to do, or contained; nothing that was acknowledged is
lost. Needs root for small disks of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from connector.errors import StateError
from connector.model import FieldName, Lane, Money, Price, ProductId, Text
from connector.ports import Signal
from connector.relay.hooks import hook_route
from connector.schedule import nightly
from connector.signing import Secret, signed_headers
from connector.state.database import StateLock, open_database
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue, webhook_body
from connector.testing.clock import FakeClock
from tests.faults.rig import Rig, amounts
from tests.house import BACKEND, House


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Dozens of tracebacks, drawn for a terminal, would take most of the time."""
    with capture_logs():
        yield


SECRET = Secret(b"h" * 32)
TITLE = FieldName("title")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    place = tmp_path / "small"
    place.mkdir()
    _mount("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place))
    yield place
    _mount("umount", str(place))


def _mount(*words: str) -> None:
    command = words if os.geteuid() == 0 else ("sudo", "-n", *words)
    subprocess.run(command, check=True)


def fill(disk: Path) -> Path:
    """A file that takes all that is left."""
    file = disk / "rubbish"
    with file.open("wb", buffering=0) as rubbish:
        try:
            while True:
                rubbish.write(b"x" * 4096)
        except OSError:
            return file


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command of the command line on a state in this folder."""
    settings = {
        "state": f"sqlite:///{folder}/state.db",
        "backends": {
            "shop": {
                "system": "sandbox",
                "url": "http://127.0.0.1:9",
                "credential": {"env": "KEY"},
            }
        },
        "sites": {
            "blog": {
                "system": "wordpress",
                "url": "http://127.0.0.1:9",
                "backend": "shop",
                "secrets": [{"env": "SECRET"}],
                "markets": [{"name": "main", "locale": "en-US", "currency": "EUR"}],
            }
        },
    }
    file = folder.parent / "connector.yaml"
    file.write_text(yaml.safe_dump(settings))
    secret = "whsec_" + "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
    return subprocess.run(
        [sys.executable, "-m", "connector", "--config", str(file), *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "KEY": "k", "SECRET": secret},
        check=False,
    )


def assert_says(found: subprocess.CompletedProcess[str], *words: str) -> None:
    """Ended with 2, a sentence with these words, and no traceback."""
    assert found.returncode == 2, found.stderr
    assert "Traceback" not in found.stderr
    for word in words:
        assert word in found.stderr


# ---- disks ----


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    clock = FakeClock()
    shop = MemoryCatalogue(generate.products(12), secrets=[SECRET], clock=clock)
    house = House(small_disk, shop, clock=clock)
    house.fill()
    from prometheus_client import CollectorRegistry, Counter
    from starlette.applications import Starlette

    counter = Counter("hooks", "by result", ["backend", "result"], registry=CollectorRegistry())
    web = TestClient(Starlette(routes=[hook_route({BACKEND: house.detector}, counter)]))
    rubbish = fill(small_disk)
    answers = []
    for number in range(12):
        shop.set_price(generate.product(number).variants[0].id, Price(Money(number + 1, "EUR")))
        signal = Signal(generate.product_subject(number), frozenset({Lane.OFFERS}))
        body = webhook_body([signal])
        headers = signed_headers(SECRET, f"event-{number}", int(clock.now().timestamp()), body)
        answers.append(web.post("/hooks/shop", content=body, headers=headers).status_code)
    assert 503 in answers, "the disk was never full"
    assert set(answers) <= {202, 503}
    before = len(house.site.requests)
    with pytest.raises(OperationalError, match="full"):
        house.poll()
    assert len(house.site.requests) - before <= 10, "the site is not hammered meanwhile"
    rubbish.unlink()
    clock.advance(minutes=10)
    house.poll()
    assert house.due() == 0
    assert house.parked() == []
    for number in range(12):
        assert amounts(house.site, generate.product_subject(number))[0] == number + 1
    house.database.close()


def test_a_read_only_disk_is_named(small_disk: Path) -> None:
    open_database(f"sqlite:///{small_disk}/state.db").close()
    _mount("mount", "-o", "remount,ro", str(small_disk))
    assert_says(command(small_disk, "run"), "state", str(small_disk))


# ---- files ----


def filled(folder: Path) -> Path:
    house = House(folder, MemoryCatalogue(generate.products(200)))
    house.fill()
    house.database.close()
    return folder / "state.db"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return filled(folder)


def test_a_truncated_state_is_named_and_left_as_it_is(state: Path) -> None:
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    for words in (("status",), ("run",)):
        assert_says(command(state.parent, *words), str(state), "backup")
    assert state.read_bytes() == whole[: len(whole) // 2]


def test_a_state_with_rubbish_in_it_is_named(state: Path) -> None:
    whole = bytearray(state.read_bytes())
    whole[4096:] = b"\xa5" * (len(whole) - 4096)
    state.write_bytes(bytes(whole))
    assert_says(command(state.parent, "status"), str(state), "backup")


def test_a_file_that_is_no_database_is_named(state: Path) -> None:
    state.write_bytes(b"This is a letter to my aunt.\n" * 1000)
    assert_says(command(state.parent, "run"), str(state), "backup")


def test_a_newer_state_is_refused_with_what_to_do(state: Path) -> None:
    database = open_database(f"sqlite:///{state}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert_says(command(state.parent, "run"), "9999", "newer", "Install the newer")


def test_a_second_daemon_is_refused_and_told_of_the_first(state: Path) -> None:
    lock = StateLock(state)
    lock.acquire({"role": "daemon"})
    assert_says(command(state.parent, "run"), f"pid {os.getpid()}", "Stop it first")
    lock.release()
    lock.acquire({"role": "daemon"})
    with pytest.raises(StateError, match="Stop it first"):
        StateLock(state).acquire({"role": "daemon"})
    lock.release()


# ---- clocks ----


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_an_hour_stops_nothing(tmp_path: Path, hours: int) -> None:
    clock = FakeClock()
    shop = MemoryCatalogue(generate.products(20), clock=clock)
    house = House(tmp_path, shop, clock=clock)
    house.fill()
    shop.set_price(generate.product(1).variants[0].id, Price(Money(11, "EUR")))
    house.detector.poll()
    clock.advance(hours=hours)
    shop.set_price(generate.product(2).variants[0].id, Price(Money(22, "EUR")))
    house.detector.poll()
    house.step()
    assert amounts(house.site, generate.product_subject(2))[0] == 22, "a new change waits"
    shop.set_price(generate.product(1).variants[0].id, Price(Money(12, "EUR")))
    house.detector.poll()
    clock.advance(seconds=1)
    house.step()
    assert amounts(house.site, generate.product_subject(1))[0] == 12, "an old one is overtaken"
    house.settle()
    assert house.due() == 0
    assert house.parked() == []
    house.database.close()


def test_a_lease_taken_before_a_jump_is_neither_lost_nor_used_twice(tmp_path: Path) -> None:
    from connector.state import leases

    clock = FakeClock()
    house = House(tmp_path, MemoryCatalogue(generate.products(3), clock=clock), clock=clock)
    house.detector.poll()
    house.detector.import_new_sites()
    with house.database.write() as connection:
        line = house.lines[1]
        first = leases.claim(
            connection,
            line.site,
            lanes=line.lanes,
            limit=50,
            now=clock.now(),
            lease_seconds=120,
            owner="w",
        )
    clock.advance(hours=1)
    house.settle()
    pages, writes = house.site.pages(), len(house.site.written())
    house.work.deliver(first)
    assert house.site.pages() == pages, "the late owner changed something"
    assert house.due() == 0
    assert len(house.site.written()) <= writes + 2
    house.database.close()


def test_the_nightly_reconcile_runs_once_a_night_when_clocks_change() -> None:
    trigger = nightly("02:30")
    berlin = ZoneInfo("Europe/Berlin")
    moment, fired = datetime(2026, 1, 1, tzinfo=berlin), []
    while moment < datetime(2027, 1, 1, tzinfo=berlin):
        moment = trigger.get_next_fire_time(None, moment) + timedelta(seconds=1)
        fired.append(moment.astimezone(UTC))
    gaps = {later - earlier for earlier, later in pairwise(fired)}
    assert gaps == {timedelta(days=1)}


# ---- products ----

POISON = {
    "two megabytes": "word " * 400_000,
    "NUL": "before\x00after",
    "emoji": "\U0001f9e6 Socken \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\U000e0067",
    "right to left": "\u202eقميص\u202c עברית",
    "control characters": "".join(map(chr, range(1, 32))),
    "lone surrogate": "half \ud800 an emoji",
    "markup": "<script>alert(1)</script><b>unclosed & </i>",
    "template": "{{7*7}} ${jndi:ldap://x} %s %n '; DROP TABLE todo; --",
}


@pytest.mark.parametrize("kind", POISON)
def test_a_poison_text_harms_only_its_own_product(tmp_path: Path, kind: str) -> None:
    shop = MemoryCatalogue(generate.products(20))
    rig = Rig(tmp_path, shop)
    (blog,) = rig.sites.values()
    product = generate.product(7)
    text = Text(POISON[kind], description=POISON[kind])
    shop.put(replace(product, texts={product.default_locale: text}))
    rig.fill()
    others = {generate.product_subject(n).id for n in range(20) if n != 7}
    assert blog.live() >= others, "another product suffered"
    assert rig.due() == 0
    parked = {row.subject.id: row.reason for row in rig.parked()}
    assert parked.keys() <= {product.id}
    if parked:
        assert product.id in parked[product.id] or "the log has the details" in parked[product.id]
    else:
        assert product.id in blog.live()
    shop.put(generate.retitled(product, "Well again"))
    rig.detector.poll()
    rig.settle()
    assert rig.parked() == []
    page = blog.memory.page(generate.product_subject(7))
    assert page is not None
    assert page.fields[TITLE] == "Well again"
    rig.close()


def test_a_product_that_cannot_be_understood_is_parked_with_its_reason(tmp_path: Path) -> None:
    shop = MemoryCatalogue(generate.products(20))
    house = House(tmp_path, shop)
    shop.poison(ProductId(generate.product_subject(3).id), "has the price 12.345 EUR")
    house.fill()
    assert len(house.site.pages()) == 19
    assert {row.subject.id for row in house.parked()} == {generate.product_subject(3).id}
    assert "has the price 12.345 EUR" in house.parked()[0].reason
    shop.heal(ProductId(generate.product_subject(3).id))
    house.poll()
    assert house.parked() == []
    assert len(house.site.pages()) == 20
    house.database.close()
