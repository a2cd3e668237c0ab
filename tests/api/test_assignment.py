"""Whose the numbers on record are: what stops a start, and how a person says it; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import InvalidInput
from ehr_bridge.matching.issuers import Authority
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.registry import assignment
from ehr_bridge.services.registry.authorities import advice, authorities_of, numbers_on_record, obstacle
from plugin.starting import demo
from tests.api.authority_steps import ANDERS, BOTH, ZIMMER, an_api, code, put
from tests.api.conftest import Api
from tests.support.samples import small

OPERATOR = Origin("command:root")


@pytest.fixture
def before(database: Database, tmp_path: Path) -> Api:
    """One authority, as it was: five numbers that nobody said the issuer of, and one that has one."""
    api = an_api(database, tmp_path)
    for mrn in "12345":
        put(api, mrn, **ANDERS | {"issuer": None})
    put(api, "6", **ZIMMER | {"issuer": "Hosp B"})
    return api


def issuers(api: Api) -> dict[str, str | None]:
    with api.services.database.read() as session:
        rows = session.execute(select(Patient.mrn, Patient.issuer).order_by(Patient.mrn)).all()
    return {row.mrn: row.issuer for row in rows}


def said(api: Api) -> tuple[str | None, str | None]:
    """What stops a start with the settings of this installation, and what it says beside."""
    known = authorities_of(api.services.settings)
    with api.services.database.read() as session:
        numbers = numbers_on_record(session, known)
    return obstacle(numbers, known), advice(numbers, known)


def test_with_one_authority_nothing_is_said(before: Api) -> None:
    assert said(before) == (None, None)


def test_a_usual_start_passes_once_over_the_patients(api: Api) -> None:
    """Numbers can only be shared where several issuers gave them."""
    put(api, "1", **ANDERS | {"issuer": None})
    passes: list[str] = []
    for engine in api.services.database.engines.different:
        event.listen(engine, "before_cursor_execute", lambda *told: passes.append(told[2]))
    assert said(api) == (None, None)
    assert len([statement for statement in passes if "FROM patients" in statement]) == 1


def test_an_issuer_that_is_no_authority_stops_the_start_until_it_has_its_new_name(
    before: Api, database: Database, tmp_path: Path
) -> None:
    """Else its EHR would tell every patient anew."""
    two = an_api(database, tmp_path, BOTH)
    stop, _ = said(two)
    assert stop is not None and "'Hosp B' (1)" in stop and "assign NAME --from" in stop
    done = two.services.assignment.assign("site-b", None, OPERATOR, former="hosp b")
    assert (done.patients, done.taken, issuers(two)["6"]) == (1, 0, "SITE-B")
    assert said(two)[0] is None
    assert put(two, "6", **ZIMMER).status_code == 200


def test_numbers_are_assigned_one_by_one_or_all_and_then_told_by_their_authority(
    before: Api, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches; a second run finds nothing left to do; a dry run changes nothing."""
    monkeypatch.setattr(assignment, "BATCH", 2)
    two = an_api(database, tmp_path, BOTH)
    assert "5 patients" in str(said(two)[1])
    assert code(put(two, "1", **ANDERS)) == (409, "mrn_without_issuer")
    seen: list[int] = []
    dry = two.services.assignment.assign("SITE-A", None, OPERATOR, dry_run=True)
    assert (dry.patients, issuers(two)["1"]) == (5, None)
    some = two.services.assignment.assign("SITE-B", ["2", "77"], OPERATOR)
    assert (some.patients, some.unknown) == (1, 1)
    rest = two.services.assignment.assign("SITE-A", None, OPERATOR, progress=lambda done: seen.append(done.patients))
    assert (rest.patients, seen) == (4, [2, 4])
    assert issuers(two) == {**dict.fromkeys("1345", "SITE-A"), "2": "SITE-B", "6": "Hosp B"}
    assert two.services.assignment.assign("SITE-A", None, OPERATOR).patients == 0
    assert said(two)[1] is None
    assert put(two, "1", **ANDERS).status_code == 200
    assert put(two, "1", **ZIMMER).status_code == 201
    events = two.get("/api/v1/audit?action=patient.updated&actor=command:root", "admin").json["items"]
    assert [event["detail"] for event in events] == [{"fields": ["issuer"]}] * 5
    with pytest.raises(InvalidInput):
        two.services.assignment.assign("SITE-C", None, OPERATOR)


def test_stored_images_get_the_issuer(before: Api, database: Database, tmp_path: Path) -> None:
    """As they follow whatever else is told of their patient."""
    stored = before.upload(small(PatientID="1", PatientName="Anders^Anna"), headers={"X-Patient-Id": "1"}).json
    uid = stored["studies"][0]["study_instance_uid"]
    two = an_api(database, tmp_path, BOTH)
    two.services.assignment.assign("SITE-A", ["1"], OPERATOR)
    changes: list[dict[str, Any]] = two.get("/api/v1/changes", "nurse").json["items"]
    assert [(one["before"], one["after"]) for one in changes] == [({"issuer": None}, {"issuer": "SITE-A"})]
    seen = two.get(f"/api/v1/dicom/studies/{uid}", "nurse").json
    assert (seen["issuer"], seen["link_status"]) == ("SITE-A", "linked")


def test_a_number_that_the_authority_has_already_is_left_alone(database: Database, tmp_path: Path) -> None:
    """Two records of one number would become one."""
    two = an_api(database, tmp_path, BOTH)
    mine = put(two, **ANDERS).json["id"]
    put(two, **ZIMMER)
    with database.write() as session:
        session.scalars(select(Patient).where(Patient.issuer == "SITE-B")).one().issuer = None
    done = two.services.assignment.assign("SITE-A", None, OPERATOR)
    assert (done.patients, done.taken) == (0, 1)
    assert two.get("/api/v1/patients/SITE-A%7C7", "nurse").json["id"] == mine


def test_the_setting_cannot_go_while_a_number_is_two_patients(database: Database, tmp_path: Path) -> None:
    """Nor can one of its names, while patients have it."""
    two = an_api(database, tmp_path, BOTH)
    put(two, **ANDERS)
    assert said(an_api(database, tmp_path)) == (None, None)
    put(two, **ZIMMER)
    assert "1 numbers" in str(said(an_api(database, tmp_path))[0])
    assert "'SITE-B' (1)" in str(said(an_api(database, tmp_path, "SITE-A,SITE-C"))[0])
    assert said(two) == (None, None)
    assert authorities_of(two.services.settings)[0] == Authority("SITE-A", "1.2.40.1")


def test_demo_data_are_of_the_first_authority(database: Database, tmp_path: Path) -> None:
    two = an_api(database, tmp_path, BOTH)
    demo._patients_and_orders(two.services, utc_now())
    assert set(issuers(two).values()) == {"SITE-A"}
    assert two.get("/api/v1/orders/ACC-2026-0001", "nurse").json["issuer"] == "SITE-A"
