"""`init`, `config`, `secret`, `plugin`, `demo`: from nothing to a first page."""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path

import click

from connector import registry
from connector.cli.context import Options, print_json
from connector.demo.show import show as show_demo
from connector.errors import ConfigError, Problem, Rejected
from connector.reach import unreachable
from connector.signing import format_secret


@click.command()
@click.option("--path", default="connector.yaml", show_default=True, type=click.Path())
@click.option("--backend-system", prompt="Commerce backend (medusa, sandbox)", default="medusa")
@click.option("--backend-url", prompt="Its address", default="http://127.0.0.1:9000")
@click.option("--site-url", prompt="Address of the WordPress site", default="http://127.0.0.1:8080")
@click.option("--currency", prompt="Currency of its prices", default="EUR")
@click.option("--locale", prompt="Language of its pages", default="en-US")
def init(
    path: str, backend_system: str, backend_url: str, site_url: str, currency: str, locale: str
) -> int:
    """Write a first configuration, asking what it must know."""
    target = Path(path)
    if target.exists():
        raise ConfigError([Problem(path, "is there already", "Move it away, or give --path")])
    text = resources.files("connector.cli").joinpath("init.yaml").read_text(encoding="utf-8")
    target.write_text(
        text.format(
            system=backend_system,
            backend_url=backend_url,
            site_url=site_url,
            currency=currency.upper(),
            locale=locale,
        ),
        encoding="utf-8",
    )
    click.echo(
        f"{path} is written. Next: install the plugin (`connector plugin build`), pair it (its\n"
        "settings page shows the secret), set the variables that the file names, then\n"
        "`connector doctor`, and `connector run`."
    )
    return 0


@click.group()
def config() -> None:
    """The configuration file."""


@config.command()
@click.option("--offline", is_flag=True, help="Do not try whether the addresses can be reached.")
@click.pass_obj
def check(options: Options, offline: bool) -> int:
    """Say everything that is wrong with the configuration."""
    loaded = options.load()
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not offline and (problems := unreachable(loaded)):
        raise ConfigError(problems)
    click.echo(f"good: {len(loaded.backends)} backends, {len(loaded.sites)} sites")
    return 0


@config.command()
@click.pass_obj
def show(options: Options) -> int:
    """Print the configuration as it is understood, secrets hidden."""
    print_json(options.load().dump_safe())
    return 0


@click.command()
def secret() -> int:
    """Make a signing secret, for webhooks or for a site."""
    click.echo(format_secret(secrets.token_bytes(32)))
    return 0


@click.group()
def plugin() -> None:
    """What is installed in the CMS."""


@plugin.command()
@click.option("--system", default="wordpress", show_default=True, help="The CMS it is for.")
@click.option("--out", default=".", type=click.Path(file_okay=False), help="Where it goes.")
def build(system: str, out: str) -> int:
    """Make the installable zip: commerce-connector.zip, for Plugins > Add New > Upload."""
    found = registry.site_system(system)
    if found.build_extension is None:
        raise Rejected(f"{system} needs no plugin")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(str(found.build_extension(folder)))
    return 0


@click.command()
@click.option(
    "--backend",
    "system",
    type=click.Choice(["sandbox", "medusa"]),
    default="sandbox",
    show_default=True,
    help="The shop: the embedded one, or a real Medusa.",
)
@click.option("--products", type=click.IntRange(1, 1_000_000), default=200, show_default=True)
@click.option("--site", help="A WordPress that you have, instead of a new one.")
@click.option("--site-secret", envvar="BLOG_SECRET", default="", help="Its plugin's secret.")
@click.option("--once", is_flag=True, help="End after the show.")
def demo(system: str, products: int, site: str | None, site_secret: str, once: bool) -> int:
    """Show it: a shop, a real WordPress, the daemon, and a change on its way to the page."""
    show_demo(system, products, site, site_secret, once)
    return 0


COMMANDS = (init, config, secret, plugin, demo)
