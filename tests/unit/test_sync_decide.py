"""Diff, decide, plan, selection, retry: laws and exact values of the pure core."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConnectorError, Rejected, SafetyStop, TargetDown, TryAgain
from connector.model import (
    Category,
    CategoryId,
    Document,
    FieldHash,
    FieldName,
    JsonValue,
    Locale,
    ProductStatus,
    Text,
)
from connector.state.targets import Suspension
from connector.sync.decide import (
    Absent,
    Known,
    Nothing,
    SendContent,
    SendOffers,
    TakeOff,
    decide_content,
    decide_offers,
)
from connector.sync.diff import FieldMirror, confirm, content_change, drifted, offer_changes
from connector.sync.owners import Owner
from connector.sync.plan import batches, retire_allowance
from connector.sync.project import OFFERS, project
from connector.sync.rules import Market, SafetyRule, Selection, SiteRules
from connector.sync.selection import exclusion, names_above
from connector.testing import generate
from connector.work.retry import Park, RetryAt, RetryPolicy, after_failure, backoff_seconds
from connector.work.suspend import may_call, suspension_after
from tests.house import EUROS

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
RULES = SiteRules(markets=(EUROS,))
NAMES = st.sampled_from([FieldName(n) for n in ("title", "tags", "description", "variants")])
VALUES: st.SearchStrategy[JsonValue] = st.one_of(st.text(max_size=8), st.integers(), st.none())
FIELDS = st.dictionaries(NAMES, VALUES, min_size=1)


def document(fields: dict[FieldName, JsonValue]) -> Document:
    return Document(generate.product_subject(1), "slug", fields)


def stored(sent: dict[FieldName, FieldHash]) -> dict[FieldName, FieldHash]:
    """What a site answers that changes every value it is given."""
    return {name: FieldHash("site-" + each) for name, each in sent.items()}


# ---- diff ----


@given(FIELDS)
def test_what_was_confirmed_needs_no_second_write(fields: dict[FieldName, JsonValue]) -> None:
    change = content_change(document(fields), None, RULES)
    assert change is not None
    assert change.creates
    mirror = confirm(None, change.sent, stored(dict(change.sent)), frozenset())
    assert content_change(document(fields), mirror, RULES) is None


@given(FIELDS, FIELDS)
def test_exactly_the_fields_that_differ_are_sent(
    before: dict[FieldName, JsonValue], after: dict[FieldName, JsonValue]
) -> None:
    first = content_change(document(before), None, RULES)
    assert first is not None
    mirror = confirm(None, first.sent, stored(dict(first.sent)), frozenset())
    change = content_change(document(after), mirror, RULES)
    differ = {name for name in after if name not in before or before[name] != after[name]}
    differ |= {n for n in after if n in before and type(before[n]) is not type(after[n])}
    assert (set(change.fields) if change else set()) == differ


@given(FIELDS, VALUES)
def test_a_kept_field_is_sent_again_only_when_the_backend_changes_it(
    fields: dict[FieldName, JsonValue], newer: JsonValue
) -> None:
    name = FieldName("title")
    fields = {**fields, name: "ours"}
    first = content_change(document(fields), None, RULES)
    assert first is not None
    mirror = confirm(None, first.sent, stored(dict(first.sent)), frozenset())
    edited = content_change(document({**fields, name: "changed"}), mirror, RULES)
    assert edited is not None
    assert edited.expected[name] == mirror[name].stored
    kept = confirm(mirror, edited.sent, {}, frozenset({name}))
    assert kept[name].kept
    assert kept[name].stored == mirror[name].stored
    assert content_change(document({**fields, name: "changed"}), kept, RULES) is None
    again = content_change(document({**fields, name: ["third", newer]}), kept, RULES)
    assert again is not None
    assert again.expected[name] == mirror[name].stored


def test_an_editors_field_is_given_once() -> None:
    rules = replace(RULES, owners={"title": Owner.EDITOR})
    name = FieldName("title")
    first = content_change(document({name: "a"}), None, rules)
    assert first is not None
    mirror = confirm(None, first.sent, stored(dict(first.sent)), frozenset())
    assert content_change(document({name: "b"}), mirror, rules) is None


def test_drift_is_what_commerce_owns_and_somebody_changed() -> None:
    mirror = {
        FieldName("tags"): FieldMirror(FieldHash("a"), FieldHash("x")),
        FieldName("title"): FieldMirror(FieldHash("b"), FieldHash("y")),
        FieldName("title@fr-FR"): FieldMirror(FieldHash("b"), FieldHash("y")),
    }
    same = {name: field.stored for name, field in mirror.items()}
    assert drifted(mirror, same, RULES) == ()
    changed = dict.fromkeys(mirror, FieldHash("other"))
    assert drifted(mirror, changed, RULES) == (FieldName("tags"),)


def test_offer_changes_name_what_changed_and_nothing_else() -> None:
    row: dict[str, JsonValue] = {
        "variant": "v",
        "market": "m",
        "min_quantity": 1,
        "sku": "S",
        "amount_text": "1",
        "quantity": 3,
    }
    (change,) = offer_changes([row], [{**row, "amount_text": "2"}])
    assert (change.sku, change.what, change.before, change.after) == ("S", "amount_text", "1", "2")
    assert offer_changes([row], [row]) == []
    assert {each.after for each in offer_changes([row], [])} == {None}


# ---- decide ----


def test_offers_of_an_absent_product_go_away_once() -> None:
    gone = Absent("gone")
    assert isinstance(decide_offers(gone, Known()), Nothing)
    shown = Known(mirror={OFFERS: FieldMirror(FieldHash("x"), FieldHash("y"))})
    away = decide_offers(gone, shown)
    assert isinstance(away, SendOffers)
    assert away.offers == ()
    done = Known(mirror={OFFERS: FieldMirror(away.sent, FieldHash(""))})
    assert isinstance(decide_offers(gone, done), Nothing)


def test_a_page_is_made_changed_taken_off_and_published_again() -> None:
    projection = project(generate.product(1), RULES, NOW, {})
    made = decide_content(projection, Known(), RULES)
    assert isinstance(made, SendContent)
    assert made.change.creates
    mirror = confirm(None, made.change.sent, stored(dict(made.change.sent)), frozenset())
    known = Known(bound=True, mirror=mirror)
    assert isinstance(decide_content(projection, known, RULES), Nothing)
    assert decide_content(Absent("gone"), known, RULES) == TakeOff("gone")
    retired = replace(known, retired=True)
    assert isinstance(decide_content(Absent("gone"), retired, RULES), Nothing)
    again = decide_content(projection, retired, RULES)
    assert isinstance(again, SendContent)
    assert not again.change.fields
    assert not again.change.creates
    assert isinstance(decide_content(Absent("never here"), Known(), RULES), Nothing)


# ---- plan ----


@given(st.lists(st.integers(1, 50)), st.integers(1, 40))
def test_batches_lose_nothing_keep_the_order_and_the_limit(weights: list[int], limit: int) -> None:
    made = list(batches(weights, limit, lambda weight: weight))
    assert [each for batch in made for each in batch] == weights
    assert all(batch for batch in made)
    assert all(sum(batch) <= limit or len(batch) == 1 for batch in made)


@given(st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 10**5))
def test_more_is_never_allowed_where_less_is_stopped(held: int, already: int, wanted: int) -> None:
    less = retire_allowance(SafetyRule(), held=held, already=already, wanted=wanted)
    more = retire_allowance(SafetyRule(), held=held, already=already, wanted=wanted + 1)
    assert not (less.stopped and not more.stopped)
    assert less.allowed in (0, wanted)


@pytest.mark.parametrize(
    ("held", "already", "wanted", "stopped"),
    [
        (100, 0, 10, False),
        (100, 0, 11, True),
        (100, 5, 6, True),
        (1000, 0, 50, False),
        (1000, 0, 51, True),
        (8, 0, 8, True),
        (8, 0, 7, False),
        (1, 0, 1, False),
        (100, 0, 0, False),
    ],
)
def test_the_safety_stop_holds_at_its_limit(
    held: int, already: int, wanted: int, stopped: bool
) -> None:
    found = retire_allowance(SafetyRule(10, 5), held=held, already=already, wanted=wanted)
    assert found.stopped is stopped


# ---- selection ----


def category(name: str, parent: str | None) -> Category:
    english = Locale("en-GB")
    above = CategoryId(parent) if parent else None
    return Category(CategoryId(name), f"h-{name}", {english: Text(name)}, english, above)


TREE = {c.id: c for c in (category("a", None), category("b", "a"), category("c", "b"))}
CYCLE = {c.id: c for c in (category("x", "y"), category("y", "x"))}


def test_a_category_stands_for_all_below_it_and_a_cycle_ends() -> None:
    assert names_above([CategoryId("c")], TREE) == {"a", "b", "c", "h-a", "h-b", "h-c"}
    assert names_above([CategoryId("x")], CYCLE) == {"x", "y", "h-x", "h-y"}


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (Selection(), None),
        (Selection(channels=frozenset({"web"})), "sales channels"),
        (Selection(tags=frozenset({"gift"})), "none of the site's tags"),
        (Selection(exclude_tags=frozenset({"old"})), "excluded tag 'old'"),
        (Selection(skus=("NOPE-*",)), "no SKU fits"),
        (Selection(skus=("SKU-*", "*")), None),
        (Selection(categories=frozenset({"h-a"})), None),
        (Selection(categories=frozenset({"z"})), "none of the site's categories"),
        (Selection(exclude_categories=frozenset({"b"})), "excluded category 'b'"),
        (Selection(statuses=frozenset({ProductStatus.DRAFT})), "status is published"),
    ],
)
def test_selection_says_why_not(selection: Selection, reason: str | None) -> None:
    product = replace(
        generate.product(1), categories=(CategoryId("c"),), tags=("old",), channels=("pos",)
    )
    found = exclusion(product, selection, TREE)
    assert (found is None) if reason is None else (found is not None and reason in found)


# ---- retry and suspend ----


@given(st.integers(1, 200), st.floats(0, 0.999))
def test_backoff_grows_and_keeps_its_roof(failures: int, chance: float) -> None:
    policy = RetryPolicy(2, 2, 900, 8)
    wait = backoff_seconds(failures, policy, chance)
    assert 1.5 <= wait <= 900 * 1.25
    assert backoff_seconds(failures + 1, policy, chance) >= wait


@pytest.mark.parametrize(
    ("error", "attempts", "expected"),
    [
        (Rejected("x"), 1, Park("Rejected")),
        (SafetyStop("x"), 1, Park("SafetyStop")),
        (TryAgain("x"), 8, Park("TryAgain")),
        (ConnectorError("x"), 8, Park("ConnectorError")),
        (TryAgain("x"), 1, RetryAt(NOW + timedelta(seconds=2))),
        (TryAgain("x"), 3, RetryAt(NOW + timedelta(seconds=8))),
        (TryAgain("x", retry_after_seconds=60), 1, RetryAt(NOW + timedelta(seconds=60))),
    ],
)
def test_what_becomes_of_a_failure(
    error: ConnectorError, attempts: int, expected: RetryAt | Park
) -> None:
    assert after_failure(error, attempts, RetryPolicy(park_after=8), NOW, 0.5) == expected


def test_a_target_is_left_alone_for_longer_each_time_and_believed_when_it_says_how_long() -> None:
    first = suspension_after(TargetDown("down"), "site:a", None, NOW, 0.5)
    second = suspension_after(TargetDown("down"), "site:a", first, NOW, 0.5)
    assert first.until == NOW + timedelta(seconds=5)
    assert second.until == NOW + timedelta(seconds=10)
    assert (second.failures, second.since) == (2, first.since)
    told = suspension_after(TryAgain("429", retry_after_seconds=7), "site:a", None, NOW, 0.5)
    assert told.until == NOW + timedelta(seconds=7)
    at_once = suspension_after(TryAgain("429", retry_after_seconds=0), "site:a", None, NOW, 0.5)
    assert at_once.until == NOW + timedelta(seconds=5)


def test_a_paused_target_is_never_called_and_a_failed_one_when_its_time_is_over() -> None:
    paused = Suspension("site:a", "paused", NOW, None, 0, "me")
    failed = replace(paused, until=NOW + timedelta(seconds=1))
    assert may_call(None, NOW)
    assert not may_call(paused, NOW + timedelta(days=9))
    assert not may_call(failed, NOW)
    assert may_call(failed, NOW + timedelta(seconds=1))


def test_markets_are_values() -> None:
    assert Market(EUROS.name, EUROS.locale, "EUR") == EUROS
