"""`run`, `db`: the daemon and its state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from connector.cli.context import Options, asked_by, chosen_sites, print_json
from connector.clock import SystemClock
from connector.compose import Connector, compose
from connector.daemon import Daemon
from connector.errors import StateError
from connector.memory import keep_small
from connector.ops.logs import configure_logs
from connector.rebuild import rebuild as learn_again
from connector.state.backup import back_up, put_back
from connector.state.database import StateLock, file_of, open_database
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


@db.command()
@click.option("--site", "sites", multiple=True, help="Only this site; otherwise all.")
@click.pass_obj
def rebuild(options: Options, sites: tuple[str, ...]) -> int:
    """With the state lost: learn again from the sites what they have."""
    told = []
    with options.opened() as connector, _alone(connector):
        for site in chosen_sites(connector, sites):
            work = connector.works[site]
            learned = learn_again(
                connector.database,
                work.target(),
                connector.detectors[work.backend],
                connector.clock,
                asked_by(),
            )
            told.append({"site": site, **asdict(learned)})
            if not options.as_json:
                click.echo(f"{site}: {learned.sentence()} (run {learned.run_id})")
    if options.as_json:
        print_json(told)
    else:
        click.echo("`connector run` sends the prices again and then compares everything")
    return 0


@contextmanager
def _alone(connector: Connector) -> Iterator[None]:
    """Nobody else works on the state meanwhile. Raises StateError where somebody does."""
    path = connector.database.path
    lock = StateLock(path) if path else None
    if lock is not None:
        lock.acquire({"role": "rebuild"})
    elif daemons := connector.engine.daemons():
        raise StateError(f"{daemons} daemons work on this state. Stop them first")
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(options: Options, file: Path) -> int:
    """Copy the state to FILE, checked, also while the daemon works."""
    database = open_database(options.load().state)
    try:
        size = back_up(database, file)
    finally:
        database.close()
    click.echo(f"{file}: {size} bytes, checked. `connector db restore {file}` puts it back")
    return 0


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def restore(options: Options, file: Path) -> int:
    """Make the copy in FILE the state. Stop the daemon first; the present state is kept aside."""
    config = options.load()
    path = file_of(config.state)
    if path is None:
        raise StateError("the state is on a database server: restore it with its own tools")
    moved = put_back(config.state, path, file, SystemClock().now())
    if moved is not None:
        click.echo(f"the state until now is kept as {moved}")
    click.echo(
        f"{file} is the state now. What sites saw since is newer: the next contact begins a new"
        " epoch, and `connector reconcile` compares everything"
    )
    return 0


COMMANDS = (run, db)
