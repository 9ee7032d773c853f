"""Which pictures a site has: by address at the backend, and by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from connector.model import CmsId, SiteName
from connector.state.database import insert
from connector.state.tables import pictures


@dataclass(frozen=True, slots=True)
class Picture:
    """One address of a picture and how far it got."""

    url: str
    content_hash: str | None
    cms_id: CmsId | None
    attempts: int
    error: str | None
    tried_at: datetime


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def load_pictures(
    connection: Connection, site: SiteName, urls: Sequence[str]
) -> dict[str, Picture]:
    """What is known of these addresses; those never tried are absent."""
    found: dict[str, Picture] = {}
    for start in range(0, len(urls), 500):
        keys = [_key(url) for url in urls[start : start + 500]]
        query = select(pictures).where(pictures.c.site == site, pictures.c.source.in_(keys))
        for row in connection.execute(query):
            cms_id = CmsId(row.cms_id) if row.cms_id else None
            found[row.url] = Picture(
                row.url, row.content_hash, cms_id, row.attempts, row.error, row.tried_at
            )
    return found


def picture_by_hash(connection: Connection, site: SiteName, content_hash: str) -> CmsId | None:
    """The site's id of a picture with these bytes, if it has one."""
    query = select(pictures.c.cms_id).where(
        pictures.c.site == site,
        pictures.c.content_hash == content_hash,
        pictures.c.cms_id.is_not(None),
    )
    found = connection.execute(query.limit(1)).scalar()
    return CmsId(found) if found else None


def save_picture(connection: Connection, site: SiteName, picture: Picture) -> None:
    values = {
        "url": picture.url,
        "content_hash": picture.content_hash,
        "cms_id": picture.cms_id,
        "attempts": picture.attempts,
        "error": picture.error,
        "tried_at": picture.tried_at,
    }
    statement = insert(connection, pictures).values(site=site, source=_key(picture.url), **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["site", "source"], set_=values)
    )


MAX_ATTEMPTS = 4
"""After so many failures a picture is left out for a while."""
AGAIN_AFTER = timedelta(hours=1)
"""Then it is tried once whenever its product is looked at: what failed may have been mended under
the same address."""


def worth_trying(picture: Picture, now: datetime) -> bool:
    """Whether to try now to bring this picture to the site."""
    is_there = picture.cms_id is not None and picture.content_hash is not None
    rested = picture.attempts < MAX_ATTEMPTS or now - picture.tried_at >= AGAIN_AFTER
    return not is_there and rested


def placed(connection: Connection, site: SiteName) -> dict[str, CmsId]:
    """What the site is believed to have, by content."""
    query = select(pictures.c.content_hash, pictures.c.cms_id).where(
        pictures.c.site == site,
        pictures.c.cms_id.is_not(None),
        pictures.c.content_hash.is_not(None),
    )
    return {row.content_hash: CmsId(row.cms_id) for row in connection.execute(query)}


def doubt(connection: Connection, site: SiteName, content_hashes: Sequence[str]) -> None:
    """The site seems to have these no longer, or as others: they are brought again. Pages go on
    naming them as before until then, for they may be there."""
    for start in range(0, len(content_hashes), 500):
        gone = pictures.c.content_hash.in_(content_hashes[start : start + 500])
        lost = update(pictures).where(pictures.c.site == site, gone)
        connection.execute(lost.values(content_hash=None, attempts=0))
