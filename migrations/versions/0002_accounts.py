"""sessions, lock-out, service keys and rate limits

Revision ID: 0002_accounts
Revises: 0002_queries
"""

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0002_accounts"
down_revision = "0002_queries"
branch_labels = None
depends_on = None


def moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("users", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", moment("last_sign_in_at", nullable=True))
    op.create_table(
        "account_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        moment("created_at"),
        moment("expires_at"),
        moment("ended_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_account_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_sessions")),
    )
    op.create_index(op.f("ix_account_sessions_user_id"), "account_sessions", ["user_id"])
    op.create_index(op.f("ix_account_sessions_expires_at"), "account_sessions", ["expires_at"])
    op.create_table(
        "sign_in_guards",
        sa.Column("name_sha256", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        moment("since"),
        moment("locked_until", nullable=True),
        sa.PrimaryKeyConstraint("name_sha256", name=op.f("pk_sign_in_guards")),
    )
    op.create_index(op.f("ix_sign_in_guards_since"), "sign_in_guards", ["since"])
    op.create_table(
        "service_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        moment("created_at"),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        sa.Column("revoked_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_service_keys_name")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_service_keys_key_sha256")),
    )
    op.create_table(
        "rate_counts",
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("who_sha256", sa.String(length=64), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "who_sha256", "minute", name=op.f("pk_rate_counts")),
    )
    op.create_index(op.f("ix_rate_counts_minute"), "rate_counts", ["minute"])


def downgrade() -> None:
    for table in ("rate_counts", "service_keys", "sign_in_guards", "account_sessions"):
        op.drop_table(table)
    op.drop_column("users", "last_sign_in_at")
    op.drop_column("users", "must_change_password")
