"""Patients and orders are registered at the desk: numbers given here, what the EHR says otherwise, emergency patients

Revision ID: 0026_desk
Revises: 0025_performed_steps
"""

import sqlalchemy as sa
from alembic import op

revision = "0026_desk"
down_revision = "0025_performed_steps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("patients", "orders"):
        op.add_column(table, sa.Column("registered_here", sa.Boolean(), nullable=False, server_default=sa.false()))
        op.add_column(table, sa.Column("ehr_says", sa.JSON(), nullable=True))
    op.add_column("patients", sa.Column("is_unidentified", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("patients", sa.Column("approximate_age", sa.Integer(), nullable=True))
    op.create_table(
        "given_numbers",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("day", sa.String(8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_given_numbers")),
    )


def downgrade() -> None:
    op.drop_table("given_numbers")
    op.drop_column("patients", "approximate_age")
    op.drop_column("patients", "is_unidentified")
    for table in ("orders", "patients"):
        op.drop_column(table, "ehr_says")
        op.drop_column(table, "registered_here")
