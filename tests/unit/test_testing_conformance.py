"""The conformance suites run on the systems in memory first, and notice ports that break promises.

Each broken system below breaks one promise; the tests that must notice are named beside it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import pytest

from connector.errors import BadSignature, ConnectorError, Incomplete, TargetDown
from connector.model import (
    Category,
    CategoryId,
    CmsId,
    FieldName,
    LocationStock,
    Money,
    Price,
    Product,
    ProductId,
    Stock,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import (
    BackendFacts,
    Catalogue,
    CatalogueCapabilities,
    ChangePage,
    ContentWrite,
    Fence,
    Fetched,
    Held,
    MediaReceipt,
    MediaUpload,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    Sighting,
    Signal,
    Site,
    SiteFacts,
    TermWrite,
    WebhookEvent,
    WordsReceipt,
    WordsWrite,
)
from connector.signing import Secret, signed_headers
from connector.testing import generate
from connector.testing.catalogue import CONTENT_ONLY, EVERYTHING, MemoryCatalogue, webhook_body
from connector.testing.clock import START, FakeClock
from connector.testing.conformance import (
    CatalogueBench,
    CatalogueConformance,
    SiteBench,
    SiteConformance,
)
from connector.testing.faults import Fault, FaultyCatalogue, FaultySite, Script, broken_off
from connector.testing.site import MemorySite

SECRET = Secret(b"k" * 32)
LISTINGS = ("ids", "products", "sweep", "inventory")


def breaking(script: Script) -> AbstractContextManager[None]:
    @contextmanager
    def broken() -> Iterator[None]:
        for name in LISTINGS:
            script.always(name, broken_off())
        yield
        for name in LISTINGS:
            script.always(name, None)

    return broken()


def locked_out() -> Script:
    script = Script()
    down = Fault(TargetDown("the credential is not known; make a new one"))
    for method in ("check", *LISTINGS):
        script.always(method, down)
    return script


class MemoryCatalogueBench:
    many = 7

    def __init__(self, inner: MemoryCatalogue) -> None:
        self.inner = inner
        self.script = Script()
        self.clock = FakeClock()
        self._numbers = itertools.count()
        self.catalogue: Catalogue = FaultyCatalogue(inner, self.script, self.clock)

    def with_wrong_credentials(self) -> Catalogue:
        return FaultyCatalogue(self.inner, locked_out(), self.clock)

    def add(self, handle: str, sku: str, category: CategoryId | None = None) -> ProductId:
        product = generate.product(next(self._numbers), variants=1)
        variant = replace(
            product.variants[0],
            sku=sku,
            prices=product.variants[0].prices[:1],
            stock=Stock(tracked=True, locations=(LocationStock("main", 5),)),
        )
        categories = (category,) if category else ()
        self.inner.put(replace(product, handle=handle, variants=(variant,), categories=categories))
        return product.id

    def remove(self, product: ProductId) -> None:
        self.inner.remove(product)

    def rename(self, product: ProductId, title: str) -> None:
        self.inner.put(generate.retitled(self._present(product), title))

    def reprice(self, product: ProductId, amount_minor: int) -> None:
        variant = self._present(product).variants[0]
        self.inner.set_price(variant.id, Price(Money(amount_minor, "EUR")))

    def restock(self, product: ProductId, quantity: int) -> None:
        variant = self._present(product).variants[0]
        stock = Stock(tracked=True, locations=(LocationStock("main", quantity),))
        self.inner.set_stock(variant.id, stock)

    def add_category(self, handle: str, parent: CategoryId | None) -> CategoryId:
        category = replace(generate.category(1), id=CategoryId(handle), parent=parent)
        self.inner.put_category(replace(category, handle=handle, rank=9 - len(handle)))
        return category.id

    def breaking(self) -> AbstractContextManager[None]:
        return breaking(self.script)

    def webhook(self, product: ProductId, at: datetime) -> tuple[Mapping[str, str], bytes]:
        body = webhook_body([Signal(Subject(SubjectKind.PRODUCT, product))])
        return signed_headers(SECRET, f"msg_{product}", int(at.timestamp()), body), body

    def now(self) -> datetime:
        return START

    def _present(self, product: ProductId) -> Product:
        return self.inner.fetch([product]).products[product]


class MemorySiteBench:
    many = 7

    def __init__(self, inner: MemorySite) -> None:
        self._inner = inner
        self._script = Script()
        self._clock = FakeClock()
        self.site: Site = self.connect()

    def connect(self) -> Site:
        return FaultySite(self._inner, self._script, self._clock)

    def with_wrong_credentials(self) -> Site:
        return FaultySite(self._inner, locked_out(), self._clock)

    def edit(self, subject: Subject, name: FieldName, value: str) -> None:
        self._inner.edit(subject, name, value)

    def read(self, subject: Subject, name: FieldName) -> str:
        page = self._inner.page(subject)
        assert page is not None
        return str(page.fields[name])

    def unpublish(self, subject: Subject) -> None:
        self._inner.unpublish(subject)

    def trash(self, subject: Subject) -> None:
        self._inner.trash(subject)

    def delete(self, subject: Subject) -> None:
        self._inner.delete(subject)

    def count_pages(self) -> int:
        return len(self._inner.pages())

    def breaking(self) -> AbstractContextManager[None]:
        return breaking(self._script)


def catalogue_bench(
    kind: type[MemoryCatalogue] = MemoryCatalogue,
    capabilities: CatalogueCapabilities = EVERYTHING,
) -> MemoryCatalogueBench:
    return MemoryCatalogueBench(kind(capabilities=capabilities, secrets=[SECRET], page_size=3))


def site_bench(kind: type[MemorySite] = MemorySite) -> MemorySiteBench:
    return MemorySiteBench(kind(page_size=3))


class TestMemoryCatalogue(CatalogueConformance):
    @pytest.fixture(params=[EVERYTHING, CONTENT_ONLY], ids=["everything", "content only"])
    def bench(self, request: pytest.FixtureRequest) -> CatalogueBench:
        return catalogue_bench(capabilities=request.param)


class TestMemorySite(SiteConformance):
    @pytest.fixture
    def bench(self) -> SiteBench:
        return site_bench()


# ---- broken systems ----


Bench = TypeVar("Bench")


def notices(test: Callable[[Bench], None], bench: Bench) -> bool:
    try:
        test(bench)
    except (AssertionError, ConnectorError, KeyError, ValueError, pytest.fail.Exception):
        return True
    return False


class EndsEarly(MemoryCatalogue):
    """A listing that stops after its first page and says nothing."""

    def ids(self) -> Iterator[Sequence[ProductId]]:
        return itertools.islice(super().ids(), 1)


class SaysNothingOfTheGone(MemoryCatalogue):
    def fetch(self, ids: Sequence[ProductId]) -> Fetched:
        return replace(super().fetch(ids), gone=frozenset())


class LosesChanges(MemoryCatalogue):
    """Takes one page of changes and puts the cursor at the end."""

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        pages = list(super().changes(cursor))
        return iter([ChangePage(pages[0].signals, pages[-1].cursor)] if pages else [])


class ReplaysTheStart(MemoryCatalogue):
    """The first cursor brings the whole past along."""

    def changes(self, cursor: str | None) -> Iterator[ChangePage]:
        return super().changes(cursor or "0")


class FindsByPrefix(MemoryCatalogue):
    def find_sku(self, sku: str) -> Sequence[ProductId]:
        return [
            product.id
            for page in self.products()
            for product in page.products.values()
            if any((variant.sku or "").startswith(sku) for variant in product.variants)
        ]


class TrustsEverybody(MemoryCatalogue):
    def webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> WebhookEvent:
        try:
            return super().webhook(headers, body, now)
        except BadSignature:
            return WebhookEvent("", now, ())


class SweepsAsleep(MemoryCatalogue):
    """Fingerprints that say nothing of the value."""

    def sweep(self, name: str) -> Iterator[Sequence[Sighting]]:
        for page in super().sweep(name):
            yield [replace(each, fingerprint="same") for each in page]


class OrphansFirst(MemoryCatalogue):
    def categories(self) -> Sequence[Category]:
        return list(reversed(super().categories()))


class CountsNothing(MemoryCatalogue):
    def check(self) -> BackendFacts:
        return replace(super().check(), product_count=0)


class SwallowsBreaks(FaultyCatalogue):
    def ids(self) -> Iterator[Sequence[ProductId]]:
        try:
            yield from super().ids()
        except Incomplete:
            return


class OverwritesTheMerchant(MemoryCatalogue):
    def write_words(self, write: WordsWrite) -> WordsReceipt:
        product = self._products[write.product]
        own = product.texts[product.default_locale]
        now = {name: getattr(own, name) for name in write.words}
        return super().write_words(replace(write, expected=now))


class TakesNothing(MemoryCatalogue):
    """And says that it did."""

    def write_words(self, write: WordsWrite) -> WordsReceipt:
        return WordsReceipt(self.as_compared(write.words))


class TellsNobody(MemoryCatalogue):
    def write_words(self, write: WordsWrite) -> WordsReceipt:
        told = list(self._feed)
        receipt = super().write_words(write)
        self._feed = told
        return receipt


BROKEN_CATALOGUES = [
    (OverwritesTheMerchant, "test_what_somebody_changed_meanwhile_is_kept"),
    (TakesNothing, "test_it_takes_back_each_word_that_it_says"),
    (TakesNothing, "test_words_of_an_unknown_product_are_rejected"),
    (TellsNobody, "test_words_written_are_a_change_like_any_other"),
    (EndsEarly, "test_ids_names_every_product_once"),
    (SaysNothingOfTheGone, "test_fetch_answers_each_id_exactly_once"),
    (LosesChanges, "test_every_change_shows_after_the_cursor"),
    (ReplaysTheStart, "test_the_first_cursor_means_from_now_on"),
    (FindsByPrefix, "test_find_sku_is_exact"),
    (TrustsEverybody, "test_a_changed_body_is_refused"),
    (TrustsEverybody, "test_an_old_webhook_is_refused"),
    (TrustsEverybody, "test_what_is_not_signed_is_refused"),
    (SweepsAsleep, "test_price_changes_show_where_they_are_said_to"),
    (OrphansFirst, "test_categories_come_parents_first"),
    (CountsNothing, "test_check_proves_the_credentials"),
]


@pytest.mark.parametrize(("kind", "test"), BROKEN_CATALOGUES)
def test_a_broken_catalogue_is_noticed(kind: type[MemoryCatalogue], test: str) -> None:
    assert notices(getattr(CatalogueConformance(), test), catalogue_bench(kind, CONTENT_ONLY))


def test_a_catalogue_that_swallows_a_break_is_noticed() -> None:
    bench = catalogue_bench()
    bench.catalogue = SwallowsBreaks(bench.inner, bench.script, bench.clock)
    assert notices(CatalogueConformance().test_a_listing_that_breaks_off_raises, bench)


class ForgetsFences(MemorySite):
    def _is_late(self, *_: object) -> bool:
        return False


class ForgetsWriteIds(MemorySite):
    """Takes a repeated write for a new one."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        self._answers.clear()
        return super().write_content(batch)


class MakesTwins(MemorySite):
    """Looks for a page, then makes one, with a gap between: as CMS cores do."""

    _all_have_looked = threading.Barrier(8, timeout=5)

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        known = self.page(batch[0].subject) is not None
        self._all_have_looked.wait()
        if not known:
            twin = replace(batch[0].subject, id=batch[0].write_id)
            batch = [replace(batch[0], subject=twin)]
        return super().write_content(batch)


class OverwritesEditors(MemorySite):
    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return super().write_content([replace(each, expected={}) for each in batch])


class EchoesOurHashes(MemorySite):
    """Gives back hashes of what was sent, not of what it stored."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        receipts = super().write_content(batch)
        return [
            replace(
                receipt, hashes={name: hash_value(write.fields[name]) for name in receipt.hashes}
            )
            for receipt, write in zip(receipts, batch, strict=True)
        ]


class AnswersByName(MemorySite):
    """Receipts in the order that the database gave."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return sorted(super().write_content(batch), key=lambda each: each.subject)


class Republishes(MemorySite):
    """Sets every page it writes to published."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        receipts = super().write_content(batch)
        for receipt in receipts:
            if receipt.outcome is Outcome.DONE:
                self.publish(receipt.subject)
        return receipts


class HalfPages(MemorySite):
    """Makes a page of whatever it is given."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        return super().write_content([replace(each, whole=True) for each in batch])


class AddsOffers(MemorySite):
    """Leaves rows that are no longer offered."""

    def write_offers(self, batch: Sequence[OffersWrite]) -> Sequence[Receipt]:
        return super().write_offers(
            [
                replace(each, offers=tuple({*self.offers(each.subject), *each.offers}))
                for each in batch
            ]
        )


class RetiresHalf(MemorySite):
    """Unpublishes, and leaves the offers."""

    def retire(self, batch: Sequence[RetireWrite]) -> Sequence[Receipt]:
        before = {each.subject: self.offers(each.subject) for each in batch}
        receipts = super().retire(batch)
        self._offers.update({each: rows for each, rows in before.items() if rows})
        return receipts


class OrphansTerms(MemorySite):
    """Puts a category at the top when its parent is not there."""

    def write_terms(self, batch: Sequence[TermWrite]) -> Sequence[Receipt]:
        flat = [
            replace(each, parent=None)
            if each.parent and not self.page(Subject(SubjectKind.CATEGORY, each.parent))
            else each
            for each in batch
        ]
        return super().write_terms(flat)


class StoresTwice(MemorySite):
    def upload_media(self, upload: MediaUpload) -> MediaReceipt:
        receipt = super().upload_media(upload)
        return replace(receipt, cms_id=CmsId(f"{receipt.cms_id}-{next(_numbers)}"))


class ListsOnePage(MemorySite):
    def inventory(self, kind: SubjectKind) -> Iterator[Sequence[Held]]:
        return itertools.islice(super().inventory(kind), 1)


class AllOrNothing(MemorySite):
    """One bad item and the whole batch is refused."""

    def write_content(self, batch: Sequence[ContentWrite]) -> Sequence[Receipt]:
        receipts = super().write_content(batch)
        if any(each.outcome is Outcome.REJECTED for each in receipts):
            return [replace(each, outcome=Outcome.REJECTED, message="no") for each in receipts]
        return receipts


class ForgetsItsFences(MemorySite):
    def check(self) -> SiteFacts:
        return replace(super().check(), highest_fence=Fence(0, 0))


_numbers = itertools.count()
BROKEN_SITES = [
    (ForgetsFences, "test_an_older_fence_is_refused"),
    (ForgetsFences, "test_late_offers_are_refused"),
    (ForgetsFences, "test_late_writes_do_not_bring_back"),
    (ForgetsFences, "test_a_late_retiring_is_refused"),
    (ForgetsWriteIds, "test_repeating_a_write_gives_the_same_receipt"),
    (MakesTwins, "test_eight_workers_make_one_page"),
    (OverwritesEditors, "test_an_editors_value_is_kept_where_it_is_expected"),
    (EchoesOurHashes, "test_the_inventory_equals_the_receipts"),
    (AnswersByName, "test_receipts_come_in_the_order_of_the_batch"),
    (Republishes, "test_an_unpublished_page_stays_so"),
    (Republishes, "test_coming_back_keeps_an_editors_unpublishing"),
    (Republishes, "test_a_trashed_page_gets_no_twin"),
    (HalfPages, "test_a_change_to_a_page_that_is_not_there_is_missing"),
    (HalfPages, "test_a_deleted_page_is_missing_and_can_be_made_anew"),
    (AddsOffers, "test_offers_are_replaced_as_a_whole"),
    (RetiresHalf, "test_retiring_takes_off_sale"),
    (OrphansTerms, "test_a_missing_parent_is_waited_for"),
    (StoresTwice, "test_a_picture_is_stored_once"),
    (ListsOnePage, "test_the_inventory_is_whole"),
    (AllOrNothing, "test_one_poison_item_stops_no_other"),
    (ForgetsItsFences, "test_check_says_the_highest_fence_seen"),
]


@pytest.mark.parametrize(("kind", "test"), BROKEN_SITES)
def test_a_broken_site_is_noticed(kind: type[MemorySite], test: str) -> None:
    assert notices(getattr(SiteConformance(), test), site_bench(kind))
