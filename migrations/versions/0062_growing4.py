"""Indexes for a million studies: patients by name and by day of birth, parts of names and numbers, reports that were
issued, what somebody wrote, and what was done in a month.

A part may stand anywhere, so each name and number is looked at: in an index that has what a search needs, not in rows.

Revision ID: 0062_growing4
Revises: 0060_retention
"""

import sqlalchemy as sa
from alembic import op

revision = "0062_growing4"
down_revision = "0060_retention"
branch_labels = None
depends_on = None

additive = True


def upgrade() -> None:
    names = [sa.text(f"coalesce({part}, '')") for part in ("family_name", "given_name", "middle_name")]
    op.create_index("ix_patients_name", "patients", [*names, "mrn", "id"])
    op.create_index("ix_patients_birth_date", "patients", ["birth_date", "id"])
    if op.get_bind().dialect.name == "sqlite":
        searched = ["mrn", "searched_names", "searched_family", "searched_given", "birth_date", "id"]
        op.create_index("ix_patients_searched", "patients", searched)
    op.create_index("ix_orders_searched", "orders", ["accession_number", "patient_id", "id"])
    op.create_index("ix_audit_events_action_at", "audit_events", ["action", "at"])
    op.create_index("ix_audit_events_actor_at", "audit_events", ["actor", "at"])
    op.create_index("ix_reports_number", "reports", ["number", "status", "id"])
    op.create_index("ix_report_versions_author_report_id", "report_versions", ["author", "report_id"])


def downgrade() -> None:
    op.drop_index("ix_report_versions_author_report_id", "report_versions")
    op.drop_index("ix_reports_number", "reports")
    op.drop_index("ix_audit_events_actor_at", "audit_events")
    op.drop_index("ix_audit_events_action_at", "audit_events")
    op.drop_index("ix_orders_searched", "orders")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_patients_searched", "patients")
    op.drop_index("ix_patients_birth_date", "patients")
    op.drop_index("ix_patients_name", "patients")
