"""The bench command runs and says what it measured; its figures fail nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.live


def test_the_bench_command_measures_and_writes_json(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--only", "writes"]
    told = subprocess.run(
        [*command, "--json", str(target)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(target.read_text())
    names = [result["name"] for result in found["results"]]
    assert len(names) == 2
    assert all(result["value"] > 0 for result in found["results"])
    assert all(name in told.stdout for name in names)
    assert "cores" in found["machine"]
