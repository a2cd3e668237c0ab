"""Keeps the matcher's index of patients up to date: their keys, and how many share a value.

Whoever writes a patient calls `index_patient` in the same transaction.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.identity.attributes import patient_facts

_GONE = delete(PatientMatchKey).where(
    PatientMatchKey.patient_id == bindparam("of_patient"), PatientMatchKey.key == bindparam("gone")
)


def index_patient(session: Session, patient: Patient) -> None:
    """Update keys and counts from a patient's row."""
    index_patients(session, [patient])


def index_patients(session: Session, patients: Iterable[Patient]) -> None:
    """Like `index_patient`, for many; each of them once."""
    session.flush()
    people = list(patients)
    mine = PatientMatchKey.patient_id.in_([one.id for one in people])
    before: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for patient_id, key in session.execute(select(PatientMatchKey.patient_id, PatientMatchKey.key).where(mine)):
        before[patient_id].add(key)
    counts = Counter[str]()
    gone, fresh = list[dict[str, Any]](), list[dict[str, Any]]()
    for patient in people:
        after = patient_keys(patient_facts(patient))
        counts.subtract(before[patient.id] - after)
        counts.update(after - before[patient.id])
        gone += [{"of_patient": patient.id, "gone": key} for key in sorted(before[patient.id] - after)]
        fresh += [{"patient_id": patient.id, "key": key} for key in sorted(after - before[patient.id])]
    if gone:
        session.connection().execute(_GONE, gone)
    if fresh:
        session.execute(insert(PatientMatchKey), fresh)
    _count(session, counts)


def _count(session: Session, changes: Mapping[str, int]) -> None:
    rows = [{"value": key, "patients": by} for key, by in sorted(changes.items()) if by and is_counted(key)]
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
