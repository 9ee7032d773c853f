"""Adapters broken on purpose that get past nobody: the engine contains what they do.

The conformance suites notice broken adapters before anybody uses them
(tests/unit/test_testing_conformance.py: 10 catalogues and 15 sites). These ones break while they
are at work. The worker lives, other products go through, what suffered says why, and once the
adapter is mended everything is right again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.detect import EVERY_LANE
from connector.errors import ConnectorError
from connector.model import Money, Price, ProductId, SubjectKind
from connector.ports import ContentWrite, Fetched, Held, OffersWrite, Receipt, SiteFacts
from connector.state.todo import Priority, Why
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from connector.testing.site import MemorySite
from connector.work.retry import RetryPolicy
from tests.house import SITE, House


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Dozens of tracebacks, drawn for a terminal, would take most of the time."""
    with capture_logs():
        yield


PRODUCTS = 12
BAD = 5
BAD_ID = generate.product(BAD).id
BAD_SUBJECT = generate.product_subject(BAD)


class Site(MemorySite):
    broken = False


class Shop(MemoryCatalogue):
    broken = False


class RaisesOnOne(Site):
    """An error of its own for one page, which takes the whole batch down."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        if self.broken and any(write.subject == BAD_SUBJECT for write in batch):
            raise ValueError("invalid literal for int() with base 10: 'n/a'")
        return super().write_content(batch)


class ForgetsAReceipt(Site):
    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        receipts = super().write_offers(batch)
        return receipts[:-1] if self.broken else receipts


class AnswersNothing(Site):
    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        receipts = super().write_offers(batch)
        return None if self.broken else receipts  # type: ignore[return-value]


class LeavesOutHashes(Site):
    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        receipts = super().write_offers(batch)
        return [replace(each, hashes={}) for each in receipts] if self.broken else receipts


class CannotBeChecked(Site):
    def check(self) -> SiteFacts:
        if self.broken:
            raise AttributeError("'NoneType' object has no attribute 'version'")
        return super().check()

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        if self.broken:
            raise KeyError("offers")
        return super().write_offers(batch)


class BreaksItsInventory(Site):
    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        for page in super().inventory(kind):
            yield page
            if self.broken:
                raise RuntimeError("dictionary changed size during iteration")


class DividesByZero(Shop):
    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        if self.broken and BAD_ID in ids:
            raise ZeroDivisionError("division by zero")
        return super().fetch(ids)


class LeavesOneOut(Shop):
    """In none of products, gone and rejected."""

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        fetched = super().fetch(ids)
        left = {each: p for each, p in fetched.products.items() if each != BAD_ID}
        return replace(fetched, products=left) if self.broken else fetched


class GivesAnother(Shop):
    """The product of another id under the one asked for."""

    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        fetched = super().fetch(ids)
        if not self.broken or BAD_ID not in fetched.products:
            return fetched
        return replace(fetched, products={**fetched.products, BAD_ID: None})  # type: ignore[dict-item]


class FetchesNothing(Shop):
    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        fetched = super().fetch(ids)
        return None if self.broken and BAD_ID in ids else fetched  # type: ignore[return-value]


BROKEN: tuple[type[Site] | type[Shop], ...] = (
    RaisesOnOne,
    ForgetsAReceipt,
    AnswersNothing,
    LeavesOutHashes,
    CannotBeChecked,
    BreaksItsInventory,
    DividesByZero,
    LeavesOneOut,
    GivesAnother,
    FetchesNothing,
)
HARMS_ALL = {ForgetsAReceipt, AnswersNothing, LeavesOutHashes, CannotBeChecked}
"""They fail for every product; the others must not suffer from the one."""


def house_with(folder: Path, kind: type[Any]) -> tuple[House, Any]:
    products = generate.products(PRODUCTS)
    shop = kind(products) if issubclass(kind, Shop) else MemoryCatalogue(products)
    site = kind("blog") if issubclass(kind, Site) else MemorySite("blog")
    house = House(folder, shop, site, policy=RetryPolicy(park_after=3))
    house.fill()
    return house, shop if issubclass(kind, Shop) else site


def try_to(work: Callable[[], object]) -> None:
    """As the daemon's jobs do: whatever it is, it is logged and the daemon goes on."""
    with suppress(ConnectorError, RuntimeError, ValueError, TypeError):
        work()


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_adapter_is_contained(tmp_path: Path, kind: type[Any]) -> None:
    from connector.reconcile import reconcile

    house, culprit = house_with(tmp_path, kind)
    culprit.broken = True
    for number in range(PRODUCTS):
        price = Price(Money(100 + number, "EUR"))
        house.catalogue.set_price(generate.product(number).variants[0].id, price)
        old = generate.product(number)
        house.catalogue.put(
            replace(generate.retitled(old, f"New {number}"), variants=_sold(old, price))
        )
    try_to(house.detector.poll)
    house.settle(hours=0.05)
    try_to(lambda: reconcile(house.database, house.work.target(), house.clock, "test"))
    house.settle(hours=0.05)
    pages = house.site.pages()
    assert len(pages) == PRODUCTS, "a page was lost or made twice"
    assert all(page.live for page in pages.values()), "something went off sale"
    good = [n for n in range(PRODUCTS) if n != BAD and kind not in HARMS_ALL]
    for number in good:
        page = pages[generate.product_subject(number)]
        assert page.fields[_title()] == f"New {number}", "another product suffered"
    for row in house.parked():
        assert row.reason
        assert row.subject == BAD_SUBJECT or kind in HARMS_ALL
    culprit.broken = False
    house.detector.mark(
        [generate.product_subject(n) for n in range(PRODUCTS)],
        [SITE],
        EVERY_LANE,
        Priority.PERSON,
        Why("t", "mended"),
    )
    house.settle()
    assert house.due() == 0
    assert house.parked() == []
    for number in range(PRODUCTS):
        subject = generate.product_subject(number)
        assert house.site.offers(subject)[0].amount.amount_minor == 100 + number
        mended = house.site.page(subject)
        assert mended is not None
        assert mended.fields[_title()] == f"New {number}"
    house.database.close()


def _sold(old: Any, price: Price) -> Any:
    return (replace(old.variants[0], prices=(price,)), *old.variants[1:])


def _title() -> Any:
    from connector.model import FieldName

    return FieldName("title")
