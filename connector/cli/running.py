"""`run`, `db`: the daemon and its state."""

from __future__ import annotations

import click

from connector.cli.context import Options
from connector.compose import compose
from connector.daemon import Daemon
from connector.memory import keep_small
from connector.ops.logs import configure_logs
from connector.state.database import open_database
from connector.work.engine import prepare_engine


@click.command()
@click.pass_obj
def run(options: Options) -> int:
    """Run the daemon until it is told to stop (SIGTERM, Ctrl-C)."""
    keep_small()
    config = options.load()
    configure_logs(config)
    Daemon(compose(config)).run()
    return 0


@click.group()
def db() -> None:
    """The state's database."""


@db.command()
@click.pass_obj
def upgrade(options: Options) -> int:
    """Bring the schema up to this version. Stop every daemon and make a backup first."""
    database = open_database(options.load().state, migrate=True)
    prepare_engine(database)
    database.close()
    click.echo("the state has this version's schema")
    return 0


COMMANDS = (run, db)
