"""What a sync would change, without changing it: for `connector diff` and `sync --dry-run`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.errors import blaming
from connector.model import JsonValue, Lane, ProductId, Subject, SubjectKind
from connector.ports import Clock, Fetched
from connector.state import conflicts, holds, mirror, taken
from connector.state.database import Database
from connector.state.targets import backend_target
from connector.sync.decide import (
    Ask,
    Nothing,
    SendContent,
    SendOffers,
    TakeOff,
    decide_content,
    decide_offers,
)
from connector.sync.diff import ContentChange, OfferChange, offer_changes
from connector.sync.plan import batches
from connector.target import Target
from connector.truth import TruthReader, Truths, end_holds, known_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that would happen to one subject at one site."""

    site: str
    subject: str
    lane: str
    action: str
    """create, update, merge, retire, reject."""
    details: tuple[str, ...] = ()
    changes: tuple[Mapping[str, JsonValue], ...] = ()
    """The same for machines: `what`, and maybe `sku`, `before`, `after`, `note`."""


class Preview:
    """Differences of one target."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._reader = TruthReader(database, target, clock)

    def of(self, ids: Sequence[ProductId], lanes: frozenset[Lane]) -> Iterator[Difference]:
        """The differences of these products."""
        subjects = [Subject(SubjectKind.PRODUCT, identity) for identity in ids]
        for batch in batches(subjects, self._target.catalogue.capabilities.fetch_size):
            yield from self._page(self._reader.products(batch), lanes)

    def of_all(self, lanes: frozenset[Lane]) -> Iterator[Difference]:
        """The differences of everything, and what the site has too much."""
        seen: set[Subject] = set()
        with blaming(backend_target(self._target.backend)):
            for fetched in self._target.catalogue.products():
                truths = self._projected(fetched)
                seen |= truths.shown.keys() | truths.rejected.keys()
                yield from self._page(truths, lanes)
        yield from self._surplus(seen)

    def _projected(self, fetched: Fetched) -> Truths:
        truths = Truths()
        self._reader.project(fetched, truths)
        return truths

    def _surplus(self, seen: set[Subject]) -> Iterator[Difference]:
        with self._database.read() as connection:
            for page in mirror.bound(connection, self._target.name, SubjectKind.PRODUCT):
                for subject in page:
                    if subject not in seen:
                        reason = "the backend's listing does not name it; it would be looked up"
                        yield self._difference(subject, Lane.CONTENT, "retire", (reason,))

    def _page(self, truths: Truths, lanes: frozenset[Lane]) -> Iterator[Difference]:
        for subject, error in sorted(truths.rejected.items()):
            yield self._difference(subject, Lane.CONTENT, "reject", (error.message,))
        subjects, site = sorted(truths.shown), self._target.name
        with self._database.read() as connection:
            offers = mirror.load_mirror(connection, site, Lane.OFFERS, subjects)
            content = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
            bound = mirror.load_bindings(connection, site, subjects)
            held = holds.load_holds(connection, site, subjects)
            said = conflicts.load_rulings(connection, site, subjects)
            theirs = taken.load_taken(connection, site, subjects)
        end_holds(held, truths)
        for subject in subjects:
            truth, binding, own = truths.shown[subject], bound.get(subject), held.get(subject)
            if not lanes or Lane.CONTENT in lanes:
                known = known_of(
                    binding, content.get(subject), own, said.get(subject), theirs.get(subject)
                )
                page = decide_content(truth, known, self._target.rules)
                yield from self._content(subject, page)
            if not lanes or Lane.OFFERS in lanes:
                before = offers.get(subject)
                rows = decide_offers(truth, known_of(binding, before, own))
                yield from self._offers(subject, rows, before)

    def _content(
        self, subject: Subject, what: SendContent | TakeOff | Ask | Nothing
    ) -> Iterable[Difference]:
        match what:
            case SendContent(change=change):
                action = "create" if change.creates else "update"
                names = tuple(sorted(change.fields)) or ("published again",)
                changes = _page_changes(change)
                return [self._difference(subject, Lane.CONTENT, action, names, changes)]
            case TakeOff(reason=reason):
                return [self._difference(subject, Lane.CONTENT, "retire", (reason,))]
            case Ask(fields=fields):
                both = tuple(f"{name}, which an editor changed too" for name in sorted(fields))
                noted = tuple({"what": str(name), "note": "both"} for name in sorted(fields))
                return [self._difference(subject, Lane.CONTENT, "merge", both, noted)]
            case Nothing():
                return []

    def _offers(
        self, subject: Subject, what: SendOffers | Nothing, before: mirror.MirrorRow | None
    ) -> Iterable[Difference]:
        if isinstance(what, Nothing):
            return []
        known = before.shown if before and before.shown else []
        found = offer_changes(known, what.rows)
        details = tuple(
            f"{change.sku or subject.id} in {change.market}: {change.what}"
            f" {change.before} -> {change.after}"
            for change in found
        )
        action = "update" if before else "create"
        changes = tuple(map(told, found))
        return [self._difference(subject, Lane.OFFERS, action, details, changes)]

    def _difference(
        self,
        subject: Subject,
        lane: Lane,
        action: str,
        details: tuple[str, ...],
        changes: tuple[Mapping[str, JsonValue], ...] | None = None,
    ) -> Difference:
        if changes is None:
            changes = ({"what": "page", "note": action, "after": details[0]},)
        return Difference(self._target.name, str(subject), lane.value, action, details, changes)


def told(change: OfferChange) -> dict[str, JsonValue]:
    """A change of an offer, for machines."""
    return {
        "what": change.what,
        "sku": change.sku,
        "before": change.before,
        "after": change.after,
    }


def _page_changes(change: ContentChange) -> tuple[Mapping[str, JsonValue], ...]:
    if change.creates or not change.fields:
        return ({"what": "page", "note": "made" if change.creates else "published"},)
    return tuple({"what": str(n), "after": value} for n, value in sorted(change.fields.items()))
