"""Faults strike where they say they do, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.model import ProductId, SubjectKind
from connector.ports import Outcome
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import START, FakeClock
from connector.testing.conformance.writes import document, picture
from connector.testing.faults import (
    Fault,
    FaultyCatalogue,
    FaultySite,
    Lie,
    Script,
    Seeded,
    broken_off,
    lost_answer,
    refused,
    slow,
    throttled,
)
from connector.testing.site import MemorySite


def site_with(script: Script) -> tuple[MemorySite, FaultySite]:
    inner = MemorySite()
    return inner, FaultySite(inner, script, FakeClock())


def catalogue_with(script: Script, count: int = 5) -> FaultyCatalogue:
    inner = MemoryCatalogue(generate.products(count), page_size=2)
    return FaultyCatalogue(inner, script, FakeClock())


def test_a_refused_call_reaches_nobody() -> None:
    inner, site = site_with(Script().on("write_content", refused()))
    write = document()
    with pytest.raises(TargetDown):
        site.write_content([write])
    assert inner.requests == []
    assert site.write_content([write])[0].outcome is Outcome.DONE


def test_a_lost_answer_was_done_and_can_be_repeated() -> None:
    inner, site = site_with(Script().on("write_content", lost_answer()))
    write = document()
    with pytest.raises(TryAgain):
        site.write_content([write])
    assert inner.page(write.subject) is not None
    assert site.write_content([write])[0].cms_id == "1"
    assert len(inner.pages()) == 1


def test_a_lost_upload_is_found_again() -> None:
    inner, site = site_with(Script().on("upload_media", lost_answer()))
    upload = picture()
    with pytest.raises(TryAgain):
        site.upload_media(upload)
    assert site.find_media([upload.content_hash]) == {
        upload.content_hash: inner.upload_media(upload)
    }


def test_a_listing_breaks_off_after_its_pages() -> None:
    catalogue = catalogue_with(Script().on("ids", broken_off(pages=2)))
    listing = catalogue.ids()
    assert [len(next(listing)), len(next(listing))] == [2, 2]
    with pytest.raises(Incomplete):
        next(listing)
    assert [len(page) for page in catalogue.ids()] == [2, 2, 1]


def test_lies_end_a_listing_without_a_word() -> None:
    script = Script().on("ids", Fault(lie=Lie.EMPTY), Fault(lie=Lie.HALF))
    catalogue = catalogue_with(script)
    assert [len(page) for page in catalogue.ids()] == []
    assert [len(page) for page in catalogue.ids()] == [2]
    assert [len(page) for page in catalogue.ids()] == [2, 2, 1]


def test_lies_call_products_gone() -> None:
    script = Script().on("fetch", Fault(lie=Lie.EMPTY), Fault(lie=Lie.HALF))
    catalogue = catalogue_with(script)
    ids = [ProductId(generate.product_subject(each).id) for each in range(4)]
    assert catalogue.fetch(ids).gone == set(ids)
    assert (len((half := catalogue.fetch(ids)).products), len(half.gone)) == (2, 2)
    assert set(catalogue.fetch(ids).products) == set(ids)


def test_lies_answer_for_half_of_a_batch() -> None:
    inner, site = site_with(Script().on("write_content", Fault(lie=Lie.HALF)))
    assert len(site.write_content([document() for _ in range(4)])) == 2
    assert len(inner.pages()) == 4


def test_poison_is_rejected_and_a_bomb_takes_its_batch_along() -> None:
    inner, site = site_with(Script())
    good, poison, bomb = (document() for _ in range(3))
    site.poison.add(poison.subject)
    site.bombs.add(bomb.subject)
    receipts = site.write_content([poison, good])
    assert [each.outcome for each in receipts] == [Outcome.REJECTED, Outcome.DONE]
    assert [each.subject for each in receipts] == [poison.subject, good.subject]
    with pytest.raises(Rejected):
        site.write_content([good, bomb])
    assert set(inner.pages()) == {good.subject}


def test_slowness_takes_the_clocks_time() -> None:
    clock = FakeClock()
    site = FaultySite(MemorySite(), Script().on("check", slow(30)), clock)
    site.check()
    assert (clock.now() - START).total_seconds() == 30


def test_a_script_is_used_in_order_and_then_ends() -> None:
    script = Script().on("check", None, throttled(7)).always("check", refused())
    _, site = site_with(script)
    site.check()
    with pytest.raises(TryAgain) as caught:
        site.check()
    assert caught.value.retry_after_seconds == 7
    with pytest.raises(TargetDown):
        site.check()
    script.always("check", None)
    site.check()
    assert [name for name, _ in script.used] == ["check", "check"]


@given(st.integers())
def test_one_seed_gives_one_sequence(seed: int) -> None:
    one, other = (Seeded(seed, 0.5) for _ in range(2))
    first = [one.next_fault("check") for _ in range(20)]
    second = [other.next_fault("check") for _ in range(20)]
    kinds = [each and (type(each.error), each.when) for each in first]
    assert kinds == [each and (type(each.error), each.when) for each in second]


def test_seeded_faults_can_be_narrowed_and_stopped() -> None:
    plan = Seeded(1, 1.0, methods=frozenset({"fetch"}))
    assert plan.next_fault("check") is None
    assert plan.next_fault("fetch") is not None
    plan.stop()
    assert plan.next_fault("fetch") is None


def test_an_inventory_may_end_early_without_a_word() -> None:
    inner = MemorySite(page_size=2)
    inner.write_content([document() for _ in range(5)])
    site = FaultySite(inner, Script().on("inventory", Fault(lie=Lie.HALF)), FakeClock())
    assert [len(page) for page in site.inventory(SubjectKind.PRODUCT)] == [2]
