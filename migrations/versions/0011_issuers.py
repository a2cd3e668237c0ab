"""A patient is issuer and MRN: two authorities may give the same number to two people

Revision ID: 0011_issuers
Revises: 0012_leases
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0011_issuers"
down_revision = "0012_leases"
branch_labels = None
depends_on = None

KEY = "ix_patients_mrn_issuer_key"
FORMER = "uq_patients_mrn"


def upgrade() -> None:
    op.add_column("patients", sa.Column("issuer_key", sa.String(192), server_default="", nullable=False))
    connection = op.get_bind()
    patients = sa.table("patients", sa.column("issuer"), sa.column("issuer_key"))
    issuers = connection.scalars(sa.select(patients.c.issuer).where(patients.c.issuer.is_not(None)).distinct()).all()
    for issuer in issuers:
        key = issuer.strip().casefold()
        connection.execute(sa.update(patients).where(patients.c.issuer == issuer).values(issuer_key=key))
    _rebuild(lambda table: table.drop_constraint(FORMER, type_="unique"))
    op.create_index(KEY, "patients", ["mrn", "issuer_key"], unique=True)


def downgrade() -> None:
    """The former version knows an MRN as one patient's: it cannot hold two who share one."""
    shared = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM (SELECT mrn FROM patients GROUP BY mrn HAVING count(*) > 1) AS shared")
    )
    if shared:
        raise RuntimeError(
            f"{shared} MRNs are shared by patients of several issuers, which the former version would take for one "
            "person each. Stay on this version, or merge or renumber those patients first. Nothing was changed."
        )
    op.drop_index(KEY, "patients")

    def change(table: BatchOperations) -> None:
        table.create_unique_constraint(FORMER, ["mrn"])
        table.drop_column("issuer_key")

    _rebuild(change)


def _rebuild(change: Callable[[BatchOperations], None]) -> None:
    with op.batch_alter_table("patients") as table:
        change(table)
    connection = op.get_bind()
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("Rows point to patients that are not there; nothing was changed.")
