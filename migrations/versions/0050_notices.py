"""What people are told: notices

Revision ID: 0050_notices
Revises: 0047_dashboard
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0050_notices"
down_revision = "0047_dashboard"
branch_labels = None
depends_on = None

NOTICES = "notices"
KINDS = (
    "'order_assigned', 'order_taken', 'deletion_decided', 'report_taken', 'report_cosigned', 'report_doubted', "
    "'report_withdrawn', 'critical_result'"
)
OF = {"patient_id": "patients", "order_id": "orders", "report_id": "reports", "deletion_id": "deletion_requests"}


def upgrade() -> None:
    op.create_table(
        NOTICES,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in OF),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_notices_kind")),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_notices_{name}_{table}"))
            for name, table in OF.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    unseen = sa.text("seen_at IS NULL")
    op.create_index("ix_notices_subject_at", NOTICES, ["subject", "at"])
    op.create_index("ix_notices_unseen", NOTICES, ["subject"], sqlite_where=unseen, postgresql_where=unseen)
    op.create_index("ix_notices_at", NOTICES, ["at"])
    for name in OF:
        op.create_index(f"ix_notices_{name}", NOTICES, [name])


def downgrade() -> None:
    op.drop_table(NOTICES)
