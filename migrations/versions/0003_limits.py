"""uploads whose sender says how many files there will be; where an upload came from; filters of the upload log

Revision ID: 0003_limits
Revises: 0002_deletion
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_limits"
down_revision = "0002_deletion"
branch_labels = None
depends_on = None

TABLE = "dicom_upload_logs"
FILTERS = ("uploaded_by", "source_address", "upload_status")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("announced_files", sa.Integer(), nullable=True))
    op.add_column(TABLE, sa.Column("source_address", sa.String(length=64), nullable=True))
    for column in FILTERS:
        op.create_index(f"ix_{TABLE}_{column}_uploaded_at", TABLE, [column, "uploaded_at"])


def downgrade() -> None:
    for column in FILTERS:
        op.drop_index(f"ix_{TABLE}_{column}_uploaded_at", TABLE)
    op.drop_column(TABLE, "source_address")
    op.drop_column(TABLE, "announced_files")
