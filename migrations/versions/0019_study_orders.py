"""A study may answer several orders

Revision ID: 0019_study_orders
Revises: 0018_events
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0019_study_orders"
down_revision = "0018_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "study_orders",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("match_kind", sa.String(16), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name="fk_study_orders_study_id_studies", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_study_orders_order_id_orders"),
        sa.PrimaryKeyConstraint("study_id", "order_id", name="pk_study_orders"),
    )
    op.create_index("ix_study_orders_order_id", "study_orders", ["order_id"])
    op.execute(
        "INSERT INTO study_orders (study_id, order_id, position, match_kind, linked_at) "
        "SELECT s.id, s.order_id, 0, s.match_kind, COALESCE(l.linked_at, s.created_at) FROM studies s "
        "LEFT JOIN study_links l ON l.study_id = s.id AND l.unlinked_at IS NULL WHERE s.order_id IS NOT NULL"
    )
    op.add_column("study_links", sa.Column("further_order_ids", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """A study keeps its primary order."""
    op.drop_column("study_links", "further_order_ids")
    op.drop_table("study_orders")
