"""`connector sync` and `reconcile` with several sites: what one of them cannot do holds no other
up, and what is waited for is worked at, whoever had the state before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector import resync
from connector.cli import cli, context
from connector.clock import SystemClock
from connector.detect import Detector
from connector.model import ProductId
from connector.resync import Exit, Wish
from connector.state import targets
from connector.state.database import StateLock
from connector.state.targets import Suspension
from connector.testing import generate
from tests.house import SITE
from tests.semidetached import ENV, SECOND, YAML, Pair

Run = Callable[..., Result]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.first.database.close()


@pytest.fixture
def run(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "connector.yaml"
    file.write_text(YAML.replace("PAUSED", "false"))
    monkeypatch.setattr(context, "compose", lambda _: pair.connector())

    def call(*words: str) -> Result:
        words = ("--config", str(file), *words)
        return CliRunner().invoke(cli, words, standalone_mode=False)

    return call


def within(seconds: float, work: Callable[[], object]) -> None:
    """Whatever hangs must not hang the tests."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it never ended"


def test_a_reconcile_of_several_sites_mends_them_all(pair: Pair, run: Run) -> None:
    pair.edit(SITE)
    pair.edit(SECOND)
    results: list[Result] = []
    within(20, lambda: results.append(run("reconcile")))
    assert results[0].return_value == 0, results[0].output
    assert results[0].stdout.count("1 altered at the site") == 2
    assert run("reconcile").stdout.count("all 4 products are on the site") == 2


@pytest.mark.parametrize("how", ["by a person", "in the configuration"])
def test_a_paused_site_keeps_no_other_from_its_sync(pair: Pair, how: str) -> None:
    pair.change(4711)
    pair.paused = how == "in the configuration"
    connector = pair.connector()
    if not pair.paused:
        held = Suspension(targets.site_target(SITE), "moving", SystemClock().now(), None, 0, "me")
        with connector.database.write() as connection:
            targets.suspend(connection, held)
    results: list[resync.Result] = []
    within(20, lambda: results.append(resync.resync(connector, Wish((SITE, SECOND)))))
    assert pair.price(SECOND) == 4711
    assert pair.price(SITE) != 4711
    (result,) = results
    assert result.exit is Exit.TARGET_DOWN
    assert list(result.down) == [targets.site_target(SITE)]
    assert result.left > 0


def test_a_site_that_is_left_alone_and_has_nothing_to_do_is_no_failure(pair: Pair) -> None:
    connector = pair.connector()
    held = Suspension(targets.site_target(SITE), "moving", SystemClock().now(), None, 0, "me")
    with connector.database.write() as connection:
        targets.suspend(connection, held)
    result = resync.resync(connector, Wish((SITE, SECOND)))
    assert (result.exit, result.down) == (Exit.DONE, {})


def test_what_another_command_left_undone_is_done_here(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resync, "TAKE_OVER_SECONDS", 0.2)
    path = pair.first.database.path
    assert path is not None
    other = StateLock(path)
    other.acquire({"role": "sync"})
    pair.change(4712)
    looks: list[int] = []

    def gone(progress: resync.Progress) -> None:
        looks.append(progress.left)
        if len(looks) == 3:
            other.release()

    within(20, lambda: resync.resync(pair.connector(), Wish((SITE, SECOND)), gone))
    assert looks[2] > 0
    assert (pair.price(SITE), pair.price(SECOND)) == (4712, 4712)


@pytest.mark.parametrize("everything", [False, True])
def test_what_is_done_before_anybody_looks_is_counted(
    pair: Pair, everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = pair.connector()
    mark = Detector.mark

    def marked_and_done(*args: Any) -> int:
        count = mark(*args)
        connector.engine.wake()
        while pair.first.due():
            pass
        return count

    monkeypatch.setattr(Detector, "mark", marked_and_done)
    some = () if everything else (ProductId(generate.product_subject(1).id),)
    wish = Wish((SITE, SECOND), products=some, everything=everything)
    results: list[resync.Result] = []
    within(20, lambda: results.append(resync.resync(connector, wish)))
    assert results[0].total == (16 if everything else 4)
    assert results[0].sentence().startswith("16 of 16" if everything else "4 of 4")
