"""What must be written: the wanted values held against what the site last confirmed.

Pure. The mirror holds two hashes per field: of the value that we sent (ours) and of the value as
the site stored it (the site's; CMSs change what they are given). A field is written when the value
wanted now is not the one sent; nothing to write means no request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connector.model import Document, FieldHash, FieldName, JsonValue
from connector.sync.edits import Contested, Rulings, Settled
from connector.sync.merge import Unknown
from connector.sync.owners import Owner
from connector.sync.rules import SiteRules


@dataclass(frozen=True, slots=True)
class FieldMirror:
    """What is known of one field at a site."""

    sent: FieldHash
    """Of the value that we last sent, or would have sent had the editor's not been kept."""
    stored: FieldHash
    """Of the value as the site stored it when we last wrote it. Where an editor's words are in it:
    of the value that the site would not change to one that joins them with ours, else ""."""
    kept: bool = False
    """An editor's words are in what the site holds."""


Mirror = Mapping[FieldName, FieldMirror]


def doubted(mirror: Mirror | None) -> Mirror | None:
    """The mirror where a later write may have reached the site: nothing counts as sent."""
    if mirror is None:
        return None
    return {name: replace(field, sent=FieldHash("")) for name, field in mirror.items()}


@dataclass(frozen=True, slots=True)
class Hold:
    """A field kept as a person wants it, against one value of the backend.

    It is over when the backend has another value than `against`.
    """

    value: JsonValue
    against: FieldHash
    """The hash of the backend's value that is not to be shown."""
    expected: FieldHash
    """What the site held when the hold was made: where it holds something else by now, an editor
    was there, and is right."""
    restored: bool = False
    """The site has confirmed the value."""


Holds = Mapping[FieldName, Hold]
PAGE = FieldName("page")
"""Not a field of documents: a hold on it keeps a page on sale (LIVE) or off it (RETIRED)."""
LIVE, RETIRED = "live", "retired"
ABSENT, PRESENT = FieldHash("absent"), FieldHash("present")
"""What a hold on PAGE stands against: the backend's product is gone, or it is there."""


def over(holds: Holds, document: Document | None) -> frozenset[FieldName]:
    """Holds that have ended, because the backend has something new. None: the product is absent."""
    presence = ABSENT if document is None else PRESENT
    fields = {} if document is None else document.hashes
    return frozenset(
        name
        for name, hold in holds.items()
        if (name == PAGE and hold.against != presence)
        or (name in fields and hold.against != fields[name])
    )


@dataclass(frozen=True, slots=True)
class ContentChange:
    """The fields of a page to write, and what the site is expected to hold."""

    fields: Mapping[FieldName, JsonValue]
    sent: Mapping[FieldName, FieldHash]
    """The hash of the backend's value of each of `fields`, and of those `left`."""
    expected: Mapping[FieldName, FieldHash]
    creates: bool
    verbatim: frozenset[FieldName] = frozenset()
    """Fields whose value is a hold's, not the backend's."""
    merging: frozenset[FieldName] = frozenset()
    """Fields of which we ask the site, should it keep an editor's value."""
    joined: Mapping[FieldName, JsonValue] = field(default_factory=dict)
    """Fields whose value has an editor's words in it, with the backend's value they took in."""
    left: frozenset[FieldName] = frozenset()
    """Fields that stay as the editor has them, the backend's value being reckoned with."""
    conflicts: Mapping[FieldName, Contested] = field(default_factory=dict)
    """Those of them that a person decides."""
    back: frozenset[FieldName] = frozenset()
    """Fields whose words the backend may have to learn."""


def asked(
    document: Document,
    mirror: Mirror | None,
    rules: SiteRules,
    holds: Holds,
    rulings: Rulings,
) -> frozenset[FieldName]:
    """Fields of which the site's value must be read first: an editor was there, and either the
    backend changed it too, or a person has decided a conflict."""
    if not rules.merges or mirror is None:
        return frozenset()
    return frozenset(
        name
        for name, mark in document.hashes.items()
        if rules.owner(name).merges
        and name in mirror
        and (name in rulings or (mirror[name].kept and mirror[name].sent != mark))
        and not (name in holds and holds[name].against == mark)
    )


def content_change(
    document: Document,
    mirror: Mirror | None,
    rules: SiteRules,
    holds: Holds | None = None,
    settled: Mapping[FieldName, Settled] | None = None,
) -> ContentChange | None:
    """The change that brings a page up to date; None when there is nothing to write.

    `mirror` is None for a page that the site is not known to have: then everything is written, and
    still no editor's value overwritten, for the page may be there (an answer was lost). A held
    field is written as the hold wants it, one that an editor changed as it was settled.
    """
    own = settled or {}
    sent = document.hashes
    held = {n: hold for n, hold in (holds or {}).items() if sent.get(n) == hold.against}
    names = [
        name
        for name in document.fields
        if name not in own
        and (_due(name, sent[name], mirror, rules) or (name in held and not held[name].restored))
    ]
    if not names and not own and mirror is not None:
        return None
    known = mirror or {}
    expected = {
        name: known[name].stored if name in known else FieldHash("")
        for name in names
        if rules.owner(name) is not Owner.COMMERCE
    }
    restoring = {name: held[name] for name in names if name in held}
    expected |= {name: hold.expected for name, hold in restoring.items() if not hold.restored}
    change = ContentChange(
        fields={n: restoring[n].value if n in restoring else document.fields[n] for n in names},
        sent={name: sent[name] for name in names},
        expected=expected,
        creates=mirror is None,
        verbatim=frozenset(restoring),
        joined={n: document.fields[n] for n in restoring} if rules.merges else {},
        merging=frozenset(
            n for n in names if n not in restoring and rules.merges and rules.owner(n).merges
        ),
    )
    two_way = {name for name in own if rules.owner(name) is Owner.TWO_WAY}
    change = _with_settled(change, document, own)
    return replace(change, back=frozenset(two_way - change.conflicts.keys()))


def _with_settled(
    change: ContentChange, document: Document, settled: Mapping[FieldName, Settled]
) -> ContentChange:
    """The change with the fields that an editor was at, too."""
    if not settled:
        return change
    values = {n: each.write for n, each in settled.items() if not isinstance(each.write, Unknown)}
    return replace(
        change,
        fields={**change.fields, **values},
        sent={**change.sent, **{name: document.hashes[name] for name in settled}},
        expected={**change.expected, **{name: settled[name].expected for name in values}},
        merging=change.merging | values.keys(),
        joined={
            **change.joined,
            **{name: document.fields[name] for name in values if settled[name].joined},
        },
        left=frozenset(settled.keys() - values.keys()),
        conflicts={
            name: Contested(each.conflict, each.expected)
            for name, each in settled.items()
            if each.conflict is not None
        },
    )


def _due(name: FieldName, sent: FieldHash, mirror: Mirror | None, rules: SiteRules) -> bool:
    if mirror is None or name not in mirror:
        return True
    owner = rules.owner(name)
    was_another = owner is Owner.COMMERCE and mirror[name].kept
    return was_another or (owner is not Owner.EDITOR and mirror[name].sent != sent)


def confirm(
    mirror: Mirror | None,
    sent: Mapping[FieldName, FieldHash],
    stored: Mapping[FieldName, FieldHash],
    kept: frozenset[FieldName],
) -> dict[FieldName, FieldMirror]:
    """The mirror after a receipt: what was sent, and how the site stored it.

    A kept field remembers what we sent (so that it is not sent again until the backend changes it)
    and the hash from before the editor's change (so that the editor's value goes on being kept).
    """
    merged = dict(mirror or {})
    for name, ours in sent.items():
        if name in kept:
            before = merged.get(name)
            merged[name] = FieldMirror(ours, before.stored if before else FieldHash(""), kept=True)
        elif name in stored:
            merged[name] = FieldMirror(ours, stored[name])
    return merged


def confirmed(
    mirror: Mirror | None,
    change: ContentChange,
    stored: Mapping[FieldName, FieldHash],
    kept: frozenset[FieldName],
) -> dict[FieldName, FieldMirror]:
    """The mirror after the receipt of a change.

    Of what the site kept although both sides' values can be joined, nothing counts as sent: the
    next look asks the site first.
    """
    asking = kept & change.merging
    editors = (change.left | change.joined.keys()) - asking - change.verbatim
    plain = {n: mark for n, mark in change.sent.items() if n not in asking and n not in editors}
    after = confirm(mirror, plain, stored, kept - change.verbatim)
    for name in asking:
        after[name] = FieldMirror(FieldHash(""), change.expected[name], kept=True)
    for name in editors | _editors_again(mirror or {}, change, stored):
        after[name] = FieldMirror(change.sent[name], FieldHash(""), kept=True)
    return after


def _editors_again(
    mirror: Mirror, change: ContentChange, stored: Mapping[FieldName, FieldHash]
) -> frozenset[FieldName]:
    """Fields that were put back from a value with an editor's words in it to one with them too."""
    return frozenset(
        name
        for name in change.verbatim & stored.keys()
        if name in mirror and mirror[name].kept and name in change.joined
    )


def value_change(wanted: FieldHash, mirror: Mirror | None, name: FieldName) -> bool:
    """Whether a lane with a single value (offers, a term) must be written."""
    return mirror is None or name not in mirror or mirror[name].sent != wanted


def drifted(
    mirror: Mirror, held: Mapping[FieldName, FieldHash], rules: SiteRules
) -> tuple[FieldName, ...]:
    """Fields whose stored value at the site is not the one it confirmed, and is ours to mend.

    A field that an editor may change is not drift when it differs: it is an edit.
    """
    return tuple(
        name
        for name, field in mirror.items()
        if rules.owner(name) is Owner.COMMERCE
        and not field.kept
        and held.get(name, FieldHash("")) != field.stored
    )


def edited(
    mirror: Mirror, held: Mapping[FieldName, FieldHash], rules: SiteRules
) -> tuple[FieldName, ...]:
    """Fields that are two-way and in which editors' words may stand."""
    return tuple(
        name
        for name, field in mirror.items()
        if rules.owner(name) is Owner.TWO_WAY
        and (field.kept or held.get(name, FieldHash("")) != field.stored)
    )


@dataclass(frozen=True, slots=True)
class OfferChange:
    """One thing that changed in one offer row, in words for people."""

    sku: str
    market: str
    min_quantity: int
    what: str
    before: JsonValue
    after: JsonValue


_TOLD = ("amount_text", "compare_at_text", "availability", "quantity", "price_list", "valid_until")


def offer_changes(before: list[JsonValue], after: list[JsonValue]) -> list[OfferChange]:
    """What changed between two lists of offer rows (`project.offers_json`), for `explain`."""
    old, new = _by_row(before), _by_row(after)
    return [
        OfferChange(sku, market, quantity, what, was.get(what), now.get(what))
        for key in {**old, **new}
        for was, now in [(old.get(key, {}), new.get(key, {}))]
        for sku, market, quantity in [_labels(now or was)]
        for what in _TOLD
        if was.get(what) != now.get(what)
    ]


def _by_row(rows: list[JsonValue]) -> dict[tuple[str, ...], dict[str, JsonValue]]:
    return {
        (str(row["variant"]), str(row["market"]), str(row["min_quantity"])): row
        for row in rows
        if isinstance(row, dict)
    }


def _labels(row: dict[str, JsonValue]) -> tuple[str, str, int]:
    return str(row["sku"]), str(row["market"]), int(str(row["min_quantity"]))
