"""Tell whoever watches: look at the conditions, send what is new, again until it is taken.

Messages are Standard Webhooks: signed, with an id that is the same over all attempts, tried again
over three days. Only a 2xx counts as taken; a redirect does not; 410 ends it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import structlog

from connector import signing
from connector.model import BackendName, SiteName
from connector.ops.alerts import Condition, Kind, late_lanes, news, unseen_backends
from connector.ports import Clock
from connector.state import freshness, notices, runs, signals
from connector.state.database import Database
from connector.state.notices import Message

log = structlog.get_logger(__name__)

RETRY_SECONDS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Between attempts, as Standard Webhooks recommends: about three days in all."""
GONE = 410
TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go, and what signs them."""

    url: str
    secret: signing.Secret


@dataclass(slots=True)
class Watch:
    """Looks after freshness. `look` and `send` are called every few seconds."""

    database: Database
    clock: Clock
    sites: list[SiteName]
    unseen_seconds: Mapping[BackendName, float]
    """Per backend, after how long without a poll that went through it counts as unseen."""
    late_seconds: float
    receiver: Receiver | None = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS))
    chance: Callable[[], float] = random.random
    _started: datetime | None = None

    def look(self) -> None:
        """Compare what holds with what was told; note what is new."""
        now = self.clock.now()
        self._started = self._started or now
        holding = self._holding(now)
        with self.database.write() as connection:
            fresh, keep = news(notices.told(connection), holding)
            if fresh:
                notices.remember(connection, keep, fresh if self.receiver else [], now)
        for each in fresh:
            log.warning(each.says, action=each.type, about=each.about)

    def _holding(self, now: datetime) -> list[Condition]:
        with self.database.read() as connection:
            lanes = freshness.lane_status(connection, self.sites)
            stopped = runs.waiting_for_approval(connection)
            looked = {
                name: signals.cursor_times(connection, name).get(signals.LOOKED)
                for name in self.unseen_seconds
            }
        waiting = [
            Condition(
                Kind.STOPPED,
                run.id,
                run.started_at,
                f"{run.message}; `connector approve {run.id}` lets it go on",
            )
            for run in stopped
        ]
        started = self._started or now
        return [
            *late_lanes(lanes, self.late_seconds, now),
            *unseen_backends(looked, started, self.unseen_seconds, now),
            *waiting,
        ]

    def send(self) -> None:
        """Send what is due, each message for itself."""
        if self.receiver is None:
            return
        with self.database.read() as connection:
            waiting = notices.due(connection, self.clock.now())
        for message in waiting:
            self._send(self.receiver, message)

    def _send(self, receiver: Receiver, message: Message) -> None:
        status, error = self._post(receiver, message)
        now = self.clock.now()
        with self.database.write() as connection:
            if 200 <= status < 300:
                notices.delivered(connection, message)
            else:
                again = next_attempt(status, message.attempts, now, self.chance())
                notices.failed(connection, message, error, again)
        if not 200 <= status < 300:
            log.warning(
                "A message was not taken", action="notice.failed", id=message.id, reason=error
            )

    def _post(self, receiver: Receiver, message: Message) -> tuple[int, str]:
        body = json.dumps(payload(message), separators=(",", ":")).encode()
        sent_at = int(self.clock.now().timestamp())
        headers = signing.signed_headers(receiver.secret, message.id, sent_at, body)
        headers["content-type"] = "application/json"
        try:
            answer = self.client.post(
                receiver.url, content=body, headers=headers, follow_redirects=False
            )
        except httpx.HTTPError as error:
            return 0, f"{type(error).__name__}; check alerts.url"
        return answer.status_code, f"answered {answer.status_code}"

    def close(self) -> None:
        self.client.close()


def payload(message: Message) -> dict[str, object]:
    """The body, in the shape that Standard Webhooks recommends."""
    return {
        "type": message.type,
        "timestamp": message.made_at.isoformat(),
        "data": {
            "about": message.about,
            "message": message.says,
            "since": message.since.isoformat(),
        },
    }


def next_attempt(status: int, attempts: int, now: datetime, chance: float) -> datetime | None:
    """When a message that was not taken is sent again (None: never), up to a tenth later."""
    if status == GONE or attempts >= len(RETRY_SECONDS):
        return None
    return now + timedelta(seconds=RETRY_SECONDS[attempts] * (1 + chance / 10))
