"""Words of a page on their way back to the backend: what it is to learn, and what it cannot take.

Pure. A field that is two-way goes back where only the page changed it; whatever the backend changed
too is the page's to take in first, so that nothing of either side is overwritten. An echo is known
by its value: what the backend cannot tell from the page's words are the page's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from connector.model import Document, FieldName, JsonValue, Locale, Product, hash_value
from connector.ports import WordsCapabilities, WordsWrite
from connector.sync.diff import Holds
from connector.sync.edits import Stored, StoredField, sides_of
from connector.sync.merge import Conflict, Write, WriteBack, WriteBoth, merge, same, shape_of
from connector.sync.owners import Owner
from connector.sync.rules import Alike, SiteRules

Compared = Callable[[Mapping[str, str]], Mapping[str, str]]
"""`TakingWords.as_compared` of a backend."""
_PLAIN = frozenset(("title", "subtitle"))
"""Text for backends, HTML for some sites."""
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&#039;": "'", "&#39;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")


@dataclass(frozen=True, slots=True)
class Back:
    """What comes of one page's words."""

    words: Mapping[FieldName, str] = field(default_factory=dict)
    """For the backend."""
    refused: Mapping[FieldName, str] = field(default_factory=dict)
    """What no backend could take, each with the reason, for its editor."""
    look: frozenset[FieldName] = frozenset()
    """What the page is to take in first: the backend has something that it has not."""


def words_back(
    document: Document,
    stored: Stored,
    rules: SiteRules,
    holds: Holds,
    contested: Collection[FieldName],
) -> Back:
    """What to write back of a page. Nothing of a field that is held, or that a person decides."""
    back: dict[FieldName, str] = {}
    look: set[FieldName] = set()
    for name, backend in document.fields.items():
        here = stored.get(name)
        if here is None or rules.owner(name) is not Owner.TWO_WAY or name in contested:
            continue
        if name in holds and holds[name].against == hash_value(backend):
            continue
        match _decided(name, backend, here, rules.alike):
            case WriteBack(str() as value):
                back[name] = as_sent(name, value)
            case Write() | WriteBoth() | Conflict():
                look.add(name)
    reasons = {name: _refusal(name, text) for name, text in back.items()}
    refused = {name: reason for name, reason in reasons.items() if reason}
    return Back({n: t for n, t in back.items() if n not in refused}, refused, frozenset(look))


def _decided(name: FieldName, backend: JsonValue, here: StoredField, alike: Alike) -> object:
    shape = shape_of(name)
    if alike(name, backend, here.value):
        return None if same(shape, here.base, backend) else Write(backend)
    return merge(Owner.TWO_WAY, shape, sides_of(name, backend, here, here.base, alike))


def as_sent(name: FieldName, text: str) -> str:
    """A page's words as backends write them: sites keep `&` in titles as `&amp;`."""
    if name.partition("@")[0] not in _PLAIN:
        return text
    return _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)


def _refusal(name: FieldName, text: str) -> str:
    plain = name.partition("@")[0]
    if plain == "title" and not text.strip():
        return "the page has no title; the shop's products need one"
    if plain in _PLAIN and _MARKUP.search(text):
        return f"there is markup in the {plain}, which is plain text in the shop; take it out"
    return ""


def alike_to(compared: Compared) -> Alike:
    """Whether a backend cannot tell two values apart."""

    def alike(name: FieldName, one: object, other: object) -> bool:
        if not isinstance(one, str) or not isinstance(other, str):
            return False
        plain = name.partition("@")[0]
        left, right = (compared({plain: as_sent(name, each)}) for each in (one, other))
        return left == right

    return alike


# ---- in which language ----


def locale_of(name: FieldName, rules: SiteRules) -> Locale:
    """The language of a page's field: its own, or that of the site's first market."""
    return Locale(name.partition("@")[2] or rules.markets[0].locale)


def spoken(product: Product, locale: Locale) -> Locale:
    """Under which language a backend keeps what pages of a locale show: words of another one's
    language (`sync.project.text_for`) are translated there, not overwritten."""
    language = locale.partition("-")[0]
    kin = [each for each in sorted(product.texts) if each.partition("-")[0] == language]
    return locale if locale in product.texts or not kin else kin[0]


def taken(can: WordsCapabilities, name: str, locale: Locale, default: Locale) -> bool:
    """Whether a backend takes this word in this language. Its own counts in all its countries."""
    own = locale.partition("-")[0] == default.partition("-")[0]
    return name in (can.fields if own else can.translated)


# ---- at the backend ----


def changed_meanwhile(
    now: Mapping[str, str], write: WordsWrite, compared: Compared
) -> tuple[dict[str, str], frozenset[str]]:
    """Of a write, against what the backend holds now: what is new, and what must stay because
    somebody changed it meanwhile. For adapters whose backend cannot compare by itself."""
    here, wanted, expected = (compared(each) for each in (now, write.words, write.expected))
    kept = frozenset(name for name in wanted if here[name] not in (wanted[name], expected[name]))
    news = {n: t for n, t in write.words.items() if n not in kept and here[n] != wanted[n]}
    return news, kept
