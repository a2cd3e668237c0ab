"""Whether each node's Orthanc makes MD5s of the files that it stores

Revision ID: 0063_nodes3
Revises: 0062_growing4
"""

import sqlalchemy as sa
from alembic import op

revision = "0063_nodes3"
down_revision = "0062_growing4"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    op.add_column("nodes", sa.Column("makes_md5", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("nodes", "makes_md5")
