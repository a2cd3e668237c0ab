"""The kept files of rejected images are read again in turn, and damaged ones are known

Revision ID: 0049_rest
Revises: 0041_splits
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0049_rest"
down_revision = "0041_splits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rejected_images", sa.Column("checked_at", UtcDateTime(), nullable=True))
    op.add_column("rejected_images", sa.Column("damaged_at", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_rejected_images_damaged",
        "rejected_images",
        ["damaged_at"],
        sqlite_where=sa.text("damaged_at IS NOT NULL"),
        postgresql_where=sa.text("damaged_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_rejected_images_damaged", "rejected_images")
    with op.batch_alter_table("rejected_images") as table:
        table.drop_column("damaged_at")
        table.drop_column("checked_at")
