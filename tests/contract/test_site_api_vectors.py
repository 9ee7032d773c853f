"""The signature vectors hold for connector.signing. PHP runs the same ones (tests/live)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connector import signing
from connector.errors import BadSignature
from tests.contract.site_api_contract import FOLDER

VECTORS = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_holds(vector: dict[str, Any]) -> None:
    secrets = [signing.Secret.parse(secret) for secret in vector["secrets"]]
    content = base64.b64decode(vector["content_base64"])
    now = datetime.fromtimestamp(vector["now_unix"], UTC)
    if vector["fits"]:
        assert signing.verify(secrets, vector["headers"], content, now).body == content
        return
    with pytest.raises(BadSignature):
        signing.verify(secrets, vector["headers"], content, now)


def test_there_are_vectors_of_both_kinds() -> None:
    assert {vector["fits"] for vector in VECTORS} == {True, False}
