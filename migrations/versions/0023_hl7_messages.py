"""HL7 messages that other systems have sent

Revision ID: 0023_hl7_messages
Revises: 0022_quiet_since
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0023_hl7_messages"
down_revision = "0022_quiet_since"
branch_labels = None
depends_on = None

TABLE = "hl7_messages"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("door", sa.String(16), nullable=False),
        sa.Column("sent_by", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("last_received_at", UtcDateTime(), nullable=False),
        sa.Column("times_received", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("codec", sa.String(16), nullable=True),
        sa.Column("charset_from", sa.String(16), nullable=True),
        sa.Column("sender", sa.String(500), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("control_id", sa.String(200), nullable=False),
        sa.Column("reuses_control_id", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(3), nullable=True),
        sa.Column("place", sa.String(40), nullable=True),
        sa.Column("reason", sa.String(1000), nullable=True),
        sa.Column("reading", sa.JSON(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("ack", sa.LargeBinary(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("replayed_by", sa.String(255), nullable=True),
        sa.Column("replayed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('applied', 'ignored', 'refused')", name=op.f("ck_hl7_messages_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_messages")),
    )
    op.create_index("ix_hl7_messages_source_sha256", TABLE, ["source", "sha256"], unique=True)
    for columns in (
        ["source", "control_id"],
        ["source", "last_received_at"],
        ["state", "last_received_at"],
        ["received_at"],
        ["patient_id"],
    ):
        op.create_index(f"ix_hl7_messages_{'_'.join(columns)}", TABLE, columns)
    op.create_index("ix_orders_placer_order_number", "orders", ["placer_order_number"])


def downgrade() -> None:
    op.drop_index("ix_orders_placer_order_number", "orders")
    op.drop_table(TABLE)
