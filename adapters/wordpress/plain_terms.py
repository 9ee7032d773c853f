"""Categories in plain mode: core's own, told apart by a marker in their description.

They are few, so all of them are read before each batch; a term whose answer was lost is found so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.wordpress.plain_decide import slugs_for
from adapters.wordpress.plain_page import (
    Term,
    TermMarker,
    description_of,
    term_from,
    term_hashes,
)
from adapters.wordpress.plain_rest import Answer, CoreRest, Part
from connector.model import BackendName, CategoryId, CmsId, Subject, SubjectKind
from connector.ports import Held, Outcome, Receipt, RetireWrite, TermWrite

PATH = "/wp/v2/categories"
_FIELDS = "id,name,description,parent,link"


class Terms:
    """The categories of one backend at one site. Its caller holds the site's lock."""

    def __init__(self, rest: CoreRest, backend: BackendName) -> None:
        self._rest = rest
        self._backend = backend
        self._known: dict[CategoryId, Term] = {}

    def read(self) -> None:
        """See all of them anew; of two with one marker the older one is ours."""
        found: dict[CategoryId, Term] = {}
        for rows in self._rest.listing(PATH, _fields=_FIELDS):
            for term in map(term_from, rows):
                if term.marker and term.marker.backend == self._backend:
                    found.setdefault(term.marker.id, term)
        self._known = found

    def ids(self) -> dict[int, CategoryId]:
        return {term.id: each for each, term in self._known.items()}

    def held(self) -> Iterator[Held]:
        ids = self.ids()
        for each, term in self._known.items():
            yield Held(
                subject=Subject(SubjectKind.CATEGORY, each),
                cms_id=CmsId(str(term.id)),
                live=True,
                retired=False,
                hashes=term_hashes(term, ids),
                url=term.link,
            )

    def write(self, batch: Sequence[TermWrite]) -> list[Receipt]:
        """In waves: a wave ends before a category whose parent is in it."""
        self.read()
        receipts: list[Receipt] = []
        wave: list[TermWrite] = []
        for write in batch:
            named = {each.subject.id for each in wave}
            if write.parent in named or write.subject.id in named:
                receipts += self._write_wave(wave)
                wave = []
            wave.append(write)
        return receipts + self._write_wave(wave)

    def remove(self, write: RetireWrite) -> Receipt:
        self.read()
        term = self._known.get(CategoryId(write.subject.id))
        if term is None:
            return Receipt(write.subject, Outcome.DONE)
        (answer,) = self._rest.batch([Part("DELETE", f"{PATH}/{term.id}?force=true", {})])
        if answer.status not in (200, 404, 410):
            return Receipt(write.subject, answer.outcome(), message=answer.message)
        del self._known[CategoryId(write.subject.id)]
        return Receipt(write.subject, Outcome.DONE)

    def _write_wave(self, wave: Sequence[TermWrite]) -> list[Receipt]:
        ready = [each for each in wave if each.parent is None or each.parent in self._known]
        answers = dict(
            zip(ready, self._rest.batch([self._part(each) for each in ready]), strict=True)
        )
        return [self._receipt(write, answers.get(write)) for write in wave]

    def _part(self, write: TermWrite, spare_slug: bool = False) -> Part:
        marker = TermMarker(self._backend, CategoryId(write.subject.id), write.rank, write.write_id)
        body: dict[str, object] = {
            "name": write.name,
            "description": description_of(write.description.strip(), marker),
            "parent": self._known[write.parent].id if write.parent else 0,
        }
        known = self._known.get(CategoryId(write.subject.id))
        if known:
            return Part("POST", f"{PATH}/{known.id}?_fields={_FIELDS}", body)
        body["slug"] = slugs_for(write.subject, self._backend, write.slug)[spare_slug]
        return Part("POST", f"{PATH}?_fields={_FIELDS}", body)

    def _receipt(self, write: TermWrite, answer: Answer | None) -> Receipt:
        if answer is None:
            message = f"parent category {write.parent} is not here yet"
            return Receipt(write.subject, Outcome.RETRY, message=message)
        if answer.code == "term_exists":
            (answer,) = self._rest.batch([self._part(write, spare_slug=True)])
        if answer.status not in (200, 201):
            return Receipt(write.subject, answer.outcome(), message=answer.message)
        term = term_from(answer.body)
        self._known[CategoryId(write.subject.id)] = term
        return Receipt(
            subject=write.subject,
            outcome=Outcome.DONE,
            cms_id=CmsId(str(term.id)),
            url=term.link,
            hashes=term_hashes(term, self.ids()),
        )
