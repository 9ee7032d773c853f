"""A site in plain mode, whichever its core: locked, read, decided, written.

No core has a lock for us, so one write at a time goes to a site from this process, and one process
alone may write to it. Adapters read and send pages; what is written, decide.py says.
"""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic

from adapters.plain.decide import (
    Decide,
    Frame,
    P,
    W,
    Write,
    decide_content,
    decide_offers,
    decide_retire,
    held_of,
)
from adapters.plain.page import CATEGORIES, category_ids
from adapters.plain.terms import GONE, Answer, Terms, failed
from connector.errors import Rejected
from connector.model import Lane, Subject, SubjectKind
from connector.ports import (
    ContentWrite,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    SiteCapabilities,
    SiteEvent,
    SiteSettings,
    StatusNote,
    StoredDocument,
    TermWrite,
)

RUN = 25
"""How many pages one read asks for."""
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


class PlainSite(ABC, Generic[P]):
    """The part of `ports.Site` that is the same for every core, for the subjects of one backend."""

    def __init__(self, settings: SiteSettings, terms: Terms) -> None:
        self._backend = settings.backend
        self._home = settings.url.rstrip("/")
        self._terms = terms
        with _locks_lock:
            self._lock = _locks.setdefault(self._home, threading.RLock())

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

    @abstractmethod
    def _write(self, batch: Sequence[W], lane: Lane, decide: Decide[W, P]) -> list[Receipt]:
        """Read, decide and send, in the order of the batch."""

    @abstractmethod
    def _frame(self) -> Frame[P]:
        """What is known of the site now."""

    def _frame_for(self, run: Sequence[Write]) -> Frame[P]:
        """The same, categories read again when one is named that is not known yet."""
        named = {
            category
            for write in run
            if isinstance(write, ContentWrite)
            for category in category_ids(write.fields.get(CATEGORIES))
        }
        if named - set(self._terms.ids().values()):
            self._terms.read()
        return self._frame()

    # ---- media ----

    @abstractmethod
    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]: ...

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        if hashlib.sha256(upload.body).hexdigest() != upload.content_hash:
            raise Rejected(f"the bytes of {upload.filename} are not those of its content hash")
        with self._lock:
            held = self.find_media([upload.content_hash])
            return held.get(upload.content_hash) or self._upload(upload)

    @abstractmethod
    def _upload(self, upload: MediaUpload) -> MediaReceipt:
        """Store a file under a name from which `find_media` knows its hash."""

    # ---- the rest ----

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        with self._lock:
            self._terms.read()
            terms, frame = list(self._terms.held()), self._frame()
        if kind is SubjectKind.CATEGORY:
            yield terms
            return
        for pages in self._listed():
            yield [held_of(page, page.marker, frame) for page in pages if page.marker]

    @abstractmethod
    def _listed(self) -> Iterator[Sequence[P]]:
        """The pages of our backend, all or Incomplete."""

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


def page_failed(subject: Subject, answer: Answer) -> Receipt:
    """The receipt of a page that core did not write."""
    if answer.status in GONE:
        return Receipt(subject, Outcome.RETRY, message="the page went away meanwhile")
    return failed(subject, answer)
