"""Versions of reports are filed in their studies as SR and PDF

Revision ID: 0028_report_documents
Revises: 0027_reports
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0028_report_documents"
down_revision = "0027_reports"
branch_labels = None
depends_on = None

TABLE = "report_documents"
FORMS = ("sr", "pdf")
STATES = ("due", "filed", "leaving", "removed")


def _words(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=16)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("form", _words(FORMS, "form"), nullable=False),
        sa.Column("making", sa.Integer(), nullable=False),
        sa.Column("status", _words(STATES, "status"), nullable=False),
        sa.Column("is_superseded", sa.Boolean(), nullable=False),
        sa.Column("is_to_be_compared", sa.Boolean(), nullable=False),
        sa.Column("study_instance_uid", sa.String(64), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("series_instance_uid", sa.String(64), nullable=False),
        sa.Column("orthanc_instance_id", sa.String(44), nullable=True),
        sa.Column("made_of", sa.String(64), nullable=True),
        sa.Column("node", sa.String(36), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("failure", sa.String(255), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id", "number"],
            ["report_versions.report_id", "report_versions.number"],
            name=op.f("fk_report_documents_report_id_report_versions"),
        ),
        sa.PrimaryKeyConstraint("report_id", "number", "form", "making", name=op.f("pk_report_documents")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_report_documents_sop_instance_uid")),
        sa.UniqueConstraint("orthanc_instance_id", name=op.f("uq_report_documents_orthanc_instance_id")),
    )
    to_do = sa.text("status IN ('due', 'leaving') OR is_to_be_compared")
    op.create_index("ix_report_documents_to_do", TABLE, ["status"], sqlite_where=to_do, postgresql_where=to_do)
    op.create_index("ix_report_documents_study_instance_uid", TABLE, ["study_instance_uid"])


def downgrade() -> None:
    op.drop_table(TABLE)
