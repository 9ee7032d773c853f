"""A browser without script, for tests: keeps cookies, fills forms in, follows where it is sent.

It sends what real ones send with a form (Origin); a test takes that away or forges it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

VOID = frozenset({"input", "img", "br", "meta", "link", "hr"})


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what stands in it, what its buttons add."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Words, name, value."""


class _Reader(HTMLParser):
    """The forms, the words and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.scripts: list[dict[str, str]] = []
        self._within: list[str] = []
        self._form: Form | None = None
        self._button: tuple[str, str, list[str]] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._within.append(tag)
        if tag == "script":
            self.scripts.append(told)
        if tag == "form":
            self._form = Form(told.get("action", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._take(tag, told, self._form)

    def _take(self, tag: str, told: dict[str, str], form: Form) -> None:
        if tag == "button":
            self._button = (told.get("name", ""), told.get("value", ""), [])
        elif tag == "select":
            self._select = told["name"]
        elif tag == "option" and ("selected" in told or self._select not in form.fields):
            form.fields[self._select] = told["value"]
        elif tag == "input":
            is_choice = told.get("type") in ("radio", "checkbox")
            if told.get("name") and (not is_choice or "checked" in told):
                form.fields[told["name"]] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            while self._within.pop() != tag:
                pass
        if tag == "form":
            self._form = None
        if tag == "button" and self._button and self._form:
            name, value, words = self._button
            self._form.buttons.append((" ".join("".join(words).split()), name, value))
            self._button = None

    def handle_data(self, text: str) -> None:
        if self._button:
            self._button[2].append(text)
        if not {"script", "style", "head", "option"} & set(self._within):
            self.words.append(text)


@dataclass(slots=True)
class Page:
    """What was answered."""

    url: str
    status: int
    headers: dict[str, str]
    html: str

    @property
    def words(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join("".join(self._read().words).split())

    @property
    def scripts(self) -> list[dict[str, str]]:
        return self._read().scripts

    def form(self, button: str) -> Form:
        """The first form with a button of these words."""
        found = self._read().forms
        fits = [each for each in found if any(words == button for words, _, _ in each.buttons)]
        assert fits, (button, [each.buttons for each in found])
        return fits[0]

    def form_with(self, field: str) -> Form:
        """The first form with a field of this name."""
        return next(each for each in self._read().forms if field in each.fields)

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader


@dataclass(slots=True)
class PlainBrowser:
    """One shopper's."""

    session: requests.Session = field(default_factory=requests.Session)
    says_where_from: bool = True

    def get(self, url: str) -> Page:
        return _page(self.session.get(url, timeout=60))

    def press(self, page: Page, button: str, **fields: str) -> Page:
        """Fill in the form of this button and press it; where that leads."""
        form = page.form(button)
        added = {name: value for words, name, value in form.buttons if words == button and name}
        return self.post(page.url, form.action, {**form.fields, **fields, **added})

    def post(
        self, page: str, action: str, fields: dict[str, str], origin: str | None = None
    ) -> Page:
        """Send fields from a page."""
        target = urljoin(page, action).split("#")[0] if action else page.split("#", maxsplit=1)[0]
        answer = self.session.post(
            target, fields, headers=self._from(page, origin), timeout=60, allow_redirects=False
        )
        hops = 0
        while answer.is_redirect and hops < 5:
            hops += 1
            assert answer.status_code == 303, answer.status_code
            where = urljoin(answer.url, answer.headers["location"])
            answer = self.session.get(where, timeout=60, allow_redirects=False)
        return _page(answer)

    def _from(self, page: str, origin: str | None) -> dict[str, str]:
        parts = urlsplit(page)
        own = f"{parts.scheme}://{parts.netloc}"
        return {"origin": origin or own} if self.says_where_from or origin else {}


def _page(answer: requests.Response) -> Page:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.url, answer.status_code, headers, answer.text)
