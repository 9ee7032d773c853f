"""Writes for the site suite: fresh subjects, rising fences, one of each kind of item.

Every call takes ids that no other call takes, so that one real site serves all tests.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from itertools import count
from uuid import uuid4

from connector.model import CategoryId, FieldName, JsonValue, Subject, SubjectKind
from connector.ports import ContentWrite, Fence, MediaUpload, OffersWrite, RetireWrite, TermWrite
from connector.testing import generate

TITLE, DESCRIPTION, OFFERS = FieldName("title"), FieldName("description"), FieldName("offers")
CATEGORIES = FieldName("categories")
_sequence = count(1)
_pixel = count(1)


def fresh_subject(kind: SubjectKind = SubjectKind.PRODUCT) -> Subject:
    """Ids as backends have them: case matters, and other marks than letters occur."""
    return Subject(kind, f"id_{uuid4().hex[:12]}_aB.1")


def fence() -> Fence:
    """Higher than all before it."""
    return Fence(1, next(_sequence))


def write_id() -> str:
    return uuid4().hex


def document(
    subject: Subject | None = None, fields: Mapping[FieldName, JsonValue] | None = None
) -> ContentWrite:
    """A whole page."""
    return ContentWrite(
        subject=subject or fresh_subject(),
        fence=fence(),
        write_id=write_id(),
        slug=f"page-{uuid4().hex[:12]}",
        fields=generate.fields(7) if fields is None else fields,
        expected={},
    )


def change_of(
    made: ContentWrite, fields: Mapping[FieldName, JsonValue], whole: bool = False
) -> ContentWrite:
    """A later write of the same page."""
    return ContentWrite(
        subject=made.subject,
        fence=fence(),
        write_id=write_id(),
        slug=made.slug,
        fields=fields,
        expected={},
        whole=whole,
    )


def offers_write(subject: Subject, *amounts_minor: int) -> OffersWrite:
    """One offer for each amount (one of 19.90 when none is named)."""
    offers = tuple(
        generate.offer(7, place, amount) for place, amount in enumerate(amounts_minor or (1990,))
    )
    return OffersWrite(subject, fence(), write_id(), offers)


def no_offers_write(subject: Subject) -> OffersWrite:
    return OffersWrite(subject, fence(), write_id(), ())


def retire_write(subject: Subject) -> RetireWrite:
    return RetireWrite(subject, fence(), write_id())


def term_write(parent: Subject | None = None) -> TermWrite:
    subject = fresh_subject(SubjectKind.CATEGORY)
    name = f"Category {subject.id}"
    return TermWrite(
        subject=subject,
        fence=fence(),
        write_id=write_id(),
        slug=f"category-{uuid4().hex[:12]}",
        name=name,
        description="All that belongs here",
        parent=CategoryId(parent.id) if parent else None,
        rank=3,
    )


def picture() -> MediaUpload:
    """A small bitmap that no other call draws."""
    body = _png(next(_pixel), uuid4().bytes[:3])
    return MediaUpload(
        content_hash=hashlib.sha256(body).hexdigest(),
        filename="picture.png",
        content_type="image/png",
        alt="A picture of one colour",
        body=body,
    )


def _png(width: int, colour: bytes) -> bytes:
    rows = (b"\0" + colour * width) * 2
    header = struct.pack(">IIBBBBB", width, 2, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)
