"""Prometheus metrics: how fresh each site is, read from the state at every scrape, and counters."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connector.model import SiteName
from connector.ports import Clock
from connector.state import freshness, targets
from connector.state.database import Database


class StateCollector(Collector):
    """Gauges straight from the state, so that they are true whoever did the work."""

    def __init__(self, database: Database, sites: list[SiteName], clock: Clock) -> None:
        self._database = database
        self._sites = sites
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._database.read() as connection:
            lanes = freshness.lane_status(connection, self._sites)
            suspended = targets.suspensions_now(connection)
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
        return [due, flying, parked, age, asleep]


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)


class Metrics:
    """Everything that is scraped at /metrics."""

    def __init__(self, database: Database, sites: list[SiteName], clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(StateCollector(database, sites, clock))
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

    def text(self) -> bytes:
        return generate_latest(self.registry)
