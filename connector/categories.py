"""Categories to a site: parents before children, inactive ones never.

The same road as products (decide, send, keep the receipt), with one more rule: a child waits until
its parent is there. Knows the reader, the sender and the receipts of its site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.errors import Rejected
from connector.model import Category, CategoryId, Lane, Subject, SubjectKind
from connector.ports import Clock
from connector.receipts import Receipts
from connector.send import Sender, Work
from connector.state import leases, mirror, todo
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.mirror import Binding
from connector.state.parking import parked_subjects
from connector.state.todo import Due, Priority, Why
from connector.sync.decide import Absent, Nothing, SendTerm, TakeOff, decide_term
from connector.sync.project import Term, project_category
from connector.sync.rules import SiteRules
from connector.target import Target
from connector.truth import TruthReader, known_of

WAIT_SECONDS = 0.3
Tree = Mapping[CategoryId, Category]


class CategoryDelivery:
    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        reader: TruthReader,
        sender: Sender,
        receipts: Receipts,
    ) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._reader = reader
        self._sender = sender
        self._receipts = receipts

    def deliver(self, claims: Sequence[Claimed]) -> None:
        """Carry out claims of categories."""
        if not claims:
            return
        tree = self._reader.tree(fresh=True)
        decided = self._decide(claims, tree)
        self._receipts.settle([(c, w) for c, w in decided if isinstance(w, Nothing)])
        ready, parked = self._placed(tree)
        work: list[Work] = []
        orphans: list[tuple[Claimed, Subject]] = []
        for claim, what in decided:
            if isinstance(what, Nothing):
                continue
            parent = _parent(what)
            if parent is not None and parent not in ready | parked:
                orphans.append((claim, parent))
                continue
            if isinstance(what, SendTerm):
                ready.add(claim.subject)
            work.append((claim, what, None))
        self._wait(orphans)
        self._sender.send(work)

    def _decide(
        self, claims: Sequence[Claimed], tree: Tree
    ) -> list[tuple[Claimed, SendTerm | TakeOff | Nothing]]:
        subjects, site = [claim.subject for claim in claims], self._target.name
        with self._database.read() as connection:
            confirmed = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
            bound = mirror.load_bindings(connection, site, subjects)
        decided: list[tuple[Claimed, SendTerm | TakeOff | Nothing]] = []
        for claim in sorted(claims, key=lambda each: depth(each.subject, tree)):
            known = known_of(bound.get(claim.subject), confirmed.get(claim.subject))
            try:
                truth = term_truth(claim.subject, tree, self._target.rules)
            except Rejected as error:
                self._receipts.fail([claim], error)
            else:
                decided.append((claim, decide_term(truth, known)))
        return decided

    def _placed(self, tree: Tree) -> tuple[set[Subject], set[Subject]]:
        """Categories that are at the site, and those that never will be until somebody helps."""
        subjects = [Subject(SubjectKind.CATEGORY, identity) for identity in tree]
        with self._database.read() as connection:
            bound = mirror.load_bindings(connection, self._target.name, subjects)
            parked = parked_subjects(connection, self._target.name, SubjectKind.CATEGORY)
        return {subject for subject, binding in bound.items() if _on_site(binding)}, set(parked)

    def _wait(self, orphans: Sequence[tuple[Claimed, Subject]]) -> None:
        if orphans:
            now, waiting = self._clock.now(), {claim: (parent,) for claim, parent in orphans}
            with self._database.write() as connection:
                wait_for(connection, waiting, "parent of", WAIT_SECONDS, now)


def wait_for(
    connection: Connection,
    waiting: Mapping[Claimed, Sequence[Subject]],
    as_what: str,
    seconds: float,
    now: datetime,
) -> None:
    """Give claims back until shortly after the categories that they wait for are looked at.

    Those that nobody has made due are made due; one that failed keeps the time of its next try.
    """
    for site in {claim.site for claim in waiting}:
        theirs = {claim: named for claim, named in waiting.items() if claim.site == site}
        categories = {each for named in theirs.values() for each in named}
        times = todo.due_times(connection, site, Lane.CONTENT, categories)
        marks = [
            (
                Due(site, Lane.CONTENT, category),
                Priority.TERM,
                Why(claim.trace_id, f"{as_what} {claim.subject}", claim.run_id),
            )
            for claim, named in theirs.items()
            for category in named
            if category not in times
        ]
        todo.mark_each(connection, marks, now=now)
        again: dict[datetime, list[Claimed]] = {}
        for claim, named in theirs.items():
            again.setdefault(max([now, *(times.get(each, now) for each in named)]), []).append(
                claim
            )
        for moment, claims in again.items():
            leases.release(connection, claims, due_at=moment + timedelta(seconds=seconds))


def _on_site(binding: Binding) -> bool:
    return binding.cms_id is not None and binding.retired_at is None


def _parent(what: SendTerm | TakeOff) -> Subject | None:
    if isinstance(what, SendTerm) and what.term.parent is not None:
        return Subject(SubjectKind.CATEGORY, what.term.parent)
    return None


def depth(subject: Subject, tree: Tree) -> int:
    """How many categories stand above this one. A cycle ends the climb."""
    seen: set[CategoryId] = set()
    at = tree.get(CategoryId(subject.id))
    while at is not None and at.id not in seen:
        seen.add(at.id)
        at = tree.get(at.parent) if at.parent is not None else None
    return len(seen)


def term_truth(subject: Subject, tree: Tree, rules: SiteRules) -> Term | Absent:
    """The category as the site should show it, below its nearest active ancestor."""
    category = tree.get(CategoryId(subject.id))
    if category is None:
        return Absent("the backend no longer has it")
    if not category.active:
        return Absent("it is not active in the backend")
    return project_category(replace(category, parent=_active_ancestor(category, tree)), rules)


def _active_ancestor(category: Category, tree: Tree) -> CategoryId | None:
    """None at the top, and in a cycle, whose categories stand side by side."""
    nearest: CategoryId | None = None
    seen: set[CategoryId] = set()
    above = tree.get(category.parent) if category.parent is not None else None
    while above is not None and above.id not in seen:
        if above.id == category.id:
            return None
        seen.add(above.id)
        if nearest is None and above.active:
            nearest = above.id
        above = tree.get(above.parent) if above.parent is not None else None
    return nearest
