"""digests of stored files, and which of them are damaged

Revision ID: 0004_files
Revises: 0003_states
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0004_files"
down_revision = "0003_states"
branch_labels = None
depends_on = None

INDEX = "ix_instances_damaged"
DAMAGED = sa.text("damaged_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("instances", sa.Column("stored_digest", sa.String(length=80), nullable=True))
    op.add_column("instances", sa.Column("damaged_at", UtcDateTime(), nullable=True))
    op.create_index(INDEX, "instances", ["damaged_at"], sqlite_where=DAMAGED, postgresql_where=DAMAGED)


def downgrade() -> None:
    op.drop_index(INDEX, "instances")
    for column in ("damaged_at", "stored_digest"):
        with op.batch_alter_table("instances") as batch_op:
            batch_op.drop_column(column)
