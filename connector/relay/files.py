"""The storefront's elements as the relay serves them: `/storefront/commerce.js` and its parts.

Public files, the same for everybody; any page may load them. Browsers ask for news after a while,
by ETag.
"""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STOREFRONT = Path(__file__).parent / "storefront"
HEADERS = {
    "access-control-allow-origin": "*",
    "cache-control": "public, max-age=300",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


class _Elements(StaticFiles):
    """Scripts only, with headers that let other origins load them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


def storefront_mount() -> Mount:
    """Where pages load the elements from."""
    return Mount("/storefront", app=_Elements(directory=STOREFRONT))
