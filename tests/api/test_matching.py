"""POST match and POST patients/batch: what the EHR asks and tells in bulk."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import func, select

from ehr_bridge.db.tables.match_keys import PatientMatchKey, PatientValueCount
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import read_header
from ehr_bridge.services.identity.attributes import read_identity
from ehr_bridge.services.verdict.candidates import candidates
from tests.api.conftest import Api
from tests.support.samples import small

ASA = {"mrn": "MRN-1", "family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}


def tell(api: Api, *patients: dict[str, Any]) -> dict[str, Any]:
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": list(patients)})
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def ask(api: Api, *headers: dict[str, Any], role: str = "technician") -> list[dict[str, Any]]:
    answer = api.call("POST", "/api/v1/match", role, json={"items": list(headers)})
    assert answer.status_code == 200, answer.json
    return [item["match"] for item in answer.json["items"]]


def test_a_batch_says_for_each_patient_what_became_of_it(api: Api) -> None:
    """A bad item keeps no other out; saying it again changes nothing."""
    bad: list[dict[str, Any]] = [
        {"mrn": "MRN-2", "birth_date": "1961-13-14"},
        {"family_name": "Berg"},
        {"mrn": "MRN-3", "age": 7},
    ]
    answer = tell(api, ASA, *bad)
    assert (answer["created"], answer["updated"], answer["failed"]) == (1, 0, 3)
    assert [item["status"] for item in answer["items"]] == ["created", "failed", "failed", "failed"]
    assert [item["mrn"] for item in answer["items"]] == ["MRN-1", "MRN-2", None, "MRN-3"]
    assert answer["items"][1]["error"]["errors"][0]["field"] == "birth_date"
    assert tell(api, ASA)["items"][0] == {**answer["items"][0], "status": "updated"}
    assert api.get("/api/v1/patients/MRN-1", "nurse").json["given_name"] == "Åsa"


@pytest.mark.parametrize("items", [[], [ASA] * 1001, "all", None])
def test_a_batch_of_none_or_too_many_is_refused(api: Api, items: Any) -> None:
    """And nothing of it is taken."""
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": items})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert api.get("/api/v1/patients", "nurse").json["total"] == 0


def test_who_may_ask_and_who_may_tell(api: Api) -> None:
    """Technicians and the EHR ask; only the EHR tells."""
    for role, status in (("technician", 200), ("service", 200), ("nurse", 200)):
        assert api.call("POST", "/api/v1/match", role, json={"items": [{"ref": "1"}]}).status_code == status
    assert api.call("POST", "/api/v1/match", json={"items": [{"ref": "1"}]}).status_code == 401
    assert api.call("POST", "/api/v1/patients/batch", "technician", json={"items": [ASA]}).status_code == 403


def test_headers_are_judged_one_by_one_and_nothing_is_stored(api: Api) -> None:
    """An order, a patient, a namesake, nobody; in the order of the question."""
    order = api.place_order("ACC-1", "MRN-1")
    asked: list[dict[str, Any]] = [
        {"ref": "order", "accession_number": "acc-1 ", "patient_id": "mrn-1", "patient_name": "LINDQVIST^ASA"},
        {"ref": "patient", "patient_id": "MRN-1", "patient_name": "Lindqvist^Åsa", "patient_birth_date": "19610314"},
        {"ref": "namesake", "patient_name": "LINDQVIST^ASA", "patient_birth_date": "20010101"},
        {"ref": "nobody", "patient_id": None, "patient_name": "SOMEBODY^ELSE", "patient_birth_date": "gestern"},
        {"ref": "stolen", "patient_id": "MRN-1", "patient_name": "BERG^NILS", "patient_birth_date": "19900101"},
        {"ref": ""},
    ]
    found = ask(api, *asked)
    assert [(match["kind"], match["automatic"]) for match in found] == [
        ("exact", True),
        ("exact", True),
        ("ambiguous", False),
        ("none", False),
        ("ambiguous", False),
        ("none", False),
    ]
    assert found[0]["order_id"] == order["id"]
    assert found[1]["patient_id"] == found[4]["patient_id"] is not None
    with api.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 0


def test_more_headers_than_allowed_are_refused(api: Api) -> None:
    """500 are taken, 501 are not; a field we do not know is an error."""
    assert len(ask(api, *[{"ref": str(number)} for number in range(500)])) == 500
    refused: list[list[dict[str, str]]] = [
        [{"ref": "1"}] * 501,
        [{"ref": "1", "surname": "x"}],
        [{}],
        [{"ref": "\x00"}],
    ]
    for items in refused:
        answer = api.call("POST", "/api/v1/match", "technician", json={"items": items})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_a_study_gets_on_arrival_the_verdict_that_was_foretold(api: Api) -> None:
    """One judge for both; a walk-in is linked to the patient without an order."""
    tell(api, ASA)
    header = {"patient_id": "MRN-1", "patient_name": "LINDQVIST^ASA", "patient_birth_date": "19610314"}
    foretold = ask(api, {"ref": "1", **header})[0]
    data = small(PatientID="MRN-1", PatientName="LINDQVIST^ASA", PatientBirthDate="19610314", AccessionNumber="")
    study = api.upload(data).json["studies"][0]
    assert foretold.pop("automatic")
    assert study["match"] == foretold
    row = api.get(f"/api/v1/dicom/studies/{study['study_instance_uid']}", "nurse").json
    assert (row["link_status"], row["mrn"], row["order_id"]) == ("linked", "MRN-1", None)


def test_a_study_without_accession_number_finds_the_open_order_of_its_patient(api: Api) -> None:
    """Patient, modality and date lead to it; the same without modality finds the patient alone."""
    tell(api, ASA)
    order = {"mrn": "MRN-1", "modality": "MR", "description": "MR", "scheduled_at": "2026-11-25T08:30:00Z"}
    placed = api.call("PUT", "/api/v1/orders/ACC-1", "service", json=order).json
    header = {"ref": "1", "patient_id": "MRN-1", "patient_name": "LINDQVIST^ASA", "study_date": "20261124"}
    found, alone = ask(api, {**header, "modality": "MR"}, header)
    assert (found["order_id"], found["automatic"]) == (placed["id"], True)
    assert (alone["order_id"], alone["automatic"]) == (None, True)


def test_a_renamed_patient_is_found_under_the_new_name_and_not_the_old(api: Api) -> None:
    """Keys and counts follow the patient in the same transaction."""
    tell(api, ASA, {"mrn": "MRN-2", "family_name": "Berg", "given_name": "Nils", "birth_date": "1950-01-01"})
    tell(api, {**ASA, "family_name": "Ekström", "birth_date": "1961-03-15"})
    old, new = ask(
        api,
        {"ref": "old", "patient_name": "LINDQVIST^ASA", "patient_birth_date": "19610314"},
        {"ref": "new", "patient_name": "EKSTROM^ASA", "patient_birth_date": "19610315"},
    )
    assert (old["kind"], new["kind"]) == ("none", "probable")
    with api.services.database.read() as session:
        rows = session.execute(
            select(PatientMatchKey.key, func.count())
            .where(~PatientMatchKey.key.like("i:%"))
            .group_by(PatientMatchKey.key)
        )
        counted = session.execute(
            select(PatientValueCount.value, PatientValueCount.patients).where(PatientValueCount.patients > 0)
        )
        assert {tuple(row) for row in rows} == {tuple(row) for row in counted}


def test_candidates_are_ranked_with_their_evidence(api: Api) -> None:
    """The order's patient first, then who shares a name or a birth date."""
    order = api.place_order("ACC-1", "MRN-1")
    tell(
        api,
        {**ASA, "mrn": "MRN-TWIN", "given_name": "Svea"},
        {**ASA, "mrn": "MRN-NAMESAKE", "birth_date": "1990-01-01"},
        {"mrn": "MRN-FAR", "family_name": "Berg", "given_name": "Nils", "birth_date": "1950-01-01"},
    )
    data = small(
        PatientID="MRN-TWIN", PatientName="LINDQVIST^ASA", PatientBirthDate="19610314", AccessionNumber="ACC-1"
    )
    with api.services.database.read() as session:
        found = candidates(session, read_identity(read_header(data)))
    assert [patient.mrn for patient, _, _ in found[:2]] == ["MRN-1", "MRN-TWIN"]
    assert "MRN-FAR" not in {patient.mrn for patient, _, _ in found}
    assert found[0][1] is not None and str(found[0][1].id) == order["id"]
    assert all(match.evidence and not match.is_automatic for _, _, match in found[1:])


def test_well_formed_orders_are_linked_however_they_are_written(api: Api) -> None:
    """Right accession number and patient; case, accents, zeros, separators and missing fields as modalities write."""
    chance = random.Random(4)
    people = [
        (
            f"{number:06}",
            chance.choice(FAMILY),
            chance.choice(GIVEN),
            f"19{chance.randrange(30, 99)}-0{number % 9 + 1}-1{number % 9}",
        )
        for number in range(120)
    ]
    tell(api, *[dict(zip(("mrn", "family_name", "given_name", "birth_date"), one, strict=True)) for one in people])
    headers = []
    for mrn, family, given, born in people:
        api.call("PUT", f"/api/v1/orders/A{mrn}", "service", json={"mrn": mrn, "modality": "CT", "description": "CT"})
        for _ in range(4):
            name = chance.choice(
                [f"{family}^{given}", f"{family}^{given}^^^", f"{family} {given}", f"{family}^{given[0]}"]
            )
            headers.append(
                {
                    "ref": mrn,
                    "accession_number": chance.choice([f"A{mrn}", f"a{mrn}", f" A{mrn}"]),
                    "patient_id": chance.choice([mrn, mrn.lstrip("0") or "0", f"0{mrn}"]),
                    "patient_name": chance.choice([name, name.upper(), name.lower(), ""]),
                    "patient_birth_date": chance.choice([born.replace("-", ""), born.replace("-", "."), ""]),
                }
            )
    found = ask(api, *headers)
    assert [match["kind"] for match in found if not match["automatic"]] == []
    assert all(match["order_id"] for match in found)


FAMILY = ["Lindqvist", "Müller-Schmidt", "O'Brien", "van der Berg", "García López", "Łukasiewicz", "Nguyễn", "Ек"]
GIVEN = ["Åsa", "Anna-Lena", "João", "Zoë", "Thị Minh", "Søren", "Li", "Ольга"]
