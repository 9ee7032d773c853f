"""The module's classes that need nothing of Drupal, run by PHP with core's interfaces stubbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "adapters" / "drupal" / "module" / "src"


def test_keys_secrets_signatures_and_requests_hold() -> None:
    php = shutil.which("php")
    if php is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("NO CLASS OF THE DRUPAL MODULE WAS CHECKED: there is no php here")
    ran = subprocess.run(
        [php, "-d", "error_reporting=32767", str(HERE / "drupal/php/checks.php"), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["failed"] == []
    assert answer["checked"] >= 70
