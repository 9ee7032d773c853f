"""The site API over HTTP, with an in-memory site behind it: what a plugin does, without a CMS.

`site_app` is an ASGI app, to be served by any server, for tests that want a real client, real
sockets and thousands of requests. It verifies signatures, reads the JSON of the contract
(adapters/site_api/openapi.yaml) and answers as a plugin would; what it holds is the MemorySite's.
Knows no adapter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector import signing
from connector.errors import BadSignature, Rejected
from connector.model import (
    Availability,
    CategoryId,
    FieldHash,
    FieldName,
    MarketName,
    Money,
    Offer,
    Subject,
    SubjectKind,
    VariantId,
)
from connector.ports import (
    Before,
    Clock,
    ContentWrite,
    Fence,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Receipt,
    RetireWrite,
    SiteEvent,
    StatusNote,
    StoredDocument,
    TermWrite,
)
from connector.ports_panel import RequestAnswer, Standing
from connector.testing.site import MemorySite

Json = dict[str, Any]
CODE = "commerce_connector_"


def site_app(
    site: MemorySite,
    secrets: Sequence[signing.Secret],
    clock: Clock,
    root: str = "/wp-json/commerce-connector/v1",
) -> Starlette:
    """The app. `root` is the path below which the routes are, as a client is told it."""
    served = _Served(site, tuple(secrets), clock, root)
    routes = {
        ("GET", "/site"): served.describe,
        ("POST", "/offers"): served.offers,
        ("POST", "/content"): served.content,
        ("POST", "/terms"): served.terms,
        ("POST", "/retire"): served.retire,
        ("POST", "/status"): served.status,
        ("GET", "/media"): served.find_media,
        ("POST", "/media"): served.upload_media,
        ("GET", "/inventory"): served.inventory,
        ("GET", "/documents"): served.documents,
        ("GET", "/events"): served.events,
        ("POST", "/events/ack"): served.acknowledge,
        ("POST", "/summary"): served.summary,
        ("POST", "/answers"): served.answers,
    }
    return Starlette(
        routes=[
            Route(f"{root}{path}", served.answering(do), methods=[method])
            for (method, path), do in routes.items()
        ]
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request whose signature fits."""

    query: Mapping[str, str]
    body: bytes
    content_type: str

    def items(self) -> list[Json]:
        return list(json.loads(self.body)["items"])


@dataclass(slots=True)
class _Served:
    site: MemorySite
    secrets: tuple[signing.Secret, ...]
    clock: Clock
    root: str
    _listed: list[str] = field(default_factory=lambda: [""])
    """The last id of each page of inventory that was ever given out: `after` is a number of one."""

    def answering(self, do: Callable[[_Asked], Json]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            target = request.url.path.removeprefix(self.root)
            target += f"?{request.url.query}" if request.url.query else ""
            content = signing.request_content(request.method, target, body)
            headers = {name.lower(): value for name, value in request.headers.items()}
            try:
                signing.verify(self.secrets, headers, content, self.clock.now())
                kind = headers.get("content-type", "")
                asked = _Asked(dict(request.query_params), body, kind)
                return JSONResponse(await run_in_threadpool(do, asked))
            except BadSignature as error:
                return _refusal(401, "signature", error.message)
            except Rejected as error:
                return _refusal(400, "malformed", error.message)
            except (KeyError, TypeError, ValueError) as error:
                return _refusal(400, "malformed", f"the request is malformed ({error!r})")

        return answer

    def describe(self, _asked: _Asked) -> Json:
        facts = self.site.check()
        can = facts.capabilities
        return {
            "system": facts.system,
            "version": facts.version,
            "extension_version": facts.extension_version,
            "locales": list(facts.locales),
            "time": _time(self.clock.now()),
            "highest_fence": {
                "epoch": facts.highest_fence.epoch,
                "sequence": facts.highest_fence.sequence,
            },
            "capabilities": {name: getattr(can, name) for name in can.__dataclass_fields__}
            | {"max_body_bytes": 64 * 1024 * 1024},
            "admin_url": None,
            "notes": list(facts.notes),
        }

    def offers(self, asked: _Asked) -> Json:
        writes = [OffersWrite(*_frame(item), _offers(item)) for item in asked.items()]
        return _receipts(self.site.write_offers(writes))

    def content(self, asked: _Asked) -> Json:
        writes = [
            ContentWrite(
                *_frame(item),
                item["slug"],
                {FieldName(name): value for name, value in item["fields"].items()},
                {FieldName(name): FieldHash(each) for name, each in item["expected"].items()},
                item["whole"],
                frozenset(FieldName(name) for name in item["verbatim"]),
                item["seen"],
                {FieldName(name): value for name, value in item["joined"].items()},
            )
            for item in asked.items()
        ]
        return _receipts(self.site.write_content(writes))

    def terms(self, asked: _Asked) -> Json:
        writes = [
            TermWrite(
                *_frame(item),
                item["slug"],
                item["name"],
                item["description"],
                CategoryId(item["parent"]) if item["parent"] else None,
                item["rank"],
            )
            for item in asked.items()
        ]
        return _receipts(self.site.write_terms(writes))

    def retire(self, asked: _Asked) -> Json:
        return _receipts(self.site.retire([RetireWrite(*_frame(i)) for i in asked.items()]))

    def status(self, asked: _Asked) -> Json:
        notes = [StatusNote(_subject(item), item["note"]) for item in asked.items()]
        self.site.write_status(notes)
        return {"written": len(notes)}

    def find_media(self, asked: _Asked) -> Json:
        found = self.site.find_media(asked.query["hashes"].split(","))
        return {"media": {each: _media(receipt) for each, receipt in found.items()}}

    def upload_media(self, asked: _Asked) -> Json:
        named = asked.query
        upload = MediaUpload(
            named["hash"], named["filename"], asked.content_type, named["alt"], asked.body
        )
        return _media(self.site.upload_media(upload))

    def inventory(self, asked: _Asked) -> Json:
        kind, limit = SubjectKind(asked.query["kind"]), int(asked.query["limit"])
        held = self.site.held_after(kind, self._listed[int(asked.query["after"])], limit + 1)
        if len(held) <= limit:
            return {"items": [_held(each) for each in held], "next": None}
        self._listed.append(held[limit - 1].subject.id)
        return {
            "items": [_held(each) for each in held[:limit]],
            "next": str(len(self._listed) - 1),
        }

    def events(self, asked: _Asked) -> Json:
        """All that are left, on one page."""
        pages = self.site.events(asked.query["after"])
        return {"items": [_event(each) for page in pages for each in page], "next": None}

    def acknowledge(self, asked: _Asked) -> Json:
        before = self._kept_events()
        self.site.acknowledge_events(json.loads(asked.body)["upto"])
        return {"forgotten": before - self._kept_events()}

    def _kept_events(self) -> int:
        return sum(len(page) for page in self.site.events("0"))

    def summary(self, asked: _Asked) -> Json:
        self.site.write_summary(json.loads(asked.body)["summary"])
        return {"written": True}

    def answers(self, asked: _Asked) -> Json:
        items = asked.items()
        self.site.answer_requests([_answer(item) for item in items])
        return {"written": len(items)}

    def documents(self, asked: _Asked) -> Json:
        kind, ids = SubjectKind(asked.query["kind"]), json.loads(asked.query["ids"])
        return {"documents": [_document(each) for each in self.site.documents(kind, ids)]}


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": CODE + code, "message": message}, status)


# ---- from the wire ----


def _subject(item: Json) -> Subject:
    return Subject(SubjectKind(item["kind"]), item["id"])


def _frame(item: Json) -> tuple[Subject, Fence, str]:
    """What every write begins with."""
    fence = Fence(item["fence"]["epoch"], item["fence"]["sequence"])
    return _subject(item), fence, item["write_id"]


def _answer(item: Json) -> RequestAnswer:
    return RequestAnswer(
        item["request"],
        Standing(item["standing"]),
        item["code"],
        item["says"],
        datetime.fromisoformat(item["at"]),
        item["facts"],
    )


def _offers(item: Json) -> tuple[Offer, ...]:
    return tuple(_offer(row) for row in item["offers"])


def _offer(row: Json) -> Offer:
    currency, before, until = row["currency"], row["compare_at"], row["valid_until"]
    return Offer(
        variant=VariantId(row["variant"]),
        market=MarketName(row["market"]),
        min_quantity=row["min_quantity"],
        sku=row["sku"],
        amount=Money(row["amount"], currency),
        amount_text=row["amount_text"],
        compare_at=None if before is None else Money(before, currency),
        compare_at_text=row["compare_at_text"],
        price_list=row["price_list"],
        tax_included=row["tax_included"],
        availability=Availability(row["availability"]),
        quantity=row["quantity"],
        valid_until=None if until is None else datetime.fromisoformat(until),
        position=row["position"],
    )


# ---- to the wire ----


def _receipts(receipts: Sequence[Receipt]) -> Json:
    return {
        "receipts": [
            {
                "kind": each.subject.kind.value,
                "id": each.subject.id,
                "outcome": each.outcome.value,
                "cms_id": each.cms_id,
                "url": each.url,
                "hashes": dict(each.hashes),
                "kept": sorted(each.kept),
                "message": each.message,
                "before": None if each.before is None else _before(each.before),
                "made": each.made,
            }
            for each in receipts
        ]
    }


def _before(fields: Mapping[FieldName, Before]) -> Json:
    return {name: {"value": each.value, "hash": each.hash} for name, each in fields.items()}


def _held(held: Held) -> Json:
    return {
        "kind": held.subject.kind.value,
        "id": held.subject.id,
        "cms_id": held.cms_id,
        "live": held.live,
        "retired": held.retired,
        "hashes": dict(held.hashes),
        "url": held.url,
    }


def _event(event: SiteEvent) -> Json:
    return {
        "event": event.id,
        "at": event.at.isoformat(),
        "kind": event.subject.kind.value,
        "id": event.subject.id,
        "cms_id": event.cms_id,
        "what": event.what,
        "fields": list(event.fields),
        "user": event.user,
        "request": None if event.request is None else asdict(event.request),
    }


def _document(document: StoredDocument) -> Json:
    return {
        "kind": document.subject.kind.value,
        "id": document.subject.id,
        "cms_id": document.cms_id,
        "values": dict(document.values),
        "hashes": dict(document.hashes),
        "bases": dict(document.bases),
        "noted": dict(document.noted),
        "note": dict(document.note),
        "live": document.live,
    }


def _media(receipt: MediaReceipt) -> Json:
    return {"cms_id": receipt.cms_id, "url": receipt.url}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
