"""Categories in plain mode: core's own, told apart by a marker in their description.

They are few, so all of them are read before each batch; a term whose answer was lost is found so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.plain import terms
from adapters.plain.page import Term, TermMarker
from adapters.plain.terms import failed
from adapters.wordpress.plain_decide import slugs_for
from adapters.wordpress.plain_page import description_of, term_from
from adapters.wordpress.plain_rest import Answer, CoreRest, Part
from connector.model import BackendName, CategoryId
from connector.ports import Receipt, TermWrite

PATH = "/wp/v2/categories"
_FIELDS = "id,name,description,parent,link"


class Terms(terms.Terms):
    """Written in batches, deleted for good."""

    def __init__(self, rest: CoreRest, backend: BackendName) -> None:
        super().__init__(backend)
        self._rest = rest

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

    def _listed(self) -> Iterator[Term]:
        for rows in self._rest.listing(PATH, _fields=_FIELDS):
            yield from map(term_from, rows)

    def _delete(self, term: Term) -> Answer:
        (answer,) = self._rest.batch([Part("DELETE", f"{PATH}/{term.id}?force=true", {})])
        return answer

    def _write_wave(self, wave: Sequence[TermWrite]) -> list[Receipt]:
        ready = [each for each in wave if each.parent is None or each.parent in self._known]
        answers = dict(
            zip(ready, self._rest.batch([self._part(each) for each in ready]), strict=True)
        )
        return [self._receipt(write, answers.get(write)) for write in wave]

    def _part(self, write: TermWrite, spare_slug: bool = False) -> Part:
        marker = TermMarker(self._backend, CategoryId(write.subject.id), write.write_id, write.rank)
        body: dict[str, object] = {
            "name": write.name,
            "description": description_of(write.description.strip(), marker),
            "parent": int(self._known[write.parent].id) if write.parent else 0,
        }
        known = self._known.get(CategoryId(write.subject.id))
        if known:
            return Part("POST", f"{PATH}/{known.id}?_fields={_FIELDS}", body)
        body["slug"] = slugs_for(write.subject, self._backend, write.slug)[spare_slug]
        return Part("POST", f"{PATH}?_fields={_FIELDS}", body)

    def _receipt(self, write: TermWrite, answer: Answer | None) -> Receipt:
        if answer is None:
            return self._waits(write)
        if answer.code == "term_exists":
            (answer,) = self._rest.batch([self._part(write, spare_slug=True)])
        if not answer.ok:
            return failed(write.subject, answer)
        return self._note(write, term_from(answer.body))
