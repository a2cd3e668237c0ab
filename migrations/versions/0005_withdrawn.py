"""a deletion request can be withdrawn by who made it

Revision ID: 0005_withdrawn
Revises: 0005_second_looks
"""

from alembic import op

revision = "0005_withdrawn"
down_revision = "0005_second_looks"
branch_labels = None
depends_on = None

BEFORE = ("pending", "approved", "purging", "purged", "rejected", "restored")


def upgrade() -> None:
    _allow(*BEFORE, "withdrawn")


def downgrade() -> None:
    op.execute("UPDATE deletion_requests SET status = 'rejected' WHERE status = 'withdrawn'")
    _allow(*BEFORE)


def _allow(*states: str) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("deletion_requests", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_deletion_requests_status"), type_="check")
        batch_op.create_check_constraint(op.f("ck_deletion_requests_status"), f"status IN ({listed})")
