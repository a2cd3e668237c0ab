"""when the patient of an order arrived, and which orders the EHR does not know yet

Revision ID: 0003_states
Revises: 0003_skip
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0003_states"
down_revision = "0003_skip"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("arrived_at", UtcDateTime(), nullable=True))
    op.add_column("orders", sa.Column("made_here", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE orders SET arrived_at = created_at WHERE status = 'arrived'")


def downgrade() -> None:
    op.drop_column("orders", "made_here")
    op.drop_column("orders", "arrived_at")
