"""Whether a site's extension and this connector speak a version of the site API in common. Pure.

Each side tells the other: the site lists its versions in GET /site, the connector sends its own
with every request. So a site that is updated under a running daemon refuses it by name, and an
older daemon never writes to what it does not understand.
"""

from __future__ import annotations

from collections.abc import Collection

HEADER = "commerce-connector-api"
SPOKEN = frozenset({1})
"""The versions of the site API that this connector speaks. Extensions that list none speak 1."""


def header_value() -> str:
    return ",".join(str(each) for each in sorted(SPOKEN))


def misfit(theirs: Collection[int], version: str, extension: str) -> str:
    """Why an extension cannot be worked with, and the fix; "" where it can."""
    if SPOKEN & set(theirs):
        return ""
    said = f"the {extension} {version} speaks {_listed(theirs)} of the site API"
    if max(theirs, default=0) < min(SPOKEN):
        return (
            f"{said}, which is too old for this connector ({_listed(SPOKEN)}): install the"
            f" {extension} that `connector plugin build` makes"
        )
    return (
        f"{said}, which is too new for this connector ({_listed(SPOKEN)}): update the connector,"
        f" or install the {extension} that `connector plugin build` makes"
    )


def _listed(versions: Collection[int]) -> str:
    return f"version {', '.join(str(each) for each in sorted(versions)) or '?'}"
