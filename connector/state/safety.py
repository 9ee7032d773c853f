"""What the safety stop counts: products on sale, those that left lately, those about to leave.

Products are counted before the site is asked, in a transaction that lets no other one count at the
same time: several workers cannot each use the whole allowance.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from connector.model import SiteName
from connector.state.database import insert
from connector.state.tables import counters, leaving


def one_at_a_time(connection: Connection) -> None:
    """Until this transaction ends, nobody else counts."""
    query = select(counters.c.value).where(counters.c.name == "fence")
    connection.execute(query.with_for_update())


def allowed_since(connection: Connection, site: SiteName, since: datetime) -> frozenset[str]:
    """Products that were allowed to leave since a moment."""
    query = select(leaving.c.subject).where(leaving.c.site == site, leaving.c.at >= since)
    return frozenset(connection.execute(query).scalars())


def allow(connection: Connection, site: SiteName, products: Iterable[str], now: datetime) -> None:
    """These may leave now."""
    rows = [{"site": site, "subject": each, "at": now} for each in sorted(products)]
    if rows:
        statement = insert(connection, leaving)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["site", "subject"], set_={"at": statement.excluded.at}
            ),
            rows,
        )


def settle(connection: Connection, site: SiteName, products: Iterable[str]) -> None:
    """The site has answered for these: what they are now stands in mirror and bindings."""
    if connection.execute(select(leaving.c.site).limit(1)).first() is None:
        return
    keys = [{"b_site": site, "b_subject": each} for each in sorted(products)]
    if keys:
        left = delete(leaving).where(
            leaving.c.site == bindparam("b_site"), leaving.c.subject == bindparam("b_subject")
        )
        connection.execute(left, keys)


def prune(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(leaving).where(leaving.c.at < before)).rowcount
