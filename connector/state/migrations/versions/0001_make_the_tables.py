"""Make the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bindings",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("cms_id", sa.String(length=64), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "retired_at",
            sa.BigInteger(),
            nullable=True,
            comment="off sale since; null: on the site",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "subject"),
    )
    op.create_index("bindings_retired", "bindings", ["site", "kind", "retired_at"], unique=False)

    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="epoch: of every fence; fence: the last sequence given out",
    )
    op.create_table(
        "cursors",
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("backend", "name"),
    )
    op.create_table(
        "inbox",
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=256), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("backend", "event_id"),
    )
    op.create_index("inbox_age", "inbox", ["received_at"], unique=False)

    op.create_table(
        "mirror",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False, comment="name: [sent, stored, kept]"),
        sa.Column(
            "shown", sa.JSON(), nullable=True, comment="offers lane: the rows the site confirmed"
        ),
        sa.Column("fence", sa.String(length=40), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "lane", "kind", "subject"),
    )
    op.create_table(
        "moments",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when a scheduled price changes"),
        sa.PrimaryKeyConstraint("site", "kind", "subject"),
    )
    op.create_index("moments_next", "moments", ["at"], unique=False)

    op.create_table(
        "parked",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.String(length=32), nullable=False, comment="class of errors.py"),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("site", "lane", "kind", "subject"),
    )
    op.create_table(
        "pictures",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column(
            "source", sa.String(length=191), nullable=False, comment="SHA-256 of the address"
        ),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "content_hash", sa.String(length=64), nullable=True, comment="null: never fetched"
        ),
        sa.Column("cms_id", sa.String(length=64), nullable=True, comment="null: not at the site"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "source"),
    )
    op.create_index("pictures_hash", "pictures", ["site", "content_hash"], unique=False)

    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=True),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "outcome",
            sa.String(length=16),
            nullable=False,
            comment="running done parked failed stopped",
        ),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("runs_age", "runs", ["started_at"], unique=False)

    op.create_table(
        "sightings",
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("sweep", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False, comment="the last sweep that saw it"),
        sa.PrimaryKeyConstraint("backend", "sweep", "kind", "subject"),
    )
    op.create_table(
        "skus",
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=191), nullable=False),
        sa.Column("sku", sa.String(length=191), nullable=False),
        sa.Column("product", sa.String(length=191), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("backend", "variant"),
    )
    op.create_index("skus_by_product", "skus", ["backend", "product"], unique=False)
    op.create_index("skus_by_sku", "skus", ["backend", "sku"], unique=False)

    op.create_table(
        "suspensions",
        sa.Column(
            "target", sa.String(length=80), nullable=False, comment="site:NAME or backend:NAME"
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column(
            "until",
            sa.BigInteger(),
            nullable=True,
            comment="when to try again; null: when a person says",
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("target"),
    )
    op.create_table(
        "todo",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, comment="lower goes first"),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("marks", sa.BigInteger(), nullable=False, comment="grows with every signal"),
        sa.Column(
            "first_marked_at",
            sa.BigInteger(),
            nullable=False,
            comment="oldest change not confirmed",
        ),
        sa.Column("last_marked_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="of the last attempt, for people"),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "fence",
            sa.BigInteger(),
            nullable=True,
            comment="sequence of the claim that holds or last held it",
        ),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column(
            "cause",
            sa.String(length=200),
            nullable=False,
            comment="what marked it: webhook x, poll ...",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("site", "lane", "kind", "subject", name="todo_once"),
    )
    op.create_index("todo_next", "todo", ["site", "priority", "due_at", "subject"], unique=False)
    op.create_index("todo_run", "todo", ["run_id"], unique=False)

    op.create_table(
        "trail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=True),
        sa.Column("lane", sa.String(length=16), nullable=True),
        sa.Column("step", sa.String(length=24), nullable=False),
        sa.Column("message", sa.Text(), nullable=False, comment="a sentence for people"),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("trail_age", "trail", ["at"], unique=False)
    op.create_index("trail_subject", "trail", ["backend", "kind", "subject", "id"], unique=False)
    op.execute("INSERT INTO counters (name, value) VALUES ('epoch', 1), ('fence', 0)")
