"""The configuration: one YAML file, read once into frozen values; every problem at once.

Each problem has its path and its fix. Secrets are named in the file, resolved when it is read
(vault.py), and shown by nothing here. Adapters are known through the registry alone; no call goes
out, so what only a call can tell is `connector doctor`'s to say.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
    model_validator,
)

from connector.config.kinds import (
    Currency,
    HostOrNetwork,
    LocaleTag,
    MarketLabel,
    Name,
    NamesOrAll,
    OwnedField,
    Positive,
    Seconds,
    StateAddress,
    TimeOfDay,
    Url,
    wrong,
)
from connector.config.problems import is_echo, problem_of, relation_problems
from connector.config.strict_yaml import MAX_BYTES, read_yaml
from connector.config.vault import Raw, Vault, parts, without_password, without_secrets
from connector.config.words import two_way_problems
from connector.errors import ConfigError, Problem
from connector.model import BackendName, Locale, ProductStatus, SiteName
from connector.ports import BackendSettings, SiteSettings
from connector.registry import Registry, installed
from connector.signing import Secret
from connector.sync.owners import Owner
from connector.sync.rules import RetirePolicy

PLACES = ("connector.yaml", "/etc/commerce-connector/connector.yaml")
"""Where the file is looked for when neither --config nor CONNECTOR_CONFIG names it."""
DEFAULT_SWEEP_SECONDS = 300.0


# ---- the values ----


class Section(BaseModel):
    """A part of the file: frozen, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Server(Section):
    """The HTTP server for webhooks, health and metrics."""

    enabled: StrictBool = True
    """False: poll only; nothing needs to reach the connector."""
    bind: str = Field(default="127.0.0.1", min_length=1)
    port: StrictInt = Field(default=8585, ge=1, le=65535)
    trusted_proxies: tuple[HostOrNetwork, ...] = ("127.0.0.1",)
    """Whose X-Forwarded-For says who asks."""
    public_url: Url | None = None


class Backend(Section):
    """A commerce engine."""

    system: str
    url: Url
    credential: SecretStr | None = None
    webhook_secrets: tuple[SecretStr, ...] = ()
    default_locale: LocaleTag = "en-US"
    poll_seconds: Seconds = 30.0
    sweep_seconds: Mapping[str, Seconds] = Field(default_factory=dict)
    timeout_seconds: Seconds = 30.0
    options: Mapping[str, object] = Field(default_factory=dict, repr=False)

    def sweep_every(self, name: str) -> float:
        """Seconds between two sweeps of this name."""
        return self.sweep_seconds.get(name, DEFAULT_SWEEP_SECONDS)


class Market(Section):
    """How a site shows its backend to one audience."""

    name: MarketLabel
    locale: LocaleTag
    currency: Currency
    region: str | None = None
    price_lists: NamesOrAll = "all"
    tax_included: StrictBool | None = None
    show_quantity: StrictBool = True
    stock_locations: tuple[str, ...] | None = None


class Selection(Section):
    """Which products belong on a site."""

    statuses: tuple[ProductStatus, ...] = Field(default=(ProductStatus.PUBLISHED,), min_length=1)
    channels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    exclude_categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()


class SafetyStop(Section):
    """How much of a site one run may take off sale: the larger of the two."""

    products: StrictInt = Field(default=10, ge=0)
    percent: StrictFloat = Field(default=5.0, ge=0, le=100)


class PaceOfWork(Section):
    """How hard a site is worked."""

    gentle: StrictBool = False
    """One request at a time, with rests, so that the site's own visitors are not kept waiting."""
    requests_per_second: StrictFloat | None = Field(default=None, gt=0, allow_inf_nan=False)


class Site(Section):
    """One CMS installation."""

    system: str
    url: Url
    backend: str
    mode: Literal["plugin", "plain"] = "plugin"
    secrets: tuple[SecretStr, ...] = ()
    credential: SecretStr | None = None
    markets: tuple[Market, ...] = Field(min_length=1)
    selection: Selection = Selection()
    owners: Mapping[OwnedField, Owner] = Field(default_factory=dict)
    retire: RetirePolicy = RetirePolicy.UNPUBLISH
    safety_stop: SafetyStop = SafetyStop()
    pace: PaceOfWork = PaceOfWork()
    media: Literal["download", "off"] | None = None
    timeout_seconds: Seconds = 60.0
    options: Mapping[str, object] = Field(default_factory=dict, repr=False)
    paused: StrictBool = False


class Retry(Section):
    """When failed work is tried again, and when it is parked."""

    first_seconds: Seconds = 2.0
    factor: StrictFloat = Field(default=2.0, ge=1, le=100)
    max_seconds: Seconds = 900.0
    park_after: Positive = 8

    @model_validator(mode="after")
    def _grows(self) -> Retry:
        if self.max_seconds < self.first_seconds:
            wrong("max_seconds is less than first_seconds", "Make max_seconds the larger one")
        return self


class Work(Section):
    """How the work is done."""

    workers_per_site: StrictInt = Field(default=2, ge=1, le=64)
    batch_products: StrictInt = Field(default=100, ge=1, le=1000)
    lease_seconds: Seconds = 120.0
    retry: Retry = Retry()
    reconcile_at: TimeOfDay = "03:00"
    reconcile_over_hours: StrictFloat = Field(default=0.0, ge=0, le=23)
    freshness_target_seconds: Seconds = 300.0


class Alerts(Section):
    """Who is told when a site is late: a signed webhook."""

    url: Url
    secret: SecretStr


class Log(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"


class MediaRules(Section):
    """How pictures are fetched."""

    mode: Literal["download", "off"] = "download"
    allow_private_hosts: tuple[HostOrNetwork, ...] = ()
    max_bytes: Positive = 20 * 1024 * 1024
    timeout_seconds: Seconds = 20.0


class Relay(Section):
    """Carts and checkout for shoppers; there is none without a key."""

    keys: tuple[SecretStr, ...] = ()
    """The first one seals, all of them open: how they are changed without a gap."""
    origins: Mapping[Name, tuple[Url, ...]] = Field(default_factory=dict)
    """Per site the addresses whose pages may ask, beside the site's own."""
    token_days: StrictInt = Field(default=30, ge=1, le=365)
    engine_timeout_seconds: StrictFloat = Field(default=8.0, gt=0, le=15)
    client_per_minute: Positive = 600
    cart_per_minute: Positive = 240

    def secrets(self) -> tuple[Secret, ...]:
        return _signing(self.keys, "relay.keys")


class Config(Section):
    """The whole configuration, checked."""

    state: StateAddress = Field(default="sqlite:///connector.db", repr=False)
    server: Server = Server()
    backends: Mapping[Name, Backend] = Field(min_length=1)
    sites: Mapping[Name, Site] = Field(min_length=1)
    work: Work = Work()
    alerts: Alerts | None = None
    log: Log = Log()
    media: MediaRules = MediaRules()
    relay: Relay = Relay()
    _warnings: tuple[Problem, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What works but should be mended: secrets in plain, files that others can read."""
        return self._warnings

    def backend_settings(self, name: str) -> BackendSettings:
        """What the adapter of this backend is opened with. Raises KeyError for an unknown name."""
        return _backend_settings(name, self.backends[name])

    def site_settings(self, name: str) -> SiteSettings:
        """What the adapter of this site is opened with. Raises KeyError for an unknown name."""
        return _site_settings(name, self.sites[name])

    def dump_safe(self) -> dict[str, Any]:
        """All settings as plain values, defaults included, with *** for each secret."""
        shown = without_secrets(self.model_dump(mode="json"))
        return {**shown, "state": without_password(self.state)}


def _backend_settings(name: str, backend: Backend, path: str = "backends") -> BackendSettings:
    return BackendSettings(
        name=BackendName(name),
        url=backend.url,
        credential=backend.credential.get_secret_value() if backend.credential else None,
        webhook_secrets=_signing(backend.webhook_secrets, f"{path}.{name}.webhook_secrets"),
        default_locale=Locale(backend.default_locale),
        options=backend.options,
        timeout_seconds=backend.timeout_seconds,
    )


def _site_settings(name: str, site: Site, path: str = "sites") -> SiteSettings:
    return SiteSettings(
        name=SiteName(name),
        url=site.url,
        backend=BackendName(site.backend),
        plain=site.mode == "plain",
        secrets=_signing(site.secrets, f"{path}.{name}.secrets"),
        credential=site.credential.get_secret_value() if site.credential else None,
        options=site.options,
        timeout_seconds=site.timeout_seconds,
    )


def _signing(secrets: Sequence[SecretStr], path: str) -> tuple[Secret, ...]:
    return tuple(
        Secret.parse(secret.get_secret_value(), f"{path}[{place}]")
        for place, secret in enumerate(secrets)
    )


# ---- reading ----


def load(
    path: str | os.PathLike[str] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> Config:
    """The configuration in this file, or in the first one found (see `find`).

    Raises ConfigError with every problem. The secrets resolved are kept out of the logs.
    """
    env = os.environ if env is None else env
    file = find(path, env)
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise ConfigError([Problem(str(file), what, "Name a file that you may read")]) from None
    return loads(content, source=str(file), base=file.parent, env=env, registry=registry)


def find(path: str | os.PathLike[str] | None, env: Mapping[str, str]) -> Path:
    """Which file holds: --config, CONNECTOR_CONFIG, ./connector.yaml, then the one in /etc.

    Raises ConfigError when none is named and none is there.
    """
    named = path or env.get("CONNECTOR_CONFIG")
    if named:
        return Path(named)
    for place in map(Path, PLACES):
        if place.exists():
            return place
    fix = "Make one with `connector init`, or name it with --config or CONNECTOR_CONFIG"
    raise ConfigError([Problem(PLACES[0], f"is not there, nor is {PLACES[1]}", fix)])


def loads(
    content: str | bytes,
    *,
    source: str = "connector.yaml",
    base: Path | None = None,
    env: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> Config:
    """The configuration in this text. Raises ConfigError with every problem.

    `base` is the folder that `{file: ...}` is relative to.
    """
    env = os.environ if env is None else env
    data = content.encode() if isinstance(content, str) else content
    raw, problems = read_yaml(data, source)
    if not isinstance(raw, dict):
        fix = "Begin with `backends:` and `sites:`; see config.example.yaml"
        raise ConfigError([Problem(source, "holds no settings", fix)])
    raw = _without_empty(raw)
    vault = Vault(env, base or Path())
    vault.resolve_all(raw)
    state = vault.state(raw)
    config, wrong = _validated({**raw, **({} if state is None else {"state": state})})
    problems += [*vault.problems, *wrong]
    problems += relation_problems(raw)
    registry = registry or installed()
    problems += two_way_problems(raw, registry)
    problems += _adapter_problems(raw, problems, registry)
    if problems or config is None:
        raise ConfigError(problems)
    config._warnings = tuple(vault.warnings)
    return config


def _without_empty(raw: dict[str, Any]) -> dict[str, Any]:
    """A key without a value (all below it commented out) counts as not there."""
    return {
        key: _without_empty(value) if isinstance(value, dict) and key != "options" else value
        for key, value in raw.items()
        if value is not None
    }


def _validated(raw: Raw) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(raw), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
        return None, [problem_of(each, Config) for each in details if not is_echo(each)]


# ---- what adapters find ----


def _adapter_problems(raw: Raw, before: Sequence[Problem], registry: Registry) -> Iterator[Problem]:
    """What the adapters say, of the settings that are good so far."""
    known = [problem.path for problem in before]
    for name, part in parts(raw, "backends"):
        yield from _asked(f"backends.{name}", part, known, _ask_backend(registry, name))
    for name, part in parts(raw, "sites"):
        yield from _asked(f"sites.{name}", part, known, _ask_site(registry, name))


Ask = Callable[[str, str, Raw], Sequence[Problem]]
"""From system, path and sound settings to what the adapter finds wrong with them."""


def _ask_backend(registry: Registry, name: str) -> Ask:
    def ask(system: str, path: str, sound: Raw) -> Sequence[Problem]:
        adapter = registry.backend(system, f"{path}.system")
        if "url" not in sound:
            return []
        return adapter.problems(_backend_settings(name, Backend.model_construct(None, **sound)))

    return ask


def _ask_site(registry: Registry, name: str) -> Ask:
    def ask(system: str, path: str, sound: Raw) -> Sequence[Problem]:
        adapter = registry.site(system, f"{path}.system")
        if "url" not in sound:
            return []
        sound = {"backend": "", **sound}
        return adapter.problems(_site_settings(name, Site.model_construct(None, **sound)))

    return ask


def _asked(path: str, part: Raw, known: Sequence[str], ask: Ask) -> Iterator[Problem]:
    broken = {key for key in (_key_below(path, each) for each in known) if key}
    system = part.get("system")
    if not isinstance(system, str):
        return
    try:
        found = ask(system, path, {key: part[key] for key in part if key not in broken})
    except ConfigError as error:
        yield from error.problems
        return
    except Exception as error:  # noqa: BLE001 - somebody else's adapter may raise anything
        what = f"the adapter for {system!r} failed to check it ({type(error).__name__})"
        yield Problem(path, what, "Report this to the adapter's authors")
        return
    for each in found:
        below = f"{path}.{each.path}" if each.path else path
        if _key_below(path, below) not in broken:
            yield Problem(below, each.what, each.fix)


def _key_below(path: str, below: str) -> str | None:
    """The key under `path` that `below` leads through: a.b and a.b.c[0].d give c."""
    if not below.startswith(path + "."):
        return None
    return re.split(r"[.\[]", below.removeprefix(path + "."), maxsplit=1)[0]
