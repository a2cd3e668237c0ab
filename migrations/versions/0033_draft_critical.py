"""What a draft says to be critical belongs to the draft

Revision ID: 0033_draft_critical
Revises: 0028_report_documents
"""

import sqlalchemy as sa
from alembic import op

revision = "0033_draft_critical"
down_revision = "0028_report_documents"
branch_labels = None
depends_on = None

LEVEL = sa.Enum("minutes", "hours", "days", native_enum=False, create_constraint=False, length=16)


def upgrade() -> None:
    """Drafts take over what stands on their report. Where nothing was issued and nobody was told, it leaves the report;
    an open amendment leaves it there, because nothing says what was known before it."""
    op.add_column("reports", sa.Column("draft_critical_level", LEVEL, nullable=True))
    op.add_column("reports", sa.Column("draft_critical_note", sa.String(500), nullable=True))
    op.execute(
        "UPDATE reports SET draft_critical_level = critical_level, draft_critical_note = critical_note"
        " WHERE draft_kind IS NOT NULL AND critical_level IS NOT NULL"
    )
    op.execute(
        "UPDATE reports SET critical_level = NULL, critical_note = NULL"
        " WHERE draft_kind IS NOT NULL AND number = 0 AND critical_told_at IS NULL"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE reports SET critical_level = draft_critical_level, critical_note = draft_critical_note"
        " WHERE draft_critical_level IS NOT NULL"
    )
    op.drop_column("reports", "draft_critical_note")
    op.drop_column("reports", "draft_critical_level")
