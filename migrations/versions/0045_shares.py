"""Links by which people outside see one study

Revision ID: 0045_shares
Revises: 0050_notices
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0045_shares"
down_revision = "0050_notices"
branch_labels = None
depends_on = None

REASONS = "'revoked', 'wrong_pins', 'patient_changed', 'study_deleted', 'study_held', 'study_split', 'restricted'"


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("pin_hash", sa.String(255), nullable=True),
        sa.Column("wrong_pins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(255), nullable=True),
        sa.Column("end_reason", sa.String(16), nullable=True),
        sa.CheckConstraint(f"end_reason IN ({REASONS})", name=op.f("ck_shares_end_reason")),
        sa.CheckConstraint("max_uses IS NULL OR uses <= max_uses", name=op.f("ck_shares_uses")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_shares_study_id_studies")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_shares_patient_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_shares_secret_sha256")),
    )
    op.create_index(op.f("ix_shares_study_id"), "shares", ["study_id"])
    op.create_index(op.f("ix_shares_patient_id"), "shares", ["patient_id"])
    op.create_index("ix_shares_created_at_id", "shares", ["created_at", "id"])
    not_ended = sa.text("ended_at IS NULL")
    op.create_index("ix_shares_not_ended", "shares", ["expires_at"], sqlite_where=not_ended, postgresql_where=not_ended)
    with op.batch_alter_table("viewer_tokens") as table:
        table.add_column(sa.Column("share_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(op.f("fk_viewer_tokens_share_id_shares"), "shares", ["share_id"], ["id"])
    op.create_index(op.f("ix_viewer_tokens_share_id"), "viewer_tokens", ["share_id"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM viewer_token_renewals WHERE viewer_token_id IN "
        "(SELECT id FROM viewer_tokens WHERE share_id IS NOT NULL)"
    )
    op.execute("DELETE FROM viewer_tokens WHERE share_id IS NOT NULL")
    op.drop_index(op.f("ix_viewer_tokens_share_id"), "viewer_tokens")
    with op.batch_alter_table("viewer_tokens") as table:
        table.drop_constraint(op.f("fk_viewer_tokens_share_id_shares"), type_="foreignkey")
        table.drop_column("share_id")
    op.drop_table("shares")
