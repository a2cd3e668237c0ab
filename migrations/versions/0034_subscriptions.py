"""Destinations have authorities of their own, and a FHIR Subscription is one

Revision ID: 0034_subscriptions
Revises: 0035_commitments
"""

import sqlalchemy as sa
from alembic import op

revision = "0034_subscriptions"
down_revision = "0035_commitments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns alone: neither engine writes the tables anew, whose rows others lean on."""
    op.add_column("destinations", sa.Column("ca_certificates", sa.Text(), nullable=True))
    op.add_column("destinations", sa.Column("subscription", sa.JSON(), nullable=True))
    op.add_column("destination_sending", sa.Column("numbered", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """A subscription is no webhook: those who get it would not understand the other form."""
    op.execute("DELETE FROM destinations WHERE subscription IS NOT NULL")
    op.drop_column("destination_sending", "numbered")
    op.drop_column("destinations", "subscription")
    op.drop_column("destinations", "ca_certificates")
