"""A deletion request keeps what its study was when it ended

Revision ID: 0013_deletion_facts
Revises: 0011_issuers
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_deletion_facts"
down_revision = "0011_issuers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deletion_requests", sa.Column("facts", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("deletion_requests", "facts")
