"""`adopt`: pages that a site already has, and the products that they are."""

from __future__ import annotations

import click

from connector import adopt as work
from connector.cli.context import Options, asked_by, chosen_sites, print_json
from connector.errors import ConfigError, Problem
from connector.model import CmsId, ProductId
from connector.resync import Exit
from connector.sync.adopt import Key, Plan


@click.command()
@click.argument("site")
@click.option("--by", "keys", multiple=True, type=click.Choice([each.value for each in Key]))
@click.option("--type", "types", multiple=True, help="Only pages of this type of the CMS.")
@click.option("--pair", "pairs", multiple=True, metavar="PRODUCT=PAGE", help="Decided by you.")
@click.option("--yes", is_flag=True, help="Do it; otherwise the plan is shown, and asked for.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and stop.")
@click.pass_obj
def adopt(
    options: Options,
    site: str,
    keys: tuple[str, ...],
    types: tuple[str, ...],
    pairs: tuple[str, ...],
    yes: bool,
    dry_run: bool,
) -> int:
    """Let pages that SITE already has show the products that they are, by SKU or address."""
    with options.opened() as connector:
        (name,) = chosen_sites(connector, (site,))
        target = connector.works[name].target()
        chosen = work.plan(
            connector.database,
            target,
            connector.clock,
            [Key(each) for each in keys] or list(Key),
            types,
            _named(pairs),
        )
        if not options.as_json or dry_run:
            _show(options, chosen)
        if dry_run or not (yes or options.as_json or click.confirm("Adopt these?")):
            return Exit.DONE
        adopted = work.carry_out(connector.database, target, connector.clock, chosen, asked_by())
    if options.as_json:
        print_json(adopted)
    else:
        for each in adopted.refused:
            click.echo(each)
        click.echo(f"{adopted.sentence()} (run {adopted.run_id})")
    return Exit.SOME_PARKED if adopted.refused or adopted.ambiguous else Exit.DONE


def _named(pairs: tuple[str, ...]) -> dict[ProductId, CmsId]:
    named: dict[ProductId, CmsId] = {}
    for each in pairs:
        product, equals, page = each.rpartition("=")
        if not (product and equals and page):
            raise ConfigError([Problem("--pair", f"{each!r} is no pair", "Write PRODUCT=PAGE")])
        named[ProductId(product)] = CmsId(page)
    return named


def _show(options: Options, chosen: Plan) -> None:
    if options.as_json:
        print_json(chosen)
        return
    for pair in chosen.pairs:
        page = pair.page
        click.echo(
            f"{pair.product.id} {pair.product.title!r} -> {page.type} {page.cms_id}"
            f" {page.title!r} (by {pair.by})"
        )
    for each in chosen.ambiguous:
        pages = ", ".join(page.cms_id for page in each.pages)
        click.echo(f"{each.product.id} {each.product.title!r}: ambiguous by {each.by}: {pages}")
    click.echo(chosen.sentence())


COMMANDS = (adopt,)
