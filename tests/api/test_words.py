"""Words of the API that match: an id is ours, a UID is DICOM's, and a number of the EHR is never called an id.

Whatever does not keep to it stands here with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ehr_bridge.api.app import openapi_document

OWN_NUMBERS = {
    ("AuditEventAnswer", "id"): "events of the chain are numbered, so that a missing one shows",
    ("HeadAnswer", "id"): "likewise",
    ("HistoryEntry", "event_id"): "likewise",
    ("DeliverySummary", "id"): "in the order in which they are sent",
    ("DeliveryAnswer", "id"): "likewise",
    ("AuditEventAnswer", "patient_id"): "the trail keeps text as it was written, whatever becomes of the record",
    ("AuditEventAnswer", "order_id"): "likewise",
}
"""Ids of ours that are no UUIDs."""
NOT_OURS = {
    "issuer_of_patient_id": "DICOM's name of (0010,0021)",
    "universal_issuer_of_patient_id": "DICOM's sequence (0010,0024)",
    "universal_id": "Universal Entity ID, as DICOM and HL7 call it",
    "original_patient_id": "Patient ID (0010,0020), as the plan of the upload log has it",
    "modified_patient_id": "likewise",
    "performed_procedure_step_id": "DICOM's name of (0040,0253)",
    "requested_procedure_id": "DICOM's name of (0040,1001)",
    "scheduled_procedure_step_id": "DICOM's name of (0040,0009)",
    "orthanc_study_id": "Orthanc's own, which is a SHA-1",
    "orthanc_instance_id": "likewise",
    "request_id": "the caller's own, if it sent one",
    "trace_id": "the caller's own, as W3C Trace Context has it",
    "control_id": "Message Control ID (MSH-10), as HL7 calls it",
    "reuses_control_id": "whether another message has it",
}
"""Names that end in `_id` and are not an id of ours, wherever they are."""
NAMED_BY_EITHER = {
    "LabelsBody": "a person names the order by its number, the patient by theirs",
    "ConfirmationBody": "options of an upload name a patient and order by what the sender knows",
    "LinkBody": "a person names the order by its number",
    "SplitCompareBody": "a person names the order by its number",
    "SplitBody": "a person names the order by its number",
    "GiveBody": "likewise",
    "CreateOrderBody": "a person names the patient by the MRN",
    "BreakGlassBody": "likewise",
    "ViewerTokenBody": "an EHR asks with its own numbers",
    "BeginBody": "a person names the order by its number",
    "compare_study": "a person names them by their numbers",
    "compare_quarantined_file": "likewise",
    "HeaderBody": "`patient_id` is the DICOM attribute, as in a file",
}
"""Who takes a number of the EHR in `patient_id` or `order_id` too, and says so."""
SAID = ("mrn", "number", "patient id (0010", "our id of a patient")
FORMER = {"undoes": "undoes_id", "undone_by": "undone_by_id", "withheld_by": "withheld_by_id"}
"""Ids that had names of people; until the next minor version."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def named(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Owner, name, schema and description of every property and parameter; former names of filters left out."""
    for owner, schema in document["components"]["schemas"].items():
        for name, what in schema.get("properties", {}).items():
            yield owner, name, what, what.get("description", "")
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("deprecated"):
                    continue  # test_filters.py holds them to be deprecated
                yield operation["operationId"], parameter["name"], parameter["schema"], parameter["description"]


def kinds(what: dict[str, Any]) -> set[str]:
    """Formats, or else types, of a value and of the entries of a list."""
    found = set()
    for part in what.get("anyOf", [what]):
        one = part.get("items", part)
        found.add(one.get("format") or one.get("type") or "schema")
    return found - {"null"}


def test_an_id_is_ours_and_a_uuid(document: dict[str, Any]) -> None:
    """`id` of the thing itself, `…_id` of another; in what is sent it may be a number instead, where that is said."""
    exceptions: set[object] = set()
    for owner, name, what, description in named(document):
        if not (name in ("id", "ids") or name.endswith(("_id", "_ids"))) or name in NOT_OURS:
            continue
        if (owner, name) in OWN_NUMBERS or name in ("after_id", "known_id", "delivery_id"):
            exceptions.add((owner, name))
        elif owner in NAMED_BY_EITHER and kinds(what) == {"string"}:
            assert any(word in description.lower() for word in SAID), (owner, name)
            exceptions.add(owner)
        else:
            assert kinds(what) == {"uuid"}, (owner, name)
    assert exceptions >= {*OWN_NUMBERS, *NAMED_BY_EITHER}


def test_every_uuid_is_called_an_id(document: dict[str, Any]) -> None:
    """But for former names, which are marked as such and have the same value under the new one beside them."""
    former = set()
    for owner, name, what, description in named(document):
        if "uuid" in kinds(what) and name != "id" and not name.endswith(("_id", "_ids")):
            assert what["deprecated"] is True, (owner, name)
            assert FORMER[name] in description
            assert FORMER[name] in document["components"]["schemas"][owner]["properties"], owner
            former.add(name)
    assert former == set(FORMER)


def test_a_uid_is_dicoms(document: dict[str, Any]) -> None:
    """And a UID of DICOM is never called an id."""
    found = 0
    for owner, name, what, description in named(document):
        if name.endswith(("_uid", "_uids", "uid")):
            assert kinds(what) == {"string"}, (owner, name)
            assert "UID" in description or "worklist" in description, (owner, name, description)
            found += 1
        elif name.endswith(("_id", "_ids")):
            assert "InstanceUID" not in description and "Instance UID" not in description, (owner, name)
    assert found > 40


@pytest.mark.parametrize(("word", "ends"), [("mrn", "mrn"), ("accession_number", "accession_number")])
def test_numbers_of_the_ehr_have_one_name(document: dict[str, Any], word: str, ends: str) -> None:
    """Text, wherever they are; no other name for the same."""
    found = [(owner, what) for owner, name, what, _ in named(document) if name == word]
    assert len(found) > 10
    assert {frozenset(kinds(what)) for _, what in found} == {frozenset({"string"})}
    others = {name for _, name, _, _ in named(document) if name.endswith(ends) and name != word}
    assert others <= {"issuer_of_accession_number", "original_accession_number", "modified_accession_number"}
    names = {name for _, name, _, _ in named(document)}
    assert not {"accession", "accession_no", "accession_nr", "patient_mrn", "medical_record_number"} & names
