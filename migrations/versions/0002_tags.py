"""modifications of stored studies

Revision ID: 0002_tags
Revises: 0002_uploads
"""

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0002_tags"
down_revision = "0002_uploads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "modifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("requested_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("node", sa.String(length=36), nullable=True),
        sa.Column("finished_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("swept_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("number_done", sa.Integer(), nullable=False),
        sa.Column("study_before", sa.JSON(), nullable=False),
        sa.Column("applied", sa.JSON(), nullable=False),
        sa.CheckConstraint("kind IN ('modify', 'undo')", name=op.f("ck_modifications_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed')", name=op.f("ck_modifications_status")
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_modifications_study_id_studies")),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["modifications.id"], name=op.f("fk_modifications_undoes_id_modifications")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modifications")),
    )
    with op.batch_alter_table("modifications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_modifications_study_id"), ["study_id"], unique=False)
        batch_op.create_index(
            "ix_modifications_under_way",
            ["study_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('queued', 'running')"),
            postgresql_where=sa.text("status IN ('queued', 'running')"),
        )

    op.create_table(
        "modification_instances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("modification_id", sa.Uuid(), nullable=False),
        sa.Column("orthanc_instance_id_before", sa.String(length=64), nullable=False),
        sa.Column("orthanc_instance_id_after", sa.String(length=64), nullable=False),
        sa.Column("sha256_before", sa.String(length=64), nullable=False),
        sa.Column("sha256_after", sa.String(length=64), nullable=False),
        sa.Column("same_at_start", sa.BigInteger(), nullable=False),
        sa.Column("same_at_end", sa.BigInteger(), nullable=False),
        sa.Column("former", sa.LargeBinary(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.CheckConstraint("status IN ('pending', 'done', 'refused')", name=op.f("ck_modification_instances_status")),
        sa.ForeignKeyConstraint(
            ["modification_id"],
            ["modifications.id"],
            name=op.f("fk_modification_instances_modification_id_modifications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modification_instances")),
        sa.UniqueConstraint(
            "modification_id",
            "orthanc_instance_id_before",
            name=op.f("uq_modification_instances_modification_id_orthanc_instance_id_before"),
        ),
    )


def downgrade() -> None:
    op.drop_table("modification_instances")
    with op.batch_alter_table("modifications", schema=None) as batch_op:
        batch_op.drop_index("ix_modifications_under_way")
        batch_op.drop_index(batch_op.f("ix_modifications_study_id"))

    op.drop_table("modifications")
