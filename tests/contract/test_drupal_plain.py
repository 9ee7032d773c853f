"""Plain mode against answers that a real Drupal 10.5 gave (tests/contract/drupal).

What JSON:API says to wrong passwords, races, wedged nodes and long lists, played back. The same
code runs on a real site in tests/live/test_drupal_plain.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from adapters.drupal.plain import open_plain
from adapters.drupal.plain_decide import NodeFrame, aliases, resource_of
from adapters.drupal.plain_page import Places, node_from, section_of, uuid_of
from adapters.drupal.plain_probe import probe
from adapters.drupal.plain_rest import mapping
from adapters.plain.decide import PageWrite, decide_content
from adapters.plain.page import Marker
from adapters.plain.site import RUN
from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.model import BackendName, CmsId, FieldHash, FieldName, SiteName, Subject, SubjectKind
from connector.ports import Outcome, Receipt, Site, SiteSettings
from connector.testing.clock import FakeClock
from connector.testing.conformance.writes import (
    DESCRIPTION,
    OFFERS,
    TITLE,
    change_of,
    document,
    offers_write,
    picture,
    retire_write,
)
from tests.contract.drupal_replayed import recorded

HOME = "https://magazine.example"
NODES = f"{HOME}/jsonapi/node/commerce_product"
TERMS = f"{HOME}/jsonapi/taxonomy_term/tags"
SHOP = BackendName("shop")
PLACES = Places(
    bundle="commerce_product",
    section_field="field_commerce",
    categories_field="",
    image_field="field_product_image",
)
OPTIONS: dict[str, object] = {
    "bundle": "commerce_product",
    "categories_field": "",
    "image_field": "field_product_image",
}
Reply = tuple[int, dict[str, str], str]


def reply(name: str, change: Callable[[dict[str, Any]], None] | None = None) -> Reply:
    """A recorded answer, perhaps changed in what the test needs."""
    response = recorded(name)["response"]
    if change:
        change(response["body"])
    return response["status"], response["headers"], json.dumps(response["body"])


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.head(f"{HOME}/products/any", status=404)
        yield mock


@pytest.fixture
def site() -> Site:
    return open_plain(
        SiteSettings(
            name=SiteName("magazine"),
            url=HOME + "/",
            backend=SHOP,
            plain=True,
            secrets=(),
            credential="syncer:pass:word",
            options=OPTIONS,
        ),
        FakeClock(),
    )


def answers(web: responses.RequestsMock, method: str, url: str, *replies: Reply) -> list[Any]:
    """Give these replies in turn; the last one again and again. Answers what was asked."""
    left, asked = list(replies), []

    def answer(request: requests.PreparedRequest) -> Reply:
        asked.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    web.add_callback(method, url, answer, content_type=None)
    return asked


def empty_list() -> Reply:
    def nothing(body: dict[str, Any]) -> None:
        body["data"], body["links"] = [], {}

    return reply("page-of-50", nothing)


def ours(subject: Subject, **attributes: Any) -> Callable[[dict[str, Any]], None]:
    """Make the recorded node the one of a subject of ours."""

    def change(body: dict[str, Any]) -> None:
        marker = Marker(SHOP, subject.id, {}, {TITLE: FieldHash("0"), OFFERS: FieldHash("")})
        body["data"]["id"] = uuid_of(SHOP, subject)
        body["data"]["attributes"]["field_commerce"] = {"value": section_of(marker, "")}
        body["data"]["attributes"] |= attributes

    return change


def free(web: responses.RequestsMock, slug: str) -> None:
    web.head(f"{HOME}/products/{slug}", status=404)


# ---- who we are ----


def test_core_names_us_at_its_root(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-user"))
    answers(web, "GET", NODES, empty_list())
    answers(web, "GET", TERMS, empty_list())
    answers(web, "POST", NODES, reply("probe"))
    facts = site.check()
    assert (facts.system, facts.version) == ("drupal", "10")


def test_the_probe_has_texts_since_core_skips_the_format_of_an_empty_one() -> None:
    attributes = mapping(probe(SHOP, Places())["attributes"])
    texts = [
        each["value"] for each in attributes.values() if isinstance(each, dict) and "format" in each
    ]
    assert len(texts) == 2
    assert all(texts)


def test_a_visitor_is_never_taken_for_an_empty_site(
    web: responses.RequestsMock, site: Site
) -> None:
    """JSON:API answers a wrong password as it answers visitors: 200, and what is public."""
    root = answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-visitor"))
    listed = answers(web, "GET", NODES, reply("wrong-password-read"))
    with pytest.raises(TargetDown, match="takes us for a visitor"):
        site.check()
    with pytest.raises(TargetDown, match="takes us for a visitor"):
        list(site.inventory(SubjectKind.PRODUCT))
    assert len(root) == 2
    assert listed == []


@pytest.mark.parametrize("name", ["wrong-password-write", "locked-out"])
def test_a_refused_write_is_not_sent_again(
    web: responses.RequestsMock, site: Site, name: str
) -> None:
    """Five wrong passwords lock a user out for six hours."""
    write = document()
    free(web, write.slug)
    answers(web, "GET", NODES, empty_list())
    posts = answers(web, "POST", NODES, reply(name))
    with pytest.raises(TargetDown, match="credential"):
        site.write_content([write, document()])
    assert len(posts) == 1


def test_read_only_is_named(web: responses.RequestsMock, site: Site) -> None:
    write = document()
    free(web, write.slug)
    answers(web, "GET", NODES, empty_list())
    answers(web, "POST", NODES, reply("put"))
    with pytest.raises(TargetDown, match="read-only"):
        site.write_content([write])


def test_a_missing_field_is_named(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-user"))
    answers(web, "GET", NODES, reply("unknown-field"))
    with pytest.raises(TargetDown, match="field_commerce"):
        site.check()


def test_maintenance_is_the_sites(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", NODES, (503, {"retry-after": "300"}, "<html>Under maintenance</html>"))
    with pytest.raises(TargetDown, match="maintenance") as caught:
        site.write_content([document()])
    assert caught.value.retry_after_seconds == 300


# ---- pages ----


def test_a_page_that_is_there_already_is_changed(web: responses.RequestsMock, site: Site) -> None:
    """The answer to its making was lost: core says 409 to the second making."""
    write = document(fields={TITLE: "New"})
    node = f"{NODES}/{uuid_of(SHOP, write.subject)}"
    free(web, write.slug)
    answers(web, "GET", NODES, empty_list())
    posts = answers(web, "POST", NODES, reply("create-again"))
    answers(web, "GET", node, reply("node", ours(write.subject)))
    patches = answers(web, "PATCH", node, reply("node", ours(write.subject, title="New")))
    (receipt,) = site.write_content([write])
    assert (receipt.outcome, receipt.cms_id, receipt.made) == (Outcome.DONE, CmsId("1"), False)
    assert (len(posts), len(patches)) == (1, 1)
    sent = json.loads(patches[0].body)["data"]
    assert sent["id"] == uuid_of(SHOP, write.subject)
    assert sent["attributes"]["title"] == "New"


def test_a_race_that_core_answers_500_is_looked_at(web: responses.RequestsMock, site: Site) -> None:
    write = document(fields={TITLE: "New"})
    node = f"{NODES}/{uuid_of(SHOP, write.subject)}"
    free(web, write.slug)
    answers(web, "GET", NODES, empty_list())
    answers(web, "POST", NODES, reply("race"))
    answers(web, "GET", node, reply("node", ours(write.subject)))
    answers(web, "PATCH", node, reply("node", ours(write.subject, title="New")))
    assert site.write_content([write])[0].outcome is Outcome.DONE


def test_a_failure_that_made_nothing_is_tried_later_and_tells_no_sql(
    web: responses.RequestsMock, site: Site
) -> None:
    write = document(fields={TITLE: "New"})
    free(web, write.slug)
    answers(web, "GET", NODES, empty_list())
    answers(web, "POST", NODES, reply("race"))
    answers(web, "GET", f"{NODES}/{uuid_of(SHOP, write.subject)}", reply("unknown-uuid"))
    (receipt,) = site.write_content([write])
    assert receipt.outcome is Outcome.RETRY
    assert "SQLSTATE" not in receipt.message
    assert "INSERT" not in receipt.message


def test_a_wedged_node_is_named_with_its_fix(web: responses.RequestsMock, site: Site) -> None:
    made = document(fields={TITLE: "New"})

    def listed(body: dict[str, Any]) -> None:
        one = json.loads(reply("node", ours(made.subject))[2])["data"]
        body["data"], body["links"] = [one], {}

    answers(web, "GET", NODES, reply("page-of-50", listed))
    answers(web, "PATCH", f"{NODES}/{uuid_of(SHOP, made.subject)}", reply("wedged"))
    (receipt,) = site.write_content([change_of(made, {TITLE: "Newer"})])
    assert receipt.outcome is Outcome.RETRY
    assert "draft" in receipt.message


@pytest.mark.parametrize("name", ["two-violations", "unknown-format", "missing-translation"])
def test_what_core_refuses_parks_its_item_alone(
    web: responses.RequestsMock, site: Site, name: str
) -> None:
    bad, good = document(fields={TITLE: "Bad"}), document(fields={TITLE: "Good"})
    free(web, bad.slug)
    free(web, good.slug)
    answers(web, "GET", NODES, empty_list())
    looked = [reply("probe")] if recorded(name)["response"]["status"] == 422 else []
    made = reply("create", ours(good.subject, title="Good"))
    answers(web, "POST", NODES, reply(name), *looked, made)
    receipts = site.write_content([bad, good])
    assert [each.outcome for each in receipts] == [Outcome.REJECTED, Outcome.DONE]
    for error in recorded(name)["response"]["body"]["errors"]:
        assert error["detail"][:60] in receipts[0].message


def test_a_taken_address_is_left_to_its_page(web: responses.RequestsMock, site: Site) -> None:
    write = document(fields={TITLE: "New"})
    web.head(f"{HOME}/products/{write.slug}", status=200)
    answers(web, "GET", NODES, empty_list())
    posts = answers(web, "POST", NODES, reply("create", ours(write.subject, title="New")))
    site.write_content([write])
    alias = json.loads(posts[0].body)["data"]["attributes"]["path"]["alias"]
    assert alias == aliases("/products", write.slug, uuid_of(SHOP, write.subject))[1]


def test_offers_wait_for_their_page(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", NODES, empty_list())
    (receipt,) = site.write_offers([offers_write(document().subject)])
    assert receipt.outcome is Outcome.RETRY


def test_a_lost_connection_says_that_it_may_have_been_done(
    web: responses.RequestsMock, site: Site
) -> None:
    web.add("GET", NODES, body=requests.exceptions.ReadTimeout())
    with pytest.raises(TryAgain):
        site.retire([retire_write(document().subject)])


# ---- listings ----


def test_a_listing_goes_on_by_id_and_never_by_the_link(
    web: responses.RequestsMock, site: Site
) -> None:
    """The recorded link leads to another host: the password would go there."""
    answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-user"))
    answers(web, "GET", TERMS, empty_list())
    asked = answers(web, "GET", NODES, reply("page-of-50"), empty_list())
    assert list(site.inventory(SubjectKind.PRODUCT)) == [[], []]
    last = recorded("page-of-50")["response"]["body"]["data"][-1]
    after = "filter[after][condition][value]"
    queries = [parse_qs(urlsplit(str(each.url)).query) for each in asked]
    assert [query[after] for query in queries] == [
        ["0"],
        [str(last["attributes"]["drupal_internal__nid"])],
    ]
    assert all(urlsplit(str(each.url)).netloc == "magazine.example" for each in asked)


def test_a_listing_that_does_not_go_on_raises(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-user"))
    answers(web, "GET", TERMS, empty_list())
    answers(web, "GET", NODES, reply("page-of-50"), (500, {}, ""))
    with pytest.raises(Incomplete, match="broke off"):
        list(site.inventory(SubjectKind.PRODUCT))


def test_a_page_without_rows_that_promises_more_raises(
    web: responses.RequestsMock, site: Site
) -> None:
    """Core leaves out what our user may not see, and still names a next page."""

    def nothing(body: dict[str, Any]) -> None:
        body["data"] = []

    answers(web, "GET", f"{HOME}/jsonapi", reply("root-as-user"))
    answers(web, "GET", TERMS, empty_list())
    answers(web, "GET", NODES, reply("page-of-50", nothing))
    with pytest.raises(Incomplete, match="does not go on"):
        list(site.inventory(SubjectKind.PRODUCT))


def test_many_products_are_read_some_at_a_time(web: responses.RequestsMock, site: Site) -> None:
    asked = answers(web, "GET", NODES, empty_list())
    writes = [retire_write(document().subject) for _ in range(RUN + 1)]
    assert {each.outcome for each in site.retire(writes)} == {Outcome.DONE}
    assert len(asked) == 2
    assert all(len(str(each.url)) < 8000 for each in asked)


# ---- pictures ----


def test_a_picture_is_sent_as_bytes_and_known_by_its_name(
    web: responses.RequestsMock, site: Site
) -> None:
    upload = picture()
    answers(web, "GET", f"{HOME}/jsonapi/file/file", empty_list())
    sent = answers(web, "POST", f"{NODES}/field_product_image", reply("upload"))
    receipt = site.upload_media(upload)
    stored = recorded("upload")["response"]["body"]["data"]
    assert receipt.cms_id == stored["id"]
    assert receipt.url == HOME + stored["attributes"]["uri"]["url"]
    assert sent[0].headers["content-type"] == "application/octet-stream"
    assert sent[0].headers["content-disposition"] == f'file; filename="{upload.content_hash}.png"'


def test_a_picture_that_core_refuses_is_refused(web: responses.RequestsMock, site: Site) -> None:
    answers(web, "GET", f"{HOME}/jsonapi/file/file", empty_list())
    answers(web, "POST", f"{NODES}/field_product_image", reply("upload-refused"))
    with pytest.raises(Rejected):
        site.upload_media(picture())


# ---- pure ----


def test_identity_is_made_of_the_ids() -> None:
    product = Subject(SubjectKind.PRODUCT, "p1")
    assert uuid_of(SHOP, product) == uuid_of(SHOP, product)
    assert uuid_of(SHOP, product)[14] == "5"
    others = {
        uuid_of(BackendName("other"), product),
        uuid_of(SHOP, Subject(SubjectKind.PRODUCT, "P1")),
        uuid_of(SHOP, Subject(SubjectKind.CATEGORY, "p1")),
    }
    assert len(others | {uuid_of(SHOP, product)}) == 4


def test_a_recorded_node_is_read() -> None:
    node = node_from(recorded("node")["response"]["body"]["data"], PLACES)
    assert (node.id, node.title, node.text, node.summary) == (
        1,
        "Editors title",
        "plain string",
        "",
    )
    assert (node.published, node.alias, node.marker, node.picture) == (True, None, None, "")


@given(st.text(max_size=40), st.sets(st.sampled_from(["title", "media", "seo_title"])))
def test_what_a_marker_remembers_comes_back(subject_id: str, named: set[str]) -> None:
    names = frozenset(map(FieldName, named))
    hashes = {name: FieldHash("0123") for name in names}
    marker = Marker(SHOP, subject_id, {}, hashes, names, "uuid", "published")
    resource: dict[str, Any] = json.loads(json.dumps(recorded("node")["response"]["body"]["data"]))
    resource["attributes"]["field_commerce"] = {"value": section_of(marker, "<table></table>")}
    node = node_from(resource, PLACES)
    assert node.marker == marker
    assert node.offers_html == "<table></table>"


def test_what_is_equal_is_not_written() -> None:
    frame = NodeFrame(SHOP, PLACES.shown, {}, HOME, PLACES)
    made = document(fields={TITLE: "T", DESCRIPTION: "<p>D</p>"})
    page = decide_content(made, None, frame)
    assert isinstance(page, PageWrite)
    resource: dict[str, Any] = json.loads(json.dumps(recorded("node")["response"]["body"]["data"]))
    sent: Any = resource_of(page, PLACES)
    resource["attributes"] |= sent["attributes"]
    again = decide_content(change_of(made, made.fields), node_from(resource, PLACES), frame)
    assert isinstance(again, Receipt)
    assert again.outcome is Outcome.DONE
