"""The SOP Class of each stored instance, for FHIR

Revision ID: 0031_sop_classes
Revises: 0029_outbox
"""

import sqlalchemy as sa
from alembic import op

revision = "0031_sop_classes"
down_revision = "0029_outbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows from before have no class; the worker asks the archive for it, little by little."""
    op.add_column("instances", sa.Column("sop_class_uid", sa.String(64), nullable=True))
    op.add_column("studies", sa.Column("sop_class_key", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_instances_series_instance_uid", "instances", ["series_instance_uid"])
    unknown = sa.text("sop_class_uid IS NULL")
    op.create_index(
        "ix_instances_unclassed",
        "instances",
        ["orthanc_instance_id"],
        sqlite_where=unknown,
        postgresql_where=unknown,
    )


def downgrade() -> None:
    op.drop_index("ix_instances_unclassed", "instances")
    op.drop_index("ix_instances_series_instance_uid", "instances")
    op.drop_column("studies", "sop_class_key")
    op.drop_column("instances", "sop_class_uid")
