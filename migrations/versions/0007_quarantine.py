"""what waits in quarantine has rows

Revision ID: 0007_quarantine
Revises: 0006_orders
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0007_quarantine"
down_revision = "0006_orders"
branch_labels = None
depends_on = None

TABLE = "quarantined_files"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=160), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=True),
        sa.Column("sent_by", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("last_received_at", UtcDateTime(), nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=True),
        sa.Column("mrn", sa.String(length=64), nullable=True),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("given", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_quarantined_files_patient_id_patients")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_quarantined_files_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_files")),
        sa.UniqueConstraint("file_name", name=op.f("uq_quarantined_files_file_name")),
    )
    for name, columns in (
        ("ix_quarantined_files_status_received_at", ["status", "received_at"]),
        ("ix_quarantined_files_study_instance_uid", ["study_instance_uid"]),
        ("ix_quarantined_files_mrn", ["mrn"]),
    ):
        op.create_index(name, TABLE, columns)


def downgrade() -> None:
    op.drop_table(TABLE)
