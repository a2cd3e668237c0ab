"""numbers that may be another person's, and the record an order was told under

Revision ID: 0008_used_again
Revises: 0007_quarantine
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0008_used_again"
down_revision = "0007_quarantine"
branch_labels = None
depends_on = None

WITHHELD = sa.text("withheld_by_id IS NOT NULL")
ADDED = (
    ("patients", "pending_change_id", sa.Uuid()),
    ("orders", "told_patient_id", sa.Uuid()),
    ("studies", "withheld_by_id", sa.Uuid()),
    ("identity_changes", "decision", sa.String(16)),
    ("identity_changes", "decided_by", sa.String(255)),
    ("identity_changes", "decided_at", UtcDateTime()),
    ("identity_changes", "decision_reason", sa.Text()),
    ("identity_changes", "former", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    for table, name, type_ in ADDED:
        op.add_column(table, sa.Column(name, type_, nullable=True))
    op.create_index(
        "ix_studies_withheld", "studies", ["withheld_by_id"], sqlite_where=WITHHELD, postgresql_where=WITHHELD
    )


def downgrade() -> None:
    op.drop_index("ix_studies_withheld", "studies")
    for table, name, _ in reversed(ADDED):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
