"""A run is put back byte by byte where nobody wrote since, and stays put back until the backend
changes it again. An editor's words are never touched by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector import undo
from connector.errors import Rejected
from connector.model import FieldName, Money, Price, ProductId, SiteName, Subject
from connector.reconcile import reconcile
from connector.state import conflicts, holds, journal, runs
from connector.state.runs import UNASKED
from connector.sync.diff import LIVE, PAGE, RETIRED
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultySite, Script, lost_answer
from connector.testing.site import MemorySite
from connector.undo import Fate, Step, Undone
from tests.house import EUROS, SITE, House

TITLE, TAGS, TEXT = FieldName("title"), FieldName("tags"), FieldName("description")
SUBJECT = generate.product_subject
NO_MEDIA = SiteRules(markets=(EUROS,), media=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(30)), rules=NO_MEDIA)
    house.fill()
    house.clock.advance(seconds=7200)
    yield house
    house.database.close()


def last_run(house: House) -> str:
    with house.database.read() as connection:
        found = runs.latest_runs(connection, 1, unasked=True)
    return found[0].id


def plan(house: House, run_id: str) -> list[Step]:
    with house.database.read() as connection:
        return undo.plan(connection, run_id)


def carry_out(house: House, steps: Sequence[Step]) -> Undone:
    undo_id = undo.begin(house.database, house.clock, "a run", "test", steps)
    house.settle()
    with house.database.read() as connection:
        return undo.outcome(connection, undo_id, steps)


def field(house: House, number: int, name: FieldName) -> object:
    page = house.site.page(SUBJECT(number))
    assert page is not None
    return page.fields[name]


def held(house: House) -> dict[tuple[Subject, FieldName], bool]:
    with house.database.read() as connection:
        return {(h.subject, h.field): h.hold.restored for h in holds.list_holds(connection)}


def test_what_the_backend_changed_is_put_back_and_stays(house: House) -> None:
    before = {n: field(house, n, TITLE) for n in range(30)}
    for number in (3, 4):
        house.catalogue.put(generate.retitled(generate.product(number), "spoilt"))
    house.poll()
    assert field(house, 3, TITLE) == "spoilt"
    steps = plan(house, last_run(house))
    assert {(s.subject, s.field, s.fate) for s in steps} == {
        (SUBJECT(3), TITLE, Fate.RESTORE),
        (SUBJECT(4), TITLE, Fate.RESTORE),
    }
    done = carry_out(house, steps)
    assert (done.restored, done.altered, done.left) == (2, (), ())
    assert {n: field(house, n, TITLE) for n in range(30)} == before
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert {n: field(house, n, TITLE) for n in range(30)} == before


def test_a_hold_ends_when_the_backend_changes_that_field_again(house: House) -> None:
    house.catalogue.put(generate.retitled(generate.product(3), "spoilt"))
    house.poll()
    carry_out(house, plan(house, last_run(house)))
    house.catalogue.put(generate.retitled(generate.product(3), "mended"))
    house.poll()
    assert field(house, 3, TITLE) == "mended"
    assert held(house) == {}


def test_other_fields_go_on_while_one_is_held(house: House) -> None:
    was = field(house, 3, TITLE)
    spoilt = generate.retitled(generate.product(3), "spoilt")
    house.catalogue.put(spoilt)
    house.poll()
    carry_out(house, plan(house, last_run(house)))
    house.catalogue.put(replace(spoilt, tags=("new",)))
    house.poll()
    assert (field(house, 3, TITLE), field(house, 3, TAGS)) == (was, ["new"])


def test_an_edit_since_is_kept_and_named(house: House) -> None:
    for number in (3, 4):
        house.catalogue.put(generate.retitled(generate.product(number), "spoilt"))
    house.poll()
    house.site.edit(SUBJECT(4), TITLE, "an editor's title")
    done = carry_out(house, plan(house, last_run(house)))
    assert done.restored == 1
    assert [(s.subject, s.field, s.fate) for s in done.left] == [(SUBJECT(4), TITLE, Fate.EDITED)]
    assert field(house, 4, TITLE) == "an editor's title"
    assert held(house) == {(SUBJECT(3), TITLE): True}


A, B, C = "<p>a</p>", "<p>b</p>", "<p>c</p>"


def say(house: House, number: int, description: str) -> None:
    product = generate.product(number)
    text = replace(product.texts[product.default_locale], description=description)
    house.catalogue.put(replace(product, texts={product.default_locale: text}))
    house.poll()


def joined(house: House, *, own_run: bool = True) -> str:
    """Editor and backend have changed different paragraphs of product 4; answers the editor's."""
    say(house, 4, A + B + C)
    edited = "<p>the editor's</p>" + B + C
    house.site.edit(SUBJECT(4), TEXT, edited)
    house.clock.advance(seconds=7200 if own_run else 0)
    say(house, 4, A + B + "<p>spoilt</p>")
    assert field(house, 4, TEXT) == "<p>the editor's</p>" + B + "<p>spoilt</p>"
    return edited


def test_what_a_run_joined_with_an_editors_words_is_the_editors_again(house: House) -> None:
    edited = joined(house)
    done = carry_out(house, plan(house, last_run(house)))
    assert (done.restored, done.altered, done.left) == (1, (), ())
    assert field(house, 4, TEXT) == edited
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert field(house, 4, TEXT) == edited
    say(house, 4, A + B + "<p>mended</p>")
    assert field(house, 4, TEXT) == edited
    with house.database.read() as connection:
        (contested,) = conflicts.list_conflicts(connection)
    assert contested.contested.conflict.site == edited


def test_an_edit_between_two_writes_of_a_run_is_no_undos_to_take(house: House) -> None:
    joined(house, own_run=False)
    now = field(house, 4, TEXT)
    done = carry_out(house, plan(house, last_run(house)))
    assert (done.restored, [step.fate for step in done.left]) == (0, [Fate.EDITED])
    assert field(house, 4, TEXT) == now


def test_what_an_editor_wrote_after_a_join_is_no_undos_to_take(house: House) -> None:
    joined(house)
    run = last_run(house)
    later = "<p>later</p>"
    house.site.edit(SUBJECT(4), TEXT, later)
    done = carry_out(house, plan(house, run))
    assert (done.restored, [step.fate for step in done.left]) == (0, [Fate.EDITED])
    assert field(house, 4, TEXT) == later


def test_an_edit_of_a_field_that_is_ours_is_kept_by_an_undo_and_mended_by_a_reconcile(
    house: House,
) -> None:
    house.catalogue.put(replace(generate.product(4), tags=("spoilt",)))
    house.poll()
    house.site.edit(SUBJECT(4), TAGS, ["by hand"])
    done = carry_out(house, plan(house, last_run(house)))
    assert [step.fate for step in done.left] == [Fate.EDITED]
    assert field(house, 4, TAGS) == ["by hand"]
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    assert field(house, 4, TAGS) == ["spoilt"]


def test_runs_are_undone_in_their_order(house: House) -> None:
    first_title = field(house, 3, TITLE)
    made = []
    for title in ("one", "two"):
        house.catalogue.put(generate.retitled(generate.product(3), title))
        house.poll()
        made.append(last_run(house))
        house.clock.advance(seconds=3600)
    assert [step.fate for step in plan(house, made[0])] == [Fate.WRITTEN_SINCE]
    carry_out(house, plan(house, made[1]))
    assert field(house, 3, TITLE) == "one"
    carry_out(house, plan(house, made[0]))
    assert field(house, 3, TITLE) == first_title


def test_an_undo_is_a_run_and_can_be_undone(house: House) -> None:
    house.catalogue.put(generate.retitled(generate.product(3), "meant so"))
    house.poll()
    steps = plan(house, last_run(house))
    undo_id = undo.begin(house.database, house.clock, "a run", "test", steps)
    house.settle()
    carry_out(house, plan(house, undo_id))
    assert field(house, 3, TITLE) == "meant so"


def test_pages_that_a_run_made_go_off_sale_and_do_not_come_back(house: House) -> None:
    house.catalogue.put(generate.product(500))
    house.poll()
    carry_out(house, plan(house, last_run(house)))
    page = house.site.page(SUBJECT(500))
    assert page is not None
    assert page.retired
    assert house.site.offers(SUBJECT(500)) == ()
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    page = house.site.page(SUBJECT(500))
    assert page is not None
    assert page.retired
    assert held(house) == {(SUBJECT(500), PAGE): True}
    with house.database.read() as connection:
        (hold,) = holds.list_holds(connection)
    assert hold.hold.value == RETIRED


def test_pages_that_a_run_retired_come_back_without_prices(house: House) -> None:
    house.catalogue.remove(ProductId(SUBJECT(7).id))
    house.poll()
    page = house.site.page(SUBJECT(7))
    assert page is not None
    assert page.retired
    steps = plan(house, last_run(house))
    assert [(step.field, step.hold and step.hold.value) for step in steps] == [(PAGE, LIVE)]
    carry_out(house, steps)
    reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    page = house.site.page(SUBJECT(7))
    assert page is not None
    assert page.live
    assert house.site.offers(SUBJECT(7)) == ()


def test_a_page_that_nobody_can_make_again_is_parked_and_not_asked_for_ever(house: House) -> None:
    house.catalogue.remove(ProductId(SUBJECT(7).id))
    house.poll()
    steps = plan(house, last_run(house))
    house.site.delete(SUBJECT(7))
    before = len(house.site.written())
    carry_out(house, steps)
    assert house.due() == 0
    assert len(house.site.written()) - before < 10
    (row,) = house.parked()
    assert "no longer there" in row.reason


def test_what_the_site_could_not_take_yet_is_told_as_waiting_and_not_as_edited(
    house: House,
) -> None:
    house.catalogue.put(generate.retitled(generate.product(4), "Other words"))
    house.poll()
    steps = plan(house, last_run(house))
    house.site.refuse(SUBJECT(4))
    done = carry_out(house, steps)
    assert [(s.field, s.fate) for s in done.left] == [(TITLE, Fate.WAITING)]
    house.site.allow(SUBJECT(4))


def test_a_run_that_wrote_nothing_cannot_be_undone(house: House) -> None:
    run_id, _ = reconcile(house.database, house.work.target(), house.clock, "test")
    with pytest.raises(Rejected, match="wrote no page"):
        plan(house, run_id)


def test_what_nobody_asked_for_stands_under_the_hour(house: House) -> None:
    house.catalogue.put(generate.retitled(generate.product(3), "one"))
    house.poll()
    with house.database.read() as connection:
        run = runs.get_run(connection, f"{house.clock.now():%Y-%m-%dT%H}-blog")
    assert run is not None
    assert (run.kind, run.site) == (UNASKED, SITE)


def test_sites_with_long_names_that_begin_alike_have_runs_of_their_own(house: House) -> None:
    names = [SiteName(f"magazine-international-{each}") for each in ("austria", "australia")]
    with house.database.write() as connection:
        ids = [journal.unasked_run(connection, name, house.clock.now()) for name in names]
        found = [runs.get_run(connection, each) for each in ids]
    assert [run and run.site for run in found] == names
    assert all(len(each) <= 40 for each in ids)


def test_the_before_image_survives_a_lost_answer(tmp_path: Path) -> None:
    site, script, clock = MemorySite("blog", locales=("en-GB",)), Script(), FakeClock()
    house = House(
        tmp_path,
        MemoryCatalogue(generate.products(5)),
        site,
        seen_site=FaultySite(site, script, clock),
        rules=NO_MEDIA,
        clock=clock,
    )
    house.fill()
    house.clock.advance(seconds=7200)
    was = field(house, 3, TITLE)
    script.on("write_content", lost_answer())
    house.catalogue.put(generate.retitled(generate.product(3), "spoilt"))
    house.poll()
    assert field(house, 3, TITLE) == "spoilt"
    done = carry_out(house, plan(house, last_run(house)))
    assert (done.restored, field(house, 3, TITLE)) == (1, was)
    house.database.close()


def test_a_change_taken_back_after_a_lost_answer_is_taken_back_at_the_site_too(
    tmp_path: Path,
) -> None:
    site, script, clock = MemorySite("blog", locales=("en-GB",)), Script(), FakeClock()
    house = House(
        tmp_path,
        MemoryCatalogue(generate.products(5)),
        site,
        seen_site=FaultySite(site, script, clock),
        rules=NO_MEDIA,
        clock=clock,
    )
    house.fill()
    was = field(house, 3, TITLE), site.offers(SUBJECT(3))
    script.on("write_content", lost_answer()).on("write_offers", lost_answer())
    changed = generate.retitled(generate.product(3), "for a moment")
    first = replace(changed.variants[0], prices=(Price(Money(4242, "EUR")),))
    house.catalogue.put(replace(changed, variants=(first, *changed.variants[1:])))
    house.detector.poll()
    house.step()
    assert field(house, 3, TITLE) == "for a moment"
    house.catalogue.put(generate.product(3))
    house.poll()
    assert (field(house, 3, TITLE), site.offers(SUBJECT(3))) == was
    house.database.close()
