"""Deletion requests that were made at once have a batch

Revision ID: 0060_retention
Revises: 0061_grown_reports
"""

import sqlalchemy as sa
from alembic import op

revision = "0060_retention"
down_revision = "0061_grown_reports"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    op.add_column("deletion_requests", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_index("ix_deletion_requests_batch_id", "deletion_requests", ["batch_id"])


def downgrade() -> None:
    op.drop_index("ix_deletion_requests_batch_id", "deletion_requests")
    op.drop_column("deletion_requests", "batch_id")
