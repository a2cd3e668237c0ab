"""SQLite refuses INSERT OR REPLACE of an audit event: REPLACE removes the old row without a DELETE trigger

Revision ID: 0009_audit_replace
Revises: 0008_used_again
"""

from alembic import op

revision = "0009_audit_replace"
down_revision = "0008_used_again"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events "
            "WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'audit_events is append-only'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_events_no_replace")
