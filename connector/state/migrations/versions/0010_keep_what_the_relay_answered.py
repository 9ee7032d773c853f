"""Keep what the relay answered, which carts it holds, codes and actions."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relay_answers",
        sa.Column("key", sa.String(64), primary_key=True, nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("cart", sa.String(64), nullable=True),
        sa.Column("owner", sa.String(40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("landed", sa.Boolean(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("relay_answers_age", "relay_answers", ["asked_at"])
    op.create_table(
        "relay_locks",
        sa.Column("cart", sa.String(64), primary_key=True, nullable=False),
        sa.Column("owner", sa.String(40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("planned", sa.String(64), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("relay_locks_age", "relay_locks", ["taken_at"])
    op.create_table(
        "relay_codes",
        sa.Column("code", sa.String(64), primary_key=True, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("relay_codes_age", "relay_codes", ["expires_at"])
    op.create_table(
        "relay_actions",
        sa.Column("site", sa.String(64), primary_key=True, nullable=False),
        sa.Column("id", sa.String(256), primary_key=True, nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("relay_actions_due", "relay_actions", ["due_at"])
    op.create_index("relay_actions_age", "relay_actions", ["received_at"])


def downgrade() -> None:
    for table in ("relay_actions", "relay_codes", "relay_locks", "relay_answers"):
        op.drop_table(table)
