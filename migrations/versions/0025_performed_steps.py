"""Modality Performed Procedure Steps, and the orders of which they are

Revision ID: 0025_performed_steps
Revises: 0024_fhir_names
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0025_performed_steps"
down_revision = "0024_fhir_names"
branch_labels = None
depends_on = None

STEPS, ORDERS = "performed_steps", "performed_step_orders"


def upgrade() -> None:
    op.add_column("orders", sa.Column("performed", sa.String(16), nullable=True))
    op.create_table(
        STEPS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("ae_title", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("performed_procedure_step_id", sa.String(16), nullable=True),
        sa.Column("modality", sa.String(16), nullable=True),
        sa.Column("station_ae_title", sa.String(16), nullable=True),
        sa.Column("description", sa.String(64), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("discontinuation_reason", sa.String(64), nullable=True),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("requests", sa.JSON(), nullable=False),
        sa.Column("series", sa.JSON(), nullable=False),
        sa.Column("number_of_series", sa.Integer(), nullable=False),
        sa.Column("number_of_images", sa.Integer(), nullable=False),
        sa.Column("number_here", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("follows_study", sa.Boolean(), nullable=False),
        sa.Column("is_grouped", sa.Boolean(), nullable=False),
        sa.Column("closed_by", sa.String(255), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("close_reason", sa.String(500), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('in_progress', 'completed', 'discontinued')", name=op.f("ck_performed_steps_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_performed_steps")),
        sa.UniqueConstraint("sop_instance_uid", name=op.f("uq_performed_steps_sop_instance_uid")),
    )
    unsettled = sa.text("NOT is_settled")
    op.create_index("ix_performed_steps_unsettled", STEPS, ["id"], sqlite_where=unsettled, postgresql_where=unsettled)
    for columns in (["created_at", "id"], ["study_instance_uid"], ["updated_at"]):
        op.create_index(f"ix_performed_steps_{'_'.join(columns)}", STEPS, columns)
    op.create_table(
        ORDERS,
        sa.Column("performed_step_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["performed_step_id"],
            ["performed_steps.id"],
            name=op.f("fk_performed_step_orders_performed_step_id_performed_steps"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_performed_step_orders_order_id_orders")),
        sa.PrimaryKeyConstraint("performed_step_id", "order_id", name=op.f("pk_performed_step_orders")),
    )
    op.create_index("ix_performed_step_orders_order_id", ORDERS, ["order_id"])


def downgrade() -> None:
    op.drop_table(ORDERS)
    op.drop_table(STEPS)
    op.drop_column("orders", "performed")
