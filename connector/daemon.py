"""`connector run`: the schedules, the workers and the HTTP side, started in order, stopped cleanly.

Start: lock the state, free what a dead daemon held, workers, HTTP, then per backend the first poll,
the first import of new sites and, when that is through, the baselines of its sweeps and a reconcile
that proves it: so it also finds what changed between a product's import and a baseline. Stop
(SIGTERM, SIGINT): no new work, what is in flight finishes within ten seconds or its leases run out,
nothing is lost either way.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.clock import ClockWatch
from connector.compose import Connector, watch
from connector.compose_relay import compose_relay
from connector.detect import Detector, ring
from connector.editors.desk import Desk
from connector.errors import ConnectorError
from connector.memory import keep_even
from connector.model import BackendName, SiteName
from connector.ops.metrics import Metrics
from connector.reconcile import reconcile
from connector.relay.nudge import Bell, nudge_route
from connector.relay.service import RelayService
from connector.serve import HttpServer, build_app
from connector.site_work import SiteWork
from connector.spread import Spread
from connector.state import (
    asked,
    journal,
    leases,
    mirror,
    notices,
    runs,
    safety,
    signals,
    targets,
    words,
)
from connector.state.database import StateLock
from connector.state.waits import bring_forward
from connector.work.suspend import may_call, suspension_after

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0
BEGIN_SECONDS = 15.0
"""How often new sites, missing baselines and unproved imports are looked for."""
EDITS_SECONDS = 10
PROVED_AT_LEAST = timedelta(hours=25)
"""A site that was not held against its backend for so long is due for it."""
KEEP_TRAIL = timedelta(days=30)
KEEP_INBOX = timedelta(days=7)


class Daemon:
    """A connector at work, from `start` to `stop`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._config = connector.config
        self._clock = connector.clock
        self._metrics = Metrics(
            connector.database,
            list(connector.works),
            list(connector.catalogues),
            connector.clock,
        )
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "default": ThreadPoolExecutor(10),
                "reconcile": ThreadPoolExecutor(max(1, len(connector.works))),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._watch = watch(connector)
        self._desks = {
            name: self._desk(name, work)
            for name, work in connector.works.items()
            if not self._config.sites[name].paused
        }
        self._clock_watch = ClockWatch(connector.clock)
        self._lock: StateLock | None = None
        self._server: HttpServer | None = None
        self._relay: RelayService | None = None
        self._stop = threading.Event()
        self._led = False

    # ---- life ----

    def start(self) -> None:
        """Begin. Raises StateError when another daemon has the state, or the port is taken."""
        self._take_state()
        self._connector.engine.start()
        if self._config.server.enabled:
            self._relay = compose_relay(
                self._config, self._connector.database, self._clock, self._metrics
            )
            relay, http = self._relay, self._config.server
            nudges = nudge_route(self._bells(), self._clock)
            detectors = self._connector.detectors
            app = build_app(detectors, self._metrics, self.problems, relay, nudges)
            stopping = relay.stopping if relay else lambda: None
            server = HttpServer(app, http.bind, http.port, stopping, http.trusted_proxies)
            server.start()
            self._server = server
        self._schedule()
        self._scheduler.start()
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
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for desk in self._desks.values():
            desk.stop()
        if self._server is not None:
            self._server.stop()
        if self._connector.engine.stop(DRAIN_SECONDS) and self._lock is not None:
            with self._connector.database.write() as connection:
                leases.release_all(connection)
        self._connector.close()
        self._watch.close()
        if self._lock is not None:
            self._lock.release()
        log.info("Stopped", action="daemon.stopped")

    def _bells(self) -> dict[str, Bell]:
        """Which sites may nudge."""
        return {
            name: Bell(self._config.site_settings(name).secrets, desk.nudge)
            for name, desk in self._desks.items()
        }

    def look_at_clock(self) -> None:
        """Wait for nothing longer because the machine's clock was set back. Asked every second.

        Not one of the scheduled jobs: those are what then stands still.
        """
        lost = self._clock_watch.look()
        if not lost:
            return
        log.warning("The clock was set back", action="clock.set_back", seconds=lost.total_seconds())
        now = self._clock.now()
        for job in self._scheduler.get_jobs():
            often = isinstance(job.trigger, IntervalTrigger)
            job.modify(next_run_time=now if often else job.trigger.get_next_fire_time(None, now))
        try:
            with self._connector.database.write() as connection:
                bring_forward(connection, now, self._config.work.lease_seconds)
        except Exception:
            log.exception("What waits could not be brought forward", action="clock.not_mended")
        self._connector.engine.wake()

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

    def _take_state(self) -> None:
        path = self._connector.database.path
        if path is None:
            return
        lock = StateLock(path)
        lock.acquire({"role": "daemon"})
        self._lock = lock
        with self._connector.database.write() as connection:
            leases.release_all(connection)

    # ---- schedules ----

    def _schedule(self) -> None:
        now = self._clock.now()
        for name, detector in self._connector.detectors.items():
            backend = self._config.backends[name]
            self._every(f"begin {name}", BEGIN_SECONDS, partial(self._begin, detector), name, now)
            later = now + timedelta(seconds=backend.poll_seconds)
            self._every(f"poll {name}", backend.poll_seconds, detector.poll, name, later)
            for sweep in detector.catalogue.capabilities.sweeps:
                seconds = backend.sweep_every(sweep)
                self._every(
                    f"sweep {sweep} of {name}",
                    seconds,
                    partial(detector.sweep, sweep),
                    name,
                    now + timedelta(seconds=seconds),
                )
        self._scheduler.add_job(self._ring, "interval", seconds=1, id="scheduled prices")
        self._scheduler.add_job(self._watch_freshness, "interval", seconds=5, id="freshness")
        self._scheduler.add_job(self._prune, "interval", hours=6, id="prune")
        if self._config.work.reconcile_at != "off":
            hour, _, minute = self._config.work.reconcile_at.partition(":")
            trigger = CronTrigger(hour=int(hour), minute=int(minute), timezone="UTC")
            for site in self._connector.works:
                self._scheduler.add_job(
                    self._reconcile_nightly,
                    trigger,
                    args=[site],
                    id=f"reconcile {site}",
                    executor="reconcile",
                )
            self._scheduler.add_job(self._catch_up, "interval", minutes=10, id="catch up")

    def _every(
        self,
        job: str,
        seconds: float,
        work: Callable[[], object],
        backend: BackendName,
        first: datetime,
    ) -> None:
        self._scheduler.add_job(
            self._guarded,
            "interval",
            seconds=seconds,
            next_run_time=first,
            id=job,
            args=[job, work, backend],
        )

    def _guarded(self, job: str, work: Callable[[], object], backend: BackendName) -> None:
        """Run a job of a backend, unless that is left alone now; its failure suspends it.

        Of several daemons only the one that leads runs it.
        """
        if not self._connector.engine.leads():
            return
        target = targets.backend_target(backend)
        with self._connector.database.read() as connection:
            held = targets.suspensions_now(connection).get(target)
        if held is not None and not may_call(held, self._clock.now()):
            return
        kind = job.partition(" ")[0]
        try:
            work()
        except ConnectorError as error:
            if self._stop.is_set():
                return
            self._metrics.jobs.labels(kind, "failed").inc()
            self._suspend(error.target or target, error)
            log.warning("A job failed", action="job.failed", job=job, reason=error.message)
        except Exception:
            self._metrics.jobs.labels(kind, "crashed").inc()
            log.exception("A job met something unforeseen", action="job.crash", job=job)
        else:
            self._metrics.jobs.labels(kind, "done").inc()
            if held is not None:
                with self._connector.database.write() as connection:
                    targets.resume(connection, target)

    def _desk(self, name: SiteName, work: SiteWork) -> Desk:
        leads = self._connector.engine.leads
        look, follow = partial(self._look, work), work.attend
        return Desk(
            name, partial(self._tended, name, look), partial(self._tended, name, follow), leads
        )

    def _look(self, work: SiteWork) -> bool:
        """What people did at a site, and what they should see there."""
        if work.read_edits():
            self._connector.engine.wake()
        busy = work.attend()
        work.tell_editors()
        work.tell_summary()
        return busy

    def _tended(self, name: SiteName, tend: Callable[[], bool]) -> bool:
        """Whether requests are under way; a site that cannot be asked is left alone for a while."""
        try:
            return tend()
        except ConnectorError as error:
            if not self._stop.is_set():
                self._metrics.jobs.labels("edits", "failed").inc()
                self._suspend(error.target or targets.site_target(name), error)
                log.warning("Edits cannot be read", action="edits.failed", reason=error.message)
        except Exception:
            self._metrics.jobs.labels("edits", "crashed").inc()
            log.exception("Edits met something unforeseen", action="edits.crash", site=name)
        return False

    def _suspend(self, target: str, error: ConnectorError) -> None:
        now = self._clock.now()
        with self._connector.database.write() as connection:
            before = targets.suspensions_now(connection).get(target)
            if before is None or before.until is not None:
                after = suspension_after(error, target, before, now, 0.5)
                targets.suspend(connection, after)

    # ---- jobs ----

    def _begin(self, detector: Detector) -> None:
        """What a backend needs once, and again for every new site."""
        with self._connector.database.read() as connection:
            moved = signals.cursor_times(connection, detector.backend)
        if "poll" not in moved:
            detector.poll()
        for site in detector.import_new_sites():
            log.info("Everything is due at a new site", action="site.import", site=site)
        if detector.importing():
            return
        for sweep in detector.catalogue.capabilities.sweeps:
            if f"sweep:{sweep}" not in moved:
                detector.sweep(sweep)
        for site in detector.unproved_sites():
            self._reconcile(site)
            detector.proved(site)

    def _ring(self) -> None:
        leads = self._connector.engine.leads()
        if leads is not self._led:
            self._led = leads
            says = "Leads: polls, sweeps and reconciles" if leads else "Leaves leading to another"
            log.info(says, action="leader.taken" if leads else "leader.lost")
        self._metrics.leads.set(leads)
        if leads:
            ring(self._connector.database, self._clock, self._connector.engine.wake)

    def _watch_freshness(self) -> None:
        if not self._connector.engine.leads():
            return
        self._watch.look()
        self._watch.send()

    def _reconcile_nightly(self, site: SiteName) -> None:
        work = self._connector.works[site]
        rest = self._spread(site)
        self._guarded(f"reconcile {site}", partial(self._reconcile, site, rest), work.backend)

    def _spread(self, site: SiteName) -> Callable[[int], None]:
        """Rests that make a comparison of this site last as long as the configuration wants."""
        hours = self._config.work.reconcile_over_hours
        with self._connector.database.read() as connection:
            products = mirror.count_held(connection, site, self._clock.now())
        return Spread(hours * 3600, products, self._stop.wait).rest

    def _catch_up(self) -> None:
        """Prove a site that was not proved in time: no daemon ran, or it was interrupted."""
        for site, work in self._connector.works.items():
            with self._connector.database.read() as connection:
                last = signals.cursor_times(connection, work.backend).get(f"reconcile:{site}")
            if last is not None and self._clock.now() - last > PROVED_AT_LEAST:
                job = self._scheduler.get_job(f"reconcile {site}")
                if job is not None:
                    job.modify(next_run_time=self._clock.now())

    def _reconcile(self, site: SiteName, rest: Callable[[int], None] = lambda _: None) -> None:
        connector = self._connector
        target = connector.works[site].target()
        _, report = reconcile(
            connector.database, target, self._clock, "schedule", connector.engine.wake, rest
        )
        log.info(report.sentence(), action="reconcile.done", site=site, counts=report.counts())

    def _prune(self) -> None:
        if not self._connector.engine.leads():
            return
        now = self._clock.now()
        with self._connector.database.write() as connection:
            runs.prune_trail(connection, now - KEEP_TRAIL)
            asked.prune(connection, now - KEEP_TRAIL)
            signals.prune_inbox(connection, now - KEEP_INBOX)
            journal.prune(connection, now - KEEP_TRAIL)
            words.prune(connection, now - KEEP_TRAIL)
            safety.prune(connection, now - KEEP_INBOX)
            notices.prune(connection, now - KEEP_INBOX)
        if self._relay is not None:
            self._relay.prune()
