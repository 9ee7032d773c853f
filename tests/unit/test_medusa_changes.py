"""The change feed tells every change and none twice in a row; webhooks are verified first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.medusa.changes import OVERLAP, ROUTE, ChangeFeed, Cursor
from adapters.medusa.client import Answer, NoSuchRoute, Params
from adapters.medusa.webhooks import read_webhook
from connector.errors import BadSignature, Incomplete, Rejected
from connector.model import Lane, Subject, SubjectKind
from connector.ports import ChangePage, Signal
from connector.signing import Secret, signed_headers
from connector.testing.clock import FakeClock

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = Secret(bytes(32))


class Server:
    """Medusa's windows of changes, and the plugin's route where it is installed."""

    def __init__(self, plugin: bool = False) -> None:
        self.now = START
        self.plugin = plugin
        self.products: dict[str, datetime] = {}
        self.variants: dict[str, datetime] = {}
        self.categories: dict[str, datetime] = {}
        self.asked: list[str] = []

    def get(self, path: str, params: Params | None) -> Answer:
        params = params or {}
        self.asked.append(path)
        if path == ROUTE:
            return Answer(self._route(params), self.now)
        if path == "/admin/product-categories":
            return self._page("product_categories", self.categories, "updated_at", params)
        if "variants[updated_at][$gte]" in params:
            return self._page("products", self.variants, "variants[updated_at]", params)
        return self._page("products", self.products, "updated_at", params)

    def _page(self, key: str, rows: Mapping[str, datetime], name: str, params: Params) -> Answer:
        since = datetime.fromisoformat(str(params.get(f"{name}[$gte]", "2000-01-01T00:00:00Z")))
        found = sorted(id_ for id_, at in rows.items() if at >= since)
        offset, limit = int(str(params.get("offset", 0))), int(str(params["limit"]))
        page = [self._row(id_, rows[id_]) for id_ in found[offset : offset + limit]]
        return Answer({key: page, "count": len(found)}, self.now)

    @staticmethod
    def _row(id_: str, at: datetime) -> dict[str, Any]:
        return {
            "id": id_,
            "updated_at": at.isoformat(),
            "variants": [{"updated_at": at.isoformat()}],
        }

    def _route(self, params: Params) -> dict[str, Any]:
        if not self.plugin:
            raise NoSuchRoute("no such route")
        limit, after = int(str(params["limit"])), str(params.get("after", ""))
        since = datetime.fromisoformat(str(params.get("since", "2000-01-01T00:00:00Z")))
        rows = sorted((id_, at) for id_, at in self.products.items() if at >= since and id_ > after)
        changes = [
            {"kind": "product", "id": id_, "changed_at": at.isoformat(), "lanes": ["offers"]}
            for id_, at in rows[:limit]
        ]
        return {"now": self.now.isoformat(), "changes": changes, "more": len(rows) > limit}


def feed(server: Server, page_size: int = 3) -> ChangeFeed:
    return ChangeFeed(server.get, FakeClock(), page_size)


def product(id_: str, *lanes: Lane) -> Signal:
    return Signal(Subject(SubjectKind.PRODUCT, id_), frozenset(lanes))


def told(pages: Sequence[ChangePage]) -> list[str]:
    return [signal.subject.id for page in pages for signal in page.signals]


def test_the_first_cursor_begins_now_and_goes_by_the_servers_clock() -> None:
    server = Server()
    server.now = START - timedelta(days=400)
    (page,) = feed(server).read(None)
    assert page == ChangePage((), str(Cursor(server.now - OVERLAP)))


@pytest.mark.parametrize("plugin", [False, True])
@given(count=st.integers(0, 30), size=st.integers(2, 7))
def test_every_change_is_told_once_whatever_the_page_size(
    plugin: bool, count: int, size: int
) -> None:
    server = Server(plugin)
    source = feed(server, size)
    (first,) = source.read(None)
    server.now += timedelta(seconds=30)
    server.products = {f"prod_{n:03}": server.now for n in range(count)}
    pages = list(source.read(first.cursor))
    assert told(pages) == sorted(server.products)
    if pages:
        assert list(source.read(pages[-1].cursor)) == []


@pytest.mark.parametrize("plugin", [False, True])
def test_a_poll_that_dies_after_any_page_goes_on_from_there(plugin: bool) -> None:
    server = Server(plugin)
    server.products = {f"prod_{n:03}": START for n in range(10)}
    cursor, seen = str(Cursor(START)), list[str]()
    for _ in range(20):
        page = next(iter(feed(server).read(cursor)), None)
        if page is None or page.cursor == cursor:
            break
        seen += told([page])
        cursor = page.cursor
    assert set(seen) == set(server.products)
    assert cursor == str(Cursor(START - OVERLAP))


def test_a_change_inside_the_overlap_is_told_again_only_when_it_moved() -> None:
    server = Server()
    source = feed(server)
    server.products = {"prod_1": START, "prod_2": START}
    pages = list(source.read(str(Cursor(START))))
    server.now += timedelta(seconds=5)
    server.products["prod_2"] = server.now
    later = list(source.read(pages[-1].cursor))
    assert told(later) == ["prod_2"]


def test_a_row_that_commits_late_with_an_old_timestamp_is_still_told() -> None:
    server = Server()
    source = feed(server)
    server.products = {"prod_1": START}
    pages = list(source.read(str(Cursor(START))))
    server.now += timedelta(seconds=60)
    server.products["prod_late"] = START - timedelta(seconds=50)
    assert told(list(source.read(pages[-1].cursor))) == ["prod_late"]


def test_what_was_told_but_not_noted_is_told_again() -> None:
    server = Server()
    source = feed(server)
    server.products = {"prod_1": START}
    start = str(Cursor(START))
    assert told(list(source.read(start))) == ["prod_1"]
    assert told(list(source.read(start))) == ["prod_1"]


def test_variants_and_categories_are_told_too() -> None:
    server = Server()
    server.variants = {"prod_9": START}
    server.categories = {"pcat_1": START}
    pages = list(feed(server).read(str(Cursor(START))))
    signals = [signal for page in pages for signal in page.signals]
    assert signals == [product("prod_9"), Signal(Subject(SubjectKind.CATEGORY, "pcat_1"))]


def test_the_plugin_is_looked_for_once_an_hour() -> None:
    server, clock = Server(), FakeClock()
    source = ChangeFeed(server.get, clock, 3)
    cursor = str(Cursor(START))
    list(source.read(cursor))
    list(source.read(cursor))
    assert server.asked.count(ROUTE) == 1
    assert not source.has_plugin
    server.plugin = True
    server.products = {"prod_1": START}
    clock.advance(hours=1)
    (page,) = source.read(cursor)
    assert page.signals == (product("prod_1", Lane.OFFERS),)
    assert source.has_plugin


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"now": "x", "changes": [], "more": False},
        {"now": START.isoformat(), "changes": [{"kind": "order"}], "more": False},
    ],
)
def test_a_route_of_somebody_else_concludes_nothing(body: dict[str, Any]) -> None:
    source = ChangeFeed(lambda _path, _params: Answer(body, START), FakeClock(), 3)
    with pytest.raises((Incomplete, Rejected)):
        list(source.read(str(Cursor(START))))


@given(
    st.datetimes(timezones=st.just(UTC)).map(lambda each: each.replace(microsecond=0)),
    st.none()
    | st.tuples(
        st.sampled_from(["products", "plugin"]), st.from_regex(r"\w{1,9}\Z", fullmatch=True)
    ),
)
def test_a_cursor_survives_being_written_down(
    moment: datetime, place: tuple[str, str] | None
) -> None:
    cursor = Cursor(moment, moment, *place) if place else Cursor(moment)
    assert Cursor.parse(str(cursor)) == cursor


# ---- webhooks ----


def webhook(body: object, at: datetime = START) -> tuple[dict[str, str], bytes]:
    raw = json.dumps(body).encode()
    return signed_headers(SECRET, "msg_1", int(at.timestamp()), raw), raw


def test_a_webhook_names_products_categories_and_lanes() -> None:
    headers, raw = webhook(
        {
            "id": "msg_1",
            "product_ids": ["prod_1", "prod_2"],
            "category_ids": ["pcat_1"],
            "lanes": {"prod_2": ["offers"], "prod_3": ["offers"]},
        }
    )
    event = read_webhook([SECRET], headers, raw, START)
    assert (event.id, event.sent_at) == ("msg_1", START)
    assert event.signals == (
        product("prod_1"),
        product("prod_2", Lane.OFFERS),
        Signal(Subject(SubjectKind.CATEGORY, "pcat_1")),
    )


def test_lanes_of_a_newer_plugin_mean_all_of_them() -> None:
    body = {"product_ids": ["prod_1"], "category_ids": [], "lanes": {"prod_1": ["offers", "x"]}}
    headers, raw = webhook(body)
    assert read_webhook([SECRET], headers, raw, START).signals == (product("prod_1"),)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {},
        {"product_ids": "prod_1", "category_ids": []},
        {"product_ids": [1], "category_ids": []},
        {"product_ids": ["a\nb"], "category_ids": []},
        {"product_ids": ["x" * 999], "category_ids": []},
        {"product_ids": [], "category_ids": [], "lanes": []},
        {"product_ids": [], "category_ids": [], "lanes": {"a": 7}},
    ],
)
def test_a_signed_body_that_is_not_ours_is_refused_as_a_bad_signature(body: object) -> None:
    headers, raw = webhook(body)
    with pytest.raises(BadSignature):
        read_webhook([SECRET], headers, raw, START)


def test_without_a_secret_nothing_is_taken() -> None:
    headers, raw = webhook({"product_ids": [], "category_ids": []})
    with pytest.raises(BadSignature):
        read_webhook([], headers, raw, START)
