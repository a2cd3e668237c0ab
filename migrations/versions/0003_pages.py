"""an index of the jobs that failed, for the system page

Revision ID: 0003_pages
Revises: 0003_gate
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_pages"
down_revision = "0003_gate"
branch_labels = None
depends_on = None

INDEX = "ix_modifications_not_whole"
NOT_WHOLE = sa.text("status IN ('partial', 'failed')")


def upgrade() -> None:
    op.create_index(
        INDEX, "modifications", ["study_id", "requested_at"], sqlite_where=NOT_WHOLE, postgresql_where=NOT_WHOLE
    )


def downgrade() -> None:
    op.drop_index(INDEX, "modifications")
