"""Keep of what is parked by which value it failed."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "parked",
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            server_default="",
            comment='of the value that was sent last; "": none was',
        ),
    )
