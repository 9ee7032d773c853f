"""What plain mode writes of each item, decided from what the page holds now.

Pure: a write, the page as read a moment ago and what is known of the site make a `PageWrite`, or
the receipt where there is nothing to write. What a core calls things stands in its `Frame`. Sends
nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Generic, TypeVar

from adapters.plain.page import (
    CATEGORIES,
    OFFERS,
    TEXTS,
    Marker,
    Page,
    category_ids,
    offers_hash,
    offers_table,
    stored_hashes,
    stored_values,
)
from connector.model import (
    BackendName,
    CategoryId,
    CmsId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    Subject,
    hash_value,
)
from connector.ports import Before, ContentWrite, Held, OffersWrite, Outcome, Receipt, RetireWrite

Write = OffersWrite | ContentWrite | RetireWrite
P = TypeVar("P", bound=Page)
W = TypeVar("W", OffersWrite, ContentWrite, RetireWrite)


@dataclass(frozen=True, slots=True)
class Frame(ABC, Generic[P]):
    """What is known of the site while a batch is decided, and what its core calls things."""

    extension: ClassVar[str]
    """What the CMS calls an extension like ours."""

    backend: BackendName
    shown: frozenset[FieldName]
    """The fields for which core has a place; of others the marker's hash alone is kept."""
    terms: Mapping[str, CategoryId]
    """Our categories there, by their keys."""

    @abstractmethod
    def url(self, page: P) -> str:
        """Where visitors find it."""

    @abstractmethod
    def state(self, page: P) -> str:
        """The editor's state of it, to be remembered while it is retired."""

    @abstractmethod
    def is_live(self, page: P) -> bool:
        """Whether visitors see it."""

    @abstractmethod
    def hiding(self, page: P) -> Mapping[str, JsonValue]:
        """The change that takes it off; empty where nobody sees it."""

    @abstractmethod
    def changes(
        self, fields: Mapping[FieldName, JsonValue], page: P | None, old: Marker
    ) -> Mapping[str, JsonValue]:
        """What becomes of core's own fields, by their names, and of its state."""

    @abstractmethod
    def picture(self, fields: Mapping[FieldName, JsonValue], old: Marker) -> str:
        """The file that stands in front after this write."""

    def problem(self, fields: Mapping[FieldName, JsonValue]) -> str:
        """Why plain mode can never take these fields; empty when it can."""
        for name, value in fields.items():
            if "@" in name:
                return (
                    f"field {name}: plain mode takes one locale only; install the {self.extension}"
                )
            if name in TEXTS and not isinstance(value, str):
                return f"field {name} is no text"
        return ""

    def as_stored(self, _name: FieldName, value: str) -> str:
        """What core will make of a text, as far as it can be foretold."""
        return value

    def wanted_hash(self, name: FieldName, value: JsonValue) -> FieldHash:
        """The hash of a value as core will store it, as far as that can be foretold."""
        if name == CATEGORIES:
            return hash_value([*sorted(category_ids(value))])
        return hash_value(self.as_stored(name, value) if isinstance(value, str) else value)

    def hashes(self, page: P) -> dict[FieldName, FieldHash]:
        return stored_hashes(page, self.shown, self.terms)

    def values(self, page: P) -> dict[FieldName, JsonValue]:
        return stored_values(page, self.shown, self.terms)

    def categories_of(self, value: JsonValue, page: P | None) -> list[str]:
        """The keys that a page gets: those of ours that are named, and the editor's own."""
        named = set(category_ids(value))
        ours = [key for key, category in self.terms.items() if category in named]
        theirs = [each for each in page.categories if each not in self.terms] if page else []
        return [*ours, *theirs]


@dataclass(frozen=True, slots=True)
class PageWrite(Generic[P]):
    """A page as it should be: our section, and what changes beside it."""

    subject: Subject
    page: P | None
    """The page as it is; None: it is made."""
    marker: Marker
    offers_html: str
    written: frozenset[FieldName]
    kept: frozenset[FieldName] = frozenset()
    changes: Mapping[str, JsonValue] = field(default_factory=dict)


Decide = Callable[[W, "P | None", Frame[P]], "PageWrite[P] | Receipt"]


def repeated(write: Write, lane: Lane, page: P | None, frame: Frame[P]) -> Receipt | None:
    """The receipt that this very write got before; None when it is the first time."""
    marker = page.marker if page else None
    if page is None or marker is None or marker.write_ids.get(lane) != write.write_id:
        return None
    match write:
        case ContentWrite():
            names = [name for name in write.fields if name not in marker.kept]
        case OffersWrite() | RetireWrite():
            names = [OFFERS]
    kept = marker.kept if isinstance(write, ContentWrite) else frozenset[FieldName]()
    hashes = {name: marker.hashes[name] for name in names if name in marker.hashes}
    return receipt_of(page, write.subject, frame, hashes, kept)


def decide_content(write: ContentWrite, page: P | None, frame: Frame[P]) -> PageWrite[P] | Receipt:
    if problem := frame.problem(write.fields):
        return Receipt(write.subject, Outcome.REJECTED, message=problem)
    if page is None and not write.whole:
        return Receipt(write.subject, Outcome.MISSING, message="there is no such page")
    if waits := _missing_category(write, frame):
        return Receipt(write.subject, Outcome.RETRY, message=f"category {waits} is not here yet")
    old = _marker(write, page, frame)
    kept = _kept(write, page, frame)
    fields = {name: value for name, value in write.fields.items() if name not in kept}
    hashes = {name: frame.wanted_hash(name, value) for name, value in fields.items()}
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={OFFERS: FieldHash(""), **old.hashes, **hashes},
        kept=kept,
        picture=frame.picture(fields, old),
        retired_from=None,
    )
    wanted = PageWrite(
        subject=write.subject,
        page=page,
        marker=marker,
        offers_html=page.offers_html if page else "",
        written=frozenset(fields),
        kept=kept,
        changes=frame.changes(fields, page, old),
    )
    return _unless_equal(wanted, frame)


def decide_offers(write: OffersWrite, page: P | None, frame: Frame[P]) -> PageWrite[P] | Receipt:
    """Offers stand in the page, so they wait for it. The same table again is not written."""
    table = offers_table(write.offers)
    hashes = {OFFERS: offers_hash(table)}
    if page is None:
        if table:
            return Receipt(write.subject, Outcome.RETRY, message="the page is not here yet")
        return Receipt(write.subject, Outcome.DONE, hashes=hashes)
    old = _marker(write, page, frame)
    if page.marker and table == page.offers_html:
        return receipt_of(page, write.subject, frame, hashes)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.OFFERS: write.write_id},
        hashes={**old.hashes, **hashes},
    )
    return PageWrite(write.subject, page, marker, table, frozenset({OFFERS}))


def decide_retire(write: RetireWrite, page: P | None, frame: Frame[P]) -> PageWrite[P] | Receipt:
    """Unpublish, remember the state that the page had, and take the offers out."""
    gone = {OFFERS: FieldHash("")}
    if page is None:
        return Receipt(write.subject, Outcome.DONE, hashes=gone)
    old, hiding = _marker(write, page, frame), frame.hiding(page)
    if old.retired_from is not None and not hiding and not page.offers_html:
        return receipt_of(page, write.subject, frame, gone)
    marker = replace(
        old,
        write_ids={**old.write_ids, Lane.CONTENT: write.write_id},
        hashes={**old.hashes, **gone},
        kept=frozenset(),
        retired_from=frame.state(page) if hiding or old.retired_from is None else old.retired_from,
    )
    return PageWrite(write.subject, page, marker, "", frozenset({OFFERS}), changes=hiding)


def receipt_of(
    page: P,
    subject: Subject,
    frame: Frame[P],
    hashes: Mapping[FieldName, FieldHash],
    kept: frozenset[FieldName] = frozenset(),
) -> Receipt:
    return Receipt(subject, Outcome.DONE, CmsId(str(page.id)), frame.url(page), hashes, kept)


def receipt_of_write(write: PageWrite[P], now: P, frame: Frame[P]) -> Receipt:
    """The receipt of a write that core carried out; `now` is what it stored."""
    stored = frame.hashes(now)
    hashes = {name: stored[name] for name in write.written}
    receipt = receipt_of(now, write.subject, frame, hashes, write.kept)
    return replace(receipt, before=_replaced(write, frame), made=write.page is None)


def held_of(page: P, marker: Marker, frame: Frame[P]) -> Held:
    live = frame.is_live(page)
    return Held(
        subject=marker.subject,
        cms_id=CmsId(str(page.id)),
        live=live,
        retired=marker.retired_from is not None and not live,
        hashes=frame.hashes(page),
        url=frame.url(page),
    )


def _replaced(write: PageWrite[P], frame: Frame[P]) -> dict[FieldName, Before] | None:
    """What a write replaced, of the fields that have a place; None: the page was made."""
    if write.page is None:
        return None
    hashes, values = frame.hashes(write.page), frame.values(write.page)
    return {
        name: Before(values[name], hashes[name])
        for name in write.written
        if name in values and name in hashes
    }


def _marker(write: Write, page: P | None, frame: Frame[P]) -> Marker:
    return (page and page.marker) or Marker(frame.backend, write.subject.id)


def _unless_equal(write: PageWrite[P], frame: Frame[P]) -> PageWrite[P] | Receipt:
    """A change that would change nothing but the write id is no write."""
    page = write.page
    if page is None or page.marker is None or write.changes:
        return write
    if replace(page.marker, write_ids=write.marker.write_ids) != write.marker:
        return write
    hashes = {name: write.marker.hashes[name] for name in write.written}
    return receipt_of(page, write.subject, frame, hashes, write.kept)


def _missing_category(write: ContentWrite, frame: Frame[P]) -> CategoryId | None:
    if CATEGORIES not in frame.shown:
        return None
    known = set(frame.terms.values())
    wanted = category_ids(write.fields.get(CATEGORIES))
    return next((each for each in wanted if each not in known), None)


def _kept(write: ContentWrite, page: P | None, frame: Frame[P]) -> frozenset[FieldName]:
    """Where the stored value is neither the one expected nor the one that we wrote last."""
    if page is None or page.marker is None:
        return frozenset()
    now, ours = frame.hashes(page), page.marker.hashes
    return frozenset(
        name
        for name in write.fields
        if name in write.expected
        and name in now
        and now[name] not in (write.expected[name], ours[name])
    )
