"""What is misconfigured or not reachable, each with its fix: `connector doctor`.

Calls every backend and site once, reads the state, changes nothing. A finding is good, slower (it
works, but something is missing) or bad (it does not work).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from connector.compose import Connector
from connector.compose_relay import carts_of
from connector.errors import ConnectorError
from connector.model import BackendName, CartId, SiteName
from connector.ports_carts import CartRefused, Carts
from connector.state import signals, targets
from connector.state.database import StateLock

LOW_DISK_BYTES = 500 * 2**20
LATE_WEBHOOK_HOURS = 24


class Mark(StrEnum):
    GOOD = "good"
    SLOWER = "slower"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    mark: Mark
    says: str


def examine(connector: Connector) -> Iterator[Finding]:
    """Every finding, as it is made."""
    yield from _configuration(connector)
    yield from _state(connector)
    for backend in connector.catalogues:
        yield from _backend(connector, backend)
    for site in connector.works:
        yield from examine_site(connector, site)
    if connector.config.relay.keys:
        for name in connector.config.backends:
            yield _carts(connector, name)


def _configuration(connector: Connector) -> Iterator[Finding]:
    for warning in connector.config.warnings:
        yield Finding("configuration", Mark.SLOWER, str(warning))
    if not connector.config.server.enabled:
        says = "poll-only mode: changes arrive at the next poll, not at once"
        yield Finding("server", Mark.SLOWER, says)


def _state(connector: Connector) -> Iterator[Finding]:
    path = connector.database.path
    if path is None:
        yield Finding("state", Mark.GOOD, "on a database server")
        count = connector.engine.daemons()
        says = f"{count} at work" if count else "no daemon is running; start one: connector run"
        yield Finding("daemon", Mark.GOOD if count else Mark.SLOWER, says)
        return
    holder = StateLock(path).holder()
    daemon = f"the daemon runs (pid {holder.get('pid')})" if holder else "no daemon is running"
    mark = Mark.GOOD if holder else Mark.SLOWER
    yield Finding("daemon", mark, daemon + ("" if holder else "; start it: connector run"))
    free = shutil.disk_usage(path.parent).free
    if free < LOW_DISK_BYTES:
        says = f"only {free // 2**20} MiB free where {path} is; make room"
        yield Finding("state", Mark.BAD, says)
    else:
        yield Finding("state", Mark.GOOD, f"{path}, {free // 2**20} MiB free")


def _backend(connector: Connector, name: BackendName) -> Iterator[Finding]:
    part, catalogue = f"backend {name}", connector.catalogues[name]
    try:
        facts = catalogue.check()
    except ConnectorError as error:
        yield Finding(part, Mark.BAD, error.message)
        return
    yield Finding(
        part,
        Mark.GOOD,
        f"{facts.system} {facts.version}, {facts.product_count} products,"
        f" currencies {', '.join(facts.currencies)}, locales {', '.join(facts.locales)}",
    )
    for note in facts.notes:
        yield Finding(part, Mark.SLOWER, note)
    yield from _markets(connector, name, facts.currencies)
    yield from _webhooks(connector, name)


def _markets(
    connector: Connector, backend: BackendName, currencies: tuple[str, ...]
) -> Iterator[Finding]:
    for site in connector.sites_of(backend):
        for market in connector.works[site].rules.markets:
            if currencies and market.currency not in currencies:
                says = (
                    f"market {market.name} wants {market.currency}, which {backend} does not sell"
                    f" in; choose one of {', '.join(currencies)}"
                )
                yield Finding(f"site {site}", Mark.BAD, says)


def _webhooks(connector: Connector, name: BackendName) -> Iterator[Finding]:
    part = f"backend {name}"
    if not connector.config.server.enabled:
        return
    if not connector.config.backends[name].webhook_secrets:
        says = f"no webhook_secrets: /hooks/{name} refuses everything and changes wait for a poll"
        yield Finding(part, Mark.SLOWER, says)
        return
    with connector.database.read() as connection:
        last = signals.last_received(connection, name)
    if last is None:
        base = connector.config.server.public_url or "http://THIS-HOST:8585"
        says = f"no webhook has come yet; point the backend at {base}/hooks/{name}"
        yield Finding(part, Mark.SLOWER, says)
    elif (connector.clock.now() - last).total_seconds() > LATE_WEBHOOK_HOURS * 3600:
        says = f"the last webhook came {last:%Y-%m-%d %H:%M} UTC; is the backend still sending?"
        yield Finding(part, Mark.SLOWER, says)
    else:
        yield Finding(part, Mark.GOOD, f"webhooks arrive (last {last:%Y-%m-%d %H:%M:%S} UTC)")


def examine_site(connector: Connector, name: SiteName) -> Iterator[Finding]:
    part, work = f"site {name}", connector.works[name]
    with connector.database.read() as connection:
        held = targets.suspensions_now(connection).get(targets.site_target(name))
    if held is not None:
        until = f"until {held.until:%H:%M:%S} UTC" if held.until else "until somebody resumes it"
        yield Finding(part, Mark.BAD, f"left alone {until}: {held.reason}")
    try:
        facts = work.site.check()
    except ConnectorError as error:
        yield Finding(part, Mark.BAD, error.message)
        return
    extension = f", plugin {facts.extension_version}" if facts.extension_version else ", plain mode"
    yield Finding(part, Mark.GOOD, f"{facts.system} {facts.version}{extension}")
    for note in facts.notes:
        yield Finding(part, Mark.SLOWER, note)
    if work.rules.retire not in facts.capabilities.retire_policies:
        says = f"cannot do `retire: {work.rules.retire}`, and unpublishes pages instead"
        yield Finding(part, Mark.SLOWER, says)
    if abs(facts.clock_skew_seconds) > 60:
        says = (
            f"its clock is {facts.clock_skew_seconds:.0f} s off ours; at 300 s every signed"
            " request fails. Set both by NTP"
        )
        yield Finding(part, Mark.SLOWER, says)


def _carts(connector: Connector, name: str) -> Finding:
    """Whether shoppers can buy: the engine is asked for a cart that nobody has."""
    part, carts = f"carts of {name}", carts_of(connector.config, name)
    if carts is None:
        says = "none; its adapter's README says what they need (Medusa: options.publishable_key)"
        return Finding(part, Mark.SLOWER, says)
    try:
        asyncio.run(_ask_for_nothing(carts))
    except CartRefused:
        return Finding(part, Mark.GOOD, "shoppers can buy")
    except ConnectorError as error:
        return Finding(part, Mark.BAD, error.message)
    return Finding(
        part, Mark.BAD, "this engine knows a cart that nobody made; is it the right one?"
    )


async def _ask_for_nothing(carts: Carts) -> None:
    try:
        await carts.read(CartId("cart_of_nobody"))
    finally:
        await carts.close()
