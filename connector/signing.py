"""Sign and verify messages by the Standard Webhooks scheme (symmetric, v1).

The signature is HMAC-SHA256 over `id.timestamp.content`, base64, written `v1,<signature>`; a header
may hold several, a verifier may hold several secrets, which is how secrets are rotated without a
gap. For webhooks the content is the body. For requests to a site it is the request line too, so
that a signed body cannot be sent elsewhere: `METHOD target\\n` before the body.

Unverified bytes are `bytes`; verified ones are `Verified`, and only `verify` makes those. The PHP
and JavaScript sides check themselves against the same vectors (adapters/site_api/vectors.json).
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.errors import BadSignature, ConfigError, Problem

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"
_TOKEN = object()


@dataclass(frozen=True, slots=True, init=False)
class Verified:
    """Bytes whose sender is proved, with the sender's id for the message."""

    id: str
    sent_at_unix: int
    body: bytes

    def __init__(self, token: object, id: str, sent_at_unix: int, body: bytes) -> None:
        if token is not _TOKEN:
            raise TypeError("only signing.verify makes Verified values")
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "sent_at_unix", sent_at_unix)
        object.__setattr__(self, "body", body)

    def json(self) -> Any:
        """The body as JSON, numbers with a point as Decimal. Raises BadSignature when malformed."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise BadSignature("the signed body is not JSON") from error


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing key. Shows nothing of itself when printed."""

    key: bytes

    @classmethod
    def parse(cls, text: str, path: str = "secret") -> Secret:
        """A secret written `whsec_<base64 of 24 to 64 bytes>`. Raises ConfigError."""
        fix = "Make one with `connector secret`, and give both sides the same"
        if not text.startswith(PREFIX):
            raise ConfigError([Problem(path, f"a signing secret begins with {PREFIX}", fix)])
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except ValueError:
            raise ConfigError([Problem(path, "the signing secret is not base64", fix)]) from None
        if not 24 <= len(key) <= 64:
            raise ConfigError([Problem(path, "a signing secret has 24 to 64 bytes", fix)])
        return cls(key)

    def __repr__(self) -> str:
        return "Secret(***)"


def format_secret(key: bytes) -> str:
    """The way a secret is written down."""
    return PREFIX + base64.b64encode(key).decode()


def sign(secret: Secret, message_id: str, sent_at_unix: int, content: bytes) -> str:
    """The `webhook-signature` header for one secret."""
    signed = f"{message_id}.{sent_at_unix}.".encode() + content
    digest = hmac.new(secret.key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def request_content(method: str, target: str, body: bytes) -> bytes:
    """What is signed of a request to a site: its method, its target (path and query), its body.

    The target is relative to the root of the site API, like `/offers` or `/inventory?after=7`, so
    that proxies and sites in sub-folders do not matter.
    """
    return f"{method} {target}\n".encode() + body


def signed_headers(
    secret: Secret, message_id: str, sent_at_unix: int, content: bytes
) -> dict[str, str]:
    """The three Standard Webhooks headers."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_unix),
        "webhook-signature": sign(secret, message_id, sent_at_unix, content),
    }


def verify(
    secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime
) -> Verified:
    """Prove who sent a webhook. Header names are lower case.

    Raises BadSignature for a missing or malformed header, a time more than five minutes off, and
    when no signature fits any secret. Compares in constant time.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or len(message_id) > 256 or not message_id.isprintable():
        raise BadSignature("webhook-id is missing or malformed")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("webhook-timestamp is missing or malformed")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is more than five minutes off")
    offered = headers.get("webhook-signature", "").split(" ")
    if not _any_fits(secrets, message_id, int(timestamp), body, offered):
        raise BadSignature("no signature fits")
    return Verified(_TOKEN, message_id, int(timestamp), body)


def _any_fits(
    secrets: Sequence[Secret], message_id: str, sent_at: int, body: bytes, offered: Sequence[str]
) -> bool:
    wanted = [sign(secret, message_id, sent_at, body).encode() for secret in secrets]
    return any(
        hmac.compare_digest(want, have.encode("utf-8", "replace"))
        for want in wanted
        for have in offered[:16]
    )
