"""The tables. Each column has its sentence where its name does not say it all.

Times are whole milliseconds since 1970 in UTC (exact, ordered and alike on every database), handed
out as aware datetimes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

metadata = MetaData()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


def _name(label: str, **more: Any) -> Column[str]:
    return Column(label, String(64), **more)


def _subject(primary: bool = False) -> tuple[Column[str], Column[str]]:
    return (
        Column("kind", String(16), primary_key=primary, nullable=False),
        Column("subject", String(191), primary_key=primary, nullable=False),
    )


_SERIAL = BigInteger().with_variant(Integer, "sqlite")

counters = Table(
    "counters",
    metadata,
    _name("name", primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="epoch: of every fence; fence: the last sequence given out",
)

todo = Table(
    "todo",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    _name("site", nullable=False),
    Column("lane", String(16), nullable=False),
    *_subject(),
    Column("priority", Integer, nullable=False, comment="lower goes first"),
    Column("due_at", Moment, nullable=False),
    Column("marks", BigInteger, nullable=False, comment="grows with every signal"),
    Column("first_marked_at", Moment, nullable=False, comment="oldest change not confirmed"),
    Column("last_marked_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, comment="of the last attempt, for people"),
    Column("lease_owner", String(64)),
    Column("lease_until", Moment),
    Column("claimed_at", Moment),
    Column("fence", BigInteger, comment="sequence of the claim that holds or last held it"),
    Column(
        "unsure",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="a write whose answer is not known may have reached the site",
    ),
    Column("run_id", String(40)),
    Column("trace_id", String(64), nullable=False),
    Column("cause", String(200), nullable=False, comment="what marked it: webhook x, poll ..."),
    UniqueConstraint("site", "lane", "kind", "subject", name="todo_once"),
    Index("todo_next", "site", "priority", "due_at", "subject"),
    Index("todo_run", "run_id"),
)

parked = Table(
    "parked",
    metadata,
    _name("site", primary_key=True),
    Column("lane", String(16), primary_key=True),
    *_subject(primary=True),
    Column("reason", Text, nullable=False),
    Column("error", String(32), nullable=False, comment="class of errors.py"),
    Column(
        "fingerprint",
        String(64),
        nullable=False,
        server_default="",
        comment='of the value that was sent last; "": none was',
    ),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("run_id", String(40)),
    Column("trace_id", String(64), nullable=False),
)

mirror = Table(
    "mirror",
    metadata,
    _name("site", primary_key=True),
    Column("lane", String(16), primary_key=True),
    *_subject(primary=True),
    Column("fields", JSON, nullable=False, comment="name: [sent, stored, kept]"),
    Column("shown", JSON, comment="offers lane: the rows the site confirmed"),
    Column("fence", String(40), nullable=False),
    Column("confirmed_at", Moment, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("cms_id", String(64)),
    Column("url", Text),
    Column("bound_at", Moment, nullable=False),
    Column("retired_at", Moment, comment="off sale since; null: on the site"),
    Index("bindings_retired", "site", "kind", "retired_at"),
)

skus = Table(
    "skus",
    metadata,
    _name("backend", primary_key=True),
    Column("variant", String(191), primary_key=True),
    Column("sku", String(191), nullable=False),
    Column("product", String(191), nullable=False),
    Column("title", Text, nullable=False),
    Index("skus_by_sku", "backend", "sku"),
    Index("skus_by_product", "backend", "product"),
)

moments = Table(
    "moments",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("at", Moment, nullable=False, comment="when a scheduled price changes"),
    Index("moments_next", "at"),
)

cursors = Table(
    "cursors",
    metadata,
    _name("backend", primary_key=True),
    _name("name", primary_key=True),
    Column("value", Text, nullable=False),
    Column("moved_at", Moment, nullable=False),
)

sightings = Table(
    "sightings",
    metadata,
    _name("backend", primary_key=True),
    _name("sweep", primary_key=True),
    *_subject(primary=True),
    Column("fingerprint", String(64), nullable=False),
    Column("round", BigInteger, nullable=False, comment="the last sweep that saw it"),
)

inbox = Table(
    "inbox",
    metadata,
    _name("backend", primary_key=True),
    Column("event_id", String(256), primary_key=True),
    Column("sent_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("signals", Integer, nullable=False),
    Index("inbox_age", "received_at"),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("target", String(80), primary_key=True, comment="site:NAME or backend:NAME"),
    Column("reason", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, comment="when to try again; null: when a person says"),
    Column("failures", Integer, nullable=False),
    Column("asked_by", String(120), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(24), nullable=False),
    _name("site"),
    Column("asked_by", String(120), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", String(16), nullable=False, comment="running done parked failed stopped"),
    Column("counts", JSON, nullable=False),
    Column("message", Text, nullable=False),
    Column("approved_by", String(120)),
    Index("runs_age", "started_at"),
)

trail = Table(
    "trail",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("trace_id", String(64), nullable=False),
    _name("backend", nullable=False),
    *_subject(),
    _name("site"),
    Column("lane", String(16)),
    Column("step", String(24), nullable=False),
    Column("message", Text, nullable=False, comment="a sentence for people"),
    Column("facts", JSON, nullable=False),
    Index("trail_subject", "backend", "kind", "subject", "id"),
    Index("trail_age", "at"),
)

pictures = Table(
    "pictures",
    metadata,
    _name("site", primary_key=True),
    Column("source", String(191), primary_key=True, comment="SHA-256 of the address"),
    Column("url", Text, nullable=False),
    Column("content_hash", String(64), comment="null: never fetched"),
    Column("cms_id", String(64), comment="null: not at the site"),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("tried_at", Moment, nullable=False),
    Index("pictures_hash", "site", "content_hash"),
)

leaving = Table(
    "leaving",
    metadata,
    _name("site", primary_key=True),
    Column("subject", String(191), primary_key=True),
    Column("at", Moment, nullable=False, comment="when it was allowed to go off sale"),
    comment="products counted against the safety stop before the site has answered",
)

journal = Table(
    "journal",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("run_id", String(40), nullable=False),
    _name("site", nullable=False),
    *_subject(),
    Column("at", Moment, nullable=False),
    Column("action", String(16), nullable=False, comment="made, changed or retired"),
    Column("before", JSON, comment="name: [value, hash] as the site held it; null: not known"),
    Column("after", JSON, nullable=False, comment="name: hash as the site stored it"),
    Index("journal_run", "run_id", "id"),
    Index("journal_age", "at"),
)

holds = Table(
    "holds",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("field", String(100), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("against", String(64), nullable=False, comment="the backend's value, by its hash"),
    Column("expected", String(64), nullable=False, comment="what the site held then, by its hash"),
    Column("wanted", String(64), nullable=False, comment="the site's hash of the value, if known"),
    Column("restored_at", Moment, comment="null: not confirmed yet"),
    Column("run_id", String(40), nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("at", Moment, nullable=False),
    Index("holds_run", "run_id"),
)

conditions = Table(
    "conditions",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("about", String(160), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("says", Text, nullable=False),
    comment="what was told to whoever watches, and is not over",
)

notices = Table(
    "notices",
    metadata,
    Column("id", String(40), primary_key=True, comment="webhook-id"),
    Column("type", String(40), nullable=False),
    Column("about", String(160), nullable=False),
    Column("says", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, comment="null: given up"),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Index("notices_due", "due_at"),
)

# ---- the relay: nothing in these tables is readable without its keys ----

relay_answers = Table(
    "relay_answers",
    metadata,
    Column("key", String(64), primary_key=True, comment="hash of who asked and Idempotency-Key"),
    Column("request", String(64), nullable=False, comment="hash of what was asked"),
    Column("cart", String(64), comment="hash of the cart's id"),
    Column("owner", String(40), comment="the attempt under way; null: none is"),
    Column("lease_until", Moment),
    Column("plan", JSON, comment="what an add is about to make: variant, before, after"),
    Column("landed", Boolean, comment="whether the plan was found done; null: nobody looked"),
    Column("status", Integer, comment="null: not answered yet"),
    Column("answer", LargeBinary, comment="sealed"),
    Column("asked_at", Moment, nullable=False),
    Index("relay_answers_age", "asked_at"),
)

relay_locks = Table(
    "relay_locks",
    metadata,
    Column("cart", String(64), primary_key=True, comment="hash of the cart's id"),
    Column("owner", String(40), comment="null: free"),
    Column("lease_until", Moment),
    Column("planned", String(64), comment="key of an add whose outcome nobody knows"),
    Column("taken_at", Moment, nullable=False),
    Index("relay_locks_age", "taken_at"),
)

relay_codes = Table(
    "relay_codes",
    metadata,
    Column("code", String(64), primary_key=True, comment="hash of a one-time code"),
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("relay_codes_age", "expires_at"),
)

relay_actions = Table(
    "relay_actions",
    metadata,
    _name("site", primary_key=True),
    Column("id", String(256), primary_key=True, comment="webhook-id"),
    Column("request", String(64), nullable=False, comment="hash of the body"),
    Column("body", LargeBinary, comment="sealed; null once it is answered"),
    Column("due_at", Moment, comment="null: answered"),
    Column("owner", String(40)),
    Column("lease_until", Moment),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer, comment="null: not answered yet"),
    Column("answer", LargeBinary, comment="sealed"),
    Column("received_at", Moment, nullable=False),
    Index("relay_actions_due", "due_at"),
    Index("relay_actions_age", "received_at"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    _name("site", nullable=False),
    *_subject(),
    Column("field", String(100), nullable=False),
    Column("base", JSON, nullable=False, comment="[value both came from]; []: not known"),
    Column("backend", JSON, nullable=False, comment="[value]"),
    Column("value", JSON, nullable=False, comment="[value at the site]"),
    Column("stored", String(64), nullable=False, comment="its hash there"),
    Column("found_at", Moment, nullable=False),
    Column("cause", String(200), nullable=False, comment="of the backend's change"),
    Column("trace_id", String(64), nullable=False),
    Column("choice", String(16), comment="site backend value; null: open"),
    Column("chosen", JSON, comment="[a third value]"),
    Column("decided_by", String(120)),
    Column("decided_at", Moment),
    UniqueConstraint("site", "kind", "subject", "field", name="conflicts_once"),
)

edits = Table(
    "edits",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("field", String(100), primary_key=True),
    Column("user", String(120), nullable=False, comment="as the site names them"),
    Column("at", Moment, nullable=False),
    comment="the last edit of each field, as the site's event log told",
)

written_back = Table(
    "written_back",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("field", String(100), primary_key=True),
    Column("stored", String(64), nullable=False, comment="hash of the site's value, as it was"),
    Column("value", JSON, nullable=False, comment="[what the backend held then]; []: nothing yet"),
    Column("before", JSON, nullable=False, comment="[what it had held]"),
    Column("base", String(64), nullable=False, comment="hash of the page's; empty: it has another"),
    Column("sent", JSON, nullable=False, comment="values that may have reached it since"),
    Column("sent_base", String(64), nullable=False, comment="hash of the page's base then"),
    Column("fence", BigInteger, nullable=False, comment="later claims have read it there"),
    Column("user", String(120), comment="who had edited it last, as the site names them"),
    Column("at", Moment, nullable=False),
    Index("written_back_age", "at"),
    comment="the last words of each field that a backend took back",
)

taken = Table(
    "taken",
    metadata,
    _name("site", primary_key=True),
    *_subject(primary=True),
    Column("field", String(100), primary_key=True),
    Column("taken_by", String(120), nullable=False),
    Column("run_id", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("returned_at", Moment, comment="given back; the row goes when that is written"),
    comment="fields of single pages that editors took over",
)

asked = Table(
    "asked",
    metadata,
    _name("site", primary_key=True),
    Column("request", String(64), primary_key=True, comment="the site's own id"),
    *_subject(),
    Column("action", String(24), nullable=False),
    Column("field", String(100)),
    Column("choice", String(16)),
    Column("value", JSON, nullable=False, comment="[a third value]"),
    Column("seen", String(64), nullable=False),
    Column("asked_by", String(120), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("begun_at", Moment, comment="null: nobody has begun it"),
    Column("run_id", String(40)),
    Column("standing", String(16), comment="null: not answered yet"),
    Column("code", String(40), nullable=False, server_default=""),
    Column("says", Text, nullable=False, server_default=""),
    Column("facts", JSON, nullable=False),
    Column("answered_at", Moment),
    Column("told", String(64), nullable=False, server_default="", comment="hash of what was told"),
    Index("asked_open", "site", "standing"),
    Index("asked_age", "received_at"),
    comment="what editors asked, and what has become of it",
)
