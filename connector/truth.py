"""What the backend says of products now, held against one site's rules.

Reads the backend and what the state knows of pictures and categories; decides nothing and writes
nothing. A product that cannot be mapped or shown is rejected alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from connector.errors import ConnectorError, Rejected, TryAgain, blaming
from connector.model import (
    Category,
    CategoryId,
    CmsId,
    FieldHash,
    FieldName,
    Product,
    ProductId,
    SiteName,
    Subject,
    SubjectKind,
    hash_value,
)
from connector.ports import Clock, Fetched, StoredDocument
from connector.state import mirror, pictures
from connector.state.database import Database
from connector.state.holds import HeldField
from connector.state.mirror import Binding, MirrorRow
from connector.state.parking import parked_subjects
from connector.state.pictures import Picture
from connector.state.taken import Taken, owners_of
from connector.state.targets import backend_target
from connector.state.words import WrittenBack
from connector.sync.decide import Absent, Known
from connector.sync.diff import over
from connector.sync.edits import Rulings, Stored, StoredField
from connector.sync.merge import UNKNOWN
from connector.sync.plan import batches, by_failures
from connector.sync.project import Projection, project
from connector.sync.selection import exclusion
from connector.target import Target

TREE_SECONDS = 15.0
"""How long a category tree read for selection is used again."""


@dataclass(slots=True)
class Truths:
    """Each subject asked for stands in `shown` or `rejected`."""

    shown: dict[Subject, Projection | Absent] = field(default_factory=dict)
    rejected: dict[Subject, ConnectorError] = field(default_factory=dict)
    """Those that failed, each for itself."""
    products: dict[Subject, Product] = field(default_factory=dict)
    waiting: dict[Subject, tuple[Subject, ...]] = field(default_factory=dict)
    """Products with the categories that the site has never been told of."""
    pictures: dict[Subject, tuple[str, ...]] = field(default_factory=dict)
    """Addresses of a product's pictures that the site does not have yet."""


class TruthReader:
    """Reads for one target. May be shared by threads."""

    def __init__(self, database: Database, target: Target, clock: Clock) -> None:
        self._database = database
        self._target = target
        self._clock = clock
        self._tree: tuple[datetime, Mapping[CategoryId, Category]] | None = None

    def products(
        self, subjects: Iterable[Subject], failures: Mapping[Subject, int] | None = None
    ) -> Truths:
        """Fetch and project these products. `failures`: how often it went wrong before."""
        truths, failed = Truths(), failures or {}
        size = self._target.catalogue.capabilities.fetch_size
        for share, limit in by_failures(subjects, size, lambda each: failed.get(each, 0)):
            for batch in batches(share, limit):
                self._fetch(batch, truths)
        return truths

    def _fetch(self, batch: Sequence[Subject], truths: Truths) -> None:
        """Where the backend is well but fails at these, they fail and the others go on; where it
        refuses them, whoever of them is at fault."""
        catalogue = self._target.catalogue
        with blaming(backend_target(self._target.backend)):
            try:
                fetched = catalogue.fetch([ProductId(subject.id) for subject in batch])
            except TryAgain as error:
                if error.retry_after_seconds is not None:
                    raise
                catalogue.check()
                truths.rejected |= dict.fromkeys(batch, error)
                return
            except Rejected as error:
                catalogue.check()
                if len(batch) == 1:
                    truths.rejected[batch[0]] = error
                    return
                for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                    self._fetch(half, truths)
                return
        self.project(fetched, truths)

    def project(self, fetched: Fetched, truths: Truths) -> None:
        """Add what was fetched to the truths."""
        products = {Subject(SubjectKind.PRODUCT, key): p for key, p in fetched.products.items()}
        truths.products |= products
        for identity in fetched.gone:
            gone = Absent("the backend no longer has it")
            truths.shown[Subject(SubjectKind.PRODUCT, identity)] = gone
        for identity, error in fetched.rejected.items():
            truths.rejected[Subject(SubjectKind.PRODUCT, identity)] = error
        known, placed = self._known(products.values())
        held = {url: found.cms_id for url, found in known.items() if found.cms_id}
        for subject, product in products.items():
            if reason := self._exclusion(product):
                truths.shown[subject] = Absent(reason)
                continue
            missing, shown = _place(product, placed)
            if missing:
                truths.waiting[subject] = missing
            if due := self._pictures_due(product, known):
                truths.pictures[subject] = due
            self._project_one(subject, replace(product, categories=shown), held, truths)

    def tree(self, *, fresh: bool = False) -> Mapping[CategoryId, Category]:
        """The backend's categories by id, at most TREE_SECONDS old."""
        now, tree = self._clock.now(), self._tree
        if fresh or tree is None or now - tree[0] > timedelta(seconds=TREE_SECONDS):
            with blaming(backend_target(self._target.backend)):
                tree = (now, {c.id: c for c in self._target.catalogue.categories()})
            self._tree = tree
        return tree[1]

    def _exclusion(self, product: Product) -> str | None:
        selection = self._target.rules.selection
        needs_tree = bool(selection.categories or selection.exclude_categories)
        return exclusion(product, selection, self.tree() if needs_tree else {})

    def _known(
        self, products: Iterable[Product]
    ) -> tuple[dict[str, Picture], dict[Subject, Binding]]:
        products = list(products)
        urls = sorted({media.url for product in products for media in product.media})
        named = sorted({category for product in products for category in product.categories})
        subjects = [Subject(SubjectKind.CATEGORY, category) for category in named]
        with self._database.read() as connection:
            return (
                pictures.load_pictures(connection, self._target.name, urls),
                placed_categories(connection, self._target.name, subjects),
            )

    def _pictures_due(self, product: Product, known: Mapping[str, Picture]) -> tuple[str, ...]:
        if not self._target.rules.media:
            return ()
        now = self._clock.now()
        return tuple(
            media.url
            for media in product.media
            if media.url not in known or pictures.worth_trying(known[media.url], now)
        )

    def _project_one(
        self, subject: Subject, product: Product, held: Mapping[str, CmsId], truths: Truths
    ) -> None:
        admin_url = self._target.catalogue.admin_url(product.id)
        try:
            truths.shown[subject] = project(
                product, self._target.rules, self._clock.now(), held, admin_url
            )
        except Rejected as error:
            truths.rejected[subject] = error


def placed_categories(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, Binding]:
    """Those of these categories that need no waiting for: the site knows them, or they are parked
    until somebody helps, and nothing is shown of them."""
    parked = parked_subjects(connection, site, SubjectKind.CATEGORY)
    long_ago = datetime.fromtimestamp(0, UTC)
    unplaced = {
        subject: Binding(site, subject, None, None, retired_at=long_ago)
        for subject in subjects
        if subject in parked
    }
    return unplaced | mirror.load_bindings(connection, site, subjects)


def _place(
    product: Product, placed: Mapping[Subject, Binding]
) -> tuple[tuple[Subject, ...], tuple[CategoryId, ...]]:
    """The product's categories that the site was never told of, and those that it shows."""
    above = [Subject(SubjectKind.CATEGORY, category) for category in product.categories]
    missing = tuple(each for each in above if each not in placed)
    shown = [each for each in above if each in placed and placed[each].retired_at is None]
    return missing, tuple(CategoryId(each.id) for each in shown)


def known_of(
    binding: Binding | None,
    row: MirrorRow | None,
    held: Mapping[FieldName, HeldField] | None = None,
    rulings: Rulings | None = None,
    taken: Taken | None = None,
    *,
    unsure: bool = False,
) -> Known:
    """What the state knows of a subject at a site, as the decisions take it."""
    return Known(
        bound=binding is not None and binding.cms_id is not None,
        retired=binding is not None and binding.retired_at is not None,
        mirror=row.fields if row else None,
        holds={name: each.hold for name, each in (held or {}).items()},
        rulings=rulings or {},
        owners=owners_of(taken),
        unsure=unsure,
    )


def stored_fields(
    document: StoredDocument,
    fence: int = 0,
    back: Mapping[FieldName, WrittenBack] | None = None,
) -> Stored:
    """What a site holds of a page, as the decisions take it. `back`: what was written back of it
    since the page last took in something; a claim with this fence may know less."""
    bases = {name: hash_value(base) for name, base in document.bases.items()}
    back = back or {}
    given = {n: each for n, each in back.items() if each.base and each.base == bases.get(n)}
    sent = {n: each.sent for n, each in back.items() if each.sent_base == bases.get(n)}
    return {
        name: StoredField(
            value=document.values.get(name),
            hash=mark,
            noted=document.noted.get(name, FieldHash("")),
            base=document.bases.get(name, UNKNOWN),
            given=given[name].value if name in given else UNKNOWN,
            given_before=name in given and given[name].fence < fence,
            sent=sent.get(name, ()),
        )
        for name, mark in document.hashes.items()
        if mark
    }


def end_holds(
    held: dict[Subject, dict[FieldName, HeldField]], truths: Truths
) -> list[tuple[Subject, FieldName]]:
    """Take out the holds that are over, and say which they were."""
    ended: list[tuple[Subject, FieldName]] = []
    for subject, fields in held.items():
        truth = truths.shown[subject]
        document = truth.document if isinstance(truth, Projection) else None
        for name in over({n: each.hold for n, each in fields.items()}, document):
            del fields[name]
            ended.append((subject, name))
    return ended
