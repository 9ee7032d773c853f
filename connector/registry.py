"""From the name of a system to its adapter, by entry points, so that third parties can add theirs.

A system's package registers a `BackendSystem` under the group `commerce_connector.backends`, or a
`SiteSystem` under `commerce_connector.sites` (ports.py says what they promise). What is missing or
broken is a Problem with its fix, never a traceback. Knows no adapter by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from connector.errors import ConfigError, Problem
from connector.ports import BackendSystem, SiteSystem

BACKENDS = "commerce_connector.backends"
SITES = "commerce_connector.sites"

Loader = Callable[[], object]
"""Imports an adapter and gives what it registers. May raise anything."""
System = TypeVar("System", BackendSystem, SiteSystem)


@dataclass(frozen=True, slots=True)
class Registry:
    """The adapters there are, by their systems' names. Nothing is imported until asked for."""

    backends: Mapping[str, Loader] = field(default_factory=dict)
    sites: Mapping[str, Loader] = field(default_factory=dict)

    def backend(self, system: str, path: str = "system") -> BackendSystem:
        """The adapter for a commerce backend. Raises ConfigError; `path` is where it was named."""
        return _load(self.backends, BackendSystem, system, path)

    def site(self, system: str, path: str = "system") -> SiteSystem:
        """The adapter for a CMS. Raises ConfigError; `path` is where it was named."""
        return _load(self.sites, SiteSystem, system, path)


@cache
def installed() -> Registry:
    """What the packages installed beside this program register."""
    return Registry(_found(BACKENDS), _found(SITES))


def backend_system(name: str) -> BackendSystem:
    """The installed adapter for a commerce backend. Raises ConfigError."""
    return installed().backend(name)


def site_system(name: str) -> SiteSystem:
    """The installed adapter for a CMS. Raises ConfigError."""
    return installed().site(name)


def _found(group: str) -> Mapping[str, Loader]:
    claims: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=group):
        claims.setdefault(entry.name, []).append(entry)
    return {name: _only(name, entries) for name, entries in claims.items()}


def _only(name: str, entries: list[EntryPoint]) -> Loader:
    values = sorted({entry.value for entry in entries})
    if len(values) == 1:
        return entries[0].load

    def refuse() -> object:
        raise LookupError(f"{len(values)} packages register {name!r}: {', '.join(values)}")

    return refuse


def _load(loaders: Mapping[str, Loader], kind: type[System], system: str, path: str) -> System:
    loader = loaders.get(system)
    if loader is None:
        raise ConfigError([_unknown(loaders, system, path)])
    try:
        found = loader()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        what = f"the adapter for {system!r} cannot be loaded ({reason})"
        raise ConfigError([Problem(path, what, _REINSTALL)]) from error
    if not isinstance(found, kind):
        what = f"the adapter for {system!r} registers {type(found).__name__}, no {kind.__name__}"
        raise ConfigError([Problem(path, what, _REINSTALL)])
    return found


_REINSTALL = "Install a version of its package that fits this connector, or remove the package"


def _unknown(loaders: Mapping[str, Loader], system: str, path: str) -> Problem:
    names = sorted(loaders)
    if not names:
        fix = "None is installed: install the connector as a package (pip install), not as files"
        return Problem(path, f"there is no adapter for {system!r}", fix)
    close = difflib.get_close_matches(system, names, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    fix = f"{hint}Installed: {', '.join(names)}; others come as packages of their own"
    return Problem(path, f"there is no adapter for {system!r}", fix)
