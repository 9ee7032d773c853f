"""A Drupal with the module, as the contract says: a site in memory below the module's address.

Serves the module's client within the process. Each answer is held against the contract, and against
what a real module was heard to say (tests/contract/drupal/module-*.json). `instead` puts another
answer in its place, for tests of what goes wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import responses
from starlette.testclient import TestClient

from adapters.drupal.site import API_ROOT, open_site
from connector.model import BackendName, SiteName
from connector.ports import Clock, Site, SiteSettings
from connector.signing import Secret
from connector.testing.site import MemorySite
from connector.testing.site_server import site_app
from tests.contract.drupal_replayed import Reply, recorded
from tests.contract.site_api_contract import Contract

HOME = "https://magazine.example"
ANYWHERE = re.compile(rf"{re.escape(HOME)}/.*")
METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD")
BACKEND = BackendName("shop")
SECRET = Secret(b"s" * 32)
CREDENTIAL = "syncer:pass:word"
HEARD_OF = ("site", "offers", "content", "terms", "retire", "inventory", "documents", "events")

Answering = Callable[[requests.PreparedRequest], Reply]
Instead = Callable[[requests.PreparedRequest], "Reply | None"]


def connect(
    clock: Clock, *, plain: bool = False, secret: Secret = SECRET, credential: str = CREDENTIAL
) -> Site:
    """A client of the site at HOME."""
    secrets = () if plain else (secret,)
    name = SiteName("magazine")
    return open_site(SiteSettings(name, HOME, BACKEND, plain, secrets, credential, {}), clock)


def serve(web: responses.RequestsMock, answer: Answering) -> None:
    """Let one function answer whatever HOME is asked."""
    for method in METHODS:
        web.add_callback(method, ANYWHERE, answer, content_type=None)


def nothing(_request: requests.PreparedRequest) -> Reply | None:
    return None


@dataclass
class StandIn:
    """The site, and what is said in its place."""

    clock: Clock
    memory: MemorySite = field(default_factory=lambda: MemorySite("magazine"))
    instead: Instead = nothing
    contract: Contract = field(default_factory=Contract.read)

    def __post_init__(self) -> None:
        app = site_app(self.memory, [SECRET], self.clock, f"/{API_ROOT}")
        self._server = TestClient(app, base_url=HOME)
        self._heard = _heard()

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """What the site says, or what is said in its place."""
        other = self.instead(request)
        if other is not None:
            return other
        said = self._server.request(
            str(request.method), str(request.url), content=request.body, headers=request.headers
        )
        if said.status_code == 200:
            self._check(request, said.json())
        return said.status_code, {"content-type": "application/json"}, said.text

    def _check(self, request: requests.PreparedRequest, body: dict[str, Any]) -> None:
        target = str(request.url).removeprefix(f"{HOME}/{API_ROOT}")
        method, path = str(request.method), target.split("?", maxsplit=1)[0]
        self.contract.check_answer(method, target, body)
        heard = self._heard.get((method, path))
        assert heard is None or set(heard) <= {*body, "versions"}, path


def changed(name: str, **parts: Any) -> Reply:
    """A recorded answer with parts of its body changed."""
    response = recorded(name)["response"]
    body = response["body"]
    text = json.dumps({**body, **parts}) if isinstance(body, dict) else body
    return response["status"], dict(response["headers"]), text


def _heard() -> dict[tuple[str, str], dict[str, Any]]:
    """What the module answered, by method and path."""
    found = {}
    for name in HEARD_OF:
        one = recorded(f"module-{name}")
        path = one["request"]["path"].split("?", maxsplit=1)[0]
        found[(one["request"]["method"], path)] = one["response"]["body"]
    return found
