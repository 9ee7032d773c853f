"""`runs`, `undo`, `holds`: what was done, putting it back, and what people hold."""

from __future__ import annotations

import click

from connector import resync as core
from connector import undo as work
from connector.cli.context import Options, age, asked_by, chosen_sites, print_json
from connector.compose import Connector
from connector.errors import ConfigError, Problem
from connector.model import Lane, SiteName
from connector.state import holds, journal, runs, todo
from connector.state.holds import HeldField
from connector.state.journal import Entry
from connector.state.runs import Run
from connector.state.todo import Due, Priority, Why
from connector.state.words import WrittenBack
from connector.undo import Fate, Step

_REASONS = {
    Fate.WRITTEN_SINCE: "a later run wrote it; undo that one first",
    Fate.EDITED: "an editor has changed it since",
    Fate.UNKNOWN: "the site did not say what stood there before",
    Fate.WAITING: "held, but not at the site yet; `connector status` says why",
}


@click.group("runs", invoke_without_command=True)
@click.option("--limit", default=20, show_default=True, help="How many.")
@click.pass_context
def runs_group(context: click.Context, limit: int) -> int:
    """What was done, who asked for it, and how it went; newest first."""
    if context.invoked_subcommand is not None:
        return 0
    options: Options = context.obj
    with options.opened() as connector:
        with connector.database.read() as connection:
            found = runs.latest_runs(connection, limit, unasked=True)
        now = connector.clock.now()
    if options.as_json:
        print_json(found)
        return 0
    for run in found:
        where = f" on {run.site}" if run.site else ""
        message = f", {run.message}" if run.message else ""
        when = age(run.started_at, now)
        click.echo(f"{run.id}  {run.kind}{where}, {when} ago by {run.asked_by}:")
        click.echo(f"    {run.outcome}{message}")
    return 0


@runs_group.command("show")
@click.argument("run")
@click.pass_obj
def show(options: Options, run: str) -> int:
    """What a run did to which pages."""
    with options.opened() as connector, connector.database.read() as connection:
        found = _run(runs.get_run(connection, run), run)
        entries = list(journal.of_run(connection, run))
    if options.as_json:
        print_json({"run": found, "pages": entries})
        return 0
    click.echo(f"{found.kind} asked by {found.asked_by}: {found.outcome}, {found.message}")
    for entry in entries:
        click.echo(f"{entry.at:%Y-%m-%d %H:%M:%S} {entry.site} {entry.subject}: {_did(entry)}")
    click.echo(f"{len(entries)} writes")
    return 0


def _did(entry: Entry) -> str:
    fields = ", ".join(sorted(entry.after))
    return f"{entry.action} ({fields})" if fields else str(entry.action)


def _run(found: Run | None, name: str) -> Run:
    if found is None:
        raise ConfigError([Problem("run", f"there is no run {name!r}", "See `connector runs`")])
    return found


@click.command()
@click.argument("run")
@click.option("--product", "products", multiple=True, help="Only this product, by its id.")
@click.option("--field", "fields", multiple=True, help="Only this field: title, description ...")
@click.option("--dry-run", is_flag=True, help="Say what would be put back, and stop.")
@click.pass_obj
def undo(
    options: Options,
    run: str,
    products: tuple[str, ...],
    fields: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Put back what a run replaced, and hold it until the backend changes it again."""
    with options.opened() as connector:
        with connector.database.read() as connection:
            _run(runs.get_run(connection, run), run)
            steps = [
                step
                for step in work.plan(connection, run)
                if (not products or step.subject.id in products)
                and (not fields or step.field in fields)
            ]
            back = work.beyond(connection, steps)
        if dry_run:
            _show_plan(options, steps, back)
            return 0
        return _carry_out(options, connector, run, steps, back)


def _show_plan(options: Options, steps: list[Step], back: list[WrittenBack]) -> None:
    if options.as_json:
        print_json(steps)
        return
    show_back(back)
    for step in steps:
        reason = f" ({_REASONS[step.fate]})" if step.fate in _REASONS else ""
        click.echo(f"{step.site} {step.subject} {step.field}: {step.fate}{reason}")
    count = sum(1 for step in steps if step.hold is not None)
    click.echo(f"{count} of {len(steps)} would be put back")


def show_back(back: list[WrittenBack]) -> None:
    """What stays at the backend, with what had stood there."""
    for each in back:
        click.echo(
            f"{each.site} {each.subject} {each.field}: the shop keeps what was written back to it"
            f" on {each.at:%Y-%m-%d %H:%M} UTC; it had held {_short(each.before)}. Change it there"
            " if that is wanted"
        )


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _carry_out(
    options: Options,
    connector: Connector,
    run: str,
    steps: list[Step],
    back: list[WrittenBack],
) -> int:
    undo_id = work.begin(connector.database, connector.clock, run, asked_by(), steps)
    sites = tuple(sorted({step.site for step in steps}))
    with core.at_work(connector) as hands:
        result = core.see_through(hands, sites, undo_id, lambda _: None)
    with connector.database.write() as connection:
        done = work.outcome(connection, undo_id, steps)
        counts = {"restored": done.restored, "left": len(done.left), "altered": len(done.altered)}
        message = f"undo of {run}: {done.sentence()}"
        outcome = "done" if result.exit == core.Exit.DONE else "parked"
        now = connector.clock.now()
        runs.end_run(connection, undo_id, outcome=outcome, counts=counts, message=message, now=now)
    if options.as_json:
        kept = [{"site": e.site, "product": e.subject.id, "field": e.field} for e in back]
        print_json({"run": undo_id, **counts, "left_as_is": done.left, "kept_by_shop": kept})
        return result.exit
    show_back(back)
    for step in done.left:
        click.echo(f"{step.site} {step.subject} {step.field}: {_REASONS[step.fate]}")
    click.echo(f"{done.sentence()} (run {undo_id})")
    if result.exit != core.Exit.DONE:
        click.echo(result.sentence())
    return result.exit


@click.group("holds")
def holds_group() -> None:
    """Fields that people hold against the backend."""


@holds_group.command("list")
@click.option("--site", help="Only this site.")
@click.pass_obj
def list_holds(options: Options, site: str | None) -> int:
    """List what is held, by whom and since when."""
    with options.opened() as connector:
        found, now = _held(connector, site), connector.clock.now()
    if options.as_json:
        print_json(found)
        return 0
    for each in found:
        waiting = "" if each.hold.restored else ", not at the site yet"
        click.echo(
            f"{each.site} {each.subject} {each.field}: held by {each.asked_by} for"
            f" {age(each.at, now)} (run {each.run_id}{waiting})"
        )
    click.echo(f"{len(found)} held")
    return 0


@holds_group.command("release")
@click.argument("product")
@click.option("--site", help="Only this site.")
@click.option("--field", "fields", multiple=True, help="Only this field; otherwise all of them.")
@click.pass_obj
def release(options: Options, product: str, site: str | None, fields: tuple[str, ...]) -> int:
    """Let the backend decide a product's held fields again."""
    with options.opened() as connector:
        chosen = [
            each
            for each in _held(connector, site)
            if each.subject.id == product and (not fields or each.field in fields)
        ]
        _release(connector, chosen)
    click.echo(f"{len(chosen)} released; the daemon or `connector sync` writes them")
    return 0


def _held(connector: Connector, site: str | None) -> list[HeldField]:
    if site is not None:
        chosen_sites(connector, (site,))
    with connector.database.read() as connection:
        return holds.list_holds(connection, site=SiteName(site) if site else None)


def _release(connector: Connector, chosen: list[HeldField]) -> None:
    """What is held counts as never sent, so that the backend's value goes in."""
    now = connector.clock.now()
    with connector.database.write() as connection:
        for each in chosen:
            holds.release(connection, each)
            why = Why(runs.new_id(now), f"hold released by {asked_by()}")
            todo.mark(
                connection,
                [Due(each.site, lane, each.subject) for lane in (Lane.CONTENT, Lane.OFFERS)],
                priority=Priority.PERSON,
                now=now,
                why=why,
            )


COMMANDS = (runs_group, undo, holds_group)
