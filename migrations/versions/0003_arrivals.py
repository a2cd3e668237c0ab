"""what the EHR knew when a job was worked out, for a site's own coercion rules

Revision ID: 0003_arrivals
Revises: 0003_pages
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_arrivals"
down_revision = "0003_pages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("modifications", sa.Column("known", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("modifications", "known")
