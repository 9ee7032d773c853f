"""Keep which words a backend took back, and what it had held."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "written_back",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column(
            "stored",
            sa.String(length=64),
            nullable=False,
            comment="hash of the site's value, as it was",
        ),
        sa.Column(
            "value",
            sa.JSON(),
            nullable=False,
            comment="[what the backend held then]; []: nothing yet",
        ),
        sa.Column("before", sa.JSON(), nullable=False, comment="[what it had held]"),
        sa.Column(
            "base",
            sa.String(length=64),
            nullable=False,
            comment="hash of the page's; empty: it has another",
        ),
        sa.Column(
            "sent",
            sa.JSON(),
            nullable=False,
            comment="values that may have reached it since",
        ),
        sa.Column(
            "sent_base",
            sa.String(length=64),
            nullable=False,
            comment="hash of the page's base then",
        ),
        sa.Column(
            "fence", sa.BigInteger(), nullable=False, comment="later claims have read it there"
        ),
        sa.Column(
            "user",
            sa.String(length=120),
            comment="who had edited it last, as the site names them",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "subject", "field"),
        comment="the last words of each field that a backend took back",
    )
    op.create_index("written_back_age", "written_back", ["at"])
