"""The figures of docs/reliability.md, smaller; `tests.faults.figures` makes them in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.work.engine import GATHER_SECONDS
from tests.bench.many import bench_many
from tests.bench.measure import line
from tests.faults.figures import (
    FAST_SECONDS,
    LATENCY_SECONDS,
    backlog,
    interleavings,
    storm,
)
from tests.faults.soak import slope_per_hour, student_t


@pytest.mark.parametrize("latency", [LATENCY_SECONDS, FAST_SECONDS])
def test_a_storm_of_one_product_is_a_few_writes(tmp_path: Path, latency: float) -> None:
    found = storm(tmp_path, latency=latency)
    assert found.last_stands
    assert found.writes <= 3 + found.seconds / GATHER_SECONDS, str(found)


def test_stock_overtakes_a_backlog_of_content(tmp_path: Path) -> None:
    found = backlog(tmp_path, items=2000, events=8)
    assert found.met, str(found)


def test_no_interleaving_shows_an_older_price_again(tmp_path: Path) -> None:
    found = interleavings(tmp_path, schedules=60)
    assert found.met, str(found)
    assert found.nested > 20


def test_many_products_are_resumed_and_not_written_again(tmp_path: Path) -> None:
    """However fast: tests.bench.many says that, of 50,000."""
    for found in bench_many(tmp_path, 600):
        assert found.met or found.unit == "items a second", line(found)


def test_a_slope_and_how_sure_it_is() -> None:
    line = [(float(second), 100 + second / 3600) for second in range(0, 3600, 10)]
    slope, error = slope_per_hour(line)
    assert slope == pytest.approx(1.0)
    assert error == pytest.approx(0.0, abs=1e-9)
    zigzag = [(float(second), 100.0 + (second // 60) % 2) for second in range(0, 3600, 10)]
    slope, error = slope_per_hour(zigzag)
    assert abs(slope) < error < 1.0


def test_few_samples_are_trusted_less() -> None:
    assert student_t(4) == pytest.approx(2.776, abs=0.01)
    assert student_t(30) == pytest.approx(2.042, abs=0.001)
