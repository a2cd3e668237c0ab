"""Who does the examination of an order; views of the list of orders that people have saved, and what each has chosen

Revision ID: 0038_day
Revises: 0032_foreign_reports
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0038_day"
down_revision = "0032_foreign_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("assigned_to", sa.String(255), nullable=True))
    op.add_column("orders", sa.Column("assigned_name", sa.String(255), nullable=True))
    op.add_column("orders", sa.Column("assigned_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_orders_assigned_to"), "orders", ["assigned_to"])
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("owner_name", sa.String(255), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("sort", sa.String(64), nullable=True),
        sa.Column("columns", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index("ix_saved_views_owner_name", "saved_views", ["owner", "name"], unique=True)
    op.create_index(op.f("ix_saved_views_is_shared"), "saved_views", ["is_shared"])
    op.create_index(op.f("ix_saved_views_updated_at"), "saved_views", ["updated_at"])
    op.create_table(
        "day_choices",
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=True),
        sa.Column("columns", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_views.id"], name=op.f("fk_day_choices_view_id_saved_views"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_day_choices")),
    )
    op.create_index(op.f("ix_day_choices_view_id"), "day_choices", ["view_id"])
    op.create_index(op.f("ix_day_choices_updated_at"), "day_choices", ["updated_at"])


def downgrade() -> None:
    op.drop_table("day_choices")
    op.drop_table("saved_views")
    op.drop_index(op.f("ix_orders_assigned_to"), "orders")
    for name in ("assigned_at", "assigned_name", "assigned_to"):
        op.drop_column("orders", name)
