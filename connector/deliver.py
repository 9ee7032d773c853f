"""From due rows to confirmed pages: fetch the truth, decide, write in batches, keep the receipts.

One `Delivery` serves one site. `deliver` takes claimed rows and leaves each of them finished, due
again later, or parked; whatever happens to one subject happens to it alone. It does not know who
claimed the rows, or when (work/).

No transaction is open during a network call, and each batch's receipts are committed as soon as
they are here. Dying anywhere repeats at most the batch under way, which fences and write ids make
harmless.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.categories import CategoryDelivery, wait_for
from connector.errors import ConnectorError, blaming
from connector.model import FieldName, Lane, Subject, SubjectKind
from connector.ports import Clock
from connector.receipts import Receipts
from connector.send import Sender, Work
from connector.state import (
    conflicts,
    holds,
    mirror,
    runs,
    safety,
    signals,
    taken,
    todo,
    words,
)
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.mirror import MirrorRow
from connector.state.targets import site_target
from connector.state.todo import Due, Why
from connector.sync.decide import (
    Absent,
    Ask,
    Decision,
    Known,
    Nothing,
    SendContent,
    SendOffers,
    TakeOff,
    decide_content,
    decide_offers,
)
from connector.sync.plan import retire_allowance
from connector.sync.project import Projection
from connector.target import Target
from connector.truth import TruthReader, Truths, end_holds, known_of, stored_fields
from connector.work.retry import RetryPolicy

WAIT_SECONDS = 0.5
"""How long a page waits for its categories before it looks again."""
SAFETY_WINDOW = timedelta(hours=1)


class Delivery:
    """Brings one site up to date. Several threads may deliver at once, each its own claims."""

    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        policy: RetryPolicy,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self._database = database
        self._clock = clock
        self._receipts = Receipts(database, target.backend, target.name, clock, policy, chance)
        self._sender = Sender(database, target, self._receipts)
        self._reader = TruthReader(database, target, clock)
        self._categories = CategoryDelivery(
            database, target, clock, self._reader, self._sender, self._receipts
        )

    def deliver(self, claims: Sequence[Claimed]) -> None:
        """Carry out claims of the offers and content lanes.

        Raises TargetDown or TryAgain where the backend or the site as a whole fails: rows not
        finished by then are given back, and the caller leaves the target alone for a while.
        """
        try:
            self._categories.deliver([c for c in claims if c.subject.kind is SubjectKind.CATEGORY])
            self._products([c for c in claims if c.subject.kind is SubjectKind.PRODUCT])
        except ConnectorError as error:
            self._receipts.give_back(claims, error)
            raise

    def _products(self, claims: Sequence[Claimed]) -> None:
        if not claims:
            return
        truths = self._reader.products(_subjects(claims), failures(claims))
        for claim in claims:
            if error := truths.rejected.get(claim.subject):
                self._receipts.fail([claim], error)
        left = [claim for claim in claims if claim.subject not in truths.rejected]
        waiting = [c for c in left if c.subject in truths.waiting and c.lane is Lane.CONTENT]
        self._wait(waiting, truths)
        work = self._decide([claim for claim in left if claim not in waiting], truths)
        self._sender.send(self._within_safety(work))

    def _wait(self, claims: Sequence[Claimed], truths: Truths) -> None:
        """Categories go first: they are marked due, and the page comes again shortly after."""
        if claims:
            now, waiting = self._clock.now(), {c: truths.waiting[c.subject] for c in claims}
            with self._database.write() as connection:
                wait_for(connection, waiting, "category of", WAIT_SECONDS, now)

    def _decide(self, claims: Sequence[Claimed], truths: Truths) -> list[Work]:
        """What to send for each claim; claims that need nothing are settled here."""
        subjects, site = _subjects(claims), self.target.name
        with self._database.read() as connection:
            offers = mirror.load_mirror(connection, site, Lane.OFFERS, subjects)
            content = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
            bound = mirror.load_bindings(connection, site, subjects)
            held = holds.load_holds(connection, site, subjects)
            said = conflicts.load_rulings(connection, site, subjects)
            own = taken.load_taken(connection, site, subjects)
        self._remember(claims, truths, end_holds(held, truths))
        work: list[Work] = []
        settled: list[tuple[Claimed, Nothing]] = []
        asking: list[tuple[Claimed, Known, MirrorRow | None]] = []
        for claim in claims:
            subject = claim.subject
            before = (offers if claim.lane is Lane.OFFERS else content).get(subject)
            known = known_of(
                bound.get(subject),
                before,
                held.get(subject),
                said.get(subject),
                own.get(subject),
                unsure=claim.unsure,
            )
            what = self._decision(claim, truths.shown[subject], known)
            if isinstance(what, Ask):
                asking.append((claim, known, before))
            elif isinstance(what, Nothing):
                settled.append((claim, what))
            else:
                work.append((claim, what, before))
        self._receipts.settle(settled)
        return work + self._ask(asking, truths)

    def _ask(
        self, asking: Sequence[tuple[Claimed, Known, MirrorRow | None]], truths: Truths
    ) -> list[Work]:
        """What to send of pages that an editor and the backend both changed."""
        if not asking:
            return []
        with blaming(site_target(self.target.name)):
            documents = self.target.site.documents(
                SubjectKind.PRODUCT, [claim.subject.id for claim, _, _ in asking]
            )
        stored = {each.subject: each for each in documents}
        with self._database.read() as connection:
            back = words.load(connection, self.target.name, sorted(stored))
        work: list[Work] = []
        for claim, known, before in asking:
            subject, here = claim.subject, stored.get(claim.subject)
            fields = stored_fields(here, claim.fence, back.get(subject)) if here else {}
            asked = replace(known, stored=fields)
            what = decide_content(truths.shown[subject], asked, self.target.rules)
            if isinstance(what, SendContent | TakeOff):
                work.append((claim, what, before))
        return work

    def _decision(
        self, claim: Claimed, truth: Projection | Absent, known: Known
    ) -> SendOffers | SendContent | TakeOff | Ask | Nothing:
        if claim.lane is Lane.OFFERS:
            return decide_offers(truth, known)
        return decide_content(truth, known, self.target.rules)

    def _remember(
        self, claims: Sequence[Claimed], truths: Truths, ended: Sequence[tuple[Subject, FieldName]]
    ) -> None:
        """What was learned on the way: SKUs, the next scheduled price, pictures to fetch, and
        holds that are over because the backend has something new."""
        site, now = self.target.name, self._clock.now()
        subjects = _subjects(claims)
        with self._database.write() as connection:
            holds.end_holds(connection, site, ended)
            mirror.index_skus(
                connection,
                self.target.backend,
                [truths.products[each] for each in subjects if each in truths.products],
            )
            moments = [
                (claim.subject, _next_change(truths.shown[claim.subject]))
                for claim in claims
                if claim.lane is Lane.OFFERS
            ]
            signals.set_moments(connection, site, moments)
            todo.mark_each(
                connection,
                [
                    (
                        Due(site, Lane.MEDIA, claim.subject),
                        claim.priority,
                        Why(claim.trace_id, claim.cause, claim.run_id),
                    )
                    for claim in claims
                    if claim.lane is Lane.CONTENT and claim.subject in truths.pictures
                ],
                now=now,
            )

    def _within_safety(self, work: list[Work]) -> list[Work]:
        """The work without what the safety stop holds back, which is parked for a person."""
        leaving = [claim for claim, what, before in work if _takes_off(what, before)]
        if not leaving:
            return work
        site, now = self.target.name, self._clock.now()
        since = now - SAFETY_WINDOW
        with self._database.write() as connection:
            safety.one_at_a_time(connection)
            gone = mirror.taken_off_since(connection, site, since)
            gone |= safety.allowed_since(connection, site, since)
            held = mirror.count_held(connection, site, since)
            approved = runs.approved(connection, [c.run_id for c in leaving if c.run_id])
            asking = [claim for claim in leaving if claim.run_id not in approved]
            wanted = {claim.subject.id for claim in asking} - gone
            allowance = retire_allowance(
                self.target.rules.safety, held=held, already=len(gone), wanted=len(wanted)
            )
            if not allowance.stopped:
                safety.allow(connection, site, {claim.subject.id for claim in leaving}, now)
                return work
        stopped = [claim for claim in asking if claim.subject.id in wanted]
        self._receipts.stop(stopped, allowance, held)
        return [item for item in work if item[0] not in stopped]


def _takes_off(what: Decision, before: MirrorRow | None) -> bool:
    """Whether a write takes a product off sale, be it that no price of it is left."""
    if isinstance(what, SendOffers):
        return not what.offers and before is not None and bool(before.shown)
    return isinstance(what, TakeOff)


def _subjects(claims: Iterable[Claimed]) -> list[Subject]:
    return sorted({claim.subject for claim in claims})


def failures(claims: Iterable[Claimed]) -> dict[Subject, int]:
    """How often each subject failed before, in whichever of its lanes most."""
    found: dict[Subject, int] = {}
    for claim in claims:
        found[claim.subject] = max(claim.attempts, found.get(claim.subject, 0))
    return found


def _next_change(truth: Projection | Absent) -> datetime | None:
    return truth.next_change_at if isinstance(truth, Projection) else None
