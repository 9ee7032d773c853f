"""`conflicts`: what editor and backend both changed, and what a person says of it."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import NoReturn

import click

from connector.cli.context import Options, age, asked_by, chosen_sites, print_json
from connector.compose import Connector
from connector.editors import rulings
from connector.errors import ConfigError, Problem
from connector.model import JsonValue, SiteName
from connector.state import conflicts as kept
from connector.state import mirror
from connector.state.conflicts import OpenConflict
from connector.sync.edits import Choice
from connector.sync.merge import Unknown

SITE = click.option("--site", help="Only this site.")
FIELD = click.option("--field", help="Only this field: title, or title@fr-FR.")


@click.group()
def conflicts() -> None:
    """Fields that an editor and the backend both changed; the page is as the editor left it."""


@conflicts.command("list")
@SITE
@FIELD
@click.pass_obj
def list_command(options: Options, site: str | None, field: str | None) -> int:
    """List what waits for a person, oldest first."""
    with options.opened() as connector:
        rows, now = _rows(connector, site, field), connector.clock.now()
    if options.as_json:
        print_json([_as_json(row) for row in rows])
        return 0
    for row in rows:
        said = f", {_said(row)}" if row.ruling else ""
        click.echo(
            f"{row.id}  {row.site} {row.subject} {row.field}, {age(row.found_at, now)} ago"
            f" by {row.cause}{said}"
        )
    click.echo(f"{len(rows)} in conflict")
    return 0


@conflicts.command("show")
@click.argument("number", type=int)
@click.pass_obj
def show(options: Options, number: int) -> int:
    """Show both sides of a conflict against what they came from."""
    with options.opened() as connector:
        row = _row(connector, number)
        page = _admin_url(connector, row)
    if options.as_json:
        print_json({**_as_json(row), "page": page})
        return 0
    where = f", {page}" if page else ""
    click.echo(f"{row.site} {row.subject} {row.field}{where}")
    if row.edited_by is not None:
        click.echo(f"last edited by user {row.edited_by} at {row.edited_at:%Y-%m-%d %H:%M} UTC")
    if row.ruling:
        click.echo(f"{_said(row)}; it is done when the page is next written")
    conflict = row.contested.conflict
    sides = (("the backend", conflict.backend), ("the editor", conflict.site))
    for who, value in sides:
        click.echo(f"\nwhat {who} made of it")
        for line in _changes(conflict.base, value):
            click.echo(f"  {line}")
    return 0


@conflicts.command("resolve")
@click.argument("numbers", type=int, nargs=-1)
@SITE
@FIELD
@click.option("--all", "everything", is_flag=True, help="All of them, or of --site and --field.")
@click.option("--take", type=click.Choice(["site", "backend"]), help="Whose value holds.")
@click.option("--value", help="A third value: text, or JSON where the field is a list.")
@click.option("--value-file", type=click.Path(path_type=Path), help="A file with that value.")
@click.pass_obj
def resolve(
    options: Options,
    numbers: tuple[int, ...],
    site: str | None,
    field: str | None,
    everything: bool,
    take: str | None,
    value: str | None,
    value_file: Path | None,
) -> int:
    """Say what holds: the site's value, the backend's, or a third one."""
    given = [each for each in (take, value, value_file) if each is not None]
    if len(given) != 1:
        _refuse("say one of --take site, --take backend, --value or --value-file")
    if bool(numbers) == everything:
        _refuse("name conflicts by their numbers (`connector conflicts list`), or --all")
    if take is None and len(numbers) != 1:
        _refuse("a third value is for one conflict; name its number")
    with options.opened() as connector:
        rows = _rows(connector, site, field) if everything else _named(connector, numbers)
        third = None if take else _third(rows[0], value, value_file)
        decided = _decide(connector, rows, Choice(take or "value"), third)
    if len(decided) < len(rows):
        click.echo(f"{len(rows) - len(decided)} had changed meanwhile; look at them again")
    click.echo(f"{len(decided)} decided; the daemon or `connector sync` works on them")
    return 0 if len(decided) == len(rows) else 1


def _decide(
    connector: Connector, rows: list[OpenConflict], choice: Choice, third: JsonValue
) -> list[OpenConflict]:
    now, who = connector.clock.now(), asked_by()
    with connector.database.write() as connection:
        return rulings.decide(connection, rows, choice, value=third, asked_by=who, now=now)


def _rows(connector: Connector, site: str | None, field: str | None) -> list[OpenConflict]:
    name: SiteName | None = chosen_sites(connector, (site,))[0] if site else None
    with connector.database.read() as connection:
        rows = kept.list_conflicts(connection, site=name, field=field)
    return [row for row in rows if _is_merged(connector, row)]


def _is_merged(connector: Connector, row: OpenConflict) -> bool:
    """Whether the field still is both sides': the configuration may have given it to one."""
    work = connector.works.get(row.site)
    return work is not None and work.rules.owner(row.field).merges


def _named(connector: Connector, numbers: tuple[int, ...]) -> list[OpenConflict]:
    return [_row(connector, number) for number in dict.fromkeys(numbers)]


def _row(connector: Connector, number: int) -> OpenConflict:
    with connector.database.read() as connection:
        row = kept.find_conflict(connection, number)
    if row is None:
        _refuse(f"there is no conflict {number}; `connector conflicts list` shows them")
    return row


def _admin_url(connector: Connector, row: OpenConflict) -> str | None:
    with connector.database.read() as connection:
        binding = mirror.load_bindings(connection, row.site, [row.subject]).get(row.subject)
    if binding is None or binding.cms_id is None or row.site not in connector.works:
        return None
    return connector.works[row.site].site.admin_url(binding.cms_id)


def _third(row: OpenConflict, value: str | None, file: Path | None) -> JsonValue:
    """The value as its field has it: a text, or plain JSON of the same kind."""
    try:
        text = file.read_text(encoding="utf-8") if file else value or ""
    except (OSError, UnicodeDecodeError):
        _refuse(f"{file} cannot be read as a UTF-8 text")
    wanted = row.contested.conflict.backend
    if isinstance(wanted, str):
        return text
    try:
        third: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        _refuse(f"the value is no JSON, and {row.field} is no text")
    if not rulings.fits(row, third):
        _refuse(f"the value is of another kind than those of {row.field}")
    return third


def _refuse(what: str) -> NoReturn:
    raise ConfigError([Problem("conflicts", what, "See `connector conflicts --help`")])


def _said(row: OpenConflict) -> str:
    if row.ruling is None:
        return "open"
    words = {Choice.SITE: "the site's value", Choice.BACKEND: "the backend's value"}
    what = words.get(row.ruling.choice, "a third value")
    return f"{what} chosen by {row.decided_by}"


def _changes(base: JsonValue | Unknown, value: JsonValue) -> list[str]:
    before = [] if isinstance(base, Unknown) else _lines(base)
    return [
        line.rstrip("\n")
        for line in difflib.ndiff(before, _lines(value))
        if not line.startswith("?")
    ]


def _lines(value: JsonValue) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text.splitlines() or [""]


def _as_json(row: OpenConflict) -> dict[str, object]:
    conflict = row.contested.conflict
    return {
        "id": row.id,
        "site": row.site,
        "subject": row.subject,
        "field": row.field,
        "base": None if isinstance(conflict.base, Unknown) else conflict.base,
        "base_is_known": not isinstance(conflict.base, Unknown),
        "backend": conflict.backend,
        "editor": conflict.site,
        "edited_by": row.edited_by,
        "edited_at": row.edited_at,
        "found_at": row.found_at,
        "cause": row.cause,
        "choice": row.ruling.choice if row.ruling else None,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }


COMMANDS = (conflicts,)
