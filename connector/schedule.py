"""What a daemon does by time: first imports and their proofs, polls, sweeps, scheduled prices,
nightly reconciles, alerts, and forgetting what is old.

Per backend: the first poll, the first import of new sites and, when that is through, the baselines
of its sweeps and a reconcile that proves it: so it also finds what changed between a product's
import and a baseline. Of several daemons only the one that leads does any of it; nothing is asked
of a backend that is left alone now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.compose import Connector, watch
from connector.detect import Detector, ring
from connector.errors import ConnectorError
from connector.model import BackendName, SiteName
from connector.ops.metrics import Metrics
from connector.reconcile import reconcile
from connector.spread import Spread
from connector.state import asked, journal, mirror, notices, runs, safety, signals, targets, words
from connector.work.alone import leave_alone
from connector.work.suspend import may_call

log = structlog.get_logger(__name__)

BEGIN_SECONDS = 5.0
"""How often new sites, missing baselines and unproved imports are looked for."""
PROVED_AT_LEAST = timedelta(hours=25)
"""A site that was not held against its backend for so long is due for it."""
KEEP_TRAIL = timedelta(days=30)
KEEP_INBOX = timedelta(days=7)


class Schedule:
    """A connector's jobs, from `start` to `stop`."""

    def __init__(
        self,
        connector: Connector,
        metrics: Metrics,
        stopping: threading.Event,
        also_prune: Callable[[], None],
    ) -> None:
        self._connector = connector
        self._config = connector.config
        self._clock = connector.clock
        self._metrics = metrics
        self._stopping = stopping
        self._also_prune = also_prune
        self._watch = watch(connector)
        self._led = False
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={
                "default": ThreadPoolExecutor(10),
                "reconcile": ThreadPoolExecutor(max(1, len(connector.works))),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        now = self._clock.now()
        for name, detector in self._connector.detectors.items():
            self._add_backend(name, detector, now)
        self._scheduler.add_job(self._ring, "interval", seconds=1, id="scheduled prices")
        self._scheduler.add_job(self._watch_freshness, "interval", seconds=5, id="freshness")
        self._scheduler.add_job(self.prune, "interval", hours=6, id="prune")
        if self._config.work.reconcile_at != "off":
            for site in self._connector.works:
                self._scheduler.add_job(
                    self._reconcile_nightly,
                    nightly(self._config.work.reconcile_at),
                    args=[site],
                    id=f"reconcile {site}",
                    executor="reconcile",
                )
            self._scheduler.add_job(self._catch_up, "interval", minutes=10, id="catch up")
        self._scheduler.start()

    def stop(self) -> None:
        """No new job; what is under way is not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def close(self) -> None:
        self._watch.close()

    def bring_forward(self) -> None:
        """The machine's clock was set back: wait for nothing longer because of that."""
        now = self._clock.now()
        for job in self._scheduler.get_jobs():
            often = isinstance(job.trigger, IntervalTrigger)
            job.modify(next_run_time=now if often else job.trigger.get_next_fire_time(None, now))

    def prune(self) -> None:
        """Forget what nobody will ask for any more."""
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
        self._also_prune()

    # ---- jobs of a backend ----

    def _add_backend(self, name: BackendName, detector: Detector, now: datetime) -> None:
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
        """Run a job of a backend, unless that is left alone now; its failure suspends it."""
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
            if self._stopping.is_set():
                return
            self._metrics.jobs.labels(kind, "failed").inc()
            at = error.target or target
            leave_alone(self._connector.database, self._clock, at, error)
            log.warning("A job failed", action="job.failed", job=job, reason=error.message)
        except Exception:
            self._metrics.jobs.labels(kind, "crashed").inc()
            log.exception("A job met something unforeseen", action="job.crash", job=job)
        else:
            self._metrics.jobs.labels(kind, "done").inc()
            if held is not None and kind != "begin":  # which seldom calls anybody
                with self._connector.database.write() as connection:
                    targets.resume(connection, target)

    def _begin(self, detector: Detector) -> None:
        """What a backend needs once, and again for every new site."""
        with self._connector.database.read() as connection:
            moved = signals.cursor_times(connection, detector.backend)
        if "poll" not in moved:
            detector.poll()
        for site in detector.import_new_sites():
            log.info("Everything is due at a new site", action="site.import", site=site)
        idle = self._idle_sites()
        if detector.importing(idle):
            return
        for sweep in detector.catalogue.capabilities.sweeps:
            if f"sweep:{sweep}" not in moved:
                detector.sweep(sweep)
        for site in detector.unproved_sites():
            if site not in idle:
                self._guarded(
                    f"prove {site}", partial(self._prove, detector, site), detector.backend
                )

    def _prove(self, detector: Detector, site: SiteName) -> None:
        self._reconcile(site)
        detector.proved(site)

    def _idle_sites(self) -> frozenset[SiteName]:
        """Sites that are paused, wholly or in a lane, or left alone: they keep no other waiting."""
        with self._connector.database.read() as connection:
            held = {name.partition("/")[0] for name in targets.suspensions_now(connection)}
        return frozenset(
            site
            for site in self._connector.works
            if self._config.sites[site].paused or targets.site_target(site) in held
        )

    # ---- reconciles ----

    def _reconcile_nightly(self, site: SiteName) -> None:
        if site in self._idle_sites():
            return
        work = self._connector.works[site]
        rest = self._spread(site)
        self._guarded(f"reconcile {site}", partial(self._reconcile, site, rest), work.backend)

    def _spread(self, site: SiteName) -> Callable[[int], None]:
        """Rests that make a comparison of this site last as long as the configuration wants."""
        hours = self._config.work.reconcile_over_hours
        with self._connector.database.read() as connection:
            products = mirror.count_held(connection, site, self._clock.now())
        return Spread(hours * 3600, products, self._stopping.wait).rest

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

    # ---- every few seconds ----

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


def nightly(at: str) -> CronTrigger:
    """Once a night at this time ("02:30") of UTC, which knows no summer."""
    hour, _, minute = at.partition(":")
    return CronTrigger(hour=int(hour), minute=int(minute), timezone="UTC")
