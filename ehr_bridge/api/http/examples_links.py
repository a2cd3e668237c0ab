"""Examples of reconciliation, of changes and of restricted patients, by schema; continues `examples.EXAMPLES`."""

from __future__ import annotations

from typing import Any

from ehr_bridge.api.http.examples import MOMENT, NAMED, ORDER_ID, PATIENT_ID, STUDY, TOKEN_ID
from ehr_bridge.matching import Evidence

MERGED_ID = "5f0d9c7e-1c55-4f0b-9d6a-2f6c0b7d4e21"
VERSION = "5b1f0c6f7c0b6b0e"

_OUTSIDE = {
    "accession_number": "ACC-2026-0102",
    "modality": "MR",
    "description": "MR brain, outside",
    "ordered_by": "Ekström^Maria",
}
_UNKNOWN = {
    "family_name": "Berg",
    "given_name": "Nils",
    "middle_name": "Olof",
    "prefix": "Dr.",
    "suffix": "Jr.",
    "birth_date": "1984-05-06",
    "sex": "male",
    "issuer": "SITE-A",
}

LINK_EXAMPLES: dict[str, dict[str, Any]] = {
    "RestrictionBody": {"reason": "Member of staff", "staff": ["dr-adeyemi"]},
    "RestrictionAnswer": {
        "patient_id": PATIENT_ID,
        "mrn": "MRN-2001",
        "patient": None,
        "reason": "Member of staff",
        "staff": ["dr-adeyemi"],
        "restricted_by": "admin",
        "restricted_at": MOMENT,
    },
    "BreakGlassBody": {"patient_id": "MRN-2001", "reason": "Emergency, unconscious on arrival", "minutes": 60},
    "GlassAnswer": {
        "id": TOKEN_ID,
        "patient_id": PATIENT_ID,
        "mrn": "MRN-2001",
        "patient": NAMED,
        "subject": "dora",
        "reason": "Emergency, unconscious on arrival",
        "opened_at": MOMENT,
        "expires_at": MOMENT,
        "reviewed_by": None,
        "reviewed_at": None,
        "review_note": None,
    },
    "ReviewBody": {"note": "Spoke to her; justified"},
    "EventList": {
        "items": [
            {
                "seq": 4711,
                "id": "2b6f0cc9-04d1-4b0e-a8f2-0d7d35a1f1c3",
                "type": "org.ehr-bridge.study.linked",
                "time": MOMENT,
                "data": {
                    "patient_id": PATIENT_ID,
                    "order_id": ORDER_ID,
                    "study_instance_uid": STUDY,
                    "into_patient_id": None,
                    "report_id": None,
                    "version": None,
                },
            }
        ],
        "next": 4711,
    },
    "LinkBody": {"order_id": "ACC-2026-0101", "reason": "patient ID mistyped at the console", "expected": VERSION},
    "UnlinkBody": {"reason": "images of another patient", "expected": VERSION},
    "CreateOrderBody": {
        "patient_id": "MRN-2001",
        "description": "MR brain, outside",
        "reason": "CD from another hospital",
    },
    "SplitCompareBody": {"series": [f"{STUDY}.2"], "instances": [f"{STUDY}.3.12"], "patient_id": "MRN-2001"},
    "SplitBody": {
        "series": [f"{STUDY}.2"],
        "instances": [f"{STUDY}.3.12"],
        "order_id": "ACC-2026-0101",
        "reason": "the second patient was examined under the first one's name",
        "expected": VERSION,
    },
    "NewOrderBody": _OUTSIDE,
    "NewPatientBody": _UNKNOWN,
    "CreatePatientBody": {
        "mrn": "MRN-2002",
        "patient": _UNKNOWN,
        "order": _OUTSIDE,
        "reason": "CD from another hospital; he showed his passport",
        "expected": VERSION,
    },
    "CandidateAnswer": {
        "patient_id": PATIENT_ID,
        "mrn": "MRN-2001",
        "issuer": None,
        "patient_name": "Ferreira^João",
        "birth_date": "1984-05-06",
        "sex": "male",
        "order_id": ORDER_ID,
        "accession_number": "ACC-2026-0101",
        "order_status": "scheduled",
        "order_description": "MR brain",
        "kind": "ambiguous",
        "score": 0.75,
        "evidence": [Evidence.against("PatientID", "id_other").as_json()],
        "differences": [{"tag": "PatientID", "file": "MRN-2007", "ehr": "MRN-2001", "differs": True}],
    },
    "JobAnswer": {
        "id": "8a3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1",
        "kind": "link",
        "status": "running",
        "study_instance_uid": STUDY,
        "number_of_instances": 16,
        "number_done": 7,
        "error_code": None,
        "error_message": None,
        "requested_by": "rita",
        "requested_at": MOMENT,
        "finished_at": None,
    },
    "MergeBody": {"into": "MRN-2001", "reason": "registered twice"},
    "PreviewBody": {"into": "MRN-2001"},
    "AccessionBody": {"accession_number": "ACC-2026-0110", "reason": "digits swapped"},
    "TakeBackBody": {"reason": "two people after all"},
    "ChangeAnswer": {
        "id": "c27f0c56-2f0c-4f55-8f5b-0f6d6a0e9b11",
        "kind": "patient_merged",
        "patient_id": MERGED_ID,
        "mrn": "MRN-2007",
        "order_id": None,
        "accession_number": None,
        "before": {"merged_into_id": None},
        "after": {"merged_into_id": PATIENT_ID},
        "reason": "registered twice",
        "changed_by": "ehr",
        "changed_at": MOMENT,
        "undoes_id": None,
        "undone_by_id": None,
        "undoes": None,
        "undone_by": None,
        "status": "running",
        "number_of_studies": 3,
        "number_done": 1,
        "number_failed": 0,
        "decision": None,
        "decided_by": None,
        "decided_at": None,
        "decision_reason": None,
    },
}
