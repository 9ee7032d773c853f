"""A lost or older state: no page is made twice, no word of an editor is lost, no value comes back
that was overtaken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector import undo
from connector.errors import Incomplete, Rejected, StateError
from connector.model import CmsId, FieldName, ProductId, Subject, SubjectKind
from connector.rebuild import Rebuilt, rebuild
from connector.reconcile import Report, reconcile
from connector.state import runs, taken
from connector.state.backup import back_up, check, put_back
from connector.state.database import StateLock, open_database
from connector.state.taken import TakenField
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.faults import FaultySite, Script, broken_off
from connector.testing.site import MemorySite
from tests.house import EUROS, House

TITLE, DESCRIPTION = FieldName("title"), FieldName("description")
SUBJECT = generate.product_subject
RULES = SiteRules(markets=(EUROS,))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "one", MemoryCatalogue(generate.products(30)), rules=RULES)
    house.fill()
    yield house
    house.database.close()


def anew(house: House, folder: Path) -> House:
    """The same backend and site, with a state that knows nothing."""
    return House(folder, house.catalogue, house.site, rules=house.rules, clock=house.clock)


def learn(house: House) -> Rebuilt:
    target = house.work.target()
    return rebuild(house.database, target, house.detector, house.clock, "test")


def prove(house: House) -> Report:
    house.settle()
    _, report = reconcile(house.database, house.work.target(), house.clock, "test")
    house.settle()
    return report


def ids(site: MemorySite) -> dict[Subject, CmsId]:
    return {s: p.cms_id for kind in SubjectKind for s, p in site.pages(kind).items()}


def fields(site: MemorySite) -> dict[Subject, object]:
    return {subject: page.fields for subject, page in site.pages().items()}


def test_a_rebuilt_state_finds_nothing_to_write_but_prices(house: House, tmp_path: Path) -> None:
    pages, contents = ids(house.site), fields(house.site)
    house.site.requests.clear()
    fresh = anew(house, tmp_path / "two")
    learned = learn(fresh)
    assert (learned.products, learned.documents, learned.edited) == (30, 30, 0)
    report = prove(fresh)
    assert (report.equal, report.changed, report.missing, report.surplus) == (30, 0, 0, 0)
    assert (ids(house.site), fields(house.site)) == (pages, contents)
    assert {each.method for each in house.site.written()} <= {"write_offers", "write_terms"}
    fresh.database.close()


def test_a_rebuild_that_broke_off_is_begun_again(house: House, tmp_path: Path) -> None:
    site, script = house.site, Script().on("inventory", None, broken_off(1))
    site._page_size = 10
    fresh = House(
        tmp_path / "two",
        house.catalogue,
        site,
        seen_site=FaultySite(site, script, house.clock),
        rules=house.rules,
        clock=house.clock,
    )
    with pytest.raises(Incomplete):
        learn(fresh)
    with fresh.database.read() as connection:
        (run,) = runs.latest_runs(connection)
    assert (run.kind, run.outcome) == ("rebuild", "failed")
    assert learn(fresh).products == 30
    with pytest.raises(Rejected, match="nothing to rebuild"):
        learn(fresh)


def test_what_changed_while_nobody_knew_is_brought_up_to_date(house: House, tmp_path: Path) -> None:
    pages = ids(house.site)
    house.catalogue.put(generate.retitled(generate.product(3), "new title"))
    house.catalogue.put(generate.product(77))
    house.catalogue.remove(ProductId(SUBJECT(5).id))
    fresh = anew(house, tmp_path / "two")
    learn(fresh)
    prove(fresh)
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert page.fields[TITLE] == "new title"
    gone = house.site.page(SUBJECT(5))
    assert gone is not None
    assert gone.retired
    assert ids(house.site).items() >= pages.items()
    assert set(ids(house.site)) - set(pages) == {SUBJECT(77)}
    fresh.database.close()


def test_an_editors_words_outlive_the_state(house: House, tmp_path: Path) -> None:
    house.site.edit(SUBJECT(4), TITLE, "an editor's title")
    fresh = anew(house, tmp_path / "two")
    assert learn(fresh).edited == 1
    prove(fresh)
    house.catalogue.put(replace(generate.product(4), tags=("new",)))
    fresh.poll()
    page = house.site.page(SUBJECT(4))
    assert page is not None
    assert (page.fields[TITLE], page.fields[FieldName("tags")]) == ("an editor's title", ["new"])
    fresh.database.close()


def test_fields_taken_over_outlive_the_state(house: House, tmp_path: Path) -> None:
    subject, other = SUBJECT(3), SUBJECT(4)
    with house.database.write() as connection:
        at = house.clock.now().replace(microsecond=0)
        row = TakenField(house.work.target().name, subject, TITLE, "Anna (user 3)", "run", at)
        taken.take(connection, row)
    house.work.tell_editors()
    house.site.edit(subject, TITLE, "Anna's own")
    house.site.notes[other] = {
        "fields": {"variants": dict(house.site.notes[subject]), "title": "?"}
    }
    lost = anew(house, tmp_path / "two")
    assert learn(lost).taken == 1
    product = house.catalogue.fetch([ProductId(subject.id)]).products[ProductId(subject.id)]
    text = replace(product.texts[product.default_locale], title="The shop's newer one")
    house.catalogue.put(replace(product, texts={product.default_locale: text}))
    prove(lost)
    page = house.site.page(subject)
    assert page is not None and page.fields[TITLE] == "Anna's own"
    with lost.database.read() as connection:
        (kept,) = taken.list_taken(connection, row.site)
    assert (kept.taken_by, kept.at, kept.field) == (row.taken_by, row.at, TITLE)
    lost.database.close()


def test_what_an_undo_put_back_outlives_the_state(house: House, tmp_path: Path) -> None:
    house.clock.advance(seconds=7200)
    house.catalogue.put(generate.retitled(generate.product(3), "spoilt"))
    house.poll()
    with house.database.read() as connection:
        run_id = runs.latest_runs(connection, 1, unasked=True)[0].id
        steps = undo.plan(connection, run_id)
    undo.begin(house.database, house.clock, run_id, "test", steps)
    house.settle()
    fresh = anew(house, tmp_path / "two")
    learn(fresh)
    prove(fresh)
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert page.fields[TITLE] == "Product 3"
    fresh.database.close()


def test_its_fences_are_above_all_that_the_site_has_seen(house: House, tmp_path: Path) -> None:
    before = house.site.check().highest_fence
    fresh = anew(house, tmp_path / "two")
    learn(fresh)
    fresh.settle()
    assert house.site.check().highest_fence.epoch > before.epoch
    fresh.database.close()


def test_a_state_that_knows_the_site_is_not_rebuilt(house: House) -> None:
    with pytest.raises(Rejected, match="reconcile"):
        learn(house)


# ---- backup and restore ----


def test_a_backup_is_whole_and_private_and_made_while_others_write(
    house: House, tmp_path: Path
) -> None:
    copy = tmp_path / "backups" / "state.db"
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE counters SET value = value + 1 WHERE name = 'fence'")
        assert back_up(house.database, copy) == copy.stat().st_size
    check(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StateError, match="there already"):
        back_up(house.database, copy)


def test_nothing_is_left_of_a_backup_that_failed(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateError, match="no backup was made"):
        back_up(house.database, tmp_path / "file" / "state.db")
    assert not list(tmp_path.glob("**/*.part"))


def restored(house: House, copy: Path) -> House:
    """The same house after its state was put back."""
    path = house.database.path
    assert path is not None
    house.database.close()
    moved = put_back(f"sqlite:///{path}", path, copy, house.clock.now())
    assert moved is not None
    assert moved.exists()
    return House(path.parent, house.catalogue, house.site, rules=house.rules, clock=house.clock)


def test_a_value_that_came_back_meanwhile_is_right_after_a_restore(
    house: House, tmp_path: Path
) -> None:
    """The copy thinks that the site has the old title; the site has the one between."""
    copy = tmp_path / "copy.db"
    back_up(house.database, copy)
    pages = ids(house.site)
    house.catalogue.put(generate.retitled(generate.product(3), "in between"))
    house.catalogue.put(generate.product(88))
    house.poll()
    house.catalogue.put(generate.product(3))
    again = restored(house, copy)
    again.fill()
    prove(again)
    page = house.site.page(SUBJECT(3))
    assert page is not None
    assert page.fields[TITLE] == "Product 3"
    assert set(ids(house.site)) == set(pages) | {SUBJECT(88)}
    again.database.close()


def test_an_editors_words_outlive_a_restore(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(house.database, copy)
    house.site.edit(SUBJECT(4), TITLE, "an editor's title")
    again = restored(house, copy)
    again.fill()
    prove(again)
    page = house.site.page(SUBJECT(4))
    assert page is not None
    assert page.fields[TITLE] == "an editor's title"
    again.database.close()


def test_nothing_is_put_back_under_a_working_daemon(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(house.database, copy)
    path = house.database.path
    assert path is not None
    lock = StateLock(path)
    lock.acquire({"role": "daemon"})
    with pytest.raises(StateError, match="works on this state"):
        put_back(f"sqlite:///{path}", path, copy, house.clock.now())
    lock.release()


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_a_copy_that_is_none_is_refused_before_anything_is_moved(
    house: House, tmp_path: Path, content: bytes
) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(content)
    path = house.database.path
    assert path is not None
    if content:
        with pytest.raises(StateError, match=r"copy\.db"):
            put_back(f"sqlite:///{path}", path, copy, house.clock.now())
        assert path.exists()


def test_a_damaged_copy_is_refused(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(house.database, copy)
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2] + b"\xff" * 4096 + whole[len(whole) // 2 + 4096 :])
    with pytest.raises(StateError, match=r"copy\.db"):
        check(copy)


def test_a_newer_copy_is_refused(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(house.database, copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match="newer than this program"):
        put_back(f"sqlite:///{tmp_path}/other.db", tmp_path / "other.db", copy, house.clock.now())
    open_database(f"sqlite:///{house.database.path}").close()
