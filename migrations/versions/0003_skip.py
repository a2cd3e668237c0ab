"""digests of received files, by which senders learn what need not be sent

Revision ID: 0003_skip
Revises: 0003_arrivals
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_skip"
down_revision = "0003_arrivals"
branch_labels = None
depends_on = None

TABLES = ("instances", "dicom_upload_skips")
INDEX = "ix_instances_received_sha256"


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("received_sha256", sa.String(length=64), nullable=True))
    op.create_index(INDEX, "instances", ["received_sha256"])


def downgrade() -> None:
    op.drop_index(INDEX, "instances")
    for table in TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("received_sha256")
