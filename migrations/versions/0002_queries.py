"""keys and indexes by which studies are listed

Revision ID: 0002_queries
Revises: 0002_tags
"""

from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

from ehr_bridge.matching.names import name_index, name_key

revision = "0002_queries"
down_revision = "0002_tags"
branch_labels = None
depends_on = None

LISTED = sa.text("orthanc_study_id IS NOT NULL AND deleted_at IS NULL")
INDEXES = {
    "created": ["created_at", "id", "link_status", "modality_key"],
    "study_date": ["study_date_key", "id", "link_status", "modality_key"],
    "patient_name": ["patient_name_key", "id", "link_status", "modality_key"],
    "accession": ["accession_key", "id", "link_status", "modality_key"],
    "link_status": ["link_status", "created_at", "id"],
}
BATCH = 500


def _text(length: int) -> Any:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("studies", sa.Column("study_date_key", sa.Date(), server_default="0001-01-01", nullable=False))
    for name in ("patient_name_key", "accession_key", "modality_key"):
        op.add_column("studies", sa.Column(name, _text(255), server_default="", nullable=False))
    op.create_table(
        "study_names",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("part", _text(64), nullable=False),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_names_study_id_studies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "part", "place", name=op.f("pk_study_names")),
    )
    _fill()
    for name, columns in INDEXES.items():
        op.create_index(f"ix_studies_list_{name}", "studies", columns, sqlite_where=LISTED, postgresql_where=LISTED)
    op.create_index("ix_study_names_part", "study_names", ["part", "place", "study_id"])


def downgrade() -> None:
    op.drop_table("study_names")
    for name in INDEXES:
        op.drop_index(f"ix_studies_list_{name}", "studies")
    for name in ("study_date_key", "patient_name_key", "accession_key", "modality_key"):
        op.execute(f"ALTER TABLE studies DROP COLUMN {name}")


def _fill() -> None:
    """The keys of what is recorded already, as `ehr_bridge.services.identity.study_index` writes them."""
    connection = op.get_bind()
    uuid = sa.Uuid()
    rows = connection.execute(
        sa.text(
            "SELECT s.id, s.received_identity, s.corrections, s.modalities, s.study_date,"
            " p.family_name, p.given_name, o.accession_number"
            " FROM studies s LEFT JOIN patients p ON p.id = s.patient_id LEFT JOIN orders o ON o.id = s.order_id"
        ).columns(
            id=uuid, received_identity=sa.JSON(), corrections=sa.JSON(), modalities=sa.JSON(), study_date=sa.Date()
        )
    ).all()
    studies = sa.table(
        "studies",
        sa.column("id", uuid),
        sa.column("study_date_key", sa.Date()),
        *map(sa.column, ("patient_name_key", "accession_key", "modality_key")),
    )
    names = sa.table("study_names", sa.column("study_id", uuid), sa.column("part"), sa.column("place"))
    update = (
        studies.update()
        .where(studies.c.id == sa.bindparam("study"))
        .values(
            {
                name: sa.bindparam(name)
                for name in ("study_date_key", "patient_name_key", "accession_key", "modality_key")
            }
        )
    )
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        connection.execute(update, [_keys(row) for row in batch])
        parts = [
            {"study_id": row.id, "part": part.text, "place": part.place.value}
            for row in batch
            for part in name_index(_name(row))
        ]
        if parts:
            connection.execute(names.insert(), parts)


def _keys(row: Any) -> dict[str, Any]:
    said = {**row.received_identity, **row.corrections}
    return {
        "study": row.id,
        "study_date_key": row.study_date or date.min,
        "patient_name_key": name_key(_name(row)),
        "accession_key": (row.accession_number or said.get("AccessionNumber") or "")[:255],
        "modality_key": "".join(f"|{modality}" for modality in row.modalities)[:254] + "|",
    }


def _name(row: Any) -> str:
    known = f"{row.family_name or ''}^{row.given_name or ''}".rstrip("^")
    said = {**row.received_identity, **row.corrections}
    return known or str(said.get("PatientName") or "")
