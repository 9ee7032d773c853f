"""Categories in plain mode: terms whose UUIDs are made of the backend's ids.

They are few, so all of them are read before each batch; a term whose answer was lost is found so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.drupal.plain_decide import aliases
from adapters.drupal.plain_page import (
    ROOT_TERM,
    Places,
    Term,
    TermMarker,
    term_from,
    term_hashes,
    term_text,
    uuid_of,
)
from adapters.drupal.plain_rest import Answer, JsonApi
from connector.model import BackendName, CategoryId, CmsId, Subject, SubjectKind
from connector.ports import Held, Outcome, Receipt, RetireWrite, TermWrite

KEY = "drupal_internal__tid"


class Terms:
    """The categories of one backend at one site. Its caller holds the site's lock."""

    def __init__(self, api: JsonApi, home: str, backend: BackendName, places: Places) -> None:
        self._api = api
        self._home = home
        self._backend = backend
        self._places = places
        self._known: dict[CategoryId, Term] = {}

    def read(self) -> None:
        """See all of them anew."""
        found: dict[CategoryId, Term] = {}
        for page in self._api.listing(self._places.terms, KEY):
            for term in map(term_from, page):
                if term.marker and term.marker.backend == self._backend:
                    found.setdefault(term.marker.id, term)
        self._known = found

    def ids(self) -> dict[str, CategoryId]:
        return {term.uuid: each for each, term in self._known.items()}

    def held(self) -> Iterator[Held]:
        ids = self.ids()
        for each, term in self._known.items():
            yield Held(
                subject=Subject(SubjectKind.CATEGORY, each),
                cms_id=CmsId(str(term.id)),
                live=True,
                retired=False,
                hashes=term_hashes(term, ids),
                url=self._url(term),
            )

    def write(self, batch: Sequence[TermWrite]) -> list[Receipt]:
        """One after the other, so that a parent may stand earlier in the batch."""
        self.read()
        return [self._write(each) for each in batch]

    def remove(self, write: RetireWrite) -> Receipt:
        self.read()
        term = self._known.get(CategoryId(write.subject.id))
        if term is None:
            return Receipt(write.subject, Outcome.DONE)
        answer = self._api.delete(f"{self._places.terms}/{term.uuid}")
        if not answer.ok and answer.status != 404:
            return Receipt(write.subject, answer.outcome(), message=answer.message)
        del self._known[CategoryId(write.subject.id)]
        return Receipt(write.subject, Outcome.DONE)

    def _write(self, write: TermWrite) -> Receipt:
        if write.parent is not None and write.parent not in self._known:
            message = f"parent category {write.parent} is not here yet"
            return Receipt(write.subject, Outcome.RETRY, message=message)
        known = self._known.get(CategoryId(write.subject.id))
        if known and self._is_equal(write, known):
            return self._receipt(write, known)
        answer = self._send(write, known)
        if not answer.ok:
            return Receipt(write.subject, answer.outcome(), message=answer.message)
        term = term_from(answer.resource)
        self._known[CategoryId(write.subject.id)] = term
        return self._receipt(write, term)

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
        parent = self._known[write.parent].uuid if write.parent else ROOT_TERM
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
        parent = self._known[write.parent].uuid if write.parent else ""
        now = (term.name, term.text, term.parent, term.rank)
        return now == (write.name, write.description, parent, write.rank)

    def _receipt(self, write: TermWrite, term: Term) -> Receipt:
        return Receipt(
            subject=write.subject,
            outcome=Outcome.DONE,
            cms_id=CmsId(str(term.id)),
            url=self._url(term),
            hashes=term_hashes(term, self.ids()),
        )

    def _url(self, term: Term) -> str:
        return f"{self._home}{term.alias or f'/taxonomy/term/{term.id}'}"
