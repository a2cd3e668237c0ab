"""An order that silence has completed stays on the worklist for a while

Revision ID: 0022_quiet_since
Revises: 0021_modalities
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_quiet_since"
down_revision = "0021_modalities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("quiet_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "quiet_since")
