"""The one place of plain mode that knows HTTP: core's JSON:API with a user's password.

Turns transport failures and statuses into errors.py and reads listings by id, never by the
absolute links in answers. A wrong password is no error to JSON:API: reads are answered as to a
visitor, five wrong tries lock the user out for hours. So who we are is proved before anything is
read for its absence, and nothing that was refused is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

import requests

from adapters.plain.http import Connection
from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.ports import Clock, Outcome, SiteSettings

Json = Mapping[str, object]
MEDIA_TYPE = "application/vnd.api+json"
PAGE = 50
"""The most rows that core gives at once; it caps higher numbers silently."""
WEDGED = "working copy"
"""What core says of a node whose newest revision is not the one that it shows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What core said to one write."""

    status: int
    body: Json

    @property
    def ok(self) -> bool:
        return self.status in (200, 201, 204)

    @property
    def resource(self) -> Json:
        """The resource written. Raises TargetDown where there is none."""
        return mapping(self.body.get("data"))

    @property
    def message(self) -> str:
        """What core says; of its own failures nothing, as it tells SQL then."""
        if self.status >= 500:
            return f"Drupal failed ({self.status}); its own log says why"
        if self.is_wedged:
            return (
                "the node has a draft, or two saves at once left it so that JSON:API refuses it: "
                "publish or delete the draft, or install the module, which mends it"
            )
        return f"{self._details()[:300]} ({self.status})"

    def outcome(self) -> Outcome:
        """What a refusal means for its item."""
        return Outcome.RETRY if self.status >= 500 or self.is_wedged else Outcome.REJECTED

    @property
    def is_wedged(self) -> bool:
        return self.status == 400 and WEDGED in self._details()

    def _details(self) -> str:
        return "; ".join(
            str(mapping(each).get("detail", "")) for each in rows(self.body.get("errors"))
        )


class JsonApi:
    """JSON:API of one site, with one user's password."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._connection = Connection(settings, clock)
        self._home = self._connection.home
        self.version = "unknown"

    @property
    def skew_seconds(self) -> float:
        return self._connection.skew_seconds

    # ---- what plain mode asks ----

    def prove(self) -> None:
        """Prove who we are: core names us at its root, or takes us for a visitor."""
        root = self._json(self._send("GET", "/jsonapi"))
        me = mapping(mapping(root.get("meta")).get("links")).get("me")
        if not mapping(mapping(me).get("meta")).get("id"):
            raise TargetDown(
                f"{self._home} takes us for a visitor; check the credential user:password, that "
                "core's module HTTP Basic Authentication is on, and that the host passes the "
                "Authorization header on. After five wrong passwords Drupal refuses the right one, "
                "too, for six hours: clear that on Reports > flood, or wait"
            )

    def get(self, path: str, **query: str) -> Json:
        return self._json(self._send("GET", path, query))

    def find(self, path: str, uuid: str) -> Json | None:
        """One resource, or None where there is none."""
        response = self._send("GET", f"{path}/{uuid}")
        if response.status_code == 404 and _is_json_api(response):
            return None
        return mapping(self._json(response).get("data"))

    def listing(self, path: str, key: str, **query: str) -> Iterator[list[Json]]:
        """All resources by ascending internal id (`key`). Raises Incomplete where it breaks off."""
        after, begun = "0", False
        while True:
            asked = {**query, **condition("after", key, ">", after), "sort": key}
            try:
                answer = self.get(path, **asked)
            except TryAgain as error:
                raise Incomplete(f"{path}: the listing broke off after {after}") from error
            except TargetDown as error:
                if not begun:
                    raise
                raise Incomplete(f"{path}: the listing broke off after {after}") from error
            begun = True
            found = [mapping(each) for each in rows(answer.get("data"))]
            yield found
            if "next" not in mapping(answer.get("links")):
                return
            last = mapping(found[-1].get("attributes")).get(key) if found else None
            if not isinstance(last, int) or last <= int(after):
                raise Incomplete(f"{path}: the listing does not go on after {after}")
            after = str(last)

    def write(self, method: str, path: str, resource: Json) -> Answer:
        """A write, and what core said to it. Raises what concerns the whole site."""
        return self._answer(self._send(method, path, body={"data": resource}))

    def delete(self, path: str) -> Answer:
        return self._answer(self._send("DELETE", path))

    def is_free(self, address: str) -> bool:
        """Whether nothing answers at a path: core itself does not keep aliases unique."""
        return self._send("HEAD", address).status_code == 404

    def upload(self, path: str, filename: str, body: bytes) -> Answer:
        headers = {
            "content-type": "application/octet-stream",
            "content-disposition": f'file; filename="{quote(filename)}"',
        }
        return self._answer(self._send("POST", path, raw=body, headers=headers))

    def close(self) -> None:
        self._connection.close()

    # ---- inside ----

    def _answer(self, response: requests.Response) -> Answer:
        status = response.status_code
        answer = Answer(status, _body(response))
        of_item = status == 405 and "translation" in answer.message
        if of_item or status in (400, 404, 409, 410, 413, 415, 422, 500):
            return answer
        self._raise_for(response)
        return Answer(status, {} if status == 204 else self._json(response))

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        sent = {"accept": MEDIA_TYPE, **({"content-type": MEDIA_TYPE} if body else {})}
        response = self._connection.send(
            method,
            f"{self._home}{path}{f'?{urlencode(query)}' if query else ''}",
            json=body,
            data=raw,
            headers={**sent, **(headers or {})},
        )
        generator = response.headers.get("x-generator", "")
        if generator.startswith("Drupal "):
            self.version = generator.split()[1][:20]
        return response

    def _json(self, response: requests.Response) -> Json:
        self._raise_for(response)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TargetDown(
                f"{self._home} answers with something else than JSON:API; the module JSON:API may "
                "be off, or a cache, a firewall or a maintenance page stands before it"
            )
        return answer

    def _raise_for(self, response: requests.Response) -> None:
        status = response.status_code
        if status < 300:
            return
        self._connection.raise_for_site(response)
        detail = Answer(status, _body(response)).message
        if status in (401, 403):
            raise TargetDown(
                f"{self._home} does not let us: {detail}. Check the credential, and that the "
                "user's role may administer content, use the text formats and create URL aliases"
            )
        if status == 405:
            raise TargetDown(
                f"{self._home}: JSON:API is read-only ({status}); allow all operations on "
                "Configuration > Web services > JSON:API"
            )
        if status == 404:
            raise TargetDown(
                f"{self._home} has no such JSON:API resource (404); the module JSON:API is off, or "
                "the site's option bundle or vocabulary names none that is there"
            )
        raise Rejected(f"{self._home} refused the request: {detail}")


def condition(name: str, path: str, operator: str, *values: str) -> dict[str, str]:
    """One filter of a listing. Several values are told apart by their place."""
    base = f"filter[{name}][condition]"
    asked = {f"{base}[path]": path, f"{base}[operator]": operator}
    if operator == "IN":
        return asked | {f"{base}[value][{place}]": each for place, each in enumerate(values)}
    return asked | {f"{base}[value]": each for each in values}


def mapping(value: object) -> Json:
    return cast(Json, value) if isinstance(value, dict) else {}


def rows(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _body(response: requests.Response) -> Json:
    try:
        return mapping(response.json())
    except ValueError:
        return {}


def _is_json_api(response: requests.Response) -> bool:
    return response.headers.get("content-type", "").startswith(MEDIA_TYPE)
