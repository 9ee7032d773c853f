"""How much faster the module is than one JSON:API request a product, on the same Drupal.

One by one goes with HTTP basic authentication, as connectors without our module do it. Blocks of
both ways take turns and the medians are compared, so that only the ratio counts, not the machine.
Prints what it measured.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from connector.model import FieldName
from connector.ports import Outcome
from connector.testing.conformance.writes import TITLE, change_of, document, offers_write
from tests.live.drupal_site import Editor, Where
from tests.live.test_drupal_module import Bench

pytestmark = pytest.mark.live
ROUNDS = 5
ONE_BY_ONE = 15
"""How many products a block takes one by one; the module's blocks are whole requests."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(Where.from_environment())


@pytest.fixture(scope="module")
def one_by_one(bench: Bench) -> Editor:
    """A client of core alone."""
    editor = Editor(bench.where)
    editor.session.cookies.clear()
    name, _, password = bench.where.admin.partition(":")
    editor.session.auth = (name, password)
    answer = editor.call("GET", f"{bench.where.url}/jsonapi")
    if "me" not in answer.json().get("meta", {}).get("links", {}):
        pytest.skip("NO SPEED OF DRUPAL WAS MEASURED: switch HTTP Basic Authentication on there")
    return editor


def make(editor: Editor) -> str:
    """What a connector without our module sends to make a page; answers its UUID."""
    attributes = {
        "title": f"One by one {uuid.uuid4().hex}",
        "commerce_description": {"value": "<p>Text</p>" * 20, "format": "basic_html"},
    }
    resource = {"type": f"node--{editor.bundle}", "attributes": attributes}
    answer = editor.call("POST", editor.resource, {"data": resource})
    assert answer.status_code == 201, answer.text[:300]
    return str(answer.json()["data"]["id"])


def price(editor: Editor, node: str, number: int) -> int:
    """What a connector without our module sends for a price that stands in a field."""
    resource = {
        "type": f"node--{editor.bundle}",
        "id": node,
        "attributes": {"commerce_subtitle": f"{number},90 €"},
    }
    answer = editor.call("PATCH", f"{editor.resource}/{node}", {"data": resource})
    assert answer.status_code == 200, answer.text[:300]
    return answer.status_code


def seconds(work: Callable[[], Any], items: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / items


def ratio(name: str, slow: list[float], fast: list[float]) -> float:
    by_one, by_us = statistics.median(slow), statistics.median(fast)
    print(f"\n{name}: {1 / by_one:.1f}/s one by one, {1 / by_us:.1f}/s, {by_one / by_us:.1f}x")
    return by_one / by_us


def test_pages_are_made_nine_times_as_fast(bench: Bench, one_by_one: Editor) -> None:
    slow, fast = [], []
    bench.site.write_content([document()])
    for _ in range(ROUNDS):
        slow.append(seconds(lambda: [make(one_by_one) for _ in range(ONE_BY_ONE)], ONE_BY_ONE))
        batch = [document() for _ in range(100)]
        fast.append(seconds(lambda batch=batch: bench.site.write_content(batch), 100))  # type: ignore[misc]
    assert ratio("create", slow, fast) >= 9


def test_prices_are_written_eighty_times_as_fast_and_unchanged_pages_twenty(
    bench: Bench, one_by_one: Editor
) -> None:
    batch = [document() for _ in range(100)]
    assert {each.outcome for each in bench.site.write_content(batch)} == {Outcome.DONE}
    node = make(one_by_one)
    slow, fast, unchanged = [], [], []
    for number in range(ROUNDS):
        slow.append(
            seconds(
                lambda: [price(one_by_one, node, each) for each in range(ONE_BY_ONE)], ONE_BY_ONE
            )
        )
        amounts = [1000 + 10 * number + each for each in range(5)]
        offers = [offers_write(each.subject, *amounts) for each in batch]
        fast.append(seconds(lambda offers=offers: bench.site.write_offers(offers), 500))  # type: ignore[misc]
        again = [change_of(each, each.fields, whole=True) for each in batch]
        unchanged.append(seconds(lambda again=again: bench.site.write_content(again), 100))  # type: ignore[misc]
    assert ratio("price and stock", slow, fast) >= 80
    assert ratio("unchanged", slow, unchanged) >= 20


def test_a_changed_title_goes_faster_too(bench: Bench, one_by_one: Editor) -> None:
    batch = [document() for _ in range(100)]
    bench.site.write_content(batch)
    node = make(one_by_one)
    slow, fast = [], []
    for number in range(ROUNDS):
        slow.append(
            seconds(
                lambda: [price(one_by_one, node, each) for each in range(ONE_BY_ONE)], ONE_BY_ONE
            )
        )
        fields = {TITLE: f"Changed {number}", FieldName("seo_title"): f"Changed {number}"}
        changes = [change_of(each, fields) for each in batch]
        fast.append(seconds(lambda changes=changes: bench.site.write_content(changes), 100))  # type: ignore[misc]
    assert ratio("change", slow, fast) >= 4
