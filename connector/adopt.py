"""`connector adopt SITE`: let pages that a site already has show the backend's products.

The plan is shown first. An adopted page keeps its words, as an editor's, until the backend changes
them; price, stock and the other facts come in at once. A product that could be several pages is
held back and parked, so that no page is ever made twice. The site refuses what would bind a page or
a product twice, whoever was faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from connector.errors import ConnectorError, Rejected, blaming
from connector.model import (
    CmsId,
    FieldHash,
    FieldName,
    Lane,
    ProductId,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import Adopting, AdoptWrite, Candidate, Clock, Fence, Outcome, Receipt
from connector.state import holds, leases, mirror, parking, runs, targets, todo
from connector.state.database import Database
from connector.state.holds import HeldField
from connector.state.mirror import Binding, MirrorRow
from connector.state.todo import Due, Priority, Why
from connector.sync.adopt import Ambiguous, Key, Pair, Plan, Wanted, match
from connector.sync.diff import PAGE, PRESENT, RETIRED, FieldMirror, Hold
from connector.sync.plan import batches
from connector.sync.project import Projection
from connector.sync.selection import exclusion
from connector.target import Target
from connector.truth import TruthReader

LANES = (Lane.OFFERS, Lane.CONTENT, Lane.MEDIA)


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of it."""

    run_id: str
    pages: int
    refused: tuple[str, ...]
    ambiguous: int

    def sentence(self) -> str:
        text = f"{self.pages} pages adopted, {self.ambiguous} products held back as ambiguous"
        return text + (f", {len(self.refused)} refused" if self.refused else "")


def plan(
    database: Database,
    target: Target,
    clock: Clock,
    keys: Sequence[Key],
    types: Sequence[str],
    named: Mapping[ProductId, CmsId],
) -> Plan:
    """What would be adopted. `named`: pairs that a person has decided. Writes nothing."""
    site = _adopting(target)
    with blaming(targets.site_target(target.name)):
        pages = [page for some in site.candidates(types) for page in some]
    products = list(_products(database, target, clock))
    decided = [_decided(products, pages, *each) for each in named.items()]
    rest = [each for each in products if each.id not in named]
    free = [page for page in pages if page.cms_id not in named.values()]
    found = match(rest, free, keys)
    found.pairs += decided
    return found


def _adopting(target: Target) -> Adopting:
    site = target.site
    if not target.capabilities.adopts or not isinstance(site, Adopting):
        raise Rejected(f"{target.name} cannot adopt pages; that needs our plugin or module")
    return site


def _decided(
    products: Sequence[Wanted], pages: Sequence[Candidate], product: ProductId, cms_id: CmsId
) -> Pair:
    wanted = next((each for each in products if each.id == product), None)
    page = next((each for each in pages if each.cms_id == cms_id), None)
    if wanted is None:
        raise Rejected(f"{product} is no product that still needs a page on this site")
    if page is None:
        raise Rejected(f"{cms_id} is no page that can be adopted; name its type with --type")
    return Pair(wanted, page, "named")


def _products(database: Database, target: Target, clock: Clock) -> Iterator[Wanted]:
    """The backend's products that belong on the site and have no page there."""
    reader, chosen = TruthReader(database, target, clock), target.rules.selection
    tree = reader.tree() if chosen.categories or chosen.exclude_categories else {}
    with blaming(targets.backend_target(target.backend)):
        for fetched in target.catalogue.products():
            subjects = [Subject(SubjectKind.PRODUCT, each) for each in fetched.products]
            with database.read() as connection:
                bound = mirror.load_bindings(connection, target.name, subjects)
            for identity, product in fetched.products.items():
                here = Subject(SubjectKind.PRODUCT, identity) in bound
                if here or exclusion(product, chosen, tree):
                    continue
                skus = frozenset(variant.sku for variant in product.variants if variant.sku)
                title = product.texts[product.default_locale].title
                yield Wanted(identity, product.handle, skus, title)


def carry_out(
    database: Database, target: Target, clock: Clock, chosen: Plan, asked_by: str
) -> Adopted:
    """Adopt what is paired, hold back what is ambiguous, make both known; a run of its own."""
    site = _adopting(target)
    with database.write() as connection:
        run_id = runs.start_run(connection, "adopt", target.name, asked_by, clock.now())
        _hold_back(connection, target, chosen.ambiguous, run_id, asked_by, clock)
    refused: list[str] = []
    pages = 0
    try:
        for batch in batches(chosen.pairs, target.capabilities.documents_per_request):
            done, said = _adopt(database, target, clock, site, batch, run_id)
            pages += done
            refused += said
    except ConnectorError as error:
        message = f"broken off after {pages} pages, begin it again: {error.message}"
        with database.write() as connection:
            counts, now = {"pages": pages, "refused": len(refused)}, clock.now()
            runs.end_run(
                connection, run_id, outcome="failed", counts=counts, message=message, now=now
            )
        raise
    adopted = Adopted(run_id, pages, tuple(refused), len(chosen.ambiguous))
    with database.write() as connection:
        runs.end_run(
            connection,
            run_id,
            outcome="parked" if refused or chosen.ambiguous else "done",
            counts={"pages": pages, "refused": len(refused), "ambiguous": adopted.ambiguous},
            message=adopted.sentence(),
            now=clock.now(),
        )
    return adopted


def _adopt(
    database: Database,
    target: Target,
    clock: Clock,
    site: Adopting,
    batch: Sequence[Pair],
    run_id: str,
) -> tuple[int, list[str]]:
    with database.write() as connection:
        epoch, sequence = targets.read_epoch(connection), leases.next_fence(connection)
    fence = Fence(epoch, sequence)
    writes = [
        AdoptWrite(subject, fence, f"{fence}.adopt.{subject.id}", pair.page.cms_id)
        for pair in batch
        for subject in [Subject(SubjectKind.PRODUCT, pair.product.id)]
    ]
    with blaming(targets.site_target(target.name)):
        receipts = site.adopt(writes)
    done = [each for each in receipts if each.outcome is Outcome.DONE]
    _keep(database, target, clock, done, run_id)
    refused = [f"{r.subject}: {r.message}" for r in receipts if r.outcome is not Outcome.DONE]
    return len(done), refused


def _keep(
    database: Database, target: Target, clock: Clock, done: Sequence[Receipt], run_id: str
) -> None:
    """Bindings, and a mirror in which the page's words are an editor's."""
    subjects = [receipt.subject for receipt in done]
    truths = TruthReader(database, target, clock).products(subjects)
    now, site = clock.now(), target.name
    rows = [
        MirrorRow(site, Lane.CONTENT, subject, _editors(shown, target), "", now)
        for subject in subjects
        if isinstance(shown := truths.shown.get(subject), Projection)
    ]
    with database.write() as connection:
        mirror.bind(connection, [Binding(site, r.subject, r.cms_id, r.url) for r in done], now)
        mirror.save_mirror(connection, rows)
        holds.end_holds(connection, site, [(subject, PAGE) for subject in subjects])
        todo.mark(
            connection,
            [Due(site, lane, subject) for subject in subjects for lane in LANES],
            priority=Priority.BULK,
            now=now,
            why=Why(run_id, "the page was adopted", run_id),
        )


def _editors(shown: Projection, target: Target) -> dict[FieldName, FieldMirror]:
    return {
        name: FieldMirror(hash_value(value), FieldHash(""), kept=True)
        for name, value in shown.document.fields.items()
        if target.rules.owner(name).merges
    }


def _hold_back(
    connection: Connection,
    target: Target,
    ambiguous: Sequence[Ambiguous],
    run_id: str,
    asked_by: str,
    clock: Clock,
) -> None:
    """No page is made for these until a person has said which one is theirs."""
    now = clock.now()
    held = Hold(RETIRED, PRESENT, FieldHash(""), restored=True)
    for each in ambiguous:
        subject = Subject(SubjectKind.PRODUCT, each.product.id)
        row = HeldField(target.name, subject, PAGE, held, run_id, asked_by, now, FieldHash(""))
        holds.hold(connection, [row])
        parking.put(
            connection,
            (target.name, Lane.CONTENT, subject),
            reason=_reason(target, each),
            error="Ambiguous",
            now=now,
            run_id=run_id,
            trace_id=run_id,
        )


def _reason(target: Target, each: Ambiguous) -> str:
    pages = ", ".join(page.cms_id for page in each.pages)
    name = each.product.id
    return (
        f"by its {each.by} the product {name} could be the page {pages} of {target.name}, and more"
        " than one product or page fits. Say which one it is:"
        f" `connector adopt {target.name} --pair {name}=PAGE`; or let a new page be made:"
        f" `connector holds release {name}`"
    )
