"""scopes, renewals and uses of viewer tokens; restricted patients and broken glasses; viewings

Revision ID: 0003_gate
Revises: 0003_matcher
"""

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0003_gate"
down_revision = "0003_matcher"
branch_labels = None
depends_on = None

MOMENT = ehr_bridge.db.types.UtcDateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("viewer_tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scope", sa.String(length=8), server_default="studies", nullable=False))
        batch_op.add_column(sa.Column("order_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("patient_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("priors_match", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("priors_newest", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("not_before", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("renewable_until", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("max_uses", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("uses", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("requests", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("last_used_at", MOMENT, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_viewer_tokens_order_id_orders"), "orders", ["order_id"], ["id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_viewer_tokens_patient_id_patients"), "patients", ["patient_id"], ["id"]
        )
    op.create_table(
        "viewer_token_renewals",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("viewer_token_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["viewer_token_id"],
            ["viewer_tokens.id"],
            name=op.f("fk_viewer_token_renewals_viewer_token_id_viewer_tokens"),
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_viewer_token_renewals")),
    )
    _index("viewer_token_renewals", "viewer_token_id")
    op.create_table(
        "access_versions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_versions")),
    )
    op.execute("INSERT INTO access_versions (id, version) VALUES (1, 0)")
    op.create_table(
        "restricted_patients",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("restricted_by", sa.String(length=255), nullable=False),
        sa.Column("restricted_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name=op.f("fk_restricted_patients_patient_id_patients")
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_restricted_patients")),
    )
    op.create_table(
        "restriction_members",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["restricted_patients.patient_id"],
            name=op.f("fk_restriction_members_patient_id_restricted_patients"),
        ),
        sa.PrimaryKeyConstraint("patient_id", "subject", name=op.f("pk_restriction_members")),
    )
    op.create_table(
        "broken_glasses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("reviewed_by", sa.String(length=255), nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("review_note", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_broken_glasses_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broken_glasses")),
    )
    op.create_index("ix_broken_glasses_patient_id_subject", "broken_glasses", ["patient_id", "subject"], unique=False)
    _index("broken_glasses", "opened_at")
    _index("broken_glasses", "expires_at")
    op.create_table(
        "viewings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.Column("token_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("last_read_at", MOMENT, nullable=False),
        sa.Column("instances", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewings")),
        sa.UniqueConstraint(
            "actor", "study_instance_uid", "token_id", name=op.f("uq_viewings_actor_study_instance_uid_token_id")
        ),
    )
    _index("viewings", "last_read_at")


def downgrade() -> None:
    for table in (
        "viewings",
        "broken_glasses",
        "restriction_members",
        "restricted_patients",
        "access_versions",
        "viewer_token_renewals",
    ):
        op.drop_table(table)
    with op.batch_alter_table("viewer_tokens", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_viewer_tokens_patient_id_patients"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_viewer_tokens_order_id_orders"), type_="foreignkey")
        for column in (
            "last_used_at",
            "requests",
            "uses",
            "max_uses",
            "renewable_until",
            "not_before",
            "priors_newest",
            "priors_match",
            "patient_id",
            "order_id",
            "scope",
        ):
            batch_op.drop_column(column)


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
