"""The site API's JSON: values of ports.py to what goes over the wire, and back.

Pure. A malformed answer raises TargetDown, because whatever answers so is not the plugin that
the contract (openapi.yaml) describes; it never raises anything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from connector.errors import TargetDown
from connector.model import (
    BackendName,
    CmsId,
    FieldHash,
    FieldName,
    JsonValue,
    Locale,
    Offer,
    Subject,
    SubjectKind,
)
from connector.ports import (
    AdoptWrite,
    Before,
    Candidate,
    ContentWrite,
    Fence,
    Held,
    MediaReceipt,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    SiteCapabilities,
    SiteEvent,
    SiteFacts,
    StatusNote,
    StoredDocument,
    TermWrite,
)
from connector.ports_panel import EditorRequest, RequestAnswer

Json = Mapping[str, object]
Write = OffersWrite | ContentWrite | TermWrite | RetireWrite | AdoptWrite
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Description:
    """What GET /site says: the facts, and where pages are edited (`{id}` stands for the id)."""

    facts: SiteFacts
    admin_url: str | None
    max_body_bytes: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a listing, and where it goes on; None: this was the last page."""

    items: tuple[Json, ...]
    next: str | None


# ---- to the wire ----


def write_body(backend: BackendName, batch: Sequence[Write]) -> bytes:
    """The body of POST /offers, /content, /terms and /retire."""
    return encode({"backend": backend, "items": [write_json(write) for write in batch]})


def status_body(backend: BackendName, batch: Sequence[StatusNote]) -> bytes:
    """The body of POST /status."""
    items = [{**subject_json(note.subject), "note": dict(note.note)} for note in batch]
    return encode({"backend": backend, "items": items})


def summary_body(backend: BackendName, summary: Mapping[str, JsonValue]) -> bytes:
    """The body of POST /summary."""
    return encode({"backend": backend, "summary": dict(summary)})


def answers_body(backend: BackendName, answers: Sequence[RequestAnswer]) -> bytes:
    """The body of POST /answers."""
    items = [
        {
            "request": answer.request,
            "standing": answer.standing.value,
            "code": answer.code,
            "says": answer.says,
            "at": _moment(answer.at),
            "facts": dict(answer.facts),
        }
        for answer in answers
    ]
    return encode({"backend": backend, "items": items})


def ack_body(backend: BackendName, upto: str) -> bytes:
    """The body of POST /events/ack."""
    return encode({"backend": backend, "upto": upto})


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def write_json(write: Write) -> dict[str, object]:
    """One item of a batch."""
    frame: dict[str, object] = {
        **subject_json(write.subject),
        "fence": {"epoch": write.fence.epoch, "sequence": write.fence.sequence},
        "write_id": write.write_id,
    }
    match write:
        case OffersWrite():
            frame["offers"] = [offer_json(offer) for offer in write.offers]
        case ContentWrite():
            frame |= {
                "slug": write.slug,
                "fields": dict(write.fields),
                "expected": dict(write.expected),
                "whole": write.whole,
                "verbatim": sorted(write.verbatim),
                "seen": write.seen,
                "joined": dict(write.joined),
            }
        case TermWrite():
            frame |= {
                "slug": write.slug,
                "name": write.name,
                "description": write.description,
                "parent": write.parent,
                "rank": write.rank,
            }
        case RetireWrite():
            frame["policy"] = write.policy
        case AdoptWrite():
            frame["cms_id"] = write.cms_id
    return frame


def subject_json(subject: Subject) -> dict[str, object]:
    return {"kind": subject.kind.value, "id": subject.id}


def offer_json(offer: Offer) -> dict[str, object]:
    """One row. `price` is the amount in major units, so that no site has to know exponents."""
    return {
        "variant": offer.variant,
        "market": offer.market,
        "min_quantity": offer.min_quantity,
        "sku": offer.sku,
        "amount": offer.amount.amount_minor,
        "price": offer.amount.major(),
        "currency": offer.amount.currency,
        "amount_text": offer.amount_text,
        "compare_at": offer.compare_at.amount_minor if offer.compare_at else None,
        "compare_at_text": offer.compare_at_text,
        "price_list": offer.price_list,
        "tax_included": offer.tax_included,
        "availability": offer.availability.value,
        "quantity": offer.quantity,
        "valid_until": _moment(offer.valid_until),
        "position": offer.position,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


# ---- from the wire ----


def versions_from(answer: Json) -> tuple[tuple[int, ...], str]:
    """The versions of this API that a site speaks, and its extension's own version.

    Read before all else: what else an answer holds depends on them.
    """
    spoken = tuple(_list(answer, "versions", int)) if "versions" in answer else (1,)
    return spoken, _get(answer, "extension_version", str)


def description_from(answer: Json, skew_seconds: float) -> Description:
    """GET /site."""
    can = _object(answer, "capabilities")
    fence = _object(answer, "highest_fence")
    capabilities = SiteCapabilities(
        fences=_get(can, "fences", bool),
        own_offers=_get(can, "own_offers", bool),
        offer_rows_per_request=_get(can, "offer_rows_per_request", int),
        documents_per_request=_get(can, "documents_per_request", int),
        terms_per_request=_get(can, "terms_per_request", int),
        media=_get(can, "media", bool),
        events=_get(can, "events", bool),
        multilingual=_get(can, "multilingual", bool),
        merges=_optional(can, "merges", bool) or False,
        adopts=_optional(can, "adopts", bool) or False,
        panel=_optional(can, "panel", bool) or False,
        retire_policies=(
            _texts(can, "retire_policies") if "retire_policies" in can else ("unpublish",)
        ),
    )
    facts = SiteFacts(
        system=_get(answer, "system", str),
        version=_get(answer, "version", str),
        extension_version=_get(answer, "extension_version", str),
        locales=tuple(Locale(each) for each in _texts(answer, "locales")),
        clock_skew_seconds=skew_seconds,
        highest_fence=Fence(_get(fence, "epoch", int), _get(fence, "sequence", int)),
        capabilities=capabilities,
        notes=_texts(answer, "notes"),
    )
    return Description(
        facts, _optional(answer, "admin_url", str), _optional(can, "max_body_bytes", int)
    )


def receipts_from(answer: Json, batch: Sequence[Write]) -> list[Receipt]:
    """The receipts of a batch: one for each item, in order, or TargetDown."""
    receipts = [_receipt(each) for each in _objects(answer, "receipts")]
    if [receipt.subject for receipt in receipts] != [write.subject for write in batch]:
        raise _malformed("receipts that are not those of the items sent")
    return receipts


def page_from(answer: Json) -> Page:
    """A page of GET /inventory or /events."""
    return Page(tuple(_objects(answer, "items")), _optional(answer, "next", str))


def held_from(item: Json) -> Held:
    """One item of GET /inventory."""
    return Held(
        subject=_subject(item),
        cms_id=CmsId(_get(item, "cms_id", str)),
        live=_get(item, "live", bool),
        retired=_get(item, "retired", bool),
        hashes=_hashes(item),
        url=_optional(item, "url", str),
    )


def candidate_from(item: Json) -> Candidate:
    """One item of GET /candidates."""
    return Candidate(
        cms_id=CmsId(_get(item, "cms_id", str)),
        slug=_get(item, "slug", str),
        title=_get(item, "title", str),
        skus=_texts(item, "skus"),
        url=_optional(item, "url", str),
        type=_get(item, "type", str),
    )


def documents_from(answer: Json) -> list[StoredDocument]:
    """GET /documents."""
    return [
        StoredDocument(
            subject=_subject(item),
            cms_id=CmsId(_get(item, "cms_id", str)),
            values=_fields(item, "values"),
            hashes=_hashes(item),
            bases=_fields(item, "bases"),
            noted=_hashes(item, "noted") if "noted" in item else {},
            live=_get(item, "live", bool) if "live" in item else True,
            note=_note(item),
        )
        for item in _objects(answer, "documents")
    ]


def event_from(item: Json) -> SiteEvent:
    """One item of GET /events."""
    try:
        at = datetime.fromisoformat(_get(item, "at", str))
    except ValueError as error:
        raise _malformed("an event without a time") from error
    return SiteEvent(
        id=_get(item, "event", str),
        at=at,
        subject=_subject(item),
        cms_id=CmsId(_get(item, "cms_id", str)),
        what=_get(item, "what", str),
        fields=tuple(FieldName(each) for each in _texts(item, "fields")),
        user=_get(item, "user", str),
        request=_request(_object(item, "request")) if item.get("request") else None,
    )


def _request(item: Json) -> EditorRequest:
    field = _optional(item, "field", str)
    return EditorRequest(
        id=_get(item, "id", str),
        action=_get(item, "action", str),
        by=_get(item, "by", str),
        field=None if field is None else FieldName(field),
        choice=_optional(item, "choice", str),
        value=item.get("value"),  # type: ignore[arg-type]
        seen=_optional(item, "seen", str) or "",
    )


def media_from(answer: Json) -> dict[str, MediaReceipt]:
    """GET /media."""
    found = _object(answer, "media")
    return {name: media_receipt_from(_object(found, name)) for name in found}


def media_receipt_from(answer: Json) -> MediaReceipt:
    """POST /media."""
    return MediaReceipt(CmsId(_get(answer, "cms_id", str)), _get(answer, "url", str))


def _receipt(item: Json) -> Receipt:
    cms_id = _optional(item, "cms_id", str)
    try:
        outcome = Outcome(_get(item, "outcome", str))
    except ValueError as error:
        raise _malformed("a receipt with an unknown outcome") from error
    return Receipt(
        subject=_subject(item),
        outcome=outcome,
        cms_id=None if cms_id is None else CmsId(cms_id),
        url=_optional(item, "url", str),
        hashes=_hashes(item),
        kept=frozenset(FieldName(each) for each in _texts(item, "kept")),
        message=_get(item, "message", str),
        before=_before(item),
        made=_optional(item, "made", bool) or False,
    )


def _before(item: Json) -> dict[FieldName, Before] | None:
    if item.get("before") is None:
        return None
    fields = _object(item, "before")
    return {
        FieldName(name): Before(one.get("value"), FieldHash(_get(one, "hash", str)))  # type: ignore[arg-type]
        for name in fields
        for one in [_object(fields, name)]
    }


def _subject(item: Json) -> Subject:
    try:
        kind = SubjectKind(_get(item, "kind", str))
    except ValueError as error:
        raise _malformed("an item of an unknown kind") from error
    return Subject(kind, _get(item, "id", str))


def _hashes(item: Json, name: str = "hashes") -> dict[FieldName, FieldHash]:
    hashes = _object(item, name)
    if not all(isinstance(each, str) for each in hashes.values()):
        raise _malformed("hashes that are no texts")
    return {FieldName(name): FieldHash(str(each)) for name, each in hashes.items()}


def _fields(item: Json, name: str) -> dict[FieldName, JsonValue]:
    fields = _object(item, name)
    return {FieldName(each): fields[each] for each in fields}  # type: ignore[misc]


def _note(item: Json) -> dict[str, JsonValue]:
    return (
        {str(name): told for name, told in _fields(item, "note").items()} if "note" in item else {}
    )


def _get(item: Json, name: str, kind: type[T]) -> T:
    value = item.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _malformed(f"no proper {name}")
    return value


def _optional(item: Json, name: str, kind: type[T]) -> T | None:
    return None if item.get(name) is None else _get(item, name, kind)


def _object(item: Json, name: str) -> Json:
    value = item.get(name)
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise _malformed(f"no proper {name}")
    return value


def _objects(item: Json, name: str) -> list[Json]:
    return _list(item, name, dict)


def _texts(item: Json, name: str) -> tuple[str, ...]:
    return tuple(_list(item, name, str))


def _list(item: Json, name: str, kind: type[T]) -> list[T]:
    value = item.get(name)
    if not isinstance(value, list) or not all(isinstance(each, kind) for each in value):
        raise _malformed(f"no proper {name}")
    return value


def _malformed(what: str) -> TargetDown:
    return TargetDown(
        f"the site API answered with {what}; update the plugin or module to the version that "
        "belongs to this connector (`connector plugin build`)"
    )
