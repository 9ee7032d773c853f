"""`two-way` is taken only where the site tells edits and the backend takes the words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from connector import config
from connector.errors import ConfigError
from connector.ports import BackendSystem, SiteSystem, WordsCapabilities
from connector.registry import Registry
from connector.sync.owners import TRANSLATED, Owner
from tests.conftest import ROOT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """backends:
  shop: {{system: shopware, url: 'https://shop.example', default_locale: en-US}}
sites:
  blog:
    system: wordpress
    url: https://blog.example
    backend: shop
    {how}
    markets:
      - {{name: en, locale: en-GB, currency: EUR}}
      - {{name: fr, locale: fr-FR, currency: EUR}}
    owners: {owners}
"""
PLUGIN = "secrets: [{env: SECRET}]"
SOME = WordsCapabilities(frozenset({"title", "subtitle"}), frozenset({"title"}))


def never(*_: object) -> Sequence[object]:
    return []


def load(owners: str, how: str = PLUGIN, words: WordsCapabilities | None = SOME) -> config.Config:
    backend = BackendSystem("shopware", never, never, words=words)  # type: ignore[arg-type]
    site = SiteSystem("wordpress", never, never)  # type: ignore[arg-type]
    registry = Registry({"shopware": lambda: backend}, {"wordpress": lambda: site})
    env = {"SECRET": SECRET, "LOGIN": "me:word"}
    return config.loads(FILE.format(owners=owners, how=how), env=env, registry=registry)


def test_a_field_that_the_backend_takes_in_all_languages_may_be_two_way() -> None:
    loaded = load("{title: two-way}")
    assert loaded.sites["blog"].owners == {"title": Owner.TWO_WAY}


def test_a_language_that_it_does_not_take_can_be_left_out() -> None:
    loaded = load("{subtitle: two-way, 'subtitle@fr-FR': merge}")
    assert loaded.sites["blog"].owners["subtitle"] is Owner.TWO_WAY


@pytest.mark.parametrize(
    ("owners", "more", "path", "says"),
    [
        ("{subtitle: two-way}", {}, "subtitle", "takes no subtitle back in fr-FR"),
        ("{subtitle@fr-FR: two-way}", {}, "subtitle@fr-FR", "Add `subtitle@fr-FR: merge`"),
        ("{seo_title: two-way}", {}, "seo_title", "shopware does not take it back"),
        ("{title: two-way}", {"words": None}, "title", "shopware does not take it back"),
        ("{tags: two-way}", {}, "tags", "only words can go back. Fields are: title, subtitle"),
        (
            "{title: two-way}",
            {"how": "mode: plain\n    credential: {env: LOGIN}"},
            "title",
            "plain mode does not tell what editors changed",
        ),
    ],
)
def test_what_cannot_be_two_way_is_refused_with_its_path(
    owners: str, more: dict[str, str], path: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(owners, **more)  # type: ignore[arg-type]
    (problem,) = caught.value.problems
    assert problem.path == f"sites.blog.owners.{path}"
    assert says in str(problem)


def test_the_examples_of_the_guide_are_taken() -> None:
    text = (ROOT / "docs" / "owners.md").read_text()
    examples = re.findall(r"```yaml\nowners:\n(.*?)```", text, re.DOTALL)
    words = WordsCapabilities(frozenset(TRANSLATED), frozenset(TRANSLATED))
    assert len(examples) == 4
    for example in examples:
        owners = ", ".join(line.strip() for line in example.strip().split("\n"))
        assert load(f"{{{owners}}}", words=words).sites["blog"].owners
