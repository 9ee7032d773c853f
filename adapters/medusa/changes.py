"""What changed since a cursor: by our plugin's route where it is installed, else by timestamps.

Both go by the server's clock alone, and look back a little further than the cursor says, because a
long transaction commits rows with older timestamps. What was already told of that stretch is not
told again. Knows ids and timestamps, nothing else of products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.medusa.client import Answer, JsonObject, NoSuchRoute, Params
from adapters.medusa.listing import Get, Listing, read_pages
from adapters.medusa.pricing import parse_time
from connector.errors import Incomplete, Rejected
from connector.model import Lane, Subject, SubjectKind
from connector.ports import ChangePage, Clock, Signal

OVERLAP = timedelta(seconds=120)
RECHECK = timedelta(hours=1)
ROUTE = "/admin/commerce-connector/changes"
PRODUCTS, VARIANTS, CATEGORIES, PLUGIN = "products", "variants", "categories", "plugin"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything before `since` was told. In the middle of a poll also how far that has come."""

    since: datetime
    until: datetime | None = None
    """Where the next poll begins, once this one is through."""
    step: str = ""
    after: str = ""
    """The last id of that step that was told."""

    def __str__(self) -> str:
        parts = [_iso(self.since)]
        if self.until is not None:
            parts += [_iso(self.until), self.step, self.after]
        return " ".join(parts)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises Rejected for what this adapter never wrote."""
        parts = text.split(" ")
        try:
            since = datetime.fromisoformat(parts[0])
            if len(parts) == 1:
                return cls(since)
            _, until, step, after = parts
            return cls(since, datetime.fromisoformat(until), step, after)
        except ValueError:
            raise Rejected(
                "the stored cursor is none of Medusa's; remove it and reconcile"
            ) from None


@dataclass(frozen=True, slots=True)
class Touch:
    """One row that says when something of a subject changed."""

    row_id: str
    stamp: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class _Told:
    """A page of touches, and the step and id up to which it reaches."""

    touches: Sequence[Touch]
    step: str
    after: str


class ChangeFeed:
    """Reads what changed. Remembers what it told last, and whether the plugin is there."""

    def __init__(self, get: Get, clock: Clock, page_size: int) -> None:
        self._get = get
        self._clock = clock
        self._page_size = page_size
        self._plugin: JsonObject | None = None
        self._asked_at: datetime | None = None
        self._told: tuple[str, frozenset[tuple[str, str]]] = ("", frozenset())

    @property
    def has_plugin(self) -> bool:
        """As known from the last look; False before the first one."""
        return self._plugin is not None

    def plugin(self, *, ask: bool = False) -> JsonObject | None:
        """What the plugin says of itself, or None where it is not installed. Asked hourly."""
        now = self._clock.now()
        if ask or self._asked_at is None or now - self._asked_at >= RECHECK:
            try:
                self._plugin = self._get(ROUTE, {"limit": 0}).body
            except NoSuchRoute:
                self._plugin = None
            self._asked_at = now
        return self._plugin

    def read(self, text: str | None) -> Iterator[ChangePage]:
        """See `ports.Catalogue.changes`."""
        if text is None:
            served_at = self._get("/admin/products", {"limit": 0, "fields": "id"}).served_at
            yield ChangePage((), str(Cursor(served_at - OVERLAP)))
            return
        yield from self._read(text, Cursor.parse(text))

    def _read(self, text: str, cursor: Cursor) -> Iterator[ChangePage]:
        known = self._told[1] if self._told[0] == text else frozenset()
        times: list[datetime] = []
        all_touches: set[tuple[str, str]] = set(known)
        held: ChangePage | None = None
        for told in self._steps(cursor, times):
            fresh = [each for each in told.touches if (each.row_id, each.stamp) not in known]
            all_touches |= {(each.row_id, each.stamp) for each in fresh}
            if not fresh:
                continue
            if held is not None:
                yield held
            until = cursor.until or times[0] - OVERLAP
            middle = Cursor(cursor.since, until, told.step, told.after)
            held = ChangePage(tuple(each.signal for each in fresh), str(middle))
        if held is None:
            if cursor.until is not None:
                yield ChangePage((), str(Cursor(cursor.until)))
            return
        until = cursor.until or times[0] - OVERLAP
        last = str(Cursor(until))
        self._told = (last, frozenset(each for each in all_touches if _is_after(each[1], until)))
        yield replace(held, cursor=last)

    def _steps(self, cursor: Cursor, times: list[datetime]) -> Iterator[_Told]:
        def get(path: str, params: Params | None) -> Answer:
            answer = self._get(path, params)
            times.append(answer.served_at)
            return answer

        if self.plugin() is not None:
            yield from _plugin_pages(self._get, cursor, self._page_size, times)
            return
        steps = list(_LISTINGS)
        begin = steps.index(cursor.step) if cursor.step in steps else 0
        for step in steps[begin:]:
            after = cursor.after if step == cursor.step else ""
            listing = _LISTINGS[step](_iso(cursor.since), self._page_size)
            for rows in read_pages(get, listing):
                left = [row for row in rows if row["id"] > after]
                if left:
                    yield _Told([_touch(step, row) for row in left], step, left[-1]["id"])


# ---- without the plugin ----


def _products(since: str, size: int) -> Listing:
    return Listing(
        "/admin/products",
        "products",
        "id,updated_at",
        size,
        {"updated_at[$gte]": since, "with_deleted": "true"},
        grows=True,
    )


def _variants(since: str, size: int) -> Listing:
    """Products by their variants' timestamps, deleted variants among them."""
    return Listing(
        "/admin/products",
        "products",
        "id,variants.updated_at",
        size,
        {"variants[updated_at][$gte]": since, "with_deleted": "true"},
        grows=True,
    )


def _categories(since: str, size: int) -> Listing:
    return Listing(
        "/admin/product-categories",
        "product_categories",
        "id,updated_at",
        size,
        {"updated_at[$gte]": since},
        grows=True,
    )


_LISTINGS: Mapping[str, Callable[[str, int], Listing]] = {
    PRODUCTS: _products,
    VARIANTS: _variants,
    CATEGORIES: _categories,
}


def _touch(step: str, row: JsonObject) -> Touch:
    kind = SubjectKind.CATEGORY if step == CATEGORIES else SubjectKind.PRODUCT
    if step == VARIANTS:
        stamp = max((str(each["updated_at"]) for each in row.get("variants") or ()), default="")
    else:
        stamp = str(row.get("updated_at"))
    return Touch(f"{step} {row['id']}", stamp, Signal(Subject(kind, row["id"])))


# ---- with the plugin ----


def _plugin_pages(get: Get, cursor: Cursor, size: int, times: list[datetime]) -> Iterator[_Told]:
    after = cursor.after if cursor.step == PLUGIN else ""
    while True:
        params: Params = {"since": _iso(cursor.since), "limit": size, "after": after}
        body = get(ROUTE, params).body
        try:
            times.append(_moment(body["now"]))
            rows, more = list(body["changes"]), bool(body["more"])
            touches = [_plugin_touch(row) for row in rows]
        except (KeyError, TypeError, ValueError) as error:
            raise Incomplete(f"{ROUTE} answered what is not ours; update the plugin") from error
        if touches:
            if str(rows[-1]["id"]) <= after:
                raise Incomplete(f"{ROUTE} repeats itself after {after}")
            after = str(rows[-1]["id"])
            yield _Told(touches, PLUGIN, after)
        if not more:
            return


def _plugin_touch(row: Mapping[str, Any]) -> Touch:
    subject = Subject(SubjectKind(row["kind"]), str(row["id"]))
    lanes = frozenset(Lane(each) for each in row["lanes"])
    return Touch(f"{PLUGIN} {subject}", str(row["changed_at"]), Signal(subject, lanes))


def _moment(text: object) -> datetime:
    moment = parse_time(text)
    if moment is None:
        raise ValueError("no moment")
    return moment


def _is_after(stamp: str, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(stamp) >= moment
    except ValueError:
        return False


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
