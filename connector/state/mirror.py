"""What each site confirmed: the mirror, the bindings (backend id to CMS id) and the SKU index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from connector.model import (
    BackendName,
    CmsId,
    FieldHash,
    FieldName,
    Lane,
    Product,
    ProductId,
    SiteName,
    Subject,
    SubjectKind,
)
from connector.state.database import insert
from connector.state.tables import bindings, mirror, skus
from connector.sync.diff import FieldMirror, doubted

_CHUNK = 500
LONGEST_SKU = 191


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """What a site confirmed of one subject in one lane."""

    site: SiteName
    lane: Lane
    subject: Subject
    fields: Mapping[FieldName, FieldMirror]
    fence: str
    confirmed_at: datetime
    shown: Any = None
    """Offers lane: the rows as plain JSON."""


_ROW = (
    mirror.c.subject,
    mirror.c.fields,
    mirror.c.fence,
    mirror.c.confirmed_at,
    mirror.c.shown,
)


def load_mirror(
    connection: Connection, site: SiteName, lane: Lane, subjects: Sequence[Subject]
) -> dict[Subject, MirrorRow]:
    """The mirror of these subjects; those never confirmed are absent."""
    found: dict[Subject, MirrorRow] = {}
    for kind in SubjectKind:
        ids = [subject.id for subject in subjects if subject.kind is kind]
        for start in range(0, len(ids), _CHUNK):
            query = select(*_ROW).where(
                mirror.c.site == site,
                mirror.c.lane == lane.value,
                mirror.c.kind == kind.value,
                mirror.c.subject.in_(ids[start : start + _CHUNK]),
            )
            for identity, fields, fence, confirmed_at, shown in connection.execute(query):
                subject = Subject(kind, identity)
                known = {
                    name: FieldMirror(sent, stored, bool(kept))
                    for name, (sent, stored, kept) in fields.items()
                }
                found[subject] = MirrorRow(site, lane, subject, known, fence, confirmed_at, shown)
    return found


def distrust(connection: Connection, site: SiteName, lane: Lane, subject: Subject) -> None:
    """What was sent to a subject since its last receipt is not known: let nothing count as sent."""
    row = load_mirror(connection, site, lane, [subject]).get(subject)
    if row is not None:
        save_mirror(connection, [replace(row, fields=dict(doubted(row.fields) or {}))])


def unsend(
    connection: Connection, site: SiteName, subject: Subject, names: Iterable[FieldName]
) -> None:
    """Let these fields of a page not count as sent, so that they are looked at again."""
    row = load_mirror(connection, site, Lane.CONTENT, [subject]).get(subject)
    if row is not None:
        again = {
            name: replace(row.fields[name], sent=FieldHash(""))
            for name in names
            if name in row.fields
        }
        save_mirror(connection, [replace(row, fields={**row.fields, **again})])


def distrust_all(connection: Connection, page: int = 500) -> int:
    """Let nothing of the whole mirror count as sent. Answers how many rows it has."""
    count, after = 0, ("", "", "", "")
    key = tuple_(mirror.c.site, mirror.c.lane, mirror.c.kind, mirror.c.subject)
    while True:
        query = (
            select(mirror)
            .where(key > after)
            .order_by(mirror.c.site, mirror.c.lane, mirror.c.kind, mirror.c.subject)
            .limit(page)
        )
        rows = connection.execute(query).mappings().all()
        if not rows:
            return count
        for row in rows:
            fields = {name: ["", stored, kept] for name, (_, stored, kept) in row["fields"].items()}
            one = [mirror.c[name] == row[name] for name in ("site", "lane", "kind", "subject")]
            connection.execute(update(mirror).where(*one).values(fields=fields))
        count += len(rows)
        last = rows[-1]
        after = (last["site"], last["lane"], last["kind"], last["subject"])


def save_mirror(connection: Connection, rows: Sequence[MirrorRow]) -> None:
    """Keep what was confirmed, in place of what was known before."""
    if not rows:
        return
    statement = insert(connection, mirror)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site", "lane", "kind", "subject"],
            set_={
                "fields": new.fields,
                "shown": new.shown,
                "fence": new.fence,
                "confirmed_at": new.confirmed_at,
            },
        ),
        [
            {
                "site": row.site,
                "lane": row.lane.value,
                "kind": row.subject.kind.value,
                "subject": row.subject.id,
                "fields": {
                    name: [field.sent, field.stored, int(field.kept)]
                    for name, field in row.fields.items()
                },
                "shown": row.shown,
                "fence": row.fence,
                "confirmed_at": row.confirmed_at,
            }
            for row in rows
        ],
    )


def forget_mirror(
    connection: Connection, site: SiteName, subjects: Iterable[Subject], lanes: Iterable[Lane]
) -> None:
    """The site no longer holds these; whatever is wanted there is written whole again."""
    keys = [
        {"b_site": site, "b_lane": lane.value, "b_kind": subject.kind.value, "b_id": subject.id}
        for subject in subjects
        for lane in lanes
    ]
    if not keys:
        return
    connection.execute(
        delete(mirror).where(
            mirror.c.site == bindparam("b_site"),
            mirror.c.lane == bindparam("b_lane"),
            mirror.c.kind == bindparam("b_kind"),
            mirror.c.subject == bindparam("b_id"),
        ),
        keys,
    )


def mirrored(
    connection: Connection,
    site: SiteName,
    kind: SubjectKind,
    lane: Lane,
    page: int = 1000,
    before: datetime | None = None,
) -> Iterator[list[Subject]]:
    """Every subject that the site confirmed in a lane (before a moment), in pages."""
    wanted = [mirror.c.site == site, mirror.c.lane == lane.value, mirror.c.kind == kind.value]
    if before is not None:
        wanted.append(mirror.c.confirmed_at < before)
    yield from _pages(connection, mirror.c.subject, wanted, kind, page)


def _pages(
    connection: Connection,
    column: Column[str],
    wanted: Sequence[ColumnElement[bool]],
    kind: SubjectKind,
    page: int,
) -> Iterator[list[Subject]]:
    after = ""
    while True:
        query = select(column).where(*wanted, column > after).order_by(column).limit(page)
        ids = list(connection.execute(query).scalars())
        if not ids:
            return
        yield [Subject(kind, identity) for identity in ids]
        after = ids[-1]


# ---- bindings ----


@dataclass(frozen=True, slots=True)
class Binding:
    """Which page of the CMS shows which subject of the backend."""

    site: SiteName
    subject: Subject
    cms_id: CmsId | None
    url: str | None
    retired_at: datetime | None = None


def load_bindings(
    connection: Connection, site: SiteName, subjects: Sequence[Subject]
) -> dict[Subject, Binding]:
    found: dict[Subject, Binding] = {}
    for kind in SubjectKind:
        ids = [subject.id for subject in subjects if subject.kind is kind]
        for start in range(0, len(ids), _CHUNK):
            query = select(bindings).where(
                bindings.c.site == site,
                bindings.c.kind == kind.value,
                bindings.c.subject.in_(ids[start : start + _CHUNK]),
            )
            for row in connection.execute(query):
                subject = Subject(kind, row.subject)
                found[subject] = Binding(site, subject, row.cms_id, row.url, row.retired_at)
    return found


def bind(
    connection: Connection, rows: Sequence[Binding], now: datetime, *, keep_known: bool = False
) -> None:
    """Note where subjects stand at a site, and whether they are retired.

    `keep_known`: an absent CMS id or address does not erase a known one.
    """
    if not rows:
        return
    statement = insert(connection, bindings)
    new = statement.excluded
    cms_id: ColumnElement[Any] = new.cms_id
    url: ColumnElement[Any] = new.url
    if keep_known:
        cms_id = func.coalesce(new.cms_id, bindings.c.cms_id)
        url = func.coalesce(new.url, bindings.c.url)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["site", "kind", "subject"],
            set_={"cms_id": cms_id, "url": url, "retired_at": new.retired_at},
        ),
        [
            {
                "site": row.site,
                "kind": row.subject.kind.value,
                "subject": row.subject.id,
                "cms_id": row.cms_id,
                "url": row.url,
                "bound_at": now,
                "retired_at": row.retired_at,
            }
            for row in rows
        ],
    )


def count_held(connection: Connection, site: SiteName, since: datetime) -> int:
    """How many products were on sale at the site at a moment or later."""
    query = select(func.count()).where(
        bindings.c.site == site,
        bindings.c.kind == SubjectKind.PRODUCT.value,
        or_(bindings.c.retired_at.is_(None), bindings.c.retired_at >= since),
    )
    return int(connection.execute(query).scalar_one())


def taken_off_since(connection: Connection, site: SiteName, since: datetime) -> frozenset[str]:
    """Products that were taken off sale at the site since a moment: retired, or left with no
    offer."""
    retired = select(bindings.c.subject).where(
        bindings.c.site == site,
        bindings.c.kind == SubjectKind.PRODUCT.value,
        bindings.c.retired_at >= since,
    )
    emptied = select(mirror.c.subject).where(
        mirror.c.site == site,
        mirror.c.lane == Lane.OFFERS.value,
        mirror.c.confirmed_at >= since,
        cast(mirror.c.shown, Text) == "[]",
    )
    return frozenset(connection.execute(retired.union(emptied)).scalars())


def bound(
    connection: Connection, site: SiteName, kind: SubjectKind, page: int = 1000
) -> Iterator[list[Subject]]:
    """Every subject that is on sale at the site, in pages."""
    wanted = (
        bindings.c.site == site,
        bindings.c.kind == kind.value,
        bindings.c.retired_at.is_(None),
    )
    yield from _pages(connection, bindings.c.subject, wanted, kind, page)


# ---- SKUs ----


@dataclass(frozen=True, slots=True)
class KnownVariant:
    product: ProductId
    variant: str
    sku: str
    title: str


def index_skus(connection: Connection, backend: BackendName, products: Sequence[Product]) -> None:
    """Remember which product has which SKUs, as just fetched."""
    if not products:
        return
    connection.execute(
        delete(skus).where(
            skus.c.backend == backend, skus.c.product.in_([product.id for product in products])
        )
    )
    rows = [
        {
            "backend": backend,
            "variant": variant.id,
            "sku": _kept(variant.sku or "")[:LONGEST_SKU],
            "product": product.id,
            "title": _kept(product.texts[product.default_locale].title),
        }
        for product in products
        for variant in product.variants
    ]
    if rows:
        statement = insert(connection, skus)
        new = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["backend", "variant"],
                set_={"sku": new.sku, "product": new.product, "title": new.title},
            ),
            rows,
        )


def _kept(text: str) -> str:
    """What PostgreSQL keeps of a text: no NUL."""
    return text.replace("\0", "")


def find_variants(
    connection: Connection, backend: BackendName, text: str
) -> tuple[KnownVariant, ...]:
    """Variants by exact SKU, or by the backend's product or variant id."""
    query = select(skus).where(
        skus.c.backend == backend,
        (skus.c.sku == text) | (skus.c.product == text) | (skus.c.variant == text),
    )
    return tuple(
        KnownVariant(ProductId(row.product), row.variant, row.sku, row.title)
        for row in connection.execute(query.order_by(skus.c.product, skus.c.variant))
    )
