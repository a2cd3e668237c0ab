"""Keeps the matcher's index of patients up to date: their keys, and how many share a value.

Whoever writes a patient calls `index_patient` in the same transaction.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Insert, Integer, String, bindparam, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.row_changes import is_new
from ehr_bridge.db.rows import Among, add_rows, table_of
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.identity.attributes import patient_facts

_KEYS = table_of(PatientMatchKey)
_LISTED_KEYS = func.unnest(
    bindparam("patient_id", type_=ARRAY(_KEYS.c.patient_id.type)), bindparam("key", type_=ARRAY(String))
)
_ADD_LISTED = insert(_KEYS).from_select(
    ["patient_id", "key"], select(text("*")).select_from(_LISTED_KEYS.table_valued("patient_id", "key"))
)
"""Rows as two lists: to PostgreSQL, one statement with many rows is many statements."""
_KEYS_TOO = _ADD_LISTED.cte("keys")
_COUNTS = func.unnest(bindparam("value", type_=ARRAY(String)), bindparam("patients", type_=ARRAY(Integer)))
_LISTED_COUNTS = select(text("*")).select_from(_COUNTS.table_valued("value", "patients"))
_GONE = delete(_KEYS).where(_KEYS.c.patient_id == bindparam("of_patient"), _KEYS.c.key == bindparam("gone"))
_PRESENT = select(_KEYS.c.patient_id, _KEYS.c.key).where(Among(_KEYS.c.patient_id, "patients"))


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
    if session.get_bind().dialect.name == "sqlite":
        add_rows(session, PatientMatchKey, fresh)
        _count(session, counts)
    else:
        _count(session, counts, {name: [one[name] for one in fresh] for name in ("patient_id", "key")})


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


def _count(session: Session, changes: Mapping[str, int], keys: dict[str, list[Any]] | None = None) -> None:
    """Note how many patients more have these values. On PostgreSQL with `keys`, new ones of patients, in the same
    statement."""
    rows = [{"value": key, "patients": by} for key, by in sorted(changes.items()) if by and is_counted(key)]
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        if rows:
            connection.execute(_counting("sqlite"), rows)
        return
    listed = {name: [row[name] for row in rows] for name in ("value", "patients")}
    if keys and keys["key"]:
        connection.execute(_counting("postgresql", with_keys=True), listed | keys)
    elif rows:
        connection.execute(_counting("postgresql"), listed)


@cache
def _counting(dialect: str, *, with_keys: bool = False) -> Insert:
    table = table_of(PatientValueCount)
    if dialect == "sqlite":
        statement: sqlite.Insert | postgresql.Insert = sqlite.insert(table)
    else:
        statement = postgresql.insert(table).from_select(["value", "patients"], _LISTED_COUNTS)
        statement = statement.add_cte(_KEYS_TOO) if with_keys else statement
    return statement.on_conflict_do_update(
        index_elements=["value"], set_={"patients": table.c.patients + statement.excluded.patients}
    )
