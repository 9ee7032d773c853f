"""Keep who edited a field last at a site, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edits",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("user", sa.String(length=120), nullable=False, comment="as the site names them"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "subject", "field"),
        comment="the last edit of each field, as the site's event log told",
    )
