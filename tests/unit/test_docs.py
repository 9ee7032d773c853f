"""What the documents promise is there: links, commands, files, metrics."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from connector.cli import cli
from connector.clock import SystemClock
from connector.ops.metrics import Metrics
from connector.state.database import open_database
from tests.conftest import ROOT
from tests.house import BACKEND, SITE

GLOBS = ("*.md", "docs/**/*.md", "adapters/*/README.md")
DOCUMENTS = sorted(path for glob in GLOBS for path in ROOT.glob(glob))
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
COMMAND = re.compile(r"`connector ((?:--json )?[a-z]+(?: [a-z]+)?)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_command_that_is_named_exists(document: Path) -> None:
    for words in COMMAND.findall(document.read_text()):
        name, *rest = words.removeprefix("--json ").split()
        command = cli.commands.get(name)
        assert command is not None, f"{document.name} names `connector {words}`"
        if isinstance(command, click.Group) and rest:
            assert rest[0] in command.commands, f"{document.name} names `connector {words}`"


def test_the_metrics_that_operations_names_are_served(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    text = Metrics(database, [SITE], [BACKEND], SystemClock()).text().decode()
    database.close()
    named = re.findall(r"connector_[a-z_]+", (ROOT / "docs" / "operations.md").read_text())
    assert named
    for metric in named:
        assert metric.removesuffix("_total") in text, metric


def test_the_two_commands_of_the_readme_are_files_that_run() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in ("deploy/demo", "tests/run"):
        assert f"\n{command}\n" in readme
        assert (ROOT / command).stat().st_mode & 0o111
