"""Keeps the matcher's index of patients up to date: their keys, and how many share a value.

Whoever writes a patient calls `index_patient` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.identity.attributes import patient_facts


def index_patient(session: Session, patient: Patient) -> None:
    """Update keys and counts from a patient's row."""
    session.flush()
    mine = PatientMatchKey.patient_id == patient.id
    before = set(session.scalars(select(PatientMatchKey.key).where(mine)))
    after = patient_keys(patient_facts(patient))
    if gone := before - after:
        session.execute(delete(PatientMatchKey).where(mine, PatientMatchKey.key.in_(gone)))
        _count(session, gone, -1)
    if fresh := after - before:
        session.execute(insert(PatientMatchKey), [{"patient_id": patient.id, "key": key} for key in sorted(fresh)])
        _count(session, fresh, 1)


def _count(session: Session, keys: Iterable[str], by: int) -> None:
    rows = [{"value": key, "patients": by} for key in sorted(filter(is_counted, keys))]
    if not rows:
        return
    table = PatientValueCount.__table__
    assert isinstance(table, Table)
    dialect = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = dialect(table)
    statement = statement.on_conflict_do_update(
        index_elements=["value"], set_={"patients": table.c.patients + statement.excluded.patients}
    )
    session.execute(statement, rows)
