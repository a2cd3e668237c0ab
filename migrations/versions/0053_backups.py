"""Backups and checks of their repository: when, by which node, how they ended

Revision ID: 0053_backups
Revises: 0052_shared
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0053_backups"
down_revision = "0052_shared"
branch_labels = None
depends_on = None

BACKUPS = "backups"


def upgrade() -> None:
    op.create_table(
        BACKUPS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("repository", sa.String(255), nullable=False),
        sa.Column("is_scheduled", sa.Boolean(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=False),
        sa.Column("holds_purges", sa.Boolean(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("snapshot_id", sa.String(64), nullable=True),
        sa.Column("number_of_files", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("added_bytes", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.String(32), nullable=True),
        sa.CheckConstraint("kind IN ('backup', 'check')", name=op.f("ck_backups_kind")),
        sa.CheckConstraint("status IN ('running', 'succeeded', 'failed')", name=op.f("ck_backups_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
    )
    op.create_index("ix_backups_kind_status_begun_at", BACKUPS, ["kind", "status", "begun_at"])
    op.create_index("ix_backups_begun_at", BACKUPS, ["begun_at"])


def downgrade() -> None:
    op.drop_table(BACKUPS)
