"""Compare a backend and a site in full, and make due whatever differs.

Both sides are read at the same time and held against the mirror: the backend's products as they
should be shown now against what was sent, the site's stored values, their hashes recomputed there
just now, against what it confirmed. Writes nothing to the site itself; repairs go through todo like
everything else, so that a wrong suspicion costs one look and no write. What a broken listing did
not name is never concluded from.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from connector.aside import one_ahead
from connector.categories import Tree, term_truth
from connector.detect import EVERY_LANE, lanes_of
from connector.errors import ConnectorError, Rejected, SafetyStop, blaming
from connector.model import FieldHash, FieldName, Lane, Subject, SubjectKind
from connector.ports import Clock, Held, Sighting
from connector.state import holds, mirror, pictures, runs, signals, taken, targets, todo, words
from connector.state.database import Database
from connector.state.mirror import Binding, MirrorRow
from connector.state.todo import Due, Priority, Why
from connector.sync.decide import Absent, Nothing, decide_content, decide_offers, decide_term
from connector.sync.diff import PAGE, FieldMirror, drifted, edited
from connector.sync.plan import batches
from connector.sync.project import OFFERS, Projection
from connector.sync.rules import SiteRules
from connector.target import Target
from connector.truth import TruthReader, Truths, end_holds, known_of

PICTURES_AT_ONCE = 100


@dataclass(slots=True)
class Report:
    """What a reconcile found. Counts are of products."""

    backend: int = 0
    """Products of the backend that belong on the site."""
    site: int = 0
    """Products that the site has on sale."""
    equal: int = 0
    """Products of the backend with nothing to repair on either side."""
    changed: int = 0
    """Known at the site, but not as the backend now has them."""
    missing: int = 0
    """Belong on the site, but are not there."""
    surplus: int = 0
    """On the site, but do not belong there."""
    drifted: int = 0
    """Changed at the site behind the connector's back."""
    rejected: int = 0
    """Cannot be shown as the backend has them."""
    backend_checksum: str = ""
    site_checksum: str = ""
    """Over ids and hashes, each side as it was read; for comparing one run with the next."""
    marked: set[Subject] = field(default_factory=set)
    unshown: set[Subject] = field(default_factory=set)
    """Named by the backend, but rejected: not among its products here."""

    def counts(self) -> dict[str, int]:
        return {
            "backend": self.backend,
            "site": self.site,
            "equal": self.equal,
            "changed": self.changed,
            "missing": self.missing,
            "surplus": self.surplus,
            "drifted": self.drifted,
            "rejected": self.rejected,
        }

    def sentence(self) -> str:
        found = self.changed + self.missing + self.surplus + self.drifted
        if not found:
            return f"all {self.backend} products are on the site as they should be"
        return (
            f"{self.equal} of {self.backend} products equal; {self.changed} changed,"
            f" {self.missing} missing, {self.surplus} surplus, {self.drifted} altered at the site:"
            " all of them are due for repair"
        )


class Reconciliation:
    """One comparison of one site with its backend."""

    def __init__(
        self,
        database: Database,
        target: Target,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
        rest: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`rest` is called after every page of either side, with how many products of it belong on
        the site."""
        self._database = database
        self._target = target
        self._clock = clock
        self._wake = wake
        self._rest = rest
        self._reader = TruthReader(database, target, clock)
        self._backend_round = f"reconcile-backend:{target.name}"
        self._site_round = f"reconcile-site:{target.name}"
        self._report = Report()
        self._lock = threading.Lock()
        self._sums = {"backend": 0, "site": 0}

    def run(self, why: Why) -> Report:
        """Read both sides, mark what differs.

        Raises what either listing raises; whatever was marked by then stays marked, and nothing is
        concluded from what was not listed.
        """
        with self._database.read() as connection:
            rounds = {
                name: signals.next_round(connection, self._target.backend, name)
                for name in (self._backend_round, self._site_round)
            }
        began = self._clock.now()
        self._pictures()
        self._categories(why)
        self._read_both(rounds, why)
        self._missing(rounds[self._site_round], began, why)
        self._surplus(rounds[self._backend_round], why)
        self._report.equal = self._report.backend - self._differing_products()
        self._report.backend_checksum = f"{self._sums['backend']:016x}"
        self._report.site_checksum = f"{self._sums['site']:016x}"
        self._wake()
        return self._report

    def _read_both(self, rounds: Mapping[str, int], why: Why) -> None:
        with ThreadPoolExecutor(1, f"reconcile-{self._target.name}") as pool:
            site_side = pool.submit(self._read_site, rounds[self._site_round], why)
            self._read_backend(rounds[self._backend_round], why)
            site_side.result()

    def _read_backend(self, number: int, why: Why) -> None:
        with blaming(targets.backend_target(self._target.backend)):
            for fetched in one_ahead(self._target.catalogue.products()):
                truths = Truths()
                self._reader.project(fetched, truths)
                self._backend_page(truths, number, why)
                self._rest(sum(isinstance(each, Projection) for each in truths.shown.values()))

    def _read_site(self, number: int, why: Why) -> None:
        with blaming(targets.site_target(self._target.name)):
            asked_at = self._clock.now()
            for page in self._target.site.inventory(SubjectKind.PRODUCT):
                self._site_page(page, number, asked_at, why)
                self._rest(sum(not held.retired for held in page))
                asked_at = self._clock.now()

    # ---- pictures ----

    def _pictures(self) -> None:
        """Doubt those that the site has lost (deleted there, or put back from a backup): they are
        brought again, and pages that show them follow. Not in plain mode, where each is a request
        of its own."""
        site, target = self._target.name, self._target
        if not target.rules.media or not target.capabilities.own_offers:
            return
        with self._database.read() as connection:
            known = pictures.placed(connection, site)
        lost: list[str] = []
        with blaming(targets.site_target(site)):
            for some in batches(sorted(known), PICTURES_AT_ONCE):
                held = target.site.find_media(some)
                lost += [
                    each for each in some if each not in held or held[each].cms_id != known[each]
                ]
        if lost:
            with self._database.write() as connection:
                pictures.doubt(connection, site, lost)

    # ---- categories ----

    def _categories(self, why: Why) -> None:
        """Make due the categories that the site lost, or shows otherwise than the backend."""
        site, tree = self._target.name, self._reader.tree(fresh=True)
        with blaming(targets.site_target(site)):
            pages = self._target.site.inventory(SubjectKind.CATEGORY)
            held = {each.subject: each for page in pages for each in page if each.cms_id}
        with self._database.write() as connection:
            known = mirror.load_bindings(connection, site, list(held))
            for subject, each in held.items():
                self._rebind(connection, each, known.get(subject), self._clock.now())
            placed = [
                subject
                for page in mirror.bound(connection, site, SubjectKind.CATEGORY)
                for subject in page
            ]
        lost = [subject for subject in placed if subject not in held]
        named = [Subject(SubjectKind.CATEGORY, identity) for identity in tree]
        with self._database.write() as connection:
            mirror.forget_mirror(connection, site, lost, [Lane.CONTENT])
            differ = self._differing(connection, sorted({*placed, *named}), tree)
            due = [Due(site, Lane.CONTENT, subject) for subject in differ]
            todo.mark(connection, due, priority=Priority.TERM, now=self._clock.now(), why=why)

    def _differing(
        self, connection: Connection, subjects: Sequence[Subject], tree: Tree
    ) -> list[Subject]:
        site = self._target.name
        confirmed = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
        bound = mirror.load_bindings(connection, site, subjects)
        differ: list[Subject] = []
        for subject in subjects:
            known = known_of(bound.get(subject), confirmed.get(subject))
            try:
                truth = term_truth(subject, tree, self._target.rules)
            except Rejected:
                continue
            if not isinstance(decide_term(truth, known), Nothing):
                differ.append(subject)
        return differ

    # ---- the backend's side ----

    def _backend_page(self, truths: Truths, number: int, why: Why) -> None:
        shown = {s: t for s, t in truths.shown.items() if not isinstance(t, Absent)}
        subjects, site = sorted(shown), self._target.name
        with self._database.read() as connection:
            offers = mirror.load_mirror(connection, site, Lane.OFFERS, subjects)
            content = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
            bound = mirror.load_bindings(connection, site, subjects)
            held = holds.load_holds(connection, site, subjects)
            own = taken.load_taken(connection, site, subjects)
        end_holds(held, truths)
        due: list[Due] = []
        fresh: set[Subject] = set()
        for subject in subjects:
            truth, page = shown[subject], content.get(subject)
            if page is None:
                fresh.add(subject)
            known = known_of(bound.get(subject), page, held.get(subject), taken=own.get(subject))
            if not isinstance(decide_content(truth, known, self._target.rules), Nothing):
                due.append(Due(site, Lane.CONTENT, subject))
            known = known_of(bound.get(subject), offers.get(subject), held.get(subject))
            if not isinstance(decide_offers(truth, known), Nothing):
                due.append(Due(site, Lane.OFFERS, subject))
        seen = [Sighting(subject, "") for subject in [*subjects, *sorted(truths.rejected)]]
        with self._database.write() as connection:
            signals.compare_sightings(
                connection, self._target.backend, self._backend_round, number, seen
            )
            self._mark(connection, due, why)
            self._mark(
                connection, [Due(site, Lane.MEDIA, each) for each in sorted(truths.pictures)], why
            )
        changed = {each.subject for each in due}
        with self._lock:
            self._report.backend += len(subjects)
            self._report.rejected += len(truths.rejected)
            news = changed - self._report.marked
            self._report.changed += len(news - fresh)
            self._report.missing += len(news & fresh)
            self._report.marked |= changed
            self._report.unshown |= truths.rejected.keys()
            for subject in subjects:
                self._sums["backend"] ^= _digest(subject, shown[subject].document.hashes)

    # ---- the site's side ----

    def _site_page(self, page: Sequence[Held], number: int, asked_at: datetime, why: Why) -> None:
        site, subjects = self._target.name, [held.subject for held in page]
        with self._database.write() as connection:
            now = self._clock.now()
            offers = mirror.load_mirror(connection, site, Lane.OFFERS, subjects)
            content = mirror.load_mirror(connection, site, Lane.CONTENT, subjects)
            bound = mirror.load_bindings(connection, site, subjects)
            own = taken.load_taken(connection, site, subjects)
            due: list[Due] = []
            for held in page:
                rows = (offers.get(held.subject), content.get(held.subject))
                if _written_between(asked_at, now, rows, bound.get(held.subject)):
                    continue
                rules = self._target.rules.of_page(taken.owners_of(own.get(held.subject)))
                due += self._compare(connection, held, offers, content, rules, now)
                self._rebind(connection, held, bound.get(held.subject), now)
            signals.compare_sightings(
                connection,
                self._target.backend,
                self._site_round,
                number,
                [Sighting(subject, "") for subject in subjects],
            )
            self._mark(connection, due, why)
            self._note_site_page(page, {each.subject for each in due}, content)
            self._mark(connection, self._words(connection, page, content), why)

    def _words(
        self, connection: Connection, page: Sequence[Held], content: Mapping[Subject, MirrorRow]
    ) -> list[Due]:
        """Pages whose words have to go back to the backend, though no event told of it."""
        rules, site = self._target.rules, self._target.name
        if not rules.writes_back:
            return []
        known = words.load(connection, site, [held.subject for held in page])
        return [
            Due(site, Lane.WORDS, held.subject)
            for held in page
            if held.live and held.subject in content
            for back in [known.get(held.subject, {})]
            if any(
                name not in back or back[name].stored != held.hashes.get(name)
                for name in edited(content[held.subject].fields, held.hashes, rules)
            )
        ]

    def _note_site_page(
        self, page: Sequence[Held], due: set[Subject], content: Mapping[Subject, MirrorRow]
    ) -> None:
        """Before the commit, after which the backend's side finds the same differences again."""
        with self._lock:
            self._report.site += sum(1 for held in page if not held.retired)
            fresh = due - self._report.marked
            lost = {held.subject for held in page if not held.cms_id and held.subject in content}
            self._report.drifted += len(fresh - lost)
            self._report.missing += len(fresh & lost)
            self._report.marked |= fresh
            for held in page:
                self._sums["site"] ^= _digest(held.subject, held.hashes)

    def _compare(
        self,
        connection: Connection,
        held: Held,
        offers: Mapping[Subject, MirrorRow],
        content: Mapping[Subject, MirrorRow],
        rules: SiteRules,
        now: datetime,
    ) -> list[Due]:
        """What of this page is no longer as the site confirmed it. The mirror forgets just that."""
        site, subject, due = self._target.name, held.subject, []
        shown, page = offers.get(subject), content.get(subject)
        if shown is None and (stray := held.hashes.get(OFFERS)):
            fields = {OFFERS: FieldMirror(FieldHash(""), stray)}
            mirror.save_mirror(connection, [MirrorRow(site, Lane.OFFERS, subject, fields, "", now)])
            due.append(Due(site, Lane.OFFERS, subject))
        elif shown is not None and shown.fields[OFFERS].stored != held.hashes.get(OFFERS, ""):
            mirror.forget_mirror(connection, site, [subject], [Lane.OFFERS])
            due.append(Due(site, Lane.OFFERS, subject))
        if page is not None and not held.cms_id:
            mirror.forget_mirror(connection, site, [subject], [Lane.CONTENT])
            due.append(Due(site, Lane.CONTENT, subject))
        elif page is not None and (names := drifted(page.fields, held.hashes, rules)):
            fields = dict(page.fields)
            for name in names:
                fields[name] = FieldMirror(FieldHash(""), fields[name].stored)
            mirror.save_mirror(
                connection, [MirrorRow(site, Lane.CONTENT, subject, fields, page.fence, now)]
            )
            due.append(Due(site, Lane.CONTENT, subject))
        return due

    def _rebind(
        self, connection: Connection, held: Held, binding: Binding | None, now: datetime
    ) -> None:
        """The site knows best where the page is and whether we took it off sale."""
        if not held.cms_id:
            return
        retired = binding is not None and binding.retired_at is not None
        if binding is None or binding.cms_id != held.cms_id or retired != held.retired:
            since = now if held.retired else None
            row = Binding(self._target.name, held.subject, held.cms_id, held.url, since)
            mirror.bind(connection, [row], now)

    # ---- what only one side has ----

    def _missing(self, number: int, began: datetime, why: Why) -> None:
        """Subjects that the site had confirmed when this began, and does not hold now."""
        site = self._target.name
        self._forget_unseen(self._site_round, number)
        with self._database.read() as connection:
            missing = [
                subject
                for page in mirror.mirrored(
                    connection, site, SubjectKind.PRODUCT, Lane.CONTENT, before=began
                )
                for subject in self._unseen(connection, self._site_round, page)
            ]
        with self._database.write() as connection:
            mirror.forget_mirror(connection, site, missing, EVERY_LANE)
            self._mark(connection, _every_lane(self._target, missing), why)
        self._report.missing += len(set(missing) - self._report.marked)
        self._report.marked |= set(missing)

    def _surplus(self, number: int, why: Why) -> None:
        """Subjects on sale at the site, or offered there without a page, that the backend's
        complete listing did not name."""
        site, kind = self._target.name, SubjectKind.PRODUCT
        self._forget_unseen(self._backend_round, number)
        with self._database.read() as connection:
            on_sale = mirror.bound(connection, site, kind)
            offered = mirror.mirrored(connection, site, kind, Lane.OFFERS)
            surplus = {subject for page in on_sale for subject in self._unbacked(connection, page)}
            rest = {subject for page in offered for subject in self._unbacked(connection, page)}
            rows = mirror.load_mirror(connection, site, Lane.OFFERS, sorted(rest))
            kept = holds.load_holds(connection, site, sorted(surplus))
        surplus |= {subject for subject, row in rows.items() if row.shown}
        surplus -= {subject for subject, held in kept.items() if PAGE in held}
        with self._database.write() as connection:
            self._mark(connection, _every_lane(self._target, sorted(surplus)), why)
        self._report.surplus = len(surplus)

    def _differing_products(self) -> int:
        """How many of the backend's products have something to repair, on whichever side."""
        marked = sorted(self._report.marked - self._report.unshown)
        with self._database.read() as connection:
            return len(signals.seen(connection, self._target.backend, self._backend_round, marked))

    def _unbacked(self, connection: Connection, page: Sequence[Subject]) -> list[Subject]:
        return self._unseen(connection, self._backend_round, page)

    def _forget_unseen(self, sweep: str, number: int) -> None:
        with self._database.write() as connection:
            signals.vanished(connection, self._target.backend, sweep, number)

    def _unseen(self, connection: Connection, sweep: str, page: Sequence[Subject]) -> list[Subject]:
        seen = signals.seen(connection, self._target.backend, sweep, page)
        return [subject for subject in page if subject not in seen]

    def _mark(self, connection: Connection, due: Iterable[Due], why: Why) -> None:
        todo.mark(connection, due, priority=Priority.REPAIR, now=self._clock.now(), why=why)


def _written_between(
    asked_at: datetime, now: datetime, rows: Iterable[MirrorRow | None], binding: Binding | None
) -> bool:
    """Whether the site has confirmed something after it was asked what it holds. (What was
    confirmed later than now was so before the machine's clock was set back.)"""
    times = [row.confirmed_at for row in rows if row is not None]
    if binding is not None and binding.retired_at is not None:
        times.append(binding.retired_at)
    return any(asked_at < moment <= now for moment in times)


def _every_lane(target: Target, subjects: Iterable[Subject]) -> list[Due]:
    return [
        Due(target.name, lane, subject)
        for subject in subjects
        for lane in sorted(lanes_of(subject))
    ]


def _digest(subject: Subject, fields: Mapping[FieldName, FieldHash]) -> int:
    text = subject.id + "".join(f"{name}={fields[name]};" for name in sorted(fields))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def reconcile(
    database: Database,
    target: Target,
    clock: Clock,
    asked_by: str,
    wake: Callable[[], None] = lambda: None,
    rest: Callable[[int], None] = lambda _: None,
) -> tuple[str, Report]:
    """One reconcile as a run. Answers the run's id and what was found; raises after noting why."""
    now = clock.now()
    with database.write() as connection:
        run_id = runs.start_run(connection, "reconcile", target.name, asked_by, now)
    work = Reconciliation(database, target, clock, wake, rest)
    try:
        report = work.run(Why(run_id, f"reconcile {run_id}", run_id))
    except ConnectorError as error:
        outcome = "stopped" if isinstance(error, SafetyStop) else "failed"
        with database.write() as connection:
            runs.end_run(
                connection,
                run_id,
                outcome=outcome,
                counts={},
                message=error.message,
                now=clock.now(),
            )
        raise
    with database.write() as connection:
        runs.end_run(
            connection,
            run_id,
            outcome="done",
            counts=report.counts(),
            message=report.sentence(),
            now=clock.now(),
        )
        name = f"reconcile:{target.name}"
        signals.move_cursor(connection, target.backend, name, run_id, clock.now())
    return run_id, report
