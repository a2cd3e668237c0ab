"""Answers to requests with an Idempotency-Key are kept for a day

Revision ID: 0016_given_answers
Revises: 0015_as_of
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_given_answers"
down_revision = "0015_as_of"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "given_answers",
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name="pk_given_answers"),
    )
    op.create_index("ix_given_answers_given_at", "given_answers", ["given_at"])


def downgrade() -> None:
    op.drop_table("given_answers")
