"""Signals: marks and cursor move together; nothing is missed, whatever breaks in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import BadSignature, ConnectorError
from connector.model import Lane, Money, Price, ProductId, Stock, VariantId
from connector.ports import Signal
from connector.signing import Secret, signed_headers
from connector.state import runs, signals
from connector.sync.rules import SiteRules
from connector.testing import generate
from connector.testing.catalogue import CONTENT_ONLY, MemoryCatalogue, webhook_body
from connector.testing.clock import FakeClock
from connector.testing.faults import FaultyCatalogue, Script, broken_off
from tests.house import BACKEND, EUROS, SITE, House

SECRET = Secret(b"k" * 32)
NO_MEDIA = SiteRules(markets=(EUROS,), media=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    catalogue = MemoryCatalogue(generate.products(30), secrets=[SECRET])
    house = House(tmp_path, catalogue)
    house.fill()
    yield house
    house.database.close()


def variant(house: House, number: int) -> VariantId:
    return VariantId(house.site.offers(generate.product_subject(number))[0].variant)


def test_a_thousand_and_one_changes_between_two_polls_all_arrive(tmp_path: Path) -> None:
    house = House(tmp_path, MemoryCatalogue(generate.products(1002), page_size=50), rules=NO_MEDIA)
    house.fill()
    for number in range(1, 1002):
        house.catalogue.set_price(variant(house, number), Price(Money(number, "EUR")))
    assert house.detector.poll() == 1001
    house.settle()
    assert all(
        house.site.offers(generate.product_subject(n))[0].amount.amount_minor == n
        for n in (1, 500, 501, 1001)
    )
    house.database.close()


def test_a_shop_that_never_rests_is_imported_all_the_same(tmp_path: Path) -> None:
    house = House(tmp_path, MemoryCatalogue(generate.products(30)), rules=NO_MEDIA)
    house.detector.poll()
    house.detector.import_new_sites()
    assert house.detector.importing()
    assert house.detector.unproved_sites() == []
    house.settle()
    house.clock.advance(seconds=5)
    house.catalogue.set_price(variant(house, 1), Price(Money(1, "EUR")))
    house.detector.poll()
    assert house.due() == 1
    assert not house.detector.importing()
    assert house.detector.unproved_sites() == [SITE]
    house.database.close()


def test_a_poll_that_breaks_off_keeps_what_came_and_goes_on_from_there(tmp_path: Path) -> None:
    catalogue, clock, script = MemoryCatalogue(generate.products(121)), FakeClock(), Script()
    faulty = FaultyCatalogue(catalogue, script, clock)
    house = House(tmp_path, catalogue, seen_catalogue=faulty, clock=clock)
    house.fill()
    for number in range(1, 121):
        catalogue.set_price(variant(house, number), Price(Money(number, "EUR")))
    script.on("changes", broken_off(1))
    with pytest.raises(ConnectorError):
        house.detector.poll()
    first = house.due()
    assert 0 < first < 240
    house.poll()
    assert house.site.offers(generate.product_subject(120))[0].amount.amount_minor == 120
    house.database.close()


def test_a_change_made_during_a_poll_is_seen_by_the_next(house: House) -> None:
    assert house.detector.poll() == 0
    house.catalogue.set_price(variant(house, 1), Price(Money(1, "EUR")))
    with house.database.read() as connection:
        before = signals.read_cursor(connection, BACKEND, "poll")
    assert house.detector.poll() == 1
    with house.database.read() as connection:
        assert signals.read_cursor(connection, BACKEND, "poll") != before


def test_a_webhook_marks_once_whatever_its_sender_repeats(house: House) -> None:
    subject = generate.product_subject(3)
    house.catalogue.set_price(variant(house, 3), Price(Money(333, "EUR")))
    now = house.clock.now()
    body = webhook_body([Signal(subject)])
    headers = signed_headers(SECRET, "event-1", int(now.timestamp()), body)
    assert house.detector.receive(headers, body)
    assert not house.detector.receive(headers, body)
    house.settle()
    assert house.site.offers(subject)[0].amount.amount_minor == 333
    assert not house.detector.receive(headers, body)
    assert house.due() == 0


@pytest.mark.parametrize("spoil", ["unsigned", "wrong", "old", "other id", "body"])
def test_a_webhook_that_is_not_proved_marks_nothing(house: House, spoil: str) -> None:
    now = house.clock.now()
    body = webhook_body([Signal(generate.product_subject(3))])
    sent = now - timedelta(seconds=301) if spoil == "old" else now
    secret = Secret(b"x" * 32) if spoil == "wrong" else SECRET
    headers = signed_headers(secret, "event-1", int(sent.timestamp()), body)
    if spoil == "unsigned":
        headers = {}
    if spoil == "other id":
        headers["webhook-id"] = "event-2"
    if spoil == "body":
        body += b" "
    with pytest.raises(BadSignature):
        house.detector.receive(headers, body)
    assert house.due() == 0
    with house.database.read() as connection:
        assert signals.last_received(connection, BACKEND) is None


def test_a_sweep_marks_exactly_what_changed_and_the_first_is_the_baseline(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue(generate.products(60), capabilities=CONTENT_ONLY)
    house = House(tmp_path, catalogue)
    house.fill()
    assert house.detector.sweep("stock") == 0
    assert house.detector.sweep("stock") == 0
    catalogue.set_stock(variant(house, 7), Stock(tracked=True))
    assert house.detector.poll() == 0
    assert house.detector.sweep("stock") == 1
    with house.database.read() as connection:
        from connector.state import todo

        (row,) = todo.rows_of(connection, house.work.name, generate.product_subject(7))
    assert row.lane is Lane.OFFERS
    house.settle()
    catalogue.remove(ProductId(generate.product_subject(8).id))
    assert house.detector.sweep("stock") == 1
    house.settle()
    page = house.site.page(generate.product_subject(8))
    assert page is not None
    assert page.retired
    house.database.close()


def test_a_webhook_body_is_json() -> None:
    assert json.loads(webhook_body([Signal(generate.product_subject(1))]))


# ---- faults in between, and a backend that begins anew ----


class Interrupted(Exception):
    """The process dies here."""


@pytest.mark.parametrize("what", ["poll", "sweep", "webhook"])
def test_marks_and_what_they_were_learned_from_commit_together(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    subject = generate.product_subject(3)
    house.detector.sweep("prices")
    house.catalogue.set_price(variant(house, 3), Price(Money(333, "EUR")))
    body = webhook_body([Signal(subject)])
    headers = signed_headers(SECRET, "event-1", int(house.clock.now().timestamp()), body)

    def look() -> object:
        if what == "webhook":
            return house.detector.receive(headers, body)
        return house.detector.poll() if what == "poll" else house.detector.sweep("prices")

    def dies(*_: object, **__: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(runs, "record", dies)
        with pytest.raises(Interrupted):
            look()
    assert house.due() == 0
    assert look()
    assert house.due() > 0
    house.settle()
    assert house.site.offers(subject)[0].amount.amount_minor == 333


def test_a_sweep_that_breaks_off_concludes_nothing_from_what_it_did_not_see(
    tmp_path: Path,
) -> None:
    catalogue = MemoryCatalogue(generate.products(60), capabilities=CONTENT_ONLY, page_size=10)
    clock, script = FakeClock(), Script()
    house = House(
        tmp_path,
        catalogue,
        seen_catalogue=FaultyCatalogue(catalogue, script, clock),
        clock=clock,
    )
    house.fill()
    house.detector.sweep("stock")
    script.on("sweep", broken_off(2))
    with pytest.raises(ConnectorError):
        house.detector.sweep("stock")
    assert house.due() == 0
    catalogue.set_stock(variant(house, 45), Stock(tracked=True))
    assert house.detector.sweep("stock") == 1
    house.database.close()


def test_a_backend_put_back_from_a_backup_is_looked_at_as_a_whole(house: House) -> None:
    """Its cursor lies in a future that the backend no longer knows."""
    for number in range(30):
        house.catalogue.set_price(variant(house, number), Price(Money(1, "EUR")))
    house.poll()
    house.catalogue._feed.clear()
    house.catalogue.set_price(variant(house, 7), Price(Money(777, "EUR")))
    house.poll()
    assert house.site.offers(generate.product_subject(7))[0].amount.amount_minor == 777
    house.catalogue.set_price(variant(house, 8), Price(Money(888, "EUR")))
    house.poll()
    assert house.site.offers(generate.product_subject(8))[0].amount.amount_minor == 888


def test_an_import_never_begins_before_the_cursor_is_taken(tmp_path: Path) -> None:
    """What changes between the two would else be seen by nobody."""
    house = House(tmp_path, MemoryCatalogue(generate.products(5)))
    house.detector.import_new_sites()
    house.settle()
    house.catalogue.set_price(variant(house, 1), Price(Money(111, "EUR")))
    house.poll()
    assert house.site.offers(generate.product_subject(1))[0].amount.amount_minor == 111
    house.database.close()


def test_an_import_that_breaks_off_is_begun_again(tmp_path: Path) -> None:
    catalogue, clock, script = MemoryCatalogue(generate.products(120)), FakeClock(), Script()
    house = House(
        tmp_path,
        catalogue,
        seen_catalogue=FaultyCatalogue(catalogue, script, clock),
        clock=clock,
    )
    script.on("ids", broken_off(1))
    with pytest.raises(ConnectorError):
        house.detector.import_new_sites()
    assert house.detector.import_new_sites()
    assert house.detector.import_new_sites() == []
    house.settle()
    assert len(house.site.pages()) == 120
    house.database.close()
