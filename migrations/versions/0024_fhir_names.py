"""Patients are found by their family and given names, each by itself; studies are listed by their last change

Revision ID: 0024_fhir_names
Revises: 0023_hl7_messages
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.matching.names import spelled_out, words_of

revision = "0024_fhir_names"
down_revision = "0023_hl7_messages"
branch_labels = None
depends_on = None

LENGTH = 1000
AT_ONCE = 5_000
LISTED = sa.text("orthanc_study_id IS NOT NULL AND deleted_at IS NULL")

PATIENTS = sa.table(
    "patients",
    sa.column("id", sa.Uuid()),
    sa.column("family_name", sa.String()),
    sa.column("given_name", sa.String()),
    sa.column("middle_name", sa.String()),
    sa.column("searched_family", sa.String()),
    sa.column("searched_given", sa.String()),
)


def upgrade() -> None:
    for name in ("searched_family", "searched_given"):
        op.add_column("patients", sa.Column(name, sa.String(LENGTH), nullable=False, server_default=""))
    op.create_index(
        "ix_studies_list_updated",
        "studies",
        ["updated_at", "id"],
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )
    if op.get_context().as_sql:
        return
    connection = op.get_bind()
    names = (PATIENTS.c.family_name, PATIENTS.c.given_name, PATIENTS.c.middle_name)
    found = connection.execute(sa.select(PATIENTS.c.id, *names)).all()
    change = sa.update(PATIENTS).where(PATIENTS.c.id == sa.bindparam("of"))
    change = change.values(searched_family=sa.bindparam("family"), searched_given=sa.bindparam("given"))
    for first in range(0, len(found), AT_ONCE):
        rows = found[first : first + AT_ONCE]
        told = [{"of": row[0], "family": _searched(row[1:2]), "given": _searched(row[2:])} for row in rows]
        connection.execute(change, told)


def downgrade() -> None:
    op.drop_index("ix_studies_list_updated", "studies")
    op.drop_column("patients", "searched_given")
    op.drop_column("patients", "searched_family")


def _searched(names) -> str:
    text = " ".join(name for name in names if name)
    return " ".join(dict.fromkeys([*words_of(text), *spelled_out(text)]))[:LENGTH]
