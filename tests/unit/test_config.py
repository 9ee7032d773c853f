"""The configuration: every mistake is found, with its path and its fix, and all at once."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connector import config
from connector.config import Config
from connector.config.problems import section_at
from connector.errors import ConfigError, Problem
from connector.ports import (
    BackendSettings,
    BackendSystem,
    Clock,
    SiteSettings,
    SiteSystem,
)
from connector.registry import Registry
from connector.signing import Secret
from connector.sync.owners import DEFAULT_OWNERS

ROOT = Path(__file__).parents[2]
CANARY = "canary-1f0e9d8c7b"
SIGNING = "whsec_" + base64.b64encode(b"canary signing key, 32 bytes ok!").decode()
ENV = {
    "SHOP_KEY": CANARY,
    "SHOP_WEBHOOK_SECRET": SIGNING,
    "BLOG_SECRET": SIGNING,
    "PLAIN_BLOG_LOGIN": "editor:abcd efgh ijkl",
    "ALERTS_SECRET": SIGNING,
    "RELAY_KEY": SIGNING,
}
BACKEND = "backends:\n  shop: {system: medusa, url: 'https://shop.example'}\n"
MARKET = "{name: main, locale: de-DE, currency: EUR}"
SITE = f"""sites:
  blog:
    system: wordpress
    url: https://blog.example
    backend: shop
    secrets: [{{env: BLOG_SECRET}}]
    markets: [{MARKET}]
"""
GOOD = BACKEND + SITE


def _never_opened(settings: object, clock: Clock) -> Any:
    raise AssertionError("a configuration is checked without opening anything")


def _fussy_backend(settings: BackendSettings) -> Sequence[Problem]:
    found = []
    if settings.credential is None:
        found.append(Problem("credential", "is missing", "Add one"))
    if "typo" in settings.options:
        found.append(Problem("options.typo", "is no option", "Take it out"))
    return found


def _fussy_site(settings: SiteSettings) -> Sequence[Problem]:
    if settings.plain and settings.credential and ":" not in settings.credential:
        return [Problem("credential", "has no colon", "Write user:application password")]
    return []


def _registry(
    backend_problems: Any = lambda settings: [], site_problems: Any = lambda settings: []
) -> Registry:
    backend = BackendSystem("medusa", _never_opened, backend_problems)
    site = SiteSystem("wordpress", _never_opened, site_problems)
    return Registry({"medusa": lambda: backend}, {"wordpress": lambda: site})


def _loads(text: str | bytes, registry: Registry | None = None, **more: Any) -> Config:
    return config.loads(text, **{"env": ENV, "registry": registry or _registry(), **more})


def _problems(text: str | bytes, **more: Any) -> dict[str, str]:
    """Path to the rest of each problem's sentence."""
    with pytest.raises(ConfigError) as caught:
        _loads(text, **more)
    problems = caught.value.problems
    assert len({str(each) for each in problems}) == len(problems), "said twice"
    assert all(each.path and each.what and each.fix for each in problems)
    return {each.path: f"{each.what}. {each.fix}" for each in problems}


# ---- a good one ----


def test_the_least_that_is_needed_has_the_documented_defaults() -> None:
    loaded = _loads(GOOD)
    assert loaded.state == "sqlite:///connector.db"
    assert loaded.backends["shop"].sweep_every("stock") == 300.0
    assert loaded.sites["blog"].markets[0].price_lists == "all"
    assert loaded.work.reconcile_at == "03:00"
    assert loaded.warnings == ()


def test_settings_for_adapters_carry_resolved_secrets() -> None:
    loaded = _loads((ROOT / "config.example.yaml").read_text(encoding="utf-8"))
    backend, site = loaded.backend_settings("shop"), loaded.site_settings("blog")
    assert backend.credential == CANARY
    assert backend.webhook_secrets == (Secret.parse(SIGNING),)
    assert (site.secrets, site.plain, site.backend) == ((Secret.parse(SIGNING),), False, "shop")
    plain = loaded.site_settings("plain-blog")
    assert (plain.plain, plain.credential, plain.secrets) == (True, "editor:abcd efgh ijkl", ())


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _loads(GOOD).server.port = 1


def test_a_section_whose_lines_are_all_commented_out_has_its_defaults() -> None:
    assert _loads("server:\nwork:\n  retry:\n" + GOOD).work.retry.park_after == 8


def test_off_and_times_need_no_quotes() -> None:
    text = "work: {reconcile_at: 13:30}\nmedia: {mode: off}\n" + GOOD
    assert (_loads(text).work.reconcile_at, _loads(text).media.mode) == ("13:30", "off")


def test_the_environment_goes_before_the_file_for_the_state() -> None:
    env = {**ENV, "CONNECTOR_STATE": "postgresql+psycopg://u:canary-pw@db/connector"}
    loaded = _loads("state: sqlite:///other.db\n" + GOOD, env=env)
    assert loaded.state == env["CONNECTOR_STATE"]
    assert loaded.dump_safe()["state"] == "postgresql+psycopg://u:***@db/connector"
    assert "canary-pw" not in repr(loaded)
    assert loaded.warnings == ()


# ---- wrong in one place ----

WRONG: list[tuple[str, str, str, str]] = [
    ("missing section", BACKEND, "sites", "is missing. Add `sites:`"),
    ("missing key", GOOD.replace("system: wordpress", ""), "sites.blog.system", "Add `system:`"),
    ("unknown key", "stat: x\n" + GOOD, "stat", "no such setting. Did you mean `state`?"),
    (
        "unknown key in a list",
        GOOD.replace("locale:", "lokale: x, locale:"),
        "sites.blog.markets[0].lokale",
        "Did you mean `locale`?",
    ),
    (
        "unknown key like nothing",
        "log: {zzzz: 1}\n" + GOOD,
        "log.zzzz",
        "Take it out; here stand: format, level",
    ),
    ("number in quotes", "server: {port: '80'}\n" + GOOD, "server.port", "a whole number"),
    ("fraction", "server: {port: 80.5}\n" + GOOD, "server.port", "must be a whole number"),
    ("text for a number", "log: {level: 3}\n" + GOOD, "log.level", "must be 'debug', 'info'"),
    ("yes", "server: {enabled: yes}\n" + GOOD, "server.enabled", "Write true or false"),
    ("number for text", "server: {bind: 5}\n" + GOOD, "server.bind", "must be text"),
    ("empty text", "server: {bind: ''}\n" + GOOD, "server.bind", "must not be empty"),
    ("list for text", "state: [a]\n" + GOOD, "state", "must be text"),
    ("text for a section", "work: fast\n" + GOOD, "work", "must hold settings"),
    ("text for a mapping", "sites: blog\n" + BACKEND, "sites", "must be a mapping"),
    ("text for a list", GOOD.replace(f"[{MARKET}]", "de"), "sites.blog.markets", "must be a list"),
    ("no market", GOOD.replace(f"[{MARKET}]", "[]"), "sites.blog.markets", "must not be empty"),
    ("no backend at all", "backends: {}\n" + SITE, "backends", "Add at least one"),
    ("port 0", "server: {port: 0}\n" + GOOD, "server.port", "must be at least 1"),
    ("port too high", "server: {port: 70000}\n" + GOOD, "server.port", "must be at most 65535"),
    ("no time", "work: {lease_seconds: 0}\n" + GOOD, "work.lease_seconds", "more than 0"),
    ("boolean time", "work: {lease_seconds: true}\n" + GOOD, "work.lease_seconds", "a number"),
    ("infinite", "work: {lease_seconds: .inf}\n" + GOOD, "work.lease_seconds", "a number"),
    (
        "retry that shrinks",
        "work: {retry: {first_seconds: 10, max_seconds: 5}}\n" + GOOD,
        "work.retry",
        "max_seconds is less than first_seconds. Make max_seconds the larger one",
    ),
    ("no time of day", "work: {reconcile_at: '24:00'}\n" + GOOD, "work.reconcile_at", "'03:00'"),
    ("choice", "log: {format: jsno}\n" + GOOD, "log.format", "Did you mean json?"),
    ("state", "state: connector.db\n" + GOOD, "state", "Write it like sqlite:///connector.db"),
    (
        "backend's name",
        GOOD.replace("  shop:", "  Shop:").replace("backend: shop", "backend: Shop"),
        "backends.Shop",
        "'Shop' is no name. Use a small letter",
    ),
    ("market's name", GOOD.replace("name: main", "name: a b"), "sites.blog.markets[0].name", "- "),
    ("currency", GOOD.replace("EUR", "EUX"), "sites.blog.markets[0].currency", "no ISO 4217"),
    ("small currency", GOOD.replace("EUR", "eur"), "sites.blog.markets[0].currency", "'EUR'"),
    ("locale", GOOD.replace("de-DE", "xx-XX"), "sites.blog.markets[0].locale", "no known locale"),
    ("posix", GOOD.replace("de-DE", "de_DE"), "sites.blog.markets[0].locale", "Write 'de-DE'"),
    ("case", GOOD.replace("de-DE", "de-de"), "sites.blog.markets[0].locale", "Write 'de-DE'"),
    ("no locale", GOOD.replace("de-DE", "''"), "sites.blog.markets[0].locale", "no known locale"),
    ("ftp", GOOD.replace("https://blog", "ftp://blog"), "sites.blog.url", "http:// or https://"),
    ("no scheme", GOOD.replace("https://blog", "blog"), "sites.blog.url", "like https://"),
    ("bad port", GOOD.replace("blog.example", "blog:99999"), "sites.blog.url", "no web address"),
    ("query", GOOD.replace("blog.example", "blog.example/?a=1"), "sites.blog.url", "a query"),
    ("network", "media: {allow_private_hosts: [10.0.0.0/99]}\n" + GOOD,
     "media.allow_private_hosts[0]", "neither a host nor a network"),
    ("address", "media: {allow_private_hosts: [10.0.0.999]}\n" + GOOD,
     "media.allow_private_hosts[0]", "no IP address"),
    ("owned field", GOOD + "    owners: {titel: editor}\n", "sites.blog.owners.titel",
     "Did you mean 'title'?"),
    ("owner", GOOD + "    owners: {title: me}\n", "sites.blog.owners.title", "must be 'commerce'"),
    ("two-way owner", GOOD + "    owners: {title: two-way}\n", "sites.blog.owners.title",
     "Write merge"),
    ("owner's locale", GOOD + "    owners: {title@q: editor}\n", "sites.blog.owners.title@q",
     "no known locale"),
    ("price lists", GOOD.replace("EUR", "EUR, price_lists: sale"),
     "sites.blog.markets[0].price_lists", "must be a list of names, or all"),
    ("status", GOOD + "    selection: {statuses: [publishd]}\n",
     "sites.blog.selection.statuses[0]", "Did you mean published?"),
    ("no such backend", GOOD.replace("backend: shop", "backend: shp"), "sites.blog.backend",
     "Did you mean 'shop'?"),
    ("no such system", GOOD.replace("medusa", "medsua"), "backends.shop.system",
     "Did you mean 'medusa'? Installed: medusa"),
    ("plugin without secret", GOOD.replace("[{env: BLOG_SECRET}]", "[]"), "sites.blog.secrets",
     "Add `secrets: [{env: NAME}]`"),
    ("plain without credential", GOOD + "    mode: plain\n", "sites.blog.credential",
     "user:application-password"),
    ("two markets of a name", GOOD.replace(MARKET, f"{MARKET}, {MARKET}"),
     "sites.blog.markets[1].name", "is the name of markets[0] too"),
    ("key twice", GOOD + "    backend: shop\n", "sites.blog.backend", "twice (lines 7 and 10)"),
    ("key that is a list", GOOD + "    ? [a]\n    : b\n", "sites.blog", "as a key"),
    ("not a mapping", "- a\n", "connector.yaml", "holds no settings"),
    ("nothing", "", "connector.yaml", "Begin with `backends:` and `sites:`"),
    ("broken", "a: [\n", "connector.yaml:2", "is not YAML"),
    ("tab", "a:\n\tb: 1\n", "connector.yaml:2", "is not YAML"),
    ("control character", "a: \x00\n", "connector.yaml", "Take control characters out"),
    ("two documents", GOOD + "---\na: 1\n", "connector.yaml:10", "is not YAML"),
    ("anchor", "a: &x 1\n", "connector.yaml:1", "holds the anchor or alias 'x'"),
    ("alias", "a: 1\nb: *x\n", "connector.yaml:2", "holds the anchor or alias 'x'"),
    ("tag", "a: !!python/object:os.system 1\n", "connector.yaml:1", "holds a tag"),
    ("merge key", "log: {'<<': {}}\n" + GOOD, "log.<<", "no such setting"),
    ("deep", "a: " + "[" * 5000, "connector.yaml:1", "is nested too deep"),
    ("big", "#" * (2**20 + 1), "connector.yaml", "is larger than 1 MiB"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "says"), [each[1:] for each in WRONG],
                         ids=[each[0] for each in WRONG])  # fmt: skip
def test_one_mistake_is_one_problem_with_path_and_fix(text: str, path: str, says: str) -> None:
    problems = _problems(text)
    assert list(problems) == [path]
    assert says in problems[path]


def test_bytes_that_are_no_text_name_the_line() -> None:
    assert "is not UTF-8" in _problems(b"a: 1\nb: \xff\n")["connector.yaml:2"]


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert _loads(b"\xef\xbb\xbf" + GOOD.encode()).state


def test_two_sites_may_not_be_the_same_one() -> None:
    twin = (
        SITE.replace("sites:\n", "").replace("  blog:", "  twin:").replace(".example", ".example/")
    )
    assert _problems(GOOD + twin.replace("https://blog", "https://Blog")) == {
        "sites.twin.url": "has the same address and backend as the site blog."
        " Make it one site with several markets"
    }


def test_everything_wrong_is_said_at_once() -> None:
    text = """
server: {port: high, enabled: maybe}
backends:
  shop: {system: medusa, url: 'https://shop.example', credential: {env: UNSET}, options: {typo: 1}}
  other: {system: shopware, url: nowhere}
sites:
  blog:
    system: wordpress
    url: https://blog.example
    backend: shap
    secrets: [whsec_short, {env: ALSO_UNSET}]
    markets: [{name: a, locale: d, currency: E}, {name: a, locale: de-DE, currency: EUR, x: 1}]
  blog: {}
  plain: {system: wordpress, url: 'https://p.example', backend: shop, mode: plain,
          credential: nocolon, markets: [{name: a, locale: de-DE, currency: 5}]}
extra: true
"""
    registry = _registry(_fussy_backend, _fussy_site)
    assert set(_problems(text, registry=registry)) == {
        "sites.blog",
        "server.port",
        "server.enabled",
        "backends.shop.credential",
        "backends.shop.options.typo",
        "backends.other.system",
        "backends.other.url",
        "sites.blog.backend",
        "sites.blog.secrets[0]",
        "sites.blog.secrets[1]",
        "sites.blog.markets[0].locale",
        "sites.blog.markets[0].currency",
        "sites.blog.markets[1].name",
        "sites.blog.markets[1].x",
        "sites.plain.credential",
        "sites.plain.markets[0].currency",
        "extra",
    }


def test_an_alias_bomb_is_refused_at_once() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    began = time.perf_counter()
    problems = _problems("\n".join(levels))
    assert time.perf_counter() - began < 0.1
    assert list(problems) == ["connector.yaml:1"]


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_text_at_all_raises_anything_but_a_config_error(text: str | bytes) -> None:
    try:
        text = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        return
    with pytest.raises(ConfigError):
        _loads(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(["credential", "webhook_secrets", "url", "options", "system"]), _VALUES)
def test_any_value_in_any_place_is_good_or_a_problem(key: str, value: object) -> None:
    raw = yaml.safe_load(GOOD)
    raw["backends"]["shop"][key] = value
    with suppress(ConfigError):
        _loads(yaml.safe_dump(raw))


# ---- secrets ----


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("{env: UNSET}", "the environment variable UNSET is not set. Set it"),
        ("{env: EMPTY}", "the environment variable EMPTY is empty"),
        ("{env: SHOP_KEY, file: x}", "is no secret. Write {env: NAME}"),
        ("{environment: SHOP_KEY}", "is no secret"),
        ("{env: 5}", "is no secret"),
        ("{file: nowhere}", "nowhere cannot be read (No such file or directory)"),
        ("{file: .}", "cannot be read (Is a directory)"),
        ("5", "is no secret"),
        ("true", "is no secret"),
        ("[a]", "is no secret"),
        ("''", "is no secret"),
    ],
)
def test_a_secret_that_is_not_there_is_a_problem(written: str, what: str, tmp_path: Path) -> None:
    text = GOOD.replace("shop.example'", f"shop.example', credential: {written}")
    problems = _problems(text, env={**ENV, "EMPTY": ""}, base=tmp_path)
    assert list(problems) == ["backends.shop.credential"]
    assert what in problems["backends.shop.credential"]


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("hello-canary", "begins with whsec_"),
        ("whsec_canary!", "is not base64"),
        ("whsec_Y2FuYXJ5", "has 24 to 64 bytes"),
        ("whsec_canäry", "whsec_"),
    ],
)
def test_a_malformed_signing_secret_is_named_and_not_shown(secret: str, what: str) -> None:
    problems = _problems(GOOD, env={**ENV, "BLOG_SECRET": secret})
    assert list(problems) == ["sites.blog.secrets[0]"]
    assert what in problems["sites.blog.secrets[0]"]
    assert "Make one with `connector secret`" in problems["sites.blog.secrets[0]"]
    assert "can" not in problems["sites.blog.secrets[0]"]


def test_a_secret_from_a_file_loses_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(CANARY + "\n", encoding="utf-8")
    file.chmod(0o600)
    text = GOOD.replace("shop.example'", "shop.example', credential: {file: key}")
    loaded = _loads(text, base=tmp_path)
    assert loaded.backend_settings("shop").credential == CANARY
    assert loaded.warnings == ()


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"\xff\xfe", b"a" * 70000])
def test_a_file_that_holds_no_line_of_text_is_no_secret(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    text = GOOD.replace("shop.example'", "shop.example', credential: {file: key}")
    assert "holds no secret" in _problems(text, base=tmp_path)["backends.shop.credential"]


def test_what_should_be_mended_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SIGNING, encoding="utf-8")
    file.chmod(0o644)
    text = "state: 'postgresql://u:canary-pw@db/x'\n" + GOOD.replace(
        "shop.example'", f"shop.example', credential: {CANARY}"
    ).replace("{env: BLOG_SECRET}", "{file: key}")
    warnings = {each.path: str(each) for each in _loads(text, base=tmp_path).warnings}
    assert set(warnings) == {"backends.shop.credential", "sites.blog.secrets[0]", "state"}
    assert "stands in plain in the file" in warnings["backends.shop.credential"]
    assert f"mode 0644). Close it: chmod 600 {file}" in warnings["sites.blog.secrets[0]"]
    assert "CONNECTOR_STATE" in warnings["state"]
    assert "canary" not in "".join(warnings.values())


@pytest.mark.parametrize("password", ["canary-1f0e", "p@ss:canary-1f", "can%61ry-1f0e"])
def test_secrets_are_in_no_repr_and_no_dump(password: str) -> None:
    text = f"state: 'postgresql://u:{password}@db/x?password={CANARY}'\n" + (
        (ROOT / "config.example.yaml")
        .read_text(encoding="utf-8")
        .replace("state: sqlite:///connector.db\n", "")
        .replace("care: Care", f"care: {CANARY}")
        .replace("options: {}", "options: {api_key: unknown-canary, nested: [{password: canary}]}")
    )
    loaded = _loads(text)
    secrets = (password, CANARY, SIGNING, SIGNING[6:], "abcd efgh ijkl", "unknown-canary")
    assert not [each for each in secrets if each in f"{loaded!r} {loaded}"]
    assert not [each for each in secrets if each in str(loaded.dump_safe())]
    assert loaded.dump_safe()["sites"]["blog"]["secrets"] == ["***"]


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    problems = _problems(GOOD.replace("https://blog", "https://u:canary@blog"))
    assert "holds a user name or password" in problems["sites.blog.url"]
    assert "canary" not in str(problems)


# ---- adapters ----


def test_an_adapter_speaks_below_its_own_part() -> None:
    text = GOOD.replace("shop.example'", "shop.example', options: {typo: 1}")
    assert _problems(text, registry=_registry(_fussy_backend)) == {
        "backends.shop.credential": "is missing. Add one",
        "backends.shop.options.typo": "is no option. Take it out",
    }


def test_an_adapter_does_not_repeat_what_is_known_to_be_wrong() -> None:
    text = GOOD.replace("shop.example'", "shop.example', credential: {env: UNSET}")
    problems = _problems(text, registry=_registry(_fussy_backend))
    assert list(problems) == ["backends.shop.credential"]
    assert "UNSET" in problems["backends.shop.credential"]


def test_an_unset_credential_is_not_called_missing_too() -> None:
    text = GOOD + "    mode: plain\n    credential: {env: UNSET}\n"
    problems = _problems(text, registry=_registry(site_problems=_fussy_site))
    assert list(problems) == ["sites.blog.credential"]
    assert "UNSET" in problems["sites.blog.credential"]


def test_an_adapter_that_breaks_is_a_problem() -> None:
    def broken(settings: BackendSettings) -> Sequence[Problem]:
        raise ZeroDivisionError(settings.credential)

    problems = _problems(GOOD, registry=_registry(broken))
    assert problems == {
        "backends.shop": "the adapter for 'medusa' failed to check it (ZeroDivisionError)."
        " Report this to the adapter's authors"
    }


# ---- where it is found ----


def test_the_named_file_goes_before_the_environment_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find("a.yaml", {"CONNECTOR_CONFIG": "b.yaml"}) == Path("a.yaml")
    assert config.find(None, {"CONNECTOR_CONFIG": "b.yaml"}) == Path("b.yaml")
    (tmp_path / "connector.yaml").write_text(GOOD, encoding="utf-8")
    assert config.find(None, {}) == Path("connector.yaml")
    assert config.load(env=ENV, registry=_registry()).backends["shop"].system == "medusa"


def test_no_file_is_a_problem_that_names_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "connector.config.model.PLACES", ("connector.yaml", str(tmp_path / "etc.yaml"))
    )
    with pytest.raises(ConfigError, match="Make one with `connector init`"):
        config.load(env={})


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read \(No such file"):
        config.load(tmp_path / "gone.yaml", env={})
    (tmp_path / "big.yaml").write_bytes(b"#" * 2**21)
    with pytest.raises(ConfigError, match="is larger than 1 MiB"):
        config.load(tmp_path / "big.yaml", env={})


def test_files_of_secrets_are_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY, encoding="utf-8")
    os.chmod(tmp_path / "key", 0o600)
    text = GOOD.replace("shop.example'", "shop.example', credential: {file: key}")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    loaded = config.load(tmp_path / "c.yaml", env=ENV, registry=_registry())
    assert loaded.backend_settings("shop").credential == CANARY


# ---- what the example and the reference promise ----


def _paths(section: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting of the models, as docs/configuration.md writes it."""
    for name, found in section.model_fields.items():
        path = f"{above}.{name}" if above else name
        below = section_at((name,), section)
        inner = [each for each in get_args(found.annotation) if _is_section(each)]
        if below is not None:
            yield from _paths(below, path)
        elif inner and getattr(found.annotation, "__origin__", None) is tuple:
            yield path, found
            yield from _paths(inner[0], f"{path}[N]")
        elif inner and type(None) in get_args(found.annotation):
            yield path, found
            yield from _paths(inner[0], path)
        elif inner:
            yield from _paths(inner[0], f"{path}.NAME")
        else:
            yield path, found


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _written(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return f"`[{', '.join(map(str, value))}]`"
        case float():
            return f"`{value:g}`"
        case Mapping():
            return "`{}`"
        case _:
            return f"`{value}`"


def _default(found: FieldInfo) -> str:
    if found.is_required():
        return "required"
    return _written(found.get_default(call_default_factory=True))


def test_the_reference_lists_every_setting_with_its_default() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| (\S[^|]+) \|$", text, re.MULTILINE)
    told = {path: default for path, default, _ in rows}
    assert told == {path: _default(found) for path, found in _paths(Config)}
    owners = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", text, re.MULTILINE))
    assert owners == {name: str(owner) for name, owner in DEFAULT_OWNERS.items()}


def _keys(raw: object, above: str = "") -> Iterator[str]:
    named = above in ("backends", "sites")
    for key, value in raw.items() if isinstance(raw, dict) else ():
        path = f"{above}.{'NAME' if named else key}" if above else key
        if not named:
            yield path
        if isinstance(value, list):
            for each in value:
                yield from _keys(each, f"{path}[N]")
        elif not path.endswith((".options", ".owners", ".sweep_seconds")):
            yield from _keys(value, path)


def test_the_example_loads_as_it_stands_and_has_every_setting() -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert _loads(text).warnings == ()
    assert {path for path, _ in _paths(Config)} <= set(_keys(yaml.safe_load(text)))


def test_the_adapters_installed_take_the_example() -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert config.loads(text, env={**ENV, "SHOP_KEY": "sk_dummy"}).warnings == ()


def test_the_example_names_only_environment_variables_that_this_test_sets() -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\{env: (\w+)\}", text)) - {"NAME"}
    assert named == set(ENV)


NAMES = ("shop", "blog", "stock", "care", "description")
"""What the example names by its own choice."""


def test_every_key_of_the_example_has_its_comment() -> None:
    lines = (ROOT / "config.example.yaml").read_text(encoding="utf-8").splitlines()
    seen: set[str] = set()
    for before, line in zip(["", *lines], lines, strict=False):
        key = re.match(r"\s*(?:- )?([a-z_]+):", line)
        if key and key[1] not in seen and key[1] not in NAMES:
            seen.add(key[1])
            assert before.lstrip().startswith("#"), f"{key[1]} has no comment above it"
