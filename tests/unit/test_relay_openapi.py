"""The relay's routes are those of its OpenAPI document, which is what it serves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from starlette.routing import Route

from connector.relay import api, shapes
from connector.relay.operations import OPERATIONS
from connector.relay.problems import PREFIX
from connector.relay.sentences import KINDS
from tests.openapi import DOCUMENT, METHODS, resolved
from tests.relay_house import RelayHouse


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def documented() -> Iterator[tuple[str, str, str]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path.removeprefix("/v1"), item[method]["operationId"]


@pytest.mark.anyio
async def test_every_route_is_documented_and_every_documented_one_is_there(
    tmp_path: Path,
) -> None:
    house = RelayHouse.build(tmp_path)
    async with house.process() as process:
        routes = process.service.mount().routes
    house.database.close()
    served = {
        (method, route.path)
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or ())
        if method not in ("HEAD", "OPTIONS")
    }
    assert served == {(method, path) for method, path, _ in documented()}


def test_each_operation_has_its_routes_name() -> None:
    named = {(method, path): name for method, path, name in documented()}
    assert {(method, path): name for method, path, name in api.ROUTES}.items() <= named.items()
    assert {name for _, _, name in api.ROUTES} == set(OPERATIONS)
    actions = DOCUMENT["components"]["schemas"]["Action"]["properties"]["action"]["enum"]
    assert set(actions) == set(OPERATIONS)


def test_each_body_that_is_taken_is_the_one_documented() -> None:
    for method, path, name in api.ROUTES:
        operation = DOCUMENT["paths"]["/v1" + path][method.lower()]
        body = operation.get("requestBody")
        shape = OPERATIONS[name].shape
        if body is None:
            assert shape is shapes.Nothing, name
            continue
        schema = resolved(body["content"]["application/json"]["schema"])
        fields = {field.alias or key: field for key, field in shape.model_fields.items()}
        assert set(schema["properties"]) == set(fields), name
        required = {key for key, field in fields.items() if field.is_required()}
        assert set(schema.get("required", ())) == required, name


def test_each_problem_that_is_answered_is_documented() -> None:
    types = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert set(types) == {PREFIX + word for word in KINDS}


def test_every_post_needs_a_key_and_says_so() -> None:
    for method, path, name in api.ROUTES:
        parameters = DOCUMENT["paths"]["/v1" + path][method.lower()].get("parameters", [])
        names = [each["$ref"].rpartition("/")[2] for each in parameters]
        wanted = {"POST": ["Key"], "GET": []}.get(method, ["OptionalKey"])
        assert names == wanted, name


def test_what_is_served_is_the_document() -> None:
    served = json.loads(api.openapi_json())
    assert served == DOCUMENT
    assert re.match(r"3\.1\.", served["openapi"])
    assert yaml.safe_dump(served)
