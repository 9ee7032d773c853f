"""Keep before-images of writes, holds, what the safety stop let go, and doubts about writes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "todo",
        sa.Column(
            "unsure",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="a write whose answer is not known may have reached the site",
        ),
    )
    op.create_table(
        "leaving",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column(
            "at", sa.BigInteger(), nullable=False, comment="when it was allowed to go off sale"
        ),
        sa.PrimaryKeyConstraint("site", "subject"),
        comment="products counted against the safety stop before the site has answered",
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column(
            "action", sa.String(length=16), nullable=False, comment="made, changed or retired"
        ),
        sa.Column(
            "before",
            sa.JSON(),
            nullable=True,
            comment="name: [value, hash] as the site held it; null: not known",
        ),
        sa.Column("after", sa.JSON(), nullable=False, comment="name: hash as the site stored it"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_age", "journal", ["at"], unique=False)
    op.create_index("journal_run", "journal", ["run_id", "id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=191), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column(
            "against",
            sa.String(length=64),
            nullable=False,
            comment="the backend's value, by its hash",
        ),
        sa.Column(
            "expected",
            sa.String(length=64),
            nullable=False,
            comment="what the site held then, by its hash",
        ),
        sa.Column(
            "wanted",
            sa.String(length=64),
            nullable=False,
            comment="the site's hash of the value, if known",
        ),
        sa.Column("restored_at", sa.BigInteger(), nullable=True, comment="null: not confirmed yet"),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "subject", "field"),
    )
    op.create_index("holds_run", "holds", ["run_id"], unique=False)
    op.create_table(
        "conditions",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "about"),
        comment="what was told to whoever watches, and is not over",
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=40), nullable=False, comment="webhook-id"),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True, comment="null: given up"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notices_due", "notices", ["due_at"], unique=False)
