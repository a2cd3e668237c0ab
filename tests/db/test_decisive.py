"""Whatever changes a patient, an order, a link or a deletion is heard after its commit; what images bring is not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from ehr_bridge.db.database import Database
from ehr_bridge.db.decisive import on_decisive_change
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study

NOW = datetime(2026, 11, 28, tzinfo=UTC)
PATIENT, ORDER, STUDY = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


class Heard:
    def __init__(self, database: Database) -> None:
        self.database, self.count = database, 0
        on_decisive_change(database, self.hear)

    def hear(self) -> None:
        self.count += 1

    def after(self, model: Any, key: uuid.UUID, **values: Any) -> bool:
        """Whether a transaction that changes this is heard."""
        before = self.count
        with self.database.write() as session:
            row = session.get_one(model, key)
            for name, value in values.items():
                setattr(row, name, value)
        return self.count > before


@pytest.fixture
def heard(database: Database) -> Iterator[Heard]:
    with database.write() as session:
        session.add(Patient(id=PATIENT, mrn="MRN-1", sex="unknown", created_at=NOW, updated_at=NOW))
        session.flush()
        uids = {"scheduled_study_instance_uid": "1.2.3", "study_instance_uid": "1.2.3"}
        order = {"accession_number": "ACC-1", "patient_id": PATIENT, "modality": "MR", "description": "x", **uids}
        session.add(Order(id=ORDER, status="scheduled", created_at=NOW, updated_at=NOW, **order))
        study = {"match_kind": "none", "match_score": 0.0, "match_evidence": [], "corrections": {}, "coerced": []}
        study |= {"received_identity": {}, "modalities": [], "link_status": "unlinked"}
        session.add(Study(id=STUDY, study_instance_uid="1.2.3", created_at=NOW, updated_at=NOW, **study))
    yield Heard(database)


def test_what_decides_is_heard(heard: Heard) -> None:
    """One row of it is enough."""
    assert heard.after(Patient, PATIENT, family_name="Berg")
    assert heard.after(Order, ORDER, modality="CT")
    assert heard.after(Order, ORDER, status="cancelled") and heard.after(Order, ORDER, status="scheduled")
    assert heard.after(Study, STUDY, patient_id=PATIENT, link_status="linked")
    assert heard.after(Study, STUDY, deleted_at=NOW)


def test_what_every_upload_brings_is_not(heard: Heard) -> None:
    """Else an upload of many studies would ask for each decision again and again."""
    assert not heard.after(Order, ORDER, status="in_progress", number_of_images=3, orthanc_study_id="x", updated_at=NOW)
    assert not heard.after(Study, STUDY, number_of_instances=3, orthanc_study_id="x", updated_at=NOW)
    with heard.database.write() as session:
        session.execute(update(Study).values(number_of_series=2))
    assert heard.count == 0


def test_a_transaction_that_fails_is_not_heard(heard: Heard) -> None:
    """Nor does it make the next one heard."""
    with pytest.raises(ValueError, match="no"), heard.database.write() as session:
        session.get_one(Patient, PATIENT).family_name = "Dahl"
        session.flush()
        raise ValueError("no")
    assert heard.count == 0
    assert not heard.after(Study, STUDY, number_of_series=4)


def test_another_database_of_the_process_is_not_heard(heard: Heard, database: Database) -> None:
    """Each has sessions of its own."""
    other = Database(str(database.engine.url.render_as_string(hide_password=False)))
    with other.write() as session:
        session.get_one(Patient, PATIENT).family_name = "Dahl"
    assert heard.count == 0
    other.dispose()
