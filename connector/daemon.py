"""`connector run`: workers, HTTP side, schedule and desks, started in order, stopped cleanly.

Start: lock the state, free what a dead daemon held, workers, HTTP, what is done by time, who looks
after the sites' people. Stop (SIGTERM, SIGINT): no new work, what is in flight finishes within ten
seconds or its leases run out, nothing is lost either way.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping

import structlog

from connector.clock import ClockWatch
from connector.compose import Connector
from connector.compose_relay import compose_relay
from connector.editors.desk import Desk
from connector.memory import keep_even
from connector.model import SiteName
from connector.ops.metrics import Metrics
from connector.relay.nudge import Bell, nudge_route
from connector.relay.service import RelayService
from connector.schedule import Schedule
from connector.serve import HttpServer, build_app
from connector.site_work import SiteWork
from connector.state import leases, targets
from connector.state.database import StateLock
from connector.state.waits import bring_forward
from connector.tending import Tending

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0


class Daemon:
    """A connector at work, from `start` to `stop`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._config = connector.config
        self._clock = connector.clock
        self._stop = threading.Event()
        self.metrics = Metrics(
            connector.database, list(connector.works), list(connector.catalogues), connector.clock
        )
        self.schedule = Schedule(connector, self.metrics, self._stop, self._prune_relay)
        self._desks = {
            name: self._desk(name, work)
            for name, work in connector.works.items()
            if not self._config.sites[name].paused
        }
        self._clock_watch = ClockWatch(connector.clock)
        self._lock: StateLock | None = None
        self._server: HttpServer | None = None
        self._relay: RelayService | None = None

    # ---- life ----

    def start(self) -> None:
        """Begin. Raises StateError when another daemon has the state, or the port is taken."""
        self._take_state()
        self._connector.engine.start()
        if self._config.server.enabled:
            self._serve()
        self.schedule.start()
        for desk in self._desks.values():
            desk.start()
        log.info(
            "Working", action="daemon.start", sites=sorted(self._connector.works), port=self.port
        )

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self.start()
        keep_even()
        try:
            while not self._stop.wait(1.0):
                self.look_at_clock()
        finally:
            self.stop()

    def stop(self) -> None:
        """End within about ten seconds; what was not finished is due again."""
        log.info("Stopping", action="daemon.stop")
        self._stop.set()
        self.schedule.stop()
        for desk in self._desks.values():
            desk.stop()
        if self._server is not None:
            self._server.stop()
        if self._connector.engine.stop(DRAIN_SECONDS) and self._lock is not None:
            with self._connector.database.write() as connection:
                leases.release_all(connection)
        self._connector.close()
        self.schedule.close()
        if self._lock is not None:
            self._lock.release()
        log.info("Stopped", action="daemon.stopped")

    def look_at_clock(self) -> None:
        """Wait for nothing longer because the machine's clock was set back. Asked every second.

        Not one of the scheduled jobs: those are what then stands still.
        """
        lost = self._clock_watch.look()
        if not lost:
            return
        log.warning("The clock was set back", action="clock.set_back", seconds=lost.total_seconds())
        self.schedule.bring_forward()
        try:
            with self._connector.database.write() as connection:
                bring_forward(connection, self._clock.now(), self._config.work.lease_seconds)
        except Exception:
            log.exception("What waits could not be brought forward", action="clock.not_mended")
        self._connector.engine.wake()

    # ---- how it is ----

    @property
    def port(self) -> int | None:
        return self._server.port if self._server else None

    def problems(self) -> Mapping[str, str]:
        """What keeps the daemon from being ready."""
        try:
            with self._connector.database.read() as connection:
                targets.read_epoch(connection)
        except Exception as error:
            log.exception("The state cannot be read", action="state.unreadable")
            return {"state": f"cannot be read ({type(error).__name__})"}
        if not self._connector.engine.alive():
            return {"workers": "not all are running; see the log"}
        return {}

    # ---- parts ----

    def _take_state(self) -> None:
        path = self._connector.database.path
        if path is None:
            return
        lock = StateLock(path)
        lock.acquire({"role": "daemon"})
        self._lock = lock
        with self._connector.database.write() as connection:
            leases.release_all(connection)

    def _serve(self) -> None:
        self._relay = compose_relay(
            self._config, self._connector.database, self._clock, self.metrics
        )
        relay, http = self._relay, self._config.server
        nudges = nudge_route(self._bells(), self._clock)
        detectors = self._connector.detectors
        app = build_app(detectors, self.metrics, self.problems, relay, nudges)
        stopping = relay.stopping if relay else lambda: None
        server = HttpServer(app, http.bind, http.port, stopping, http.trusted_proxies)
        server.start()
        self._server = server

    def _bells(self) -> dict[str, Bell]:
        """Which sites may nudge."""
        return {
            name: Bell(self._config.site_settings(name).secrets, desk.nudge)
            for name, desk in self._desks.items()
        }

    def _desk(self, name: SiteName, work: SiteWork) -> Desk:
        engine = self._connector.engine
        tending = Tending(
            work, self._connector.database, self._clock, self.metrics, engine.wake, self._stop
        )
        return Desk(name, tending.look, tending.follow, engine.leads)

    def _prune_relay(self) -> None:
        if self._relay is not None:
            self._relay.prune()
