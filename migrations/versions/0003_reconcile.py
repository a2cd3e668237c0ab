"""links as jobs, what patients and orders were before, merged patients

Revision ID: 0003_reconcile
Revises: 0003_limits
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import ehr_bridge.db.types

revision = "0003_reconcile"
down_revision = "0003_limits"
branch_labels = None
depends_on = None

BATCH = 500
KINDS = "kind IN ('modify', 'undo', 'link', 'unlink', 'follow')"
STATUSES = "status IN ('waiting', 'queued', 'running', 'succeeded', 'partial', 'failed')"
KINDS_BEFORE = "kind IN ('modify', 'undo')"
STATUSES_BEFORE = "status IN ('queued', 'running', 'succeeded', 'partial', 'failed')"
LISTED = sa.text("orthanc_study_id IS NOT NULL AND deleted_at IS NULL")
WAITING = sa.text("status = 'waiting'")
FORGET = (
    "CREATE TEMPORARY TABLE forgotten AS SELECT id FROM modifications"
    " WHERE kind IN ('link', 'unlink', 'follow') OR status = 'waiting'"
    " OR undoes_id IN (SELECT id FROM modifications WHERE kind IN ('link', 'unlink', 'follow'))",
    "DELETE FROM modification_instances WHERE modification_id IN (SELECT id FROM forgotten)",
    "DELETE FROM modifications WHERE id IN (SELECT id FROM forgotten)",
    "DROP TABLE forgotten",
)
SET_UNDOES_ASIDE = (
    "CREATE TABLE kept_undoes AS SELECT id, undoes_id FROM modifications WHERE undoes_id IS NOT NULL",
    "UPDATE modifications SET undoes_id = NULL",
)
BRING_UNDOES_BACK = (
    "UPDATE modifications SET undoes_id = (SELECT undoes_id FROM kept_undoes WHERE kept_undoes.id = modifications.id)",
    "DROP TABLE kept_undoes",
)
CHANGE = "fk_modifications_change_id_identity_changes"


def upgrade() -> None:
    op.create_table(
        "identity_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("changed_at", ehr_bridge.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('patient_updated', 'patient_merged', 'order_updated', 'order_cancelled', 'accession_corrected')",
            name=op.f("ck_identity_changes_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["identity_changes.id"], name=op.f("fk_identity_changes_undoes_id_identity_changes")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_identity_changes_patient_id_patients")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_identity_changes_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_changes")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_identity_changes_undoes_id")),
    )
    for column in ("patient_id", "order_id", "changed_at"):
        op.create_index(op.f(f"ix_identity_changes_{column}"), "identity_changes", [column])
    op.create_index(op.f("ix_study_links_study_id"), "study_links", ["study_id"])
    kept = _set_aside_instances()
    with op.batch_alter_table("modifications") as table:
        if not _is_sqlite():
            table.drop_constraint(op.f("ck_modifications_kind"), type_="check")
            table.drop_constraint(op.f("ck_modifications_status"), type_="check")
        table.create_check_constraint(op.f("ck_modifications_kind"), KINDS)
        table.create_check_constraint(op.f("ck_modifications_status"), STATUSES)
        table.add_column(sa.Column("from_original", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("link_before", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(sa.Column("link_after", sa.JSON(none_as_null=True), nullable=True))
        table.add_column(sa.Column("change_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(op.f(CHANGE), "identity_changes", ["change_id"], ["id"])
    op.create_index(op.f("ix_modifications_change_id"), "modifications", ["change_id"])
    op.create_index(
        "ix_modifications_waiting", "modifications", ["requested_at"], sqlite_where=WAITING, postgresql_where=WAITING
    )
    _bring_back_instances(kept)
    _add_merged_into()
    op.create_index(op.f("ix_patients_merged_into_id"), "patients", ["merged_into_id"])
    key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
    op.add_column("studies", sa.Column("patient_id_key", key, server_default="", nullable=False))
    _fill()
    op.create_index(
        "ix_studies_list_patient_id",
        "studies",
        ["patient_id_key", "id"],
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )


def downgrade() -> None:
    """Jobs that the former version does not know are forgotten; the files stay as they are."""
    op.drop_index("ix_studies_list_patient_id", "studies")
    op.execute("ALTER TABLE studies DROP COLUMN patient_id_key")
    op.drop_index("ix_patients_merged_into_id", "patients")
    op.drop_index("ix_study_links_study_id", "study_links")
    with op.batch_alter_table("patients") as table:  # SQLite drops no column that a constraint of the table names
        table.drop_column("merged_into_id")
    for statement in FORGET:
        op.execute(statement)
    op.drop_index("ix_modifications_waiting", "modifications")
    op.drop_index("ix_modifications_change_id", "modifications")
    kept = _set_aside_instances()
    with op.batch_alter_table("modifications") as table:
        if not _is_sqlite():
            table.drop_constraint(op.f("ck_modifications_kind"), type_="check")
            table.drop_constraint(op.f("ck_modifications_status"), type_="check")
        table.create_check_constraint(op.f("ck_modifications_kind"), KINDS_BEFORE)
        table.create_check_constraint(op.f("ck_modifications_status"), STATUSES_BEFORE)
        table.drop_constraint(op.f(CHANGE), type_="foreignkey")
        for column in ("from_original", "link_before", "link_after", "change_id"):
            table.drop_column(column)
    _bring_back_instances(kept)
    op.drop_table("identity_changes")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _set_aside_instances() -> str | None:
    """SQLite makes `modifications` anew, to which nothing may refer meanwhile, not even its own rows.

    Answers how the table is made again.
    """
    if not _is_sqlite():
        return None
    connection = op.get_bind()
    made = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'modification_instances'")).scalar()
    connection.execute(sa.text("CREATE TABLE kept_instances AS SELECT * FROM modification_instances"))
    connection.execute(sa.text("DROP TABLE modification_instances"))
    for statement in SET_UNDOES_ASIDE:
        connection.execute(sa.text(statement))
    return str(made)


def _bring_back_instances(made: str | None) -> None:
    if made is None:
        return
    connection = op.get_bind()
    connection.exec_driver_sql(made)
    connection.execute(sa.text("INSERT INTO modification_instances SELECT * FROM kept_instances"))
    connection.execute(sa.text("DROP TABLE kept_instances"))
    for statement in BRING_UNDOES_BACK:
        connection.execute(sa.text(statement))


def _add_merged_into() -> None:
    name = "fk_patients_merged_into_id_patients"
    if _is_sqlite():
        op.execute(
            f"ALTER TABLE patients ADD COLUMN merged_into_id CHAR(32) CONSTRAINT {name} REFERENCES patients (id)"
        )
    else:
        op.add_column("patients", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(name), "patients", "patients", ["merged_into_id"], ["id"])


def _fill() -> None:
    """The keys of what is recorded already, as `ehr_bridge.services.identity.study_index` writes them."""
    connection = op.get_bind()
    studies = sa.table(
        "studies",
        sa.column("id", sa.Uuid()),
        sa.column("received_identity", sa.JSON()),
        sa.column("corrections", sa.JSON()),
        sa.column("patient_id_key"),
    )
    rows = connection.execute(sa.select(studies.c.id, studies.c.received_identity, studies.c.corrections)).all()
    update = (
        studies.update().where(studies.c.id == sa.bindparam("study")).values(patient_id_key=sa.bindparam("patient"))
    )
    for start in range(0, len(rows), BATCH):
        keys: list[dict[str, Any]] = []
        for row in rows[start : start + BATCH]:
            said = {**row.received_identity, **row.corrections}
            keys.append({"study": row.id, "patient": str(said.get("PatientID") or "")[:255]})
        connection.execute(update, keys)
