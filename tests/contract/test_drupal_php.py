"""Classes of the module that need nothing of Drupal, under PHPUnit with core stubbed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "drupal" / "php"
LEAST = 69


def test_the_modules_classes_hold() -> None:
    phpunit = shutil.which("phpunit")
    if phpunit is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("NO CLASS OF THE DRUPAL MODULE WAS CHECKED: there is no phpunit here")
    options = ["--no-configuration", "--do-not-cache-result", "--fail-on-warning"]
    ran = subprocess.run(
        [phpunit, *options, "--fail-on-risky", "--bootstrap", HERE / "bootstrap.php", HERE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = re.search(r"OK \((\d+) tests", ran.stdout)
    assert told, ran.stdout
    assert int(told[1]) >= LEAST
