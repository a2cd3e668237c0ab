"""Leases of purges, of rejected images, and of decisions about files in quarantine

Revision ID: 0052_shared
Revises: 0045_shares
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0052_shared"
down_revision = "0045_shares"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rejections", sa.Column("leased_until", UtcDateTime(), nullable=True))
    op.add_column("deletion_requests", sa.Column("node", sa.String(64), nullable=True))
    op.add_column("deletion_requests", sa.Column("leased_until", UtcDateTime(), nullable=True))
    op.add_column("quarantined_files", sa.Column("deciding_until", UtcDateTime(), nullable=True))


def downgrade() -> None:
    for table, columns in (
        ("quarantined_files", ["deciding_until"]),
        ("deletion_requests", ["leased_until", "node"]),
        ("rejections", ["leased_until"]),
    ):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
