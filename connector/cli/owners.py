"""`owners`: who decides each field of a site's pages, why, and what editors took over."""

from __future__ import annotations

import click
from rich.table import Table

from connector.cli.context import Options, chosen_sites, console, print_json
from connector.state.taken import list_taken
from connector.sync.owners import field_owners


@click.command()
@click.argument("site")
@click.pass_obj
def owners(options: Options, site: str) -> int:
    """Show who decides each field of a site's pages, why, and what editors took over."""
    with options.opened() as connector:
        (name,) = chosen_sites(connector, (site,))
        rules = connector.works[name].rules
        with connector.database.read() as connection:
            own = list_taken(connection, name)
    rows = field_owners(rules.owners, [market.locale for market in rules.markets])
    if options.as_json:
        print_json({"fields": rows, "taken": own})
        return 0
    table = Table("field", "language", "owner", "why")
    for row in rows:
        table.add_row(row.field, row.locale or "all", row.owner.value, row.why)
    console().print(table)
    for each in own:
        given = "taken over" if each.returned_at is None else "being given back"
        click.echo(f"{each.subject} {each.field}: {given} by {each.taken_by}, {each.at:%Y-%m-%d}")
    return 0


COMMANDS = (owners,)
