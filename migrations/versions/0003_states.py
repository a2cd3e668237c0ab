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
    with op.batch_alter_table("orders") as batch_op:
        batch_op.drop_column("made_here")
        batch_op.drop_column("arrived_at")
