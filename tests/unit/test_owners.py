"""Who decides a field: defaults, the configuration's word, one language alone, and the reasons."""

from __future__ import annotations

from connector.model import FieldName, Locale
from connector.sync.owners import (
    DEFAULT_OWNERS,
    FIXED_OWNERS,
    FieldOwner,
    Owner,
    field_owners,
    owner_of,
)

EN, FR = Locale("en-GB"), Locale("fr-FR")


def told(owners: dict[str, Owner], *locales: Locale) -> dict[str, FieldOwner]:
    return {row.field: row for row in field_owners({**DEFAULT_OWNERS, **owners}, locales)}


def test_the_defaults_give_words_to_both_and_facts_to_commerce() -> None:
    rows = told({}, EN)
    words = {"title", "subtitle", "description", "seo_title", "seo_description"}
    assert {name for name, row in rows.items() if row.owner is Owner.MERGE} == words
    assert {name for name, row in rows.items() if row.owner is Owner.EDITOR} == {
        "slug",
        "publish state",
        "author",
        "layout",
        "extra blocks",
    }
    assert {rows[name].owner for name in ("price", "stock", "sku", "variants", "media")} == {
        Owner.COMMERCE
    }
    assert rows["title"] == FieldOwner(FieldName("title"), EN, Owner.MERGE, "the default")
    assert rows["tags"] == FieldOwner(FieldName("tags"), None, Owner.COMMERCE, "the default")
    assert len(rows) == len(DEFAULT_OWNERS) + len(FIXED_OWNERS)


def test_the_configuration_goes_before_defaults_and_one_language_before_all() -> None:
    rows = told({"title": Owner.EDITOR, "title@fr-FR": Owner.COMMERCE}, EN, FR, EN)
    assert [name for name in rows if name.startswith("title")] == ["title", "title@fr-FR"]
    assert rows["title"] == FieldOwner(
        FieldName("title"), EN, Owner.EDITOR, "the configuration says so (owners: title)"
    )
    assert rows["title@fr-FR"] == FieldOwner(
        FieldName("title@fr-FR"),
        FR,
        Owner.COMMERCE,
        "the configuration says so (owners: title@fr-FR)",
    )
    assert rows["subtitle@fr-FR"].why == "the default"
    assert "tags@fr-FR" not in rows


def test_a_field_nobody_knows_is_the_backends() -> None:
    assert owner_of({}, "weight") is Owner.COMMERCE
    assert owner_of({"title": Owner.EDITOR}, "title@de-DE") is Owner.EDITOR


def test_only_two_owners_hold_both_sides_values_together() -> None:
    assert {owner for owner in Owner if owner.merges} == {Owner.MERGE, Owner.TWO_WAY}
