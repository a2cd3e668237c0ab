"""Documents that people attach to patients and orders, each in a study of its own

Revision ID: 0039_documents
Revises: 0038_day
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0039_documents"
down_revision = "0038_day"
branch_labels = None
depends_on = None

TABLE = "attached_documents"


def upgrade() -> None:
    op.add_column("studies", sa.Column("is_document", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_patient_id", sa.Uuid(), nullable=False),
        sa.Column("asked_order_id", sa.Uuid(), nullable=True),
        sa.Column("study_instance_uid", sa.String(64), nullable=False),
        sa.Column("series_instance_uid", sa.String(64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("content_type", sa.String(32), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("attached_by", sa.String(255), nullable=False),
        sa.Column("attached_at", UtcDateTime(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attached_documents")),
        sa.ForeignKeyConstraint(
            ["asked_patient_id"], ["patients.id"], name=op.f("fk_attached_documents_asked_patient_id_patients")
        ),
        sa.ForeignKeyConstraint(
            ["asked_order_id"], ["orders.id"], name=op.f("fk_attached_documents_asked_order_id_orders")
        ),
        sa.UniqueConstraint("study_instance_uid", name=op.f("uq_attached_documents_study_instance_uid")),
    )
    op.create_index("ix_attached_documents_asked_sha256", TABLE, ["asked_patient_id", "sha256"])
    op.create_index("ix_attached_documents_asked_order_id", TABLE, ["asked_order_id"])


def downgrade() -> None:
    """The studies stay, as studies like any other."""
    op.drop_table(TABLE)
    op.drop_column("studies", "is_document")
