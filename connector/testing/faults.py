"""Failures on purpose, around any catalogue or site: before a call, after it, in the middle.

A `Plan` says which call fails and how: `Script` by hand, `Seeded` by chance that a seed repeats.
`FaultyCatalogue` and `FaultySite` carry it out around a port that keeps its promises, so that
tests see what a lost answer, a broken listing or a half answer does to the code that calls.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar, cast

from connector.errors import ConnectorError, Incomplete, Rejected, TargetDown, TryAgain
from connector.model import Category, CmsId, JsonValue, ProductId, Subject, SubjectKind
from connector.ports import (
    BackendFacts,
    Catalogue,
    CatalogueCapabilities,
    ChangePage,
    Clock,
    ContentWrite,
    Fetched,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    Sighting,
    Site,
    SiteEvent,
    SiteFacts,
    StatusNote,
    StoredDocument,
    TakingWords,
    TermWrite,
    WebhookEvent,
    WordsReceipt,
    WordsWrite,
)
from connector.ports_panel import Panel, RequestAnswer

Answer = TypeVar("Answer")
Row = TypeVar("Row")


class When(StrEnum):
    """Where in a call the failure strikes."""

    BEFORE = "before"
    """Nothing reaches the other side."""
    AFTER = "after"
    """The other side did it; the answer is lost."""
    MIDWAY = "midway"
    """After `pages` pages of a listing; elsewhere like BEFORE."""


class Lie(StrEnum):
    """Answers that break a port's promise, as broken systems give them."""

    EMPTY = "empty"
    """A listing or answer with nothing in it, and no error."""
    HALF = "half"
    """A listing that ends after `pages` pages, or an answer for half of the items."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure. With neither error nor lie it only takes time."""

    error: ConnectorError | None = None
    when: When = When.BEFORE
    lie: Lie | None = None
    pages: int = 1
    latency_seconds: float = 0.0


def refused() -> Fault:
    return Fault(TargetDown("connection refused; start the other side"))


def throttled(seconds: float = 5.0) -> Fault:
    return Fault(TryAgain("too many requests", retry_after_seconds=seconds))


def lost_answer() -> Fault:
    return Fault(TryAgain("no answer in time; it may have been done"), When.AFTER)


def broken_off(pages: int = 1) -> Fault:
    return Fault(Incomplete("the listing broke off"), When.MIDWAY, pages=pages)


def slow(seconds: float) -> Fault:
    return Fault(latency_seconds=seconds)


class Plan(Protocol):
    """Decides whether this call of a method fails."""

    def next_fault(self, method: str) -> Fault | None: ...


class Script:
    """Faults by method, each used once, in order. Threads may share it."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self.used: list[tuple[str, Fault]] = []

    def on(self, method: str, *faults: Fault | None) -> Script:
        """The next calls of this method meet these, None for a call that goes well."""
        with self._lock:
            self._waiting[method].extend(faults)
        return self

    def always(self, method: str, fault: Fault | None) -> Script:
        """Every call of this method (None: stop), when nothing of `on` is left."""
        with self._lock:
            if fault is None:
                self._always.pop(method, None)
            else:
                self._always[method] = fault
        return self

    def next_fault(self, method: str) -> Fault | None:
        with self._lock:
            waiting = self._waiting[method]
            fault = waiting.popleft() if waiting else self._always.get(method)
            if fault is not None:
                self.used.append((method, fault))
            return fault


class Seeded:
    """Faults by chance: one seed gives one sequence. `stop` ends them, to see things settle."""

    def __init__(
        self,
        seed: int,
        rate: float = 0.2,
        faults: Sequence[Fault] | None = None,
        methods: frozenset[str] | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._rate = rate
        self._faults = faults or [refused(), throttled(), lost_answer(), broken_off()]
        self._methods = methods
        self._lock = threading.Lock()
        self.used: list[tuple[str, Fault]] = []

    def stop(self) -> None:
        with self._lock:
            self._rate = 0.0

    def next_fault(self, method: str) -> Fault | None:
        if self._methods is not None and method not in self._methods:
            return None
        with self._lock:
            if self._random.random() >= self._rate:
                return None
            fault = self._random.choice(self._faults)
            self.used.append((method, fault))
            return fault


# ---- how a fault is carried out ----


@dataclass(frozen=True, slots=True)
class _Stage:
    plan: Plan
    clock: Clock

    def begin(self, method: str) -> Fault:
        """The fault of this call, after its latency. Raises what strikes before a call."""
        fault = self.plan.next_fault(method) or Fault()
        if fault.latency_seconds:
            self.clock.sleep(fault.latency_seconds)
        if fault.error is not None and fault.when is When.BEFORE:
            raise fault.error
        return fault

    def call(
        self,
        method: str,
        do: Callable[[], Answer],
        lies: Mapping[Lie, Callable[[Answer], Answer]] | None = None,
    ) -> Answer:
        fault = self.begin(method)
        if fault.error is not None and fault.when is When.MIDWAY:
            raise fault.error
        answer = do()
        if fault.error is not None:
            raise fault.error
        if fault.lie is not None and lies is not None:
            return lies[fault.lie](answer)
        return answer

    def listing(self, method: str, pages: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        """Strikes while the listing is read, as networks do."""
        fault = self.begin(method)
        if fault.lie is Lie.EMPTY:
            return
        for number, page in enumerate(pages()):
            if number >= fault.pages and fault.when is When.MIDWAY and fault.error is not None:
                raise fault.error
            if number >= fault.pages and fault.lie is Lie.HALF:
                return
            yield page
        if fault.error is not None:
            raise fault.error


def _half(rows: Sequence[Row]) -> Sequence[Row]:
    return rows[: len(rows) // 2]


def _panel(site: Site) -> Panel:
    assert isinstance(site, Panel)
    return site


def _nothing(rows: Sequence[Row]) -> Sequence[Row]:
    return rows[:0]


def _all_gone(fetched: Fetched) -> Fetched:
    return Fetched({}, frozenset(fetched.products) | fetched.gone)


def _half_gone(fetched: Fetched) -> Fetched:
    kept = dict(list(fetched.products.items())[: len(fetched.products) // 2])
    return replace(fetched, products=kept, gone=fetched.gone | (set(fetched.products) - set(kept)))


# ---- the ports ----


class FaultyCatalogue:
    """A catalogue whose calls fail as the plan says."""

    def __init__(self, inner: Catalogue, plan: Plan, clock: Clock) -> None:
        self.inner = inner
        self._stage = _Stage(plan, clock)

    @property
    def capabilities(self) -> CatalogueCapabilities:
        return self.inner.capabilities

    def check(self) -> BackendFacts:
        return self._stage.call("check", self.inner.check)

    def ids(self) -> Iterator[Sequence[ProductId]]:
        return self._stage.listing("ids", self.inner.ids)

    def products(self) -> Iterator[Fetched]:
        return self._stage.listing("products", self.inner.products)

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        """Lies say that the products asked for (or half of them) are gone."""
        lies = {Lie.EMPTY: _all_gone, Lie.HALF: _half_gone}
        return self._stage.call("fetch", lambda: self.inner.fetch(ids), lies)

    def find_sku(self, sku: str) -> Sequence[ProductId]:
        return self._stage.call("find_sku", lambda: self.inner.find_sku(sku))

    def categories(self) -> Sequence[Category]:
        lies: Mapping[Lie, Callable[[Sequence[Category]], Sequence[Category]]]
        lies = {Lie.EMPTY: _nothing, Lie.HALF: _half}
        return self._stage.call("categories", self.inner.categories, lies)

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        return self._stage.listing("changes", lambda: self.inner.changes(cursor))

    def cursor_at(self, moment: datetime) -> str:
        return self._stage.call("cursor_at", lambda: self.inner.cursor_at(moment))

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        return self._stage.listing("sweep", lambda: self.inner.sweep(name))

    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        return self._stage.call("webhook", lambda: self.inner.webhook(headers, body, now))

    def as_compared(self, words: Mapping[str, str]) -> Mapping[str, str]:
        return cast(TakingWords, self.inner).as_compared(words)

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        inner = cast(TakingWords, self.inner)
        return self._stage.call("write_words", lambda: inner.write_words(write))

    def admin_url(self, product: ProductId) -> str | None:
        return self.inner.admin_url(product)

    def close(self) -> None:
        self.inner.close()


class FaultySite:
    """A site whose calls fail as the plan says.

    `poison` are subjects that the site rejects; `bombs` are subjects that take their whole batch
    down with a Rejected, so that only asking for the others apart gets these through.
    """

    def __init__(self, inner: Site, plan: Plan, clock: Clock) -> None:
        self.inner = inner
        self._stage = _Stage(plan, clock)
        self.poison: set[Subject] = set()
        self.bombs: set[Subject] = set()

    def check(self) -> SiteFacts:
        return self._stage.call("check", self.inner.check)

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        return self._write("write_offers", batch, self.inner.write_offers)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return self._write("write_content", batch, self.inner.write_content)

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]:
        return self._write("write_terms", batch, self.inner.write_terms)

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]:
        return self._write("retire", batch, self.inner.retire)

    def find_media(self, content_hashes: Sequence[str]) -> Mapping[str, MediaReceipt]:
        return self._stage.call("find_media", lambda: self.inner.find_media(content_hashes))

    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        return self._stage.call("upload_media", lambda: self.inner.upload_media(upload))

    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        return self._stage.listing("inventory", lambda: self.inner.inventory(kind))

    def documents(self, kind: SubjectKind, ids: Sequence[str]) -> Sequence[StoredDocument]:
        lies: Mapping[Lie, Callable[[Sequence[StoredDocument]], Sequence[StoredDocument]]]
        lies = {Lie.EMPTY: _nothing, Lie.HALF: _half}
        return self._stage.call("documents", lambda: self.inner.documents(kind, ids), lies)

    def events(self, after: str) -> Iterator[Sequence[SiteEvent]]:
        return self._stage.listing("events", lambda: self.inner.events(after))

    def acknowledge_events(self, upto: str) -> None:
        self._stage.call("acknowledge_events", lambda: self.inner.acknowledge_events(upto))

    def write_status(self, batch: Sequence[StatusNote]) -> None:
        self._stage.call("write_status", lambda: self.inner.write_status(batch))

    def write_summary(self, summary: Mapping[str, JsonValue]) -> None:
        self._stage.call("write_summary", lambda: _panel(self.inner).write_summary(summary))

    def answer_requests(self, answers: Sequence[RequestAnswer]) -> None:
        self._stage.call("answer_requests", lambda: _panel(self.inner).answer_requests(answers))

    def admin_url(self, cms_id: CmsId) -> str | None:
        return self.inner.admin_url(cms_id)

    def close(self) -> None:
        self.inner.close()

    def _write(
        self, method: str, batch: Sequence[_W], write: Callable[[Sequence[_W]], Sequence[Receipt]]
    ) -> Sequence[Receipt]:
        lies: Mapping[Lie, Callable[[Sequence[Receipt]], Sequence[Receipt]]]
        lies = {Lie.EMPTY: _nothing, Lie.HALF: _half}
        return self._stage.call(method, lambda: self._past_poison(batch, write), lies)

    def _past_poison(
        self, batch: Sequence[_W], write: Callable[[Sequence[_W]], Sequence[Receipt]]
    ) -> Sequence[Receipt]:
        if any(each.subject in self.bombs for each in batch):
            raise Rejected(f"the site refused a batch of {len(batch)} as a whole")
        written = iter(write([each for each in batch if each.subject not in self.poison]))
        return [
            Receipt(each.subject, Outcome.REJECTED, message="the site does not take it")
            if each.subject in self.poison
            else next(written)
            for each in batch
        ]


_W = TypeVar("_W", OffersWrite, ContentWrite, TermWrite, RetireWrite)
