"""orders have step and procedure ids, a procedure code and a side of their own

Revision ID: 0006_orders
Revises: 0005_withdrawn
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_orders"
down_revision = "0005_withdrawn"
branch_labels = None
depends_on = None

COLUMNS = {"requested_procedure_id": 16, "scheduled_procedure_step_id": 16, "procedure_code": 64, "laterality": 1}
KEYS = ("requested_procedure_id", "scheduled_procedure_step_id")


def upgrade() -> None:
    for name, length in COLUMNS.items():
        op.add_column("orders", sa.Column(name, sa.String(length=length), nullable=True))
    for name in KEYS:
        op.create_index(f"ix_orders_{name}", "orders", [name])


def downgrade() -> None:
    for name in KEYS:
        op.drop_index(f"ix_orders_{name}", "orders")
    for name in COLUMNS:
        op.drop_column("orders", name)
