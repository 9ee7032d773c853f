"""What editors wrote, back to the backend: read both sides, decide, write, note, for each page.

Everything is read anew each time, so that a repeated or late claim does no harm, an answer that was
lost is found out by reading, and nothing that somebody changed at the backend meanwhile is
overwritten: that goes to the page first, as a merge or a conflict. Failures are the claim's alone:
again later, or parked where editors and operators see why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from sqlalchemy import Connection

from connector.deliver import failures
from connector.errors import ConnectorError, Rejected, TryAgain, blaming
from connector.model import (
    FieldHash,
    FieldName,
    Lane,
    Locale,
    Product,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import Clock, StoredDocument, TakingWords, WordsWrite
from connector.receipts import Receipts
from connector.state import conflicts, holds, leases, mirror, runs, todo, words
from connector.state import taken as owners
from connector.state.database import Database
from connector.state.leases import Claimed
from connector.state.runs import Step
from connector.state.targets import backend_target, site_target
from connector.state.todo import Due, Priority, Why
from connector.state.words import WrittenBack
from connector.sync.decide import Nothing
from connector.sync.project import Projection
from connector.sync.words import Back, alike_to, locale_of, spoken, taken, words_back
from connector.target import Target
from connector.truth import TruthReader, Truths, stored_fields


@dataclass(slots=True)
class Done:
    """What became of one page's words."""

    held: dict[FieldName, str] = field(default_factory=dict)
    """Fields that the backend has now, with what it holds."""
    refused: dict[FieldName, str] = field(default_factory=dict)
    look: set[FieldName] = field(default_factory=set)
    """Fields of which the page is to take in what the backend has."""
    again: TryAgain | None = None
    """Why not all was tried."""


class WriteBack:
    """Carries words of one site's pages back to its backend."""

    def __init__(
        self, database: Database, target: Target, clock: Clock, receipts: Receipts
    ) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._receipts = receipts
        self._reader = TruthReader(database, target, clock)

    def deliver(self, claims: Sequence[Claimed]) -> None:
        """Carry out claims of the words lane.

        Raises TargetDown or TryAgain where the backend or the site as a whole fails: claims not
        finished by then are given back.
        """
        try:
            if self._target.rules.writes_back:
                self._deliver(claims)
            else:
                self._nothing(claims, "no field of this site is two-way any more")
        except ConnectorError as error:
            self._receipts.give_back(claims, error)
            raise

    def _deliver(self, claims: Sequence[Claimed]) -> None:
        subjects = sorted({claim.subject for claim in claims})
        truths = self._reader.products(subjects, failures(claims))
        pages = self._pages(subjects)
        for claim in claims:
            truth, page = truths.shown.get(claim.subject), pages.get(claim.subject)
            if error := truths.rejected.get(claim.subject):
                self._receipts.fail([claim], error)
            elif page is None or not page.live:
                self._nothing([claim], "the page is not published")
            elif not isinstance(truth, Projection):
                self._nothing([claim], "the product does not belong on the site")
            else:
                self._one(claim, truths, truth, page)

    def _pages(self, subjects: Sequence[Subject]) -> dict[Subject, StoredDocument]:
        ids = [subject.id for subject in subjects]
        with blaming(site_target(self._target.name)):
            found = self._target.site.documents(SubjectKind.PRODUCT, ids)
        return {each.subject: each for each in found}

    def _nothing(self, claims: Sequence[Claimed], reason: str) -> None:
        self._receipts.settle([(claim, Nothing(reason)) for claim in claims])

    # ---- one page ----

    def _one(self, claim: Claimed, truths: Truths, truth: Projection, page: StoredDocument) -> None:
        back = self._decided(claim, truth, page)
        done = Done(refused=dict(back.refused), look=set(back.look))
        product = truths.products[claim.subject]
        for write, names in self._writes(product, truth, back, done):
            if not self._announce(claim, page, write, names):
                return
            try:
                self._write(write, names, done)
            except Rejected as error:
                done.refused |= dict.fromkeys(names.values(), error.message)
            except TryAgain as error:
                done.again = error
                break
        self._keep(claim, truth, page, done)
        if done.again is not None and done.again.retry_after_seconds is not None:
            raise done.again

    def _decided(self, claim: Claimed, truth: Projection, page: StoredDocument) -> Back:
        site, subject = self._target.name, claim.subject
        with self._database.read() as connection:
            held = holds.load_holds(connection, site, [subject]).get(subject, {})
            known = words.load(connection, site, [subject]).get(subject)
            contested = conflicts.list_conflicts(connection, site=site, subject=subject)
            own = owners.load_taken(connection, site, [subject]).get(subject)
        return words_back(
            truth.document,
            stored_fields(page, claim.fence, known),
            self._target.rules.of_page(owners.owners_of(own)),
            {name: each.hold for name, each in held.items()},
            {one.field for one in contested},
        )

    def _writes(
        self, product: Product, truth: Projection, back: Back, done: Done
    ) -> list[tuple[WordsWrite, dict[str, FieldName]]]:
        """One write for each language, with the page's names of its words.

        The backend's own language goes last: it stands in for those that have no words yet.
        """
        can = self._target.catalogue.capabilities.words
        writes: dict[Locale, tuple[WordsWrite, dict[str, FieldName]]] = {}
        for name, text in sorted(back.words.items()):
            plain = name.partition("@")[0]
            locale = spoken(product, locale_of(name, self._target.rules))
            if not taken(can, plain, locale, product.default_locale):
                done.refused[name] = f"the shop takes no {plain} in {locale}"
                continue
            empty = WordsWrite(product.id, locale, {}, {})
            write, names = writes.get(locale, (empty, {}))
            expected = {**write.expected, plain: str(truth.document.fields[name])}
            write = replace(write, words={**write.words, plain: text}, expected=expected)
            writes[locale] = (write, {**names, plain: name})
        return sorted(writes.values(), key=lambda one: one[0].locale == product.default_locale)

    def _announce(
        self,
        claim: Claimed,
        page: StoredDocument,
        write: WordsWrite,
        names: Mapping[str, FieldName],
    ) -> bool:
        """Note what is about to be sent. False: somebody else has taken the claim over."""
        values = {
            name: (write.words[plain], hash_value(page.bases.get(name)))
            for plain, name in names.items()
        }
        with self._database.write() as connection:
            if claim.id not in leases.still_held(connection, [claim]):
                return False
            site, now = self._target.name, self._clock.now()
            words.sending(connection, site, claim.subject, values, now)
        return True

    def _write(self, write: WordsWrite, names: Mapping[str, FieldName], done: Done) -> None:
        catalogue = cast(TakingWords, self._target.catalogue)
        with blaming(backend_target(self._target.backend)):
            receipt = catalogue.write_words(write)
        alike = alike_to(catalogue.as_compared)
        for plain, name in names.items():
            held = receipt.held[plain]
            done.look.add(name)
            if plain in receipt.kept:
                continue
            if alike(name, held, write.words[plain]):
                done.held[name] = held
            else:
                done.refused[name] = "the shop stored it otherwise than it was given"

    # ---- what is kept of it ----

    def _keep(self, claim: Claimed, truth: Projection, page: StoredDocument, done: Done) -> None:
        now = self._clock.now()
        with self._database.write() as connection:
            if claim.id not in leases.still_held(connection, [claim]):
                return
            if done.held:
                words.note(connection, self._noted(connection, claim, truth, page, done, now))
            if done.look:
                self._look(connection, claim, done.look, now)
            if done.held or done.refused:
                runs.record(connection, [self._step(claim, done, now)])
            if not done.refused and done.again is None:
                leases.finish(connection, [claim])
        if done.again is not None:
            self._receipts.fail([claim], done.again)
        elif done.refused:
            told = "; ".join(f"{name}: {why}" for name, why in sorted(done.refused.items()))
            self._receipts.fail([claim], Rejected(f"the page's words did not go back: {told}"))

    def _noted(
        self,
        connection: Connection,
        claim: Claimed,
        truth: Projection,
        page: StoredDocument,
        done: Done,
        now: datetime,
    ) -> list[WrittenBack]:
        site, subject = self._target.name, claim.subject
        fence, users = leases.next_fence(connection), words.editors(connection, site, subject)
        return [
            WrittenBack(
                site=site,
                subject=subject,
                field=name,
                at=now,
                stored=page.hashes.get(name, FieldHash("")),
                value=held,
                before=truth.document.fields[name],
                base=hash_value(page.bases.get(name)),
                fence=fence,
                user=users.get(name),
            )
            for name, held in done.held.items()
        ]

    def _look(
        self, connection: Connection, claim: Claimed, names: set[FieldName], now: datetime
    ) -> None:
        """Let the page take in what the backend holds now: its own words, or somebody's."""
        mirror.unsend(connection, self._target.name, claim.subject, names)
        todo.mark(
            connection,
            [Due(self._target.name, Lane.CONTENT, claim.subject)],
            priority=Priority.SIGNAL,
            now=now,
            why=Why(claim.trace_id, f"written back: {claim.cause}", claim.run_id),
        )

    def _step(self, claim: Claimed, done: Done, now: datetime) -> Step:
        parts = [f"written back to the shop: {', '.join(sorted(done.held))}"] if done.held else []
        parts += [f"not written back: {name}, {why}" for name, why in sorted(done.refused.items())]
        return Step(
            at=now,
            trace_id=claim.trace_id,
            backend=self._target.backend,
            subject=claim.subject,
            step="written back" if done.held else "refused",
            message="; ".join(parts),
            site=self._target.name,
            lane=claim.lane,
            facts={"fields": sorted(done.held), "refused": sorted(done.refused)},
        )
