"""Examples in the OpenAPI document, by schema; a test validates each against its model."""

from __future__ import annotations

from typing import Any

from ehr_bridge.matching import Evidence, EvidenceGrade

STUDY = "1.2.826.0.1.3680043.8.498.7890"
ORTHANC_STUDY = "9d4d5ee4-dcf5c7be-d418b132-78c9c2d1-74f97a1a"
PATIENT_ID = "0f3662fb-f076-4743-b58a-6b30f1adf20c"
ORDER_ID = "41de0281-feab-4d0a-b864-61b088efc0d7"
UPLOAD_ID = "60cba490-01f4-422f-83f2-13cb96e22264"
TOKEN_ID = "f27f3fa9-19dc-4126-9846-b2bcf2086b50"  # noqa: S105  (an id, not a token)
MOMENT = "2026-11-24T09:43:25.700Z"
HASH = "5b1f0c6f7c0b6b0e0f4cc0fb0a3ad1a2ad1b1d0b9d6a7d8b2c7f3e5a9c4d1e60"

_PERSON: dict[str, Any] = {
    "family_name": "Ferreira",
    "given_name": "João",
    "middle_name": "Miguel",
    "prefix": "Dr.",
    "suffix": None,
    "birth_date": "1975-06-30",
    "sex": "male",
    "issuer": None,
}
NAMED: dict[str, Any] = {
    "mrn": "MRN-2001",
    "issuer": None,
    "patient_name": "Ferreira^João",
    "patient_birth_date": "1984-05-06",
    "patient_sex": "male",
}
_ORDER: dict[str, Any] = {
    "mrn": "MRN-2001",
    "issuer": None,
    "modality": "MR",
    "description": "MR brain",
    "scheduled_at": "2026-11-25T08:30:00.000Z",
    "ordered_by": "Adeyemi^Tunde",
    "placer_order_number": None,
    "requested_procedure_id": "RP-1026",
    "scheduled_procedure_step_id": "SPS-2032",
    "further_steps": [],
    "procedure_code": "MRBRAIN",
    "station_ae_title": None,
    "body_part": "HEAD",
    "laterality": None,
    "priority": "ROUTINE",
}
_MATCH: dict[str, Any] = {
    "kind": "exact",
    "score": 1.0,
    "evidence": [Evidence.of("confirmation", True, EvidenceGrade.SAME, "confirmed").as_json()],
    "patient_id": PATIENT_ID,
    "order_id": ORDER_ID,
    "order_ids": [ORDER_ID],
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "ViewFilters": {
        "status": "scheduled,arrived",
        "day": "chosen",
        "from": "2026-11-24",
        "to": "2026-11-25",
        "modality": "CT",
        "station_ae_title": "CT2",
        "body_part": "HEAD",
        "priority": "STAT,HIGH",
        "report": "none",
        "assigned_to": "me",
    },
    "AuthorityAnswer": {"name": "SITE-A", "universal_id": "1.2.40.1"},
    "PatientBody": _PERSON,
    "PatientAnswer": {
        "id": PATIENT_ID,
        "mrn": "MRN-2001",
        **_PERSON,
        "merged_into_id": None,
        "pending_change_id": None,
        "registered_here": False,
        "differs_from_ehr": True,
        "ehr_says": {"birth_date": "1975-06-03"},
        "is_unidentified": False,
        "approximate_age": None,
        "created_at": MOMENT,
        "as_of": MOMENT,
        "updated_at": MOMENT,
    },
    "EmergencyBody": {
        "sex": "male",
        "approximate_age": 40,
        "order": {"modality": "CT", "description": "CT polytrauma", "station_ae_title": "CT2"},
    },
    "PatientBatchBody": {"items": [{"mrn": "MRN-2001", **_PERSON}], "partial": False, "dry_run": False},
    "PatientBatchAnswer": {
        "created": 1,
        "updated": 0,
        "failed": 0,
        "dry_run": False,
        "items": [{"mrn": "MRN-2001", "status": "created", "id": PATIENT_ID, "pending_change_id": None, "error": None}],
    },
    "OrderBatchBody": {"items": [{"accession_number": "ACC-3001", **_ORDER}], "partial": False, "dry_run": False},
    "OrderBatchAnswer": {
        "created": 1,
        "updated": 0,
        "failed": 0,
        "dry_run": False,
        "items": [{"accession_number": "ACC-3001", "status": "created", "id": ORDER_ID, "error": None}],
    },
    "KnownFilesBody": {"sha256": [HASH]},
    "KnownFilesAnswer": {
        "files": [{"sha256": HASH, "study_instance_uid": STUDY}],
        "studies": [
            {
                "study_instance_uid": STUDY,
                "link_status": "linked",
                "patient_id": PATIENT_ID,
                "order_id": ORDER_ID,
            }
        ],
    },
    "MatchBody": {
        "items": [
            {
                "ref": "1",
                "patient_id": "MRN-2001",
                "patient_name": "FERREIRA^JOAO",
                "patient_birth_date": "19750630",
                "modality": "MR",
                "study_date": "20261124",
            }
        ]
    },
    "MatchList": {
        "items": [
            {
                "ref": "1",
                "match": {
                    "kind": "exact",
                    "score": 1.0,
                    "evidence": [Evidence.of("PatientName", True, EvidenceGrade.FORM, "name_form").as_json()],
                    "patient_id": PATIENT_ID,
                    "order_id": ORDER_ID,
                    "order_ids": [ORDER_ID],
                    "automatic": True,
                },
                "study": None,
                "differences": [
                    {"tag": "PatientName", "file": "FERREIRA^JOAO", "ehr": "Ferreira^João", "differs": True}
                ],
                "refused": None,
            }
        ]
    },
    "OrderBody": _ORDER | {"status": "arrived"},
    "UploadAnswer": {
        "upload_id": UPLOAD_ID,
        "status": "success",
        "instances": [
            {
                "file_name": "scan.dcm",
                "sop_instance_uid": "1.2.826.0.1.3680043.8.498.7879",
                "study_instance_uid": STUDY,
                "status": "stored",
                "error": None,
            }
        ],
        "studies": [
            {
                "study_instance_uid": STUDY,
                "orthanc_study_id": ORTHANC_STUDY,
                "match": _MATCH,
                "coerced": [{"tag": "PatientID", "before": "SCAN-7", "after": "MRN-2001"}],
            }
        ],
    },
    "StudyAnswer": {
        "is_document": False,
        "study_instance_uid": STUDY,
        "orthanc_study_id": ORTHANC_STUDY,
        "patient_id": PATIENT_ID,
        "mrn": "MRN-2001",
        "issuer": None,
        "patient_name": "Ferreira^João",
        "patient_birth_date": "1984-05-06",
        "patient_sex": "male",
        "order_id": ORDER_ID,
        "order_ids": [ORDER_ID],
        "accession_number": "ACC-2026-0101",
        "accession_numbers": ["ACC-2026-0101"],
        "modalities": ["MR"],
        "study_date": "2026-01-15",
        "study_description": "MR brain",
        "number_of_series": 1,
        "number_of_instances": 1,
        "link_status": "linked",
        "linked_by": "rita",
        "deleted_at": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "number_in_quarantine": 0,
    },
    "ViewerUrlAnswer": {
        "url": f"/ohif/viewer?StudyInstanceUIDs={STUDY}&token=eyJ…",
        "token": "eyJ…",
        "expires_at": MOMENT,
        "studies": [STUDY],
    },
    "ViewerTokenBody": {
        "order_id": "ACC-2026-0101",
        "priors": {"match": "auto", "newest": 3},
        "operations": ["view"],
        "ttl_seconds": 600,
        "session_seconds": 28800,
        "max_uses": 1,
        "on_behalf_of": "dr-adeyemi",
    },
    "RenewedAnswer": {
        "token": "eyJ…",
        "token_id": TOKEN_ID,
        "expires_at": MOMENT,
        "renewable_until": MOMENT,
        "operations": ["view"],
        "studies": [STUDY],
        "in_doubt": [],
    },
    "ViewerTokenAnswer": {"token": "eyJ…", "token_id": TOKEN_ID, "expires_at": MOMENT, "studies": [STUDY]},
    "AuditEventAnswer": {
        "id": 28,
        "at": MOMENT,
        "actor": "rita",
        "action": "study.linked",
        "outcome": "success",
        "patient_id": PATIENT_ID,
        "order_id": ORDER_ID,
        "study_instance_uid": STUDY,
        "address": "192.0.2.17",
        "detail": {"match": "exact", "door": "upload", "disagreements": ["PatientID"], "coerced": ["PatientID"]},
        "patient": NAMED,
        "study": {"study_description": "Brain MRI", "study_date": "2026-11-24", "modalities": ["MR"]},
        "accession_number": "ACC-2026-0101",
    },
    "VerificationAnswer": {
        "ok": True,
        "events": 37,
        "broken_at": None,
        "reason": None,
        "head": {"id": 37, "hash": HASH},
        "anchors": 12,
    },
    "LoginBody": {"username": "doctor", "password": "correct horse"},
    "LoginAnswer": {
        "token": "eyJ…",
        "expires_at": MOMENT,
        "name": "Dora Doctor",
        "roles": ["doctor"],
        "must_change_password": False,
    },
    "MeAnswer": {
        "subject": "dora",
        "name": "Dora Doctor",
        "roles": ["doctor"],
        "permissions": ["download", "read", "upload", "view"],
        "ignored_roles": [],
        "has_password": True,
        "lock_after_minutes": 10,
        "sharing": False,
    },
    "StudySeriesAnswer": {
        "study_instance_uid": STUDY,
        "series": [
            {
                "series_instance_uid": "1.2.826.0.1.3680043.8.498.7891",
                "number": 1,
                "modality": "MR",
                "description": "T2 axial",
                "number_of_instances": 16,
            }
        ],
    },
    "Problem": {
        "type": "/api/v1/problems/invalid_request",
        "title": "The request cannot be used",
        "status": 422,
        "detail": "Correct the fields named in 'errors' and send it again.",
        "code": "invalid_request",
        "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "errors": [{"field": "scheduled_at", "message": "give a time zone, for example 2026-01-31T09:00:00Z"}],
    },
}

PARAMETER_EXAMPLES: dict[str, Any] = {
    "code": "stale",
    "mrn": "MRN-2001",
    "patient": "MRN-2001",
    "order": "ACC-2026-0101",
    "accession_number": "ACC-2026-0101",
    "study_uid": STUDY,
    "study": STUDY,
    "study_instance_uid": STUDY,
    "upload_id": UPLOAD_ID,
    "token_id": TOKEN_ID,
    "If-Match": '"5f0c2f6e1f7a4b0f8d3c9e2b7a6d5c41"',
    "X-Order-Id": "ACC-2026-0101",
    "X-Patient-Id": "MRN-2001",
    "X-File-Name": "scan.dcm",
}
