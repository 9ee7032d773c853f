"""What to do at a site about one due subject: the decision, as a value. Pure.

Offers and content are decided apart, because they are written apart. What a product's absence
means (gone from the backend, not selected) is said by the caller; a broken answer never gets here.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.model import FieldHash, FieldName, JsonValue, Offer, hash_value
from connector.sync.diff import ContentChange, Mirror, content_change, value_change
from connector.sync.project import OFFERS, Projection, Term, offers_json
from connector.sync.rules import SiteRules


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
class Nothing:
    """No request is needed."""

    reason: str = "the site has it already"


Decision = SendOffers | SendContent | SendTerm | TakeOff | Nothing


def decide_offers(truth: Projection | Absent, known: Known) -> SendOffers | Nothing:
    """Offers to write; none for a product that is absent, so that its rows go away."""
    offers = truth.offers if isinstance(truth, Projection) else ()
    rows = offers_json(offers)
    sent = hash_value(rows)
    if not value_change(sent, known.mirror, OFFERS):
        return Nothing()
    if not offers and known.mirror is None:
        reason = truth.reason if isinstance(truth, Absent) else "no variant has a price here"
        return Nothing(reason)
    return SendOffers(offers, rows, sent)


def decide_content(
    truth: Projection | Absent, known: Known, rules: SiteRules
) -> SendContent | TakeOff | Nothing:
    """The page to write or retire. A retired page that is wanted again is written to revive it."""
    if isinstance(truth, Absent):
        on_sale = known.bound and not known.retired
        return TakeOff(truth.reason) if on_sale else Nothing(truth.reason)
    change = content_change(truth.document, known.mirror, rules)
    if change is None and not known.retired:
        return Nothing()
    if change is None:
        change = ContentChange(fields={}, sent={}, expected={}, creates=False)
    return SendContent(truth.document.slug, change)


def decide_term(truth: Term | Absent, known: Known) -> SendTerm | TakeOff | Nothing:
    """The category to write or take away."""
    if isinstance(truth, Absent):
        on_site = known.bound and not known.retired
        return TakeOff(truth.reason) if on_site else Nothing(truth.reason)
    unchanged = not value_change(truth.fingerprint(), known.mirror, TERM)
    if unchanged and known.bound and not known.retired:
        return Nothing()
    return SendTerm(truth)


TERM = FieldName("term")
"""The one field of a category in the mirror."""
