"""What nodes compare with each other, and which node an upload is on

Revision ID: 0059_nodes2
Revises: 0056_growing
"""

import sqlalchemy as sa
from alembic import op

revision = "0059_nodes2"
down_revision = "0056_growing"
branch_labels = None
depends_on = None

additive = True

NODES, UPLOADS = "nodes", "dicom_upload_logs"
COLUMNS = ("start_id", "secret_marks", "shared_folder")


def upgrade() -> None:
    op.add_column(NODES, sa.Column("start_id", sa.String(80), nullable=True))
    op.add_column(NODES, sa.Column("secret_marks", sa.String(80), nullable=True))
    op.add_column(NODES, sa.Column("shared_folder", sa.String(64), nullable=True))
    op.add_column(UPLOADS, sa.Column("under_way_on", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column(UPLOADS, "under_way_on")
    for column in reversed(COLUMNS):
        op.drop_column(NODES, column)
