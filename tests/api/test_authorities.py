"""Authorities that give the same number are as many patients: nothing of one is found, changed or seen as another's."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from tests.api.authority_steps import ANDERS, BOTH, ZIMMER, an_api, code, put
from tests.api.conftest import Api
from tests.support.samples import small

OF_A = {"patient_name": "Anders^Anna", "patient_birth_date": "19600101", "patient_sex": "F"}
OF_B = {"patient_name": "Zimmer^Zeno", "patient_birth_date": "19900909", "patient_sex": "M"}
ACCESS = "/api/v1/access"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def two(database: Database, tmp_path: Path) -> Iterator[Api]:
    """An installation of two hospitals."""
    yield an_api(database, tmp_path, BOTH)


@pytest.fixture
def pair(two: Api) -> tuple[str, str]:
    """The ids of the two patients 7."""
    answers = [put(two, **person) for person in (ANDERS, ZIMMER)]
    assert [answer.status_code for answer in answers] == [201, 201]
    return answers[0].json["id"], answers[1].json["id"]


def test_everybody_may_read_who_gives_numbers(two: Api, database: Database, tmp_path: Path) -> None:
    """With one authority the list is empty."""
    named = [{"name": "SITE-A", "universal_id": "1.2.40.1"}, {"name": "SITE-B", "universal_id": "1.2.40.2"}]
    for role in ROLE_PERMISSIONS:
        assert two.get("/api/v1/authorities", role).json == {"items": named}
        assert an_api(database, tmp_path).get("/api/v1/authorities", role).json == {"items": []}


def order(api: Api, number: str, **more: Any) -> Any:
    body = {"mrn": "7", "modality": "MR", "description": "MR brain"} | more
    return api.call("PUT", f"/api/v1/orders/{number}", "service", json=body)


def match(api: Api, **header: Any) -> dict[str, Any]:
    answer = api.call("POST", "/api/v1/match", "technician", json={"items": [{"ref": "1", **header}]})
    assert answer.status_code == 200, answer.json
    return dict(answer.json["items"][0]["match"])


def stored(api: Api, data: bytes, **headers: str) -> dict[str, Any]:
    answer = api.upload(data, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 201, answer.json
    return dict(answer.json["studies"][0])


def file_of(**values: Any) -> bytes:
    return small(PatientID="7", AccessionNumber="", **values)


def qualified(data: bytes, universal: str, local: str = "") -> bytes:
    """With an Issuer of Patient ID Qualifiers Sequence, as a modality behind a master patient index writes it."""
    ds = pydicom.dcmread(io.BytesIO(data))
    item = Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = universal, "ISO"
    ds.IssuerOfPatientIDQualifiersSequence = Sequence([item])
    if local:
        ds.IssuerOfPatientID = local
    out = io.BytesIO()
    ds.save_as(out)
    return out.getvalue()


def test_one_number_of_two_authorities_is_two_patients(two: Api, pair: tuple[str, str]) -> None:
    """Told again, in whatever case, each is found and changed alone."""
    assert pair[0] != pair[1]
    again = put(two, **ANDERS | {"issuer": " site-a ", "family_name": "Andersen"})
    assert (again.status_code, again.json["id"], again.json["issuer"]) == (200, pair[0], "SITE-A")
    other = two.get(f"/api/v1/patients/{pair[1]}", "nurse").json
    assert (other["family_name"], other["issuer"], other["mrn"]) == ("Zimmer", "SITE-B", "7")


def test_who_does_not_say_the_issuer_or_a_strange_one_changes_nothing(two: Api, pair: tuple[str, str]) -> None:
    """Not even for a number that only one patient has: another authority may be meant."""
    put(two, "8", **ANDERS)
    for mrn in ("7", "8", "9"):
        assert code(put(two, mrn, **ZIMMER | {"issuer": None})) == (422, "issuer_required")
        assert code(put(two, mrn, **ZIMMER | {"issuer": "SITE-C"})) == (422, "issuer_not_configured")
    batch = {"items": [{"mrn": "7", **ZIMMER}, {"mrn": "7", **ZIMMER | {"issuer": "X"}}, {"mrn": "9", **ANDERS}]}
    told = two.call("POST", "/api/v1/patients/batch", "service", json=batch).json["items"]
    assert [item["status"] for item in told] == ["updated", "failed", "created"]
    assert told[1]["error"]["code"] == "issuer_not_configured"


NAMED = [
    "/api/v1/patients/{}",
    "/api/v1/dicom/studies/patient/{}",
    "/api/v1/dicom/uploads/patient/{}",
    "/api/v1/dicom/uploads?patient={}",
    "/api/v1/dicom/studies?mrn={}",
    "/api/v1/reconciliation?mrn={}",
    "/api/v1/changes?patient_id={}",
]


@pytest.mark.parametrize("path", NAMED)
def test_a_shared_number_alone_names_nobody(two: Api, pair: tuple[str, str], path: str) -> None:
    """With its issuer, or by id, it is one patient's."""
    answer = two.get(path.format("7"), "admin", "radiologist")
    assert code(answer) == (409, "mrn_ambiguous")
    assert "SITE-A" in answer.json["detail"] and "issuer" in answer.json["detail"]
    for name in (pair[0], "SITE-A%7C7", "site-b%7C7"):
        if "mrn=" not in path or name != pair[0]:
            assert two.get(path.format(name), "admin", "radiologist").status_code == 200
    if "changes" not in path:
        with_issuer = path.format("7") + ("&" if "?" in path else "?") + "issuer=SITE-B"
        assert two.get(with_issuer, "admin", "radiologist").status_code == 200
        assert code(two.get(with_issuer[:-1] + "X", "admin", "radiologist")) == (422, "issuer_not_configured")


def test_a_patient_is_read_by_number_and_issuer(two: Api, pair: tuple[str, str]) -> None:
    assert two.get("/api/v1/patients/7?issuer=site-b", "nurse").json["id"] == pair[1]
    assert two.get("/api/v1/patients/SITE-A%7C7", "nurse").json["id"] == pair[0]
    assert code(two.get("/api/v1/patients/8?issuer=SITE-A", "nurse")) == (404, "patient_not_found")


def test_what_is_done_to_a_patient_needs_the_issuer_though_the_number_is_not_shared_yet(two: Api) -> None:
    """The EHR of B means its own 7, which it has not told yet: A's must not get B's order, images or link."""
    only = put(two, **ANDERS).json["id"]
    required = (422, "issuer_required")
    assert code(order(two, "ACC-1")) == required
    assert code(order(two, "ACC-1", issuer="SITE-B")) == (404, "patient_not_found")
    assert code(two.upload(file_of(), headers={"X-Patient-Id": "7"})) == required
    merge = {"into": "8", "reason": "The same person"}
    assert code(two.call("POST", "/api/v1/patients/7/merge", "service", json=merge)) == required
    assert code(two.call("POST", "/api/v1/patients/7/unmerge", "service", json={"reason": "No"})) == required
    assert code(two.call("PUT", f"{ACCESS}/restrictions/7", "admin", json={"reason": "Staff", "staff": []})) == required
    assert code(two.call("DELETE", f"{ACCESS}/restrictions/7", "admin")) == required
    token = {"patient_id": "7", "operations": ["view"], "ttl_seconds": 60}
    assert code(two.call("POST", "/api/v1/dicom/viewer-token", "service", json=token)) == required
    uid = stored(two, file_of(PatientName="Nobody^Known"))["study_instance_uid"]
    link = {"patient_id": "7", "reason": "It is hers"}
    assert code(two.call("POST", f"/api/v1/reconciliation/{uid}/link", "technician", json=link)) == required
    placed = order(two, "ACC-1", issuer="SITE-A").json
    assert (placed["patient_id"], placed["mrn"], placed["issuer"]) == (only, "7", "SITE-A")
    assert stored(two, file_of(), X_Patient_Id="SITE-A|7")["match"]["patient_id"] == only


def test_orders_of_both_stay_apart(two: Api, pair: tuple[str, str]) -> None:
    first, second = (order(two, f"ACC-{site}", issuer=f"SITE-{site}").json for site in "AB")
    assert (first["patient_id"], second["patient_id"]) == pair
    assert code(order(two, "ACC-C", mrn="SITE-C|7")) == (422, "issuer_required")


def test_a_search_finds_one_of_them_by_issuer_and_number(two: Api, pair: tuple[str, str]) -> None:
    """Of patients and of orders; the beginning of the number is enough, the issuer is whole, in whatever case."""
    orders = [order(two, f"ACC-{site}", mrn="7", issuer=f"SITE-{site}").json["id"] for site in "AB"]
    put(two, "78", **ZIMMER | {"family_name": "Other"})
    wanted = {"7": {*pair}, "SITE-A|7": {pair[0]}, "site-b | 7": {pair[1]}, "SITE-A|8": set(), "SITE|7": set()}
    for text, expected in wanted.items():
        found = two.get("/api/v1/patients", "nurse", query_string={"q": text}).json["items"]
        assert {patient["id"] for patient in found if patient["mrn"] == "7"} == expected, text
        found = two.get("/api/v1/orders", "nurse", query_string={"q": text}).json["items"]
        assert {each["id"] for each in found} == {orders[pair.index(key)] for key in expected}, text


def test_the_events_of_one_of_them_are_found_by_issuer_and_number(two: Api, pair: tuple[str, str]) -> None:
    """The audit trail names them with their issuers."""
    for query in ("patient=SITE-B%7C7", "patient=7&issuer=site-b", f"patient={pair[1]}"):
        found = two.get(f"/api/v1/audit?{query}", "admin").json["items"]
        assert {(event["patient_id"], event["patient"]["issuer"]) for event in found} == {(pair[1], "SITE-B")}, query
    assert code(two.get("/api/v1/audit?patient=7", "admin")) == (409, "mrn_ambiguous")


def test_merging_takes_the_record_of_that_issuer(two: Api, pair: tuple[str, str]) -> None:
    """Both are named with who gave their numbers."""
    put(two, "8", **ANDERS)
    mine = put(two, "8", **ZIMMER).json["id"]
    merge = {"into": "8", "reason": "The same person"}
    path = "/api/v1/patients/SITE-B%7C7/merge"
    assert code(two.call("POST", path, "service", json=merge)) == (422, "issuer_required")
    merge["into"] = "SITE-B|8"
    merged = two.call("POST", path, "service", json=merge)
    assert (merged.status_code, merged.json["patient_id"]) == (202, pair[1])
    records = [two.get(f"/api/v1/patients/{key}", "nurse").json for key in pair]
    assert [record["merged_into_id"] for record in records] == [None, mine]
    assert put(two, **ANDERS).status_code == 200
    assert code(put(two, **ZIMMER)) == (409, "patient_merged")


HEADER = {"patient_id": "7"}


def test_a_header_that_names_its_issuer_is_compared_with_that_authority_alone(two: Api, pair: tuple[str, str]) -> None:
    """By the local name or by the universal ID of the sequence; in whatever case."""
    for site, person, key in (("site-a", OF_A, pair[0]), ("SITE-B", OF_B, pair[1])):
        found = match(two, **HEADER, issuer_of_patient_id=site, **person)
        assert (found["kind"], found["patient_id"], found["automatic"]) == ("exact", key, True)
    found = match(two, **HEADER, universal_issuer_of_patient_id="1.2.40.2", **OF_B)
    assert (found["kind"], found["patient_id"], found["automatic"]) == ("exact", pair[1], True)


@pytest.mark.parametrize(
    "issuer",
    [
        {"issuer_of_patient_id": "SITE-B"},
        {"issuer_of_patient_id": "ELSEWHERE"},
        {"universal_issuer_of_patient_id": "1.2.40.2"},
        {"universal_issuer_of_patient_id": "9.9.9"},
        {"issuer_of_patient_id": "SITE-A", "universal_issuer_of_patient_id": "9.9.9"},
        {"issuer_of_patient_id": "SITE-A", "universal_issuer_of_patient_id": "1.2.40.2"},
        {},
    ],
)
def test_a_header_of_another_issuer_or_of_none_links_to_nobody_by_itself(
    two: Api, pair: tuple[str, str], issuer: dict[str, str]
) -> None:
    """Though name and birth date are those of A's patient."""
    found = match(two, **HEADER, **issuer, **OF_A)
    assert not found["automatic"]
    assert found["patient_id"] in (pair[0], None)


def test_a_shared_number_without_issuer_is_ambiguous_until_something_tells(two: Api, pair: tuple[str, str]) -> None:
    """Name and birth date name the likely one, for a person to confirm; an order with them links."""
    for header in (HEADER, {**HEADER, "patient_sex": "O"}):
        found = match(two, **header)
        assert (found["kind"], found["automatic"]) == ("ambiguous", False)
    found = match(two, **HEADER, **OF_B)
    assert (found["kind"], found["patient_id"], found["automatic"]) == ("probable", pair[1], False)
    order(two, "ACC-B", issuer="SITE-B")
    told = {**HEADER, "accession_number": "ACC-B", "modality": "MR"}
    assert not match(two, **told)["automatic"]  # accession number and a number that is not hers alone
    found = match(two, **told, **OF_B)
    assert (found["kind"], found["patient_id"], found["automatic"]) == ("exact", pair[1], True)
    assert not match(two, **told, **OF_A)["automatic"]


def test_a_shared_number_of_a_merged_record_is_not_taken_for_the_other_ones(two: Api, pair: tuple[str, str]) -> None:
    """A's 7 is A's 8 by now: a file with 7 and no issuer may be hers, and waits."""
    put(two, "8", **ANDERS)
    merge = {"into": "SITE-A|8", "reason": "The same person"}
    two.call("POST", "/api/v1/patients/SITE-A%7C7/merge", "service", json=merge)
    found = match(two, **HEADER, **OF_B)
    assert (found["patient_id"], found["automatic"]) == (pair[1], False)
    assert match(two, **HEADER, issuer_of_patient_id="SITE-B", **OF_B)["automatic"]
    hers = match(two, **HEADER, issuer_of_patient_id="SITE-A", **OF_A)
    assert (hers["automatic"], hers["patient_id"]) == (True, put(two, "8", **ANDERS).json["id"])


def test_files_are_linked_by_issuer_and_say_it_afterwards(two: Api, pair: tuple[str, str]) -> None:
    """By name and by universal ID; what a person confirms gets the issuer of whom it is linked to."""
    of_b = {"PatientName": "Zimmer^Zeno", "PatientBirthDate": "19900909", "PatientSex": "M"}
    named = stored(two, file_of(IssuerOfPatientID="site-b", **of_b))
    by_id = stored(two, qualified(file_of(**of_b), "1.2.40.2"))
    confirmed = stored(two, file_of(PatientName="Somebody"), X_Patient_Id=pair[1])
    for study in (named, by_id, confirmed):
        assert study["match"]["patient_id"] == pair[1], study
        seen = two.get(f"/api/v1/dicom/studies/{study['study_instance_uid']}", "nurse").json
        assert (seen["mrn"], seen["issuer"], seen["link_status"]) == ("7", "SITE-B", "linked")
    uids = [study["study_instance_uid"] for study in (named, by_id, confirmed)]
    files = [two.archive.read(key) for uid in uids for key in two.archive.instances_of(uid)]
    held = [pydicom.dcmread(io.BytesIO(data)) for data in files]
    assert {(ds.PatientID, ds.IssuerOfPatientID, str(ds.PatientName)) for ds in held} == {
        ("7", "SITE-B", "Zimmer^Zeno")
    }


def test_a_study_takes_no_image_of_the_other_patient_with_its_number(two: Api, pair: tuple[str, str]) -> None:
    """The same Study Instance UID under the other issuer is a contradiction, linked or not."""
    for person in ({"PatientName": "Zimmer^Zeno", "PatientBirthDate": "19900909"}, {"PatientName": "Waits^Still"}):
        first = file_of(IssuerOfPatientID="SITE-B", **person)
        uid = stored(two, first)["study_instance_uid"]
        other = file_of(
            StudyInstanceUID=uid, IssuerOfPatientID="SITE-A", PatientName="Anders^Anna", PatientBirthDate="19600101"
        )
        two.upload(other)
        assert two.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["link_status"] == "ambiguous"


@pytest.fixture
def studies(two: Api, pair: tuple[str, str]) -> tuple[str, str]:
    """A study of each."""
    first, second = (stored(two, file_of(), X_Patient_Id=key)["study_instance_uid"] for key in pair)
    return first, second


def test_lists_and_tokens_never_mix_them(two: Api, pair: tuple[str, str], studies: tuple[str, str]) -> None:
    for key, issuer, uid in zip(pair, ("SITE-A", "SITE-B"), studies, strict=True):
        for path in (
            f"studies?mrn=7&issuer={issuer}",
            f"studies?mrn={issuer}%7C7",
            f"studies?patient_id={key}",
            f"studies/patient/7?issuer={issuer}",
            f"uploads/patient/7?issuer={issuer}",
        ):
            found = two.get(f"/api/v1/dicom/{path}", "admin").json
            assert [item["study_instance_uid"] for item in found["items"]] == [uid], path
        body = {"patient_id": f"{issuer}|7", "operations": ["view"], "ttl_seconds": 60}
        token = two.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=body)
        assert token.json["studies"] == [uid]
        opened = two.get(f"/api/v1/dicom/viewer-url/{uid}?priors=auto", "doctor").json
        assert opened["studies"] == [uid]


def test_a_restricted_patient_is_neither_seen_nor_in_the_way_through_the_other(
    two: Api, pair: tuple[str, str], studies: tuple[str, str]
) -> None:
    """Restricting A's 7 closes her, by every name, and nothing of B's 7."""
    body = {"reason": "Member of staff", "staff": ["nurse"]}
    assert two.call("PUT", f"{ACCESS}/restrictions/SITE-A%7C7", "admin", json=body).status_code == 200
    for name in (pair[0], "SITE-A%7C7", "site-a%7C7", "7?issuer=SITE-A", "7?issuer=%20site-a"):
        assert code(two.get(f"/api/v1/patients/{name}", "doctor")) == (403, "patient_restricted"), name
        assert two.get(f"/api/v1/patients/{name}", "nurse").status_code == 200
    for name in (pair[1], "SITE-B%7C7", "7?issuer=SITE-B"):
        assert two.get(f"/api/v1/patients/{name}", "doctor").json["family_name"] == "Zimmer"
        joined = name.replace("?", "?limit=5&")
        found = two.get(f"/api/v1/dicom/studies/patient/{joined}", "doctor")
        assert [item["study_instance_uid"] for item in found.json["items"]] == [studies[1]]
    assert code(two.get("/api/v1/patients/7", "doctor")) == (409, "mrn_ambiguous")
    assert code(two.get(f"/api/v1/dicom/studies/{studies[0]}", "doctor")) == (403, "patient_restricted")
    assert two.get(f"/api/v1/dicom/studies/{studies[1]}", "doctor").status_code == 200
    listed = two.get("/api/v1/dicom/studies", "doctor").json["items"]
    assert [item["study_instance_uid"] for item in listed] == [studies[1]]
    token = {"patient_id": "SITE-A|7", "operations": ["view"], "ttl_seconds": 60}
    assert code(two.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=token)) == (403, "patient_restricted")
    glass = {"patient_id": "SITE-B|7", "reason": "Emergency"}
    assert code(two.call("POST", f"{ACCESS}/break-glass", "doctor", json=glass)) == (409, "not_restricted")
    opened = two.call("POST", f"{ACCESS}/break-glass", "doctor", json=glass | {"patient_id": "SITE-A|7"})
    assert (opened.status_code, opened.json["patient_id"]) == (201, pair[0])


def test_a_number_that_becomes_shared_later_is_in_nobodys_way(two: Api) -> None:
    """Restricted first, and the other authority tells its patient only then."""
    put(two, **ANDERS)
    body = {"reason": "Member of staff", "staff": ["nurse"]}
    two.call("PUT", f"{ACCESS}/restrictions/SITE-A%7C7", "admin", json=body)
    assert code(two.get("/api/v1/patients/7", "doctor")) == (403, "patient_restricted")
    put(two, **ZIMMER)
    assert two.get("/api/v1/patients/7?issuer=SITE-B", "doctor").status_code == 200
    two.services.restrictions.changed()
    assert code(two.get("/api/v1/patients/7", "doctor")) == (409, "mrn_ambiguous")
    assert code(two.get("/api/v1/patients/7?issuer=SITE-A", "doctor")) == (403, "patient_restricted")


def test_a_number_on_record_without_issuer_is_given_to_nobody(database: Database, tmp_path: Path) -> None:
    """From the time when there was one authority: whose it is, somebody must say first."""
    before = an_api(database, tmp_path)
    known = put(before, **ANDERS | {"issuer": None}).json
    after = an_api(database, tmp_path, BOTH)
    for person in (ANDERS, ZIMMER):
        assert code(put(after, **person)) == (409, "mrn_without_issuer")
    assert after.get("/api/v1/patients/7", "nurse").json == known


def test_the_setting_may_go_again_and_nobody_is_overwritten(database: Database, tmp_path: Path) -> None:
    two = an_api(database, tmp_path, BOTH)
    first, second = (put(two, **person).json for person in (ANDERS, ZIMMER))
    one = an_api(database, tmp_path)
    assert put(one, **ZIMMER).json["id"] == second["id"]
    assert code(put(one, **ZIMMER | {"issuer": None})) == (409, "mrn_ambiguous")
    assert code(put(one, **ZIMMER | {"issuer": "SITE-C"})) == (409, "mrn_ambiguous")
    assert one.get(f"/api/v1/patients/{first['id']}", "nurse").json == first


def kept_apart(api: Api, **said: str) -> str:
    """A file in quarantine under the number 7; its id."""
    row = QuarantinedFile(
        id=uuid.uuid4(), file_name=uuid.uuid4().hex, sha256="0" * 64, size_bytes=1, code="not_dicom", node="n",
        received_at=NOW, last_received_at=NOW, times_received=1, mrn="7", said={"PatientID": "7", **said},
        status="waiting",
    )  # fmt: skip
    with api.services.database.write() as session:
        session.add(row)
    return str(row.id)


def test_a_file_kept_apart_is_hidden_unless_it_says_it_is_the_other_ones(two: Api, pair: tuple[str, str]) -> None:
    """In the list and alone: with the restricted patient's issuer, with none, and with one that nobody has."""
    of_b = kept_apart(two, IssuerOfPatientID=" site-b ")
    others = [kept_apart(two, **said) for said in ({}, {"IssuerOfPatientID": "SITE-A"}, {"IssuerOfPatientID": "X"})]
    body = {"reason": "Member of staff", "staff": ["nurse"]}
    two.call("PUT", f"{ACCESS}/restrictions/{pair[0]}", "admin", json=body)
    seen = two.get("/api/v1/quarantine", "technician").json["items"]
    assert [item["id"] for item in seen] == [of_b]
    assert two.get(f"/api/v1/quarantine/{of_b}", "technician").status_code == 200
    for key in others:
        assert code(two.get(f"/api/v1/quarantine/{key}", "technician")) == (403, "patient_restricted")
