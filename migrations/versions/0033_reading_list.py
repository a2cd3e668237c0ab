"""How urgently each study waits for a report

Revision ID: 0033_reading_list
Revises: 0034_subscriptions
"""

import sqlalchemy as sa
from alembic import op

revision = "0033_reading_list"
down_revision = "0034_subscriptions"
branch_labels = None
depends_on = None

READING = "orthanc_study_id IS NOT NULL AND deleted_at IS NULL AND reading_rank IS NOT NULL"
OF_ORDERS = """
    UPDATE studies SET reading_rank = (
        SELECT min(CASE upper(o.priority) WHEN 'STAT' THEN 0 WHEN 'HIGH' THEN 1 WHEN 'LOW' THEN 3 ELSE 2 END)
        FROM study_orders a JOIN orders o ON o.id = a.order_id
        WHERE a.study_id = studies.id AND o.status NOT IN ('reported', 'cancelled')
    )
    WHERE EXISTS (
        SELECT 1 FROM study_orders a JOIN orders o ON o.id = a.order_id
        WHERE a.study_id = studies.id AND o.status <> 'cancelled'
    )
"""
OF_REPORTS = """
    UPDATE studies SET reading_rank = NULL WHERE study_instance_uid IN (
        SELECT study_instance_uid FROM reports
        WHERE status IN ('final', 'amended', 'corrected', 'appended') AND study_instance_uid IS NOT NULL
    )
"""


def upgrade() -> None:
    """Studies that answer no order wait last (4)."""
    op.add_column("studies", sa.Column("reading_rank", sa.SmallInteger(), nullable=True, server_default="4"))
    op.execute(OF_ORDERS)
    op.execute(OF_REPORTS)
    condition = sa.text(READING)
    op.create_index(
        "ix_studies_reading",
        "studies",
        ["reading_rank", "created_at", "id", "link_status", "patient_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def downgrade() -> None:
    op.drop_index("ix_studies_reading", "studies")
    op.drop_column("studies", "reading_rank")
