"""Words of editors back into Medusa: own fields, translations, and SEO texts in the metadata.

Medusa takes no condition with a write, so that it is read, compared and written in a row, and read
again with the answer. A description stays plain text where it was one and paragraphs are all that
it holds; else it becomes HTML. Knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from adapters.medusa.client import Answer, JsonObject, NoSuchRoute, NotFound, Params
from adapters.medusa.listing import Get
from adapters.medusa.mapping import (
    SEO,
    as_html,
    as_plain,
    has_markup,
    map_texts,
    map_words,
    seo_key,
)
from adapters.medusa.sweeps import read_words
from connector.errors import Rejected, TryAgain
from connector.model import Locale
from connector.ports import WordsCapabilities, WordsReceipt, WordsWrite
from connector.sync.project import text_for
from connector.sync.words import changed_meanwhile

Post = Callable[[str, JsonObject, Params | None], Answer]
_NAMES = frozenset(("title", "subtitle", "description", *SEO))
WORDS = WordsCapabilities(_NAMES, _NAMES)
_FIELDS = "id,title,subtitle,description,metadata"


def as_compared(words: Mapping[str, str]) -> Mapping[str, str]:
    """Words as Medusa tells them apart: whether a description is paragraphs as HTML or as plain
    text is one to it."""
    return {
        name: _compared(text) if name == "description" else text for name, text in words.items()
    }


def _compared(text: str) -> str:
    plain = as_plain(text)
    return as_html(text if plain is None else plain)


def write_words(get: Get, post: Post, write: WordsWrite, default_locale: Locale) -> WordsReceipt:
    """Write what nobody changed meanwhile, and say what Medusa holds then."""
    row, translation = _read(get, write)
    now = _words(row, translation, write, default_locale)
    news, kept = changed_meanwhile(now, write, as_compared)
    if news:
        _write(post, row, translation, write, news, default_locale)
        row, translation = _read(get, write)
        now = _words(row, translation, write, default_locale)
    return WordsReceipt(now, kept)


def _read(get: Get, write: WordsWrite) -> tuple[JsonObject, JsonObject | None]:
    """The product, and its translation into the language of the write."""
    try:
        row = get(f"/admin/products/{write.product}", {"fields": _FIELDS}).body.get("product")
    except NotFound as error:
        raise Rejected(f"Medusa has no product {write.product} any more") from error
    if not isinstance(row, dict):
        raise TryAgain(f"the answer to a read of product {write.product} is no product")
    rows = read_words(get, "product", [write.product])
    return row, next((each for each in rows if each["locale_code"] == write.locale), None)


def _words(
    row: JsonObject, translation: JsonObject | None, write: WordsWrite, default: Locale
) -> dict[str, str]:
    spoken = map_words([translation] if translation else []).get(str(row["id"]), {})
    text = text_for(map_texts(row, spoken, default), default, write.locale)
    return {name: value for name, value in asdict(text).items() if name in write.words}


def _write(
    post: Post,
    row: JsonObject,
    translation: JsonObject | None,
    write: WordsWrite,
    news: Mapping[str, str],
    default: Locale,
) -> None:
    """Translations first: without one the product's own words would be shown, and be edited."""
    own = write.locale == default
    held = row if own else {**row, **((translation or {}).get("translations") or {})}
    words = {name: _raw(name, text, held) for name, text in news.items() if name not in SEO}
    seo = {seo_key(n, write.locale, default): t for n, t in news.items() if n in SEO}
    if words and not own:
        _translate(post, translation, write, words)
    change: dict[str, Any] = dict(words) if own else {}
    if seo:
        change["metadata"] = {**(row.get("metadata") or {}), **seo}
    if change:
        post(f"/admin/products/{row['id']}", change, {"fields": "id"})


def _translate(
    post: Post, translation: JsonObject | None, write: WordsWrite, words: Mapping[str, str]
) -> None:
    if empty := sorted(name for name, text in words.items() if not text.strip()):
        raise Rejected(
            f"an empty {empty[0]} in {write.locale} would show Medusa's own language; write one"
        )
    body: dict[str, Any] = {
        "create": [
            {
                "reference": "product",
                "reference_id": write.product,
                "locale_code": write.locale,
                "translations": words,
            }
        ]
    }
    if translation is not None:
        merged = {**(translation.get("translations") or {}), **words}
        body = {"update": [{"id": translation["id"], "translations": merged}]}
    try:
        post("/admin/translations/batch", body, None)
    except NoSuchRoute as error:
        raise Rejected(
            f"Medusa's translation module is not there, so that it takes no words in {write.locale}"
        ) from error


def _raw(name: str, text: str, held: JsonObject) -> str:
    """A description as Medusa is to keep it: plain where it was plain and can be."""
    plain = as_plain(text) if name == "description" else None
    was_html = has_markup(str(held.get(name) or ""))
    return text if plain is None or was_html else plain
