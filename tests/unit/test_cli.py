"""Every command and every filter, end to end on the systems in memory, by what was really asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from connector import config
from connector.cli import cli, context, exit_code
from connector.clock import SystemClock
from connector.compose import Connector
from connector.errors import (
    ConfigError,
    ConnectorError,
    SafetyStop,
    StateError,
    TargetDown,
    TryAgain,
)
from connector.model import FieldName, Money, Price, ProductId, VariantId
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from tests.house import BACKEND, SITE, House

YAML = """
backends:
  shop: {system: medusa, url: "http://127.0.0.1:9", credential: {env: KEY}}
sites:
  blog:
    system: wordpress
    url: http://127.0.0.1:8
    backend: shop
    secrets: [{env: SECRET}]
    markets: [{name: main, locale: en-GB, currency: EUR}]
"""

Run = Callable[..., Result]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, MemoryCatalogue(generate.products(30)))
    house.fill()
    yield house
    house.database.close()


@pytest.fixture
def run(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("KEY", "sk_test")
    monkeypatch.setenv("SECRET", "whsec_" + "QUFB" * 8)
    file = tmp_path / "connector.yaml"
    file.write_text(YAML)

    class Shared(Connector):
        def close(self) -> None:
            """The house stays open between commands."""

    def compose(loaded: config.Config) -> Connector:
        house.engine = type(house.engine)(house.database, SystemClock(), house.lines)
        return Shared(
            loaded,
            house.database,
            SystemClock(),
            {BACKEND: house.catalogue},
            {BACKEND: house.detector},
            {SITE: house.work},
            house.engine,
        )

    monkeypatch.setattr(context, "compose", compose)
    house.clock.advance(days=-3650)
    runner = CliRunner()

    def call(*words: str) -> Result:
        return runner.invoke(cli, ["--config", str(file), *words], standalone_mode=False)

    return call


def told(result: Result) -> Any:
    if result.exception:
        raise result.exception
    return json.loads(result.stdout)


def change(house: House, number: int, cents: int) -> None:
    variant = house.site.offers(generate.product_subject(number))[0].variant
    house.catalogue.set_price(VariantId(variant), Price(Money(cents, "EUR")))


def price(house: House, number: int) -> int:
    return house.site.offers(generate.product_subject(number))[0].amount.amount_minor


def sku(house: House, number: int) -> str:
    return house.site.offers(generate.product_subject(number))[0].sku


def test_sync_of_one_sku_asks_for_one_product_and_writes_one(house: House, run: Run) -> None:
    change(house, 3, 4200)
    change(house, 4, 4300)
    house.catalogue.fetched.clear()
    result = run("sync", "--sku", sku(house, 3))
    assert result.return_value == 0, result.output
    assert price(house, 3) == 4200
    assert price(house, 4) != 4300
    assert set(house.catalogue.fetched) == {ProductId(generate.product_subject(3).id)}


def test_sync_by_product_id_and_lane_touches_only_that_lane(house: House, run: Run) -> None:
    identity = generate.product_subject(5).id
    change(house, 5, 4242)
    house.catalogue.put(generate.retitled(generate.product(5), "other words"))
    change(house, 5, 4242)
    before = len(house.site.written())
    assert run("sync", "--product", identity, "--lane", "offers").return_value == 0
    assert [each.method for each in house.site.written()[before:]] == ["write_offers"]
    assert run("sync", "--product", identity, "--lane", "content").return_value == 0
    assert house.site.written()[-1].method == "write_content"


def test_sync_without_filter_brings_what_changed(house: House, run: Run) -> None:
    change(house, 7, 777)
    assert run("sync").return_value == 0
    assert price(house, 7) == 777


def test_sync_since_brings_what_changed_since(house: House, run: Run) -> None:
    change(house, 8, 888)
    assert run("sync", "--since", "2020-01-01").return_value == 0
    assert price(house, 8) == 888


def test_sync_all_looks_at_everything_and_writes_what_differs(house: House, run: Run) -> None:
    change(house, 9, 999)
    house.catalogue.fetched.clear()
    before = len(house.site.written())
    assert run("sync", "--all").return_value == 0
    assert len(house.catalogue.fetched) == 30
    assert [each.method for each in house.site.written()[before:]] == ["write_offers"]


def test_sync_all_proves_nothing_anew(house: House, run: Run) -> None:
    """Its daemon would compare both sides in full after it, which nobody asked for."""
    house.detector.proved(SITE)
    assert run("sync", "--all").return_value == 0
    assert house.detector.unproved_sites() == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--lane", "offers"), "--lane goes with"),
        (("--dry-run", "--since", "2020-01-01"), "without --since"),
    ],
)
def test_what_sync_could_not_keep_to_it_refuses(run: Run, words: list[str], says: str) -> None:
    result = run("sync", *words)
    assert isinstance(result.exception, click.UsageError)
    assert says in result.exception.message


def test_a_dry_run_says_what_would_change_and_changes_nothing(house: House, run: Run) -> None:
    change(house, 10, 1010)
    before = len(house.site.written())
    result = run("sync", "--dry-run", "--sku", sku(house, 10))
    assert "amount_text" in result.stdout
    assert "€10.10" in result.stdout
    found = told(run("--json", "diff"))
    assert [(each["action"], each["lane"]) for each in found] == [("update", "offers")]
    assert len(house.site.written()) == before
    assert house.due() == 0


def test_an_unknown_sku_or_site_is_named_with_the_fix(run: Run) -> None:
    nothing = run("sync", "--sku", "no-such-thing")
    assert isinstance(nothing.exception, ConnectorError)
    assert "'no-such-thing'" in nothing.exception.message
    nowhere = run("sync", "--site", "elsewhere")
    assert isinstance(nowhere.exception, ConfigError)
    assert "Sites: blog" in nowhere.exception.message


def test_a_parked_product_is_told_listed_retried_and_dropped(house: House, run: Run) -> None:
    poison = generate.product_subject(11)
    house.site.refuse(poison, "not this one")
    house.catalogue.put(generate.retitled(generate.product(11), "poison"))
    result = run("sync", "--product", poison.id)
    assert result.return_value == 1
    assert "not this one" in result.stdout
    rows = told(run("--json", "parked", "list"))
    assert [row["subject"]["id"] for row in rows] == [poison.id]
    house.site.allow(poison)
    assert "1 due again" in run("parked", "retry", poison.id).stdout
    assert run("sync").return_value == 0
    assert told(run("--json", "parked", "list")) == []
    house.site.refuse(poison)
    house.catalogue.put(generate.retitled(generate.product(11), "poison again"))
    run("sync", "--product", poison.id)
    assert "1 dropped" in run("parked", "drop", "--all").stdout
    assert house.parked() == []


def test_a_paused_site_keeps_its_changes_until_it_is_resumed(house: House, run: Run) -> None:
    run("pause", "blog", "--reason", "moving house")
    change(house, 12, 1212)
    result = run("sync", "--sku", sku(house, 12))
    assert result.return_value == 3
    assert "moving house" in result.stdout
    assert price(house, 12) != 1212
    run("resume", "blog")
    assert run("sync").return_value == 0
    assert price(house, 12) == 1212


def test_the_safety_stop_ends_with_4_and_goes_on_when_approved(house: House, run: Run) -> None:
    for number in range(1, 21):
        house.catalogue.remove(ProductId(generate.product_subject(number).id))
    result = run("sync", "--all")
    assert all(page.live for page in house.site.pages().values())
    assert result.return_value == 4
    run_id = house.parked()[0].run_id
    assert run_id is not None
    assert f"connector approve {run_id}" in house.parked()[0].reason
    assert "due again" in run("approve", run_id).stdout
    assert run("sync").return_value == 0
    assert sum(page.retired for page in house.site.pages().values()) == 20
    assert house.parked() == []


def test_reconcile_mends_and_says_what_it_found(house: House, run: Run) -> None:
    house.site.edit(generate.product_subject(13), FieldName("tags"), ["vandal"])
    (found,) = told(run("--json", "reconcile"))
    assert (found["drifted"], found["equal"]) == (1, 29)
    assert found["site_checksum"]
    assert "all 30 products" in run("reconcile").stdout


def test_status_explain_and_doctor_tell_the_whole(house: House, run: Run) -> None:
    change(house, 14, 1414)
    run("sync", "--sku", sku(house, 14))
    standing = told(run("--json", "status"))
    assert {lane["lane"] for lane in standing["lanes"]} == {"offers", "content", "media", "words"}
    outcomes = {run["kind"]: run["outcome"] for run in standing["runs"]}
    assert outcomes == {"sync": "done", "import": "running"}
    story = run("explain", sku(house, 14)).stdout
    assert "€14.14" in story
    assert "caused by sync asked by cli" in story
    (one,) = told(run("--json", "explain", sku(house, 14)))
    assert one["sites"][0]["offers"][0]["amount"] == 1414
    assert "memory" in run("doctor").stdout


def test_owners_tells_who_decides_each_field_and_why(run: Run) -> None:
    rows = {row["field"]: row for row in told(run("--json", "owners", "blog"))["fields"]}
    assert rows["title"] == {
        "field": "title",
        "locale": "en-GB",
        "owner": "merge",
        "why": "the default",
    }
    assert (rows["price"]["owner"], rows["slug"]["owner"]) == ("commerce", "editor")
    assert "what a shopper pays" in run("owners", "blog").stdout
    assert isinstance(run("owners", "blgo").exception, ConfigError)


def retitle(house: House, number: int, words: str) -> None:
    identity = ProductId(generate.product_subject(number).id)
    old = house.catalogue.fetch([identity]).products[identity]
    house.catalogue.put(generate.retitled(old, words))


def title(house: House, number: int) -> object:
    page = house.site.page(generate.product_subject(number))
    return page and page.fields[FieldName("title")]


def contest(house: House, *numbers: int) -> None:
    for number in numbers:
        house.site.edit(generate.product_subject(number), FieldName("title"), f"Editor {number}")
        retitle(house, number, f"Shop {number}")
    house.poll()


def test_conflicts_are_listed_shown_and_resolved(house: House, run: Run) -> None:
    contest(house, 1)
    (row,) = told(run("--json", "conflicts", "list", "--field", "title"))
    assert (row["site"], row["field"], row["choice"]) == ("blog", "title", None)
    assert (row["backend"], row["editor"]) == ("Shop 1", "Editor 1")
    shown = run("conflicts", "show", str(row["id"])).stdout
    assert "+ Shop 1" in shown and "+ Editor 1" in shown and "blog.example/admin/" in shown
    assert told(run("--json", "conflicts", "show", str(row["id"])))["base"] == row["base"]
    assert "1 decided" in run("conflicts", "resolve", str(row["id"]), "--take", "backend").stdout
    assert "the backend's value chosen by cli" in run("conflicts", "list").stdout
    house.settle()
    assert title(house, 1) == "Shop 1"
    assert told(run("--json", "conflicts", "list")) == []


def test_conflicts_are_resolved_in_bulk_and_by_a_third_value(house: House, run: Run) -> None:
    contest(house, 1, 2, 3)
    rows = told(run("--json", "conflicts", "list", "--site", "blog"))
    first = str(rows[0]["id"])
    run("conflicts", "resolve", first, "--value", "A third")
    house.settle()
    assert title(house, 1) == "A third"
    words = ("conflicts", "resolve", "--all", "--site", "blog", "--field", "title")
    assert "2 decided" in run(*words, "--take", "site").stdout
    house.settle()
    assert [title(house, 2), title(house, 3)] == ["Editor 2", "Editor 3"]
    assert "0 in conflict" in run("conflicts", "list").stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("show", "77"), "there is no conflict 77"),
        (("resolve", "1"), "say one of --take site"),
        (("resolve", "1", "--take", "site", "--value", "x"), "say one of --take site"),
        (("resolve", "--take", "site"), "name conflicts by their numbers"),
        (("resolve", "1", "--all", "--take", "site"), "name conflicts by their numbers"),
        (("resolve", "--all", "--value", "x"), "a third value is for one conflict"),
        (("resolve", "1", "--value-file", "/nowhere"), "cannot be read"),
        (("list", "--site", "blgo"), "no site 'blgo'"),
    ],
)
def test_what_is_asked_wrongly_of_conflicts_is_told(
    house: House, run: Run, words: tuple[str, ...], what: str
) -> None:
    contest(house, 1)
    found = run("conflicts", *words).exception
    assert isinstance(found, ConfigError)
    assert what in found.message


def test_config_check_names_every_address_that_does_not_answer(run: Run) -> None:
    assert run("config", "check", "--offline").return_value == 0
    found = run("config", "check").exception
    assert isinstance(found, ConfigError)
    assert [problem.path for problem in found.problems] == ["backends.shop.url", "sites.blog.url"]
    assert "127.0.0.1:9 cannot be reached" in found.problems[0].what
    assert int(exit_code(found)) == 2


def test_every_failure_has_its_exit_code() -> None:
    assert [
        int(exit_code(error))
        for error in (
            ConfigError([]),
            StateError("x"),
            TargetDown("x"),
            TryAgain("x"),
            SafetyStop("x"),
            ConnectorError("x"),
        )
    ] == [2, 2, 3, 3, 4, 1]


def test_init_writes_what_config_check_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "new.yaml"
    runner = CliRunner()
    words = ["init", "--path", str(file), "--backend-system", "medusa", "--backend-url"]
    words += ["http://shop.example", "--site-url", "http://blog.example", "--currency", "eur"]
    made = runner.invoke(cli, [*words, "--locale", "de-DE"], standalone_mode=False)
    assert made.exception is None, made.output
    again = runner.invoke(cli, [*words, "--locale", "de-DE"], standalone_mode=False)
    assert isinstance(again.exception, ConfigError)
    monkeypatch.setenv("SHOP_KEY", "sk_abc")
    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", "whsec_" + "QUFB" * 8)
    monkeypatch.setenv("BLOG_SECRET", "whsec_" + "QUFB" * 8)
    loaded = config.load(str(file))
    assert loaded.sites["blog"].markets[0].currency == "EUR"


def test_a_secret_is_a_signing_secret() -> None:
    from connector.signing import Secret

    made = CliRunner().invoke(cli, ["secret"], standalone_mode=False).stdout.strip()
    assert len(Secret.parse(made).key) == 32


def test_ages_are_told_in_the_unit_that_people_use() -> None:
    now = SystemClock().now()
    told_ages = [context.age(now - timedelta(seconds=s), now) for s in (3, 300, 7200, 400000)]
    assert told_ages == ["3 s", "5 min", "2 h", "5 d"]
    assert context.age(None, now) == "-"
