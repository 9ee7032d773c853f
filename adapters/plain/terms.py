"""Categories in plain mode: read all before each batch, known by their markers.

They are few; a term whose answer was lost is found so. Adapters list, write and delete them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Protocol

from adapters.plain.page import Term, term_hashes
from connector.model import BackendName, CategoryId, CmsId, Subject, SubjectKind
from connector.ports import Held, Outcome, Receipt, RetireWrite, TermWrite

GONE = (404, 410)


class Answer(Protocol):
    """What a core said to one write."""

    @property
    def status(self) -> int: ...
    @property
    def ok(self) -> bool: ...
    @property
    def message(self) -> str: ...
    def outcome(self) -> Outcome: ...


class Terms(ABC):
    """The categories of one backend at one site. Its caller holds the site's lock."""

    def __init__(self, backend: BackendName) -> None:
        self._backend = backend
        self._known: dict[CategoryId, Term] = {}

    def read(self) -> None:
        """See all of them anew; of two with one marker the older one is ours."""
        found: dict[CategoryId, Term] = {}
        for term in self._listed():
            if term.marker and term.marker.backend == self._backend:
                found.setdefault(term.marker.id, term)
        self._known = found

    def ids(self) -> dict[str, CategoryId]:
        return {term.key: each for each, term in self._known.items()}

    def held(self) -> Iterator[Held]:
        ids = self.ids()
        for each, term in self._known.items():
            yield Held(
                subject=Subject(SubjectKind.CATEGORY, each),
                cms_id=CmsId(term.id),
                live=True,
                retired=False,
                hashes=term_hashes(term, ids),
                url=term.url,
            )

    @abstractmethod
    def write(self, batch: Sequence[TermWrite]) -> list[Receipt]:
        """Make and change them, parents first."""

    def remove(self, write: RetireWrite) -> Receipt:
        self.read()
        term = self._known.get(CategoryId(write.subject.id))
        if term is None:
            return Receipt(write.subject, Outcome.DONE)
        answer = self._delete(term)
        if not answer.ok and answer.status not in GONE:
            return failed(write.subject, answer)
        del self._known[CategoryId(write.subject.id)]
        return Receipt(write.subject, Outcome.DONE)

    @abstractmethod
    def _listed(self) -> Iterator[Term]: ...

    @abstractmethod
    def _delete(self, term: Term) -> Answer: ...

    def _waits(self, write: TermWrite) -> Receipt:
        message = f"parent category {write.parent} is not here yet"
        return Receipt(write.subject, Outcome.RETRY, message=message)

    def _note(self, write: TermWrite, term: Term) -> Receipt:
        """What core stored of a write."""
        self._known[CategoryId(write.subject.id)] = term
        return Receipt(
            subject=write.subject,
            outcome=Outcome.DONE,
            cms_id=CmsId(term.id),
            url=term.url,
            hashes=term_hashes(term, self.ids()),
        )


def failed(subject: Subject, answer: Answer) -> Receipt:
    """The receipt of a write that core did not carry out."""
    return Receipt(subject, answer.outcome(), message=answer.message)
