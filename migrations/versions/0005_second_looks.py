"""studies that wait are found by key when something changes, and judged again

Revision ID: 0005_second_looks
Revises: 0004_files
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ehr_bridge.db.types import UtcDateTime
from ehr_bridge.matching import HeaderIdentity
from ehr_bridge.matching.keys import study_keys

revision = "0005_second_looks"
down_revision = "0004_files"
branch_labels = None
depends_on = None

BATCH = 2_000
WAITS = sa.text("link_status IN ('unlinked', 'ambiguous')")
FIELDS = {
    "AccessionNumber": "accession_number",
    "PatientID": "patient_id",
    "IssuerOfPatientID": "issuer_of_patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
}
CONTRADICTED = (
    "UPDATE studies SET is_contradicted = {true} WHERE link_status = 'ambiguous' AND (patient_id IS NOT NULL"
    " OR match_kind <> 'ambiguous' OR study_instance_uid IN"
    " (SELECT study_instance_uid FROM audit_events WHERE action = 'study.contradicted'))"
)


def upgrade() -> None:
    key = sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")
    keys = op.create_table(
        "study_match_keys",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("key", key, nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_match_keys_study_id_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "key", name=op.f("pk_study_match_keys")),
    )
    op.create_table(
        "second_looks",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(24), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_second_looks_study_id_studies"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name=op.f("fk_second_looks_patient_id_patients")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_second_looks_order_id_orders")),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_second_looks")),
    )
    op.create_index(op.f("ix_second_looks_asked_at"), "second_looks", ["asked_at"])
    op.add_column("studies", sa.Column("is_contradicted", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("patient", "order"):
        columns = [f"match_{name}_id"]
        op.create_index(f"ix_studies_waiting_{name}", "studies", columns, sqlite_where=WAITS, postgresql_where=WAITS)
    true = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    op.execute(CONTRADICTED.format(true=true))
    _fill(keys)
    op.create_index("ix_study_match_keys_key", "study_match_keys", ["key", "study_id"])


def downgrade() -> None:
    for name in ("patient", "order"):
        op.drop_index(f"ix_studies_waiting_{name}", "studies")
    op.execute("ALTER TABLE studies DROP COLUMN is_contradicted")
    op.drop_table("second_looks")
    op.drop_table("study_match_keys")


def _fill(keys: sa.Table) -> None:
    """The keys of the studies that wait, as `ehr_bridge.services.identity.study_index` writes them for new ones."""
    connection = op.get_bind()
    studies = sa.table(
        "studies",
        sa.column("id", sa.Uuid()),
        sa.column("study_instance_uid"),
        sa.column("link_status"),
        sa.column("received_identity", sa.JSON()),
        sa.column("corrections", sa.JSON()),
    )
    columns = (studies.c.id, studies.c.study_instance_uid, studies.c.received_identity, studies.c.corrections)
    waiting = connection.execute(sa.select(*columns).where(studies.c.link_status != "linked")).all()
    for start in range(0, len(waiting), BATCH):
        rows: list[dict[str, Any]] = []
        for study in waiting[start : start + BATCH]:
            said = {**study.received_identity, **study.corrections}
            values = {field: str(said.get(keyword) or "") for keyword, field in FIELDS.items()}
            step = str(said.get("ScheduledProcedureStepID") or "")
            identity = HeaderIdentity(study.study_instance_uid, **values, scheduled_procedure_step_id=step)
            rows += [{"study_id": study.id, "key": key} for key in study_keys(identity)]
        connection.execute(keys.insert(), rows)
