"""The Medusa adapter against recorded answers of a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.medusa.catalogue import MedusaCatalogue
from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.model import (
    BackendName,
    Locale,
    LocationStock,
    Money,
    Option,
    Price,
    ProductId,
    Stock,
    Subject,
    SubjectKind,
)
from connector.ports import BackendSettings
from connector.testing.clock import FakeClock
from tests.contract.medusa.replay import (
    EMPTY_LISTS,
    Handler,
    Replay,
    listing,
    recorded,
    recorded_json,
)

SHIRT = ProductId("prod_01M85NBBJKSZMB99CDS772N4GM")


def catalogue(
    handlers: dict[str, Handler], *, credential: str = "sk_lab", **options: Any
) -> tuple[MedusaCatalogue, Replay]:
    replay = Replay({**EMPTY_LISTS, **handlers})
    settings = BackendSettings(
        BackendName("shop"), "http://medusa.test", credential, (), Locale("en-US"), options
    )
    return MedusaCatalogue(settings, FakeClock(), transport=replay), replay


def whole(request: httpx.Request) -> httpx.Response:
    """The recorded page of two, as if the shop had but these two; or those asked for by id."""
    wanted = request.url.params.get_list("id[]")
    body = recorded_json("products-in-full")["response"]["body"]
    rows = [_as_asked(row) for row in body["products"] if not wanted or row["id"] in wanted]
    return listing("products", *sorted(rows, key=lambda row: str(row["id"])))


def _as_asked(row: dict[str, Any]) -> dict[str, Any]:
    """The recording asked for categories too; the adapter asks for those apart."""
    return {name: value for name, value in row.items() if name != "categories"}


# ---- products ----


def test_a_recorded_product_becomes_exactly_this() -> None:
    medusa, _ = catalogue({"/admin/products": whole})
    (page,) = medusa.products()
    product = page.products[SHIRT]
    assert page.gone == frozenset()
    assert page.rejected == {}
    assert (product.handle, product.status.value) == ("shirt-1", "published")
    assert product.texts[Locale("en-US")].title == "Shirt 1 new"
    assert product.texts[Locale("en-US")].description == "A fine shirt <b>no 1</b>."
    assert product.options == (Option("Color", ("blue", "red")), Option("Size", ("S", "M")))
    assert [each.url for each in product.media] == [
        "https://img.example.test/1/a.jpg",
        "https://img.example.test/1/b.jpg",
    ]
    assert product.channels == ("sc_01M85NB9DGREP52FMM8KRDHKY2",)
    assert [each.sku for each in product.variants] == [
        "SHIRT-1-S-BLUE",
        "SHIRT-1-M-BLUE",
        "SHIRT-1-S-RED",
        "SHIRT-1-M-RED",
    ]
    first = product.variants[0]
    assert first.options == (("Color", "blue"), ("Size", "S"))
    assert first.prices == (
        Price(Money(2400, "EUR"), tax_included=False),
        Price(Money(2900, "USD"), tax_included=False),
    )
    assert first.stock == Stock(
        True,
        False,
        (
            LocationStock("sloc_01M85NBA71TK1ACHH6RYGTQHH0", 10),
            LocationStock("sloc_01M85NBA9Q8PR0E9TEFS6YYVCN", 5),
        ),
    )


def test_a_full_pass_asks_for_the_rules_of_prices_and_not_for_categories() -> None:
    medusa, replay = catalogue({"/admin/products": whole})
    list(medusa.products())
    (query,) = replay.asked("/admin/products")
    fields = query["fields"].split(",")
    assert {"variants.prices.price_rules.attribute", "variants.prices.price_rules.value"} <= set(
        fields
    )
    assert not [each for each in fields if each.startswith("categor")]
    assert (query["order"], query["limit"], query["offset"]) == ("id", "200", "0")


def test_categories_come_from_their_own_list() -> None:
    row = {"id": "pcat_1", "products": [{"id": SHIRT}]}
    other = {"id": "pcat_2", "products": [{"id": SHIRT}, {"id": "prod_elsewhere"}]}
    medusa, _ = catalogue(
        {
            "/admin/products": whole,
            "/admin/product-categories": lambda _: listing("product_categories", row, other),
        }
    )
    (page,) = medusa.products()
    assert page.products[SHIRT].categories == ("pcat_1", "pcat_2")
    assert [each.categories for id_, each in page.products.items() if id_ != SHIRT] == [()]


def test_recorded_translations_stand_beside_the_default_words() -> None:
    row = recorded_json("translations")["response"]["body"]["translations"][0]
    german = {**row, "reference_id": SHIRT}
    medusa, replay = catalogue(
        {
            "/admin/products": whole,
            "/admin/translations": lambda _: listing("translations", german),
        }
    )
    (page,) = medusa.products()
    texts = page.products[SHIRT].texts
    assert texts[Locale("de-DE")].title == "Hemd neun"
    assert texts[Locale("de-DE")].description == "<p>Ein feines Hemd</p>"
    assert texts[Locale("en-US")].title == "Shirt 1 new"
    (query,) = replay.asked("/admin/translations")
    assert query.get_list("reference_id[]") == sorted(page.products)


def test_without_the_translation_module_there_is_one_locale() -> None:
    medusa, _ = catalogue(
        {"/admin/products": whole, "/admin/translations": lambda _: recorded("unknown-route")}
    )
    (page,) = medusa.products()
    assert set(page.products[SHIRT].texts) == {Locale("en-US")}


def test_the_prices_of_a_recorded_price_list_are_read_once_and_asked_each_time() -> None:
    row = recorded_json("price-list-prices")["response"]["body"]["prices"][0]
    variant = "variant_01M85NBBPJ6CQQ0A2EVZTSJE9K"
    price = {**row, "price_set": {"id": "pset_1", "variant": {"id": variant}}}
    sale: dict[str, Any] = {
        "id": "plist_1",
        "type": "sale",
        "status": "active",
        "starts_at": None,
        "ends_at": "2026-12-24T00:00:00.000Z",
        "rules": {},
        "rules_count": 0,
    }
    medusa, replay = catalogue(
        {
            "/admin/products": whole,
            "/admin/price-lists": lambda _: listing("price_lists", sale),
            "/admin/price-lists/plist_1/prices": lambda _: listing("prices", price),
        }
    )
    fetched = [medusa.fetch([SHIRT]) for _ in (1, 2)]
    ends_at = datetime(2026, 12, 24, tzinfo=UTC)
    wanted = Price(Money(1500, "EUR"), price_list="plist_1", ends_at=ends_at, tax_included=False)
    for each in fetched:
        assert each.products[SHIRT].variants[0].prices[-1] == wanted
    asked = [query["fields"] for query in replay.asked("/admin/price-lists/plist_1/prices")]
    assert [fields == "id,updated_at" for fields in asked] == [True, False, True]


# ---- gone or not ----


def by_id(request: httpx.Request) -> httpx.Response:
    query = request.url.params
    if query.get("with_deleted"):
        return recorded("products-tombstones")
    return listing("products")


def test_a_deleted_product_is_gone_by_its_tombstone() -> None:
    medusa, _ = catalogue({"/admin/products": by_id})
    doomed = ProductId("prod_01M85NN25VSJQK2TQJ0CG3NZAF")
    assert medusa.fetch([doomed]).gone == {doomed}


def test_a_product_that_never_was_is_gone_by_name() -> None:
    medusa, _ = catalogue(
        {
            "/admin/products": lambda _: listing("products"),
            "/admin/products/prod_nope": lambda _: recorded("unknown-product"),
        }
    )
    assert medusa.fetch([ProductId("prod_nope")]).gone == {"prod_nope"}


def test_an_address_given_for_an_id_leads_to_no_other_route() -> None:
    asked: list[bytes] = []

    def unknown(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.partition(b"?")[0])
        return recorded("unknown-product")

    answers = {"/admin/products": lambda _: listing("products"), "/admin/products/a/b?c": unknown}
    medusa, _ = catalogue(answers)
    assert medusa.fetch([ProductId("a/b?c")]).gone == {"a/b?c"}
    assert asked == [b"/admin/products/a%2Fb%3Fc"]


@pytest.mark.parametrize("answer", ["unknown-route", "unknown-error"])
def test_an_odd_answer_never_makes_a_product_gone(answer: str) -> None:
    medusa, _ = catalogue(
        {
            "/admin/products": lambda _: listing("products"),
            "/admin/products/prod_nope": lambda _: recorded(answer),
        }
    )
    with pytest.raises((TryAgain, Rejected)):
        medusa.fetch([ProductId("prod_nope")])


def test_a_product_that_is_there_by_name_alone_is_not_gone() -> None:
    medusa, _ = catalogue(
        {
            "/admin/products": lambda _: listing("products"),
            "/admin/products/prod_1": lambda _: httpx.Response(200, json={"product": {}}),
        }
    )
    with pytest.raises(TryAgain, match="prod_1"):
        medusa.fetch([ProductId("prod_1")])


def test_products_that_nobody_asked_for_are_not_taken() -> None:
    medusa, _ = catalogue({"/admin/products": lambda _: listing("products", {"id": "prod_2"})})
    with pytest.raises(TryAgain, match="not asked for"):
        medusa.fetch([ProductId("prod_1")])


def test_products_outside_the_sales_channel_are_as_if_not_there() -> None:
    medusa, _ = catalogue({"/admin/products": whole}, sales_channel="sc_other")
    assert list(medusa.products()) == []
    assert list(medusa.ids()) == []


# ---- refusals ----


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"products": [], "count": NaN}'])
def test_what_is_no_json_object_concludes_nothing(body: bytes) -> None:
    answer = httpx.Response(200, content=body)
    medusa, _ = catalogue({"/admin/products": lambda _: answer})
    with pytest.raises(TryAgain):
        list(medusa.ids())


@pytest.mark.parametrize(
    "body", [{"products": None, "count": 0}, {"products": []}, {"products": [{}], "count": 1}]
)
def test_a_listing_of_another_shape_is_incomplete(body: dict[str, Any]) -> None:
    medusa, _ = catalogue({"/admin/products": lambda _: httpx.Response(200, json=body)})
    with pytest.raises(Incomplete):
        list(medusa.ids())


def test_a_wrong_key_is_no_empty_shop() -> None:
    medusa, replay = catalogue({"/admin/products": lambda _: recorded("wrong-key")})
    with pytest.raises(TargetDown, match="secret API key"):
        medusa.check()
    assert len(replay.requests) == 1


def test_a_wrong_login_is_no_empty_shop() -> None:
    medusa, _ = catalogue(
        {"/auth/user/emailpass": lambda _: recorded("wrong-login")}, credential="a@b.test:no"
    )
    with pytest.raises(TargetDown):
        medusa.check()


def test_a_message_never_holds_the_secret() -> None:
    medusa, _ = catalogue({"/admin/products": lambda _: recorded("wrong-key")})
    with pytest.raises(TargetDown) as caught:
        medusa.check()
    assert "sk_lab" not in caught.value.message
    assert "sk_lab" not in repr(caught.value)


# ---- changes ----


def window(request: httpx.Request) -> httpx.Response:
    query = request.url.params
    if "variants[updated_at][$gte]" in query:
        return recorded("products-by-variants-updated-at")
    if "updated_at[$gte]" in query:
        return recorded("products-by-updated-at")
    return listing("products")


def test_recorded_timestamps_become_signals_and_are_told_once() -> None:
    medusa, replay = catalogue({"/admin/products": window})
    (first,) = medusa.changes(None)
    assert first.cursor == "2026-11-24T02:18:08.000Z"
    pages = list(medusa.changes(first.cursor))
    ids = [signal.subject.id for page in pages for signal in page.signals]
    assert ids == [
        "prod_01M85NBC0DPFX0K4DCPVWK30ZG",
        "prod_01M85NBCA4PBD6S21P7HEQKYNX",
        "prod_01M85NBCJPB2XDPCR26EEFASPQ",
        "prod_01M85NBCA4PBD6S21P7HEQKYNX",
    ]
    assert pages[0].signals[0].subject == Subject(SubjectKind.PRODUCT, ids[0])
    assert pages[0].signals[0].lanes == frozenset()
    assert pages[-1].cursor == "2026-11-24T02:18:11.000Z"
    again = [
        signal.subject.id for page in medusa.changes(pages[-1].cursor) for signal in page.signals
    ]
    assert again == ["prod_01M85NBC0DPFX0K4DCPVWK30ZG"]
    query = replay.asked("/admin/products")[1]
    assert query["updated_at[$gte]"] == "2026-11-24T02:18:08.000Z"
    assert query["with_deleted"] == "true"


def test_a_cursor_of_somebody_else_is_refused() -> None:
    medusa, _ = catalogue({"/admin/products": window})
    with pytest.raises(Rejected, match="cursor"):
        list(medusa.changes("17"))
