"""Webhooks of the sandbox shop: Standard Webhooks, listing what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from adapters.sandbox import mapping
from connector.errors import BadSignature
from connector.ports import WebhookEvent
from connector.signing import Secret, verify


def read(
    secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookEvent:
    """Verify and read one. Raises BadSignature, also for a signed body that is malformed."""
    verified = verify(secrets, headers, body, now)
    try:
        signals = tuple(
            mapping.signal(str(each["kind"]), str(each["id"]), str(each["what"]))
            for each in verified.json()["changes"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadSignature("the signed body is no list of changes") from error
    sent_at = datetime.fromtimestamp(verified.sent_at_unix, UTC)
    return WebhookEvent(verified.id, sent_at, signals)
