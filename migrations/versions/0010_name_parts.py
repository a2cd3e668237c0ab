"""middle name, prefix and suffix of a patient

Revision ID: 0010_name_parts
Revises: 0009_audit_replace
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_name_parts"
down_revision = "0009_audit_replace"
branch_labels = None
depends_on = None

ADDED = ("middle_name", "prefix", "suffix")


def upgrade() -> None:
    for name in ADDED:
        op.add_column("patients", sa.Column(name, sa.String(64), nullable=True))


def downgrade() -> None:
    for name in reversed(ADDED):
        op.execute(f"ALTER TABLE patients DROP COLUMN {name}")
