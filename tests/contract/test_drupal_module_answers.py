"""The module's answers, recorded from a real Drupal 10.5, against the contract and its client."""

from __future__ import annotations

import pytest
import responses

from adapters.drupal.site import endpoint, open_site
from adapters.site_api.client import SiteApi
from connector.errors import Rejected, TargetDown
from connector.model import BackendName, FieldName, SiteName, Subject, SubjectKind
from connector.ports import Outcome, SiteSettings
from connector.signing import Secret
from connector.testing.clock import FakeClock
from connector.testing.conformance.writes import TITLE, change_of, document
from tests.contract.drupal_replayed import HERE, recorded
from tests.contract.site_api_contract import Contract

HOME = "https://magazine.example"
ROOT = endpoint(HOME).root
RECORDED = sorted(path.stem for path in HERE.glob("module-*.json"))
MUG = Subject(SubjectKind.PRODUCT, "prod_1")


def play(name: str) -> None:
    one = recorded(name)
    path = one["request"]["path"].split("?", maxsplit=1)[0]
    responses.add(
        one["request"]["method"],
        ROOT + path,
        json=one["response"]["body"],
        status=one["response"]["status"],
    )


@pytest.fixture
def site() -> SiteApi:
    settings = SiteSettings(
        SiteName("magazine"), HOME, BackendName("recorded"), False, (Secret(b"s" * 32),), None, {}
    )
    site = open_site(settings, FakeClock())
    assert isinstance(site, SiteApi)
    return site


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_recorded_is_as_the_contract_says(name: str) -> None:
    one, contract = recorded(name), Contract.read()
    if one["response"]["status"] == 200:
        contract.check_answer(
            one["request"]["method"], one["request"]["path"], one["response"]["body"]
        )
        if one["request"]["body"]:
            contract.check_request(one["request"]["path"], one["request"]["body"])
    else:
        assert set(one["response"]["body"]) == {"code", "message"}
        assert one["response"]["body"]["code"].startswith("commerce_connector_")


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_of_the_site_api_is_kept_by_caches(name: str) -> None:
    headers = recorded(name)["response"]["headers"]
    assert "no-store" in headers["cache-control"]
    assert headers.get("x-drupal-cache", "UNCACHEABLE").startswith("UNCACHEABLE")


@responses.activate
def test_the_site_says_what_it_is(site: SiteApi) -> None:
    play("module-site")
    facts = site.check()
    assert (facts.system, facts.version, facts.extension_version) == ("drupal", "10.5.9", "0.1.0")
    assert facts.capabilities.merges
    assert facts.capabilities.retire_policies == ("unpublish", "notice", "redirect", "gone")
    assert site.admin_url("7") == f"{HOME}/node/7/edit"  # type: ignore[arg-type]


@responses.activate
def test_inventory_receipts_and_documents_speak_of_the_same_bytes(site: SiteApi) -> None:
    play("module-inventory")
    play("module-documents")
    play("module-offers")
    ((held,),) = site.inventory(SubjectKind.PRODUCT)
    (stored,) = site.documents(SubjectKind.PRODUCT, [MUG.id])
    (offers,) = recorded("module-offers")["response"]["body"]["receipts"]
    made = recorded("module-content")["response"]["body"]["receipts"][0]["hashes"]
    assert dict(held.hashes) == {**stored.hashes, **offers["hashes"]}
    assert {name: made[name] for name in made if name != "title"} == {
        name: value for name, value in stored.hashes.items() if name != "title"
    }
    assert stored.values[TITLE] == "An editor's mug"
    assert stored.bases[TITLE] == "A red mug"
    assert stored.noted[TITLE] != stored.hashes[TITLE]
    assert stored.values[FieldName("categories")] == ["pcat_1"]


@responses.activate
def test_an_edit_is_told(site: SiteApi) -> None:
    play("module-events")
    ((event,),) = site.events("0")
    assert (event.subject, event.what, event.fields) == (MUG, "edited", (TITLE,))


@responses.activate
def test_what_an_editor_asked_is_told(site: SiteApi) -> None:
    play("module-asked")
    ((event,),) = site.events("0")
    assert (event.subject, event.what) == (MUG, "asked")
    assert event.request is not None
    assert (event.request.action, event.request.by) == ("resolve", "admin")
    assert (event.request.choice, event.request.seen) == ("value", "3f9a6c1d20b7e845")
    assert event.request.value == "The mug for every morning, 0.4 l"


@responses.activate
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("module-content-changed", Outcome.DONE),
        ("module-content-stale", Outcome.STALE),
        ("module-content-missing", Outcome.MISSING),
    ],
)
def test_receipts_are_understood(site: SiteApi, name: str, outcome: Outcome) -> None:
    play(name)
    asked = recorded(name)["request"]["body"]["items"][0]["id"]
    write = document(Subject(SubjectKind.PRODUCT, asked))
    (receipt,) = site.write_content([change_of(write, {TITLE: "Any"})])
    assert receipt.outcome is outcome
    assert (receipt.before is not None) == (name == "module-content-changed")


@responses.activate
def test_what_the_site_lacks_is_told_without_blaming_the_secret(site: SiteApi) -> None:
    play("module-setup")
    with pytest.raises(TargetDown, match="content type nope is not there") as caught:
        site.check()
    assert "secret" not in caught.value.message


@responses.activate
def test_a_wrong_signature_and_a_wrong_body_are_told_apart(site: SiteApi) -> None:
    play("module-bad-signature")
    play("module-bad-request")
    with pytest.raises(TargetDown):
        site.check()
    body = recorded("module-bad-request")["response"]["body"]
    responses.add("POST", f"{ROOT}/content", json=body, status=400)
    with pytest.raises(Rejected, match="no JSON object"):
        site.write_content([document()])
