"""Studies that are sent to modalities

Revision ID: 0030_sendings
Revises: 0026_desk
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0030_sendings"
down_revision = "0026_desk"
branch_labels = None
depends_on = None

SENDINGS, INSTANCES = "sendings", "sent_instances"


def upgrade() -> None:
    op.create_table(
        SENDINGS,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("ae_title", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("number_of_instances", sa.Integer(), nullable=False),
        sa.Column("number_sent", sa.Integer(), nullable=False),
        sa.Column("number_refused", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("refusal", sa.String(255), nullable=True),
        sa.Column("requested_by", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("node", sa.String(64), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'queued', 'running', 'succeeded', 'partial', 'failed')",
            name=op.f("ck_sendings_status"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_sendings_study_id_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sendings")),
    )
    op.create_index("ix_sendings_study_id_requested_at", SENDINGS, ["study_id", "requested_at"])
    under_way = sa.text("status IN ('queued', 'running')")
    op.create_index(
        "ix_sendings_under_way", SENDINGS, ["requested_at"], sqlite_where=under_way, postgresql_where=under_way
    )
    op.create_table(
        INSTANCES,
        sa.Column("sending_id", sa.Uuid(), nullable=False),
        sa.Column("orthanc_instance_id", sa.String(44), nullable=False),
        sa.Column("is_refused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_id"], ["sendings.id"], name=op.f("fk_sent_instances_sending_id_sendings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sending_id", "orthanc_instance_id", name=op.f("pk_sent_instances")),
    )


def downgrade() -> None:
    op.drop_table(INSTANCES)
    op.drop_table(SENDINGS)
