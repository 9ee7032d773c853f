"""The lock of a release names what the project asks for, each with its version and hashes."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgresql"]]
LOCKED = re.findall(
    r"^(\S+?)==(\S+)[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)",
    (ROOT / "deploy/requirements.lock").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_line_of_the_lock_is_a_version_with_its_hashes() -> None:
    lines = (ROOT / "deploy/requirements.lock").read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if not line.startswith("#")]
    hashes = sum(found.count("--hash") for _, _, found in LOCKED)
    assert len(said) == len(LOCKED) + hashes
    assert len(LOCKED) > len(ASKED)


@pytest.mark.parametrize("text", ASKED)
def test_what_the_project_asks_for_is_locked_as_it_asks(text: str) -> None:
    asked = Requirement(text)
    versions = {canonicalize_name(Requirement(name).name): version for name, version, _ in LOCKED}
    assert versions[canonicalize_name(asked.name)] in asked.specifier, "run deploy/lock"
