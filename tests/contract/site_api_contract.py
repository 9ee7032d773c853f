"""openapi.yaml as something that requests and answers can be held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2] / "adapters" / "site_api"


@dataclass(frozen=True, slots=True)
class Contract:
    """The document. Its own references are resolved within it."""

    document: Mapping[str, Any]

    @classmethod
    def read(cls) -> Contract:
        return cls(yaml.safe_load((FOLDER / "openapi.yaml").read_text(encoding="utf-8")))

    def check_request(self, path: str, body: object) -> None:
        """Raises ValidationError for a body that POST `path` does not take."""
        operation = self.document["paths"][path]["post"]
        self._check(operation["requestBody"]["content"]["application/json"]["schema"], body)

    def check_answer(self, method: str, target: str, answer: object) -> None:
        """Raises ValidationError for what is no answer of the route."""
        path = target.split("?", maxsplit=1)[0]
        found = self.document["paths"][path][method.lower()]["responses"]["200"]
        if "$ref" in found:
            found = self.document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        self._check(found["content"]["application/json"]["schema"], answer)

    def _check(self, schema: Mapping[str, Any], value: object) -> None:
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole).validate(value)
