"""Holds what the relay answers to what its OpenAPI document says it answers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.conftest import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "relay-openapi.yaml").read_text())
METHODS = ("get", "put", "post", "delete", "patch")


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to."""
    while "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The most literal path first, as a router takes them."""
    paths = sorted(DOCUMENT["paths"], key=lambda path: (path.count("{"), -len(path)))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a request; None: nothing."""
    for pattern, name in _patterns():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = DOCUMENT["paths"][name].get(method.lower())
            return found
    return None


@cache
def _validator(schema: str) -> Draft202012Validator:
    ref = f"#/components/schemas/{schema}"
    return Draft202012Validator({"$ref": ref, "components": DOCUMENT["components"]})


def check(method: str, path: str, status: int, body: Any) -> None:
    """Assert that an answer is one that the document names, and shaped as it says."""
    operation = operation_of(method, path)
    if operation is None:
        assert status in (401, 404, 405), (method, path, status)
        return
    known = operation["responses"].get(str(status)) or operation["responses"].get("default")
    assert known is not None, (method, path, status)
    content = resolved(known).get("content", {})
    for media in content.values():
        schema = media["schema"].get("$ref", "").rpartition("/")[2]
        if schema:
            problems = [error.message for error in _validator(schema).iter_errors(body)]
            assert not problems, (method, path, status, problems)
