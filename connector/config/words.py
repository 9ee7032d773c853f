"""What `two-way` asks of a site and its backend: that one tells edits, and the other takes them.

Reads raw values, and what adapters declare (`BackendSystem.words`); makes no call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector.config.vault import Raw, parts
from connector.errors import ConfigError, Problem
from connector.model import Locale
from connector.ports import WordsCapabilities
from connector.registry import Registry
from connector.sync.owners import TRANSLATED, Owner
from connector.sync.words import taken

MERGE = "Write merge: the page keeps the editor's words, the backend its own"


def two_way_problems(raw: Raw, registry: Registry) -> Iterator[Problem]:
    """Fields that are two-way and cannot be."""
    backends = dict(parts(raw, "backends"))
    for name, site in parts(raw, "sites"):
        owners = site.get("owners")
        if not isinstance(owners, dict):
            continue
        chosen = [str(field) for field, owner in owners.items() if owner == Owner.TWO_WAY.value]
        backend = backends.get(str(site.get("backend")))
        for field in chosen if backend is not None else ():
            if found := _problem(field, site, backend or {}, registry):
                yield Problem(f"sites.{name}.owners.{field}", *found)


def _problem(field: str, site: Raw, backend: Raw, registry: Registry) -> tuple[str, str] | None:
    name = field.partition("@")[0]
    if name not in TRANSLATED:
        return "is two-way, but only words can go back", f"Fields are: {', '.join(TRANSLATED)}"
    if site.get("mode") == "plain":
        fix = "Install the plugin or module, or write merge"
        return "is two-way, but plain mode does not tell what editors changed", fix
    system = str(backend.get("system"))
    can = _words(system, registry)
    if can is None:
        return None
    default = Locale(str(backend.get("default_locale", "en-US")))
    refused = [each for each in _locales(field, site) if not taken(can, name, each, default)]
    if name not in can.fields | can.translated:
        return f"is two-way, but {system} does not take it back", MERGE
    if refused:
        fix = f"Add `{name}@{refused[0]}: merge`, or write merge for all languages"
        return f"is two-way, but {system} takes no {name} back in {refused[0]}", fix
    return None


def _words(system: str, registry: Registry) -> WordsCapabilities | None:
    """What a system takes back; None where there is no such system, which is said elsewhere."""
    try:
        return registry.backend(system).words or WordsCapabilities()
    except ConfigError:
        return None


def _locales(field: str, site: Raw) -> Sequence[Locale]:
    """The languages of a site in which this setting decides."""
    name, _, only = field.partition("@")
    if only:
        return [Locale(only)]
    markets, owners = site.get("markets"), site.get("owners")
    listed = [
        Locale(str(market["locale"]))
        for market in (markets if isinstance(markets, list) else ())
        if isinstance(market, dict) and "locale" in market
    ]
    known: Mapping[str, str] = owners if isinstance(owners, dict) else {}
    return [
        locale
        for place, locale in enumerate(dict.fromkeys(listed))
        if not place or f"{name}@{locale}" not in known
    ]
