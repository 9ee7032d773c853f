"""The one place of plain mode that knows HTTP: core's JSON:API with a user's password.

Turns transport failures and statuses into errors.py and reads listings by id, never by the
absolute links in answers. A wrong password is no error to JSON:API: reads are answered as to a
visitor, five wrong tries lock the user out for hours. So who we are is proved before anything is
read for its absence, and nothing that was refused is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import cast
from urllib.parse import quote, urlencode

import requests

from connector.errors import Incomplete, Rejected, TargetDown, TryAgain
from connector.ports import Clock, Outcome, SiteSettings
from connector.timely import TimelyAdapter, retry_after_seconds

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
        details = [str(mapping(each).get("detail", "")) for each in rows(self.body.get("errors"))]
        return f"{'; '.join(details)[:300]} ({self.status})"

    def outcome(self) -> Outcome:
        """What a refusal means for its item."""
        return Outcome.RETRY if self.status >= 500 or self.is_wedged else Outcome.REJECTED

    @property
    def is_wedged(self) -> bool:
        return self.status == 400 and WEDGED in self.message


class JsonApi:
    """JSON:API of one site, with one user's password."""

    def __init__(self, settings: SiteSettings, clock: Clock) -> None:
        self._home = settings.url.rstrip("/")
        self._timeout = (10.0, settings.timeout_seconds)
        self._clock = clock
        self._session = requests.Session()
        self._session.mount("http://", TimelyAdapter())
        self._session.mount("https://", TimelyAdapter())
        user, _, password = (settings.credential or "").partition(":")
        self._session.auth = requests.auth.HTTPBasicAuth(user.encode(), password.encode())
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = False
        self.skew_seconds = 0.0
        self.version = "unknown"

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
        self._session.close()

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
        try:
            response = self._session.request(
                method,
                f"{self._home}{path}{f'?{urlencode(query)}' if query else ''}",
                json=body,
                data=raw,
                headers={**sent, **(headers or {})},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise TargetDown(f"{self._home}: the certificate is not trusted; renew it") from error
        except requests.exceptions.ConnectTimeout as error:
            raise TryAgain(f"{self._home} takes no connections in time") from error
        except requests.exceptions.Timeout as error:
            raise TryAgain(f"{self._home} did not answer in time; it may have done it") from error
        except requests.exceptions.ConnectionError as error:
            raise TargetDown(f"{self._home} cannot be reached; check that it runs") from error
        except requests.exceptions.RequestException as error:
            raise TryAgain(f"{self._home} broke off ({type(error).__name__})") from error
        self._note(response)
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
        wait = retry_after_seconds(response.headers, self._clock.now())
        detail = Answer(status, _body(response)).message
        if status < 400:
            where = response.headers.get("location", "another address")
            raise TargetDown(f"{self._home} redirects to {where}; set the site's url to that")
        if status == 429:
            raise TryAgain(f"{self._home} asks us to slow down (429)", retry_after_seconds=wait)
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
        if status == 503:
            raise TargetDown(f"{self._home} is in maintenance (503)", retry_after_seconds=wait)
        if status >= 500:
            raise TryAgain(f"{self._home} failed ({status})", retry_after_seconds=wait)
        if status == 404:
            raise TargetDown(
                f"{self._home} has no such JSON:API resource (404); the module JSON:API is off, or "
                "the site's option bundle or vocabulary names none that is there"
            )
        raise Rejected(f"{self._home} refused the request: {detail}")

    def _note(self, response: requests.Response) -> None:
        generator = response.headers.get("x-generator", "")
        if generator.startswith("Drupal "):
            self.version = generator.split()[1][:20]
        try:
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
        self.skew_seconds = (theirs - self._clock.now()).total_seconds()


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
