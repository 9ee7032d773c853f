"""The promises of `ports.Catalogue`, one test each. Runs on any adapter that has a bench.

Knows nothing of any one backend; what differs between them it reads from the capabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

import pytest

from connector.errors import BadSignature, Incomplete, Rejected, TargetDown
from connector.model import CategoryId, Locale, Product, ProductId, Subject, SubjectKind
from connector.ports import Catalogue, Signal, TakingWords, WordsWrite
from connector.sync.project import text_for


class CatalogueBench(Protocol):
    """The adapter under test, and a merchant at the backend that it reads.

    The backend may hold other products; the suite looks at those it adds. Pages should be small
    (the adapter's page size set low), so that three or more are needed for `many` products.
    """

    many: int
    """How many products need at least three pages."""

    @property
    def catalogue(self) -> Catalogue: ...

    def with_wrong_credentials(self) -> Catalogue:
        """The same backend, opened with a credential that it does not know."""

    def add(self, handle: str, sku: str, category: CategoryId | None = None) -> ProductId:
        """A published product with one variant, one price and a tracked stock of 5."""

    def remove(self, product: ProductId) -> None: ...

    def rename(self, product: ProductId, title: str) -> None: ...

    def reprice(self, product: ProductId, amount_minor: int) -> None:
        """Give its one variant this amount, in the currency it has."""

    def restock(self, product: ProductId, quantity: int) -> None: ...

    def add_category(self, handle: str, parent: CategoryId | None) -> CategoryId: ...

    def breaking(self) -> AbstractContextManager[None] | None:
        """While it lasts, every listing of two or more pages breaks off after its first page.

        None where the bench cannot do that (a real backend)."""

    def webhook(self, product: ProductId, at: datetime) -> tuple[Mapping[str, str], bytes] | None:
        """What the backend would send about this product. None: it has no webhooks."""

    def now(self) -> datetime: ...


class CatalogueConformance:
    """Subclass it and override `bench`."""

    @pytest.fixture
    def bench(self) -> CatalogueBench:
        raise NotImplementedError("override the fixture `bench`")

    # ---- check ----

    def test_check_proves_the_credentials(self, bench: CatalogueBench) -> None:
        _add_some(bench, 2)
        facts = bench.catalogue.check()
        assert facts.product_count >= 2
        assert facts.system
        assert facts.currencies
        assert facts.locales

    def test_wrong_credentials_are_never_an_empty_shop(self, bench: CatalogueBench) -> None:
        _add_some(bench, 1)
        with pytest.raises(TargetDown):
            bench.with_wrong_credentials().check()
        with pytest.raises(TargetDown):
            list(bench.with_wrong_credentials().ids())

    # ---- listings ----

    def test_ids_names_every_product_once(self, bench: CatalogueBench) -> None:
        added = _add_some(bench, bench.many)
        seen = [each for page in bench.catalogue.ids() for each in page]
        assert len(seen) == len(set(seen))
        assert set(added) <= set(seen)

    def test_removed_products_leave_the_listing(self, bench: CatalogueBench) -> None:
        kept, removed = _add_some(bench, 2)
        bench.remove(removed)
        seen = {each for page in bench.catalogue.ids() for each in page}
        assert kept in seen
        assert removed not in seen

    def test_products_lists_what_fetch_gives(self, bench: CatalogueBench) -> None:
        added = _add_some(bench, bench.many)
        pages = list(bench.catalogue.products())
        listed = {each: page.products[each] for page in pages for each in page.products}
        assert all(not page.gone for page in pages)
        assert sum(len(page.products) for page in pages) == len(listed)
        assert {each: listed[each] for each in added} == _fetch_all(bench, added)

    def test_a_listing_that_breaks_off_raises(self, bench: CatalogueBench) -> None:
        _add_some(bench, bench.many)
        breaking = bench.breaking()
        if breaking is None:
            pytest.skip("this bench cannot break a connection")
        with breaking:
            for listing in (bench.catalogue.ids, bench.catalogue.products):
                with pytest.raises(Incomplete):
                    list(listing())
            for name in bench.catalogue.capabilities.sweeps:
                with pytest.raises(Incomplete):
                    list(bench.catalogue.sweep(name))

    def test_categories_come_parents_first(self, bench: CatalogueBench) -> None:
        root = bench.add_category(_fresh("root"), None)
        child = bench.add_category(_fresh("child"), root)
        leaf = bench.add_category(_fresh("leaf"), child)
        listed = bench.catalogue.categories()
        order = [each.id for each in listed]
        assert order.index(root) < order.index(child) < order.index(leaf)
        assert len(order) == len(set(order))
        assert {each.id: each.parent for each in listed}[leaf] == child

    # ---- fetch ----

    def test_fetch_answers_each_id_exactly_once(self, bench: CatalogueBench) -> None:
        here, removed = _add_some(bench, 2)
        bench.remove(removed)
        unknown = ProductId(_fresh("unknown"))
        fetched = bench.catalogue.fetch([here, removed, unknown])
        assert set(fetched.products) == {here}
        assert fetched.gone == {removed, unknown}
        assert not fetched.rejected

    def test_fetch_of_nothing_is_nothing(self, bench: CatalogueBench) -> None:
        fetched = bench.catalogue.fetch([])
        assert (fetched.products, fetched.gone, fetched.rejected) == ({}, frozenset(), {})

    def test_fetch_takes_as_many_as_it_says(self, bench: CatalogueBench) -> None:
        here = _add_some(bench, 1)[0]
        unknown = [
            ProductId(_fresh("unknown")) for _ in range(bench.catalogue.capabilities.fetch_size - 1)
        ]
        fetched = bench.catalogue.fetch([*unknown, here])
        assert set(fetched.products) == {here}
        assert fetched.gone == set(unknown)

    def test_fetch_gives_the_present_truth(self, bench: CatalogueBench) -> None:
        product = _add_some(bench, 1)[0]
        bench.rename(product, "Renamed “twice” & more")
        bench.reprice(product, 4321)
        bench.restock(product, 17)
        now = bench.catalogue.fetch([product]).products[product]
        variant = now.variants[0]
        assert now.texts[now.default_locale].title == "Renamed “twice” & more"
        assert [price.amount.amount_minor for price in variant.prices] == [4321]
        assert variant.stock.tracked
        assert sum(place.available for place in variant.stock.locations) == 17

    def test_a_product_carries_what_it_was_made_with(self, bench: CatalogueBench) -> None:
        category = bench.add_category(_fresh("category"), None)
        handle, sku = _fresh("handle"), _fresh("sku")
        product = bench.add(handle, sku, category)
        fetched = bench.catalogue.fetch([product]).products[product]
        assert (fetched.id, fetched.handle) == (product, handle)
        assert fetched.categories == (category,)
        assert [variant.sku for variant in fetched.variants] == [sku]
        assert fetched.default_locale in fetched.texts

    def test_find_sku_is_exact(self, bench: CatalogueBench) -> None:
        sku = _fresh("sku")
        product = bench.add(_fresh("handle"), sku)
        bench.add(_fresh("handle"), sku + "-2")
        assert list(bench.catalogue.find_sku(sku)) == [product]
        assert list(bench.catalogue.find_sku(sku[:-1])) == []

    # ---- changes and sweeps ----

    def test_the_first_cursor_means_from_now_on(self, bench: CatalogueBench) -> None:
        _add_some(bench, 2)
        (page,) = bench.catalogue.changes(None)
        assert page.signals == ()
        assert page.cursor

    def test_every_change_shows_after_the_cursor(self, bench: CatalogueBench) -> None:
        """More changes than one page holds, and none of them is lost."""
        cursor = _cursor_now(bench)
        added = _add_some(bench, bench.many)
        bench.rename(added[0], "Renamed")
        assert set(added) <= _changed_products(bench, cursor)

    def test_each_page_carries_a_cursor_to_go_on_from(self, bench: CatalogueBench) -> None:
        cursor = _cursor_now(bench)
        added = _add_some(bench, bench.many)
        seen = set[str]()
        for _ in range(10 * bench.many):
            page = next(iter(bench.catalogue.changes(cursor)), None)
            if page is None or (page.cursor == cursor and set(added) <= seen):
                break
            seen |= {each.subject.id for each in page.signals}
            cursor = page.cursor
        assert set(added) <= seen

    def test_a_cursor_of_a_moment_tells_all_since(self, bench: CatalogueBench) -> None:
        moment = bench.now()
        added = _add_some(bench, 2)
        assert set(added) <= _changed_products(bench, bench.catalogue.cursor_at(moment))

    def test_price_changes_show_where_they_are_said_to(self, bench: CatalogueBench) -> None:
        product = _add_some(bench, 1)[0]
        cursor, before = _cursor_now(bench), _fingerprints(bench, product)
        bench.reprice(product, 7654)
        if bench.catalogue.capabilities.cursor_shows_prices:
            assert product in _changed_products(bench, cursor)
        else:
            assert _fingerprints(bench, product) != before

    def test_stock_changes_show_where_they_are_said_to(self, bench: CatalogueBench) -> None:
        product = _add_some(bench, 1)[0]
        cursor, before = _cursor_now(bench), _fingerprints(bench, product)
        bench.restock(product, 1)
        if bench.catalogue.capabilities.cursor_shows_stock:
            assert product in _changed_products(bench, cursor)
        else:
            assert _fingerprints(bench, product) != before

    def test_deletes_show_where_they_are_said_to(self, bench: CatalogueBench) -> None:
        product = _add_some(bench, 1)[0]
        cursor = _cursor_now(bench)
        bench.remove(product)
        if bench.catalogue.capabilities.cursor_shows_deletes:
            assert product in _changed_products(bench, cursor)

    def test_sweeps_see_every_product_and_stand_still_with_it(self, bench: CatalogueBench) -> None:
        added = _add_some(bench, bench.many)
        for name in bench.catalogue.capabilities.sweeps:
            first, second = _sweep(bench, name), _sweep(bench, name)
            assert set(added) <= set(first)
            assert {each: first[each] for each in added} == {each: second[each] for each in added}

    # ---- words of editors ----

    def test_it_takes_back_each_word_that_it_says(self, bench: CatalogueBench) -> None:
        product, taking = _add_some(bench, 1)[0], _taking(bench)
        before = bench.catalogue.fetch([product]).products[product]
        for name in sorted(bench.catalogue.capabilities.words.fields):
            write = _write(before, before.default_locale, {name: _text(name)})
            receipt = taking.write_words(write)
            assert (set(receipt.held), set(receipt.kept)) == ({name}, set[str]())
            now = bench.catalogue.fetch([product]).products[product]
            assert _told(now, now.default_locale, name) == receipt.held[name]
            assert taking.as_compared(receipt.held) == taking.as_compared(write.words)
        now = bench.catalogue.fetch([product]).products[product]
        assert replace(now, texts={}) == replace(before, texts={})

    def test_it_takes_them_in_its_further_languages(self, bench: CatalogueBench) -> None:
        product, taking = _add_some(bench, 1)[0], _taking(bench)
        before = bench.catalogue.fetch([product]).products[product]
        languages = set(bench.catalogue.check().locales) - {before.default_locale}
        for locale in sorted(languages):
            for name in sorted(bench.catalogue.capabilities.words.translated):
                write = _write(before, locale, {name: _text(name)})
                assert taking.write_words(write).kept == frozenset()
                now = bench.catalogue.fetch([product]).products[product]
                told = {name: _told(now, locale, name)}
                assert taking.as_compared(told) == taking.as_compared(write.words)
                own = (_told(each, each.default_locale, name) for each in (now, before))
                assert len(set(own)) == 1, "the shop's own language was overwritten"

    def test_what_somebody_changed_meanwhile_is_kept(self, bench: CatalogueBench) -> None:
        product, taking = _add_some(bench, 1)[0], _taking(bench)
        before = bench.catalogue.fetch([product]).products[product]
        bench.rename(product, "Renamed meanwhile")
        words = {"title": "An editor's", "subtitle": "An editor's"}
        receipt = taking.write_words(_write(before, before.default_locale, words))
        assert receipt.kept == {"title"}
        assert receipt.held == {"title": "Renamed meanwhile", "subtitle": "An editor's"}
        now = bench.catalogue.fetch([product]).products[product]
        assert _told(now, now.default_locale, "title") == "Renamed meanwhile"
        assert _told(now, now.default_locale, "subtitle") == "An editor's"

    def test_the_same_words_again_change_nothing(self, bench: CatalogueBench) -> None:
        """As after an answer that was lost."""
        product, taking = _add_some(bench, 1)[0], _taking(bench)
        before = bench.catalogue.fetch([product]).products[product]
        words = {name: _text(name) for name in bench.catalogue.capabilities.words.fields}
        first = taking.write_words(_write(before, before.default_locale, words))
        again = taking.write_words(_write(before, before.default_locale, words))
        assert first == again

    def test_words_written_are_a_change_like_any_other(self, bench: CatalogueBench) -> None:
        """Other sites show the product too."""
        product, taking = _add_some(bench, 1)[0], _taking(bench)
        before, cursor = bench.catalogue.fetch([product]).products[product], _cursor_now(bench)
        taking.write_words(_write(before, before.default_locale, {"title": "An editor's"}))
        assert product in _changed_products(bench, cursor)

    def test_words_of_an_unknown_product_are_rejected(self, bench: CatalogueBench) -> None:
        taking = _taking(bench)
        words = {"title": "An editor's"}
        write = WordsWrite(ProductId(_fresh("unknown")), Locale("en-US"), words, words)
        with pytest.raises(Rejected, match=write.product):
            taking.write_words(write)

    # ---- webhooks ----

    def test_a_signed_webhook_names_its_product(self, bench: CatalogueBench) -> None:
        product = _add_some(bench, 1)[0]
        headers, body = _webhook(bench, product)
        first = bench.catalogue.webhook(headers, body, bench.now())
        again = bench.catalogue.webhook(headers, body, bench.now() + timedelta(seconds=30))
        assert Subject(SubjectKind.PRODUCT, product) in {each.subject for each in first.signals}
        assert first.id == again.id
        assert first.sent_at.tzinfo is not None

    def test_what_is_not_signed_is_refused(self, bench: CatalogueBench) -> None:
        headers, body = _webhook(bench, _add_some(bench, 1)[0])
        for name in headers:
            without = {each: headers[each] for each in headers if each != name}
            changed = {**headers, name: headers[name][::-1] + "x"}
            for wrong in ({}, without, changed):
                if wrong and _is_not_signed_over(name):
                    continue
                with pytest.raises(BadSignature):
                    bench.catalogue.webhook(wrong, body, bench.now())

    def test_a_changed_body_is_refused(self, bench: CatalogueBench) -> None:
        headers, body = _webhook(bench, _add_some(bench, 1)[0])
        for wrong in (b"", body + b" ", body[:-1], bytes([body[0] ^ 1]) + body[1:]):
            with pytest.raises(BadSignature):
                bench.catalogue.webhook(headers, wrong, bench.now())

    def test_an_old_webhook_is_refused(self, bench: CatalogueBench) -> None:
        headers, body = _webhook(bench, _add_some(bench, 1)[0])
        with pytest.raises(BadSignature):
            bench.catalogue.webhook(headers, body, bench.now() + timedelta(minutes=6))


def _taking(bench: CatalogueBench) -> TakingWords:
    if not bench.catalogue.capabilities.words.fields:
        pytest.skip("this backend takes no words back")
    assert isinstance(bench.catalogue, TakingWords)
    return bench.catalogue


def _text(name: str) -> str:
    words = "An editor's “words” & more"
    return f"<p>{words.replace('&', '&amp;')}</p>" if name == "description" else words


def _told(product: Product, locale: Locale, name: str) -> str:
    text = text_for(product.texts, product.default_locale, locale)
    return str(getattr(text, name))


def _write(product: Product, locale: Locale, words: Mapping[str, str]) -> WordsWrite:
    expected = {name: _told(product, locale, name) for name in words}
    return WordsWrite(product.id, locale, words, expected)


def _is_not_signed_over(header: str) -> bool:
    return header in {"content-type", "content-length", "user-agent"}


def _fresh(what: str) -> str:
    return f"{what}-{uuid4().hex[:12]}"


def _add_some(bench: CatalogueBench, count: int) -> list[ProductId]:
    return [bench.add(_fresh("handle"), _fresh("sku")) for _ in range(count)]


def _fetch_all(bench: CatalogueBench, ids: Sequence[ProductId]) -> dict[ProductId, Product]:
    size = bench.catalogue.capabilities.fetch_size
    parts = [ids[start : start + size] for start in range(0, len(ids), size)]
    return {
        each: product
        for part in parts
        for each, product in bench.catalogue.fetch(part).products.items()
    }


def _cursor_now(bench: CatalogueBench) -> str:
    (page,) = bench.catalogue.changes(None)
    return page.cursor


def _signals_since(bench: CatalogueBench, cursor: str) -> list[Signal]:
    return [signal for page in bench.catalogue.changes(cursor) for signal in page.signals]


def _changed_products(bench: CatalogueBench, cursor: str) -> set[str]:
    signals = _signals_since(bench, cursor)
    return {each.subject.id for each in signals if each.subject.kind is SubjectKind.PRODUCT}


def _sweep(bench: CatalogueBench, name: str) -> dict[str, str]:
    pages = bench.catalogue.sweep(name)
    return {each.subject.id: each.fingerprint for page in pages for each in page}


def _fingerprints(bench: CatalogueBench, product: ProductId) -> list[str | None]:
    return [_sweep(bench, name).get(product) for name in bench.catalogue.capabilities.sweeps]


def _webhook(bench: CatalogueBench, product: ProductId) -> tuple[Mapping[str, str], bytes]:
    sent = bench.webhook(product, bench.now())
    if sent is None:
        pytest.skip("this backend sends no webhooks")
    return sent
