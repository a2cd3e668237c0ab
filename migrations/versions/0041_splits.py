"""Studies of which images were moved to another study

Revision ID: 0041_splits
Revises: 0037_dicom_class
"""

import sqlalchemy as sa
from alembic import op

revision = "0041_splits"
down_revision = "0037_dicom_class"
branch_labels = None
depends_on = None

BEFORE = ("modify", "undo", "link", "unlink", "follow")
MOVED = "is_moved"


def upgrade() -> None:
    _allow(*BEFORE, "split")
    op.create_table(
        "splits",
        sa.Column("modification_id", sa.Uuid(), nullable=False),
        sa.Column("target_study_instance_uid", sa.String(64), nullable=False),
        sa.Column("target_study_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("is_another_patient", sa.Boolean(), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_splits_{column}_{table}"))
            for column, table in (
                ("modification_id", "modifications"),
                ("target_study_id", "studies"),
                ("patient_id", "patients"),
                ("order_id", "orders"),
            )
        ),
        sa.PrimaryKeyConstraint("modification_id", name=op.f("pk_splits")),
        sa.UniqueConstraint("target_study_instance_uid", name=op.f("uq_splits_target_study_instance_uid")),
    )
    for column in ("target_study_id", "patient_id", "order_id"):
        op.create_index(f"ix_splits_{column}", "splits", [column])
    op.create_table(
        "split_instances",
        sa.Column("modification_id", sa.Uuid(), nullable=False),
        sa.Column("sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("series_instance_uid", sa.String(64), nullable=False),
        sa.Column("new_sop_instance_uid", sa.String(64), nullable=False),
        sa.Column("new_series_instance_uid", sa.String(64), nullable=False),
        sa.Column("orthanc_instance_id", sa.String(64), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("of_whole_series", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_moved", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["modification_id"], ["modifications.id"], name=op.f("fk_split_instances_modification_id_modifications")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_split_instances_study_id_studies")),
        sa.PrimaryKeyConstraint("modification_id", "sop_instance_uid", name=op.f("pk_split_instances")),
    )
    op.create_index(
        "ix_split_instances_moved",
        "split_instances",
        ["study_id"],
        sqlite_where=sa.text(MOVED),
        postgresql_where=sa.text(MOVED),
    )


def downgrade() -> None:
    _require_none()
    op.drop_table("split_instances")
    op.drop_table("splits")
    _allow(*BEFORE)


def _require_none() -> None:
    """The former version would take a split for a change of tags: undone, the same images would be two patients'."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM modifications WHERE kind = 'split'")):
        raise RuntimeError("studies were split: the version before 0041_splits knows nothing of the images moved")


def _allow(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("modifications", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_modifications_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_modifications_kind"), f"kind IN ({listed})")
