"""Categories in plain mode: terms whose UUIDs are made of the backend's ids.

They are few, so all of them are read before each batch; a term whose answer was lost is found so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.drupal.plain_decide import aliases
from adapters.drupal.plain_page import ROOT_TERM, Places, term_from, term_text, uuid_of
from adapters.drupal.plain_rest import Answer, JsonApi
from adapters.plain import terms
from adapters.plain.page import Term, TermMarker
from adapters.plain.terms import failed
from connector.model import BackendName, CategoryId
from connector.ports import Receipt, TermWrite

KEY = "drupal_internal__tid"


class Terms(terms.Terms):
    """Written one by one, under UUIDs that are the same each time."""

    def __init__(self, api: JsonApi, home: str, backend: BackendName, places: Places) -> None:
        super().__init__(backend)
        self._api = api
        self._home = home
        self._places = places

    def write(self, batch: Sequence[TermWrite]) -> list[Receipt]:
        """One after the other, so that a parent may stand earlier in the batch."""
        self.read()
        return [self._write(each) for each in batch]

    def _listed(self) -> Iterator[Term]:
        for page in self._api.listing(self._places.terms, KEY):
            for each in page:
                yield term_from(each, self._home)

    def _delete(self, term: Term) -> Answer:
        return self._api.delete(f"{self._places.terms}/{term.key}")

    def _write(self, write: TermWrite) -> Receipt:
        if write.parent is not None and write.parent not in self._known:
            return self._waits(write)
        known = self._known.get(CategoryId(write.subject.id))
        if known and self._is_equal(write, known):
            return self._note(write, known)
        answer = self._send(write, known)
        if not answer.ok:
            return failed(write.subject, answer)
        return self._note(write, term_from(answer.resource, self._home))

    def _send(self, write: TermWrite, known: Term | None) -> Answer:
        """Make or change the term. Where it is there without our knowing, change it."""
        path, uuid = self._places.terms, uuid_of(self._backend, write.subject)
        if known is None:
            wanted, spare = aliases("/categories", write.slug, uuid)
            alias = wanted if self._api.is_free(wanted) else spare
            answer = self._api.write("POST", path, self._resource(write, uuid, alias))
            if answer.status not in (409, 500) or self._api.find(path, uuid) is None:
                return answer
        return self._api.write("PATCH", f"{path}/{uuid}", self._resource(write, uuid, None))

    def _resource(self, write: TermWrite, uuid: str, alias: str | None) -> dict[str, object]:
        marker = TermMarker(self._backend, CategoryId(write.subject.id), write.write_id)
        parent = self._known[write.parent].key if write.parent else ROOT_TERM
        kind = f"taxonomy_term--{self._places.vocabulary}"
        attributes: dict[str, object] = {
            "name": write.name,
            "weight": write.rank,
            "description": {
                "value": term_text(write.description, marker),
                "format": self._places.description_format,
            },
        }
        if alias is not None:
            attributes["path"] = {"alias": alias}
        related = {"parent": {"data": [{"type": kind, "id": parent}]}}
        return {"type": kind, "id": uuid, "attributes": attributes, "relationships": related}

    def _is_equal(self, write: TermWrite, term: Term) -> bool:
        parent = self._known[write.parent].key if write.parent else ""
        now = (term.name, term.text, term.parent, term.rank)
        return now == (write.name, write.description, parent, write.rank)
