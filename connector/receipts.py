"""What is kept of each answer: mirror, binding, journal, trail and the due row in one commit.

Every function here is one transaction, and touches only rows whose claim still holds: the late
answer of a worker that lost its lease changes nothing. Calls nobody outside.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connector.errors import ConnectorError, Rejected, SafetyStop, TargetDown, TryAgain
from connector.model import (
    BackendName,
    FieldName,
    Lane,
    SiteName,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import (
    Clock,
    ContentWrite,
    Fence,
    OffersWrite,
    Outcome,
    Receipt,
    RetireWrite,
    TermWrite,
)
from connector.state import (
    conflicts,
    holds,
    journal,
    leases,
    mirror,
    runs,
    safety,
    taken,
    todo,
    words,
)
from connector.state.database import Database
from connector.state.journal import Action, Entry
from connector.state.leases import Claimed
from connector.state.mirror import Binding, MirrorRow
from connector.state.runs import Step
from connector.state.todo import Due, Priority, Why
from connector.sync.decide import (
    TERM,
    Nothing,
    SendContent,
    SendOffers,
    SendTerm,
    TakeOff,
)
from connector.sync.diff import PAGE, ContentChange, FieldMirror, confirmed, offer_changes
from connector.sync.plan import Allowance
from connector.sync.project import OFFERS
from connector.work.retry import Park, RetryPolicy, after_failure

ASK_AGAIN = timedelta(milliseconds=100)
"""How long a page waits before the site is asked what an editor wrote."""
Write = OffersWrite | ContentWrite | TermWrite | RetireWrite


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decision on its way to the site: its claim, the write, and what was known before."""

    claim: Claimed
    decision: SendOffers | SendContent | SendTerm | TakeOff
    write: Write
    before: MirrorRow | None = None

    @property
    def fence(self) -> Fence:
        return self.write.fence


class Receipts:
    """Keeps what one site answered."""

    def __init__(
        self,
        database: Database,
        backend: BackendName,
        site: SiteName,
        clock: Clock,
        policy: RetryPolicy,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._backend = backend
        self._site = site
        self._clock = clock
        self._policy = policy
        self._chance = chance

    def now(self) -> datetime:
        return self._clock.now()

    def still_ours(self, batch: Sequence[Attempt]) -> list[Attempt]:
        """Those that nobody has taken over; the rest must not be written, for their new owner has
        fetched later. Looked up, and the lease made longer, once half of it is over."""
        now = self._clock.now()
        claims = [attempt.claim for attempt in batch]
        if all(now - each.claimed_at < (each.lease_until - each.claimed_at) / 2 for each in claims):
            return list(batch)
        with self._database.write() as connection:
            held = leases.renew(connection, claims, now)
        return [attempt for attempt in batch if attempt.claim.id in held]

    # ---- answers ----

    def keep(
        self, batch: Sequence[Attempt], answers: Sequence[Receipt], sent_at: datetime
    ) -> list[Claimed]:
        """Keep a batch's receipts, each for itself. Answers the claims that came too late."""
        now = self._clock.now()
        stale: list[Claimed] = []
        done: list[tuple[Attempt, Receipt]] = []
        with self._database.write() as connection:
            held = leases.still_held(connection, [attempt.claim for attempt in batch])
            for attempt, receipt in zip(batch, answers, strict=True):
                if attempt.claim.id not in held:
                    continue
                match receipt.outcome:
                    case Outcome.DONE:
                        done.append((attempt, receipt))
                    case Outcome.STALE:
                        stale.append(attempt.claim)
                    case Outcome.MISSING:
                        self._missing(connection, attempt.claim, now)
                    case Outcome.REJECTED:
                        error = Rejected(f"{attempt.claim.subject}: {receipt.message}")
                        self._fail(connection, attempt.claim, error, now, fingerprint(attempt))
                    case Outcome.RETRY:
                        again = TryAgain(f"{attempt.claim.subject}: {receipt.message}")
                        self._fail(connection, attempt.claim, again, now, fingerprint(attempt))
            self._confirm(connection, done, now)
            self._journal(connection, done, now)
            self._conflicts(connection, done, now)
            self._words(connection, done, now)
            answered = {attempt.claim.subject.id for attempt, _ in done}
            safety.settle(connection, self._site, answered)
            asking = [one.claim for one, receipt in done if _asks(one, receipt)]
            leases.release(connection, asking, due_at=now + ASK_AGAIN)
            leases.finish(connection, [one.claim for one, _ in done if one.claim not in asking])
            runs.record(
                connection, [self._told(one, receipt, sent_at, now) for one, receipt in done]
            )
        return stale

    def settle(self, work: Sequence[tuple[Claimed, Nothing]]) -> None:
        """These need no request."""
        if not work:
            return
        now = self._clock.now()
        with self._database.write() as connection:
            held = leases.still_held(connection, [claim for claim, _ in work])
            kept = [(claim, what) for claim, what in work if claim.id in held]
            excluded = [c.subject for c, _ in kept if c.subject.kind is SubjectKind.CATEGORY]
            self._note_excluded(connection, excluded, now)
            self._end_returns(connection, [c for c, _ in kept if c.lane is Lane.CONTENT])
            leases.finish(connection, [claim for claim, _ in kept])
            runs.record(
                connection,
                [
                    self._step(claim, "unchanged", f"nothing to write: {what.reason}", now)
                    for claim, what in kept
                    if claim.priority <= Priority.PERSON
                ],
            )

    def doubt(self, claims: Sequence[Claimed]) -> None:
        """These were sent, and no answer came: the site may have them or not."""
        with self._database.write() as connection:
            leases.doubt(connection, claims)

    def fail_sent(self, batch: Sequence[Attempt], error: ConnectorError) -> None:
        """These were sent and failed, each for itself: again later, or parked."""
        self.fail(
            [each.claim for each in batch], error, {e.claim.id: fingerprint(e) for e in batch}
        )

    def fail(
        self,
        claims: Sequence[Claimed],
        error: ConnectorError,
        sent: Mapping[int, str] | None = None,
    ) -> None:
        """These failed, each for itself: again later, or parked."""
        now = self._clock.now()
        with self._database.write() as connection:
            held = leases.still_held(connection, claims)
            for claim in claims:
                if claim.id in held:
                    self._fail(connection, claim, error, now, (sent or {}).get(claim.id, ""))

    def give_back(self, claims: Sequence[Claimed], error: ConnectorError) -> None:
        """The backend or the site as a whole failed: it says nothing about these."""
        asked = error.retry_after_seconds if isinstance(error, TryAgain | TargetDown) else None
        now = self._clock.now()
        with self._database.write() as connection:
            held = leases.still_held(connection, claims)
            leases.release(
                connection,
                [claim for claim in claims if claim.id in held],
                due_at=now + timedelta(seconds=asked or 0),
                error=error.message,
            )

    def stop(self, claims: Sequence[Claimed], allowance: Allowance, on_sale: int) -> None:
        """The safety stop: park these under a run that a person can approve."""
        now = self._clock.now()
        with self._database.write() as connection:
            held = leases.still_held(connection, claims)
            for claim in claims:
                if claim.id in held:
                    run_id = runs.stop_run(connection, claim.run_id, self._site, now)
                    error = SafetyStop(
                        f"{claim.subject} would go off sale with more than {allowance.limit} of the"
                        f" site's {on_sale} products in an hour. If that is meant, run"
                        f" `connector approve {run_id}`; if not, mend the backend and"
                        " `connector parked retry`"
                    )
                    leases.park(
                        connection,
                        claim,
                        reason=error.message,
                        error="SafetyStop",
                        now=now,
                        run_id=run_id,
                    )
                    step = self._step(claim, "parked", error.message, now)
                    runs.record(connection, [step])

    # ---- one outcome each ----

    def _fail(
        self,
        connection: Connection,
        claim: Claimed,
        error: ConnectorError,
        now: datetime,
        sent: str,
    ) -> None:
        decision = after_failure(error, claim.attempts + 1, self._policy, now, self._chance())
        if isinstance(decision, Park):
            leases.park(
                connection,
                claim,
                reason=error.message,
                error=decision.error,
                now=now,
                fingerprint=sent,
            )
            mirror.distrust(connection, self._site, claim.lane, claim.subject)
            step = self._step(claim, "parked", f"parked: {error.message}", now)
        else:
            leases.release(
                connection, [claim], due_at=decision.at, error=error.message, counts=True
            )
            step = self._step(
                claim, "failed", f"attempt {claim.attempts + 1} failed: {error.message}", now
            )
        runs.record(connection, [step])

    def _missing(self, connection: Connection, claim: Claimed, now: datetime) -> None:
        """Sent whole at once; where that is no help (an undo has no whole page), as a failure."""
        mirror.forget_mirror(connection, self._site, [claim.subject], [claim.lane])
        message = "the page is no longer there; it is sent whole again"
        if claim.attempts:
            gone = TryAgain(
                f"{claim.subject}: the page is no longer there, and cannot be made anew"
            )
            self._fail(connection, claim, gone, now, "")
            return
        leases.release(connection, [claim], due_at=now, error=message, counts=True)
        runs.record(connection, [self._step(claim, "failed", message, now)])

    def _note_excluded(
        self, connection: Connection, categories: Sequence[Subject], now: datetime
    ) -> None:
        """Remember categories that do not belong here, so that no product waits for them."""
        known = mirror.load_bindings(connection, self._site, categories)
        fresh = [subject for subject in categories if subject not in known]
        rows = [Binding(self._site, subject, None, None, retired_at=now) for subject in fresh]
        mirror.bind(connection, rows, now)

    def _confirm(
        self, connection: Connection, done: Sequence[tuple[Attempt, Receipt]], now: datetime
    ) -> None:
        pages = [a.claim.subject for a, _ in done if isinstance(a.decision, SendContent)]
        known = mirror.load_mirror(connection, self._site, Lane.CONTENT, pages)
        confirmed = [
            row
            for attempt, receipt in done
            if (row := self._mirror_row(attempt, receipt, known.get(attempt.claim.subject), now))
        ]
        mirror.save_mirror(connection, confirmed)
        placed = [
            Binding(self._site, attempt.claim.subject, receipt.cms_id, receipt.url)
            for attempt, receipt in done
            if isinstance(attempt.decision, SendContent | SendTerm)
        ]
        self._shown_again(
            connection, [a.claim for a, _ in done if isinstance(a.write, TermWrite)], now
        )
        gone = [a.claim.subject for a, _ in done if isinstance(a.decision, TakeOff)]
        retired = [Binding(self._site, subject, None, None, retired_at=now) for subject in gone]
        mirror.bind(connection, [*placed, *retired], now, keep_known=True)
        mirror.forget_mirror(connection, self._site, gone, [Lane.OFFERS])
        terms = [subject for subject in gone if subject.kind is SubjectKind.CATEGORY]
        mirror.forget_mirror(connection, self._site, terms, [Lane.CONTENT])

    def _shown_again(self, connection: Connection, terms: Sequence[Claimed], now: datetime) -> None:
        """Pages were made without a category that did not belong here, and nobody knows which of
        them are in it: all are looked at, and those are written."""
        known = mirror.load_bindings(connection, self._site, [claim.subject for claim in terms])
        back = [c for c in terms if c.subject in known and known[c.subject].retired_at is not None]
        if not back:
            return
        why = Why(back[0].trace_id, f"{back[0].subject} is shown again", back[0].run_id)
        for page in mirror.mirrored(connection, self._site, SubjectKind.PRODUCT, Lane.CONTENT):
            due = [Due(self._site, Lane.CONTENT, subject) for subject in page]
            todo.mark(connection, due, priority=Priority.REPAIR, now=now, why=why)

    def _journal(
        self, connection: Connection, done: Sequence[tuple[Attempt, Receipt]], now: datetime
    ) -> None:
        """Keep what was replaced, and what holds came of it."""
        entries: list[Entry] = []
        restored: list[tuple[Subject, FieldName]] = []
        refused: list[tuple[Subject, FieldName]] = []
        unasked = None
        for attempt, receipt in done:
            what, claim = attempt.decision, attempt.claim
            if claim.subject.kind is not SubjectKind.PRODUCT or isinstance(what, SendOffers):
                continue
            if isinstance(what, SendContent):
                refused += [(claim.subject, name) for name in what.change.verbatim & receipt.kept]
                restored += [(claim.subject, name) for name in what.change.verbatim - receipt.kept]
            restored.append((claim.subject, PAGE))
            if claim.run_id is None:
                unasked = unasked or journal.unasked_run(connection, self._site, now)
            entries.append(_entry(attempt, receipt, claim.run_id or unasked or "", now))
        journal.enter(connection, entries)
        holds.confirm_restored(connection, self._site, restored, now)
        holds.end_holds(connection, self._site, refused)

    def _conflicts(
        self, connection: Connection, done: Sequence[tuple[Attempt, Receipt]], now: datetime
    ) -> None:
        """Keep what a person is to decide, and forget what is decided."""
        over: dict[Subject, list[FieldName]] = {}
        for attempt, receipt in done:
            if isinstance(attempt.decision, SendContent):
                claim, change = attempt.claim, attempt.decision.change
                conflicts.record(
                    connection,
                    self._site,
                    claim.subject,
                    change.conflicts,
                    at=now,
                    cause=claim.cause,
                    trace_id=claim.trace_id,
                )
                settled = change.sent.keys() - change.conflicts.keys() - receipt.kept
                over[claim.subject] = sorted(settled)
        conflicts.close(connection, self._site, over)
        self._end_returns(
            connection, [a.claim for a, _ in done if isinstance(a.decision, SendContent)]
        )
        gone = [one.claim.subject for one, _ in done if isinstance(one.decision, TakeOff)]
        for subject, names in conflicts.forget(connection, self._site, gone).items():
            mirror.unsend(connection, self._site, subject, names)

    def _words(
        self, connection: Connection, done: Sequence[tuple[Attempt, Receipt]], now: datetime
    ) -> None:
        """What editors' words stand on these pages may have to go back to the backend; what went
        back before they have taken in."""
        written = {
            attempt.claim.subject: attempt.decision.change.fields.keys() - receipt.kept
            for attempt, receipt in done
            if isinstance(attempt.decision, SendContent)
        }
        words.taken_in(connection, self._site, written)
        for attempt, _ in done:
            claim, what = attempt.claim, attempt.decision
            if isinstance(what, SendContent) and what.change.back:
                due = [Due(self._site, Lane.WORDS, claim.subject)]
                why = Why(claim.trace_id, claim.cause, claim.run_id)
                todo.mark(connection, due, priority=Priority.SIGNAL, now=now, why=why)

    def _end_returns(self, connection: Connection, claims: Sequence[Claimed]) -> None:
        """What editors gave back before these were claimed is the backend's on the page now."""
        taken.end_returns(connection, self._site, [(c.subject, c.claimed_at) for c in claims])

    def _mirror_row(
        self, attempt: Attempt, receipt: Receipt, page: MirrorRow | None, now: datetime
    ) -> MirrorRow | None:
        """`page`: what is known of it by now. Of fields that were not sent, somebody may have
        learned more while the write was under way."""
        claim = attempt.claim
        shown = None
        match attempt.decision:
            case SendOffers(rows=rows, sent=sent):
                fields = {OFFERS: FieldMirror(sent, receipt.hashes[OFFERS])}
                shown = rows
            case SendTerm(term=term):
                stored = hash_value({str(k): str(v) for k, v in receipt.hashes.items()})
                fields = {TERM: FieldMirror(term.fingerprint(), stored)}
            case SendContent(change=change):
                known = page.fields if page else None
                fields = confirmed(known, change, receipt.hashes, receipt.kept)
            case TakeOff():
                return None
        return MirrorRow(
            self._site, claim.lane, claim.subject, fields, str(attempt.fence), now, shown
        )

    # ---- the story ----

    def _told(self, attempt: Attempt, receipt: Receipt, sent_at: datetime, now: datetime) -> Step:
        step, message, facts = _story(attempt, receipt)
        facts |= {
            "fence": str(attempt.fence),
            "write_id": attempt.write.write_id,
            "cause": attempt.claim.cause,
            "marked_at": attempt.claim.first_marked_at.isoformat(),
            "claimed_at": attempt.claim.claimed_at.isoformat(),
            "sent_at": sent_at.isoformat(),
            "cms_id": receipt.cms_id,
            "url": receipt.url,
        }
        return self._step(attempt.claim, step, message, now, facts)

    def _step(
        self,
        claim: Claimed,
        step: str,
        message: str,
        now: datetime,
        facts: Mapping[str, object] | None = None,
    ) -> Step:
        return Step(
            at=now,
            trace_id=claim.trace_id,
            backend=self._backend,
            subject=claim.subject,
            step=step,
            message=message,
            site=self._site,
            lane=claim.lane,
            facts=facts or {},
        )


def _asks(attempt: Attempt, receipt: Receipt) -> bool:
    """Whether an editor's value was kept that may be joined with ours: the site is asked next."""
    what = attempt.decision
    return isinstance(what, SendContent) and bool(what.change.merging & receipt.kept)


def fingerprint(attempt: Attempt) -> str:
    """Of the value that an attempt sends: the same value, the same fingerprint. Pure."""
    match attempt.decision:
        case SendOffers(sent=sent):
            return sent
        case SendContent(change=change):
            return hash_value({str(name): str(mark) for name, mark in change.sent.items()})
        case SendTerm(term=term):
            return term.fingerprint()
        case TakeOff():
            return "retire"


def _entry(attempt: Attempt, receipt: Receipt, run_id: str, now: datetime) -> Entry:
    if isinstance(attempt.decision, TakeOff):
        action = Action.RETIRED
    else:
        action = Action.MADE if receipt.made else Action.CHANGED
    hashes = receipt.hashes if action is not Action.RETIRED else {}
    subject = attempt.claim.subject
    return Entry(run_id, attempt.claim.site, subject, now, action, receipt.before, hashes)


def _story(attempt: Attempt, receipt: Receipt) -> tuple[str, str, dict[str, object]]:
    match attempt.decision:
        case SendOffers(rows=rows):
            before = attempt.before.shown if attempt.before else []
            changes = offer_changes(before or [], rows) if before else []
            message = f"{len(rows)} offer rows confirmed by the site"
            return "written", message, {"changes": [asdict(change) for change in changes[:50]]}
        case SendContent(change=change):
            return _content_story(change, receipt)
        case SendTerm(term=term):
            return "written", f"category {term.name!r} confirmed by the site", {}
        case TakeOff(reason=reason):
            more = f". {receipt.message}" if receipt.message else ""
            return "retired", f"taken off sale: {reason}{more}", {}


def _content_story(change: ContentChange, receipt: Receipt) -> tuple[str, str, dict[str, object]]:
    lists = {
        "an editor's {} kept": sorted(receipt.kept),
        "joined with an editor's: {}": sorted(
            change.joined.keys() - receipt.kept - change.verbatim
        ),
        "in conflict, for a person to decide: {}": sorted(change.conflicts),
    }
    more = "".join(f"; {text.format(', '.join(names))}" for text, names in lists.items() if names)
    names = sorted(change.fields)
    what = "page made" if change.creates else "page updated"
    done = ", ".join(names) or ("nothing written" if change.left else "published again")
    facts: dict[str, object] = {
        "fields": names,
        "kept": sorted(receipt.kept),
        "conflicts": sorted(change.conflicts),
    }
    return "written", f"{what}: {done}{more}", facts
