"""What every command shares: the options before it, the opened connector, the two ways to print."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from connector import config
from connector.compose import Connector, compose
from connector.config import Config
from connector.errors import ConfigError, Problem
from connector.model import SiteName


@dataclass(frozen=True, slots=True)
class Options:
    config_path: str | None
    as_json: bool

    def load(self) -> Config:
        """The configuration. Raises ConfigError with every problem."""
        return config.load(self.config_path)

    @contextmanager
    def opened(self) -> Iterator[Connector]:
        """The connector, closed at the end of the block."""
        connector = compose(self.load())
        try:
            yield connector
        finally:
            connector.close()


def asked_by() -> str:
    """Who is at the terminal, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def chosen_sites(connector: Connector, named: tuple[str, ...]) -> tuple[SiteName, ...]:
    """The sites that were named, or all. Raises ConfigError for a name that is none."""
    for name in named:
        if name not in connector.works:
            known = ", ".join(sorted(connector.works))
            raise ConfigError([Problem("--site", f"there is no site {name!r}", f"Sites: {known}")])
    return tuple(SiteName(name) for name in named) or tuple(connector.works)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Our values as JSON has them: dataclasses as objects, times as ISO 8601."""
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        case _:
            return value


def console() -> Console:
    """Where tables go; plain lines when stdout is no terminal."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, for people: "3 s", "5 min", "2 h", "4 d"."""
    if since is None:
        return "-"
    seconds = max(0.0, (now - since).total_seconds())
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


Command = Callable[..., Any]
