"""Patients and orders keep when the EHR knew what it last told of them

Revision ID: 0015_as_of
Revises: 0014_scheduled_steps
"""

import sqlalchemy as sa
from alembic import op

revision = "0015_as_of"
down_revision = "0014_scheduled_steps"
branch_labels = None
depends_on = None

TABLES = ("patients", "orders")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("as_of", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "as_of")
