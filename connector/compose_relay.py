"""From a configuration to its relay: each site's storefront, with its backend's carts.

Made only for a process that serves HTTP; opening carts makes no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from connector import registry
from connector.compose import site_rules
from connector.config import Config
from connector.model import BackendName, SiteName
from connector.ops.metrics import Metrics
from connector.ports import Clock
from connector.ports_carts import Carts
from connector.relay.front import Storefront, origin_of
from connector.relay.relay import Limits, Relay
from connector.relay.sealing import Sealer
from connector.relay.service import RelayService
from connector.state.database import Database


def compose_relay(
    config: Config, database: Database, clock: Clock, metrics: Metrics
) -> RelayService | None:
    """The relay that a configuration describes; None where it has no key."""
    secrets = config.relay.secrets()
    if not secrets:
        return None
    carts = {name: carts_of(config, name) for name in config.backends}
    relay = Relay(
        database,
        {SiteName(name): _storefront(config, name, carts) for name in config.sites},
        Sealer(secrets),
        clock,
        metrics.relay,
        token_lifetime=timedelta(days=config.relay.token_days),
        limits=Limits(config.relay.client_per_minute, config.relay.cart_per_minute),
    )
    return RelayService(relay)


def carts_of(config: Config, name: str) -> Carts | None:
    """A backend's carts, without any call; None: it sells nothing through the relay."""
    system = registry.backend_system(config.backends[name].system)
    if system.open_carts is None:
        return None
    settings = config.backend_settings(name)
    seconds = min(settings.timeout_seconds, config.relay.engine_timeout_seconds)
    return system.open_carts(replace(settings, timeout_seconds=seconds))


def _storefront(config: Config, name: str, carts: Mapping[str, Carts | None]) -> Storefront:
    site = config.sites[name]
    settings = config.site_settings(name)
    urls = (site.url, *config.relay.origins.get(name, ()))
    return Storefront(
        name=SiteName(name),
        backend=BackendName(site.backend),
        carts=carts[site.backend],
        markets=site_rules(config, site).markets,
        home=origin_of(site.url) or "",
        origins=frozenset(origin for url in urls if (origin := origin_of(url))),
        secrets=settings.secrets,
    )
