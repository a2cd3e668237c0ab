"""A destination says which sender of reports it is, to whom its own are not sent back

Revision ID: 0042_reports_from
Revises: 0036_fhir_results
"""

import sqlalchemy as sa
from alembic import op

revision = "0042_reports_from"
down_revision = "0036_fhir_results"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("destinations", sa.Column("reports_from", sa.String(255), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("destinations") as table:
        table.drop_column("reports_from")
