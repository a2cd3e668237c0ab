"""Keeps the matcher's index of patients up to date: their keys, and how many share a value.

Whoever writes a patient calls `index_patient` in the same transaction.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BindParameter, ColumnElement, Insert, String, Table, bindparam, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ehr_bridge.db.row_changes import is_new
from ehr_bridge.db.rows import Among, ClosingRows, LaterRows, table_of
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.identity.attributes import patient_facts

_KEYS, _COUNTS = table_of(PatientMatchKey), table_of(PatientValueCount)


def _lists(table: Table, *columns: ColumnElement[Any]) -> postgresql.Insert:
    """Rows as lists: to PostgreSQL, one statement with many rows is many statements."""
    names = [str(column.key) for column in columns]
    kinds = (ARRAY(String() if isinstance(column.type, String) else column.type) for column in columns)
    lists = func.unnest(
        *(bindparam(f"{table.name}_{name}", type_=kind) for name, kind in zip(names, kinds, strict=True))
    )
    return postgresql.insert(table).from_select(names, select(text("*")).select_from(lists.table_valued(*names)))


def _counting(statement: sqlite.Insert | postgresql.Insert) -> Insert:
    counted = {"patients": _COUNTS.c.patients + statement.excluded.patients}
    return statement.on_conflict_do_update(index_elements=["value"], set_=counted)


_KEY_ROWS = ClosingRows(PatientMatchKey)
_KEY_LISTS = LaterRows(PatientMatchKey, _lists(_KEYS, _KEYS.c.patient_id, _KEYS.c.key))
_COUNT: dict[str, BindParameter[Any]] = {
    column.name: bindparam(f"{_COUNTS.name}_{column.name}") for column in _COUNTS.c
}
_COUNT_ROWS = LaterRows(PatientValueCount, _counting(sqlite.insert(_COUNTS).values(_COUNT)))
_COUNT_LISTS = LaterRows(PatientValueCount, _counting(_lists(_COUNTS, _COUNTS.c.value, _COUNTS.c.patients)))
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
    _add(session, _KEY_ROWS, _KEY_LISTS, fresh)
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
    """Note how many patients more have these values."""
    rows = [{"value": key, "patients": by} for key, by in sorted(changes.items()) if by and is_counted(key)]
    _add(session, _COUNT_ROWS, _COUNT_LISTS, rows)


def _add(session: Session, single: LaterRows, listed: LaterRows, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, before the next statement of the transaction."""
    if not rows:
        return
    if session.get_bind().dialect.name == "sqlite":
        single.add_first(session, rows)
    else:
        listed.add_first(session, [{name: [row[name] for row in rows] for name in rows[0]}])
