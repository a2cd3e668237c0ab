"""Indexes for lists of reports among a million: those in doubt, and the studies that are deleted.

Revision ID: 0061_grown_reports
Revises: 0059_nodes2
"""

import sqlalchemy as sa
from alembic import op

revision = "0061_grown_reports"
down_revision = "0059_nodes2"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    doubted, deleted = sa.text("doubt IS NOT NULL"), sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_reports_doubt", "reports", ["doubt"], sqlite_where=doubted, postgresql_where=doubted)
    op.create_index(
        "ix_studies_deleted", "studies", ["study_instance_uid"], sqlite_where=deleted, postgresql_where=deleted
    )


def downgrade() -> None:
    op.drop_index("ix_studies_deleted", "studies")
    op.drop_index("ix_reports_doubt", "reports")
