"""`explain`: the whole story of one product."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import click

from connector import explain as core
from connector.cli.context import Options, age, print_json
from connector.compose import Connector
from connector.errors import Rejected
from connector.state.runs import Step


@click.command()
@click.argument("sku")
@click.option("--steps", default=40, show_default=True, help="How many of the latest steps.")
@click.pass_obj
def explain(options: Options, sku: str, steps: int) -> int:
    """Tell what is known of the product with this SKU (or backend id), and how it got there."""
    with options.opened() as connector:
        found = _read(connector, sku, steps)
        now = connector.clock.now()
    if options.as_json:
        print_json(found)
        return 0
    for one in found:
        _print(one, now)
    return 0


def _read(connector: Connector, sku: str, steps: int) -> list[core.Explanation]:
    with connector.database.read() as connection:
        variants = core.find_products(connection, list(connector.catalogues), sku)
        products = dict.fromkeys((backend, each.product) for backend, each in variants)
        if not products:
            raise Rejected(
                f"nothing is known of {sku!r}. If the backend has it, `connector sync --sku {sku}`"
                " brings it"
            )
        return [
            core.explain(
                connection,
                backend,
                product,
                {site: connector.works[site].rules for site in connector.sites_of(backend)},
                steps,
            )
            for backend, product in products
        ]


def _print(one: core.Explanation, now: datetime) -> None:
    click.echo(f"{one.title} ({one.product} at {one.backend}; SKUs {', '.join(one.skus)})")
    for site in one.sites:
        _print_site(site, now)
    click.echo("\nwhat happened")
    for step in one.steps:
        for line in _lines(step):
            click.echo(line)


def _print_site(site: core.SiteStory, now: datetime) -> None:
    where = site.url or "no page yet"
    click.echo(f"\n{site.site}: {where}")
    if site.retired_at:
        click.echo(f"  off sale since {site.retired_at:%Y-%m-%d %H:%M:%S} UTC")
    for row in site.offers or ():
        left = "" if row["quantity"] is None else f", {row['quantity']} left"
        struck = f" (was {row['compare_at_text']})" if row.get("compare_at_text") else ""
        click.echo(
            f"  {row['sku']} in {row['market']} from {row['min_quantity']}:"
            f" {row['amount_text']}{struck}, {row['availability']}{left}"
        )
    click.echo(
        f"  price and stock confirmed {age(site.offers_confirmed_at, now)} ago,"
        f" page {age(site.content_confirmed_at, now)} ago"
    )
    owned: dict[str, list[str]] = {}
    for field in site.fields:
        kept = " (an editor's value is kept)" if field.kept else ""
        kept = f" (taken over by {field.taken_by})" if field.taken_by else kept
        owned.setdefault(field.owner, []).append(field.name + kept)
    for owner, names in owned.items():
        click.echo(f"  owner {owner}: {', '.join(names)}")
    for due in site.due:
        state = "being written" if due.in_flight else "waits"
        click.echo(
            f"  {due.lane}: {state} since {age(due.first_marked_at, now)}; {due.error or ''}"
        )
    for row in site.parked:
        click.echo(f"  PARKED {row.lane}: {row.reason}")


def _lines(step: Step) -> Iterable[str]:
    where = f" [{step.site} {step.lane}]" if step.site else ""
    yield f"  {step.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" {step.step}{where} {step.message}"
    for change in step.facts.get("changes", ()):
        yield (
            f"      {change['sku']} in {change['market']}: {change['what']}"
            f" {change['before']} -> {change['after']}"
        )
    facts = step.facts
    if "sent_at" in facts:
        yield (
            f"      caused by {facts['cause']}; marked {_clock(facts['marked_at'])}, fetched after"
            f" {_clock(facts['claimed_at'])}, sent {_clock(facts['sent_at'])}, confirmed"
            f" {step.at:%H:%M:%S.%f}"[:-3]
            + f"; fence {facts['fence']}, trace {step.trace_id}"
        )


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S.%f}"[:-3]


COMMANDS = (explain,)
