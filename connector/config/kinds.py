"""The kinds of values that a configuration holds, each refused with its fix.

Validators and annotated types for config.py. A message never shows what could hold a password (an
address), and of other values at most forty characters. Knows no section of the file.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated, Literal, NoReturn
from urllib.parse import urlsplit

from babel import Locale as BabelLocale
from babel import UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import AfterValidator, Field, PlainValidator, StrictFloat, StrictInt
from pydantic_core import PydanticCustomError

from connector.sync.owners import DEFAULT_OWNERS


def wrong(what: str, fix: str) -> NoReturn:
    """Refuse a value, from inside a validator."""
    raise PydanticCustomError("wrong", "{what}", {"what": what, "fix": fix})


def shown(text: str) -> str:
    """A value as messages quote it."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", text):
        wrong(
            f"{shown(text)} is no name",
            "Use a small letter, then small letters, digits, - and _; at most 40 characters",
        )
    return text


def _market_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", text):
        wrong(f"{shown(text)} is no name", "Use letters, digits, - and _; at most 40 characters")
    return text


def _url(text: str) -> str:
    fix = "Write it like https://shop.example"
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        wrong("is no web address", fix)
    if parts.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        wrong("is no web address that begins with http:// or https://", fix)
    if parts.username is not None or parts.password is not None:
        wrong("holds a user name or password", "Take it out; put it under `credential`")
    if "?" in text or "#" in text:
        wrong("holds a query or fragment", "Leave out what follows ? or #")
    return text.rstrip("/")


def _locale(text: str) -> str:
    fix = "Write a language and, where it matters, a country, like 'de-DE'"
    try:
        known = str(BabelLocale.parse(text.replace("_", "-"), sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        wrong(f"{shown(text)} is no known locale", fix)
    if known.lower() != text.lower():
        wrong(f"{shown(text)} is no locale", f"Write {known!r}")
    if known != text:
        wrong(f"{shown(text)} is not written as locales are", f"Write {known!r}")
    return text


def _currency(text: str) -> str:
    known = list_currencies()
    if text in known:
        return text
    meant = text.strip().upper()
    fix = f"Write {meant!r}" if meant in known else "Use its three capital letters, like 'EUR'"
    wrong(f"{shown(text)} is no ISO 4217 currency", fix)


def _state(text: str) -> str:
    if not re.match(r"(sqlite|postgresql)(\+[a-z0-9]+)?://", text):
        wrong(
            "is no address of a state",
            "Write it like sqlite:///connector.db or postgresql+psycopg://user@host/name",
        )
    return text


def _host_or_network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        fix = "Write a host name, an address or a network like 10.0.0.0/8"
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", text):
            wrong(f"{shown(text)} is neither a host nor a network", fix)
        if re.fullmatch(r"[0-9.]+", text):
            wrong(f"{shown(text)} is no IP address", fix)
    return text


def _reconcile_at(text: str) -> str:
    if text != "off" and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        wrong(f"{shown(text)} is no time of day", "Write it like '03:00' (UTC), or off")
    return text


def _owned_field(text: str) -> str:
    name, at, locale = text.partition("@")
    if name not in DEFAULT_OWNERS:
        known = sorted(DEFAULT_OWNERS)
        close = closest(name, known)
        fix = f"Did you mean {close!r}?" if close else f"Fields are: {', '.join(known)}"
        wrong(f"{shown(name)} is no field of a page", fix)
    if at:
        _locale(locale)
    return text


def _names_or_all(value: object) -> tuple[str, ...] | Literal["all"]:
    if value == "all":
        return "all"
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        wrong("must be a list of names, or all", "Write it like [sale, members], or all")
    return tuple(value)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)), None)


Name = Annotated[str, AfterValidator(_name)]
Url = Annotated[str, AfterValidator(_url)]
LocaleTag = Annotated[str, AfterValidator(_locale)]
Seconds = Annotated[StrictFloat, Field(gt=0, le=366 * 86400, allow_inf_nan=False)]
Positive = Annotated[StrictInt, Field(ge=1)]
MarketLabel = Annotated[str, AfterValidator(_market_name)]
Currency = Annotated[str, AfterValidator(_currency)]
StateAddress = Annotated[str, AfterValidator(_state)]
HostOrNetwork = Annotated[str, AfterValidator(_host_or_network)]
TimeOfDay = Annotated[str, AfterValidator(_reconcile_at)]
OwnedField = Annotated[str, AfterValidator(_owned_field)]
NamesOrAll = Annotated[tuple[str, ...] | Literal["all"], PlainValidator(_names_or_all)]
