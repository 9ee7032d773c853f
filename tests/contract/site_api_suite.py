"""What any site with our extension must hold, beyond the promises of `ports.Site`.

The plugin and the module run it on real systems; so does the extension of a third CMS. Speaks the
site API past its client where it must: wrong signatures, malformed bodies, answers held against
the contract.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlencode

import pytest
import requests

from adapters.site_api import wire
from adapters.site_api.client import Endpoint, SiteApi, address
from connector import signing
from connector.errors import Rejected
from connector.model import (
    BackendName,
    FieldName,
    JsonValue,
    Subject,
    SubjectKind,
    VariantId,
)
from connector.ports import ContentWrite, OffersWrite, Outcome
from connector.signing import Secret
from connector.testing.conformance.site import SiteBench, SiteConformance, done
from connector.testing.conformance.writes import (
    TITLE,
    change_of,
    document,
    fence,
    offers_write,
    picture,
    retire_write,
    term_write,
    write_id,
)
from tests.contract.site_api_contract import Contract

BACKEND = BackendName("shop")
"""The backend that a bench's site is of."""
TRICKY = (
    "\\",
    "\\'\\\"",
    "C:\\new\\table",
    'it\'s "so"',
    "\U0001f9c0 \U0001f1e9\U0001f1ea",
    "%s %d %%",
    "日本",
)


class SiteApiBench(SiteBench, Protocol):
    """A paired site, its address and its secret."""

    secret: str

    @property
    def site(self) -> SiteApi: ...
    @property
    def endpoint(self) -> Endpoint: ...
    def connect(self) -> SiteApi: ...


class SiteApiConformance(SiteConformance):
    """Subclass it and override `bench`."""

    @pytest.fixture
    def bench(self) -> SiteApiBench:
        raise NotImplementedError("override the fixture `bench`")

    # ---- what is stored ----

    @pytest.mark.parametrize("text", TRICKY)
    def test_every_field_comes_back_as_sent(self, bench: SiteApiBench, text: str) -> None:
        names = ("title", "subtitle", "description", "seo_title", "seo_description")
        fields: dict[FieldName, JsonValue] = {FieldName(name): text for name in names}
        fields[FieldName("attributes")] = [{"name": text, "value": text}]
        fields[FieldName("variants")] = [{"id": text, "options": {}, "media": []}]
        fields[FieldName("source")] = {"handle": text, "admin_url": None}
        made = document(fields=fields)
        receipt = done(bench.site.write_content([made]))
        (stored,) = bench.site.documents(SubjectKind.PRODUCT, [made.subject.id])
        assert dict(stored.values) == fields
        assert dict(stored.bases) == fields
        assert dict(stored.hashes) == dict(receipt.hashes)

    def test_terms_keep_equal_names_and_slugs_apart(self, bench: SiteApiBench) -> None:
        first = term_write()
        second = replace(term_write(), name=first.name, slug=first.slug)
        receipts = bench.site.write_terms([first, second])
        assert [each.outcome for each in receipts] == [Outcome.DONE, Outcome.DONE]
        assert receipts[0].cms_id != receipts[1].cms_id
        assert receipts[0].url != receipts[1].url

    def test_ids_that_differ_in_case_alone_are_two(self, bench: SiteApiBench) -> None:
        one = document(Subject(SubjectKind.PRODUCT, f"Case{uuid.uuid4().hex}"))
        other = document(Subject(SubjectKind.PRODUCT, one.subject.id.upper()))
        receipts = bench.site.write_content([one, other])
        assert receipts[0].cms_id != receipts[1].cms_id

    def test_overlapping_batches_at_once_all_arrive(self, bench: SiteApiBench) -> None:
        """Locks are taken in one order, so batches that share products do not block for good."""
        subjects = [document().subject for _ in range(12)]
        batches = [[document(subject) for subject in subjects[::way]] for way in (1, -1) * 3]
        before = bench.count_pages()
        answers = _each_at_once(bench, batches, SiteApi.write_content)
        outcomes = {receipt.outcome for receipts in answers for receipt in receipts}
        assert outcomes <= {Outcome.DONE, Outcome.STALE}
        assert bench.count_pages() == before + 12

    def test_our_own_writes_are_no_events(self, bench: SiteApiBench) -> None:
        made = document()
        done(bench.site.write_content([made]))
        done(bench.site.write_content([change_of(made, {TITLE: "Ours"})]))
        done(bench.site.retire([retire_write(made.subject)]))
        subjects = {event.subject for page in bench.site.events("0") for event in page}
        assert made.subject not in subjects

    def test_many_creates_at_once_keep_addresses_apart(self, bench: SiteApiBench) -> None:
        slug = f"same-{uuid.uuid4().hex[:6]}"
        batches = [[replace(document(), slug=slug)] for _ in range(8)]
        receipts = [done(each) for each in _each_at_once(bench, batches, SiteApi.write_content)]
        assert len({each.url for each in receipts}) == 8

    # ---- what a page shows ----

    def test_a_page_shows_price_and_stock_and_a_change_of_them(self, bench: SiteApiBench) -> None:
        """The second look may find the page in a page cache; the third, that it left it."""
        made = document()
        url = done(bench.site.write_content([made])).url
        variant = first_variant(made)
        bench.site.write_offers([offer_of(made.subject, variant, "19,90 €")])
        assert "19,90 €" in page(url)
        shown = page(url)
        assert "In stock" in shown
        assert f'data-variant="{variant}"' in shown
        bench.site.write_offers([offer_of(made.subject, variant, "24,50 €")])
        shown = page(url)
        assert "24,50 €" in shown
        assert "19,90 €" not in shown

    def test_structured_data_can_be_read_by_machines(self, bench: SiteApiBench) -> None:
        title = 'A </script><script>alert(1)</script> "quoted" title'
        made = document(fields={**document().fields, TITLE: title})
        url = done(bench.site.write_content([made])).url
        bench.site.write_offers([offers_write(made.subject, 1990)])
        shown = page(url)
        assert "alert(1)</script>" not in shown
        (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', shown, re.S)
        told = json.loads(block)
        assert (told["@type"], told["@context"]) == ("Product", "https://schema.org")
        assert "quoted" in told["name"]
        assert "&" not in told["name"], "machines would read an entity as it is written"
        (offer,) = told["offers"]
        assert (offer["price"], offer["priceCurrency"]) == ("19.90", "EUR")
        assert offer["availability"] == "https://schema.org/InStock"

    # ---- pictures ----

    def test_media_that_are_no_pictures_are_refused(self, bench: SiteApiBench) -> None:
        body = b"<svg xmlns='http://www.w3.org/2000/svg'><script>a()</script></svg>"
        upload = replace(
            picture(), body=body, content_hash=hashlib.sha256(body).hexdigest(), filename="x.png"
        )
        with pytest.raises(Rejected):
            bench.site.upload_media(upload)
        with pytest.raises(Rejected):
            bench.site.upload_media(replace(picture(), content_hash="0" * 64))
        assert bench.site.find_media([upload.content_hash, "0" * 64]) == {}

    def test_a_picture_sent_by_many_at_once_is_stored_once(self, bench: SiteApiBench) -> None:
        receipts = _each_at_once(bench, [picture()] * 4, SiteApi.upload_media)
        assert len({receipt.cms_id for receipt in receipts}) == 1

    # ---- who may, and what is taken ----

    def test_only_what_was_signed_is_taken(self, bench: SiteApiBench) -> None:
        assert raw(bench, "GET", "/site") == 200
        assert raw(bench, "GET", "/site", signature="v1,AAAA") == 401
        assert raw(bench, "GET", "/site", secret=signing.format_secret(b"y" * 32)) == 401
        assert raw(bench, "GET", "/site", at=-310) == 401
        assert raw(bench, "GET", "/site", at=310) == 401
        assert raw(bench, "GET", "/site", at=-250) == 200
        inventory = "/inventory?backend=shop&kind=product&after=0&limit=1"
        assert raw(bench, "GET", inventory) == 200
        shorter = ("GET", "/inventory?backend=shop&kind=product")
        assert raw(bench, "GET", inventory, signed=shorter) == 401
        body = b'{"backend":"shop","items":[]}'
        assert raw(bench, "POST", "/retire", body) == 200
        assert raw(bench, "POST", "/retire", body, signed=("POST", "/offers")) == 401
        assert raw(bench, "POST", "/retire", body, signed=("GET", "/retire")) == 401
        unsigned = requests.get(address(bench.endpoint.root, "/site"), timeout=60)
        assert unsigned.status_code == 401

    def test_malformed_bodies_are_refused_as_a_whole(self, bench: SiteApiBench) -> None:
        bad = [
            b"", b"[]", b"nonsense", b'{"backend":"shop"}', b'{"backend":"","items":[]}',
            b'{"backend":"shop","items":[1]}', b'{"backend":"shop","items":[{"kind":"product"}]}',
            b'{"backend":"shop","items":[{"kind":"product","id":"x","write_id":"w","offers":[],'
            b'"fence":{"epoch":"1","sequence":1}}]}',
        ]  # fmt: skip
        for route in ("/offers", "/content", "/terms", "/retire"):
            for body in bad:
                assert raw(bench, "POST", route, body) == 400, (route, body)
        assert raw(bench, "GET", "/inventory?backend=shop&kind=nothing") == 400
        assert raw(bench, "GET", "/inventory?backend%5B%5D=shop&kind=product") == 400
        assert raw(bench, "GET", "/documents?backend=shop&kind=product&ids=x") == 400
        made = document()
        with pytest.raises(Rejected):
            bench.site.write_content([made, made])

    def test_answers_are_as_the_contract_says(self, bench: SiteApiBench) -> None:
        term, made = term_write(), document()
        bench.site.write_terms([term])
        bench.site.write_content([made])
        bench.site.write_offers([offers_write(made.subject)])
        bench.edit(made.subject, TITLE, "Edited")
        upload = picture()
        bench.site.upload_media(upload)
        contract, transport = Contract.read(), bench.site._transport
        ids = json.dumps([made.subject.id])
        for target in (
            "/site",
            "/inventory?backend=shop&kind=product",
            "/inventory?backend=shop&kind=category",
            "/events?backend=shop",
            f"/media?hashes={upload.content_hash}",
            f"/documents?{urlencode({'backend': 'shop', 'kind': 'product', 'ids': ids})}",
        ):
            contract.check_answer("GET", target, transport._call("GET", target, b"", None))
        writes: list[tuple[str, Sequence[wire.Write]]] = [
            ("/content", [document()]),
            ("/offers", [offers_write(made.subject)]),
            ("/terms", [replace(term, fence=fence(), write_id=write_id())]),
            ("/retire", [retire_write(made.subject)]),
        ]
        for target, batch in writes:
            body = wire.write_body(BACKEND, batch)
            contract.check_request(target, json.loads(body))
            contract.check_answer("POST", target, transport.post(target, body))


def _each_at_once(
    bench: SiteApiBench, items: Sequence[Any], send: Callable[[SiteApi, Any], Any]
) -> list[Any]:
    """What each of several workers, of a connection of its own, is answered at the same time."""
    sites = [bench.connect() for _ in items]
    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(send, sites, items))


def page(url: str | None) -> str:
    """What a visitor is shown."""
    assert url
    response = requests.get(url, timeout=60)
    assert response.status_code == 200, url
    return response.text


def first_variant(write: ContentWrite) -> str:
    variants: Any = write.fields[FieldName("variants")]
    return str(variants[0]["id"])


def offer_of(subject: Subject, variant: str, text: str) -> OffersWrite:
    """Offers of one row that says this price."""
    write = offers_write(subject)
    offer = replace(write.offers[0], variant=VariantId(variant), amount_text=text)
    return replace(write, offers=(offer,))


def raw(
    bench: SiteApiBench,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    signed: tuple[str, str] | None = None,
    at: int = 0,
    secret: str | None = None,
    signature: str | None = None,
) -> int:
    """The status of a request, signed for what `signed` says, or for what it is."""
    content = signing.request_content(*(signed or (method, target)), body)
    headers = signing.signed_headers(
        Secret.parse(secret or bench.secret), "msg_1", int(time.time()) + at, content
    )
    if signature is not None:
        headers["webhook-signature"] = signature
    url = address(bench.endpoint.root, target)
    return requests.request(method, url, data=body, headers=headers, timeout=60).status_code


@contextmanager
def breaking_off(site: SiteApi) -> Iterator[None]:
    """The second page of a listing is not answered."""
    session = site._transport._session
    send = session.request

    def request(method: str, url: str, **more: Any) -> requests.Response:
        if "after=" in url and "after=0" not in url:
            raise requests.exceptions.ConnectionError("broken off")
        return send(method, url, **more)

    session.request = request  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        session.request = send  # type: ignore[method-assign]
