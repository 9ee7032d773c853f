"""How a site stands as a whole, for the people who work in it: freshness, queue, runs, problems.

Told when it has changed, and otherwise once a minute, so that a site knows that somebody works for
it. `summary_of` is pure; what it says of problems is for editors, each with what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.editors.notes import next_step, written
from connector.errors import blaming
from connector.model import (
    BackendName,
    FieldHash,
    JsonValue,
    Lane,
    SiteName,
    SubjectKind,
    hash_value,
)
from connector.ports import Clock
from connector.ports_panel import Panel
from connector.state import conflicts, freshness, mirror, parking, runs, signals, taken, targets
from connector.state.database import Database
from connector.state.freshness import LaneStatus
from connector.state.parking import Parked
from connector.state.runs import Run
from connector.state.targets import Suspension
from connector.sync.owners import field_owners, takes
from connector.sync.rules import SiteRules
from connector.target import Target
from connector.work.suspend import may_call

Summary = dict[str, JsonValue]
HEARTBEAT = timedelta(seconds=60)
RUNS = 8
PARKED = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What the state says of one site at one moment."""

    now: datetime
    lanes: Sequence[LaneStatus]
    suspended: Mapping[str, Suspension]
    looked: Mapping[str, datetime]
    """When the cursors of its backend moved last."""
    runs: Sequence[Run]
    stopped: Sequence[Run]
    """Held by the safety stop."""
    conflicts: int
    taken: int
    imported: bool
    stuck: int = 0
    """How many products and categories were given up on, in whichever lane."""
    parked: Sequence[tuple[Parked, str]] = ()
    """The oldest products that were given up on, each with its title, also those without a page."""


class SiteSummary:
    """Tells one site. Remembers what it said last, so it serves one process."""

    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        fresh_seconds: float,
        nudge: str | None,
    ) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._fresh = timedelta(seconds=fresh_seconds)
        self._nudge = nudge
        self._told: tuple[FieldHash, datetime] | None = None

    def tell(self) -> bool:
        """Tell the site where there is news, or a minute is over. False: there was no need."""
        target, now = self._target, self._clock.now()
        site = target.site
        if not target.capabilities.panel or not isinstance(site, Panel):
            return False
        with self._database.read() as connection:
            standing = _standing(connection, target, now)
        summary = summary_of(target, standing, self._fresh, self._nudge)
        news = _news(summary)
        held = standing.suspended.get(targets.site_target(target.name))
        fresh = self._told and self._told[0] == news and now - self._told[1] < HEARTBEAT
        if fresh or not may_call(held, now):
            return False
        with blaming(targets.site_target(target.name)):
            site.write_summary(summary)
        self._told = (news, now)
        return True


def summary_of(target: Target, standing: Standing, fresh: timedelta, nudge: str | None) -> Summary:
    """What the site is told. Pure."""
    name, looked = target.name, standing.looked
    ages = [standing.now - lane.oldest_at for lane in standing.lanes if lane.oldest_at]
    return {
        "at": written(standing.now),
        "fresh": all(age <= fresh for age in ages),
        "backend": {
            "name": target.backend,
            "looked_at": _moment(looked.get(signals.LOOKED)),
            "compared_at": _moment(looked.get(f"reconcile:{name}")),
        },
        "lanes": [_lane(lane) for lane in standing.lanes],
        "counts": {
            "conflicts": standing.conflicts,
            "parked": standing.stuck,
            "taken": standing.taken,
        },
        "fields": list(_fields(target.rules)),
        "runs": [_run(run) for run in standing.runs],
        "parked": [_parked(row, title) for row, title in standing.parked],
        "problems": [each.told() for each in problems(target, standing, fresh)],
        "nudge": nudge,
    }


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know, and what to do about it."""

    code: str
    says: str
    next: str
    since: datetime | None = None
    count: int | None = field(default=None)

    def told(self) -> Summary:
        more: Summary = {} if self.count is None else {"count": self.count}
        since = _moment(self.since)
        return {"code": self.code, "says": self.says, "next": self.next, "since": since, **more}


def problems(target: Target, standing: Standing, fresh: timedelta) -> list[Problem]:
    """What is not as it should be, worst first. Pure."""
    ask = "Ask whoever runs the connector"
    found = [
        Problem("safety_stop", run.message, f"{ask}: {run.id} waits for a word", run.ended_at)
        for run in standing.stopped
    ]
    if down := standing.suspended.get(targets.backend_target(target.backend)):
        code = "backend_down" if down.until else "paused"
        says = f"The shop cannot be reached: {down.reason}"
        then = "Nothing on this site: it is tried again by itself" if down.until else ask
        found.append(Problem(code, says, then, down.since))
    if held := standing.suspended.get(targets.site_target(target.name)):
        found.append(Problem("paused", f"This site is left alone: {held.reason}", ask, held.since))
    found += _paused_lanes(target.name, standing, ask)
    if not standing.imported:
        found.append(
            Problem("importing", "The first import is under way", "Wait until it is through")
        )
    oldest = min((lane.oldest_at for lane in standing.lanes if lane.oldest_at), default=None)
    if standing.imported and oldest is not None and standing.now - oldest > fresh:
        then = "If it does not go away, ask whoever runs the connector"
        found.append(Problem("late", "The oldest change waits too long", then, oldest))
    if standing.stuck:
        then = "Look at each one's panel: it says why, and what to do"
        found.append(Problem("parked", f"Not synced: {standing.stuck}", then, count=standing.stuck))
    if standing.conflicts:
        says = f"Changed here and in the shop: {standing.conflicts}"
        then = "Open each page and say which words hold"
        found.append(Problem("conflicts", says, then, count=standing.conflicts))
    return found


def _paused_lanes(name: SiteName, standing: Standing, ask: str) -> list[Problem]:
    lanes = {lane: standing.suspended.get(targets.lane_target(name, lane)) for lane in Lane}
    return [
        Problem("lane_paused", f"{lane.value}: {held.reason}", ask, held.since)
        for lane, held in lanes.items()
        if held is not None
    ]


def _standing(connection: Connection, target: Target, now: datetime) -> Standing:
    site, backend = target.name, target.backend
    theirs = {(each.subject, each.field) for each in taken.list_taken(connection, site)}
    contested = conflicts.list_conflicts(connection, site=site, undecided=True)
    latest = runs.latest_runs(connection, 3 * RUNS)
    rows = reversed(parking.list_parked(connection, site=site))
    stuck = {row.subject: row for row in rows}
    named = [row for row in stuck.values() if row.subject.kind is SubjectKind.PRODUCT]
    oldest = sorted(named, key=lambda row: row.first_at)[:PARKED]
    return Standing(
        now=now,
        lanes=freshness.lane_status(connection, [site]),
        suspended=targets.suspensions_now(connection),
        looked=signals.cursor_times(connection, backend),
        runs=[run for run in latest if run.site in (None, site)][:RUNS],
        stopped=[run for run in runs.waiting_for_approval(connection) if run.site == site],
        conflicts=sum((one.subject, one.field) not in theirs for one in contested),
        taken=taken.count_taken(connection, site),
        stuck=len(stuck),
        parked=[(row, _title(connection, backend, row.subject.id)) for row in oldest],
        imported=signals.read_cursor(connection, backend, f"import:{site}") == "proved",
    )


def _title(connection: Connection, backend: BackendName, product: str) -> str:
    found = mirror.find_variants(connection, backend, product)
    return next((each.title for each in found if each.product == product), "")


def _news(summary: Summary) -> FieldHash:
    """Of all that is worth a request of its own; the time alone is not."""
    backend = summary["backend"]
    assert isinstance(backend, dict)
    quiet = {**summary, "at": None, "backend": {**backend, "looked_at": None}}
    return hash_value(quiet)


def _fields(rules: SiteRules) -> list[JsonValue]:
    locales = [market.locale for market in rules.markets]
    return [
        {
            "field": row.field,
            "owner": row.owner.value,
            "why": row.why,
            "takes": takes(row.field) and row.owner.value != "editor",
        }
        for row in field_owners(rules.owners, locales if rules.multilingual else locales[:1])
    ]


def _lane(lane: LaneStatus) -> JsonValue:
    return {
        "lane": lane.lane.value,
        "due": lane.due,
        "in_flight": lane.in_flight,
        "parked": lane.parked,
        "oldest_at": _moment(lane.oldest_at),
    }


def _parked(row: Parked, title: str) -> JsonValue:
    return {
        "id": row.subject.id,
        "title": title,
        "lane": row.lane.value,
        "since": written(row.first_at),
        "code": row.error,
        "reason": row.reason,
        "next": next_step(row),
    }


def _run(run: Run) -> JsonValue:
    return {
        "id": run.id,
        "kind": run.kind,
        "asked_by": run.asked_by,
        "started_at": written(run.started_at),
        "ended_at": _moment(run.ended_at),
        "outcome": run.outcome,
        "message": run.message,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
