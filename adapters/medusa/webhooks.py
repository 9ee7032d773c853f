"""Webhooks as our plugin sends them: verified first, then read. Pure.

The body says `{id, sent_at, product_ids, category_ids, lanes}`, where `lanes` names for some of the
ids the only lanes that can have changed. All of it is a hint; the truth is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.errors import BadSignature
from connector.model import Lane, Subject, SubjectKind
from connector.ports import Signal, WebhookEvent
from connector.signing import Secret, verify

LONGEST_ID = 128


def read_webhook(
    secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookEvent:
    """Raises BadSignature for an unsigned, wrongly signed, old or malformed webhook."""
    verified = verify(secrets, headers, body, now)
    content = verified.json()
    try:
        lanes = {str(id_): _lanes(names) for id_, names in content.get("lanes", {}).items()}
        signals = [
            *_signals(SubjectKind.PRODUCT, content["product_ids"], lanes),
            *_signals(SubjectKind.CATEGORY, content["category_ids"], lanes),
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSignature("the signed body is not one of our plugin's") from error
    sent_at = datetime.fromtimestamp(verified.sent_at_unix, UTC)
    return WebhookEvent(verified.id, sent_at, tuple(signals))


def _signals(kind: SubjectKind, ids: Any, lanes: Mapping[str, frozenset[Lane]]) -> list[Signal]:
    if not isinstance(ids, list) or not all(map(_is_id, ids)):
        raise ValueError("no list of ids")
    return [Signal(Subject(kind, each), lanes.get(each, frozenset())) for each in ids]


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()


def _lanes(names: Any) -> frozenset[Lane]:
    """Lanes that a newer plugin knows and we do not mean: look at all of them."""
    known = {lane.value for lane in Lane}
    return frozenset(map(Lane, names)) if set(names) <= known else frozenset()
