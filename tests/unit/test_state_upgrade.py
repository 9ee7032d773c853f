"""A state of the first version, with work in flight, becomes this version's and loses nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from connector.errors import StateError
from connector.model import Lane, Subject, SubjectKind
from connector.state import leases, mirror, parking, todo
from connector.state.database import alembic_config, open_database
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.clock import START
from tests.house import SITE, House

MILLISECONDS = int(START.timestamp() * 1000)
SUBJECT = generate.product_subject(3)
ROWS = f"""
INSERT INTO todo (site, lane, kind, subject, priority, due_at, marks, first_marked_at,
    last_marked_at, attempts, lease_owner, lease_until, claimed_at, fence, trace_id, cause)
VALUES ('blog', 'content', 'product', '{SUBJECT.id}', 10, {MILLISECONDS}, 2, {MILLISECONDS},
    {MILLISECONDS}, 1, 'somebody gone', {MILLISECONDS + 60000}, {MILLISECONDS}, 7, 't', 'c'),
    ('blog', 'offers', 'product', '{SUBJECT.id}', 10, {MILLISECONDS}, 1, {MILLISECONDS},
    {MILLISECONDS}, 0, NULL, NULL, NULL, NULL, 't', 'c');
INSERT INTO parked (site, lane, kind, subject, reason, error, first_at, last_at, attempts, trace_id)
VALUES ('blog', 'content', 'product', 'prod_old', 'no title', 'Rejected', {MILLISECONDS},
    {MILLISECONDS}, 1, 't');
INSERT INTO mirror (site, lane, kind, subject, fields, fence, confirmed_at)
VALUES ('blog', 'content', 'product', '{SUBJECT.id}', '{{"title": ["a", "b", false]}}', '1.5',
    {MILLISECONDS});
INSERT INTO bindings (site, kind, subject, cms_id, bound_at)
VALUES ('blog', 'product', '{SUBJECT.id}', '41', {MILLISECONDS});
UPDATE counters SET value = 7 WHERE name = 'fence';
"""


def first_version(folder: Path) -> str:
    """The address of a state as version 1 left it when it was killed at work."""
    folder.mkdir()
    url = f"sqlite:///{folder}/state.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()
    with closing(sqlite3.connect(folder / "state.db")) as file:
        file.executescript(ROWS)
    return url


def test_what_was_in_flight_is_still_due_and_what_was_known_still_known(tmp_path: Path) -> None:
    database = open_database(first_version(tmp_path / "old"))
    with database.read() as connection:
        rows = todo.rows_of(connection, SITE, SUBJECT)
        parked = parking.list_parked(connection)
        known = mirror.load_mirror(connection, SITE, Lane.CONTENT, [SUBJECT])
        bound = mirror.load_bindings(connection, SITE, [SUBJECT])
    assert {(row.lane, row.attempts, row.in_flight) for row in rows} == {
        (Lane.CONTENT, 1, True),
        (Lane.OFFERS, 0, False),
    }
    assert [(each.subject, each.reason) for each in parked] == [
        (Subject(SubjectKind.PRODUCT, "prod_old"), "no title")
    ]
    assert known[SUBJECT].fence == "1.5"
    assert bound[SUBJECT].cms_id == "41"
    database.close()


def test_work_goes_on_after_the_upgrade(tmp_path: Path) -> None:
    url = first_version(tmp_path / "old")
    house = House(tmp_path, MemoryCatalogue(generate.products(5)), url=url)
    with house.database.write() as connection:
        leases.release_all(connection)
    house.settle()
    page = house.site.page(SUBJECT)
    assert page is not None
    assert page.live
    assert house.site.offers(SUBJECT)
    house.database.close()


def test_the_older_program_is_refused_by_the_newer_state(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path}/state.db").close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = 'x' || version_num")
    connection.close()
    with pytest.raises(StateError, match=f"x{version}"):
        open_database(f"sqlite:///{tmp_path}/state.db")
