"""An order's Scheduled Procedure Steps are a table of their own

Revision ID: 0014_scheduled_steps
Revises: 0013_deletion_facts
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0014_scheduled_steps"
down_revision = "0013_deletion_facts"
branch_labels = None
depends_on = None

MOVED = ("modality", "scheduled_at", "scheduled_procedure_step_id", "station_ae_title")
BEFORE = (("status_scheduled_at", ["status", "scheduled_at"]), ("scheduled_procedure_step_id", None))


def _columns(no_modality: str | None = None) -> list[sa.Column[object]]:
    return [
        sa.Column("scheduled_procedure_step_id", sa.String(16), nullable=True),
        sa.Column("modality", sa.String(16), nullable=False, server_default=no_modality),
        sa.Column("scheduled_at", UtcDateTime(), nullable=True),
        sa.Column("station_ae_title", sa.String(16), nullable=True),
    ]


def _table(name: str, *keys: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in (*keys, *MOVED)))


def upgrade() -> None:
    op.create_table(
        "scheduled_steps",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_columns(),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_scheduled_steps_order_id_orders"),
        sa.PrimaryKeyConstraint("order_id", "position", name="pk_scheduled_steps"),
    )
    steps, orders = _table("scheduled_steps", "order_id", "position"), _table("orders", "id")
    firsts = sa.select(orders.c.id, sa.literal(0, sa.Integer()), *(orders.c[name] for name in MOVED))
    op.execute(sa.insert(steps).from_select(["order_id", "position", *MOVED], firsts))
    for name in ("scheduled_at", "scheduled_procedure_step_id"):
        op.create_index(f"ix_scheduled_steps_{name}", "scheduled_steps", [name])
    for name, _ in BEFORE:
        op.drop_index(f"ix_orders_{name}", "orders")
    for name in MOVED:
        op.execute(f"ALTER TABLE orders DROP COLUMN {name}")
    op.create_index("ix_orders_status_id", "orders", ["status", "id"])


def downgrade() -> None:
    """An order keeps its first step; the others are known to the EHR."""
    op.drop_index("ix_orders_status_id", "orders")
    for column in _columns(no_modality=""):  # SQLite adds no column that must be there without a default
        op.add_column("orders", column)
    steps, orders = _table("scheduled_steps", "order_id", "position"), _table("orders", "id")
    is_first = (steps.c.order_id == orders.c.id) & (steps.c.position == 0)
    op.execute(
        sa.update(orders).values({name: sa.select(steps.c[name]).where(is_first).scalar_subquery() for name in MOVED})
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("orders", "modality", server_default=None)
    for name, columns in BEFORE:
        op.create_index(f"ix_orders_{name}", "orders", columns or [name])
    op.drop_table("scheduled_steps")
