"""The bucket of this installation, and the folder in which files wait for it

Revision ID: 0058_object_storage
Revises: 0051_nodes
"""

import sqlalchemy as sa
from alembic import op

revision = "0058_object_storage"
down_revision = "0051_nodes"
branch_labels = None
depends_on = None

additive = True

OBJECT_STORAGE = "object_storage"


def upgrade() -> None:
    op.create_table(
        OBJECT_STORAGE,
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("bucket_id", sa.String(64), nullable=True),
        sa.Column("folder_id", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_object_storage")),
    )


def downgrade() -> None:
    op.drop_table(OBJECT_STORAGE)
