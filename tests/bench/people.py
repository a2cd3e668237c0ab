"""Patients by the thousand, with the keys and counts that `PUT patients` would leave behind, written in bulk."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from sqlalchemy import delete, insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching import HeaderIdentity, Match, PatientFacts
from ehr_bridge.matching.keys import is_counted, patient_keys
from ehr_bridge.services.intake.prediction import Matching, Question

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BATCH = 5_000


def write_patients(database: Database, people: Sequence[PatientFacts]) -> None:
    """Make these the only patients; the tables of orders and studies must be empty."""
    counted: Counter[str] = Counter()
    with database.write() as session:
        for model in (PatientMatchKey, PatientValueCount, Patient):
            session.execute(delete(model))
        for some in batched(people, BATCH, strict=False):
            keys = [(person.id, key) for person in some for key in patient_keys(person)]
            counted.update(key for _, key in keys if is_counted(key))
            _write(session, Patient, ({**_fields(one), "created_at": NOW, "updated_at": NOW} for one in some))
            _write(session, PatientMatchKey, ({"patient_id": person, "key": key} for person, key in keys))
        _write(session, PatientValueCount, ({"value": key, "patients": count} for key, count in counted.items()))
    gather_statistics(database)


def gather_statistics(database: Database) -> None:
    """Let the database know what it has been filled with."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def _write(session: Any, model: Any, rows: Iterable[dict[str, Any]]) -> None:
    session.execute(insert(model.__table__), list(rows))


def _fields(person: PatientFacts) -> dict[str, Any]:
    return {name: getattr(person, name) for name in PatientFacts.__slots__}


def judge_all(matching: Matching, headers: Iterable[HeaderIdentity]) -> list[Match]:
    """The verdict on each header, as `POST /api/v1/match` has it."""
    verdicts = (one.verdict for one in matching.predict(Question(header) for header in headers))
    return [verdict.match for verdict in verdicts if verdict is not None]


def person_id(text_id: str) -> uuid.UUID:
    """The same id for the same text."""
    return uuid.uuid5(uuid.NAMESPACE_OID, text_id)
