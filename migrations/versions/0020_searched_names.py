"""Patients are found by parts of their names without accents

Revision ID: 0020_searched_names
Revises: 0019_study_orders
"""

import sqlalchemy as sa
from alembic import op

from ehr_bridge.matching.names import spelled_out, words_of

revision = "0020_searched_names"
down_revision = "0019_study_orders"
branch_labels = None
depends_on = None

LENGTH = 1000
AT_ONCE = 5_000

PATIENTS = sa.table(
    "patients",
    sa.column("id", sa.Uuid()),
    sa.column("family_name", sa.String()),
    sa.column("given_name", sa.String()),
    sa.column("middle_name", sa.String()),
    sa.column("searched_names", sa.String()),
)


def upgrade() -> None:
    op.add_column("patients", sa.Column("searched_names", sa.String(LENGTH), nullable=False, server_default=""))
    if op.get_context().as_sql:
        return
    connection = op.get_bind()
    names = (PATIENTS.c.family_name, PATIENTS.c.given_name, PATIENTS.c.middle_name)
    found = connection.execute(sa.select(PATIENTS.c.id, *names)).all()
    change = sa.update(PATIENTS).where(PATIENTS.c.id == sa.bindparam("of")).values(searched_names=sa.bindparam("words"))
    for first in range(0, len(found), AT_ONCE):
        rows = found[first : first + AT_ONCE]
        connection.execute(change, [{"of": row[0], "words": _searched(row[1:])} for row in rows])


def downgrade() -> None:
    op.drop_column("patients", "searched_names")


def _searched(names) -> str:
    text = " ".join(name for name in names if name)
    return " ".join(dict.fromkeys([*words_of(text), *spelled_out(text)]))[:LENGTH]
