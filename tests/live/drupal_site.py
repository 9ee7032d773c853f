"""A real Drupal that somebody runs, and its editors: what the live tests of Drupal share.

Its address and credentials come from the environment (docs/drupal.md says how to make one):
DRUPAL_URL, DRUPAL_SECRET (what pairing showed) and DRUPAL_ADMIN (user:password). Editors work
through core's JSON:API, so that nothing of the tests has to be installed there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pytest
import requests

NAMES = ("DRUPAL_URL", "DRUPAL_SECRET", "DRUPAL_ADMIN")
ACCEPT = "application/vnd.api+json"


@dataclass(frozen=True)
class Where:
    """Where the site is and how to get in."""

    url: str
    secret: str
    admin: str

    @classmethod
    def from_environment(cls) -> Where:
        """Skips, loudly, where no Drupal was named."""
        missing = [name for name in NAMES if not os.environ.get(name)]
        if missing:
            pytest.skip(f"NO DRUPAL WAS TESTED: set {', '.join(missing)} (docs/drupal.md says how)")
        url, secret, admin = (os.environ[name] for name in NAMES)
        return cls(url.rstrip("/"), secret, admin)


class Editor:
    """An administrator, logged in with a cookie, who works through JSON:API."""

    def __init__(self, where: Where, bundle: str = "commerce_product") -> None:
        self.url = where.url
        self.resource = f"{where.url}/jsonapi/node/{bundle}"
        self.bundle = bundle
        self.session = requests.Session()
        name, _, password = where.admin.partition(":")
        answer = self.session.post(
            f"{where.url}/user/login?_format=json",
            json={"name": name, "pass": password},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text[:300]
        self.token = str(answer.json()["csrf_token"])

    def call(self, method: str, url: str, body: Any = None) -> requests.Response:
        return self.session.request(
            method,
            url,
            json=body,
            headers={"accept": ACCEPT, "content-type": ACCEPT, "x-csrf-token": self.token},
            timeout=60,
        )

    def find(self, nid: str) -> dict[str, Any]:
        answer = self.call("GET", f"{self.resource}?filter[drupal_internal__nid]={nid}")
        assert answer.status_code == 200, answer.text[:300]
        (found,) = answer.json()["data"]
        return dict(found)

    def change(self, nid: str, attributes: dict[str, Any]) -> requests.Response:
        uuid = self.find(nid)["id"]
        resource = {"type": f"node--{self.bundle}", "id": uuid, "attributes": attributes}
        return self.call("PATCH", f"{self.resource}/{uuid}", {"data": resource})

    def delete(self, nid: str) -> None:
        answer = self.call("DELETE", f"{self.resource}/{self.find(nid)['id']}")
        assert answer.status_code == 204, answer.text[:300]

    def count(self) -> int:
        """All nodes of the bundle, unpublished ones too."""
        query = f"?fields[node--{self.bundle}]=drupal_internal__nid&sort=-drupal_internal__nid"
        total, offset = 0, 0
        while True:
            answer = self.call(
                "GET", f"{self.resource}{query}&page[limit]=50&page[offset]={offset}"
            )
            assert answer.status_code == 200, answer.text[:300]
            rows = answer.json()["data"]
            total, offset = total + len(rows), offset + 50
            if len(rows) < 50:
                return total
