"""Reports of other systems are searched by the number that their sender gave them

Revision ID: 0036_fhir_results
Revises: 0039_documents
"""

import sqlalchemy as sa
from alembic import op

revision = "0036_fhir_results"
down_revision = "0039_documents"
branch_labels = None
depends_on = None

IS_OUTSIDE = "sender IS NOT NULL"
INDEX = "ix_reports_sender_number"


def upgrade() -> None:
    op.create_index(
        INDEX,
        "reports",
        ["sender_number"],
        sqlite_where=sa.text(IS_OUTSIDE),
        postgresql_where=sa.text(IS_OUTSIDE),
    )


def downgrade() -> None:
    op.drop_index(INDEX, "reports")
