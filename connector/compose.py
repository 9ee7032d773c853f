"""From a configuration to a connector: every part made and joined, nothing started.

The one place that knows all the parts. Opening a site or a backend makes no call; that happens when
work first needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from connector import registry
from connector.clock import SystemClock
from connector.config import Config
from connector.config import Site as SiteConfig
from connector.detect import Detector
from connector.model import BackendName, Lane, Locale, MarketName, ProductStatus, SiteName
from connector.net.pictures import PictureRules
from connector.ops.notify import Receiver, Watch
from connector.ports import Catalogue, Clock, Site
from connector.signing import Secret
from connector.site_work import SiteWork
from connector.state.database import Database, open_database
from connector.state.todo import Priority
from connector.sync.owners import DEFAULT_OWNERS
from connector.sync.rules import Market, SafetyRule, Selection, SiteRules
from connector.work.embedded import Line
from connector.work.engine import Engine, engine_for
from connector.work.pace import Limits
from connector.work.retry import RetryPolicy

OFFERS_BATCH = 250
PICTURES_BATCH = 10
WORDS_BATCH = 10


@dataclass(slots=True)
class Connector:
    """Everything, ready to be started, asked or closed."""

    config: Config
    database: Database
    clock: Clock
    catalogues: Mapping[BackendName, Catalogue]
    detectors: Mapping[BackendName, Detector]
    works: Mapping[SiteName, SiteWork]
    engine: Engine

    def sites_of(self, backend: BackendName) -> list[SiteName]:
        return [name for name, work in self.works.items() if work.backend == backend]

    def close(self) -> None:
        for work in self.works.values():
            work.site.close()
        for catalogue in self.catalogues.values():
            catalogue.close()
        self.database.close()


def compose(config: Config, clock: Clock | None = None) -> Connector:
    """Make the connector that a configuration describes. Raises ConfigError, StateError."""
    clock = clock or SystemClock()
    database = open_database(config.state)
    catalogues = {BackendName(name): _catalogue(config, name, clock) for name in config.backends}
    works = {
        SiteName(name): _site_work(config, name, database, catalogues, clock)
        for name in config.sites
    }
    lines = [
        line
        for name, work in works.items()
        if not config.sites[name].paused
        for line in site_lines(config, work)
    ]
    engine = engine_for(database, clock, lines, config.work.lease_seconds)
    for work in works.values():
        work.sharers = lambda: max(1, engine.daemons())
        work.wake = engine.wake
    detectors = {
        name: Detector(
            database,
            name,
            catalogue,
            [site for site, work in works.items() if work.backend == name],
            clock,
            engine.wake,
        )
        for name, catalogue in catalogues.items()
    }
    return Connector(config, database, clock, catalogues, detectors, works, engine)


def _catalogue(config: Config, name: str, clock: Clock) -> Catalogue:
    system = registry.backend_system(config.backends[name].system)
    return system.open(config.backend_settings(name), clock)


def _site(config: Config, name: str, clock: Clock) -> Site:
    system = registry.site_system(config.sites[name].system)
    return system.open(config.site_settings(name), clock)


def _site_work(
    config: Config,
    name: str,
    database: Database,
    catalogues: Mapping[BackendName, Catalogue],
    clock: Clock,
) -> SiteWork:
    site = config.sites[name]
    backend = BackendName(site.backend)
    retry = config.work.retry
    return SiteWork(
        database,
        SiteName(name),
        backend,
        _site(config, name, clock),
        catalogues[backend],
        site_rules(config, site),
        clock,
        RetryPolicy(retry.first_seconds, retry.factor, retry.max_seconds, retry.park_after),
        PictureRules(
            tuple(config.media.allow_private_hosts),
            config.media.max_bytes,
            config.media.timeout_seconds,
        ),
        Limits(config.work.workers_per_site, site.pace.requests_per_second, site.pace.gentle),
        fresh_seconds=config.work.freshness_target_seconds,
        nudge=nudge_url(config, name),
    )


def nudge_url(config: Config, name: str) -> str | None:
    """Where a site can say that its editors wait; None: it cannot reach us, as far as we know."""
    server = config.server
    if not server.enabled:
        return None
    if server.public_url is not None:
        return f"{server.public_url.rstrip('/')}/nudge/{name}"
    here = {"127.0.0.1", "localhost", "::1"}
    if server.bind in here and urlsplit(config.sites[name].url).hostname in here:
        return f"http://{server.bind}:{server.port}/nudge/{name}"
    return None


def watch(connector: Connector) -> Watch:
    """What looks after freshness, and tells whoever the configuration names."""
    config = connector.config
    alerts, limit = config.alerts, config.work.freshness_target_seconds
    receiver = None
    if alerts is not None:
        secret = Secret.parse(alerts.secret.get_secret_value(), "alerts.secret")
        receiver = Receiver(alerts.url, secret)
    return Watch(
        connector.database,
        connector.clock,
        list(connector.works),
        {n: max(limit, 3 * config.backends[n].poll_seconds) for n in connector.catalogues},
        limit,
        receiver,
    )


def site_lines(config: Config, work: SiteWork) -> list[Line]:
    """Who works for a site: one for urgent offers, some for everything, one for pictures, one for
    what goes back."""
    pages = config.work.batch_products * 2
    urgent = Line(
        work.name, work.backend, (Lane.OFFERS,), OFFERS_BATCH, work, Priority.BULK, "urgent"
    )
    everything = Line(work.name, work.backend, (Lane.OFFERS, Lane.CONTENT), pages, work)
    media = Line(work.name, work.backend, (Lane.MEDIA,), PICTURES_BATCH, work, name="pictures")
    words = Line(work.name, work.backend, (Lane.WORDS,), WORDS_BATCH, work, name="words")
    return [urgent, *[everything] * config.work.workers_per_site, media, words]


def site_rules(config: Config, site: SiteConfig) -> SiteRules:
    """What the pure core needs to know of a site."""
    chosen = site.selection
    return SiteRules(
        markets=tuple(
            Market(
                name=MarketName(market.name),
                locale=Locale(market.locale),
                currency=market.currency,
                region=market.region,
                price_lists=None if market.price_lists == "all" else frozenset(market.price_lists),
                tax_included=market.tax_included,
                show_quantity=market.show_quantity,
                stock_locations=(
                    None if market.stock_locations is None else frozenset(market.stock_locations)
                ),
            )
            for market in site.markets
        ),
        selection=Selection(
            statuses=frozenset(ProductStatus(status) for status in chosen.statuses),
            channels=frozenset(chosen.channels),
            categories=frozenset(chosen.categories),
            exclude_categories=frozenset(chosen.exclude_categories),
            tags=frozenset(chosen.tags),
            exclude_tags=frozenset(chosen.exclude_tags),
            skus=tuple(chosen.skus),
        ),
        owners={**DEFAULT_OWNERS, **site.owners},
        safety=SafetyRule(site.safety_stop.products, site.safety_stop.percent),
        media=(site.media or config.media.mode) == "download",
        retire=site.retire,
    )
