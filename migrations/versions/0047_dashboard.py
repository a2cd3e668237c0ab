"""When an order's images were complete, and the dose that files of studies state

Revision ID: 0047_dashboard
Revises: 0049_rest
"""

import sqlalchemy as sa
from alembic import op

revision = "0047_dashboard"
down_revision = "0049_rest"
branch_labels = None
depends_on = None

DOSED = (
    "1.2.840.10008.5.1.4.1.1.88.67",
    "1.2.840.10008.5.1.4.1.1.88.76",
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2",
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.12.2",
)


def upgrade() -> None:
    op.add_column("orders", sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "study_doses",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(8), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("ctdi_vol", "dlp", "dap", "agd")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_doses_study_id_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study_doses")),
    )
    due = sa.text("is_due")
    op.create_index("ix_study_doses_due", "study_doses", ["study_id"], sqlite_where=due, postgresql_where=due)
    stated = sa.bindparam("stated", DOSED, expanding=True)
    op.get_bind().execute(
        sa.text(
            "INSERT INTO study_doses (study_id, is_due) SELECT DISTINCT study_id, true FROM study_sop_classes "
            "WHERE sop_class_uid IN :stated"
        ).bindparams(stated)
    )


def downgrade() -> None:
    op.drop_table("study_doses")
    with op.batch_alter_table("orders") as table:
        table.drop_column("completed_at")
