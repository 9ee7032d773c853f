"""Two changed versions of one list, element by element, against the list they both came from.

Pure. An element is what its key says: the `id` or `name` of an object, else the value itself. Added
by either side stands, removed by either side goes, changed by one side is changed. Where that does
not decide, or an order that matters was changed differently by both, there is no merge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from connector.model import JsonValue

Key = str
Elements = dict[Key, JsonValue]


def merge_lists(
    base: Sequence[JsonValue],
    backend: Sequence[JsonValue],
    site: Sequence[JsonValue],
    *,
    ordered: bool,
) -> list[JsonValue] | None:
    """The list with both sides' changes; None where they contradict each other.

    A list that names an element twice is no list of elements: None. Additions stand after the
    element that they followed on their own side; where both added at one place, the site's first.
    """
    sides = [keyed(each) for each in (base, backend, site)]
    if None in sides:
        return None
    old, theirs, ours = (each or {} for each in sides)
    values = _values(old, theirs, ours)
    if values is None:
        return None
    order = _order(list(old), list(theirs), list(ours), ordered)
    return None if order is None else [values[key] for key in order if key in values]


def keyed(elements: Sequence[JsonValue]) -> Elements | None:
    """The elements by their keys, in their order; None where a key stands twice."""
    found = {_key(each): each for each in elements}
    return found if len(found) == len(elements) else None


def same_elements(one: Sequence[JsonValue], other: Sequence[JsonValue]) -> bool:
    """Whether two lists hold equal elements, in whatever order."""
    return sorted(map(_text, one)) == sorted(map(_text, other))


def _key(element: JsonValue) -> Key:
    if isinstance(element, dict):
        for name in ("id", "name"):
            if name in element:
                return _text([name, element[name]])
    return _text(element)


def _text(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _values(old: Elements, theirs: Elements, ours: Elements) -> Elements | None:
    values: Elements = {}
    for key in {**old, **theirs, **ours}:
        was, one, other = (_text_of(each, key) for each in (old, theirs, ours))
        if other in (one, was):
            taken = theirs
        elif one == was:
            taken = ours
        else:
            return None
        if key in taken:
            values[key] = taken[key]
    return values


def _text_of(elements: Mapping[Key, JsonValue], key: Key) -> str | None:
    return _text(elements[key]) if key in elements else None


def _order(
    old: Sequence[Key], theirs: Sequence[Key], ours: Sequence[Key], ordered: bool
) -> list[Key] | None:
    """All keys of both sides, ordered as the side that moved some has them."""
    moved_there, moved_here = _moved(old, theirs), _moved(old, ours)
    if ordered and moved_there and moved_here and _moved(theirs, ours):
        return None
    first, second = (theirs, ours) if moved_there and not moved_here else (ours, theirs)
    return _woven(first, second)


def _moved(before: Sequence[Key], after: Sequence[Key]) -> bool:
    """Whether what stands in both stands in another order."""
    return _only(before, set(after)) != _only(after, set(before))


def _only(keys: Iterable[Key], wanted: set[Key]) -> list[Key]:
    return [key for key in keys if key in wanted]


def _woven(first: Sequence[Key], second: Sequence[Key]) -> list[Key]:
    """The first side's keys, each of the second side's own after the one that it follows there."""
    present, following = set(first), dict[Key | None, list[Key]]()
    anchor: Key | None = None
    for key in second:
        if key in present:
            anchor = key
        else:
            following.setdefault(anchor, []).append(key)
    woven = list(following.get(None, ()))
    own = set(second)
    waiting: list[Key] = []
    for key in first:
        if key in own and waiting:
            woven += waiting
            waiting = []
        woven.append(key)
        waiting += following.get(key, ())
    return woven + waiting
