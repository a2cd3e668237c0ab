"""Patients and orders as resources and back: nothing is lost on the way, and what cannot be taken is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.patients import patient_resource, patient_values
from ehr_bridge.fhir.service_requests import PRIORITIES, STATUSES, order_values, service_request, subject_of
from ehr_bridge.fhir.structures import require_resource
from ehr_bridge.fhir.systems import Systems, oid_of, token_of
from ehr_bridge.matching.issuers import Authority

PATIENT: dict[str, Any] = {
    "id": "0f3662fb-f076-4743-b58a-6b30f1adf20c",
    "mrn": "MRN-1",
    "issuer": None,
    "family_name": "Lindqvist",
    "given_name": "Åsa",
    "middle_name": "Maria Elin",
    "prefix": "Dr.",
    "suffix": "MD, PhD",
    "birth_date": "1961-03-14",
    "sex": "female",
    "merged_into_id": None,
}
ORDER: dict[str, Any] = {
    "id": "7b0b9f6e-0a5c-4d5e-8f0a-5a3c1d2e4f60",
    "accession_number": "ACC-1",
    "placer_order_number": "PL-1",
    "status": "scheduled",
    "patient_id": PATIENT["id"],
    "patient_name": "Lindqvist^Åsa",
    "modality": "CT",
    "description": "CT thorax",
    "scheduled_at": "2026-03-02T09:15:00.000Z",
    "ordered_by": "Ekström^Maria",
    "requested_procedure_id": "RP-1",
    "scheduled_procedure_step_id": "SPS-1",
    "procedure_code": "71250",
    "body_part": "CHEST",
    "priority": "HIGH",
    "further_steps": [{"modality": "CT"}, {"modality": "PT"}],
    "study_instance_uid": "1.2.3.4",
    "created_at": "2026-03-01T08:00:00.000Z",
}
TWO = Systems((Authority("NORTH", "1.2.3"), Authority("SOUTH", "https://south.example/mrn")))


def test_a_patient_comes_back_as_it_went() -> None:
    """Every part of the name, and the number with its system."""
    systems = Systems(mrn="https://clinic.example/mrn")
    resource = patient_resource(PATIENT, systems)
    assert resource["identifier"][0]["system"] == "https://clinic.example/mrn"
    said = patient_values(resource, systems)
    assert said == {name: PATIENT[name] for name in said}


def test_a_patient_of_whom_only_the_number_is_known() -> None:
    """An emergency patient has no name and no birth date, and no empty elements."""
    unknown = PATIENT | dict.fromkeys(("family_name", "given_name", "middle_name", "prefix", "suffix", "birth_date"))
    resource = patient_resource(unknown | {"sex": "unknown"}, Systems())
    assert "name" not in resource
    assert "birthDate" not in resource
    assert patient_values(resource, Systems())["family_name"] is None


def test_the_system_of_a_number_names_its_issuer() -> None:
    """An OID is written as a URN, an address as it is."""
    for issuer, system in (("NORTH", "urn:oid:1.2.3"), ("SOUTH", "https://south.example/mrn")):
        resource = patient_resource(PATIENT | {"issuer": issuer}, TWO)
        assert resource["identifier"][0]["system"] == system
        assert patient_values(resource, TWO)["issuer"] == issuer


@pytest.mark.parametrize(
    ("identifiers", "systems"),
    [
        ([], Systems()),
        ([{"value": "1"}, {"value": "2"}], Systems()),
        ([{"system": "https://stranger.example", "value": "1"}], TWO),
        ([{"system": "https://stranger.example", "value": "1"}], Systems(mrn="https://clinic.example/mrn")),
        ([{"system": "urn:oid:1.2.3", "value": "1"}, {"system": "https://south.example/mrn", "value": "2"}], TWO),
    ],
)
def test_whose_number_it_is_is_never_guessed(identifiers: list[dict[str, Any]], systems: Systems) -> None:
    """None, several, or a stranger's."""
    with pytest.raises(InvalidInput, match=r"Patient\.identifier"):
        patient_values({"resourceType": "Patient", "identifier": identifiers}, systems)


def test_the_number_of_type_mr_counts_among_others() -> None:
    """Insurance and index numbers come beside it; the official name counts among names."""
    mr = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    pi = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI"}]}
    names = [{"use": "old", "family": "Berg"}, {"family": "Nick"}, {"use": "official", "family": "Lindqvist"}]
    resource = {"identifier": [{"type": pi, "value": "E7"}, {"type": mr, "value": "7"}], "name": names}
    said = patient_values(resource, Systems())
    assert (said["mrn"], said["family_name"]) == ("7", "Lindqvist")
    assert patient_values(resource | {"birthDate": "1961-03"}, Systems())["birth_date"] is None


def test_an_order_comes_back_as_it_went() -> None:
    """All that the resource has an element for."""
    resource = service_request(ORDER)
    said = order_values(resource)
    expected = {name: ORDER[name] for name in said if name in ORDER and name not in ("scheduled_at", "priority")}
    assert {name: said[name] for name in expected} == expected
    assert said["scheduled_at"] == "2026-03-02T09:15:00+00:00"
    assert said["scheduled_study_instance_uid"] == "1.2.3.4"
    assert said["priority"] == "urgent"
    assert "status" not in said
    assert [one["coding"][0]["code"] for one in resource["orderDetail"]] == ["CT", "PT"]


def test_every_state_and_priority_has_a_code_of_fhir() -> None:
    """Value sets request-status and request-priority."""
    for status, code in STATUSES.items():
        assert service_request(ORDER | {"status": status})["status"] == code
    for priority, code in PRIORITIES.items():
        assert service_request(ORDER | {"priority": priority})["priority"] == code


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("intent", "plan"),
        ("status", "draft"),
        ("status", "on-hold"),
        ("doNotPerform", True),
        ("occurrenceDateTime", "2026-03-02"),
        ("occurrenceDateTime", "2026-03-02T99:00:00Z"),
        ("identifier", [{"system": "urn:dicom:uid", "value": "urn:oid:abc"}]),
    ],
)
def test_what_no_order_of_ours_can_be_is_refused(element: str, value: Any) -> None:
    """With the element."""
    with pytest.raises(InvalidInput, match=r"ServiceRequest\.") as refusal:
        order_values(service_request(ORDER) | {element: value})
    assert refusal.value.code == "resource_invalid"


def test_a_request_names_its_patient() -> None:
    """By reference or by number; null is nobody."""
    assert subject_of({"subject": {"reference": "Patient/7"}})[0] == "Patient/7"
    assert subject_of({"subject": {"identifier": {"value": "7"}}})[1] == {"value": "7"}
    nobody: list[object] = [None, {}, {"display": "Åsa"}, {"identifier": {}}]
    for subject in nobody:
        with pytest.raises(InvalidInput, match="subject"):
            subject_of({"subject": subject})


@pytest.mark.parametrize(
    "document",
    [
        "no object",
        {"resourceType": "Group"},
        {"resourceType": "ServiceRequest", "status": "nonsense", "intent": "order", "subject": {"reference": "P/1"}},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": None},
        {"resourceType": "ServiceRequest", "status": ["active"], "intent": "order", "subject": {"reference": "P/1"}},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "P/1"},
         "modifierExtension": [{"url": "https://x.example"}]},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "P/1"},
         "identifier": "ACC-1"},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "P/1"},
         "colour": "red"},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "P/1"},
         "occurrenceDateTime": "2026-07-01T09:00:00"},
    ],
)  # fmt: skip
def test_what_is_no_resource_is_refused(document: Any) -> None:
    """Codes and null subjects too, which the library lets pass."""
    with pytest.raises(InvalidInput) as refusal:
        require_resource("ServiceRequest", document)
    assert refusal.value.code == "resource_invalid"
    assert refusal.value.errors


def test_tokens_and_uids() -> None:
    """Any system, none, or one; a UID as a URN or alone."""
    assert [token_of(text) for text in ("7", "|7", "s|7", "urn:x|y|7")] == [
        (None, "7"), ("", "7"), ("s", "7"), ("urn:x|y", "7")
    ]  # fmt: skip
    assert (oid_of("urn:oid:1.2"), oid_of("1.2"), oid_of("ACC-1")) == ("1.2", "1.2", None)
