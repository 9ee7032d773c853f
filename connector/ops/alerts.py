"""When somebody is to be told: a site is late, a backend is not seen, a person must decide. Pure.

A condition is told once when it begins and once when it is over, however often it is looked at.
What is late is measured at the state, so that it shows whatever the cause: a dead site, a dead
backend, a suspended target, parked work, workers that do not get on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.model import BackendName
from connector.state.freshness import LaneStatus


class Kind(StrEnum):
    """Types of the messages, as receivers see them."""

    LATE = "freshness.late"
    UNSEEN = "backend.unseen"
    STOPPED = "safety.stopped"


RECOVERED = {
    Kind.LATE: "freshness.recovered",
    Kind.UNSEEN: "backend.seen",
    Kind.STOPPED: "safety.decided",
}
"""The type of the message that a condition is over."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now and that people want to know of."""

    kind: Kind
    about: str
    """Which one of its kind: site/lane, backend, run."""
    since: datetime
    says: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to send."""

    type: str
    about: str
    says: str
    since: datetime


def late_lanes(
    lanes: Iterable[LaneStatus], target_seconds: float, now: datetime
) -> list[Condition]:
    """Lanes whose oldest unconfirmed change is older than the target."""
    return [
        Condition(Kind.LATE, f"{lane.site}/{lane.lane}", lane.oldest_at, _late(lane, now))
        for lane in lanes
        if lane.oldest_at is not None and (now - lane.oldest_at).total_seconds() > target_seconds
    ]


def _late(lane: LaneStatus, now: datetime) -> str:
    seconds = (now - lane.oldest_at).total_seconds() if lane.oldest_at else 0
    error = f"; last error: {lane.last_error}" if lane.last_error else ""
    return (
        f"{lane.lane} of {lane.site}: the oldest change that is not on the site is {seconds:.0f} s"
        f" old ({lane.due} due, {lane.parked} parked){error}. See `connector status` and"
        " `connector parked list`"
    )


def unseen_backends(
    looked: Mapping[BackendName, datetime | None],
    started: datetime,
    limits: Mapping[BackendName, float],
    now: datetime,
) -> list[Condition]:
    """Backends that no poll has reached for longer than their limit in seconds."""
    found: list[Condition] = []
    for backend, at in sorted(looked.items()):
        since = at or started
        if (now - since).total_seconds() > limits[backend]:
            seconds = (now - since).total_seconds()
            says = (
                f"{backend} was last reached {seconds:.0f} s ago: what changed there since is not"
                " known. See `connector doctor`"
            )
            found.append(Condition(Kind.UNSEEN, backend, since, says))
    return found


def news(
    told: Sequence[Condition], holding: Sequence[Condition]
) -> tuple[list[Notice], list[Condition]]:
    """What to send, and what counts as told from now on."""
    before = {(each.kind, each.about): each for each in told}
    now = {(each.kind, each.about): each for each in holding}
    begun = [
        Notice(each.kind, each.about, each.says, each.since)
        for key, each in now.items()
        if key not in before
    ]
    ended = [
        Notice(RECOVERED[each.kind], each.about, f"over: {each.about}", each.since)
        for key, each in before.items()
        if key not in now
    ]
    return begun + ended, [before.get(key, each) for key, each in now.items()]
