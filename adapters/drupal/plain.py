"""Plain mode: a Drupal site without our module, through core's JSON:API alone.

Slower and narrower than the module (see `PLAIN`): offers stand in a field of the node, one request
a product. Core has no lock: two writers of one node lose each other's values or leave it so that
JSON:API refuses it for good. So one request at a time goes to a site, one process alone may write,
and an editor who saves in the same second may lose.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from adapters.drupal.plain_decide import (
    Frame,
    PageWrite,
    Write,
    aliases,
    decide_content,
    decide_offers,
    decide_retire,
    held_of,
    receipt_of,
    repeated,
    replaced,
)
from adapters.drupal.plain_page import CATEGORIES, Node, Places, category_ids, node_from, uuid_of
from adapters.drupal.plain_probe import against, probe, probe_uuid
from adapters.drupal.plain_rest import Answer, JsonApi, condition, mapping, rows
from adapters.drupal.plain_terms import Terms
from connector.errors import Rejected, TargetDown
from connector.model import CmsId, Lane, Locale, Subject, SubjectKind
from connector.ports import (
    Clock,
    ContentWrite,
    Fence,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    Site,
    SiteCapabilities,
    SiteEvent,
    SiteFacts,
    SiteSettings,
    StatusNote,
    StoredDocument,
    TermWrite,
)

RUN = 25
"""How many nodes one read asks for."""
KEY = "drupal_internal__nid"
PLAIN = SiteCapabilities(
    fences=False,
    own_offers=False,
    offer_rows_per_request=100,
    documents_per_request=RUN,
    terms_per_request=RUN,
    media=True,
    events=False,
    multilingual=False,
)
_locks: dict[str, threading.RLock] = {}
_locks_lock = threading.Lock()

W = TypeVar("W", OffersWrite, ContentWrite, RetireWrite)
Decide = Callable[[W, "Node | None", Frame], "PageWrite | Receipt"]


def open_plain(settings: SiteSettings, clock: Clock) -> Site:
    """A site in plain mode. Makes no call."""
    return PlainSite(settings, clock)


class PlainSite:
    """`ports.Site` over JSON:API, for the subjects of one backend."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._api = JsonApi(settings, clock)
        self._backend = settings.backend
        self._home = settings.url.rstrip("/")
        self._places = Places(**{name: str(value) for name, value in settings.options.items()})
        self._terms = Terms(self._api, self._home, settings.backend, self._places)
        with _locks_lock:
            self._lock = _locks.setdefault(self._home, threading.RLock())

    # ---- check ----

    def check(self) -> SiteFacts:
        self._api.prove()
        try:
            first = self._api.get(self._places.nodes, **self._of_ours(), sort=KEY)
        except Rejected as error:
            raise TargetDown(
                f"{self._home}: content type {self._places.bundle} has no field "
                f"{self._places.section_field}; add one of type Text (formatted, long), hide it in "
                "the form, or name another in the option section_field"
            ) from error
        self._terms.read()
        self._try_a_write()
        language = next((_attribute(each, "langcode") for each in rows(first.get("data"))), "en")
        return SiteFacts(
            system="drupal",
            version=self._api.version,
            extension_version=None,
            locales=(Locale(language or "en"),),
            clock_skew_seconds=self._api.skew_seconds,
            highest_fence=Fence(0, 0),
            capabilities=PLAIN,
            notes=(
                "Plain mode shows title, text, first picture, categories and offers; tags, "
                "attributes, options, search texts and notes for editors need the module",
                "Plain mode has no lock against editors and other processes; the module has",
            ),
        )

    def _try_a_write(self) -> None:
        """Raises TargetDown where core would take none of our pages."""
        with self._lock:
            answer = self._api.write("POST", self._places.nodes, probe(self._backend, self._places))
            if answer.ok:
                self._api.delete(f"{self._places.nodes}/{probe_uuid(self._backend)}")
                return
        if found := against(answer.body):
            raise TargetDown(
                f"{self._home}: content type {self._places.bundle} takes none of our pages:"
                f" {'; '.join(found)} ({answer.status}). Give required fields a default value or"
                " make them optional; name fields and text formats that are there in the site's"
                " options"
            )

    # ---- writes ----

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        return self._write(batch, Lane.OFFERS, decide_offers)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return self._write(batch, Lane.CONTENT, decide_content)

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]:
        with self._lock:
            return self._terms.write(batch) if batch else []

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]:
        products = [each for each in batch if each.subject.kind is SubjectKind.PRODUCT]
        done = iter(self._write(products, Lane.CONTENT, decide_retire))
        with self._lock:
            return [
                next(done) if each.subject.kind is SubjectKind.PRODUCT else self._terms.remove(each)
                for each in batch
            ]

    def _write(self, batch: Sequence[W], lane: Lane, decide: Decide[W]) -> list[Receipt]:
        receipts: list[Receipt] = []
        with self._lock:
            for start in range(0, len(batch), RUN):
                run = batch[start : start + RUN]
                nodes, frame = self._read([each.subject for each in run]), self._frame(run)
                for write in run:
                    receipt, node = self._one(write, nodes.get(write.subject), lane, decide, frame)
                    receipts.append(receipt)
                    if node:
                        nodes[write.subject] = node
        return receipts

    def _one(
        self, write: W, node: Node | None, lane: Lane, decide: Decide[W], frame: Frame
    ) -> tuple[Receipt, Node | None]:
        """Decide and send; decide again where the page turns out to be there already."""
        decision = repeated(write, lane, node, frame) or decide(write, node, frame)
        if isinstance(decision, Receipt):
            return decision, node
        slug = write.slug if isinstance(write, ContentWrite) else ""
        answer = self._send(decision, slug)
        if decision.node is None and answer.status in (409, 500):
            found = self._api.find(self._places.nodes, decision.uuid)
            if found is not None:
                return self._one(write, node_from(found, self._places), lane, decide, frame)
        if not answer.ok:
            if answer.status == 422:
                self._try_a_write()
            return _failed(write, answer), node
        now = node_from(answer.resource, self._places)
        stored = frame.hashes(now)
        receipt = receipt_of(
            now,
            write.subject,
            frame,
            {name: stored[name] for name in decision.written},
            decision.kept,
        )
        before = replaced(decision, frame) if lane is Lane.CONTENT else None
        return replace(receipt, before=before, made=decision.node is None), now

    def _send(self, page: PageWrite, slug: str) -> Answer:
        path, places = self._places.nodes, self._places
        if page.node is not None:
            return self._api.write("PATCH", f"{path}/{page.uuid}", page.resource(places))
        wanted, spare = aliases(places.path_prefix, slug, page.uuid)
        alias = wanted if self._api.is_free(wanted) else spare
        return self._api.write("POST", path, page.resource(places, alias))

    def _read(self, subjects: Sequence[Subject]) -> dict[Subject, Node]:
        """The nodes of those products that have one."""
        wanted = {uuid_of(self._backend, each): each for each in subjects}
        if not wanted:
            return {}
        found: dict[Subject, Node] = {}
        for page in self._api.listing(
            self._places.nodes, KEY, **condition("ids", "id", "IN", *wanted)
        ):
            for node in (node_from(each, self._places) for each in page):
                found[wanted[node.uuid]] = node
        return found

    def _frame(self, run: Sequence[Write] = ()) -> Frame:
        """What is known of the site; categories are read again when one is not known yet."""
        named = {
            category
            for write in run
            if isinstance(write, ContentWrite)
            for category in category_ids(write.fields.get(CATEGORIES))
        }
        if named - set(self._terms.ids().values()):
            self._terms.read()
        return Frame(self._home, self._backend, self._places, self._terms.ids())

    # ---- media ----

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        """Files are known by their names, which we make of the hashes."""
        found: dict[str, MediaReceipt] = {}
        for each in content_hashes:
            query = condition("name", "filename", "STARTS_WITH", each)
            for file in rows(self._api.get("/jsonapi/file/file", **query).get("data")):
                found.setdefault(each, self._media_receipt(mapping(file)))
        return found

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        if hashlib.sha256(upload.body).hexdigest() != upload.content_hash:
            raise Rejected(f"the bytes of {upload.filename} are not those of its content hash")
        ending = upload.content_type.partition("/")[2].replace("jpeg", "jpg")
        path = f"{self._places.nodes}/{self._places.image_field}"
        with self._lock:
            if held := self.find_media([upload.content_hash]):
                return held[upload.content_hash]
            answer = self._api.upload(path, f"{upload.content_hash}.{ending}", upload.body)
            if not answer.ok:
                raise Rejected(f"{upload.filename} was not taken: {answer.message}")
            return self._media_receipt(answer.resource)

    def _media_receipt(self, file: Mapping[str, object]) -> MediaReceipt:
        uri = mapping(mapping(file.get("attributes")).get("uri"))
        return MediaReceipt(CmsId(str(file.get("id", ""))), f"{self._home}{uri.get('url', '')}")

    # ---- the rest ----

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        self._api.prove()
        with self._lock:
            self._terms.read()
            terms, frame = list(self._terms.held()), self._frame()
        if kind is SubjectKind.CATEGORY:
            yield terms
            return
        for page in self._api.listing(self._places.nodes, KEY, **self._of_ours()):
            nodes = [node_from(each, self._places) for each in page]
            yield [
                held_of(node, node.marker, frame)
                for node in nodes
                if node.marker and node.marker.backend == self._backend
            ]

    def _of_ours(self) -> dict[str, str]:
        return condition("section", f"{self._places.section_field}.value", "IS NOT NULL")

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> Sequence[StoredDocument]:
        """None: core has no place to keep what a page came from."""
        return []

    def events(self, after: str) -> Iterator[Sequence[SiteEvent]]:
        """None: core keeps no log."""
        return iter(())

    def acknowledge_events(self, upto: str) -> None:
        """There is nothing to forget."""

    def write_status(self, batch: Sequence[StatusNote]) -> None:
        """Core has no place to show it; `check` says so in its notes."""

    def admin_url(self, cms_id: CmsId) -> str | None:
        return f"{self._home}/node/{cms_id}/edit"

    def close(self) -> None:
        self._api.close()


def _failed(write: Write, answer: Answer) -> Receipt:
    message = answer.message
    if answer.is_wedged:
        message = (
            "the node has a draft, or two saves at once left it so that JSON:API refuses it: "
            "publish or delete the draft, or install the module, which mends it"
        )
    if answer.status in (404, 410):
        return Receipt(write.subject, Outcome.RETRY, message="the page went away meanwhile")
    return Receipt(write.subject, answer.outcome(), message=message)


def _attribute(resource: object, name: str) -> str:
    return str(mapping(mapping(resource).get("attributes")).get(name) or "")
