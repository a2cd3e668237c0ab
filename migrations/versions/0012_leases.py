"""Jobs are leased, their attempts counted, and what cannot go on can be given up

Revision ID: 0012_leases
Revises: 0010_name_parts
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0012_leases"
down_revision = "0010_name_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("modifications", sa.Column("leased_until", UtcDateTime(), nullable=True))
    op.add_column("modifications", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False))
    op.add_column("modifications", sa.Column("retry_at", UtcDateTime(), nullable=True))
    op.add_column("modifications", sa.Column("failure", sa.String(255), nullable=True))
    op.add_column("modifications", sa.Column("given_up", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    for name in ("given_up", "failure", "retry_at", "attempts", "leased_until"):
        op.drop_column("modifications", name)
