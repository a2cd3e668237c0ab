"""Reports of other systems: who sent them, as what, and the files that came with them

Revision ID: 0032_foreign_reports
Revises: 0033_reading_list
"""

import sqlalchemy as sa
from alembic import op

revision = "0032_foreign_reports"
down_revision = "0033_reading_list"
branch_labels = None
depends_on = None

IS_OUTSIDE = "sender IS NOT NULL"
ATTACHMENTS = "report_attachments"


def upgrade() -> None:
    op.add_column("reports", sa.Column("sender", sa.String(255), nullable=True))
    op.add_column("reports", sa.Column("sender_application", sa.String(255), nullable=True))
    op.add_column("reports", sa.Column("sender_number", sa.String(255), nullable=True))
    op.create_index(
        "ix_reports_sender",
        "reports",
        ["sender", "sender_number"],
        unique=True,
        sqlite_where=sa.text(IS_OUTSIDE),
        postgresql_where=sa.text(IS_OUTSIDE),
    )
    op.add_column("report_versions", sa.Column("outside", sa.JSON(), nullable=True))
    op.create_table(
        ATTACHMENTS,
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id", "number"],
            ["report_versions.report_id", "report_versions.number"],
            name=op.f("fk_report_attachments_report_id_report_versions"),
        ),
        sa.PrimaryKeyConstraint("report_id", "number", "position", name=op.f("pk_report_attachments")),
    )
    _refuse_changes()


def downgrade() -> None:
    op.drop_table(ATTACHMENTS)  # and its triggers
    op.drop_column("report_versions", "outside")
    op.drop_index("ix_reports_sender", "reports")
    for name in ("sender_number", "sender_application", "sender"):
        op.drop_column("reports", name)


def _refuse_changes() -> None:
    """What came is written once, like the version it came with."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {ATTACHMENTS}_no_{act} BEFORE {act} ON {ATTACHMENTS} "
                f"BEGIN SELECT RAISE(ABORT, '{ATTACHMENTS} is insert-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {ATTACHMENTS}_insert_only BEFORE UPDATE OR DELETE ON {ATTACHMENTS} "
        "FOR EACH STATEMENT EXECUTE FUNCTION reports_insert_only()"
    )
