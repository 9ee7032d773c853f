"""What becomes of one field of a page: the backend's value, the site's, and what both came from.

Pure. The base is the backend's value that the page last took in. An edit is a value at the site
that the site did not store for us (decision 0006): the caller says so, by the hash, however late
the site's word came. Knows nothing of requests, rows or how a value was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from connector.model import FieldName, JsonValue, hash_value
from connector.sync.elements import merge_lists, same_elements
from connector.sync.owners import Owner
from connector.sync.rich_text import merge_texts


class Unknown(Enum):
    """In place of a value that nobody can tell, or that is not there."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


class Shape(StrEnum):
    """How two changes of one value can be joined."""

    WHOLE = "whole"
    """Not at all: both changed is a conflict."""
    RICH_TEXT = "rich text"
    """Block by block."""
    LIST = "list"
    """Element by element, and their order matters."""
    SET = "set"
    """Element by element; their order says nothing, and sites do not keep it."""


SHAPES: Mapping[str, Shape] = {
    "description": Shape.RICH_TEXT,
    "categories": Shape.SET,
    "tags": Shape.SET,
    "attributes": Shape.SET,
    "options": Shape.LIST,
    "variants": Shape.LIST,
    "media": Shape.LIST,
}


def shape_of(name: FieldName) -> Shape:
    """How changes of this field are joined."""
    return SHAPES.get(name.partition("@")[0], Shape.WHOLE)


@dataclass(frozen=True, slots=True)
class Sides:
    """One field as it is on both sides."""

    base: JsonValue | Unknown
    """The backend's value that the page last took in; unknown when the site lost it."""
    backend: JsonValue
    site: JsonValue | Unknown
    """As stored; unknown when the page does not have the field yet."""
    is_ours: bool = False
    """The site stored exactly this for us, and no editor's words are in it."""


# ---- what can come of it ----


@dataclass(frozen=True, slots=True)
class Write:
    """The site is to hold this."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Leave:
    """The site keeps what it has; and why, in words for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The backend is to hold this, as the site does."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class WriteBoth:
    """Both sides are to hold this: each has changes that the other lacks."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both changed it, and a person decides. The page stays as the editor left it."""

    base: JsonValue | Unknown
    backend: JsonValue
    site: JsonValue


Merged = Write | Leave | WriteBack | WriteBoth | Conflict


def merge(owner: Owner, shape: Shape, sides: Sides, *, held: bool = False) -> Merged:
    """What to do about one field. `held`: a hold stands, so that nothing may move it."""
    if held:
        return Leave("it is held as it is")
    if isinstance(sides.site, Unknown):
        return Write(sides.backend)
    match owner:
        case Owner.COMMERCE:
            return _commerce(shape, sides)
        case Owner.EDITOR:
            return Leave("it is the editor's")
        case Owner.MERGE:
            return _merge(shape, sides, sides.site)
        case Owner.TWO_WAY:
            return _two_way(shape, sides, sides.site)


def same(shape: Shape, one: JsonValue | Unknown, other: JsonValue | Unknown) -> bool:
    """Whether two values say the same: sites change line ends, outer space, the order of sets.

    An unknown value is like no other.
    """
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return False
    left, right = _plain(one), _plain(other)
    if shape is Shape.SET and isinstance(left, list) and isinstance(right, list):
        return same_elements(left, right)
    return hash_value(left) == hash_value(right)


def join(
    shape: Shape, base: JsonValue | Unknown, backend: JsonValue, site: JsonValue
) -> JsonValue | Unknown:
    """The value with both sides' changes; unknown where they cannot be told apart or clash."""
    match shape, base, backend, site:
        case Shape.RICH_TEXT, str(), str(), str():
            text = merge_texts(base, backend, site)
            return UNKNOWN if text is None else text
        case ((Shape.LIST | Shape.SET), list(), list(), list()):
            old, theirs, ours = ([_plain(one) for one in each] for each in (base, backend, site))
            elements = merge_lists(old, theirs, ours, ordered=shape is Shape.LIST)
            return UNKNOWN if elements is None else elements
        case _:
            return UNKNOWN


def _commerce(shape: Shape, sides: Sides) -> Merged:
    unchanged = sides.is_ours and same(shape, sides.base, sides.backend)
    if unchanged or same(shape, sides.site, sides.backend):
        return Leave("the site has it already")
    return Write(sides.backend)


def _merge(shape: Shape, sides: Sides, site: JsonValue) -> Merged:
    if same(shape, sides.base, sides.backend):
        return Leave("only the site changed it")
    if sides.is_ours or same(shape, sides.base, site) or same(shape, sides.backend, site):
        return Write(sides.backend)
    joined = join(shape, sides.base, sides.backend, site)
    if isinstance(joined, Unknown):
        return Conflict(sides.base, sides.backend, site)
    return Write(joined)


def _two_way(shape: Shape, sides: Sides, site: JsonValue) -> Merged:
    here = _merge(shape, sides, site)
    match here:
        case Leave() if not (sides.is_ours or same(shape, sides.backend, site)):
            return WriteBack(site)
        case Write(value) if not same(shape, value, sides.backend):
            return WriteBoth(value)
        case _:
            return here


def _plain(value: JsonValue) -> JsonValue:
    """A value without what sites change by themselves."""
    match value:
        case str():
            return value.replace("\r\n", "\n").replace("\r", "\n").strip()
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case _:
            return value
