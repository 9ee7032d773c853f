"""Prometheus metrics: how fresh each site is, read from the state at every scrape, and counters."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connector.model import BackendName, SiteName
from connector.ports import Clock
from connector.state import freshness, notices, signals, targets
from connector.state.database import Database


class StateCollector(Collector):
    """Gauges straight from the state, so that they are true whoever did the work."""

    def __init__(
        self,
        database: Database,
        sites: list[SiteName],
        backends: list[BackendName],
        clock: Clock,
    ) -> None:
        self._database = database
        self._sites = sites
        self._backends = backends
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._database.read() as connection:
            lanes = freshness.lane_status(connection, self._sites)
            suspended = targets.suspensions_now(connection)
            looked = {n: signals.cursor_times(connection, n) for n in self._backends}
            waiting = notices.undelivered(connection)
        now = self._clock.now()
        due = _gauge("connector_due", "Subjects that are due", "site", "lane")
        flying = _gauge("connector_in_flight", "Subjects being worked on", "site", "lane")
        parked = _gauge("connector_parked", "Subjects that wait for a person", "site", "lane")
        age = _gauge(
            "connector_oldest_unconfirmed_seconds",
            "Age of the oldest change that the site has not confirmed; 0: it has everything",
            "site",
            "lane",
        )
        for lane in lanes:
            labels = [lane.site, lane.lane.value]
            due.add_metric(labels, lane.due)
            flying.add_metric(labels, lane.in_flight)
            parked.add_metric(labels, lane.parked)
            seconds = (now - lane.oldest_at).total_seconds() if lane.oldest_at else 0.0
            age.add_metric(labels, max(0.0, seconds))
        asleep = _gauge("connector_suspended", "1: left alone (paused, or down)", "target")
        for target in suspended:
            asleep.add_metric([target], 1)
        seen = _gauge(
            "connector_backend_looked_seconds",
            "Age of the last poll that went through: what changed since is not known",
            "backend",
        )
        for backend, times in looked.items():
            if at := times.get(signals.LOOKED):
                seen.add_metric([backend], max(0.0, (now - at).total_seconds()))
        unsent = GaugeMetricFamily("connector_notices", "Alerts that nobody has taken yet")
        unsent.add_metric([], waiting)
        return [due, flying, parked, age, asleep, seen, unsent]


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)


class Metrics:
    """Everything that is scraped at /metrics."""

    def __init__(
        self,
        database: Database,
        sites: list[SiteName],
        backends: list[BackendName],
        clock: Clock,
    ) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(StateCollector(database, sites, backends, clock))
        self.webhooks = Counter(
            "connector_webhooks",
            "Webhooks by what became of them",
            ["backend", "result"],
            registry=self.registry,
        )
        self.jobs = Counter(
            "connector_jobs",
            "Polls, sweeps and reconciles by outcome",
            ["job", "outcome"],
            registry=self.registry,
        )
        self.leads = Gauge(
            "connector_leads",
            "1: this daemon polls, sweeps and reconciles; of several only one does",
            registry=self.registry,
        )
        self.relay = Counter(
            "connector_relay",
            "What shoppers asked of the relay, by what became of it",
            ["operation", "result"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
