"""What docs/operations.md says about more than one machine is done here, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from sqlalchemy import text

from connector.demo.postgres import Postgres
from connector.state.database import open_database
from tests.conftest import ROOT
from tests.faults.daemons import Cluster, cluster
from tests.live.pair import until

DOCUMENTED = "postgresql+psycopg://connector@db.example/connector"
PRODUCTS = 40


def documented_commands() -> list[str]:
    document = (ROOT / "docs" / "operations.md").read_text()
    section = document.partition("## More than one machine")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.S)
    return [line.partition("#")[0].strip() for line in block.splitlines()]


@pytest.fixture
def shared(tmp_path: Path, postgres: Postgres) -> Iterator[Cluster]:
    with cluster(tmp_path, postgres, PRODUCTS) as made:
        yield made


def test_two_daemons_by_the_documented_commands(shared: Cluster) -> None:
    install, state, *commands = documented_commands()
    assert install == "pip install 'commerce-connector[postgresql]'"
    assert state == f"export CONNECTOR_STATE={DOCUMENTED}"
    assert commands == ["connector db upgrade", "connector run"]
    one, two = (shared.daemon() for _ in range(2))
    for daemon in (one, two):
        _name_the_state_by_the_environment(daemon.file)
        daemon.secrets = {**daemon.secrets, "CONNECTOR_STATE": shared.state}
    refused = one.command("run", check=False)
    assert refused.returncode != 0
    assert "connector db upgrade" in refused.stderr + refused.stdout
    one.command("db", "upgrade")
    one.start()
    two.start()
    until(lambda: len(shared.simulation.site.pages()) == PRODUCTS, "the first import")
    assert one.ask("status")["daemon"] == {"daemons": 2}
    assert "running, 2 of them" in one.command("status").stdout
    for daemon in (one, two):
        assert httpx.get(f"{daemon.url}/readyz", trust_env=False).json() == {"ready": True}


def test_a_command_works_beside_daemons_and_without_any(shared: Cluster) -> None:
    one = shared.daemon()
    one.command("db", "upgrade")
    assert one.ask("status")["daemon"] is None
    one.command("sync", "--all")
    assert len(shared.simulation.site.pages()) == PRODUCTS
    assert one.ask("status")["daemon"] is None
    one.start()
    one.command("sync", "--all")
    (found,) = one.ask("reconcile")
    assert (found["changed"], found["missing"], found["surplus"], found["drifted"]) == (0, 0, 0, 0)


def test_a_queue_of_another_version_is_refused_until_it_is_made_anew(shared: Cluster) -> None:
    one = shared.daemon()
    one.command("db", "upgrade")
    database = open_database(shared.state)
    with database.write() as connection:
        connection.execute(text("COMMENT ON TABLE procrastinate_jobs IS 'schema of long ago'"))
    database.close()
    refused = one.command("run", check=False)
    assert "another version's" in refused.stdout + refused.stderr
    one.command("db", "upgrade")
    one.command("sync", "--all")
    assert len(shared.simulation.site.pages()) == PRODUCTS


def test_the_compose_file_runs_what_the_docs_say() -> None:
    file = (ROOT / "deploy" / "compose.postgresql.yaml").read_text()
    services = yaml.safe_load(file)["services"]
    assert services["upgrade"]["command"][-2:] == ["db", "upgrade"]
    for name in ("one", "two"):
        assert services[name]["depends_on"]["upgrade"] == {
            "condition": "service_completed_successfully"
        }
    example = re.search(r"CONNECTOR_STATE=(\S+)", file)
    assert example is not None
    assert example[1].startswith(DOCUMENTED.partition("connector@")[0])


def _name_the_state_by_the_environment(file: Path) -> None:
    settings = yaml.safe_load(file.read_text())
    del settings["state"]
    file.write_text(yaml.safe_dump(settings))
