"""`status`, `doctor`: how it stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Table

from connector import doctor as core
from connector.cli.context import Options, age, console, print_json
from connector.resync import Exit
from connector.status import Status
from connector.status import status as read_status

_SIGNS = {core.Mark.GOOD: "ok", core.Mark.SLOWER: "note", core.Mark.BAD: "BAD"}


@click.command()
@click.pass_obj
def status(options: Options) -> int:
    """Show how fresh each site is, what waits, and what is left alone."""
    with options.opened() as connector:
        now = read_status(connector)
    if options.as_json:
        print_json(now)
    else:
        _print(now)
    return 0


def _running(daemon: Mapping[str, Any] | None) -> str:
    if daemon is None:
        return "not running"
    several = daemon.get("daemons")
    return f"running, {several} of them" if several else f"running, pid {daemon.get('pid')}"


def _print(now: Status) -> None:
    out = console()
    out.print(f"daemon: {_running(now.daemon)}")
    table = Table("site", "lane", "due", "in flight", "parked", "oldest change", "last error")
    for lane in now.lanes:
        table.add_row(
            lane.site,
            lane.lane.value,
            str(lane.due),
            str(lane.in_flight),
            str(lane.parked),
            age(lane.oldest_at, now.at) if lane.oldest_at else "all confirmed",
            (lane.last_error or "")[:80],
        )
    out.print(table)
    for suspension in now.suspended:
        until = f"next try in {_until(suspension.until, now)}" if suspension.until else "paused"
        out.print(f"{suspension.target}: {until}: {suspension.reason}")
    for backend, looked in now.looked.items():
        told = ", ".join(f"{name} {age(at, now.at)} ago" for name, at in sorted(looked.items()))
        out.print(f"{backend}: {told or 'never looked at'}")
    for run in now.runs:
        out.print(f"run {run.id} {run.kind}: {run.outcome}. {run.message}")
    out.print("fresh" if now.fresh else "LATE: the oldest change is older than the target")


def _until(moment: object, now: Status) -> str:
    seconds = (moment - now.at).total_seconds()  # type: ignore[operator]
    return f"{max(0, seconds):.0f} s"


@click.command()
@click.pass_obj
def doctor(options: Options) -> int:
    """Call every backend and site once, and say what is wrong and how to mend it."""
    with options.opened() as connector:
        found = []
        for finding in core.examine(connector):
            found.append(finding)
            if not options.as_json:
                click.echo(f"{_SIGNS[finding.mark]:>4}  {finding.part}: {finding.says}")
    if options.as_json:
        print_json(found)
    bad = any(finding.mark is core.Mark.BAD for finding in found)
    return Exit.TARGET_DOWN if bad else Exit.DONE


COMMANDS = (status, doctor)
