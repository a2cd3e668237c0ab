"""An example for every property of the OpenAPI document that its model gives none, by the name of the property.

The example of a whole schema goes first; a value here is for the rest, and for what that example leaves empty. A test
holds each to its schema.
"""

from __future__ import annotations

import re
from typing import Any

from ehr_bridge.api.http.examples import HASH, MOMENT, ORDER_ID, ORTHANC_STUDY, PATIENT_ID, STUDY, UPLOAD_ID

DAY = "2026-11-24"
ORTHANC_INSTANCE = "6f1b8f4a-7a1b5f0e-0c9a2d53-1f0f7a0e-9d0c5ad6"

SAMPLES: dict[str, Any] = {
    # what things are called
    "accession_number": "ACC-2026-0101",
    "accession_numbers": ["ACC-2026-0101"],
    "event_id": 20417,
    "id": 20417,
    "issuer": "SITE-A",
    "issuer_of_accession_number": "RIS",
    "issuer_of_patient_id": "SITE-A",
    "key": "ehrk_…",
    "mrn": "MRN-2001",
    "order_id": ORDER_ID,
    "order_ids": [ORDER_ID],
    "orthanc_instance_id": ORTHANC_INSTANCE,
    "orthanc_study_id": ORTHANC_STUDY,
    "patient_id": PATIENT_ID,
    "placer_order_number": "PL-88102",
    "ref": "cd-1",
    "requested_procedure_id": "RP-1026",
    "scheduled_procedure_step_id": "SPS-2032",
    "scheduled_study_instance_uid": STUDY,
    "seq": 81234,
    "series": [f"{STUDY}.3"],
    "series_instance_uid": f"{STUDY}.3",
    "sop_instance_uid": f"{STUDY}.3.12",
    "study_instance_uid": STUDY,
    "study_instance_uids": [STUDY],
    "sop_instance_uids": ["1.2.826.0.1.3680043.8.498.31"],
    "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    "universal_issuer_of_patient_id": "1.2.40.1",
    "version": "9f3c2a7b1d4e5f60",
    "expected": "9f3c2a7b1d4e5f60",
    "ended_by": "dora",
    "pin": "471147",
    "qr_code": "data:image/svg+xml;charset=utf-8,…",
    "rules": "CT=10, any=30",
    "rule": "CT=10",
    # a person
    "approximate_age": 40,
    "assigned_name": "Tore Technician",
    "assigned_to": "tore",
    "birth_date": "1984-05-06",
    "columns": ["patient", "scheduled", "status"],
    "day": "today",
    "filters": {"day": "today", "modality": "CT"},
    "is_mine": True,
    "is_shared": False,
    "owner": "tore",
    "sort": "urgency",
    "owner_name": "Tore Technician",
    "change_number": "5f1c09ab-20417",
    "claimed_by": "Ravi Radiologist",
    "full_name": "Rita Meyer",
    "patient_birth_date": "19840506",
    "patient_name": "Ferreira^João",
    "patient_sex": "M",
    "suffix": "Jr.",
    # an order, a study, their files
    "body_part": "HEAD",
    "description": "MR brain",
    "door": "c_store",
    "ehr": "FERREIRA^JOAO",
    "ehr_says": {"birth_date": "1975-06-03"},
    "field": "scheduled_at",
    "file": "FERREIRA^JOAO",
    "file_name": "scan.dcm",
    "laterality": "L",
    "modalities": ["MR"],
    "modality": "MR",
    "modified_accession_number": "ACC-2026-0101",
    "modified_patient_id": "MRN-2001",
    "modified_patient_name": "Ferreira^João",
    "modifying_system": "ORTHANC",
    "number": 3,
    "number_of_instances": 180,
    "ordered_by": "Adeyemi^Tunde",
    "original_accession_number": "ACC0101",
    "original_modality": "MR",
    "original_patient_id": "2001",
    "original_patient_name": "FERREIRA^J",
    "original_study_date": "20261124",
    "priority": "ROUTINE",
    "procedure_code": "MRBRAIN",
    "referring_physician_name": "Adeyemi^Tunde",
    "content_type": "application/pdf",
    "sender": "TELERAD",
    "sender_number": "R-77",
    "sender_status": "F",
    "sha256": HASH,
    "size_bytes": 526_336,
    "source": "COERCE",
    "source_address": "192.0.2.17",
    "ae_title": "MR1",
    "station_ae_title": "MR1",
    "study_date": "20261124",
    "study_description": "MR brain",
    "study_time": "08:15:00",
    "total_size_bytes": 94_740_480,
    "upload_duration_seconds": 4.2,
    "upload_source": "cd_import",
    # attributes
    "after": "MRN-2001",
    "before": "2001",
    "changes": {"PatientID": "MRN-2001"},
    "detail": "Something is missing; send it too.",
    "instances": 180,
    "keyword": "PatientID",
    "original": "2001",
    "other_values": ["2002"],
    "received": {"PatientID": "2001"},
    "said": {"PatientID": "2001"},
    "tag": "0010,0020",
    "tags": {"StudyDescription": "MR brain"},
    "value": "MRN-2001",
    "values": {"file": "FERREIRA^JOAO"},
    "vr": "LO",
    "score": 0.98,
    "reasons": ["name_form"],
    # reports
    "doubt": "moved",
    "changed_by": "rita",
    "faults": ["text"],
    "language": "en",
    "mrrt": "<html>…</html>",
    "note": "Pneumothorax on the left",
    "required_sections": ["19005-8"],
    "text": "No mass. Ventricles of normal width.",
    "title": "Findings",
    "told": "Dr. Ekström, ward 3",
    "template": "ct-head",
    # lists
    "limit": 50,
    "next": "mXq2…",
    "offset": 0,
    "total": 37,
    # who, when, why
    "action": "study.linked",
    "actor": "rita",
    "address": "192.0.2.17",
    "repository": "/mnt/backup/ehr-bridge",
    "cause": "signal 9",
    "code": "not_dicom",
    "created_by": "ada",
    "current_password": "correct horse battery",
    "decided_by": "mona",
    "comment": "Blurred by motion",
    "note_sop_instance_uid": "1.2.826.0.1.3680043.8.498.31",
    "decision_reason": "Twice the same images",
    "error_code": "not_dicom",
    "error_message": "The file is not DICOM.",
    "failure": "OSError in new_files.py",
    "hash": HASH,
    "held_by": "rosa",
    "ignored_roles": ["CHIEF_OF_STAFF"],
    "in_doubt": [STUDY],
    "message": "give a time zone, for example 2026-01-31T09:00:00Z",
    "minted_by": "ehr",
    "name": "cd-reader",
    "new_password": "another horse battery",
    "node": "pacs-1",
    "outcome": "success",
    "password": "correct horse battery",
    "permissions": ["read", "view"],
    "reason": "Wrong patient chosen at the modality",
    "place": "OBR-18",
    "close_reason": "The patient was unable to continue",
    "closed_by": "rita",
    "discontinuation_reason": "Equipment failure",
    "performed_procedure_step_id": "PPS-17",
    "refusal": 'C-STORE SCU to AET "WS2" has failed with DIMSE status 0xA700',
    "replayed_by": "ada",
    "release_reason": "The case is closed",
    "released_by": "mona",
    "requested_by": "rosa",
    "restored_by": "mona",
    "review_note": "Emergency, as the chart says",
    "reviewed_by": "petra",
    "revoked_by": "ada",
    "roles": ["technician"],
    "sent_by": "ae:MR1",
    "subject": "rosa",
    "uploaded_by": "rita",
    "attached_by": "rosa",
    "dated": "2026-11-20",
    "warnings": ["active_content"],
    "username": "rita",
    # destinations and deliveries
    "host": "10.0.3.17",
    "order_message": "ORM",
    "reports_from": "TELERAD",
    "subscription": "ImagingStudy",
    "ca_certificates": "-----BEGIN CERTIFICATE-----\nMIIBfDCCASGgAwIBAgIU…\n-----END CERTIFICATE-----",
    "port": 104,
    "charset": "latin2",
    "url": "https://ehr.example.org/events",
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "drop_reason": "The EHR has deleted this order",
    "dropped_by": "ada",
    "receipt": "202",
    "token": "eyJhbGciOi…",
    "content": "MSH|^~\\&|PACS",
    "last_error": "422: no such order",
    # the installation
    "advice": "Open each study and find the reason in its history.",
    "archive_bytes": 412_316_860_416,
    "uncompressed_bytes": 799_894_709_207,
    "days": 30.0,
    "time_zone": "Europe/Vienna",
    "free_bytes": 1_583_296_741_376,
    "max_file_bytes": 100_000_000,
    "max_files": 500,
    "max_upload_bytes": 2_048_000_000,
    "total_bytes": 2_000_398_934_016,
    # Orthanc's own answer
    "ID": ORTHANC_INSTANCE,
    "ParentStudy": ORTHANC_STUDY,
    "Path": f"/instances/{ORTHANC_INSTANCE}",
}
USUAL: dict[str, Any] = {
    "date-time": MOMENT,
    "date": DAY,
    "uuid": UPLOAD_ID,
    "integer": 3,
    "number": 1.5,
    "boolean": True,
    "object": {"code": "not_dicom"},
}
"""By format, or else by type, where the name alone tells none that fits."""
_FORMS = {"date-time": r"\d{4}-\d{2}-\d{2}T.*Z", "date": r"\d{4}-\d{2}-\d{2}", "uuid": r"[0-9a-f]{8}-.{27}"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def give_examples(schemas: dict[str, Any], whole: dict[str, dict[str, Any]]) -> None:
    """Give each property that holds a value or a list of values an example, in place; what holds another schema has
    that one's. `whole` are the examples of whole schemas."""
    for schema_name, schema in schemas.items():
        for name, what in schema.get("properties", {}).items():
            parts = [part for part in what.get("anyOf", [what]) if part.get("type") != "null"]
            if what.keys() & {"example", "examples"} or not all(map(is_plain, parts)):
                continue
            sample = whole.get(schema_name, {}).get(name)
            if sample is None or sample in ([], {}):
                sample = _sample(name, parts)
            what["examples"] = [sample]


def is_plain(part: dict[str, Any]) -> bool:
    """Whether a schema refers to no other."""
    return "$ref" not in str(part) and "allOf" not in part


def _sample(name: str, parts: list[dict[str, Any]]) -> Any:
    for part in parts:
        if part.get("examples"):
            return part["examples"][0]
        if "const" in part or "enum" in part:
            return part.get("const", part.get("enum", [None])[0])
        if "enum" in part.get("items", {}):
            return part["items"]["enum"][:1]
        usual = USUAL.get(part.get("format") or part.get("type", ""))
        for candidate in (SAMPLES.get(name), [SAMPLES.get(name)], usual):
            if fits(part, candidate):
                return candidate
    return None


def fits(part: dict[str, Any], value: Any) -> bool:
    """Whether a value is of a schema's type, format, pattern and length."""
    if value is None or not isinstance(value, _TYPES.get(part.get("type", ""), object)):
        return False
    if isinstance(value, list):
        return all(fits(part.get("items", {}), one) for one in value)
    if not isinstance(value, str):
        return True
    form = part.get("pattern") or _FORMS.get(part.get("format", ""))
    return len(value) <= part.get("maxLength", len(value)) and (form is None or bool(re.search(form, value)))
