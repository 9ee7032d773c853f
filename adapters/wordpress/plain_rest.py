"""The one place of plain mode that knows HTTP: core REST with an application password.

Turns transport failures and statuses into errors.py, finds the REST root with and without pretty
permalinks, sends batches of 25, and reads listings to their end. Every read asks for the edit
context, which WordPress refuses to visitors: a wrong password can so never look like an empty site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import requests

from adapters.plain.http import Connection
from adapters.wordpress.plain_page import Json
from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.ports import Clock, Outcome, SiteSettings

BATCH = 25
"""The most requests that core's batch/v1 takes."""
PAGE = 100
"""The most rows that core gives at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch."""

    method: str
    path: str
    body: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "path": self.path, "body": dict(self.body)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What core said to one request of a batch."""

    status: int
    body: Json

    @property
    def ok(self) -> bool:
        return self.status in (200, 201)

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))

    def outcome(self) -> Outcome:
        """What a refusal means for its item. A 400 may have written a part: park, never assume."""
        return Outcome.REJECTED if 400 <= self.status < 500 else Outcome.RETRY

    @property
    def message(self) -> str:
        return f"{str(self.body.get('message', ''))[:200]} ({self.status} {self.code})"


class CoreRest:
    """Core REST of one site, with one user's credential."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._connection = Connection(settings, clock)
        self._home = self._connection.home
        self._root = ""

    @property
    def skew_seconds(self) -> float:
        return self._connection.skew_seconds

    # ---- what plain mode asks ----

    def index(self) -> Json:
        """The REST root, which tells whether application passwords work here."""
        self._root = ""
        return self._find_root()

    def get(self, path: str, **query: str) -> object:
        return self._json(self._call("GET", path, query), path)

    def front_page(self) -> str:
        return self._connection.send("GET", f"{self._home}/").text

    def listing(self, path: str, **query: str) -> Iterator[list[Json]]:
        """All rows by ascending id. Raises Incomplete when it breaks off or shifts meanwhile.

        Each page begins with the last row of the one before: when it is another, a row before it
        went away and one may have been passed over.
        """
        last, seen = None, 0
        while True:
            start = max(seen - 1, 0)
            try:
                rows, total = self._page(path, {**query, "offset": str(start)})
            except TryAgain as error:
                raise Incomplete(f"{path}: the listing broke off after {seen} rows") from error
            if last is not None and (not rows or rows[0].get("id") != last):
                raise Incomplete(f"{path}: the listing changed while it was read; read it again")
            fresh = rows if last is None else rows[1:]
            if fresh:
                yield fresh
                last, seen = fresh[-1].get("id"), seen + len(fresh)
            if seen >= total:
                return
            if not fresh:
                raise Incomplete(f"{path}: {seen} of {total} rows came")

    def batch(self, parts: Sequence[Part]) -> list[Answer]:
        """The answers in order, 25 to a request. Raises TargetDown where core knows us not."""
        answers: list[Answer] = []
        for start in range(0, len(parts), BATCH):
            answers += self._batch(parts[start : start + BATCH])
        return answers

    def upload(
        self, path: str, fields: Mapping[str, str], file: tuple[str, bytes, str]
    ) -> Mapping[str, object]:
        response = self._call("POST", path, {}, data=dict(fields), files={"file": file})
        return _object(self._json(response, path), path)

    def close(self) -> None:
        self._connection.close()

    # ---- inside ----

    def _batch(self, parts: Sequence[Part]) -> list[Answer]:
        path = "/batch/v1"
        body = {"validation": "normal", "requests": [part.as_json() for part in parts]}
        answer = _object(self._json(self._call("POST", path, {}, json=body), path), path)
        rows = answer.get("responses")
        if not isinstance(rows, list) or len(rows) != len(parts):
            raise TryAgain(f"{self._home} answered only part of a batch; it will be repeated")
        answers = [_answer(row, path) for row in rows]
        if any(each.status == 401 for each in answers):
            raise TargetDown(self._refused(401, answers[0].code))
        return answers

    def _page(self, path: str, query: Mapping[str, str]) -> tuple[list[Json], int]:
        asked = {"per_page": str(PAGE), "orderby": "id", "order": "asc", **query}
        response = self._call("GET", path, {**asked, "context": "edit"})
        rows = self._json(response, path)
        total = response.headers.get("x-wp-total", "")
        if not isinstance(rows, list) or not total.isdigit():
            raise TargetDown(f"{self._home}{path} gave no listing; is something before WordPress?")
        return [_object(row, path) for row in rows], int(total)

    def _find_root(self) -> Json:
        failure: TargetDown | None = None
        for root in (f"{self._home}/wp-json", f"{self._home}/?rest_route="):
            try:
                found = self._json(self._connection.send("GET", _address(root, "/", {})), "/")
            except TargetDown as error:
                failure = failure or error
                continue
            if isinstance(found, dict) and "namespaces" in found:
                self._root = root
                return found
        raise failure or TargetDown(
            f"{self._home} has no REST API; a security plugin may have switched it off"
        )

    def _call(
        self, method: str, path: str, query: Mapping[str, str], **body: object
    ) -> requests.Response:
        if not self._root:
            self._find_root()
        return self._connection.send(method, _address(self._root, path, query), **body)

    def _json(self, response: requests.Response, path: str) -> object:
        self._raise_for(response, path)
        try:
            return response.json()
        except ValueError as error:
            raise TargetDown(
                f"{self._home} answers with a page where REST {path} should be; "
                "a cache, a firewall or another server stands before it"
            ) from error

    def _raise_for(self, response: requests.Response, path: str) -> None:
        status = response.status_code
        if status < 300:
            return
        code = _code(response)
        if code.startswith("rest_upload"):
            raise Rejected(f"{self._home} does not take this file ({status} {code})")
        self._connection.raise_for_site(response)
        if status in (401, 403):
            raise TargetDown(self._refused(status, code))
        if status == 404:
            raise TargetDown(
                f"{self._home}: no REST {path} (404 {code}); check the site's url, and the "
                "option post_type"
            )
        raise Rejected(f"{self._home} refused {path} ({status} {code})")

    def _refused(self, status: int, code: str) -> str:
        return (
            f"{self._home} does not know our user ({status} {code}); check the credential "
            "user:application password, that the user is an administrator or editor, that the "
            "site uses https, and that the host passes the Authorization header on"
        )


def _address(root: str, path: str, query: Mapping[str, str]) -> str:
    if not query:
        return root + path
    return f"{root}{path}{'&' if '?' in root else '?'}{urlencode(query)}"


def _object(value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise TargetDown(f"REST {path} gave something else than WordPress's core does")
    return value


def _answer(row: object, path: str) -> Answer:
    each = _object(row, path)
    status, body = each.get("status"), each.get("body")
    return Answer(
        status if isinstance(status, int) else 500, body if isinstance(body, dict) else {}
    )


def _code(response: requests.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return "no code"
    return str(answer.get("code", "no code"))[:80] if isinstance(answer, dict) else "no code"
