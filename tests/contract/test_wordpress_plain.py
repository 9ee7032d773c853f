"""Plain mode against answers as WordPress 6.8 gives them: failures, listings, batches, markers.

The shapes of the answers are those seen on a real site (tests/live/test_wordpress_plain.py runs
the same code on one); here they are bent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from adapters.plain.decide import PageWrite, decide_content
from adapters.plain.page import Marker, TermMarker, offers_table
from adapters.wordpress.plain import open_plain
from adapters.wordpress.plain_decide import CoreFrame, request_body, slugs_for
from adapters.wordpress.plain_page import (
    Post,
    attachment_in_front,
    content_of,
    description_of,
    post_from,
    term_from,
)
from connector.errors import ConnectorError, Incomplete, Rejected, TargetDown, TryAgain
from connector.model import (
    BackendName,
    CategoryId,
    FieldHash,
    FieldName,
    JsonValue,
    Lane,
    MarketName,
    SiteName,
    SubjectKind,
)
from connector.ports import Outcome, Receipt, Site, SiteSettings
from connector.testing import generate
from connector.testing import strategies as values
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

HOME = "https://blog.example"
REST = f"{HOME}/wp-json"
POSTS = f"{REST}/wp/v2/posts"
BATCH = f"{REST}/batch/v1"
INDEX = {"namespaces": ["wp/v2"], "authentication": {"application-passwords": {}}}
SHOP = BackendName("shop")

Reply = tuple[int, dict[str, str], str]
Part = dict[str, object]


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{REST}/", json=INDEX)
        yield mock


@pytest.fixture
def site() -> Site:
    settings = SiteSettings(
        name=SiteName("blog"),
        url=HOME + "/",
        backend=SHOP,
        plain=True,
        secrets=(),
        credential="editor:abcd efgh",
        options={},
    )
    return open_plain(settings, FakeClock())


def stored(number: int, subject_id: str, **changes: object) -> dict[str, object]:
    """A post of ours as core's edit context gives it."""
    marker = Marker(SHOP, subject_id, {}, {TITLE: FieldHash("0"), OFFERS: FieldHash("")})
    return {
        "id": number,
        "status": "publish",
        "slug": f"page-{number}",
        "link": f"{HOME}/page-{number}/",
        "title": {"raw": f"Page {number}"},
        "excerpt": {"raw": ""},
        "content": {"raw": content_of("<p>Text</p>", marker, "")},
        "categories": [1],
        "featured_media": 0,
        **changes,
    }


class Core:
    """As much of core as plain mode talks to: posts listed by offset, batches carried out."""

    def __init__(self, web: responses.RequestsMock, rows: Sequence[dict[str, object]] = ()) -> None:
        self.rows = {row["id"]: row for row in rows}
        self.batches: list[list[Part]] = []
        self.answer: Callable[[Part], Part] = self.change
        self.lists = True
        web.add_callback("GET", POSTS, self.list_posts)
        web.add_callback("POST", BATCH, self.carry_out)
        web.get(f"{REST}/wp/v2/categories", json=[], headers={"x-wp-total": "0"})

    def list_posts(self, request: requests.PreparedRequest) -> Reply:
        query = {name: each[0] for name, each in parse_qs(urlsplit(str(request.url)).query).items()}
        if not self.lists:
            return 500, {}, ""
        if query.get("context") != "edit" or "Authorization" not in request.headers:
            return 401, {}, json.dumps({"code": "rest_forbidden_context"})
        rows = [self.rows[each] for each in sorted(self.rows, key=str)]
        if "include" in query:
            wanted = set(query["include"].split(","))
            rows = [row for row in rows if str(row["id"]) in wanted]
        if "slug" in query:
            rows = [row for row in rows if row["slug"] in query["slug"].split(",")]
        start, size = int(query["offset"]), int(query["per_page"])
        total = {"x-wp-total": str(len(rows))}
        return 200, total, json.dumps(rows[start : start + size])

    def carry_out(self, request: requests.PreparedRequest) -> Reply:
        parts = json.loads(request.body or "")["requests"]
        self.batches.append(parts)
        answers = [self.answer(part) for part in parts]
        return 207, {}, json.dumps({"responses": answers})

    def change(self, part: Part) -> Part:
        """Make or change a post; titles lose their outer space, as in core."""
        path, body = str(part["path"]).split("?")[0], part["body"]
        assert isinstance(body, dict)
        number = path.rsplit("/", 1)[1]
        key = int(number) if number.isdigit() else len(self.rows) + 1
        raw = {
            name: {"raw": str(each).strip()} if name in ("title", "content", "excerpt") else each
            for name, each in body.items()
        }
        self.rows[key] = {**stored(key, "unset"), **self.rows.get(key, {}), **raw, "id": key}
        return {"status": 200, "body": self.rows[key], "headers": {}}


def one(receipts: Sequence[Receipt]) -> Receipt:
    (receipt,) = receipts
    return receipt


def listed(site: Site) -> list[str]:
    return [held.subject.id for page in site.inventory(SubjectKind.PRODUCT) for held in page]


# ---- who we are ----


def test_reads_are_never_answered_as_to_a_visitor(web: responses.RequestsMock, site: Site) -> None:
    """WordPress answers 200 to a wrong password on a public listing; the edit context does not."""
    Core(web)
    list(site.inventory(SubjectKind.PRODUCT))
    asked = [call.request for call in web.calls if "/wp/v2/" in str(call.request.url)]
    assert asked
    assert all("context=edit" in str(each.url) for each in asked)
    assert all(each.headers["Authorization"].startswith("Basic ") for each in asked)


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_is_not_known_stops_the_site(
    web: responses.RequestsMock, site: Site, status: int
) -> None:
    web.get(f"{REST}/wp/v2/users/me", status=status, json={"code": "rest_not_logged_in"})
    with pytest.raises(TargetDown, match="credential") as caught:
        site.check()
    assert "abcd" not in caught.value.message


def test_a_site_without_application_passwords_is_told_apart(
    web: responses.RequestsMock, site: Site
) -> None:
    web.replace("GET", f"{REST}/", json={**INDEX, "authentication": []})
    with pytest.raises(TargetDown, match="https"):
        site.check()


def test_a_user_who_may_not_write_is_said_at_once(web: responses.RequestsMock, site: Site) -> None:
    web.get(f"{REST}/wp/v2/users/me", json={"capabilities": {"read": True, "edit_posts": True}})
    with pytest.raises(TargetDown, match="publish_posts, edit_others_posts"):
        site.check()


def test_a_batch_that_core_takes_for_a_visitors_stops_the_site(
    web: responses.RequestsMock, site: Site
) -> None:
    core = Core(web)
    core.answer = lambda _: {"status": 401, "body": {"code": "rest_cannot_create"}}
    with pytest.raises(TargetDown):
        site.write_content([document()])


# ---- what breaks ----


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status": 500, "json": {}}, TryAgain),
        ({"status": 502, "body": "<html>"}, TryAgain),
        ({"status": 429, "headers": {"retry-after": "7"}}, TryAgain),
        (
            {"status": 503, "body": "Briefly unavailable", "headers": {"retry-after": "9"}},
            TargetDown,
        ),
        ({"status": 301, "headers": {"location": "https://www.blog.example/"}}, TargetDown),
        ({"status": 404, "json": {"code": "rest_no_route"}}, TargetDown),
        ({"status": 200, "body": "<html>cached</html>"}, TargetDown),
        ({"status": 200, "json": {"rows": []}}, TargetDown),
        ({"status": 200, "json": []}, TargetDown),
        ({"status": 200, "json": [1], "headers": {"x-wp-total": "1"}}, TargetDown),
        ({"status": 200, "json": [{"id": 1}], "headers": {"x-wp-total": "1"}}, TargetDown),
        ({"status": 400, "json": {"code": "rest_invalid_param"}}, Rejected),
        ({"body": requests.ConnectionError("refused")}, TargetDown),
        ({"body": requests.exceptions.SSLError("expired")}, TargetDown),
        ({"body": requests.ConnectTimeout("slow")}, TryAgain),
        ({"body": requests.ReadTimeout("slow")}, TryAgain),
        ({"body": requests.exceptions.ChunkedEncodingError("cut")}, TryAgain),
    ],
)
def test_every_failure_is_named_by_what_to_do_next(
    web: responses.RequestsMock, site: Site, reply: dict[str, object], error: type[ConnectorError]
) -> None:
    web.get(f"{REST}/wp/v2/categories", json=[], headers={"x-wp-total": "0"})
    web.get(POSTS, **reply)
    with pytest.raises(error) as caught:
        listed(site)
    assert caught.value.message.startswith((HOME, "/wp/v2/posts", "WordPress", "REST"))


def test_the_time_to_wait_is_passed_on(web: responses.RequestsMock, site: Site) -> None:
    web.get(f"{REST}/wp/v2/categories", status=503, headers={"retry-after": "120"})
    with pytest.raises(TargetDown) as caught:
        site.inventory(SubjectKind.CATEGORY).__next__()
    assert caught.value.retry_after_seconds == 120


def test_plain_permalinks_are_found(web: responses.RequestsMock, site: Site) -> None:
    web.replace("GET", f"{REST}/", status=404, body="<html>not found</html>")
    web.get(
        HOME + "/", json=INDEX, match=[responses.matchers.query_param_matcher({"rest_route": "/"})]
    )
    web.get(
        HOME + "/",
        json=[],
        headers={"x-wp-total": "0"},
        match=[
            responses.matchers.query_param_matcher(
                {"rest_route": "/wp/v2/categories"}, strict_match=False
            )
        ],
    )
    assert list(site.inventory(SubjectKind.CATEGORY)) == [[]]


# ---- listings ----


def test_a_listing_is_read_to_its_end(web: responses.RequestsMock, site: Site) -> None:
    Core(web, [stored(1000 + each, f"p{each}") for each in range(250)])
    assert listed(site) == [f"p{each}" for each in range(250)]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199, 200])
def test_a_listing_never_asks_past_the_end(
    web: responses.RequestsMock, site: Site, count: int
) -> None:
    Core(web, [stored(1000 + each, f"p{each}") for each in range(count)])
    assert len(listed(site)) == count
    offsets = [
        int(parse_qs(urlsplit(str(call.request.url)).query)["offset"][0])
        for call in web.calls
        if POSTS in str(call.request.url)
    ]
    assert all(each < max(count, 1) for each in offsets)


def test_a_post_deleted_meanwhile_is_no_product_gone(
    web: responses.RequestsMock, site: Site
) -> None:
    """By offsets, a deletion before us would make us pass over another post."""
    core = Core(web, [stored(1000 + each, f"p{each}") for each in range(150)])
    pages = site.inventory(SubjectKind.PRODUCT)
    assert len(next(pages)) == 100
    del core.rows[1007]
    with pytest.raises(Incomplete):
        list(pages)


def test_a_listing_that_breaks_off_is_incomplete(web: responses.RequestsMock, site: Site) -> None:
    core = Core(web, [stored(1000 + each, f"p{each}") for each in range(150)])
    pages = site.inventory(SubjectKind.PRODUCT)
    next(pages)
    core.lists = False
    with pytest.raises(Incomplete):
        list(pages)


def test_a_page_that_comes_short_is_incomplete(web: responses.RequestsMock, site: Site) -> None:
    web.get(f"{REST}/wp/v2/categories", json=[], headers={"x-wp-total": "0"})
    web.get(POSTS, json=[stored(1, "p1")], headers={"x-wp-total": "3"})
    with pytest.raises(Incomplete):
        listed(site)


def test_posts_of_editors_and_of_other_backends_are_not_ours(
    web: responses.RequestsMock, site: Site
) -> None:
    theirs = content_of("", Marker(BackendName("other"), "p1"), "")
    plain = "<p>How to use commerce-connector:offers</p>"
    broken = content_of("", Marker(SHOP, "p2"), "").replace('"i"', '"j"')
    rows = [
        stored(number, "p", content={"raw": text})
        for number, text in enumerate([theirs, plain, broken], 1)
    ]
    Core(web, [*rows, stored(9, "p9")])
    assert listed(site) == ["p9"]


# ---- writes ----


def test_an_import_sends_twenty_five_at_a_time(web: responses.RequestsMock, site: Site) -> None:
    core = Core(web)
    receipts = site.write_content([document() for _ in range(60)])
    assert [len(parts) for parts in core.batches] == [25, 25, 10]
    assert len({each.cms_id for each in receipts}) == 60


def test_a_lost_answer_makes_no_second_page(web: responses.RequestsMock, site: Site) -> None:
    core = Core(web)
    write = document()

    def lost(request: requests.PreparedRequest) -> Reply:
        core.carry_out(request)
        raise requests.ReadTimeout("slow")

    web.remove("POST", BATCH)
    web.add_callback("POST", BATCH, lost)
    with pytest.raises(TryAgain):
        site.write_content([write])
    web.remove("POST", BATCH)
    web.add_callback("POST", BATCH, core.carry_out)
    receipt = one(site.write_content([write]))
    assert receipt.outcome is Outcome.DONE
    assert len(core.rows) == len(core.batches) == 1


def test_a_text_that_core_changes_is_noted_as_it_is_stored(
    web: responses.RequestsMock, site: Site
) -> None:
    """Filters are not foretold: a second request puts the true hash into the marker."""
    core = Core(web)
    filtered = document(fields={TITLE: "T", DESCRIPTION: "<p>a</p><script>b</script>"})

    def change(part: Part) -> Part:
        body = part["body"]
        assert isinstance(body, dict)
        content = str(body["content"]).replace("<script>b</script>", "b")
        return core.change({**part, "body": {**body, "content": content}})

    core.answer = change
    receipts = site.write_content([filtered, document()])
    assert [len(parts) for parts in core.batches] == [2, 1]
    assert one(site.write_content([filtered])).hashes == receipts[0].hashes
    assert [len(parts) for parts in core.batches] == [2, 1]


def test_one_refused_item_says_why_and_the_others_go_through(
    web: responses.RequestsMock, site: Site
) -> None:
    core = Core(web)
    good, bad = document(), document()
    refusal = {"code": "rest_invalid_param", "message": "Bad date"}
    core.answer = lambda part: (
        {"status": 400, "body": refusal} if bad.slug in str(part) else core.change(part)
    )
    receipts = site.write_content([bad, good])
    assert [each.outcome for each in receipts] == [Outcome.REJECTED, Outcome.DONE]
    assert receipts[0].message == "Bad date (400 rest_invalid_param)"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(403, Outcome.REJECTED), (404, Outcome.RETRY), (410, Outcome.RETRY), (500, Outcome.RETRY)],
)
def test_what_an_item_is_told_decides_what_becomes_of_it(
    web: responses.RequestsMock, site: Site, status: int, outcome: Outcome
) -> None:
    core = Core(web)
    made = document()
    one(site.write_content([made]))
    core.answer = lambda _: {"status": status, "body": {"code": "x", "message": "y"}}
    receipt = one(site.write_content([change_of(made, {TITLE: "New"})]))
    assert (receipt.subject, receipt.outcome) == (made.subject, outcome)


def test_half_an_answer_is_no_answer(web: responses.RequestsMock, site: Site) -> None:
    Core(web)
    web.remove("POST", BATCH)
    web.post(BATCH, status=207, json={"responses": []})
    with pytest.raises(TryAgain):
        site.write_content([document()])


def test_the_same_offers_again_are_not_written(web: responses.RequestsMock, site: Site) -> None:
    core = Core(web)
    made = document()
    one(site.write_content([made]))
    first = one(site.write_offers([offers_write(made.subject, 1990)]))
    sent = len(core.batches)
    again = one(site.write_offers([offers_write(made.subject, 1990)]))
    assert len(core.batches) == sent
    assert again.hashes == first.hashes


def test_retiring_what_is_retired_is_not_written(web: responses.RequestsMock, site: Site) -> None:
    core = Core(web)
    made = document()
    one(site.write_content([made]))
    one(site.retire([retire_write(made.subject)]))
    sent = len(core.batches)
    assert one(site.retire([retire_write(made.subject)])).outcome is Outcome.DONE
    assert len(core.batches) == sent
    assert core.batches[-1][0]["body"]["status"] == "draft"  # type: ignore[index]


def test_two_writes_of_one_product_in_one_batch_follow_each_other(
    web: responses.RequestsMock, site: Site
) -> None:
    core = Core(web)
    made = document(fields={TITLE: "First", DESCRIPTION: "<p>First</p>"})
    receipts = site.write_content([made, change_of(made, {TITLE: "Second"})])
    assert [each.outcome for each in receipts] == [Outcome.DONE, Outcome.DONE]
    (row,) = core.rows.values()
    assert row["title"] == {"raw": "Second"}
    assert str(row["content"]).count("<p>First</p>") == 1


def test_a_file_that_wordpress_will_never_take_is_rejected(
    web: responses.RequestsMock, site: Site
) -> None:
    media = f"{REST}/wp/v2/media"
    web.get(media, json=[], headers={"x-wp-total": "0"})
    web.post(media, status=500, json={"code": "rest_upload_unknown_error"})
    with pytest.raises(Rejected):
        site.upload_media(picture())
    with pytest.raises(Rejected):
        site.upload_media(replace(picture(), body=b"other bytes"))


# ---- inside a post ----

ids = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
texts = values.words.map(lambda words: f"<p>{words}</p>")


@given(ids, st.dictionaries(values.names, ids), st.sets(values.names), texts)
def test_the_marker_comes_back_from_the_content(
    subject_id: str, hashes: dict[str, str], kept: set[str], text: str
) -> None:
    marker = Marker(
        backend=SHOP,
        id=subject_id,
        write_ids={Lane.CONTENT: "w1", Lane.OFFERS: "w2"},
        hashes={FieldName(name): FieldHash(each) for name, each in hashes.items()},
        kept=frozenset(map(FieldName, kept)),
        picture="7",
        retired_from="publish",
    )
    table = offers_table([generate.offer(1)])
    content = content_of(text, marker, table)
    post = post_from({**stored(1, "x"), "content": {"raw": content}})
    assert (post.marker, post.text, post.offers_html) == (marker, text, table)
    assert content_of(post.text, marker, post.offers_html) == content


@given(ids)
def test_the_marker_never_ends_its_comment(subject_id: str) -> None:
    content = content_of("", Marker(SHOP, subject_id + "-->"), "")
    comments = content.split("-->")
    assert len(comments) == 5
    assert all("--" not in each.partition("<!--")[2] for each in comments)


@given(ids, values.words.filter(lambda text: text == text.strip()))
def test_the_marker_of_a_category_comes_back(subject_id: str, text: str) -> None:
    marker = TermMarker(SHOP, CategoryId(subject_id), "w1", 3)
    term = term_from({"id": 5, "name": "Wool", "description": description_of(text, marker)})
    assert (term.marker, term.text) == (marker, text)


@given(values.words, values.words)
def test_offers_are_escaped(sku: str, amount_text: str) -> None:
    offer = replace(generate.offer(1), sku=f"<b>{sku}", amount_text=f"<i>{amount_text}")
    table = offers_table([offer])
    assert "<b>" not in table
    assert "<i>" not in table
    assert "--" not in table.replace(sku, "").replace(amount_text, "")


def test_offers_read_as_shoppers_read_them() -> None:
    second = replace(generate.offer(1, 1, 2490, 0), compare_at_text="€30.00", min_quantity=5)
    table = offers_table([second, generate.offer(1)])
    assert table == (
        '<table class="commerce-connector-offers"><tbody>\n'
        '<tr data-variant="var_000001_0"><td>SKU-000001-S</td>'
        "<td><strong>€19.90</strong></td><td>In stock (3)</td></tr>\n"
        '<tr data-variant="var_000001_1"><td>SKU-000001-M</td>'
        "<td><del>€30.00</del> <strong>€24.90</strong> from 5</td><td>Out of stock</td></tr>\n"
        "</tbody></table>"
    )
    elsewhere = replace(generate.offer(1), market=MarketName("abroad"))
    assert "SKU-000001-S (abroad)" in offers_table([generate.offer(1), elsewhere])
    assert offers_table([]) == ""


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ([], ""),
        (None, ""),
        ([{"id": "12", "alt": ""}, {"id": "13", "alt": ""}], "12"),
        ([{"id": "x"}], ""),
        ([{}], ""),
        (["12"], ""),
    ],
)
def test_the_first_picture_is_the_one_in_front(value: JsonValue, number: str) -> None:
    assert attachment_in_front(value) == number


def test_slugs_are_the_same_every_time() -> None:
    subject = generate.product_subject(1)
    assert slugs_for(subject, SHOP, "shirt") == slugs_for(subject, SHOP, "shirt")
    wanted, spare = slugs_for(subject, SHOP, "shirt")
    assert (wanted, spare[:6]) == ("shirt", "shirt-")
    assert spare != slugs_for(subject, BackendName("other"), "shirt")[1]
    assert slugs_for(subject, SHOP, "")[0].startswith("product-")


@given(st.dictionaries(st.sampled_from(["title", "description", "tags"]), texts, min_size=1))
def test_a_page_that_is_there_is_never_published_by_us(fields: Mapping[str, str]) -> None:
    """The editor's publish state is theirs, whatever it is, unless we retired the page."""
    write = document(fields={FieldName(name): value for name, value in fields.items()})
    frame = CoreFrame(SHOP, frozenset({TITLE, DESCRIPTION}), {})
    for status in ("draft", "pending", "private", "future", "trash", "publish"):
        post = post_from(stored(1, write.subject.id, status=status))
        decision = decide_content(write, post, frame)
        assert isinstance(decision, PageWrite)
        assert "status" not in request_body(decision)
        assert "slug" not in request_body(decision)


def test_a_damaged_section_is_written_anew() -> None:
    """The index still knows whose page it is; the marker comes back with the next write."""
    post: Post = post_from(stored(1, "p1", content={"raw": "<p>Only text is left</p>"}))
    write = change_of(document(), {TITLE: "New"})
    decision = decide_content(write, post, CoreFrame(SHOP, frozenset({TITLE, DESCRIPTION}), {}))
    assert isinstance(decision, PageWrite)
    assert decision.marker.id == write.subject.id
    assert str(request_body(decision)["content"]).startswith("<p>Only text is left</p>\n\n<!-- wp:")
