"""`connector db rebuild`: with the state lost, learn from the sites what they have.

Each site tells its pages, what it stores, what that came from and what it noted of our last write;
from that come bindings and mirror. Its fences are of the lost state, so that a new epoch begins
above them. Nothing is written to the site here: prices are sent again, pictures are found again by
their bytes, and then a reconcile compares everything, as after a first import. An editor's words
are told apart by the site's own note, so that none is overwritten; fields that they took over
are known from what the site was told to show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.detect import Detector
from connector.errors import ConnectorError, Rejected, blaming
from connector.model import FieldHash, FieldName, Lane, SiteName, SubjectKind, hash_value
from connector.ports import Clock, Held, StoredDocument
from connector.state import mirror, runs, taken, targets, todo
from connector.state.database import Database
from connector.state.mirror import Binding, MirrorRow
from connector.state.taken import TakenField
from connector.state.todo import Due, Priority, Why
from connector.sync.diff import FieldMirror
from connector.sync.owners import takes
from connector.sync.rules import SiteRules
from connector.target import Target


@dataclass(slots=True)
class Rebuilt:
    """What was learned of a site."""

    run_id: str
    products: int = 0
    categories: int = 0
    documents: int = 0
    """Products whose stored values and their bases are known again."""
    edited: int = 0
    """Fields that hold an editor's words."""
    taken: int = 0
    """Fields that editors had taken over."""

    def sentence(self) -> str:
        return (
            f"{self.products} products and {self.categories} categories known again,"
            f" {self.documents} of them with all their fields, {self.edited} fields of editors"
            f" kept, {self.taken} fields taken over as before"
        )


def rebuild(
    database: Database, target: Target, detector: Detector, clock: Clock, asked_by: str
) -> Rebuilt:
    """Learn one site. Raises Rejected where the state knows it, and what the site raises: then it
    can be begun again."""
    site, now = target.name, clock.now()
    with database.read() as connection:
        known = next(mirror.bound(connection, site, SubjectKind.PRODUCT), None)
        if known and site not in detector.new_sites():
            raise Rejected(
                f"the state knows pages of {site}: there is nothing to rebuild. `connector"
                " reconcile` compares it with the site; to begin anew, move the state's file away"
            )
    if detector.cursor() is None:
        detector.poll()
    with database.write() as connection:
        run_id = runs.start_run(connection, "rebuild", site, asked_by, now)
    learned = Rebuilt(run_id)
    try:
        with blaming(targets.site_target(site)):
            for kind in (SubjectKind.CATEGORY, SubjectKind.PRODUCT):
                for page in target.site.inventory(kind):
                    _learn(database, target, clock, [held for held in page if held.cms_id], learned)
    except ConnectorError as error:
        message = f"broken off, begin it again: {error.message}"
        _end(database, clock, learned, "failed", message)
        raise
    detector.imported([site])
    _end(database, clock, learned, "done", learned.sentence())
    return learned


def _end(database: Database, clock: Clock, learned: Rebuilt, outcome: str, message: str) -> None:
    with database.write() as connection:
        runs.end_run(
            connection,
            learned.run_id,
            outcome=outcome,
            counts={"products": learned.products, "categories": learned.categories},
            message=message,
            now=clock.now(),
        )


def _learn(
    database: Database, target: Target, clock: Clock, page: Sequence[Held], learned: Rebuilt
) -> None:
    site, now = target.name, clock.now()
    products = [held for held in page if held.subject.kind is SubjectKind.PRODUCT]
    documents = list(_documents(target, products))
    rows = {each.subject: fields_of(each, target.rules) for each in documents}
    theirs = [one for each in documents for one in taken_of(each, site, learned.run_id)]
    with database.write() as connection:
        mirror.bind(
            connection,
            [Binding(site, h.subject, h.cms_id, h.url, now if h.retired else None) for h in page],
            now,
        )
        mirror.save_mirror(
            connection,
            [MirrorRow(site, Lane.CONTENT, s, dict(f), "", now) for s, f in rows.items()],
        )
        for one in theirs:
            taken.take(connection, one)
        todo.mark(
            connection,
            _due(target, products),
            priority=Priority.BULK,
            now=now,
            why=Why(learned.run_id, "the state was rebuilt", learned.run_id),
        )
    learned.products += len(products)
    learned.categories += len(page) - len(products)
    learned.documents += len(rows)
    learned.taken += len(theirs)
    learned.edited += sum(field.kept for fields in rows.values() for field in fields.values())


def _documents(target: Target, products: Sequence[Held]) -> Iterator[StoredDocument]:
    size = target.capabilities.documents_per_request
    ids = [held.subject.id for held in products]
    for start in range(0, len(ids), size):
        yield from target.site.documents(SubjectKind.PRODUCT, ids[start : start + size])


def _due(target: Target, products: Iterable[Held]) -> list[Due]:
    """Prices are sent again; pictures are looked for, before any page is compared."""
    lanes = (Lane.OFFERS, Lane.MEDIA) if target.rules.media else (Lane.OFFERS,)
    on_sale = [held.subject for held in products if not held.retired]
    return [Due(target.name, lane, subject) for subject in on_sale for lane in lanes]


def fields_of(document: StoredDocument, rules: SiteRules) -> Mapping[FieldName, FieldMirror]:
    """The mirror of a page as the site tells it. Pure.

    What a field came from was sent; what the site noted of our write was stored. Where it stores
    something else, or noted that an editor's words are in it, the field is an editor's.
    """
    return {
        name: FieldMirror(hash_value(base), noted, kept=_is_edited(document, name, noted, rules))
        for name, base in document.bases.items()
        if (noted := document.noted.get(name)) is not None
    }


def taken_of(document: StoredDocument, site: SiteName, run_id: str) -> list[TakenField]:
    """The fields of a page that editors had taken over, as its panel shows them. Pure.

    One that was being given back is not among them: it is the backend's, or merged, as usual.
    """
    found = []
    fields = document.note.get("fields")
    for name, told in fields.items() if isinstance(fields, dict) else ():
        match told:
            case {"state": "taken", "by": str(by), "at": str(at)} if takes(name):
                row = TakenField(site, document.subject, FieldName(name), by, run_id, _moment(at))
                found.append(row)
    return found


def _moment(text: str) -> datetime:
    """A moment as notes say it; where it is none, long ago."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_edited(
    document: StoredDocument, name: FieldName, noted: FieldHash, rules: SiteRules
) -> bool:
    if not noted:
        return True
    return rules.owner(name).merges and document.hashes.get(name) != noted
