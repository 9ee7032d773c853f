"""Keep conflicts: fields that both sides changed, until a person decides."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conflicts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column(
            "base", sa.JSON(), nullable=False, comment="[value both came from]; []: not known"
        ),
        sa.Column("backend", sa.JSON(), nullable=False, comment="[value]"),
        sa.Column("value", sa.JSON(), nullable=False, comment="[value at the site]"),
        sa.Column("stored", sa.String(length=64), nullable=False, comment="its hash there"),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "cause", sa.String(length=200), nullable=False, comment="of the backend's change"
        ),
        sa.Column("trace_id", sa.String(length=64), nullable=False),
        sa.Column(
            "choice", sa.String(length=16), nullable=True, comment="site backend value; null: open"
        ),
        sa.Column("chosen", sa.JSON(), nullable=True, comment="[a third value]"),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("site", "kind", "subject", "field", name="conflicts_once"),
    )
