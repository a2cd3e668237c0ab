"""The tables of links and changes: what was there before comes through, and late links are found by index."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.links import Link
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.identity.attributes import stored_identity
from ehr_bridge.services.identity.study_index import index_study, index_waiting
from ehr_bridge.services.linking.second_looks import concerned_by_order, concerned_by_patient

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEFORE = "0002_deletion"


def study(number: int = 1, **said: str) -> Study:
    return Study(
        id=uuid.uuid4(), study_instance_uid=f"1.2.{number}", orthanc_study_id="x", link_status="unlinked",
        match_kind="none", match_score=0.0, match_evidence=[], corrections={},
        received_identity={"PatientID": "P-1"} | said,
        coerced=[], modalities=[], number_of_series=0, number_of_instances=0, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_modifications_come_through_an_upgrade_and_a_downgrade(database: Database) -> None:
    """With their instances; jobs that the former version does not know are forgotten on the way down."""
    one = study()
    known = Modification(
        id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind="modify", changes={}, wanted={}, reason="r",
        requested_by="rita", requested_at=NOW, status="succeeded", study_before={}, applied=[],
    )  # fmt: skip
    link = Modification(
        id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind="link", changes={}, wanted={}, reason="r",
        requested_by="rita", requested_at=NOW, status="waiting", study_before={}, applied=[],
        link_after=Link(None, None, LinkStatus.UNLINKED, "none", 0.0, [], None, None),
    )  # fmt: skip
    with database.write() as session:
        session.add(one)
        session.flush()
        session.add_all([known, link])
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO modification_instances (id, modification_id, orthanc_instance_id_before,"
                " orthanc_instance_id_after, sha256_before, sha256_after, same_at_start, same_at_end, former, changes,"
                " status) SELECT id, id, 'a', 'b', 'c', 'd', 1, 1, :former, '[]', 'done' FROM modifications"
            ),
            {"former": b"\x01"},
        )
    migrate.downgrade(database, BEFORE)
    assert rows(database, "SELECT kind, status FROM modifications") == [("modify", "succeeded")]
    assert rows(database, "SELECT orthanc_instance_id_after FROM modification_instances") == [("b",)]
    with pytest.raises(sqlalchemy.exc.DBAPIError), database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'link'"))
    migrate.upgrade(database)
    assert rows(database, "SELECT kind, link_after FROM modifications") == [("modify", None)]
    assert rows(database, "SELECT orthanc_instance_id_after FROM modification_instances") == [("b",)]
    assert rows(database, "SELECT patient_id_key FROM studies") == [("P-1",)]
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'link', status = 'waiting'"))
    with pytest.raises(sqlalchemy.exc.DBAPIError), database.engine.begin() as connection:
        connection.execute(text("UPDATE modifications SET kind = 'merge'"))


def test_a_modification_that_was_undone_comes_through_an_upgrade_and_a_downgrade(database: Database) -> None:
    """Which modification was undone by which is still known, and nothing else is undone."""
    one = study()

    def modification(kind: str, undoes: Modification | None = None) -> Modification:
        return Modification(
            id=uuid.uuid4(), study_id=one.id, study_instance_uid="1.2.1", kind=kind, changes={}, wanted={}, reason="r",
            requested_by="rita", requested_at=NOW, status="succeeded", study_before={}, applied=[],
            undoes_id=undoes.id if undoes else None,
        )  # fmt: skip

    known, other = modification("modify"), modification("modify")
    undone = modification("undo", known)
    with database.write() as session:
        for row in (one, known, other, undone):
            session.add(row)
            session.flush()
    pairs = "SELECT kind, id, undoes_id FROM modifications ORDER BY id"
    before = rows(database, pairs)
    assert [kind for kind, _, undoes in before if undoes] == ["undo"]
    migrate.downgrade(database, BEFORE)
    assert rows(database, pairs) == before
    migrate.upgrade(database)
    assert rows(database, pairs) == before
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.engine.begin() as connection:
        connection.execute(text("DELETE FROM modifications WHERE id IN (SELECT undoes_id FROM modifications)"))


def test_studies_that_a_change_concerns_are_found_by_index(database: Database) -> None:
    """By each key alone, on both engines; nothing reads all studies, of which many wait."""
    patient, other = (
        Patient(id=uuid.uuid4(), mrn=mrn, sex="female", created_at=NOW, updated_at=NOW) for mrn in ("P-1", "P-2")
    )
    order = Order(
        id=uuid.uuid4(), accession_number="ACC-1", patient_id=patient.id, modality="MR", description="x",
        scheduled_study_instance_uid="1.2.1", study_instance_uid="1.2.1", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    nobody = {"PatientID": "", "AccessionNumber": ""}
    by_uid, by_number, by_mrn = (study(number, **nobody) for number in (1, 2, 3))
    by_number.received_identity = {**nobody, "AccessionNumber": "acc-1"}
    by_mrn.received_identity = {**nobody, "PatientID": "p 001"}
    by_opinion, walk_in, of_another = study(4, **nobody), study(5, **nobody), study(500, **nobody)
    of_another.received_identity = {**nobody, "AccessionNumber": "ACC-1"}
    with database.write() as session:
        session.add_all([patient, other])
        session.flush()
        session.add(order)
        session.flush()
        of_another.patient_id, of_another.link_status = other.id, LinkStatus.LINKED
        by_opinion.match_patient_id, by_opinion.match_order_id = patient.id, order.id
        walk_in.patient_id, walk_in.link_status = patient.id, LinkStatus.LINKED
        others = [study(number, PatientID=f"Q-{number}", AccessionNumber=f"B{number}") for number in range(6, 500)]
        session.add_all([by_uid, by_number, by_mrn, by_opinion, walk_in, of_another, *others])
        for one in (by_uid, by_number, by_mrn, *others):
            index_study(session, one)
        index_waiting(session, of_another.id, stored_identity(of_another))
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    of_order = [{by_uid.id, by_number.id}, {by_opinion.id}, {by_opinion.id}, {walk_in.id}, {of_another.id}]
    of_patient = [{by_mrn.id}, {by_opinion.id}, {by_uid.id, by_number.id}, {walk_in.id}]
    with database.read() as session:
        queries = [
            *concerned_by_order(order, None),
            *concerned_by_patient(session, patient, None, with_orders=True),
        ]
        for query, expected in zip(queries, of_order + of_patient, strict=True):
            assert set(session.scalars(query)) == expected
            compiled = query.compile(database.engine, compile_kwargs={"literal_binds": True})
            plan = " ".join(str(row[-1]) for row in session.execute(text(explain + str(compiled))))
            assert "Seq Scan" not in plan and "SCAN studies" not in plan, plan


def test_which_waiting_studies_say_two_patients_comes_through_the_upgrade(database: Database) -> None:
    """An image of somebody else stands in the audit trail; without one the ambiguous study is the judge's."""
    migrate.downgrade(database, "0004_files")
    insert = text(
        "INSERT INTO studies (id, study_instance_uid, link_status, match_kind, match_score, match_evidence,"
        " corrections, received_identity, coerced, modalities, number_of_series, number_of_instances, is_settled,"
        " created_at, updated_at) VALUES (:id, :uid, 'ambiguous', :kind, 0, '[]', '{}', :said, '[]', '[]', 0, 0,"
        " :yes, :at, :at)"
    )
    said = '{"PatientID": "MRN-1", "PatientName": "", "PatientBirthDate": "19610314"}'
    with database.engine.begin() as connection:
        for number, kind in enumerate(("probable", "ambiguous", "ambiguous"), 1):
            key = uuid.UUID(int=number).hex
            values = {"id": key, "uid": f"1.2.{number}", "kind": kind, "said": said, "yes": True, "at": NOW}
            connection.execute(insert, values | ({"at": str(NOW)[:19]} if database.is_sqlite else {}))
    with database.write() as session:
        audit.append(session, Origin("x"), Event("study.contradicted", study_instance_uid="1.2.2"), NOW)
    migrate.upgrade(database)
    doubted = rows(database, "SELECT study_instance_uid FROM studies WHERE is_contradicted ORDER BY study_instance_uid")
    assert doubted == [("1.2.1",), ("1.2.2",)]
    keys = rows(database, "SELECT DISTINCT key FROM study_match_keys ORDER BY key")
    assert {("d:19610314",), ("i:mrn1",), ("o:1.2.3",)} <= set(keys)
