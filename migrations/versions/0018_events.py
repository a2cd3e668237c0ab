"""Events for other systems, and whether the reception of a study has settled

Revision ID: 0018_events
Revises: 0017_updated
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0018_events"
down_revision = "0017_updated"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
    )
    op.create_index("ix_events_time", "events", ["time"])
    # those that are there count as available; new rows say false
    op.add_column("studies", sa.Column("is_available", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index(
        "ix_studies_receiving",
        "studies",
        ["id"],
        sqlite_where=sa.text("NOT is_available"),
        postgresql_where=sa.text("NOT is_available"),
    )


def downgrade() -> None:
    op.drop_index("ix_studies_receiving", "studies")
    op.drop_column("studies", "is_available")
    op.drop_table("events")
