"""How the databases find the studies with images of one kind (FHIR `dicom-class`) among thousands."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, event, insert, select, text, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.match_keys import StudySopClass
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.identity.study_index import note_sop_classes

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.22"
MANY, RARE = 10_000, 1000


def fill(database: Database) -> None:
    """All have CT images, and each thousandth a structured report."""
    usual: dict[str, Any] = {"link_status": LinkStatus.UNLINKED, "match_kind": "none", "match_score": 0.0}
    usual |= {"created_at": NOW, "updated_at": NOW, "corrections": {}, "received_identity": {}}
    usual |= {name: [] for name in ("match_evidence", "coerced", "modalities")}
    with database.write() as session:
        ids = [uuid.UUID(int=number + 1) for number in range(MANY)]
        rows = [{"id": key, "study_instance_uid": f"2.25.{key.int}", **usual} for key in ids]
        session.connection().execute(insert(Study.__table__), rows)  # type: ignore[arg-type]
        classes = [{"study_id": key, "sop_class_uid": CT} for key in ids]
        classes += [{"study_id": key, "sop_class_uid": SR} for key in ids[::RARE]]
        session.execute(insert(StudySopClass), classes)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def test_studies_with_a_structured_report_are_found_by_an_index(database: Database) -> None:
    fill(database)
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    query = select(Study.id).where(
        Study.id.in_(select(StudySopClass.study_id).where(StudySopClass.sop_class_uid == SR))
    )
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with database.read() as session:
            assert len(session.scalars(query).all()) == MANY // RARE
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    (said, given) = next(one for one in sent if "study_sop_classes" in one[0])
    with database.engine.connect() as connection:
        answer = connection.exec_driver_sql(explain + said, given)  # type: ignore[arg-type]
        plan = " ".join(str(row[-1]) for row in answer)
    assert "ix_study_sop_classes_sop_class_uid" in plan
    assert "Seq Scan" not in plan and "SCAN studies" not in plan


def test_a_study_whose_images_change_is_found_by_what_it_has_now(database: Database) -> None:
    """A report comes, the images are sent again without it, and it is as if it had never been there."""

    def now() -> list[str]:
        query = select(StudySopClass.sop_class_uid).order_by(StudySopClass.sop_class_uid)
        with database.read() as session:
            return [*session.scalars(query)]

    fill(database)
    with database.write() as session:
        session.execute(text("DELETE FROM study_sop_classes"))
        session.connection().execute(update(Study.__table__).values(sop_class_key=""))  # type: ignore[arg-type]
    for classes in ({CT}, {CT, SR}, {SR}, set[str]()):
        with database.write() as session:
            note_sop_classes(session, session.get_one(Study, uuid.UUID(int=1)), classes)
        assert now() == sorted(classes)
