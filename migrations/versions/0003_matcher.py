"""keys by which the matcher finds patients, and counts of what they have

Revision ID: 0003_matcher
Revises: 0003_reconcile
"""

from collections import Counter
from typing import Any

import sqlalchemy as sa
from alembic import op

from ehr_bridge.matching import PatientFacts
from ehr_bridge.matching.keys import is_counted, patient_keys

revision = "0003_matcher"
down_revision = "0003_reconcile"
branch_labels = None
depends_on = None

BATCH = 2_000


def _key() -> Any:
    return sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")


def upgrade() -> None:
    keys = op.create_table(
        "patient_match_keys",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("key", _key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_patient_match_keys_patient_id_patients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("patient_id", "key", name=op.f("pk_patient_match_keys")),
    )
    counts = op.create_table(
        "patient_value_counts",
        sa.Column("value", _key(), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_patient_value_counts")),
    )
    _fill(keys, counts)
    op.create_index("ix_patient_match_keys_key", "patient_match_keys", ["key", "patient_id"])


def downgrade() -> None:
    op.drop_table("patient_value_counts")
    op.drop_table("patient_match_keys")


def _fill(keys: sa.Table, counts: sa.Table) -> None:
    """The keys of the patients there are, as `ehr_bridge.services.identity.match_index` writes them for new ones."""
    connection = op.get_bind()
    patients = connection.execute(
        sa.text("SELECT id, mrn, issuer, family_name, given_name, birth_date, sex FROM patients").columns(
            id=sa.Uuid(), birth_date=sa.Date()
        )
    ).all()
    counted: Counter[str] = Counter()
    for start in range(0, len(patients), BATCH):
        rows = [
            {"patient_id": patient.id, "key": key}
            for patient in patients[start : start + BATCH]
            for key in patient_keys(PatientFacts(**patient._mapping))
        ]
        connection.execute(keys.insert(), rows)
        counted.update(row["key"] for row in rows if is_counted(row["key"]))
    if counted:
        connection.execute(counts.insert(), [{"value": key, "patients": n} for key, n in counted.items()])
