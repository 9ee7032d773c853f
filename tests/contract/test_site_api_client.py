"""The client of the site API against a site of recorded answers: requests made, errors raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import responses
from jsonschema import Draft202012Validator, ValidationError

from adapters.site_api import wire
from adapters.site_api.client import Endpoint, SiteApi, address
from adapters.wordpress.site import WITH_PLUGIN, endpoint
from connector import signing
from connector.errors import ConnectorError, Incomplete, Rejected, TargetDown, TryAgain
from connector.model import BackendName, FieldName, SiteName, SubjectKind
from connector.ports import MediaUpload, SiteSettings, StatusNote
from connector.ports_panel import ASKED, EditorRequest, RequestAnswer, Standing
from connector.signing import Secret
from connector.testing.clock import FakeClock
from connector.testing.conformance.writes import (
    document,
    fresh_subject,
    offers_write,
    picture,
    retire_write,
    term_write,
)
from tests.contract.site_api_contract import FOLDER, Contract

ROOT = "https://site.example/wp-json/commerce-connector/v1"
SECRET = Secret(b"s" * 32)
SITE = {
    "system": "wordpress",
    "version": "6.8.1",
    "extension_version": "0.1.0",
    "locales": ["de-DE"],
    "time": "2026-11-24T08:00:00Z",
    "highest_fence": {"epoch": 3, "sequence": 44},
    "capabilities": {
        "fences": True,
        "own_offers": True,
        "offer_rows_per_request": 500,
        "documents_per_request": 100,
        "terms_per_request": 100,
        "media": True,
        "events": True,
        "multilingual": False,
        "max_body_bytes": 1000,
    },
    "admin_url": "https://site.example/wp-admin/post.php?post={id}&action=edit",
    "notes": ["Permalinks are plain."],
}


EXAMPLES = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
ANSWER = RequestAnswer(
    "req-1",
    Standing.DONE,
    "synced",
    "Synced.",
    datetime(2026, 11, 24, 8, tzinfo=UTC),
    {"changes": [{"what": "title", "before": "Mug", "after": "Cup"}]},
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def open_api(clock: FakeClock, to: Endpoint | None = None) -> SiteApi:
    settings = SiteSettings(
        SiteName("blog"), "https://site.example", BackendName("shop"), False, (SECRET,), None, {}
    )
    return SiteApi(to or Endpoint(ROOT), settings, clock, WITH_PLUGIN)


# ---- requests ----


def test_requests_are_signed_for_their_target_and_body(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.post(f"{ROOT}/status", json={"written": 1})
    open_api(clock).write_status([StatusNote(fresh_subject(), {"a": 1})])
    sent = web.calls[0].request
    assert isinstance(sent.body, bytes)
    content = signing.request_content("POST", "/status", sent.body)
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert signing.verify([SECRET], headers, content, clock.now()).body == content
    assert "authorization" not in headers


def test_the_query_is_signed_as_it_is_sent(web: responses.RequestsMock, clock: FakeClock) -> None:
    web.get(f"{ROOT}/documents", json={"documents": []})
    open_api(clock).documents(SubjectKind.PRODUCT, ["a b", "ü/&?"])
    sent = web.calls[0].request
    assert sent.url
    content = signing.request_content("GET", sent.url.removeprefix(ROOT), b"")
    headers = {name.lower(): value for name, value in sent.headers.items()}
    signing.verify([SECRET], headers, content, clock.now())


def test_what_an_editor_asks_comes_as_an_event(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    page = {"items": [EXAMPLES["event"]], "next": None}
    Contract.read().check_answer("GET", "/events", page)
    web.get(f"{ROOT}/events", json=page)
    ((event,),) = open_api(clock).events("70")
    assert event.what == ASKED
    assert event.request == EditorRequest(
        "9d0b6b0e-5f0c-4f4b-9d53-2f1f5a8f3f10",
        "resolve",
        "Anna Editor",
        FieldName("title"),
        "value",
        "The mug for every morning, 0.4 l",
        "3f9a6c1d20b7e845",
    )


def test_addresses_join_with_and_without_permalinks() -> None:
    assert address("https://a/v1", "/events?after=7") == "https://a/v1/events?after=7"
    plain = "https://a/?rest_route=/v1"
    assert address(plain, "/events?after=7&x=?") == "https://a/?rest_route=/v1/events&after=7&x=?"
    assert address(plain, "/site") == "https://a/?rest_route=/v1/site"


def test_every_write_is_as_the_contract_says() -> None:
    contract = Contract.read()
    shop = BackendName("shop")
    contract.check_request(
        "/offers", json.loads(wire.write_body(shop, [offers_write(fresh_subject())]))
    )
    contract.check_request("/content", json.loads(wire.write_body(shop, [document()])))
    contract.check_request(
        "/retire", json.loads(wire.write_body(shop, [retire_write(fresh_subject())]))
    )
    root = term_write()
    terms = [root, term_write(parent=root.subject)]
    contract.check_request("/terms", json.loads(wire.write_body(shop, terms)))
    notes = [StatusNote(fresh_subject(), EXAMPLES["note"]), StatusNote(fresh_subject(), {})]
    contract.check_request("/status", json.loads(wire.status_body(shop, notes)))
    contract.check_request("/summary", json.loads(wire.summary_body(shop, EXAMPLES["summary"])))
    contract.check_request("/answers", json.loads(wire.answers_body(shop, [ANSWER])))
    contract.check_request("/events/ack", json.loads(wire.ack_body(shop, "7")))
    with pytest.raises(ValidationError):
        contract.check_request("/offers", json.loads(wire.write_body(shop, [document()])))


def test_the_contract_itself_is_well_formed() -> None:
    contract = Contract.read()
    assert contract.document["openapi"] == "3.1.0"
    for schema in contract.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    contract.check_answer("GET", "/site", SITE)


# ---- answers ----


def test_the_check_says_what_is_there(web: responses.RequestsMock, clock: FakeClock) -> None:
    ahead = format_datetime(clock.now().replace(microsecond=0) + timedelta(seconds=90))
    web.get(f"{ROOT}/site", json=SITE, headers={"Date": ahead})
    api = open_api(clock)
    facts = api.check()
    assert (facts.system, facts.version, facts.extension_version) == ("wordpress", "6.8.1", "0.1.0")
    assert (facts.highest_fence.epoch, facts.highest_fence.sequence) == (3, 44)
    assert abs(facts.clock_skew_seconds - 90) <= 1
    assert facts.notes == ("Permalinks are plain.",)
    assert api.admin_url("7") == "https://site.example/wp-admin/post.php?post=7&action=edit"  # type: ignore[arg-type]


def test_a_picture_larger_than_the_site_takes_is_not_sent(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/site", json=SITE)
    api = open_api(clock)
    api.check()
    small = picture()
    large = MediaUpload(small.content_hash, "large.png", "image/png", "", b"x" * 1001)
    with pytest.raises(Rejected, match="1001 bytes"):
        api.upload_media(large)
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ({"status": 401, "json": {"code": "commerce_connector_bad_signature", "message": "No."}},
         TargetDown, "Check that the secret"),
        ({"status": 401, "json": {"code": "commerce_connector_not_paired", "message": "Unpaired."}},
         TargetDown, "Unpaired"),
        ({"status": 401, "json": {"code": "rest_cannot_access", "message": "x"}},
         TargetDown, "security plugin"),
        ({"status": 403, "json": {"code": "rest_forbidden", "message": "x"}},
         TargetDown, "security plugin"),
        ({"status": 403, "body": "<html>blocked</html>"}, TargetDown, "instead of JSON"),
        ({"status": 404, "json": {"code": "rest_no_route", "message": "x"}},
         TargetDown, "missing or inactive"),
        ({"status": 404, "body": "<html>not found</html>"}, TargetDown, "missing or inactive"),
        ({"status": 200, "body": "<html>hello</html>", "content_type": "text/html"},
         TargetDown, "text/html instead of JSON"),
        ({"status": 200, "body": "[]"}, TargetDown, "instead of JSON"),
        ({"status": 200, "json": {"receipts": []}}, TargetDown, "receipts that are not those"),
        ({"status": 200, "json": {"wrong": 1}}, TargetDown, "no proper receipts"),
        ({"status": 301, "headers": {"Location": "https://www.site.example/"}},
         TargetDown, "redirects to https://www.site.example/"),
        ({"status": 503, "body": "<html>Briefly unavailable</html>"}, TargetDown, "maintenance"),
        ({"status": 503, "json": {"code": "commerce_connector_busy", "message": "x"}},
         TryAgain, "failed .503"),
        ({"status": 500, "body": "<html>critical error</html>"}, TryAgain, "error log"),
        ({"status": 429, "headers": {"Retry-After": "17"}}, TryAgain, "slow down"),
        ({"status": 400, "json": {"code": "commerce_connector_bad_request", "message": "Why."}},
         Rejected, "Why."),
        ({"status": 413, "json": {"code": "x", "message": "too large"}}, Rejected, "413"),
        ({"body": requests.exceptions.ReadTimeout()}, TryAgain, "did not answer"),
        ({"body": requests.exceptions.ConnectTimeout()}, TryAgain, "connections"),
        ({"body": requests.exceptions.ChunkedEncodingError()}, TryAgain, "broke off"),
        ({"body": requests.exceptions.SSLError()}, TargetDown, "certificate"),
    ],
)  # fmt: skip
def test_failures_are_named_by_what_to_do(
    web: responses.RequestsMock,
    clock: FakeClock,
    answer: dict[str, Any],
    error: type[ConnectorError],
    says: str,
) -> None:
    web.post(f"{ROOT}/content", **answer)
    with pytest.raises(error, match=says) as caught:
        open_api(clock).write_content([document()])
    assert type(caught.value) is error
    if "Retry-After" in str(answer):
        assert isinstance(caught.value, TryAgain)
        assert caught.value.retry_after_seconds == 17


def test_a_clock_that_is_off_is_told_from_a_wrong_secret(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    late = format_datetime(clock.now().replace(microsecond=0) - timedelta(minutes=20))
    refusal = {"code": "commerce_connector_bad_signature", "message": "No."}
    web.get(f"{ROOT}/site", status=401, json=refusal, headers={"Date": late})
    with pytest.raises(TargetDown, match=r"clock is 1200 s behind ours"):
        open_api(clock).check()


def test_what_is_over_in_a_moment_is_repeated(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/site", body=requests.exceptions.ConnectionError("reset"))
    web.get(f"{ROOT}/site", status=502)
    web.get(f"{ROOT}/site", json=SITE)
    started = clock.now()
    assert open_api(clock).check().version == "6.8.1"
    assert clock.now() - started < timedelta(seconds=10)
    assert len(web.calls) == 3


def test_a_refusal_is_not_repeated(web: responses.RequestsMock, clock: FakeClock) -> None:
    web.get(f"{ROOT}/site", status=500)
    with pytest.raises(TryAgain):
        open_api(clock).check()
    assert len(web.calls) == 1


# ---- two roots ----


def test_a_site_with_plain_permalinks_is_found_once(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/site", status=404, body="<html>")
    web.get("https://site.example/", json=SITE)
    api = open_api(clock, endpoint("https://site.example"))
    api.check()
    api.check()
    assert [call.request.url for call in web.calls] == [
        f"{ROOT}/site",
        "https://site.example/?rest_route=/commerce-connector/v1/site",
        "https://site.example/?rest_route=/commerce-connector/v1/site",
    ]


def test_a_site_whose_permalinks_are_changed_is_found_at_its_other_address(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/site", json=SITE)
    web.get("https://site.example/", json=SITE)
    api = open_api(clock, endpoint("https://site.example"))
    api.check()
    web.replace(responses.GET, f"{ROOT}/site", status=404, body="<html>")
    with pytest.raises(TargetDown):
        api.check()
    assert api.check().highest_fence.sequence == 44


def test_where_neither_root_is_the_api_the_first_failure_counts(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/site", status=404, json={"code": "rest_no_route", "message": ""})
    web.get("https://site.example/", body="<html>home</html>")
    with pytest.raises(TargetDown, match="missing or inactive"):
        open_api(clock, endpoint("https://site.example")).check()


# ---- listings ----


def _page(*ids: str, after: str | None) -> dict[str, object]:
    items: list[dict[str, object]] = [
        {"kind": "product", "id": each, "cms_id": each, "live": True, "retired": False,
         "hashes": {}, "url": None}
        for each in ids
    ]  # fmt: skip
    return {"items": items, "next": after}


def test_a_listing_is_read_to_its_end(web: responses.RequestsMock, clock: FakeClock) -> None:
    web.get(f"{ROOT}/inventory", json=_page("a", "b", after="7"))
    web.get(f"{ROOT}/inventory", json=_page("c", after=None))
    pages = list(open_api(clock).inventory(SubjectKind.PRODUCT))
    assert [[held.subject.id for held in page] for page in pages] == [["a", "b"], ["c"]]
    assert "after=7" in (web.calls[1].request.url or "")


@pytest.mark.parametrize(
    "second",
    [
        {"body": requests.exceptions.ConnectionError("reset")},
        {"status": 500},
        {"status": 401, "json": {"code": "commerce_connector_bad_signature", "message": ""}},
        {"json": {"items": [], "next": "7"}},
        {"json": {"items": [], "next": "3"}},
    ],
)
def test_a_listing_that_breaks_off_raises(
    web: responses.RequestsMock, clock: FakeClock, second: dict[str, Any]
) -> None:
    web.get(f"{ROOT}/inventory", json=_page("a", after="7"))
    web.get(f"{ROOT}/inventory", **second)
    with pytest.raises(Incomplete):
        list(open_api(clock).inventory(SubjectKind.PRODUCT))


def test_a_listing_that_does_not_begin_is_a_site_that_is_down(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/inventory", status=401, json={"code": "commerce_connector_x", "message": ""})
    with pytest.raises(TargetDown):
        list(open_api(clock).inventory(SubjectKind.PRODUCT))


def test_many_ids_are_asked_for_in_several_requests(
    web: responses.RequestsMock, clock: FakeClock
) -> None:
    web.get(f"{ROOT}/documents", json={"documents": []})
    open_api(clock).documents(SubjectKind.PRODUCT, [f"{number:0150}" for number in range(100)])
    assert len(web.calls) > 1
    assert all(len(call.request.url or "") < 8000 for call in web.calls)
