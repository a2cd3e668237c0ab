"""`updated_at` says when a row last changed, whoever changed it and however."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.row_changes import WrittenAround, keep_dates
from ehr_bridge.db.tables.registry import Order, Patient, StepData
from ehr_bridge.db.tables.studies import Study

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PATIENT, ORDER, STUDY = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


class Rows:
    """A patient, an order and a study, and a clock that goes on a minute at each reading."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, NOW
        keep_dates(database, self.clock)
        with database.write() as session:
            session.add(Patient(id=PATIENT, mrn="MRN-1", sex="unknown", created_at=NOW))
            session.flush()
            uids = {"scheduled_study_instance_uid": "1.2.3", "study_instance_uid": "1.2.3"}
            order = {"accession_number": "ACC-1", "patient_id": PATIENT, "modality": "MR", "description": "x", **uids}
            session.add(Order(id=ORDER, status="scheduled", created_at=NOW, **order))
            study = {"match_kind": "none", "match_score": 0.0, "match_evidence": [], "corrections": {}, "coerced": []}
            study |= {"received_identity": {}, "modalities": [], "link_status": "unlinked"}
            session.add(Study(id=STUDY, study_instance_uid="1.2.3", created_at=NOW, **study))

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def date(self, model: Any, key: uuid.UUID) -> datetime:
        with self.database.read() as session:
            moment: datetime = session.get_one(model, key).updated_at
            return moment

    def moves(self, model: Any, key: uuid.UUID, **values: Any) -> bool:
        """Whether a transaction that assigns these moves the date of the row."""
        before = self.date(model, key)
        with self.database.write() as session:
            row = session.get_one(model, key)
            for name, value in values.items():
                setattr(row, name, value)
        return self.date(model, key) > before


@pytest.fixture
def rows(database: Database) -> Iterator[Rows]:
    yield Rows(database)


def test_every_change_that_answers_show_moves_the_date(rows: Rows) -> None:
    """Of a step of the order too, and of what images bring."""
    assert rows.moves(Patient, PATIENT, family_name="Berg")
    assert rows.moves(Order, ORDER, status="in_progress")
    assert rows.moves(Order, ORDER, modality="CT"), "a step that is there"
    assert rows.moves(Order, ORDER, further_steps=(StepData("MR", "2"),)), "one more step"
    assert rows.moves(Order, ORDER, further_steps=()), "one step less"
    assert rows.moves(Study, STUDY, patient_id=PATIENT, link_status="linked")
    assert rows.moves(Study, STUDY, number_of_instances=3)


def test_what_changes_nothing_does_not(rows: Rows) -> None:
    """The same value again, or what is kept for ourselves."""
    assert not rows.moves(Patient, PATIENT, family_name=None)
    assert not rows.moves(Order, ORDER, modality="MR", further_steps=())
    assert not rows.moves(Order, ORDER, told_patient_id=PATIENT)
    assert not rows.moves(Study, STUDY, is_settled=False, modality_key="|MR|")


def test_all_rows_of_a_transaction_have_one_moment_whatever_was_assigned(rows: Rows) -> None:
    with rows.database.write() as session:
        session.get_one(Patient, PATIENT).family_name = "Berg"
        session.flush()
        session.get_one(Study, STUDY).updated_at = NOW - timedelta(days=1)  # its files changed
    assert rows.date(Patient, PATIENT) == rows.date(Study, STUDY) == rows.now


@pytest.mark.parametrize("model", [Patient, Order, Study])
def test_rows_cannot_be_written_past_their_date(rows: Rows, model: Any) -> None:
    """A statement on many rows is seen by nobody, so it is refused."""
    for statement in (update(model).values(created_at=NOW), insert(model).values(created_at=NOW)):
        with pytest.raises(WrittenAround, match="through their session"), rows.database.write() as session:
            session.execute(statement)
