"""`sync`, `diff`, `reconcile`: bring up to date, look without touching, compare in full."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from connector import resync as core
from connector.cli.context import Options, asked_by, chosen_sites, print_json
from connector.compose import Connector
from connector.model import Lane, ProductId
from connector.preview import Difference, Preview
from connector.reconcile import reconcile as run_reconcile

SITE = click.option("--site", "sites", multiple=True, help="Only this site. May be repeated.")
SKU = click.option("--sku", "skus", multiple=True, help="Only the product with this SKU.")
PRODUCT = click.option(
    "--product", "products", multiple=True, help="Only the product with this id at the backend."
)
LANE = click.option(
    "--lane",
    "lanes",
    multiple=True,
    type=click.Choice([Lane.OFFERS.value, Lane.CONTENT.value]),
    help="Only price and stock (offers), or only pages (content).",
)


class Since(click.ParamType[datetime]):
    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("write it like 2026-11-24 or 2026-11-24T08:00+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@SITE
@SKU
@PRODUCT
@click.option("--since", type=Since(), help="What changed at the backend since this time.")
@LANE
@click.option("--all", "everything", is_flag=True, help="Every product, changed or not.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.pass_obj
def sync(
    options: Options,
    sites: tuple[str, ...],
    skus: tuple[str, ...],
    products: tuple[str, ...],
    since: datetime | None,
    lanes: tuple[str, ...],
    everything: bool,
    dry_run: bool,
) -> int:
    """Bring sites up to date: what changed, or what you name.

    Works with and without a running daemon. Only what differs is written.
    """
    if lanes and not (skus or products or since or everything or dry_run):
        raise click.UsageError(
            "What changed is looked at in every lane. --lane goes with --sku, --product, --since or"
            " --all"
        )
    if dry_run and since:
        raise click.UsageError("--dry-run shows what differs, whenever it changed: without --since")
    with options.opened() as connector:
        wish = core.Wish(
            sites=chosen_sites(connector, sites),
            skus=skus,
            products=tuple(ProductId(each) for each in products),
            lanes=frozenset(Lane(lane) for lane in lanes),
            since=since,
            everything=everything,
            asked_by=asked_by(),
        )
        if dry_run:
            return _show(options, list(_differences(connector, wish)))
        with _progress(options) as report:
            result = core.resync(connector, wish, report)
        _tell(options, result)
        return result.exit


def _tell(options: Options, result: core.Result) -> None:
    if options.as_json:
        print_json(
            {
                "run": result.run_id,
                "total": result.total,
                "left": result.left,
                "parked": result.parked,
                "down": result.down,
                "exit": int(result.exit),
            }
        )
        return
    click.echo(f"{result.sentence()} (run {result.run_id})")
    for row in result.parked[:20]:
        click.echo(f"  parked: {row.subject} at {row.site}, {row.lane}: {row.reason}")
    if len(result.parked) > 20:
        click.echo(f"  and {len(result.parked) - 20} more: connector parked list")


@contextmanager
def _progress(options: Options) -> Iterator[Callable[[core.Progress], None]]:
    """A bar with rate and time left on a terminal; elsewhere a line every tenth."""
    if options.as_json:
        yield lambda _: None
    elif sys.stderr.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, transient=True) as bar:
            task = bar.add_task("syncing", total=None, rate="")

            def show(progress: core.Progress) -> None:
                done = progress.total - progress.left
                speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0
                bar.update(task, total=progress.total, completed=done, rate=f"{speed:.0f}/s")

            yield show
    else:
        yield _Lines()


class _Lines:
    """A line whenever another tenth is done."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, progress: core.Progress) -> None:
        done = progress.total - progress.left
        tenth = done * 10 // progress.total if progress.total else 0
        if tenth > self._told:
            self._told = tenth
            click.echo(f"{done} of {progress.total}", err=True)


# ---- diff ----


@click.command()
@SITE
@SKU
@PRODUCT
@LANE
@click.pass_obj
def diff(
    options: Options,
    sites: tuple[str, ...],
    skus: tuple[str, ...],
    products: tuple[str, ...],
    lanes: tuple[str, ...],
) -> int:
    """Say what a sync would change, and change nothing."""
    with options.opened() as connector:
        wish = core.Wish(
            sites=chosen_sites(connector, sites),
            skus=skus,
            products=tuple(ProductId(each) for each in products),
            lanes=frozenset(Lane(lane) for lane in lanes),
        )
        return _show(options, list(_differences(connector, wish)))


def _differences(connector: Connector, wish: core.Wish) -> Iterator[Difference]:
    for site in wish.sites:
        work = connector.works[site]
        preview = Preview(connector.database, work.target(), connector.clock)
        if wish.named:
            yield from preview.of(core.resolve(connector, work.backend, wish), wish.lanes)
        else:
            yield from preview.of_all(wish.lanes)


def _show(options: Options, found: list[Difference]) -> int:
    if options.as_json:
        print_json(found)
        return 0
    for each in found:
        click.echo(f"{each.site}: {each.action} {each.lane} of {each.subject}")
        for detail in each.details:
            click.echo(f"    {detail}")
    click.echo(f"{len(found)} change{'' if len(found) == 1 else 's'} would be made")
    return 0


# ---- reconcile ----


@click.command()
@SITE
@click.pass_obj
def reconcile(options: Options, sites: tuple[str, ...]) -> int:
    """Compare backend and site in full, and mend what differs."""
    with options.opened() as connector, ExitStack() as until_done:
        told, code = [], core.Exit.DONE
        hands: core.Hands | None = None
        for site in chosen_sites(connector, sites):
            work = connector.works[site]
            run_id, report = run_reconcile(
                connector.database, work.target(), connector.clock, asked_by()
            )
            told.append(
                {
                    "site": site,
                    "run": run_id,
                    **report.counts(),
                    "backend_checksum": report.backend_checksum,
                    "site_checksum": report.site_checksum,
                }
            )
            if not options.as_json:
                click.echo(f"{site}: {report.sentence()} (run {run_id})")
            if report.marked:
                hands = hands or until_done.enter_context(core.at_work(connector))
                with _progress(options) as show:
                    result = core.see_through(hands, (site,), run_id, show)
                code = max(code, result.exit)
                if not options.as_json:
                    click.echo(f"{site}: {result.sentence()}")
        if options.as_json:
            print_json(told)
        return code


COMMANDS = (sync, diff, reconcile)
