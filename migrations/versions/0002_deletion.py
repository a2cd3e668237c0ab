"""deletion requests and legal holds

Revision ID: 0002_deletion
Revises: 0002_accounts
"""

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0002_deletion"
down_revision = "0002_accounts"
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('pending', 'approved', 'purging')")
IN_FORCE = sa.text("released_at IS NULL")


def upgrade() -> None:
    moment = ehr_bridge.db.types.UtcDateTime(timezone=True)
    op.create_table(
        "deletion_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.String(length=255), nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decision_reason", sa.String(length=255), nullable=True),
        sa.Column("purge_after", moment, nullable=True),
        sa.Column("restored_by", sa.String(length=255), nullable=True),
        sa.Column("restored_at", moment, nullable=True),
        sa.Column("purged_at", moment, nullable=True),
        sa.Column("late_instances", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'purging', 'purged', 'rejected', 'restored')",
            name=op.f("ck_deletion_requests_status"),
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_deletion_requests_study_id_studies")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_deletion_requests_patient_id_patients")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_deletion_requests_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_requests")),
    )
    with op.batch_alter_table("deletion_requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deletion_requests_open", ["study_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
        )
        batch_op.create_index("ix_deletion_requests_status_purge_after", ["status", "purge_after"], unique=False)
        for column in ("study_id", "requested_by", "requested_at"):
            batch_op.create_index(batch_op.f(f"ix_deletion_requests_{column}"), [column], unique=False)

    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("held_by", sa.String(length=255), nullable=False),
        sa.Column("held_at", moment, nullable=False),
        sa.Column("released_by", sa.String(length=255), nullable=True),
        sa.Column("released_at", moment, nullable=True),
        sa.Column("release_reason", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_legal_holds_study_id_studies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    with op.batch_alter_table("legal_holds", schema=None) as batch_op:
        batch_op.create_index(
            "ix_legal_holds_in_force", ["study_id"], unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE
        )
        batch_op.create_index(batch_op.f("ix_legal_holds_study_id"), ["study_id"], unique=False)


def downgrade() -> None:
    op.drop_table("legal_holds")
    op.drop_table("deletion_requests")
