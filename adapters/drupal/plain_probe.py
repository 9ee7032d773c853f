"""Whether core would take our pages: a page that it must refuse, and what else it says against it.

Core tells of rights, read-only mode, text formats and required fields only when something is
written. The probe's title is longer than core takes, so no page comes of it; whatever is refused
beside the title would be refused of every product. Pure.
"""

from __future__ import annotations

from adapters.drupal.plain_page import TITLE_LENGTH, Places, uuid_of
from adapters.drupal.plain_rest import Json, mapping, rows
from connector.model import BackendName, Subject, SubjectKind

TITLE_POINTER = "/data/attributes/title"
TEXT = "-"
"""Of an empty text core does not look at the format."""


def probe_uuid(backend: BackendName) -> str:
    """An id that no product has."""
    return uuid_of(backend, Subject(SubjectKind.PRODUCT, ""))


def probe(backend: BackendName, places: Places) -> Json:
    """A page of all that ours have, but for its title."""
    related: Json = {places.categories_field: {"data": []}} if places.categories_field else {}
    return {
        "type": f"node--{places.bundle}",
        "id": probe_uuid(backend),
        "attributes": {
            "title": "x" * (TITLE_LENGTH + 1),
            "status": True,
            "path": {"alias": f"{places.path_prefix}/-"},
            places.description_field: {
                "value": TEXT,
                "summary": "",
                "format": places.description_format,
            },
            places.section_field: {"value": TEXT, "format": places.section_format},
        },
        "relationships": related,
    }


def against(body: Json) -> list[str]:
    """What core has against the probe beside its title."""
    errors = [mapping(each) for each in rows(body.get("errors"))]
    return [
        str(error.get("detail", ""))[:200]
        for error in errors
        if not _pointer(error).startswith(TITLE_POINTER)
    ]


def _pointer(error: Json) -> str:
    return str(mapping(error.get("source")).get("pointer", ""))
