"""Every sentence of plugin and module has its German and its French, with the same places in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import pytest
import yaml

from tests.conftest import ROOT, WORDPRESS_PLUGIN

MODULE = ROOT / "adapters" / "drupal" / "module"
LANGUAGES = ("de", "fr")
QUOTED = r"(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")"
PLURAL = "\0"
CONFIG_KEYS = {"label", "name", "title", "description", "content", "display_title"}
NO_WORDS = {"hidden", "inline", "above", "commerce_description", "title"}
Words = dict[str, str]


def calls(text: str, names: str, before: str = "") -> Iterator[str]:
    """The literal first text of each call; with a second one behind a NUL where `before` says that
    it is a plural."""
    second = rf"\s*,\s*{QUOTED}" if before != "" or names == "_n" else ""
    for found in re.finditer(rf"(?:{names})\(\s*{before}{QUOTED}{second}", text):
        parts = [one if one is not None else two for one, two in pairs(found.groups())]
        yield PLURAL.join(unescaped(part) for part in parts)


def pairs(groups: tuple[str | None, ...]) -> list[tuple[str | None, str]]:
    return [(groups[at], groups[at + 1] or "") for at in range(0, len(groups), 2)]


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def places(text: str) -> list[str]:
    """Where something is put in: %s, %1$s, @count, :url."""
    return sorted(re.findall(r"%(?:\d\$)?[sd]|[@:][a-z_]+", text))


def check(said: Iterable[str], told: Words) -> None:
    wanted = set(said)
    assert sorted(wanted - set(told)) == [], "not translated"
    for text in wanted:
        sides = [text, told[text]]
        counts = {len(side.split(PLURAL)) for side in sides}
        assert len(counts) == 1, text
        one, other = (side.split(PLURAL)[-1] for side in sides)
        assert places(one) == places(other), text
    assert "" not in told.values()


# ---- WordPress ----

SAYS = r"\b__|\b_e|\besc_html__|\besc_html_e|\besc_attr__|\besc_attr_e"
UNLOADED = {"requirements.php"}
"""Where the plugin refuses to work its translations are not loaded either."""


def plugin_says() -> set[str]:
    said: set[str] = set()
    for file in [*WORDPRESS_PLUGIN.rglob("*.php"), *WORDPRESS_PLUGIN.rglob("*.js")]:
        if file.parent.name != "languages" and file.name not in UNLOADED:
            text = file.read_text(encoding="utf-8")
            said |= {*calls(text, SAYS), *calls(text, "_n")}
    for file in (WORDPRESS_PLUGIN / "blocks").glob("*/block.json"):
        about = json.loads(file.read_text(encoding="utf-8"))
        said |= {f"block {name}\4{about[name]}" for name in ("title", "description")}
        said |= {f"block keyword\4{word}" for word in about["keywords"]}
    return said


def plugin_told(language: str) -> Words:
    told: Words = {}
    for file in (WORDPRESS_PLUGIN / "languages").glob(f"*{language}.l10n.php"):
        text = file.read_text(encoding="utf-8").replace("""' . "\\0" . '""", PLURAL)
        for line in re.finditer(rf"(?m)^\t\t{QUOTED} => {QUOTED},$", text):
            key, says = ((one or two) for one, two in pairs(line.groups()))
            told[unescaped(key.replace("\\4", "\4"))] = unescaped(says)
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_the_plugin_says_is_translated(language: str) -> None:
    said = plugin_says()
    assert len(said) > 330
    check(said, plugin_told(language))


# ---- Drupal ----


def module_says() -> set[str]:
    said: set[str] = set()
    for file in (file for file in MODULE.rglob("*") if file.is_file()):
        text = file.read_text(encoding="utf-8")
        if file.suffix in (".php", ".module", ".install", ".js"):
            said |= {*calls(text, r"->t|Drupal\.t|\bt|@Translation")}
            said |= {*calls(text, "formatPlural", r"[^,]*,\s*")}
        elif file.suffix == ".twig":
            found = re.finditer(rf"{QUOTED}\s*\|\s*t\b", text)
            said |= {unescaped(each[1] or each[2]) for each in found}
        elif re.fullmatch(r"commerce_connector\.(links|routing|permissions).*", file.name):
            found = re.finditer(r"(?m)^\s*(?:_?title|description): '?(.*?)'?$", text)
            said |= {each[1] for each in found}
        elif file.parent.name == "optional":
            said |= set(labels(yaml.safe_load(text)))
    return said


def labels(value: object) -> Iterator[str]:
    """What people read of configuration that the module brings."""
    items: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        if key in CONFIG_KEYS and isinstance(inner, str) and inner and inner not in NO_WORDS:
            yield inner
        yield from labels(inner)


def module_told(language: str) -> Words:
    told: Words = {}
    text = (MODULE / "translations" / f"{language}.po").read_text(encoding="utf-8")
    for entry in text.split("\n\n")[1:]:
        lines = re.findall(r'(?m)^(msg\w+(?:\[\d\])?) "(.*)"$', entry)
        ids = [unescaped(says) for name, says in lines if name.startswith("msgid")]
        told[PLURAL.join(ids)] = PLURAL.join(
            unescaped(says) for name, says in lines if name.startswith("msgstr")
        )
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_the_module_says_is_translated(language: str) -> None:
    said = module_says()
    assert len(said) > 300
    check(said, module_told(language))


def test_drupal_is_told_where_the_translations_are() -> None:
    """Shown on a real Drupal: 327 sentences are read from each file."""
    about = yaml.safe_load((MODULE / "commerce_connector.info.yml").read_text(encoding="utf-8"))
    assert about["interface translation project"] == "commerce_connector"
    hooks = (MODULE / "commerce_connector.module").read_text(encoding="utf-8")
    assert "/translations/%language.po" in hooks
