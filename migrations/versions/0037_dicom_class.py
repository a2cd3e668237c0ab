"""The SOP Classes of each study in rows, so that a search reads an index and not every study

Revision ID: 0037_dicom_class
Revises: 0040_rejections
"""

from itertools import batched

import sqlalchemy as sa
from alembic import op

revision = "0037_dicom_class"
down_revision = "0040_rejections"
branch_labels = None
depends_on = None

TABLE = "study_sop_classes"
AT_ONCE = 5_000


def upgrade() -> None:
    made = op.create_table(
        TABLE,
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("sop_class_uid", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_sop_classes_study_id_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "sop_class_uid", name=op.f("pk_study_sop_classes")),
    )
    op.create_index("ix_study_sop_classes_sop_class_uid", TABLE, ["sop_class_uid", "study_id"])
    studies = sa.table("studies", sa.column("id", sa.Uuid()), sa.column("sop_class_key", sa.Text()))
    known = op.get_bind().execute(sa.select(studies).where(studies.c.sop_class_key.not_in(["", "|"]))).all()
    rows = (
        {"study_id": study_id, "sop_class_uid": uid} for study_id, key in known for uid in key.strip("|").split("|")
    )
    for some in batched(rows, AT_ONCE, strict=False):
        op.bulk_insert(made, list(some))


def downgrade() -> None:
    op.drop_table(TABLE)
