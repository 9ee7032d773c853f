"""A CMS site in memory: `ports.Site` with the exact semantics of the contract.

Like real ones it changes what it is given (line ends, outer space), hashes with its own function,
keeps what editors did, and refuses late writes. Editors are the methods `edit`, `unpublish`,
`publish`, `trash`, `restore`, `delete`. Failures are added by `testing.faults`.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from connector.errors import Rejected
from connector.model import (
    CmsId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    Locale,
    Offer,
    SiteName,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import (
    AdoptWrite,
    Before,
    Candidate,
    ContentWrite,
    Fence,
    Held,
    MediaReceipt,
    MediaUpload,
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
from connector.ports_panel import ASKED, EditorRequest, RequestAnswer

OFFERS = FieldName("offers")
CATEGORIES = FieldName("categories")
"""The field of a document that lists categories by the backend's ids."""

WITH_EXTENSION = SiteCapabilities(
    fences=True,
    own_offers=True,
    offer_rows_per_request=500,
    documents_per_request=100,
    terms_per_request=100,
    media=True,
    events=True,
    multilingual=True,
    merges=True,
    adopts=True,
    panel=True,
    retire_policies=("unpublish", "notice", "redirect", "gone", "delete"),
)
_NO_FENCE = Fence(0, 0)
_BEGAN = datetime(2026, 11, 24, 8, tzinfo=UTC)
_TEXTS = frozenset({"title", "subtitle", "description", "seo_title", "seo_description"})


class PageState(StrEnum):
    """What editors decided, apart from our retiring."""

    PUBLISHED = "published"
    DRAFT = "draft"
    TRASHED = "trashed"


@dataclass(slots=True)
class Page:
    """One post or term as the site stores it."""

    cms_id: CmsId
    slug: str
    fields: dict[FieldName, JsonValue] = field(default_factory=dict)
    ours: dict[FieldName, FieldHash] = field(default_factory=dict)
    """Of each field, the hash of the value as it was stored at our last write; "" where that had
    an editor's words in it."""
    bases: dict[FieldName, JsonValue] = field(default_factory=dict)
    """Of each field, the backend's value that it last took in."""
    state: PageState = PageState.PUBLISHED
    retired: bool = False
    policy: str = ""
    """How it was retired last."""

    @property
    def live(self) -> bool:
        if self.retired and self.policy != "notice":
            return False
        return self.state is PageState.PUBLISHED


@dataclass(frozen=True, slots=True)
class Request:
    """One call that reached the site."""

    method: str
    subjects: tuple[Subject, ...] = ()
    write_ids: tuple[str, ...] = ()


Write = TypeVar("Write", OffersWrite, ContentWrite, TermWrite, RetireWrite, AdoptWrite)


class MemorySite:
    """A site whose every stored value can be looked at. Threads may share it."""

    def __init__(
        self,
        name: str = "memory",
        *,
        capabilities: SiteCapabilities = WITH_EXTENSION,
        locales: Sequence[str] = ("en-GB",),
        page_size: int = 50,
    ) -> None:
        self.name = SiteName(name)
        self.capabilities = capabilities
        self._locales = tuple(Locale(each) for each in locales)
        self._page_size = page_size
        self._lock = threading.RLock()
        self._pages: dict[Subject, Page] = {}
        self._offers: dict[Subject, tuple[Offer, ...]] = {}
        self._fences: dict[tuple[Subject, Lane], Fence] = {}
        self._answers: dict[tuple[Subject, Lane], tuple[str, Receipt]] = {}
        self._media: dict[str, MediaReceipt] = {}
        self._ids: dict[SubjectKind, list[str]] = {kind: [] for kind in SubjectKind}
        """Of all that ever had a page or offers, in order."""
        self._slugs: dict[tuple[SubjectKind, str], Subject] = {}
        """Whose page took a slug last; it may be gone since."""
        self._own: dict[CmsId, tuple[Page, tuple[str, ...]]] = {}
        self._refused: dict[Subject, str] = {}
        self._locked: set[Subject] = set()
        self._last_cms_id = 0
        self._last_event = 0
        self._events: list[SiteEvent] = []
        self.requests: list[Request] = []
        """Every call, in order."""
        self.counts: Counter[str] = Counter()
        """Calls by method, and by `method.items` the items in them."""
        self.notes: dict[Subject, Mapping[str, JsonValue]] = {}
        """What `write_status` last said of each subject."""
        self.summary: Mapping[str, JsonValue] = {}
        """What `write_summary` last said."""
        self.answers: dict[str, RequestAnswer] = {}
        """What `answer_requests` last said of each request."""
        self.closed = False

    # ---- what tests look at ----

    def page(self, subject: Subject) -> Page | None:
        """A copy of what the site stores of this subject."""
        with self._lock:
            page = self._pages.get(subject)
            if page is None:
                return None
            fields, ours, bases = dict(page.fields), dict(page.ours), dict(page.bases)
            return replace(page, fields=fields, ours=ours, bases=bases)

    def pages(self, kind: SubjectKind = SubjectKind.PRODUCT) -> dict[Subject, Page]:
        """Copies of all pages of a kind, trashed and retired ones too."""
        with self._lock:
            return {
                subject: replace(page, fields=dict(page.fields))
                for subject, page in self._pages.items()
                if subject.kind is kind
            }

    def offers(self, subject: Subject) -> tuple[Offer, ...]:
        with self._lock:
            return self._offers.get(subject, ())

    def held_after(self, kind: SubjectKind, after: str, most: int) -> Sequence[Held]:
        """What an inventory lists beyond an id, in the order of ids."""
        with self._lock:
            ids = self._ids[kind]
            beyond = (Subject(kind, each) for each in ids[bisect_right(ids, after) :])
            there = (each for each in beyond if each in self._pages or each in self._offers)
            return [self._held(each) for each in islice(there, most)]

    def written(self) -> list[Request]:
        """The calls that wanted to write."""
        return [each for each in self.requests if each.method in _WRITES]

    # ---- what editors and hosters do ----

    def own_page(self, slug: str, title: str, skus: Sequence[str] = ()) -> CmsId:
        """A page that was there before us, and shows no product of ours."""
        with self._lock:
            cms_id = self._next_cms_id()
            page = Page(cms_id, slug, {FieldName("title"): title})
            self._own[cms_id] = (page, tuple(skus))
            return cms_id

    def edit(
        self, subject: Subject, name: FieldName, value: JsonValue, user: str = "editor"
    ) -> None:
        with self._lock:
            self._pages[subject].fields[name] = as_stored(value)
            self._event(subject, "edited", user, (name,))

    def edit_unseen(
        self,
        subject: Subject,
        name: FieldName,
        value: JsonValue,
        opened: Page,
        user: str = "editor",
    ) -> None:
        """Somebody saves who opened the page when it was so, before the backend wrote to it."""
        with self._lock:
            page = self._pages[subject]
            page.bases[name], page.ours[name] = opened.bases[name], opened.ours[name]
        self.edit(subject, name, value, user)
        with self._lock:
            self._event(subject, "overtaken", user, (name,))

    def ask(self, subject: Subject, request: EditorRequest, user: str = "editor") -> None:
        """An editor asks something of the daemon."""
        with self._lock:
            self._event(subject, ASKED, user, request=request)

    def publish(self, subject: Subject, user: str = "editor") -> None:
        with self._lock:
            self._pages[subject].state = PageState.PUBLISHED
            self._pages[subject].retired = False
            self._event(subject, "published", user)

    def unpublish(self, subject: Subject) -> None:
        self._set_state(subject, PageState.DRAFT)

    def trash(self, subject: Subject) -> None:
        self._set_state(subject, PageState.TRASHED)

    def restore(self, subject: Subject) -> None:
        """Take out of the trash; a draft until somebody publishes it."""
        self._set_state(subject, PageState.DRAFT)

    def delete(self, subject: Subject) -> None:
        """Delete for good. The site still knows the fences, as its table of bindings would."""
        with self._lock:
            del self._pages[subject]

    def delete_term(self, subject: Subject, user: str = "editor") -> None:
        """Delete a category; its pages lose it."""
        with self._lock:
            above = [
                each
                for each, page in self._pages.items()
                if subject.id in (page.fields.get(CATEGORIES) or ())  # type: ignore[operator]
            ]
            self._event(subject, "deleted", user)
            self._remove_term(subject)
            for each in above:
                self._event(each, "edited", user, (CATEGORIES,))

    def delete_offers(self, subject: Subject) -> None:
        with self._lock:
            del self._offers[subject]

    def refuse(self, subject: Subject, reason: str = "the site does not take it") -> None:
        """Reject every write of this subject until `allow`."""
        with self._lock:
            self._refused[subject] = reason

    def allow(self, subject: Subject) -> None:
        with self._lock:
            self._refused.pop(subject, None)
            self._locked.discard(subject)

    def lock(self, subject: Subject) -> None:
        """Answer RETRY to every write of this subject until `allow`."""
        with self._lock:
            self._locked.add(subject)

    # ---- the port ----

    def check(self) -> SiteFacts:
        self._note("check")
        with self._lock:
            highest = max(self._fences.values(), default=_NO_FENCE)
        return SiteFacts(
            system="memory",
            version="1",
            extension_version="1",
            locales=self._locales,
            clock_skew_seconds=0.0,
            highest_fence=highest,
            capabilities=self.capabilities,
        )

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        rows = sum(len(write.offers) for write in batch) if len(batch) > 1 else 0
        _limit("offer rows", rows, self.capabilities.offer_rows_per_request)
        return self._write_all("write_offers", Lane.OFFERS, batch, self._apply_offers)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        _limit("documents", len(batch), self.capabilities.documents_per_request)
        return self._write_all("write_content", Lane.CONTENT, batch, self._apply_content)

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]:
        _limit("terms", len(batch), self.capabilities.terms_per_request)
        return self._write_all("write_terms", Lane.CONTENT, batch, self._apply_term)

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]:
        _limit("documents", len(batch), self.capabilities.documents_per_request)
        return self._write_all("retire", Lane.CONTENT, batch, self._apply_retire)

    def candidates(self, types: Sequence[str] = ()) -> Iterator[Sequence[Candidate]]:
        self._note("candidates")
        with self._lock:
            yield [
                Candidate(
                    page.cms_id, page.slug, str(page.fields[FieldName("title")]), skus, None, "page"
                )
                for page, skus in self._own.values()
                if not types or "page" in types
            ]

    def adopt(self, batch: Sequence[AdoptWrite]) -> Sequence[Receipt]:
        return self._write_all("adopt", Lane.CONTENT, batch, self._apply_adopt)

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        self._note("find_media")
        with self._lock:
            return {each: self._media[each] for each in content_hashes if each in self._media}

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        self._note("upload_media")
        if hashlib.sha256(upload.body).hexdigest() != upload.content_hash:
            raise Rejected(f"the bytes of {upload.filename} are not those of its content hash")
        with self._lock:
            if upload.content_hash not in self._media:
                cms_id = self._next_cms_id()
                url = f"https://{self.name}.example/media/{cms_id}-{upload.filename}"
                self._media[upload.content_hash] = MediaReceipt(cms_id, url)
            return self._media[upload.content_hash]

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        self._note("inventory")
        return self._inventory_pages(kind)

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> Sequence[StoredDocument]:
        self._note("documents", tuple(Subject(kind, each) for each in ids))
        with self._lock:
            pages = {Subject(kind, each): self._pages.get(Subject(kind, each)) for each in ids}
            return [
                StoredDocument(
                    subject,
                    page.cms_id,
                    dict(page.fields),
                    _hashes(page),
                    dict(page.bases),
                    dict(page.ours),
                    page.live,
                    dict(self.notes.get(subject, {})),
                )
                for subject, page in pages.items()
                if page is not None
            ]

    def events(self, after: str) -> Iterator[Sequence[SiteEvent]]:
        self._note("events")
        while page := self._events_after(int(after)):
            yield page
            after = page[-1].id

    def acknowledge_events(self, upto: str) -> None:
        self._note("acknowledge_events")
        with self._lock:
            self._events = [each for each in self._events if int(each.id) > int(upto)]

    def write_status(self, batch: Sequence[StatusNote]) -> None:
        self._note("write_status", tuple(each.subject for each in batch))
        with self._lock:
            self.notes.update({each.subject: each.note for each in batch})

    def write_summary(self, summary: Mapping[str, JsonValue]) -> None:
        self._note("write_summary")
        self.summary = summary

    def answer_requests(self, answers: Sequence[RequestAnswer]) -> None:
        self._note("answer_requests")
        with self._lock:
            self.answers.update({each.request: each for each in answers})

    def admin_url(self, cms_id: CmsId) -> str | None:
        return f"https://{self.name}.example/admin/{cms_id}"

    def close(self) -> None:
        self.closed = True

    # ---- how one item is written ----

    def _write_all(
        self,
        method: str,
        lane: Lane,
        batch: Sequence[Write],
        apply: Callable[[Write], Receipt],
    ) -> list[Receipt]:
        with self._lock:
            subjects = tuple(write.subject for write in batch)
            self._note(method, subjects, tuple(write.write_id for write in batch))
            return [self._write_one(lane, write, apply) for write in batch]

    def _write_one(self, lane: Lane, write: Write, apply: Callable[[Write], Receipt]) -> Receipt:
        key = (write.subject, lane)
        last_write_id, last_receipt = self._answers.get(key, ("", None))
        if last_receipt is not None and last_write_id == write.write_id:
            return last_receipt
        if self._is_late(key, write.fence):
            return self._receipt(write.subject, Outcome.STALE, message="a newer write was here")
        if write.subject in self._refused:
            return self._receipt(
                write.subject, Outcome.REJECTED, message=self._refused[write.subject]
            )
        if write.subject in self._locked:
            return self._receipt(write.subject, Outcome.RETRY, message="locked by an editor")
        receipt = apply(write)
        if receipt.outcome is Outcome.DONE:
            self._fences[key] = max(write.fence, self._fences.get(key, _NO_FENCE))
            self._answers[key] = (write.write_id, receipt)
        return receipt

    def _is_late(self, key: tuple[Subject, Lane], fence: Fence) -> bool:
        return self.capabilities.fences and fence < self._fences.get(key, _NO_FENCE)

    def _apply_offers(self, write: OffersWrite) -> Receipt:
        if write.offers:
            self._offers[write.subject] = write.offers
            self._index(write.subject)
        else:
            self._offers.pop(write.subject, None)
        hashes = {OFFERS: self._offers_hash(write.subject)}
        return self._receipt(write.subject, Outcome.DONE, hashes)

    def _apply_content(self, write: ContentWrite) -> Receipt:
        if problem := self._problem(write):
            return self._receipt(write.subject, Outcome.REJECTED, message=problem)
        if not write.whole and write.subject not in self._pages:
            return self._receipt(write.subject, Outcome.MISSING, message="there is no such page")
        if missing := self._unknown_categories(write):
            message = f"category {missing[0]} is not here yet"
            return self._receipt(write.subject, Outcome.RETRY, message=message)
        made = write.subject not in self._pages
        _, unseen = self._answers.get((write.subject, Lane.CONTENT), ("", None))
        if write.seen in (None, self._last_fence(write.subject)):
            unseen = None
        page = self._pages.get(write.subject) or self._make(write.subject, write.slug)
        kept = frozenset(name for name in write.fields if _keeps(page, name, write.expected))
        stored = {
            name: value if name in write.verbatim else as_stored(value)
            for name, value in write.fields.items()
            if name not in kept
        }
        before = {
            name: Before(page.fields.get(name), stored_hash(page.fields.get(name)))
            for name in stored
        }
        page.fields.update(stored)
        if page.retired and page.policy == "delete" and page.state is PageState.TRASHED:
            page.state = PageState.PUBLISHED
        page.retired = False
        hashes = {name: stored_hash(value) for name, value in stored.items()}
        page.ours.update({n: FieldHash("") if n in write.joined else h for n, h in hashes.items()})
        page.bases.update({name: write.joined.get(name, write.fields[name]) for name in stored})
        receipt = self._receipt(write.subject, Outcome.DONE, hashes, kept)
        if unseen is not None:
            made, before = made or unseen.made, {**before, **(unseen.before or {})}
        return replace(receipt, made=made, before=None if made else before)

    def _last_fence(self, subject: Subject) -> str:
        fence = self._fences.get((subject, Lane.CONTENT))
        return str(fence) if fence else ""

    def _apply_adopt(self, write: AdoptWrite) -> Receipt:
        if write.subject in self._pages:
            return self._receipt(write.subject, Outcome.REJECTED, message="it has a page already")
        if write.cms_id not in self._own:
            return self._receipt(write.subject, Outcome.REJECTED, message="there is no such page")
        page, _ = self._own.pop(write.cms_id)
        self._place(write.subject, page)
        return self._receipt(write.subject, Outcome.DONE)

    def _apply_term(self, write: TermWrite) -> Receipt:
        parent = write.parent and Subject(SubjectKind.CATEGORY, write.parent)
        if parent and parent not in self._pages:
            message = f"parent {parent} is not here yet"
            return self._receipt(write.subject, Outcome.RETRY, message=message)
        page = self._pages.get(write.subject) or self._make(write.subject, write.slug)
        page.fields = {
            FieldName("name"): as_stored(write.name),
            FieldName("description"): as_stored(write.description),
            FieldName("parent"): write.parent,
            FieldName("rank"): write.rank,
        }
        return self._receipt(write.subject, Outcome.DONE, _hashes(page))

    def _apply_retire(self, write: RetireWrite) -> Receipt:
        if write.subject.kind is SubjectKind.CATEGORY:
            self._remove_term(write.subject)
            return self._receipt(write.subject, Outcome.DONE)
        if page := self._pages.get(write.subject):
            page.retired = True
            page.policy = write.policy
            if write.policy == "delete":
                page.state = PageState.TRASHED
        key = (write.subject, Lane.OFFERS)
        if not self._is_late(key, write.fence):
            self._offers.pop(write.subject, None)
            self._fences[key] = max(write.fence, self._fences.get(key, _NO_FENCE))
            self._answers.pop(key, None)
        hashes = {OFFERS: self._offers_hash(write.subject)}
        return self._receipt(write.subject, Outcome.DONE, hashes)

    # ---- inside ----

    def _note(
        self, method: str, subjects: tuple[Subject, ...] = (), write_ids: tuple[str, ...] = ()
    ) -> None:
        with self._lock:
            self.requests.append(Request(method, subjects, write_ids))
            self.counts[method] += 1
            self.counts[f"{method}.items"] += len(subjects)

    def _event(
        self,
        subject: Subject,
        what: str,
        user: str,
        fields: tuple[FieldName, ...] = (),
        request: EditorRequest | None = None,
    ) -> None:
        """Events are a second apart; a memory has no clock."""
        self._last_event += 1
        at = _BEGAN + timedelta(seconds=self._last_event)
        page = self._pages[subject]
        number = str(self._last_event)
        event = SiteEvent(number, at, subject, page.cms_id, what, fields, user, request)
        self._events.append(event)

    def _events_after(self, after: int) -> list[SiteEvent]:
        with self._lock:
            return [each for each in self._events if int(each.id) > after][: self._page_size]

    def _set_state(self, subject: Subject, state: PageState) -> None:
        with self._lock:
            self._pages[subject].state = state

    def _next_cms_id(self) -> CmsId:
        self._last_cms_id += 1
        return CmsId(str(self._last_cms_id))

    def _make(self, subject: Subject, slug: str) -> Page:
        free, number = slug, 2
        while self._slugs.get((subject.kind, free)) in self._pages:
            free, number = f"{slug}-{number}", number + 1
        page = Page(self._next_cms_id(), free)
        self._place(subject, page)
        return page

    def _place(self, subject: Subject, page: Page) -> None:
        self._slugs[subject.kind, page.slug] = subject
        self._pages[subject] = page
        self._index(subject)

    def _index(self, subject: Subject) -> None:
        ids = self._ids[subject.kind]
        place = bisect_right(ids, subject.id)
        if not place or ids[place - 1] != subject.id:
            ids.insert(place, subject.id)

    def _remove_term(self, subject: Subject) -> None:
        """As WordPress does: children move up to the parent, posts lose the term."""
        gone = self._pages.pop(subject, None)
        if gone is None:
            return
        parent_name = FieldName("parent")
        for page in self._pages.values():
            if page.fields.get(parent_name) == subject.id:
                page.fields[parent_name] = gone.fields[parent_name]
            listed = page.fields.get(CATEGORIES)
            if isinstance(listed, list) and subject.id in listed:
                page.fields[CATEGORIES] = [each for each in listed if each != subject.id]

    def _problem(self, write: ContentWrite) -> str:
        if not self.capabilities.multilingual and any("@" in name for name in write.fields):
            return "this site takes one locale only"
        for name, value in write.fields.items():
            if name.partition("@")[0] in _TEXTS and not isinstance(value, str):
                return f"field {name} is no text"
        return ""

    def _unknown_categories(self, write: ContentWrite) -> list[str]:
        listed = write.fields.get(CATEGORIES)
        wanted = listed if isinstance(listed, list) else []
        return [
            str(each)
            for each in wanted
            if Subject(SubjectKind.CATEGORY, str(each)) not in self._pages
        ]

    def _receipt(
        self,
        subject: Subject,
        outcome: Outcome,
        hashes: Mapping[FieldName, FieldHash] | None = None,
        kept: frozenset[FieldName] = frozenset(),
        message: str = "",
    ) -> Receipt:
        page = self._pages.get(subject)
        return Receipt(
            subject=subject,
            outcome=outcome,
            cms_id=page.cms_id if page else None,
            url=self._url(subject, page) if page else None,
            hashes=hashes or {},
            kept=kept,
            message=message,
        )

    def _url(self, subject: Subject, page: Page) -> str:
        return f"https://{self.name}.example/{subject.kind}/{page.slug}"

    def _offers_hash(self, subject: Subject) -> FieldHash:
        rows = self._offers.get(subject)
        return stored_hash([*sorted(map(repr, rows))]) if rows else FieldHash("")

    def _inventory_pages(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        after = ""
        while page := self.held_after(kind, after, self._page_size):
            yield page
            after = page[-1].subject.id

    def _held(self, subject: Subject) -> Held:
        """Offers may stand without a page (theirs is a table of its own); it has no id then."""
        page = self._pages.get(subject)
        hashes = _hashes(page) if page else {}
        if subject.kind is SubjectKind.PRODUCT:
            hashes[OFFERS] = self._offers_hash(subject)
        return Held(
            subject=subject,
            cms_id=page.cms_id if page else CmsId(""),
            live=page is not None and page.live,
            retired=page is not None and page.retired,
            hashes=hashes,
            url=self._url(subject, page) if page else None,
        )


_WRITES = frozenset({"write_offers", "write_content", "write_terms", "retire", "upload_media"})


def as_stored(value: JsonValue) -> JsonValue:
    """What the site makes of a value: line ends become one kind, outer space goes."""
    match value:
        case str():
            return value.replace("\r\n", "\n").replace("\r", "\n").strip()
        case list():
            return [as_stored(each) for each in value]
        case dict():
            return {name: as_stored(each) for name, each in value.items()}
        case _:
            return value


def stored_hash(stored: JsonValue) -> FieldHash:
    """The site's own fingerprint of a stored value: never equal to `hash_value` of the same."""
    return hash_value(["stored", stored])


def _hashes(page: Page) -> dict[FieldName, FieldHash]:
    return {name: stored_hash(value) for name, value in page.fields.items()}


def _keeps(page: Page, name: FieldName, expected: Mapping[FieldName, FieldHash]) -> bool:
    if name not in expected or name not in page.fields:
        return False
    return stored_hash(page.fields[name]) not in (expected[name], page.ours.get(name))


def _limit(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise Rejected(f"{count} {what} in one request; the site takes {limit}")
