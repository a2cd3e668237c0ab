"""Reports: drafts, versions that were issued, whose orders they answer, critical results, templates, macros

Revision ID: 0027_reports
Revises: 0031_sop_classes
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime

revision = "0027_reports"
down_revision = "0031_sop_classes"
branch_labels = None
depends_on = None

STATES = ("draft", "preliminary", "final", "amended", "corrected", "appended", "entered_in_error")
LEVELS = ("minutes", "hours", "days")
WAYS = ("phone", "in_person", "message", "other")
INSERT_ONLY = ("report_versions", "report_communications")


def _words(words: tuple[str, ...], name: str | None) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=name is not None, length=16)


def upgrade() -> None:
    op.add_column("orders", sa.Column("has_signed_report", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", _words(STATES, "status"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("written_for_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("title", sa.String(128), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("template", sa.String(64), nullable=True),
        sa.Column("draft_kind", sa.String(16), nullable=True),
        sa.Column("draft_sections", sa.JSON(), nullable=True),
        sa.Column("draft_reason", sa.String(500), nullable=True),
        sa.Column("draft_author", sa.String(255), nullable=True),
        sa.Column("draft_author_name", sa.String(255), nullable=True),
        sa.Column("draft_revision", sa.Integer(), nullable=False),
        sa.Column("draft_saved_at", UtcDateTime(), nullable=True),
        sa.Column("presigned_by", sa.String(255), nullable=True),
        sa.Column("presigned_name", sa.String(255), nullable=True),
        sa.Column("claimed_by", sa.String(255), nullable=True),
        sa.Column("claimed_name", sa.String(255), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.Column("critical_level", _words(LEVELS, None), nullable=True),
        sa.Column("critical_note", sa.String(500), nullable=True),
        sa.Column("critical_told_at", UtcDateTime(), nullable=True),
        sa.Column("doubt", sa.String(16), nullable=True),
        sa.Column("doubted_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_reports_order_id_orders")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_reports_patient_id_patients")),
        sa.ForeignKeyConstraint(["written_for_id"], ["patients.id"], name=op.f("fk_reports_written_for_id_patients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    for column in ("patient_id", "order_id", "study_instance_uid", "updated_at"):
        op.create_index(op.f(f"ix_reports_{column}"), "reports", [column])
    op.create_index("ix_reports_issued_at_id", "reports", ["issued_at", "id"])
    op.create_index("ix_reports_status", "reports", ["status", "id"])
    for name, column, where in (
        ("drafts", "draft_author", "draft_kind IS NOT NULL"),
        ("critical", "critical_level", "critical_level IS NOT NULL"),
    ):
        condition = sa.text(where)
        op.create_index(f"ix_reports_{name}", "reports", [column], sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "report_orders",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_report_orders_order_id_orders")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_orders_report_id_reports")),
        sa.PrimaryKeyConstraint("report_id", "order_id", name=op.f("pk_report_orders")),
    )
    op.create_index(op.f("ix_report_orders_order_id"), "report_orders", ["order_id"])
    op.create_table(
        "report_versions",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", _words(STATES, "status"), nullable=False),
        sa.Column("title", sa.String(128), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("sections", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("author_name", sa.String(255), nullable=False),
        sa.Column("signer", sa.String(255), nullable=True),
        sa.Column("signer_name", sa.String(255), nullable=True),
        sa.Column("cosigner", sa.String(255), nullable=True),
        sa.Column("cosigner_name", sa.String(255), nullable=True),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("study_instance_uid", sa.String(64), nullable=True),
        sa.Column("accession_numbers", sa.JSON(), nullable=False),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(500), nullable=True),
        sa.Column("signed_text", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("audit_event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_versions_report_id_reports")),
        sa.PrimaryKeyConstraint("report_id", "number", name=op.f("pk_report_versions")),
    )
    op.create_index(op.f("ix_report_versions_author"), "report_versions", ["author"])
    op.create_table(
        "report_communications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", _words(LEVELS, "level"), nullable=False),
        sa.Column("told", sa.String(255), nullable=False),
        sa.Column("way", _words(WAYS, "way"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("was_reached", sa.Boolean(), nullable=False),
        sa.Column("read_back", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(500), nullable=True),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.Column("recorded_name", sa.String(255), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_communications_report_id_reports")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_communications")),
    )
    op.create_index(op.f("ix_report_communications_report_id"), "report_communications", ["report_id"])
    op.create_table(
        "report_seen",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_seen_report_id_reports")),
        sa.PrimaryKeyConstraint("report_id", "subject", name=op.f("pk_report_seen")),
    )
    op.create_index(op.f("ix_report_seen_subject"), "report_seen", ["subject"])
    op.create_table(
        "report_templates",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.String(128), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("modalities", sa.JSON(), nullable=False),
        sa.Column("body_part", sa.String(16), nullable=True),
        sa.Column("sections", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("changed_by", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_report_templates")),
    )
    op.create_index(op.f("ix_report_templates_updated_at"), "report_templates", ["updated_at"])
    op.create_table(
        "report_macros",
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_report_macros")),
    )
    op.create_index(op.f("ix_report_macros_updated_at"), "report_macros", ["updated_at"])
    _refuse_changes()


def downgrade() -> None:
    for table in ("report_macros", "report_templates", "report_seen"):
        op.drop_table(table)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in INSERT_ONLY:
        op.drop_table(table)  # and its triggers
    if not is_sqlite:
        op.execute("DROP FUNCTION reports_insert_only()")
    op.drop_table("report_orders")
    op.drop_table("reports")
    op.drop_column("orders", "has_signed_report")


def _refuse_changes() -> None:
    """What was issued, and who was told, is written once: the database itself refuses to change or delete it."""
    if op.get_bind().dialect.name == "sqlite":
        for table in INSERT_ONLY:
            for act in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{act} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION reports_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME; END $$"
    )
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION reports_insert_only()"
        )
