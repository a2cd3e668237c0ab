"""Requests for storage commitment survive the process that has answered them

Revision ID: 0035_commitments
Revises: 0033_draft_critical
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0035_commitments"
down_revision = "0033_draft_critical"
branch_labels = None
depends_on = None

TABLE = "commitment_requests"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ae_title", sa.String(16), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("transaction_uid", sa.String(64), nullable=False),
        sa.Column("instances", sa.JSON(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("node", sa.String(64), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_requests")),
    )
    op.create_index("ix_commitment_requests_requested_at", TABLE, ["requested_at"])


def downgrade() -> None:
    op.drop_table(TABLE)
