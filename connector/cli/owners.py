"""`owners`: who decides each field of a site's pages, and why."""

from __future__ import annotations

import click
from rich.table import Table

from connector.cli.context import Options, chosen_sites, console, print_json
from connector.sync.owners import field_owners


@click.command()
@click.argument("site")
@click.pass_obj
def owners(options: Options, site: str) -> int:
    """Show who decides each field of a site's pages, in each of its languages, and why."""
    with options.opened() as connector:
        (name,) = chosen_sites(connector, (site,))
        rules = connector.works[name].rules
    rows = field_owners(rules.owners, [market.locale for market in rules.markets])
    if options.as_json:
        print_json(rows)
        return 0
    table = Table("field", "language", "owner", "why")
    for row in rows:
        table.add_row(row.field, row.locale or "all", row.owner.value, row.why)
    console().print(table)
    return 0


COMMANDS = (owners,)
