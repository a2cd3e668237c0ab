"""totals that senders announce, addresses and filters of the upload log; indexes of the study list after its plans

Revision ID: 0003_limits
Revises: 0002_deletion
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_limits"
down_revision = "0002_deletion"
branch_labels = None
depends_on = None

LOG = "dicom_upload_logs"
FILTERS = ("uploaded_by", "source_address", "upload_status")
LISTED = sa.text("orthanc_study_id IS NOT NULL AND deleted_at IS NULL")
BEFORE = {
    "created": ["created_at", "id", "link_status", "modality_key"],
    "link_status": ["link_status", "created_at", "id"],
}
AFTER = {
    "id": ["id", "created_at", "study_date_key", "link_status", "modality_key"],
    "created": ["created_at", "id", "link_status", "modality_key", "study_date_key"],
    "link_status": ["link_status", "created_at", "id", "modality_key", "study_date_key"],
}
WITHOUT_USE = ("created_at", "link_status", "study_date")


def upgrade() -> None:
    op.add_column(LOG, sa.Column("announced_files", sa.Integer(), nullable=True))
    op.add_column(LOG, sa.Column("source_address", sa.String(length=64), nullable=True))
    for column in FILTERS:
        op.create_index(f"ix_{LOG}_{column}_uploaded_at", LOG, [column, "uploaded_at"])
    _replace(BEFORE, AFTER)
    for column in WITHOUT_USE:
        op.drop_index(f"ix_studies_{column}", "studies")


def downgrade() -> None:
    for column in WITHOUT_USE:
        op.create_index(f"ix_studies_{column}", "studies", [column])
    _replace(AFTER, BEFORE)
    for column in FILTERS:
        op.drop_index(f"ix_{LOG}_{column}_uploaded_at", LOG)
    op.drop_column(LOG, "source_address")
    op.drop_column(LOG, "announced_files")


def _replace(former: dict[str, list[str]], later: dict[str, list[str]]) -> None:
    for name in former:
        op.drop_index(f"ix_studies_list_{name}", "studies")
    for name, columns in later.items():
        op.create_index(f"ix_studies_list_{name}", "studies", columns, sqlite_where=LISTED, postgresql_where=LISTED)
