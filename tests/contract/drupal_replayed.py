"""A Drupal in plain mode that answers with what a real one answered (tests/contract/drupal).

Status, headers and body of each answer are a recording of core's JSON:API, with the resource that
was written put into it; here is kept only which resources there are. So the site suite runs on
what a real Drupal says without one. Knows nothing of our adapter.
"""

from __future__ import annotations

import copy
import itertools
import json
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

HERE = Path(__file__).parent / "drupal"
LONGEST_TITLE = 255
MOST = 50
"""The rows that core gives at once."""
FIRST = {
    "POST node": "create",
    "POST taxonomy_term": "term",
    "POST file": "upload",
}
NUMBERS = {
    "node": "drupal_internal__nid",
    "taxonomy_term": "drupal_internal__tid",
    "file": "drupal_internal__fid",
}

Json = dict[str, Any]
Reply = tuple[int, dict[str, str], str]


def recorded(name: str) -> Json:
    found: Json = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found


def reply(name: str, **changed: Any) -> Reply:
    """A recorded answer with parts of its body changed."""
    response = recorded(name)["response"]
    body = response["body"]
    text = "" if body is None else json.dumps({**body, **changed})
    return response["status"], dict(response["headers"]), text


@dataclass
class Replayed:
    """The resources of one site, by type and UUID, and who may write them."""

    credential: str
    resources: dict[str, dict[str, Json]] = field(default_factory=dict)
    longest_title: int = LONGEST_TITLE
    refuses_with: str | None = None
    """The recording of what is said to all that would be written, where the site takes nothing."""
    breaks_off: bool = False
    """Whether a listing is answered 500 after its first page."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _lock: Any = field(default_factory=threading.RLock)

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """What the site says to a request."""
        address = urlsplit(str(request.url))
        path = address.path
        with self._lock:
            if not path.startswith("/jsonapi"):
                return (200 if self._has_alias(path) else 404), {}, ""
            is_us = request.headers.get("authorization") == self._authorization()
            if path == "/jsonapi":
                return reply("root-as-user" if is_us else "root-as-visitor")
            if not is_us and request.method != "GET":
                return reply("wrong-password-write")
            if self.refuses_with and request.method != "GET":
                return reply(self.refuses_with)
            kind, _, rest = path.removeprefix("/jsonapi/").partition("/")
            bundle, _, name = rest.partition("/")
            held = self.resources.setdefault(f"{kind}--{bundle}", {})
            match request.method, name:
                case "GET", "":
                    asked = parse_qs(address.query)
                    return self._list(list(held.values()), asked, is_us=is_us)
                case "POST", "":
                    return self._make(held, kind, bundle, _sent(request))
                case "POST", _:
                    return self._upload(request)
                case _ if name not in held:
                    return reply("unknown-uuid")
                case "PATCH", _:
                    _put(held[name], _sent(request))
                    return reply("node", data=held[name])
                case "DELETE", _:
                    del held[name]
                    return reply("deleted")
                case _:
                    return reply("node", data=held[name])

    def of(self, kind: str) -> dict[str, Json]:
        """All resources of a type like node--article, by UUID."""
        return self.resources.setdefault(kind, {})

    def _authorization(self) -> str:
        return str(requests.auth._basic_auth_str(*self.credential.split(":", 1)))

    def _has_alias(self, path: str) -> bool:
        held = [each for kind in self.resources.values() for each in kind.values()]
        return any((each["attributes"].get("path") or {}).get("alias") == path for each in held)

    def _make(self, held: dict[str, Json], kind: str, bundle: str, sent: Json) -> Reply:
        if sent["id"] in held:
            return reply("create-again")
        title = sent["attributes"].get("title", "")
        if not isinstance(title, str):
            return reply("two-violations")
        if len(title) > self.longest_title:
            return reply("probe")
        made = _blank(recorded(FIRST[f"POST {kind}"])["response"]["body"]["data"])
        made |= {"id": sent["id"], "type": f"{kind}--{bundle}"}
        made["attributes"][NUMBERS[kind]] = next(self._numbers)
        _put(made, sent)
        held[sent["id"]] = made
        return reply(FIRST[f"POST {kind}"], data=made)

    def _upload(self, request: requests.PreparedRequest) -> Reply:
        made = _blank(recorded("upload")["response"]["body"]["data"])
        name = request.headers["content-disposition"].partition('"')[2].rstrip('"')
        made["id"] = str(uuid.uuid4())
        made["attributes"] |= {"filename": name, "uri": {"url": f"/sites/default/files/{name}"}}
        self.of("file--file")[made["id"]] = made
        return reply("upload", data=made)

    def _list(self, found: list[Json], asked: dict[str, list[str]], *, is_us: bool) -> Reply:
        """One page by ascending internal number, and a next link where there is more."""
        if not is_us:
            found = [each for each in found if each["attributes"].get("status")]
        after = int(asked.get("filter[after][condition][value]", ["0"])[0])
        if self.breaks_off and after:
            return reply("race")
        found = sorted((each for each in found if _fits(each, asked)), key=_number)
        beyond = [each for each in found if _number(each) > after]
        page = copy.deepcopy(beyond[:MOST])
        links = recorded("page-of-50")["response"]["body"]["links"]
        more = links if len(beyond) > MOST else {}
        return reply("page-of-50", data=page, links=more)


def _sent(request: requests.PreparedRequest) -> Json:
    found: Json = json.loads(request.body or b"{}")["data"]
    return found


def _blank(resource: Json) -> Json:
    """A recorded resource without its values: what a resource has before anything is written."""
    made = copy.deepcopy(resource)
    made["attributes"] |= {"status": True}
    made["relationships"] = {}
    return made


def _put(resource: Json, sent: Json) -> None:
    resource["attributes"] |= sent.get("attributes", {})
    resource["relationships"] |= copy.deepcopy(sent.get("relationships", {}))


def _number(resource: Json) -> int:
    kind = str(resource["type"]).partition("--")[0]
    return int(resource["attributes"][NUMBERS[kind]])


def _fits(resource: Json, asked: dict[str, list[str]]) -> bool:
    """The filters that plain mode uses: ids, the section that is not empty, begins of names."""
    attributes = resource["attributes"]
    ids = [
        value for name, (value,) in asked.items() if name.startswith("filter[ids][condition][va")
    ]
    begin = asked.get("filter[name][condition][value]", [""])[0]
    of_ours = "filter[section][condition][path]" not in asked or bool(
        (attributes.get("field_commerce") or {}).get("value")
    )
    return (
        (not ids or resource["id"] in ids)
        and str(attributes.get("filename", "")).startswith(begin)
        and of_ours
    )
