"""Keeps the matcher's index of patients up to date: their keys, and how many share a value.

Whoever writes a patient calls `index_patient` in the same transaction.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.row_changes import is_new
from ehr_bridge.db.rows import add_rows, among, table_of
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.identity.attributes import patient_facts

_KEYS = table_of(PatientMatchKey)
_GONE = delete(_KEYS).where(_KEYS.c.patient_id == bindparam("of_patient"), _KEYS.c.key == bindparam("gone"))
_PRESENT = select(_KEYS.c.patient_id, _KEYS.c.key).where(_KEYS.c.patient_id.in_(among("patients")))


def index_patient(session: Session, patient: Patient) -> None:
    """Update keys and counts from a patient's row."""
    index_patients(session, [patient])


def index_patients(session: Session, patients: Iterable[Patient]) -> None:
    """Like `index_patient`, for many; each of them once."""
    people = list(patients)
    indexed = [one.id for one in people if not is_new(one)]
    session.flush()
    before: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    if indexed:
        for patient_id, key in session.connection().execute(_PRESENT, {"patients": indexed}):
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
    add_rows(session, PatientMatchKey, fresh)
    _count(session, counts)


def forget_patients(session: Session, patient_ids: Collection[uuid.UUID]) -> None:
    """Take out keys and counts of patients whose rows are about to be deleted."""
    mine = PatientMatchKey.patient_id.in_(patient_ids)
    counts = Counter[str]()
    counts.subtract(session.scalars(select(PatientMatchKey.key).where(mine)))
    session.execute(delete(PatientMatchKey).where(mine))
    _count(session, counts)
    session.execute(
        delete(PatientValueCount).where(PatientValueCount.value.in_(counts), PatientValueCount.patients == 0)
    )


def _count(session: Session, changes: Mapping[str, int]) -> None:
    rows = [{"value": key, "patients": by} for key, by in sorted(changes.items()) if by and is_counted(key)]
    if rows:
        session.connection().execute(_counting(session.get_bind().dialect.name), rows)


@cache
def _counting(dialect: str) -> Insert:
    table = table_of(PatientValueCount)
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.on_conflict_do_update(
        index_elements=["value"], set_={"patients": table.c.patients + statement.excluded.patients}
    )
