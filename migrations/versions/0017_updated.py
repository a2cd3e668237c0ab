"""Patients, orders and studies are found by when they last changed; the list of orders has an index on PostgreSQL

Revision ID: 0017_updated
Revises: 0016_given_answers
"""

from alembic import op

revision = "0017_updated"
down_revision = "0016_given_answers"
branch_labels = None
depends_on = None

TABLES = ("patients", "orders", "studies")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix_{table}_updated_at", table, ["updated_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX ix_scheduled_steps_latest ON scheduled_steps (scheduled_at DESC NULLS LAST)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_scheduled_steps_latest", "scheduled_steps")
    for table in TABLES:
        op.drop_index(f"ix_{table}_updated_at", table)
