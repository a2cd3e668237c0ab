"""Indexes for archives of a million studies: orders by when they were placed, and emergencies.

Revision ID: 0056_growing
Revises: 0058_object_storage
"""

import sqlalchemy as sa
from alembic import op

revision = "0056_growing"
down_revision = "0058_object_storage"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    op.create_index("ix_orders_created", "orders", ["created_at", "accession_number"])
    where = sa.text("priority = 'STAT'")
    columns = ["priority", "status", "id"]
    op.create_index("ix_orders_emergencies", "orders", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_orders_emergencies", "orders")
    op.drop_index("ix_orders_created", "orders")
