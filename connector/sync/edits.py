"""Fields that an editor changed, held against what the backend says now: what to write of them.

Pure. A site that keeps its words tells of each such field what it stores, what the backend's value
was that the page last took in, and which value it stored for us itself. What a person said of a
conflict holds as long as both sides are what that person saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connector.model import FieldHash, FieldName, JsonValue, hash_value
from connector.sync.merge import (
    UNKNOWN,
    Conflict,
    Leave,
    Merged,
    Shape,
    Sides,
    Unknown,
    Write,
    WriteBack,
    WriteBoth,
    join,
    merge,
    same,
    shape_of,
)
from connector.sync.owners import Owner
from connector.sync.rules import Alike, never

NO_HASH = FieldHash("")


@dataclass(frozen=True, slots=True)
class StoredField:
    """One field as the site holds it."""

    value: JsonValue
    hash: FieldHash
    noted: FieldHash = NO_HASH
    """Of what it stored for us; "" where an editor's words are in it, or nothing was."""
    base: JsonValue | Unknown = UNKNOWN
    """The backend's value that it last took in."""
    given: JsonValue | Unknown = UNKNOWN
    """What the backend held when words of this page had gone back to it, where the page has taken
    in nothing since: both sides go on from there."""
    given_before: bool = False
    """The backend was read after that."""
    sent: tuple[JsonValue, ...] = ()
    """Words of this page that may have reached the backend, or not."""


Stored = Mapping[FieldName, StoredField]


class Choice(StrEnum):
    """What a person can say of a conflict."""

    SITE = "site"
    """The page stays as it is, whatever the backend had said by then."""
    BACKEND = "backend"
    VALUE = "value"
    """A third one."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person said of one conflict, and what they had before them."""

    choice: Choice
    backend: JsonValue
    site: FieldHash
    """The hash of the site's value."""
    value: JsonValue = None


Rulings = Mapping[FieldName, Ruling]


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of one field."""

    write: JsonValue | Unknown = UNKNOWN
    """What to write; unknown: nothing."""
    expected: FieldHash = NO_HASH
    joined: bool = False
    """An editor's words are in it: the site goes on taking it for an editor's."""
    conflict: Conflict | None = None


@dataclass(frozen=True, slots=True)
class Contested:
    """A conflict, and the hash of the site's value in it."""

    conflict: Conflict
    site: FieldHash


def settle(
    name: FieldName,
    owner: Owner,
    backend: JsonValue,
    stored: StoredField | None,
    known: FieldHash,
    ruling: Ruling | None = None,
    alike: Alike = never,
) -> Settled:
    """What to do about a field that the site would not have overwritten.

    `known` is the hash of the site's value when it last refused a joined one ("": it never did):
    where it is still the same, the site will not take it, and a person decides.
    """
    if stored is None:
        return Settled(backend)
    shape = shape_of(name)
    if ruling is not None and (ruled := _ruled(shape, backend, stored, ruling)):
        return ruled
    if alike(name, backend, stored.value):
        return _kept(shape, backend, stored)
    base = ruling.backend if ruling and ruling.choice is Choice.SITE else stored.base
    sides = sides_of(name, backend, stored, base, alike)
    decided = merge(owner, shape, sides)
    if isinstance(decided, Conflict):
        decided = _without_echo(shape, sides, stored) or decided
    if sides.base is not base and isinstance(decided, Leave | WriteBack):
        return _kept(shape, backend, stored)
    return _settled(shape, decided, backend, stored, refused=stored.hash == known)


def _without_echo(shape: Shape, sides: Sides, stored: StoredField) -> WriteBoth | None:
    """The join where words of this page may stand in the backend's value, and nobody knows: they
    are taken out of it, if they are there, before it is held against the page. None: both sides
    have changed the same all the same."""
    if not stored.sent or isinstance(sides.base, Unknown):
        return None
    theirs: JsonValue = sides.backend
    for sent in stored.sent:
        without = join(shape, sent, sides.base, theirs)
        theirs = theirs if isinstance(without, Unknown) else without
    joined = join(shape, sides.base, theirs, stored.value)
    return None if isinstance(joined, Unknown) else WriteBoth(joined)


def _kept(shape: Shape, backend: JsonValue, stored: StoredField) -> Settled:
    """The page stays as it is, and knows that the backend's value is in it."""
    if same(shape, stored.base, backend):
        return Settled()
    joined = not same(shape, backend, stored.value)
    return Settled(stored.value if joined else backend, stored.hash, joined)


def sides_of(
    name: FieldName,
    backend: JsonValue,
    stored: StoredField,
    base: JsonValue | Unknown,
    alike: Alike,
) -> Sides:
    """Both sides of a field. They go on from what was last written back, although the page has not
    been told; a backend that was read before says nothing of that, unless it is what it holds."""
    if any(alike(name, backend, each) for each in (stored.given, *stored.sent)):
        base = backend
    elif stored.given_before:
        base = stored.given
    is_ours = stored.hash == stored.noted
    if not isinstance(base, Unknown):
        is_ours = is_ours or alike(name, base, stored.value)
    return Sides(base, backend, stored.value, is_ours)


def _ruled(shape: Shape, backend: JsonValue, stored: StoredField, ruling: Ruling) -> Settled | None:
    """What a person said, where both sides still are what that person saw."""
    if hash_value(ruling.backend) != hash_value(backend):
        return None
    if ruling.choice is Choice.SITE:
        return Settled(stored.value, stored.hash, joined=True)
    if ruling.site != stored.hash:
        return None
    value = backend if ruling.choice is Choice.BACKEND else ruling.value
    return Settled(value, stored.hash, joined=not same(shape, value, backend))


def _settled(
    shape: Shape, decided: Merged, backend: JsonValue, stored: StoredField, *, refused: bool
) -> Settled:
    match decided:
        case Write(value) | WriteBoth(value):
            joined = not same(shape, value, backend)
            if joined and refused:
                contested = Conflict(stored.base, backend, stored.value)
                return Settled(expected=stored.hash, conflict=contested)
            return Settled(value, stored.hash, joined)
        case Conflict():
            return Settled(expected=stored.hash, conflict=decided)
        case _:
            return Settled()
