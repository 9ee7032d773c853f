"""The `connector` command. Each command parses, calls one function, prints.

Exit codes: 0 done, 1 some parked, 2 configuration, 3 a target is down, 4 safety stop.
"""

from __future__ import annotations

import sys

import click

from connector import __version__
from connector.cli import (
    adopt,
    conflicts,
    explain,
    owners,
    parked,
    running,
    setup,
    status,
    sync,
    undo,
)
from connector.cli.context import Options
from connector.errors import (
    ConfigError,
    ConnectorError,
    Incomplete,
    SafetyStop,
    StateError,
    TargetDown,
    TryAgain,
)
from connector.memory import collect_rarely
from connector.resync import Exit


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="connector")
@click.option(
    "--config",
    "-c",
    "config_path",
    type=click.Path(dir_okay=False),
    help="The configuration file. Default: $CONNECTOR_CONFIG, ./connector.yaml,"
    " /etc/commerce-connector/connector.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of text.")
@click.pass_context
def cli(context: click.Context, config_path: str | None, as_json: bool) -> None:
    """Keep WordPress and Drupal pages in step with a commerce backend."""
    context.obj = Options(config_path, as_json)


for command in (
    *setup.COMMANDS,
    *sync.COMMANDS,
    *adopt.COMMANDS,
    *status.COMMANDS,
    *explain.COMMANDS,
    *owners.COMMANDS,
    *conflicts.COMMANDS,
    *parked.COMMANDS,
    *undo.COMMANDS,
    *running.COMMANDS,
):
    cli.add_command(command)


def exit_code(error: ConnectorError) -> Exit:
    """The exit code that tells a script what kind of failure it was."""
    match error:
        case SafetyStop():
            return Exit.SAFETY_STOP
        case ConfigError() | StateError():
            return Exit.CONFIGURATION
        case TargetDown() | TryAgain() | Incomplete():
            return Exit.TARGET_DOWN
        case _:
            return Exit.SOME_PARKED


def main() -> None:
    """The entry point: our errors are sentences on stderr, never tracebacks."""
    collect_rarely()
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.CONFIGURATION)
    except click.Abort:
        click.echo("Stopped; what was finished stays finished.", err=True)
        sys.exit(130)
    except ConnectorError as error:
        click.echo(f"connector: {error.message}", err=True)
        sys.exit(exit_code(error))
    sys.exit(int(code or 0))
