"""Daemons on one PostgreSQL, with the simulated backend and site: here, or each on its own host.

A host is a network namespace with an address of its own, joined to the others by a bridge; making
one needs root. What runs here stands at the bridge's own address.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connector.demo.installed import Installed
from connector.demo.machine import LOOPBACK, SetUpFailed, free_port, run
from connector.demo.postgres import Postgres
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.site import WITH_EXTENSION, MemorySite
from tests.conftest import ROOT
from tests.faults.simulated import Simulation, as_plugin
from tests.live.pair import new_secret

NETWORK = "10.203.17"
HERE = f"{NETWORK}.1"


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace."""

    name: str
    address: str

    def cut_off(self) -> None:
        run(["ip", "link", "set", f"{self.name}-out", "down"])

    def join(self) -> None:
        run(["ip", "link", "set", f"{self.name}-out", "up"])

    def run(self, *command: str) -> str:
        return run(["ip", "netns", "exec", self.name, *command])


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts on one bridge; gone at the end, with the bridge."""
    if os.geteuid() != 0:
        raise SetUpFailed("Hosts are network namespaces, and making them needs root.")
    with ExitStack() as stack:
        bridge = f"ccb{os.getpid() % 10**6}"
        run(["ip", "link", "add", bridge, "type", "bridge"])
        stack.callback(run, ["ip", "link", "del", bridge])
        run(["ip", "address", "add", f"{HERE}/24", "dev", bridge])
        run(["ip", "link", "set", bridge, "up"])
        yield [_host(stack, bridge, number) for number in range(count)]


def _host(stack: ExitStack, bridge: str, number: int) -> Host:
    host = Host(f"cc{os.getpid() % 10**6}{'abcdef'[number]}", f"{NETWORK}.{number + 2}")
    inside = f"{host.name}-in"
    run(["ip", "netns", "add", host.name])
    stack.callback(run, ["ip", "netns", "del", host.name])
    run(["ip", "link", "add", f"{host.name}-out", "type", "veth", "peer", "name", inside])
    run(["ip", "link", "set", f"{host.name}-out", "master", bridge, "up"])
    run(["ip", "link", "set", inside, "netns", host.name])
    host.run("ip", "address", "add", f"{host.address}/24", "dev", inside)
    host.run("ip", "link", "set", inside, "up")
    host.run("ip", "link", "set", "lo", "up")
    return host


@dataclass(slots=True)
class Daemon(Installed):
    """A daemon, on a host of its own or here."""

    host: Host | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host.address if self.host else LOOPBACK}:{self.port}"

    def _command(self, *words: str) -> list[str]:
        there = ["ip", "netns", "exec", self.host.name] if self.host else []
        return [*there, *Installed._command(self, *words)]


@dataclass(slots=True)
class Cluster:
    """A simulation, a state on PostgreSQL, and daemons that share it."""

    home: Path
    state: str
    simulation: Simulation
    secret: str = field(default_factory=new_secret, repr=False)
    daemons: list[Daemon] = field(default_factory=list)

    def daemon(self, host: Host | None = None, **work: Any) -> Daemon:
        """One more, not yet started."""
        number, port = len(self.daemons), free_port()
        place = as_plugin(self.home / f"plugin-{number}")
        made = Daemon(
            self.home / f"daemon-{number}",
            self._settings(host, port, work),
            {"HOOK": self.secret, "PYTHONPATH": f"{place}{os.pathsep}{ROOT}"},
            port=port,
            host=host,
        )
        self.daemons.append(made)
        return made

    def _settings(self, host: Host | None, port: int, work: Mapping[str, Any]) -> dict[str, Any]:
        market = {"name": "main", "locale": "en-GB", "currency": "EUR"}
        backend = {
            "system": "simulated",
            "url": self.simulation.url,
            "webhook_secrets": [{"env": "HOOK"}],
            "poll_seconds": 1.0,
        }
        site = {
            "system": "simulated",
            "url": self.simulation.url,
            "backend": "shop",
            "markets": [market],
            "media": "off",
            "secrets": [{"env": "HOOK"}],
        }
        settings = {
            "state": self.state,
            "server": {"bind": host.address if host else LOOPBACK, "port": port},
            "backends": {"shop": backend},
            "sites": {"blog": site},
            "work": {"workers_per_site": 2, **work},
        }
        return settings

    def stop(self) -> None:
        for daemon in self.daemons:
            daemon.stop()


@contextmanager
def cluster(
    home: Path, postgres: Postgres, products: int, *, host: str = LOOPBACK, documents: int = 10
) -> Iterator[Cluster]:
    """A backend of so many products, an empty site that takes `documents` a request, a state."""
    catalogue = MemoryCatalogue(generate.products(products))
    narrow = replace(
        WITH_EXTENSION, documents_per_request=documents, offer_rows_per_request=documents * 2
    )
    site = MemorySite("blog", capabilities=narrow, locales=("en-GB",))
    name = f"state_{os.getpid()}_{home.name}".lower().replace("-", "_")
    address = postgres.create_database(name)
    state = address.replace("postgresql://", "postgresql+psycopg://").replace(LOOPBACK, host)
    with Simulation(catalogue, site, host=host) as simulation:
        made = Cluster(home, state, simulation)
        try:
            yield made
        finally:
            made.stop()
