"""Secrets of a configuration: found where the file says they are, and shown by nobody.

A secret is written `{env: NAME}`, `{file: /path}` or, with a warning, as it is. Each one found is
kept out of the logs from then on. Knows where secrets stand in the file, and nothing else of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from connector.errors import ConfigError, Problem
from connector.ops import logs
from connector.signing import Secret

MAX_SECRET_BYTES = 65536

Raw = Mapping[str, Any]
"""The file's values before they are checked."""


@dataclass(slots=True)
class Vault:
    """Resolves the secrets of a raw configuration in place; gathers what is wrong with them."""

    env: Mapping[str, str]
    base: Path
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def resolve_all(self, raw: dict[str, Any]) -> None:
        for group, several in (("backends", "webhook_secrets"), ("sites", "secrets")):
            for name, part in parts(raw, group):
                if "credential" in part:
                    path = f"{group}.{name}.credential"
                    part["credential"] = self._secret(part["credential"], path)
                if isinstance(part.get(several), list):
                    part[several] = self._several(part[several], f"{group}.{name}.{several}")
        relay = raw.get("relay")
        if isinstance(relay, dict) and isinstance(relay.get("keys"), list):
            relay["keys"] = self._several(relay["keys"], "relay.keys")
        alerts = raw.get("alerts")
        if isinstance(alerts, dict) and "secret" in alerts:
            alerts["secret"] = self._signing(alerts["secret"], "alerts.secret")

    def _several(self, values: list[object], path: str) -> list[SecretStr]:
        return [self._signing(each, f"{path}[{place}]") for place, each in enumerate(values)]

    def state(self, raw: Raw) -> object:
        """The state's address, from the environment before the file; None: the default."""
        if named := self.env.get("CONNECTOR_STATE"):
            logs.hide(passwords_of(named))
            return named
        named = raw.get("state")
        if isinstance(named, str) and (passwords := passwords_of(named)):
            logs.hide(passwords)
            fix = "Give the whole address in the environment variable CONNECTOR_STATE"
            self.warnings.append(Problem("state", "holds a password in plain", fix))
        return named

    def _signing(self, value: object, path: str) -> SecretStr:
        secret = self._secret(value, path)
        if text := secret.get_secret_value():
            try:
                Secret.parse(text if text.isascii() else "", path)
            except ConfigError as error:
                self.problems += error.problems
        return secret

    def _secret(self, value: object, path: str) -> SecretStr:
        """The secret, or an empty one after noting why there is none."""
        match value:
            case {"env": str(name), **rest} if not rest:
                text = self._from_env(name, path)
            case {"file": str(name), **rest} if not rest:
                text = self._from_file(self.base / name, path)
            case str() if value.strip():
                text = value
                fix = "Write {env: NAME} or {file: /path} instead"
                self.warnings.append(Problem(path, "stands in plain in the file", fix))
            case _:
                fix = "Write {env: NAME}, {file: /path}, or text in quotes"
                text = self._missing(path, "is no secret", fix)
        logs.hide([text])
        return SecretStr(text)

    def _from_env(self, name: str, path: str) -> str:
        if text := self.env.get(name, "").strip():
            return text
        what = f"the environment variable {name} is " + ("empty" if name in self.env else "not set")
        return self._missing(path, what, f"Set it where the connector runs: export {name}=…")

    def _from_file(self, file: Path, path: str) -> str:
        try:
            with file.open("rb") as opened:
                mode, content = os.fstat(opened.fileno()).st_mode, opened.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            what = f"the file {file} cannot be read ({error.strerror})"
            return self._missing(path, what, "Make it readable for the connector's user alone")
        if mode & 0o177:
            what = f"the file {file} is open to others (mode {mode & 0o777:04o})"
            self.warnings.append(Problem(path, what, f"Close it: chmod 600 {file}"))
        try:
            text = content.decode().strip()
        except UnicodeDecodeError:
            text = ""
        if text and len(content) <= MAX_SECRET_BYTES and text.isprintable():
            return text
        return self._missing(path, f"the file {file} holds no secret", "Put one line of text in it")

    def _missing(self, path: str, what: str, fix: str) -> str:
        self.problems.append(Problem(path, what, fix))
        return ""


def passwords_of(address: str) -> list[str]:
    found = re.findall(r"://[^/@:]*:(.*)@|[?&]password=([^&]*)", address)
    written = [each for pair in found for each in pair if each]
    return [*written, *map(unquote, written)]


def without_password(address: str) -> str:
    hidden = re.sub(r"(://[^/@:]*:).*@", rf"\1{logs.HIDDEN}@", address)
    return re.sub(r"([?&]password=)[^&]*", rf"\1{logs.HIDDEN}", hidden)


def without_secrets(value: Any, key: str = "") -> Any:
    """Plain values, with *** for what is secret by its name or known to be a secret."""
    match value:
        case dict():
            return {name: without_secrets(below, name) for name, below in value.items()}
        case list():
            return [without_secrets(each, key) for each in value]
        case None | bool():
            return value
        case _ if logs.looks_secret(key):
            return logs.HIDDEN
        case str():
            return logs.without_secrets(value)
        case _:
            return value


def parts(raw: Raw, group: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The backends or sites that are mappings at all."""
    named = raw.get(group)
    if isinstance(named, dict):
        yield from ((name, part) for name, part in named.items() if isinstance(part, dict))
