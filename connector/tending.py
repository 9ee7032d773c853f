"""What a site's desk does, and what becomes of it when the site cannot be asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from connector.errors import ConnectorError
from connector.ops.metrics import Metrics
from connector.ports import Clock
from connector.site_work import SiteWork
from connector.state import targets
from connector.state.database import Database
from connector.work.alone import leave_alone
from connector.work.suspend import may_call

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tending:
    """Hears what people did at one site, and tells them how it is. Raises nothing."""

    work: SiteWork
    database: Database
    clock: Clock
    metrics: Metrics
    wake: Callable[[], None]
    stopping: threading.Event

    def look(self) -> bool:
        """Everything. Whether requests are under way."""
        return self._tended(self._look)

    def follow(self) -> bool:
        """The requests under way alone."""
        return self._tended(self.work.attend)

    def _look(self) -> bool:
        """Each of these keeps still while the site is left alone; so does opening it."""
        if not self.work.is_open() and self._is_left_alone():
            return False
        if self.work.read_edits():
            self.wake()
        busy = self.work.attend()
        self.work.tell_editors()
        self.work.tell_summary()
        return busy

    def _is_left_alone(self) -> bool:
        with self.database.read() as connection:
            held = targets.suspensions_now(connection).get(targets.site_target(self.work.name))
        return not may_call(held, self.clock.now())

    def _tended(self, tend: Callable[[], bool]) -> bool:
        try:
            return tend()
        except ConnectorError as error:
            if not self.stopping.is_set():
                self.metrics.jobs.labels("edits", "failed").inc()
                target = error.target or targets.site_target(self.work.name)
                leave_alone(self.database, self.clock, target, error)
                log.warning("Edits cannot be read", action="edits.failed", reason=error.message)
        except Exception:
            self.metrics.jobs.labels("edits", "crashed").inc()
            log.exception(
                "Edits met something unforeseen", action="edits.crash", site=self.work.name
            )
        return False
