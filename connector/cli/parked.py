"""`parked`, `pause`, `resume`, `approve`: what waits for a person."""

from __future__ import annotations

import click

from connector.cli.context import Options, age, asked_by, chosen_sites, print_json
from connector.compose import Connector
from connector.errors import ConfigError, Problem
from connector.model import Lane, SiteName
from connector.state import parking, runs, targets, todo
from connector.state.parking import Parked
from connector.state.targets import Suspension
from connector.state.todo import Due, Priority, Why


@click.group()
def parked() -> None:
    """Products that were given up on, each with its reason."""


SITE = click.option("--site", help="Only this site.")
LANE = click.option("--lane", type=click.Choice([each.value for each in Lane]), help="This one.")
SUBJECTS = click.argument("ids", nargs=-1)


@parked.command("list")
@SITE
@click.pass_obj
def list_command(options: Options, site: str | None) -> int:
    """List what is parked."""
    with options.opened() as connector:
        rows, now = _rows(connector, site, ()), connector.clock.now()
    if options.as_json:
        print_json(rows)
        return 0
    for row in rows:
        click.echo(
            f"{row.site} {row.lane} {row.subject} ({row.error}, {age(row.first_at, now)} ago,"
            f" {row.attempts} attempts): {row.reason}"
        )
    click.echo(f"{len(rows)} parked")
    return 0


@parked.command("retry")
@SITE
@SUBJECTS
@click.option("--all", "everything", is_flag=True, help="Everything that is parked.")
@click.pass_obj
def retry(options: Options, site: str | None, ids: tuple[str, ...], everything: bool) -> int:
    """Make parked products due again, by their ids (or --all)."""
    with options.opened() as connector:
        rows = _chosen(connector, site, ids, everything)
        _requeue(connector, rows, None)
    click.echo(f"{len(rows)} due again; the daemon or `connector sync` works on them")
    return 0


@parked.command("drop")
@SITE
@SUBJECTS
@click.option("--all", "everything", is_flag=True, help="Everything that is parked.")
@click.pass_obj
def drop(options: Options, site: str | None, ids: tuple[str, ...], everything: bool) -> int:
    """Forget parked products until they change at the backend, by their ids (or --all)."""
    with options.opened() as connector:
        rows = _chosen(connector, site, ids, everything)
        with connector.database.write() as connection:
            for row in rows:
                parking.take_out(connection, [(row.site, row.lane, row.subject)])
    click.echo(f"{len(rows)} dropped")
    return 0


def _rows(connector: Connector, site: str | None, ids: tuple[str, ...]) -> list[Parked]:
    if site is not None:
        chosen_sites(connector, (site,))
    with connector.database.read() as connection:
        rows = parking.list_parked(connection, site=SiteName(site) if site else None)
    return [row for row in rows if not ids or row.subject.id in ids]


def _chosen(
    connector: Connector, site: str | None, ids: tuple[str, ...], everything: bool
) -> list[Parked]:
    if not ids and not everything:
        raise ConfigError([Problem("parked", "nothing is named", "Give ids, or --all")])
    return _rows(connector, site, ids)


def _requeue(connector: Connector, rows: list[Parked], run_id: str | None) -> None:
    now = connector.clock.now()
    with connector.database.write() as connection:
        for row in rows:
            todo.mark(
                connection,
                [Due(row.site, row.lane, row.subject)],
                priority=Priority.PERSON,
                now=now,
                why=Why(row.trace_id, f"asked again by {asked_by()}", run_id),
            )


@click.command()
@click.argument("run")
@click.pass_obj
def approve(options: Options, run: str) -> int:
    """Let a run that the safety stop holds take its products off sale, this once."""
    with options.opened() as connector:
        with connector.database.write() as connection:
            known = runs.approve(connection, run, asked_by())
            rows = parking.list_parked(connection, run_id=run) if known else []
        if not known:
            raise ConfigError([Problem("approve", f"no stopped run {run!r}", "See `status`")])
        stopped = [row for row in rows if row.error == "SafetyStop"]
        _requeue(connector, stopped, run)
    click.echo(f"{len(stopped)} due again, allowed to go off sale")
    return 0


@click.command()
@click.argument("site")
@LANE
@click.option("--reason", default="paused by a person", help="For those who look at `status`.")
@click.pass_obj
def pause(options: Options, site: str, lane: str | None, reason: str) -> int:
    """Leave a site, or one of its lanes, alone until `resume`. What changes is remembered."""
    with options.opened() as connector:
        now, target = connector.clock.now(), _target(connector, site, lane)
        with connector.database.write() as connection:
            targets.suspend(connection, Suspension(target, reason, now, None, 0, asked_by()))
    click.echo(f"{_named(site, lane)} is paused; changes are kept for it")
    return 0


@click.command()
@click.argument("site")
@LANE
@click.pass_obj
def resume(options: Options, site: str, lane: str | None) -> int:
    """Go on with a site, or a lane of it, that was paused or left alone."""
    with options.opened() as connector, connector.database.write() as connection:
        there = targets.resume(connection, _target(connector, site, lane))
    click.echo(f"{_named(site, lane)} {'goes on' if there else 'was not paused'}")
    return 0


def _target(connector: Connector, site: str, lane: str | None) -> str:
    (name,) = chosen_sites(connector, (site,))
    return targets.lane_target(name, Lane(lane)) if lane else targets.site_target(name)


def _named(site: str, lane: str | None) -> str:
    return f"{lane} of {site}" if lane else site


COMMANDS = (parked, approve, pause, resume)
