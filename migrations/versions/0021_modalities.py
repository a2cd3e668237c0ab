"""Modalities are registered

Revision ID: 0021_modalities
Revises: 0020_searched_names
"""

import sqlalchemy as sa
from alembic import op

revision = "0021_modalities"
down_revision = "0020_searched_names"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "modalities",
        sa.Column("ae_key", sa.String(16), nullable=False),
        sa.Column("ae_title", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("may", sa.JSON(), nullable=False),
        sa.Column("charset", sa.String(16), nullable=True),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ae_key", name="pk_modalities"),
    )
    op.create_index("ix_modalities_updated_at", "modalities", ["updated_at"])


def downgrade() -> None:
    op.drop_index("ix_modalities_updated_at", "modalities")
    op.drop_table("modalities")
