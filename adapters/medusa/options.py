"""The options of a Medusa backend in the configuration. Pure: no call is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connector.errors import ConfigError, Problem
from connector.ports import BackendSettings


class Options(BaseModel):
    """What may stand under `options` of a backend of this system."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sales_channel: str | None = Field(default=None, pattern=r"^sc_\w+$")
    """Only products of this sales channel count; the others are as if they were not there."""
    attributes: Mapping[str, str] = Field(default_factory=dict)
    """Key of a product's metadata to the name of the attribute it becomes."""
    publishable_key: str | None = Field(default=None, pattern=r"^pk_\w+$")
    """The storefront's key, for carts."""
    storefront_url: str | None = None
    """Where a product is sold, with {handle} or {id}: https://shop.example/products/{handle}"""
    checkout_url: str | None = None
    """A storefront's checkout that takes the cart's id: https://shop.example/checkout?cart={cart}"""

    @field_validator("storefront_url")
    @classmethod
    def _names_a_product(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("is no http(s) address")
        if "{handle}" not in value and "{id}" not in value:
            raise ValueError("names no product; put {handle} or {id} in it")
        return value

    @field_validator("checkout_url")
    @classmethod
    def _names_a_cart(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("is no http(s) address")
        if "{cart}" not in value:
            raise ValueError("names no cart; put {cart} in it")
        return value


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret API key, `sk_...`: Medusa hashes it on every request, which costs it 60 ms."""

    key: str

    def __repr__(self) -> str:
        return "SecretKey(***)"


@dataclass(frozen=True, slots=True)
class Login:
    """An admin user, exchanged for a token that is renewed before it expires."""

    email: str
    password: str

    def __repr__(self) -> str:
        return "Login(***)"


Credential = SecretKey | Login


def parse_credential(text: str | None) -> Credential | None:
    """`sk_...` or `email:password`; None for anything else."""
    if text is None:
        return None
    if text.startswith("sk_") and len(text) > 3 and text.isascii() and text.isprintable():
        return SecretKey(text)
    email, colon, password = text.partition(":")
    return Login(email, password) if colon and "@" in email and password else None


def problems(settings: BackendSettings) -> Sequence[Problem]:
    """What is wrong with these settings, without any call."""
    return [*_address_problems(settings), *_credential_problems(settings), *_options(settings)]


def parse_options(settings: BackendSettings) -> Options:
    """The options of these settings. Raises ConfigError with every problem of them."""
    try:
        return Options.model_validate(dict(settings.options))
    except ValidationError:
        raise ConfigError(list(problems(settings))) from None


def _address_problems(settings: BackendSettings) -> list[Problem]:
    parts = urlsplit(settings.url)
    fix = "Write the address of the Medusa server, like https://medusa.example.com"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [Problem("url", "is no http(s) address", fix)]
    if parts.username or parts.query or parts.fragment:
        return [Problem("url", "holds more than an address", fix)]
    return []


def _credential_problems(settings: BackendSettings) -> list[Problem]:
    if parse_credential(settings.credential) is not None:
        return []
    fix = "Give a secret API key (sk_...) of Medusa's settings, or email:password of an admin user"
    what = "is missing" if settings.credential is None else "is neither a secret key nor a login"
    return [Problem("credential", what, fix)]


def _options(settings: BackendSettings) -> list[Problem]:
    try:
        Options.model_validate(dict(settings.options))
    except ValidationError as error:
        return [
            Problem(
                ".".join(["options", *map(str, found["loc"])]),
                found["msg"].removeprefix("Value error, "),
                "See adapters/medusa/README.md for what can stand here",
            )
            for found in error.errors(include_input=False, include_url=False)
        ]
    return []
