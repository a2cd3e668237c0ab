"""Rejected images, and the notes that say so

Revision ID: 0040_rejections
Revises: 0042_reports_from
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0040_rejections"
down_revision = "0042_reports_from"
branch_labels = None
depends_on = None

REJECTIONS, IMAGES = "rejections", "rejected_images"
KEY_OBJECTS = "sop_class_uid = '1.2.840.10008.5.1.4.1.1.88.59'"


def upgrade() -> None:
    op.create_table(
        REJECTIONS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("comment", sa.String(255), nullable=True),
        sa.Column("number_of_images", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.String(255), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(255), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision_reason", sa.String(255), nullable=True),
        sa.Column("foreign_note_uid", sa.String(64), nullable=True),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("failure", sa.String(64), nullable=True),
        sa.Column("note_sop_uid", sa.String(64), nullable=True),
        sa.Column("note_series_uid", sa.String(64), nullable=True),
        sa.Column("note_orthanc_id", sa.String(44), nullable=True),
        sa.Column("note_made_of", sa.String(64), nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'rejected', 'declined', 'undone')", name=op.f("ck_rejections_status")
        ),
        sa.CheckConstraint(
            "reason IN ('quality', 'patient_safety', 'wrong_worklist', 'expired')", name=op.f("ck_rejections_reason")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_rejections_study_id_studies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
        sa.UniqueConstraint("foreign_note_uid", name=op.f("uq_rejections_foreign_note_uid")),
    )
    due = sa.text("is_due")
    op.create_index("ix_rejections_due", REJECTIONS, ["requested_at"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_rejections_requested_at", REJECTIONS, ["requested_at"])
    op.create_index("ix_rejections_study_id", REJECTIONS, ["study_id"])
    op.create_index("ix_rejections_note", REJECTIONS, ["note_orthanc_id"])
    op.create_table(
        IMAGES,
        sa.Column("rejection_id", sa.Uuid(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("series_instance_uid", sa.String(64), nullable=False),
        sa.Column("sop_class_uid", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("orthanc_instance_id", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(160), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('due', 'kept', 'out', 'returning', 'back', 'purged')", name=op.f("ck_rejected_images_status")
        ),
        sa.ForeignKeyConstraint(
            ["rejection_id"],
            ["rejections.id"],
            name=op.f("fk_rejected_images_rejection_id_rejections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rejection_id", "sop_instance_uid", name=op.f("pk_rejected_images")),
    )
    op.create_index("ix_rejected_images_sop_instance_uid", IMAGES, ["sop_instance_uid"])
    only = sa.text(KEY_OBJECTS)
    op.create_index("ix_instances_key_objects", "instances", ["received_at"], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    _require_none()
    op.drop_index("ix_instances_key_objects", "instances")
    op.drop_table(IMAGES)
    op.drop_table(REJECTIONS)


def _require_none() -> None:
    """Rejected images lie outside the archive, under names that only these rows know."""
    there = sa.text("SELECT count(*) FROM rejected_images WHERE status NOT IN ('back', 'purged')")
    if op.get_bind().scalar(there):
        raise RuntimeError(
            "images are rejected: undo the rejections or purge the images before going below 0040_rejections"
        )
