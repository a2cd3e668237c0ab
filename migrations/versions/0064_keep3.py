"""The id of the repository that has a backup

Revision ID: 0064_keep3
Revises: 0063_nodes3
"""

import sqlalchemy as sa
from alembic import op

revision = "0064_keep3"
down_revision = "0063_nodes3"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    op.add_column("backups", sa.Column("repository_id", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("backups", "repository_id")
