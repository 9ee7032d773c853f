"""What to do at a site about one due subject: the decision, as a value. Pure.

Offers and content are decided apart, because they are written apart. What a product's absence
means (gone from the backend, not selected) is said by the caller; a broken answer never gets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.model import Document, FieldHash, FieldName, JsonValue, Offer, hash_value
from connector.sync.diff import (
    LIVE,
    PAGE,
    RETIRED,
    ContentChange,
    Holds,
    Mirror,
    asked,
    content_change,
    doubted,
    value_change,
)
from connector.sync.edits import Rulings, Settled, Stored, settle
from connector.sync.owners import Owner
from connector.sync.project import OFFERS, Projection, Term, offers_json
from connector.sync.rules import SiteRules, never


@dataclass(frozen=True, slots=True)
class Absent:
    """The product does not belong on the site, and why, in words for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the site confirmed of a subject."""

    bound: bool = False
    retired: bool = False
    mirror: Mirror | None = None
    holds: Holds = field(default_factory=dict)
    """What people hold against the backend, without holds that are over."""
    rulings: Rulings = field(default_factory=dict)
    """What people said of its conflicts."""
    stored: Stored | None = None
    """What the site holds, where it was asked (see `Ask`)."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """Who decides fields of this page otherwise than usual: an editor took them over."""
    unsure: bool = False
    """A write may have reached the site whose answer never came: the mirror may be out of date."""

    def trusted(self) -> Mirror | None:
        """The mirror as far as it can be relied on."""
        return doubted(self.mirror) if self.unsure else self.mirror

    def on_site(self) -> bool:
        """Whether the subject may be on sale at the site."""
        return self.unsure or (self.bound and not self.retired)

    def page_held(self) -> str | None:
        """LIVE or RETIRED where a person decided so; None: the backend decides."""
        hold = self.holds.get(PAGE)
        return None if hold is None else str(hold.value)


@dataclass(frozen=True, slots=True)
class SendOffers:
    offers: tuple[Offer, ...]
    rows: list[JsonValue]
    sent: FieldHash


@dataclass(frozen=True, slots=True)
class SendContent:
    slug: str
    change: ContentChange


@dataclass(frozen=True, slots=True)
class SendTerm:
    term: Term


@dataclass(frozen=True, slots=True)
class TakeOff:
    """Retire the subject at the site."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The site's own values of these fields must be read first: both sides changed them."""

    fields: frozenset[FieldName]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No request is needed."""

    reason: str = "the site has it already"


Decision = SendOffers | SendContent | SendTerm | TakeOff | Ask | Nothing


def decide_offers(truth: Projection | Absent, known: Known) -> SendOffers | Nothing:
    """Offers to write; none for a product that is absent, so that its rows go away."""
    shown = isinstance(truth, Projection) and known.page_held() != RETIRED
    offers = truth.offers if shown and isinstance(truth, Projection) else ()
    rows = offers_json(offers)
    sent = hash_value(rows)
    if not value_change(sent, known.trusted(), OFFERS):
        return Nothing()
    if not offers and known.mirror is None and not known.unsure:
        reason = truth.reason if isinstance(truth, Absent) else "no variant has a price here"
        return Nothing(reason)
    return SendOffers(offers, rows, sent)


def decide_content(
    truth: Projection | Absent, known: Known, rules: SiteRules
) -> SendContent | TakeOff | Ask | Nothing:
    """The page to write or retire. A retired page that is wanted again is written to revive it."""
    rules = rules.of_page(known.owners)
    held = known.page_held()
    if isinstance(truth, Absent) and held == LIVE:
        return SendContent("", _REVIVE) if known.retired else Nothing("held on sale by a person")
    if isinstance(truth, Absent) or held == RETIRED:
        reason = truth.reason if isinstance(truth, Absent) else "held off sale by a person"
        return TakeOff(reason) if known.on_site() else Nothing(reason)
    document = truth.document
    fields = asked(document, known.trusted(), rules, known.holds, known.rulings)
    if fields and known.stored is None:
        return Ask(fields)
    settled = _settled(document, fields, known, rules)
    change = content_change(document, known.trusted(), rules, known.holds, settled)
    if change is None and not known.retired:
        return Nothing()
    return SendContent(document.slug, change or _REVIVE)


def _settled(
    document: Document, fields: frozenset[FieldName], known: Known, rules: SiteRules
) -> dict[FieldName, Settled]:
    stored, mirror = known.stored or {}, known.mirror or {}
    return {
        name: settle(
            name,
            rules.owner(name),
            document.fields[name],
            stored.get(name),
            mirror[name].stored,
            known.rulings.get(name),
            rules.alike if rules.owner(name) is Owner.TWO_WAY else never,
        )
        for name in document.fields
        if name in fields
    }


_REVIVE = ContentChange(fields={}, sent={}, expected={}, creates=False)
"""Publishes a retired page again as it is."""


def decide_term(truth: Term | Absent, known: Known) -> SendTerm | TakeOff | Nothing:
    """The category to write or take away."""
    if isinstance(truth, Absent):
        return TakeOff(truth.reason) if known.on_site() else Nothing(truth.reason)
    unchanged = not value_change(truth.fingerprint(), known.trusted(), TERM)
    if unchanged and known.bound and not known.retired:
        return Nothing()
    return SendTerm(truth)


TERM = FieldName("term")
"""The one field of a category in the mirror."""
