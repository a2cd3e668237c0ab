"""The nodes that serve one archive, and which versions may serve beside each other

Revision ID: 0051_nodes
Revises: 0053_backups
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0051_nodes"
down_revision = "0053_backups"
branch_labels = None
depends_on = None

additive = True

NODES = "nodes"


def upgrade() -> None:
    op.create_table(
        NODES,
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("home", sa.String(330), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("schema_known", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("clock_ahead_seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("state IN ('starting', 'serving', 'draining', 'ended')", name=op.f("ck_nodes_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_nodes")),
    )
    op.create_table(
        "schema_floor",
        sa.Column("revision", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_floor")),
    )


def downgrade() -> None:
    op.drop_table("schema_floor")
    op.drop_table(NODES)
