"""The module's signatures against the vectors that all sides share, run by PHP itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ADAPTERS = Path(__file__).resolve().parents[2] / "adapters"
SCRIPT = """
require $argv[1];
$out = [];
foreach (json_decode(stream_get_contents(STDIN), TRUE) as $one) {
  $out[] = Drupal\\commerce_connector\\Signature::fits(
    $one['secrets'], $one['headers']['webhook-id'], $one['headers']['webhook-timestamp'],
    $one['headers']['webhook-signature'], base64_decode($one['content_base64']), $one['now_unix']);
}
echo json_encode($out);
"""


def test_the_vectors_hold_in_the_module() -> None:
    php = shutil.which("php")
    if php is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("NO SIGNATURE OF THE DRUPAL MODULE WAS CHECKED: there is no php here")
    vectors = json.loads((ADAPTERS / "site_api" / "vectors.json").read_text(encoding="utf-8"))
    source = ADAPTERS / "drupal" / "module" / "src" / "Signature.php"
    answered = subprocess.run(
        [php, "-r", SCRIPT, "--", str(source)],
        input=json.dumps(vectors["vectors"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answered.stdout) == [vector["fits"] for vector in vectors["vectors"]]
