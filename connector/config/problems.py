"""What is wrong with a configuration, in words: where it stands, what it is, how to mend it.

Translates pydantic's findings, and adds what no single value can tell: references, duplicates, what
one setting asks of another. Reads raw values, so that one mistake does not hide the next.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from connector.config.kinds import closest, shown
from connector.config.vault import Raw, parts
from connector.errors import Problem

# ---- between settings ----


def relation_problems(raw: Raw) -> Iterator[Problem]:
    """What is wrong between settings that are good by themselves."""
    backends = {name for name, _ in parts(raw, "backends")}
    seen: dict[tuple[str, str], str] = {}
    for name, site in parts(raw, "sites"):
        yield from _backend_is_there(f"sites.{name}.backend", site.get("backend"), backends)
        yield from _site_can_be_proved(f"sites.{name}", site)
        yield from _markets_differ(f"sites.{name}.markets", site.get("markets"))
        address = (str(site.get("url")).rstrip("/").lower(), str(site.get("backend")))
        if "url" in site and (first := seen.setdefault(address, name)) != name:
            what = f"has the same address and backend as the site {first}"
            yield Problem(f"sites.{name}.url", what, "Make it one site with several markets")
    yield from _relay_sites_are_there(raw)


def _relay_sites_are_there(raw: Raw) -> Iterator[Problem]:
    relay = raw.get("relay")
    origins = relay.get("origins") if isinstance(relay, dict) else None
    known = {name for name, _ in parts(raw, "sites")}
    for name in origins if isinstance(origins, dict) else ():
        if known and name not in known:
            fix = f"Sites are: {', '.join(sorted(known))}"
            yield Problem(f"relay.origins.{name}", "there is no such site", fix)


def _backend_is_there(path: str, backend: object, backends: set[str]) -> Iterator[Problem]:
    if not backends or not isinstance(backend, str) or backend in backends:
        return
    close = closest(backend, backends)
    fix = f"Did you mean {close!r}?" if close else f"Backends are: {', '.join(sorted(backends))}"
    yield Problem(path, f"there is no backend {shown(backend)}", fix)


def _site_can_be_proved(path: str, site: Raw) -> Iterator[Problem]:
    match site.get("mode", "plugin"):
        case "plugin" if not site.get("secrets"):
            fix = "Add `secrets: [{env: NAME}]` with the one that the plugin's settings page shows"
            yield Problem(f"{path}.secrets", "is missing, and plugin mode needs one", fix)
        case "plain" if "credential" not in site:
            fix = "Add `credential: {env: NAME}` with user:application-password"
            yield Problem(f"{path}.credential", "is missing, and plain mode needs it", fix)


def _markets_differ(path: str, markets: object) -> Iterator[Problem]:
    first: dict[object, int] = {}
    for place, market in enumerate(markets if isinstance(markets, list) else []):
        name = market.get("name") if isinstance(market, dict) else None
        if isinstance(name, str) and first.setdefault(name, place) != place:
            what = f"is the name of markets[{first[name]}] too"
            yield Problem(f"{path}[{place}].name", what, "Give each market of a site its own name")


# ---- in one setting ----

_SAYS: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be text", "Write a word, in quotes where it looks like something else"),
    "int_type": ("must be a whole number", "Write digits alone, without quotes"),
    "float_type": ("must be a number", "Write digits, without quotes"),
    "bool_type": ("must be true or false", "Write true or false, without quotes"),
    "tuple_type": ("must be a list", "Write it like [one, two]"),
    "dict_type": ("must be a mapping", "Write `name: value` lines below it"),
    "model_type": ("must hold settings", "Write `setting: value` lines below it"),
    "too_short": ("must not be empty", "Add at least one"),
    "string_too_short": ("must not be empty", "Write a value, or take the line out"),
}
_LIMITS = {
    "greater_than": ("must be more than {gt}", "Choose a larger number"),
    "greater_than_equal": ("must be at least {ge}", "Choose a larger number"),
    "less_than_equal": ("must be at most {le}", "Choose a smaller number"),
}


def is_echo(error: ErrorDetails) -> bool:
    """A list whose every entry is wrong counts as empty too: that says nothing new."""
    return error["type"] == "too_short" and bool(error["input"])


def problem_of(error: ErrorDetails, root: type[BaseModel]) -> Problem:
    """One of pydantic's errors, in our words. Never shows a value that could be a secret."""
    kind, loc, context = error["type"], error["loc"], error.get("ctx", {})
    path = _path(loc)
    match kind:
        case "wrong":
            return Problem(path, context["what"], context["fix"])
        case "missing":
            return Problem(path, "is missing", f"Add `{loc[-1]}:`")
        case "extra_forbidden":
            return Problem(path, "there is no such setting", _other_keys(loc, root))
        case "literal_error" | "enum":
            return Problem(path, f"must be {context['expected']}", _other_value(error))
        case _ if kind in _LIMITS:
            what, fix = _LIMITS[kind]
            return Problem(path, what.format(**context), fix)
        case _:
            what, fix = _SAYS.get(kind, (error["msg"], "See docs/configuration.md"))
            return Problem(path, what, fix)


def _path(loc: Sequence[int | str]) -> str:
    text = ""
    for step in loc:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step != "[key]":
            text += f".{step}" if text else step
    return text


def _other_value(error: ErrorDetails) -> str:
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    close = closest(str(error["input"]).lower(), choices)
    return f"Did you mean {close}?" if close else "Choose one of them"


def _other_keys(loc: Sequence[int | str], root: type[BaseModel]) -> str:
    section = section_at(loc[:-1], root)
    known = sorted(section.model_fields) if section else []
    close = closest(str(loc[-1]), known)
    return f"Did you mean `{close}`?" if close else f"Take it out; here stand: {', '.join(known)}"


def section_at(loc: Sequence[int | str], root: type[BaseModel]) -> type[BaseModel] | None:
    """Which section of the file a path leads to: ("sites", "blog", "markets", 0) to Market."""
    kind: Any = root
    for step in loc:
        kind = _below(kind, step)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _below(kind: Any, step: int | str) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        found = kind.model_fields.get(str(step))
        return None if found is None else found.annotation
    parts = typing.get_args(kind)
    return parts[1] if typing.get_origin(kind) is Mapping else (parts or (None,))[0]
