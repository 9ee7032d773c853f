"""Batches of decided writes to one site, and what becomes of each answer.

A batch refused as a whole is halved until the item at fault stands alone and is parked; the others
go through. One that fails otherwise while the site is well comes again later in smaller ones. Knows
the site's port and the receipts; decides nothing about products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connector.errors import ConnectorError, Rejected, TargetDown, TryAgain, blaming
from connector.model import CategoryId
from connector.ports import ContentWrite, Fence, OffersWrite, Receipt, RetireWrite, TermWrite
from connector.receipts import Attempt, Receipts
from connector.state import leases, targets
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.mirror import MirrorRow
from connector.state.todo import Priority
from connector.sync.decide import SendContent, SendOffers, SendTerm, TakeOff
from connector.sync.plan import batches, by_failures
from connector.target import Target

Work = tuple[Claimed, SendOffers | SendContent | SendTerm | TakeOff, MirrorRow | None]
"""What to do for a claim, and the mirror that the decision was made against."""


class Sender:
    """Writes to one site."""

    def __init__(self, database: Database, target: Target, receipts: Receipts) -> None:
        self._database = database
        self._target = target
        self._receipts = receipts

    def send(self, work: Sequence[Work]) -> None:
        """Offers first, then categories, pages, and last what goes off sale.

        Raises TargetDown, and TryAgain where the site asks for a pause; receipts that came before
        are kept.
        """
        with self._database.read() as connection:
            epoch = targets.read_epoch(connection)
        attempts = [_attempt(*item, epoch, self._target.rules.retire) for item in work]
        site, can = self._target.site, self._target.capabilities
        with blaming(targets.site_target(self._target.name)):
            self._all(attempts, SendOffers, site.write_offers, can.offer_rows_per_request)
            self._all(attempts, SendTerm, site.write_terms, can.terms_per_request)
            self._all(attempts, SendContent, site.write_content, can.documents_per_request)
            self._all(attempts, TakeOff, site.retire, can.documents_per_request)

    def _all(
        self,
        attempts: Sequence[Attempt],
        kind: type,
        write: Callable[[Sequence[Any]], Sequence[Receipt]],
        limit: int,
    ) -> None:
        chosen = [attempt for attempt in attempts if isinstance(attempt.decision, kind)]
        for share, size in by_failures(chosen, limit, lambda attempt: attempt.claim.attempts):
            for batch in batches(share, size, _weight):
                self._batch(batch, write)

    def _batch(
        self, batch: Sequence[Attempt], write: Callable[[Sequence[Any]], Sequence[Receipt]]
    ) -> None:
        sent_at = self._receipts.now()
        try:
            urgent = any(attempt.claim.priority < Priority.REPAIR for attempt in batch)
            with self._target.pacer.turn(write.__name__, len(batch), urgent=urgent):
                batch = self._receipts.still_ours(batch)
                answers = write([attempt.write for attempt in batch]) if batch else []
        except Rejected as error:
            self._halve(batch, write, error)
            return
        except ConnectorError as error:
            self._receipts.doubt([attempt.claim for attempt in batch])
            if not isinstance(error, TryAgain) or error.retry_after_seconds is not None:
                raise
            self._target.site.check()
            self._receipts.fail_sent(batch, error)
            return
        if [each.subject for each in answers] != [each.write.subject for each in batch]:
            self._receipts.doubt([attempt.claim for attempt in batch])
            raise TargetDown(
                f"{self._target.name} answered for other items than were sent; update its plugin"
                " or module (`connector plugin build`)"
            )
        if batch and (stale := self._receipts.keep(batch, answers, sent_at)):
            self._rise(stale)

    def _halve(
        self,
        batch: Sequence[Attempt],
        write: Callable[[Sequence[Any]], Sequence[Receipt]],
        error: Rejected,
    ) -> None:
        if len(batch) == 1:
            self._receipts.fail_sent(batch, error)
            return
        middle = len(batch) // 2
        self._batch(batch[:middle], write)
        self._batch(batch[middle:], write)

    def _rise(self, stale: Sequence[Claimed]) -> None:
        """The site knows a newer fence: of a newer claim, or of a restored state's future."""
        facts = self._target.site.check()
        with self._database.write() as connection:
            targets.rise_above(connection, facts.highest_fence)
            leases.release(connection, stale, due_at=self._receipts.now())


def _weight(attempt: Attempt) -> int:
    return max(1, len(attempt.write.offers)) if isinstance(attempt.write, OffersWrite) else 1


def _attempt(
    claim: Claimed,
    decision: SendOffers | SendContent | SendTerm | TakeOff,
    before: MirrorRow | None,
    epoch: int,
    policy: str,
) -> Attempt:
    fence = Fence(epoch, claim.fence)
    subject, write_id = claim.subject, f"{fence}.{claim.lane}.{claim.subject.id}"
    write: OffersWrite | ContentWrite | TermWrite | RetireWrite
    match decision:
        case SendOffers(offers=offers):
            write = OffersWrite(subject, fence, write_id, offers)
        case SendContent(slug=slug, change=change):
            write = ContentWrite(
                subject,
                fence,
                write_id,
                slug,
                change.fields,
                change.expected,
                change.creates,
                change.verbatim,
                (before.fence or None) if before else ("" if claim.unsure else None),
                change.joined,
            )
        case SendTerm(term=term):
            parent = CategoryId(term.parent) if term.parent else None
            write = TermWrite(
                subject, fence, write_id, term.slug, term.name, term.description, parent, term.rank
            )
        case TakeOff():
            write = RetireWrite(subject, fence, write_id, policy)
    return Attempt(claim, decision, write, before)
