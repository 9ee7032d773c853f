"""Keep what editors ask, and which fields of single pages they took over."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taken",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("taken_by", sa.String(length=120), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column(
            "returned_at",
            sa.BigInteger(),
            comment="given back; the row goes when that is written",
        ),
        sa.PrimaryKeyConstraint("site", "kind", "subject", "field"),
        comment="fields of single pages that editors took over",
    )
    op.create_table(
        "asked",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False, comment="the site's own id"),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("field", sa.String(length=100)),
        sa.Column("choice", sa.String(length=16)),
        sa.Column("value", sa.JSON(), nullable=False, comment="[a third value]"),
        sa.Column("seen", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), comment="null: nobody has begun it"),
        sa.Column("run_id", sa.String(length=40)),
        sa.Column("standing", sa.String(length=16), comment="null: not answered yet"),
        sa.Column("code", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("says", sa.Text(), nullable=False, server_default=""),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column(
            "told",
            sa.String(length=64),
            nullable=False,
            server_default="",
            comment="hash of what was told",
        ),
        sa.PrimaryKeyConstraint("site", "request"),
        comment="what editors asked, and what has become of it",
    )
    op.create_index("asked_open", "asked", ["site", "standing"])
    op.create_index("asked_age", "asked", ["received_at"])
