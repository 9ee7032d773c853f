"""schemathesis over every route that the daemon serves: 2,000 requests, none of them answered 500.

REQUESTS=20000 makes the long version, with other dice each time. What the relay answers is held to
its OpenAPI document; the daemon's other addresses are in the small document here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from connector.clock import SystemClock
from connector.ops.metrics import Metrics
from connector.serve import HttpServer, build_app
from connector.signing import Secret
from connector.testing import generate
from connector.testing.catalogue import MemoryCatalogue
from tests.house import BACKEND, House
from tests.openapi import DOCUMENT, METHODS
from tests.relay_house import MUG, RelayHouse, build_service

REQUESTS = int(os.environ.get("REQUESTS", "2000"))
SITE = re.compile(DOCUMENT["components"]["parameters"]["Site"]["schema"]["pattern"])


def named(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}


PROOF = ("id", "timestamp", "signature")
PLAIN: dict[str, Any] = {"200": {"description": "Read."}}
OTHERS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "The daemon's other addresses", "version": "1"},
    "paths": {
        "/hooks/{backend}": {
            "post": {
                "parameters": [
                    named("backend", "path"),
                    *(
                        named(f"webhook-{part}", "header")
                        for part in ("id", "timestamp", "signature")
                    ),
                ],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"default": {"description": "A status, and nothing said."}},
            }
        },
        "/storefront/{file}": {
            "get": {
                "parameters": [named("file", "path")],
                "responses": {**PLAIN, "404": {"description": "No such file."}},
            }
        },
        "/healthz": {"get": {"responses": PLAIN}},
        "/readyz": {"get": {"responses": PLAIN}},
        "/metrics": {"get": {"responses": PLAIN}},
    },
}
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
    ]
)


def operations(document: dict[str, Any]) -> int:
    return sum(method in item for item in document["paths"].values() for method in METHODS)


def schema_of(document: dict[str, Any]) -> Any:
    """What is asked; a stream does not end by itself, and is left out."""
    loaded = schemathesis.openapi.from_dict(document)
    return loaded.exclude(path_regex="/stream$")


EXAMPLES = -(-REQUESTS // (operations(DOCUMENT) - 1 + operations(OTHERS)))
Decorator = Callable[[Callable[..., None]], Callable[..., None]]
every_route_of_the_relay: Decorator = schema_of(DOCUMENT).parametrize()
every_other_route: Decorator = schema_of(OTHERS).parametrize()
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="REQUESTS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


@dataclass(slots=True)
class Daemon:
    """A daemon's HTTP side; each request carries one of a few carts."""

    url: str
    tokens: Iterator[str]
    asked: int = 0
    done: int = 0

    def ask(self, case: Any) -> None:
        with requests.Session() as session:
            session.trust_env = False
            case.headers = {**(case.headers or {}), "authorization": f"Bearer {next(self.tokens)}"}
            if SITE.fullmatch(str((case.path_parameters or {}).get("site", ""))):
                case.path_parameters["site"] = "blog"
            answer = case.call(base_url=self.url, session=session, timeout=30)
        self.asked += 1
        self.done += answer.status_code < 300
        (policy,) = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == ["nosniff"]
        case.validate_response(answer, checks=CHECKED)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("daemon")
    (folder / "house").mkdir()
    shop = RelayHouse.build(folder)
    shop.confirm(MUG, "MUG-1", 1990)
    house = House(
        folder / "house", MemoryCatalogue(generate.products(3), secrets=[Secret(b"k" * 32)])
    )
    service = build_service(shop)
    metrics = Metrics(shop.database, [], [BACKEND], SystemClock())
    app = build_app({BACKEND: house.detector}, metrics, dict, service)
    server = HttpServer(app, "127.0.0.1", 0, service.stopping)
    server.start()
    url = f"http://127.0.0.1:{server.port}"
    yield Daemon(url, cycle([begin(url) for _ in range(3)]))
    server.stop()
    house.database.close()
    shop.database.close()


def begin(url: str) -> str:
    made = httpx.post(
        f"{url}/v1/blog/carts",
        json={"lines": [{"sku": "MUG-1"}]},
        headers={"idempotency-key": os.urandom(16).hex()},
        trust_env=False,
    )
    return str(made.raise_for_status().json()["token"])


@every_route_of_the_relay
@thorough
def test_the_relay_answers_as_its_document_says(case: Any, daemon: Daemon) -> None:
    daemon.ask(case)


@every_other_route
@thorough
def test_no_other_address_fails(case: Any, daemon: Daemon) -> None:
    daemon.ask(case)


def test_so_many_were_asked(daemon: Daemon) -> None:
    assert daemon.asked >= REQUESTS * 0.8
    assert daemon.done > 100
