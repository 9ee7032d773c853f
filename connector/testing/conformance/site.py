"""The promises of `ports.Site`, one test each. Runs on any adapter that has a bench.

Knows nothing of any one CMS; what differs between them it reads from the capabilities. Each test
takes subjects of its own, so that one real site serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Protocol

import pytest

from connector.errors import Incomplete, TargetDown
from connector.model import CategoryId, FieldHash, FieldName, JsonValue, Subject, SubjectKind
from connector.ports import (
    ContentWrite,
    Fence,
    Held,
    Outcome,
    Receipt,
    Site,
    SiteCapabilities,
    StatusNote,
)
from connector.ports_panel import Panel, RequestAnswer, Standing
from connector.testing.conformance.writes import (
    CATEGORIES,
    DESCRIPTION,
    OFFERS,
    TITLE,
    change_of,
    document,
    fence,
    fresh_subject,
    no_offers_write,
    offers_write,
    picture,
    retire_write,
    term_write,
    write_id,
)


class SiteBench(Protocol):
    """The adapter under test, and the editors of the site that it writes to."""

    many: int
    """How many documents need more than one page of the inventory."""

    @property
    def site(self) -> Site: ...

    def connect(self) -> Site:
        """A further client of the same site, as another worker has it."""

    def with_wrong_credentials(self) -> Site: ...

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        """What an editor does to `title` or `description`."""

    def read(self, subject: Subject, name: FieldName) -> str:
        """The raw stored value of `title` or `description`."""

    def unpublish(self, subject: Subject) -> None: ...

    def trash(self, subject: Subject) -> None: ...

    def delete(self, subject: Subject) -> None:
        """Delete the page for good."""

    def count_pages(self) -> int:
        """All product pages that the CMS has, drafts and trash too, whoever made them."""

    def breaking(self) -> AbstractContextManager[None] | None:
        """While it lasts, an inventory of `many` breaks off after its first page. None: cannot."""


class SiteConformance:
    """Subclass it and override `bench`."""

    @pytest.fixture
    def bench(self) -> SiteBench:
        raise NotImplementedError("override the fixture `bench`")

    # ---- check ----

    def test_check_proves_the_credentials(self, bench: SiteBench) -> None:
        facts = bench.site.check()
        assert facts.system
        assert facts.version
        assert facts.locales
        assert abs(facts.clock_skew_seconds) < 60

    def test_wrong_credentials_are_never_an_empty_site(self, bench: SiteBench) -> None:
        done(bench.site.write_content([document()]))
        with pytest.raises(TargetDown):
            bench.with_wrong_credentials().check()
        with pytest.raises(TargetDown):
            list(bench.with_wrong_credentials().inventory(SubjectKind.PRODUCT))

    def test_check_says_the_highest_fence_seen(self, bench: SiteBench) -> None:
        needs_fences(bench)
        write = document()
        bench.site.write_content([write])
        assert bench.site.check().highest_fence >= write.fence

    # ---- content ----

    def test_a_new_document_makes_a_live_page(self, bench: SiteBench) -> None:
        write = document()
        before = bench.count_pages()
        receipt = done(bench.site.write_content([write]))
        assert bench.count_pages() == before + 1
        assert receipt.cms_id
        assert receipt.url
        assert set(receipt.hashes) == set(write.fields)
        assert receipt.kept == frozenset()
        held = held_at(bench.site, write.subject)
        assert (held.live, held.retired, held.cms_id) == (True, False, receipt.cms_id)

    def test_the_inventory_equals_the_receipts(self, bench: SiteBench) -> None:
        write = document()
        receipt = done(bench.site.write_content([write]))
        offers = done(bench.site.write_offers([offers_write(write.subject)]))
        held = held_at(bench.site, write.subject)
        assert dict(held.hashes) == {**receipt.hashes, **offers.hashes}

    def test_receipts_come_in_the_order_of_the_batch(self, bench: SiteBench) -> None:
        size = min(7, capabilities(bench).documents_per_request)
        batch = [document() for _ in range(size)]
        batch.sort(key=lambda each: each.subject.id, reverse=True)
        receipts = bench.site.write_content(batch)
        assert [each.subject for each in receipts] == [each.subject for each in batch]
        assert len({each.cms_id for each in receipts}) == size

    def test_a_batch_of_nothing_is_nothing(self, bench: SiteBench) -> None:
        assert list(bench.site.write_content([])) == []
        assert list(bench.site.write_offers([])) == []
        assert list(bench.site.write_terms([])) == []
        assert list(bench.site.retire([])) == []

    def test_the_largest_batch_is_taken(self, bench: SiteBench) -> None:
        batch = [document() for _ in range(capabilities(bench).documents_per_request)]
        receipts = bench.site.write_content(batch)
        assert [each.outcome for each in receipts] == [Outcome.DONE] * len(batch)

    def test_one_poison_item_stops_no_other(self, bench: SiteBench) -> None:
        poison = document(fields={TITLE: ["no", "text"]})
        batch = [document(), poison, document()]
        receipts = bench.site.write_content(batch)
        outcomes = [each.outcome for each in receipts]
        assert outcomes == [Outcome.DONE, Outcome.REJECTED, Outcome.DONE]
        assert receipts[1].message

    def test_only_named_fields_change(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        second = done(bench.site.write_content([change_of(made, {TITLE: "Another title"})]))
        held = held_at(bench.site, made.subject)
        assert set(second.hashes) == {TITLE}
        assert second.cms_id == first.cms_id
        assert held.hashes[TITLE] == second.hashes[TITLE] != first.hashes[TITLE]
        untouched = set(made.fields) - {TITLE}
        assert {each: held.hashes[each] for each in untouched} == {
            each: first.hashes[each] for each in untouched
        }

    def test_equal_values_have_equal_hashes(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        again = done(bench.site.write_content([change_of(made, made.fields)]))
        assert again.hashes == first.hashes

    def test_text_arrives_as_it_was_sent(self, bench: SiteBench) -> None:
        title = "5″ “pipe” \\ 'n' & \U0001f4a1 <i>ü</i> \\n C:\\temp"
        description = '<p class="a">\\ back & forth © 日本 <a href="/x?a=1&amp;b=2">x</a></p>'
        made = document(fields={TITLE: title, DESCRIPTION: description})
        done(bench.site.write_content([made]))
        assert bench.read(made.subject, TITLE) == title
        assert bench.read(made.subject, DESCRIPTION) == description

    def test_equal_slugs_make_two_pages(self, bench: SiteBench) -> None:
        one, other = document(), document()
        first = done(bench.site.write_content([one]))
        second = done(bench.site.write_content([replace(other, slug=one.slug)]))
        assert first.cms_id != second.cms_id
        assert first.url != second.url

    def test_a_change_to_a_page_that_is_not_there_is_missing(self, bench: SiteBench) -> None:
        before = bench.count_pages()
        write = replace(document(fields={TITLE: "Half a page"}), whole=False)
        (receipt,) = bench.site.write_content([write])
        assert (receipt.subject, receipt.outcome) == (write.subject, Outcome.MISSING)
        assert bench.count_pages() == before

    def test_unknown_categories_wait(self, bench: SiteBench) -> None:
        term = term_write()
        write = document(fields={TITLE: "Waits", CATEGORIES: [term.subject.id]})
        (receipt,) = bench.site.write_content([write])
        assert receipt.outcome is Outcome.RETRY
        done(bench.site.write_terms([term]))
        assert done(bench.site.write_content([write])).cms_id

    # ---- write ids and fences ----

    def test_repeating_a_write_gives_the_same_receipt(self, bench: SiteBench) -> None:
        """Also where an editor came between: a repeat writes nothing."""
        write = document()
        before = bench.count_pages()
        first = done(bench.site.write_content([write]))
        bench.edit(write.subject, TITLE, "An editor's title")
        assert same(bench.site.write_content([write])[0], first)
        assert bench.read(write.subject, TITLE) == "An editor's title"
        assert bench.count_pages() == before + 1

    def test_a_lost_answer_is_no_editors_change(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        change = replace(change_of(made, {TITLE: "Second title"}), expected=first.hashes)
        second = done(bench.site.write_content([change]))
        repeated = done(bench.site.write_content([change]))
        assert second.kept == repeated.kept == frozenset()
        assert repeated.hashes == second.hashes

    def test_repeating_offers_gives_the_same_receipt(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        write = offers_write(subject)
        first = done(bench.site.write_offers([write]))
        assert same(bench.site.write_offers([write])[0], first)

    def test_an_older_fence_is_refused(self, bench: SiteBench) -> None:
        needs_fences(bench)
        late = document()
        newer = change_of(late, {TITLE: "Newer"}, whole=True)
        done(bench.site.write_content([newer]))
        before = held_at(bench.site, late.subject)
        (receipt,) = bench.site.write_content([late])
        assert receipt.outcome is Outcome.STALE
        assert held_at(bench.site, late.subject) == before

    def test_a_higher_epoch_goes_before_any_sequence(self, bench: SiteBench) -> None:
        needs_fences(bench)
        made = document()
        done(bench.site.write_content([made]))
        rebuilt = replace(change_of(made, {TITLE: "Rebuilt"}), fence=Fence(made.fence.epoch + 1, 1))
        done(bench.site.write_content([rebuilt]))
        (receipt,) = bench.site.write_content([change_of(made, {TITLE: "Late"})])
        assert receipt.outcome is Outcome.STALE

    def test_lanes_and_subjects_have_fences_of_their_own(self, bench: SiteBench) -> None:
        needs_fences(bench)
        early = offers_write(fresh_subject())
        other = document()
        made = document(early.subject)
        done(bench.site.write_content([made]))
        done(bench.site.write_offers([early]))
        done(bench.site.write_content([other]))

    def test_late_offers_are_refused(self, bench: SiteBench) -> None:
        needs_fences(bench)
        subject = made_page(bench)
        late = offers_write(subject, 1000)
        newer = done(bench.site.write_offers([offers_write(subject, 2000)]))
        (receipt,) = bench.site.write_offers([late])
        assert receipt.outcome is Outcome.STALE
        assert held_at(bench.site, subject).hashes[OFFERS] == newer.hashes[OFFERS]

    # ---- editors ----

    def test_an_editors_value_is_kept_where_it_is_expected(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        bench.edit(made.subject, TITLE, "An editor's title")
        change = replace(
            change_of(made, {TITLE: "Ours", DESCRIPTION: "<p>Ours</p>"}), expected=first.hashes
        )
        receipt = done(bench.site.write_content([change]))
        assert receipt.kept == {TITLE}
        assert set(receipt.hashes) == {DESCRIPTION}
        assert bench.read(made.subject, TITLE) == "An editor's title"
        assert bench.read(made.subject, DESCRIPTION) == "<p>Ours</p>"

    def test_a_write_whose_answer_was_lost_is_not_taken_for_an_edit(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        lost = replace(change_of(made, {TITLE: "Second"}), expected=first.hashes)
        done(bench.site.write_content([lost]))
        third = replace(change_of(lost, {TITLE: "Third"}), expected=first.hashes)
        receipt = done(bench.site.write_content([third]))
        assert receipt.kept == frozenset()
        assert bench.read(made.subject, TITLE) == "Third"

    def test_an_edit_is_kept_from_a_whole_page_sent_again(self, bench: SiteBench) -> None:
        made = document()
        done(bench.site.write_content([made]))
        bench.edit(made.subject, TITLE, "An editor's title")
        unknown = {TITLE: FieldHash(""), DESCRIPTION: FieldHash("")}
        again = replace(change_of(made, made.fields, whole=True), expected=unknown)
        receipt = done(bench.site.write_content([again]))
        assert receipt.kept == {TITLE}
        assert bench.read(made.subject, TITLE) == "An editor's title"

    def test_an_unexpected_edit_is_overwritten(self, bench: SiteBench) -> None:
        made = document()
        done(bench.site.write_content([made]))
        bench.edit(made.subject, TITLE, "An editor's title")
        receipt = done(bench.site.write_content([change_of(made, {TITLE: "Ours"})]))
        assert receipt.kept == frozenset()
        assert bench.read(made.subject, TITLE) == "Ours"

    # ---- what writes replace ----

    def test_a_receipt_tells_whether_the_page_was_made(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        second = done(bench.site.write_content([change_of(made, {TITLE: "Second"})]))
        assert (first.made, first.before) == (True, None)
        assert not second.made

    def test_what_was_replaced_can_be_put_back_byte_by_byte(self, bench: SiteBench) -> None:
        odd = '<p onclick="x()">An  editor\'s & <em>own</em></p>'
        made = document()
        done(bench.site.write_content([made]))
        bench.edit(made.subject, DESCRIPTION, odd)
        stood = held_at(bench.site, made.subject).hashes[DESCRIPTION]
        value = bench.read(made.subject, DESCRIPTION)
        written = done(bench.site.write_content([change_of(made, {DESCRIPTION: "<p>Ours</p>"})]))
        assert written.before is not None
        assert written.before[DESCRIPTION].hash == stood
        back = replace(
            change_of(made, {DESCRIPTION: written.before[DESCRIPTION].value}),
            expected={DESCRIPTION: written.hashes[DESCRIPTION]},
            verbatim=frozenset({DESCRIPTION}),
        )
        receipt = done(bench.site.write_content([back]))
        assert receipt.hashes[DESCRIPTION] == stood
        assert bench.read(made.subject, DESCRIPTION) == value

    def test_what_a_lost_answer_replaced_is_told_by_the_next(self, bench: SiteBench) -> None:
        needs_fences(bench)
        made = document()
        first = done(bench.site.write_content([made]))
        lost = replace(change_of(made, {TITLE: "Second"}), seen=str(made.fence))
        done(bench.site.write_content([lost]))
        third = replace(change_of(lost, {TITLE: "Third"}), seen=str(made.fence))
        receipt = done(bench.site.write_content([third]))
        assert receipt.before is not None
        assert receipt.before[TITLE].hash == first.hashes[TITLE]
        assert done(bench.site.write_content([third])).before == receipt.before
        fourth = replace(change_of(third, {TITLE: "Fourth"}), seen=str(third.fence))
        receipt = done(bench.site.write_content([fourth]))
        assert receipt.before is not None
        assert receipt.before[TITLE].hash != first.hashes[TITLE]

    # ---- what people did ----

    def test_the_log_tells_of_an_edit_until_it_is_acknowledged(self, bench: SiteBench) -> None:
        if not capabilities(bench).events:
            pytest.skip("this site keeps no log")
        made = document()
        receipt = done(bench.site.write_content([made]))
        seen = [event for page in bench.site.events("0") for event in page]
        assert made.subject not in {event.subject for event in seen}
        bench.edit(made.subject, TITLE, "An editor's")
        after = seen[-1].id if seen else "0"
        (event,) = [event for page in bench.site.events(after) for event in page]
        assert (event.subject, event.cms_id) == (made.subject, receipt.cms_id)
        assert (event.what, event.fields) == ("edited", (TITLE,))
        bench.site.acknowledge_events(event.id)
        assert [event for page in bench.site.events("0") for event in page] == []

    # ---- joining an editor's words with ours ----

    def test_a_site_tells_what_it_stores_and_what_that_came_from(self, bench: SiteBench) -> None:
        needs_merges(bench)
        made = document()
        receipt = done(bench.site.write_content([made]))
        bench.edit(made.subject, TITLE, "An editor's")
        (stored,) = bench.site.documents(SubjectKind.PRODUCT, [made.subject.id, "none such"])
        assert (stored.subject, stored.cms_id) == (made.subject, receipt.cms_id)
        assert dict(stored.bases) == dict(made.fields)
        assert dict(stored.noted) == dict(receipt.hashes)
        assert stored.values[TITLE] == bench.read(made.subject, TITLE) == "An editor's"
        assert stored.hashes[TITLE] == held_at(bench.site, made.subject).hashes[TITLE]
        assert stored.hashes[TITLE] != stored.noted[TITLE]
        assert stored.hashes[DESCRIPTION] == stored.noted[DESCRIPTION]

    def test_a_joined_field_stays_an_editors(self, bench: SiteBench) -> None:
        needs_merges(bench)
        joined = joined_write(bench, "<p>Editor</p>\n<p>Shop</p>")
        receipt = done(bench.site.write_content([joined]))
        assert receipt.kept == frozenset()
        assert bench.read(joined.subject, DESCRIPTION) == "<p>Editor</p>\n<p>Shop</p>"
        (stored,) = bench.site.documents(SubjectKind.PRODUCT, [joined.subject.id])
        assert stored.bases[DESCRIPTION] == "<p>Base</p>\n<p>Shop</p>"
        assert stored.noted[DESCRIPTION] == ""
        assert stored.hashes[DESCRIPTION] == receipt.hashes[DESCRIPTION]
        for expected in ("", joined.expected[DESCRIPTION], FieldHash("0" * 16)):
            plain = change_of(joined, {DESCRIPTION: "<p>Ours</p>"})
            plain = replace(plain, expected={DESCRIPTION: FieldHash(expected)})
            assert done(bench.site.write_content([plain])).kept == {DESCRIPTION}

    def test_an_edit_between_reading_and_joining_is_kept(self, bench: SiteBench) -> None:
        needs_merges(bench)
        joined = joined_write(bench, "<p>Editor</p>\n<p>Shop</p>")
        bench.edit(joined.subject, DESCRIPTION, "<p>Editor again</p>")
        assert done(bench.site.write_content([joined])).kept == {DESCRIPTION}
        assert bench.read(joined.subject, DESCRIPTION) == "<p>Editor again</p>"
        (stored,) = bench.site.documents(SubjectKind.PRODUCT, [joined.subject.id])
        assert stored.bases[DESCRIPTION] == "<p>Base</p>"

    def test_a_join_cleans_nothing_of_an_editors_away(self, bench: SiteBench) -> None:
        needs_merges(bench)
        joined = joined_write(bench, '<p onclick="x()">Editor</p>\n<p>Shop</p>')
        bench.edit(joined.subject, DESCRIPTION, '<p onclick="x()">Editor</p>')
        for value in (joined.fields[DESCRIPTION], '<p onclick="x()">Editor</p>'):
            stands = held_at(bench.site, joined.subject).hashes[DESCRIPTION]
            again = replace(
                change_of(joined, {DESCRIPTION: value}),
                expected={DESCRIPTION: stands},
                joined=joined.joined,
            )
            bench.site.write_content([again])
            assert 'onclick="x()"' in bench.read(joined.subject, DESCRIPTION)

    def test_a_plain_write_makes_a_joined_field_ours_again(self, bench: SiteBench) -> None:
        needs_merges(bench)
        joined = joined_write(bench, "<p>Editor</p>\n<p>Shop</p>")
        stood = done(bench.site.write_content([joined])).hashes
        plain = replace(change_of(joined, {DESCRIPTION: "<p>Ours</p>"}), expected=stood)
        receipt = done(bench.site.write_content([plain]))
        assert receipt.kept == frozenset()
        (stored,) = bench.site.documents(SubjectKind.PRODUCT, [joined.subject.id])
        assert stored.noted[DESCRIPTION] == stored.hashes[DESCRIPTION]
        assert stored.bases[DESCRIPTION] == "<p>Ours</p>"

    def test_the_inventory_shows_an_editors_change(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        bench.edit(made.subject, DESCRIPTION, "<p>An editor's</p>")
        held = held_at(bench.site, made.subject)
        assert held.hashes[DESCRIPTION] != first.hashes[DESCRIPTION]
        assert held.hashes[TITLE] == first.hashes[TITLE]

    def test_an_unpublished_page_stays_so(self, bench: SiteBench) -> None:
        made = document()
        done(bench.site.write_content([made]))
        bench.unpublish(made.subject)
        assert not held_at(bench.site, made.subject).live
        done(bench.site.write_content([change_of(made, {TITLE: "Still a draft"})]))
        done(bench.site.write_offers([offers_write(made.subject)]))
        held = held_at(bench.site, made.subject)
        assert (held.live, held.retired) == (False, False)
        assert bench.read(made.subject, TITLE) == "Still a draft"

    def test_a_trashed_page_gets_no_twin(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        bench.trash(made.subject)
        before = bench.count_pages()
        receipt = done(bench.site.write_content([change_of(made, made.fields, whole=True)]))
        assert receipt.cms_id == first.cms_id
        assert bench.count_pages() == before
        assert not held_at(bench.site, made.subject).live

    def test_a_deleted_page_is_missing_and_can_be_made_anew(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        bench.delete(made.subject)
        (receipt,) = bench.site.write_content([change_of(made, {TITLE: "Half"})])
        assert receipt.outcome is Outcome.MISSING
        anew = done(bench.site.write_content([change_of(made, made.fields, whole=True)]))
        assert anew.cms_id != first.cms_id
        assert set(anew.hashes) == set(made.fields)

    # ---- offers ----

    def test_offers_are_replaced_as_a_whole(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        both = done(bench.site.write_offers([offers_write(subject, 1000, 2000)]))
        one = done(bench.site.write_offers([offers_write(subject, 1000)]))
        again = done(bench.site.write_offers([offers_write(subject, 1000, 2000)]))
        assert set(both.hashes) == {OFFERS}
        assert both.hashes == again.hashes != one.hashes
        assert held_at(bench.site, subject).hashes[OFFERS] == again.hashes[OFFERS]

    def test_no_offers_leave_an_empty_hash(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        assert held_at(bench.site, subject).hashes[OFFERS] == FieldHash("")
        done(bench.site.write_offers([offers_write(subject)]))
        emptied = done(bench.site.write_offers([no_offers_write(subject)]))
        assert dict(emptied.hashes) == {OFFERS: FieldHash("")}
        assert held_at(bench.site, subject).hashes[OFFERS] == FieldHash("")

    def test_offers_and_content_do_not_touch_each_other(self, bench: SiteBench) -> None:
        made = document()
        content = done(bench.site.write_content([made]))
        offers = done(bench.site.write_offers([offers_write(made.subject)]))
        changed = done(bench.site.write_content([change_of(made, {DESCRIPTION: "<p>New</p>"})]))
        held = held_at(bench.site, made.subject)
        assert dict(held.hashes) == {**content.hashes, **changed.hashes, **offers.hashes}

    def test_offers_need_not_wait_for_the_page(self, bench: SiteBench) -> None:
        """Where offers stand in the page itself they may be asked for again."""
        write = offers_write(fresh_subject())
        (receipt,) = bench.site.write_offers([write])
        if not capabilities(bench).own_offers:
            assert receipt.outcome is Outcome.RETRY
            return
        assert receipt.outcome is Outcome.DONE
        done(bench.site.write_content([document(write.subject)]))
        assert held_at(bench.site, write.subject).hashes[OFFERS] == receipt.hashes[OFFERS]

    def test_a_full_request_of_offers_is_taken(self, bench: SiteBench) -> None:
        limits = capabilities(bench)
        size = min(limits.offer_rows_per_request, limits.documents_per_request)
        documents = [document() for _ in range(size)]
        bench.site.write_content(documents)
        receipts = bench.site.write_offers([offers_write(each.subject) for each in documents])
        assert [each.subject for each in receipts] == [each.subject for each in documents]
        assert {each.outcome for each in receipts} == {Outcome.DONE}

    # ---- retire ----

    def test_retiring_takes_off_sale(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        done(bench.site.write_offers([offers_write(subject)]))
        before = bench.count_pages()
        done(bench.site.retire([retire_write(subject)]))
        held = held_at(bench.site, subject)
        assert (held.live, held.retired) == (False, True)
        assert held.hashes[OFFERS] == FieldHash("")
        assert bench.count_pages() == before

    def test_retiring_twice_or_the_unknown_is_done(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        done(bench.site.retire([retire_write(subject)]))
        done(bench.site.retire([retire_write(subject)]))
        done(bench.site.retire([retire_write(fresh_subject())]))

    def test_a_written_page_is_published_again(self, bench: SiteBench) -> None:
        made = document()
        first = done(bench.site.write_content([made]))
        done(bench.site.retire([retire_write(made.subject)]))
        back = done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
        held = held_at(bench.site, made.subject)
        assert (held.live, held.retired) == (True, False)
        assert back.cms_id == first.cms_id

    def test_coming_back_keeps_an_editors_unpublishing(self, bench: SiteBench) -> None:
        made = document()
        done(bench.site.write_content([made]))
        bench.unpublish(made.subject)
        done(bench.site.retire([retire_write(made.subject)]))
        done(bench.site.write_content([change_of(made, {TITLE: "Back"})]))
        held = held_at(bench.site, made.subject)
        assert (held.live, held.retired) == (False, False)

    def test_late_writes_do_not_bring_back(self, bench: SiteBench) -> None:
        needs_fences(bench)
        made = document()
        done(bench.site.write_content([made]))
        late, late_offers = change_of(made, {TITLE: "Late"}), offers_write(made.subject)
        done(bench.site.retire([retire_write(made.subject)]))
        assert bench.site.write_content([late])[0].outcome is Outcome.STALE
        assert bench.site.write_offers([late_offers])[0].outcome is Outcome.STALE
        held = held_at(bench.site, made.subject)
        assert (held.live, held.hashes[OFFERS]) == (False, FieldHash(""))

    def test_a_late_retiring_is_refused(self, bench: SiteBench) -> None:
        needs_fences(bench)
        made = document()
        late = retire_write(made.subject)
        done(bench.site.write_content([change_of(made, made.fields, whole=True)]))
        assert bench.site.retire([late])[0].outcome is Outcome.STALE
        assert held_at(bench.site, made.subject).live

    # ---- categories ----

    def test_a_parent_may_stand_earlier_in_the_batch(self, bench: SiteBench) -> None:
        root = term_write()
        child = term_write(parent=root.subject)
        receipts = bench.site.write_terms([root, child])
        assert [each.outcome for each in receipts] == [Outcome.DONE, Outcome.DONE]
        assert [each.subject for each in receipts] == [root.subject, child.subject]
        for receipt in receipts:
            assert held_at(bench.site, receipt.subject).hashes == receipt.hashes

    def test_a_missing_parent_is_waited_for(self, bench: SiteBench) -> None:
        root = term_write()
        child = term_write(parent=root.subject)
        assert bench.site.write_terms([child])[0].outcome is Outcome.RETRY
        done(bench.site.write_terms([root]))
        done(bench.site.write_terms([child]))

    def test_a_category_is_renamed_and_moved(self, bench: SiteBench) -> None:
        root, other = term_write(), term_write()
        child = term_write(parent=root.subject)
        first = bench.site.write_terms([root, other, child])[2]
        moved = replace(
            child,
            fence=fence(),
            write_id=write_id(),
            name="Renamed & moved",
            parent=CategoryId(other.subject.id),
        )
        receipt = done(bench.site.write_terms([moved]))
        assert receipt.cms_id == first.cms_id
        assert receipt.hashes != first.hashes
        assert held_at(bench.site, child.subject).hashes == receipt.hashes

    def test_a_retired_category_goes_and_may_come_back(self, bench: SiteBench) -> None:
        term = term_write()
        done(bench.site.write_terms([term]))
        done(bench.site.retire([retire_write(term.subject)]))
        assert find(bench.site, term.subject) is None
        back = replace(term, fence=fence(), write_id=write_id())
        done(bench.site.write_terms([back]))
        assert held_at(bench.site, term.subject).live

    # ---- media ----

    def test_a_picture_is_stored_once(self, bench: SiteBench) -> None:
        needs_media(bench)
        upload = picture()
        assert bench.site.find_media([upload.content_hash]) == {}
        first = bench.site.upload_media(upload)
        again = bench.site.upload_media(upload)
        assert first == again
        assert first.cms_id
        assert first.url
        found = bench.site.find_media([picture().content_hash, upload.content_hash])
        assert found == {upload.content_hash: first}

    def test_other_bytes_are_another_picture(self, bench: SiteBench) -> None:
        needs_media(bench)
        first, second = (bench.site.upload_media(picture()) for _ in range(2))
        assert first.cms_id != second.cms_id

    # ---- inventory ----

    def test_the_inventory_is_whole(self, bench: SiteBench) -> None:
        documents = [document(fields={TITLE: "One of many"}) for _ in range(bench.many)]
        size = capabilities(bench).documents_per_request
        receipts = [
            receipt
            for start in range(0, bench.many, size)
            for receipt in bench.site.write_content(documents[start : start + size])
        ]
        listed = [held for page in bench.site.inventory(SubjectKind.PRODUCT) for held in page]
        held = {each.subject: each.cms_id for each in listed}
        assert len(held) == len(listed)
        assert {each.subject: held.get(each.subject) for each in receipts} == {
            each.subject: each.cms_id for each in receipts
        }

    def test_an_inventory_that_breaks_off_raises(self, bench: SiteBench) -> None:
        self.test_the_inventory_is_whole(bench)
        breaking = bench.breaking()
        if breaking is None:
            pytest.skip("this bench cannot break a connection")
        with breaking, pytest.raises(Incomplete):
            list(bench.site.inventory(SubjectKind.PRODUCT))

    # ---- many at once ----

    def test_eight_workers_make_one_page(self, bench: SiteBench) -> None:
        needs_fences(bench)
        before = bench.count_pages()
        subject = fresh_subject()
        writes = [document(subject) for _ in range(8)]
        receipts = at_once(bench, writes)
        written = [each for each in receipts if each.outcome is Outcome.DONE]
        assert {each.outcome for each in receipts} <= {Outcome.DONE, Outcome.STALE, Outcome.RETRY}
        assert len({each.cms_id for each in written}) == 1
        assert bench.count_pages() == before + 1

    def test_one_write_sent_eight_times_is_one_write(self, bench: SiteBench) -> None:
        needs_fences(bench)
        before = bench.count_pages()
        receipts = at_once(bench, [document()] * 8)
        written = [each for each in receipts if each.outcome is Outcome.DONE]
        assert {each.outcome for each in receipts} <= {Outcome.DONE, Outcome.RETRY}
        assert all(same(each, written[0]) for each in written)
        assert bench.count_pages() == before + 1

    # ---- the rest ----

    def test_status_notes_are_taken(self, bench: SiteBench) -> None:
        subject = made_page(bench)
        bench.site.write_status([StatusNote(subject, NOTE), StatusNote(fresh_subject(), NOTE)])
        bench.site.write_status([StatusNote(subject, {})])

    def test_a_summary_and_answers_are_taken(self, bench: SiteBench) -> None:
        site = bench.site
        if not capabilities(bench).panel:
            pytest.skip("declared: this site has no panel")
        assert isinstance(site, Panel)
        site.write_summary({**SUMMARY})
        site.write_summary({**SUMMARY, "fresh": True})
        unknown = RequestAnswer("unknown", Standing.DONE, "synced", "Synced.", datetime.now(UTC))
        site.answer_requests([unknown])

    def test_a_page_has_an_address_for_editors(self, bench: SiteBench) -> None:
        receipt = done(bench.site.write_content([document()]))
        assert receipt.cms_id
        assert bench.site.admin_url(receipt.cms_id)


NOTE: Mapping[str, JsonValue] = {
    "waiting": {"lane": "offers", "since": "2026-11-24T08:40:00Z", "reason": "the shop <is> away"}
}
SUMMARY: Mapping[str, JsonValue] = {
    "at": "2026-11-24T09:00:00Z",
    "fresh": False,
    "backend": {"name": "shop", "looked_at": None, "compared_at": None},
    "lanes": [],
    "counts": {"conflicts": 0, "parked": 0, "taken": 0},
    "fields": [],
    "runs": [],
    "problems": [],
    "nudge": None,
}


# ---- what is asked and seen ----


def done(receipts: Sequence[Receipt]) -> Receipt:
    """The one receipt of a batch of one, which must have gone well."""
    (receipt,) = receipts
    assert receipt.outcome is Outcome.DONE, receipt
    return receipt


def made_page(bench: SiteBench) -> Subject:
    write = document()
    done(bench.site.write_content([write]))
    return write.subject


def find(site: Site, subject: Subject) -> Held | None:
    pages = site.inventory(subject.kind)
    found = [held for page in pages for held in page if held.subject == subject]
    assert len(found) <= 1, f"{subject} stands {len(found)} times in the inventory"
    return found[0] if found else None


def needs_merges(bench: SiteBench) -> None:
    if not capabilities(bench).merges:
        pytest.skip("this site does not join edits")


def joined_write(bench: SiteBench, value: str) -> ContentWrite:
    """A page that an editor changed, and the write that joins that with a change of ours."""
    made = document(fields={TITLE: "Joined", DESCRIPTION: "<p>Base</p>"})
    done(bench.site.write_content([made]))
    bench.edit(made.subject, DESCRIPTION, "<p>Editor</p>")
    (stored,) = bench.site.documents(SubjectKind.PRODUCT, [made.subject.id])
    return replace(
        change_of(made, {DESCRIPTION: value}),
        expected={DESCRIPTION: stored.hashes[DESCRIPTION]},
        joined={DESCRIPTION: "<p>Base</p>\n<p>Shop</p>"},
    )


def held_at(site: Site, subject: Subject) -> Held:
    found = find(site, subject)
    assert found is not None, f"{subject} is not in the inventory"
    return found


def same(one: Receipt, other: Receipt) -> bool:
    """Whether two receipts say the same of what the site holds; messages are for people."""
    return _holds(one) == _holds(other)


def _holds(receipt: Receipt) -> Receipt:
    return replace(receipt, message="", before=None, made=False)


def capabilities(bench: SiteBench) -> SiteCapabilities:
    return bench.site.check().capabilities


def needs_fences(bench: SiteBench) -> None:
    if not capabilities(bench).fences:
        pytest.skip("declared: this site does not refuse late writes itself")


def needs_media(bench: SiteBench) -> None:
    if not capabilities(bench).media:
        pytest.skip("declared: this site takes no media")


def at_once(bench: SiteBench, writes: Sequence[ContentWrite]) -> list[Receipt]:
    """Each write by a client of its own, all starting in one moment."""
    start = Barrier(len(writes))

    def send(write: ContentWrite) -> Receipt:
        site = bench.connect()
        start.wait()
        return site.write_content([write])[0]

    with ThreadPoolExecutor(len(writes)) as pool:
        return list(pool.map(send, writes))
