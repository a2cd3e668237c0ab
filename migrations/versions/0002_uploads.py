"""Uploads under way: a request whose process died is told from a complete one."""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0002_uploads"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEX = "ix_dicom_upload_logs_under_way"


def upgrade() -> None:
    op.add_column("dicom_upload_logs", sa.Column("under_way_since", UtcDateTime(), nullable=True))
    op.add_column("dicom_upload_logs", sa.Column("interrupted_at", UtcDateTime(), nullable=True))
    marked = sa.text("under_way_since IS NOT NULL")
    op.create_index(INDEX, "dicom_upload_logs", ["under_way_since"], sqlite_where=marked, postgresql_where=marked)


def downgrade() -> None:
    op.drop_index(INDEX, "dicom_upload_logs")
    op.drop_column("dicom_upload_logs", "interrupted_at")
    op.drop_column("dicom_upload_logs", "under_way_since")
