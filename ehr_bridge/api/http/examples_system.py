"""Examples of the answers of the System and Interfaces pages, by schema; continues `examples.EXAMPLES`."""

from __future__ import annotations

from typing import Any

from ehr_bridge.api.http.examples import MOMENT, ORDER_ID, PATIENT_ID, STUDY
from ehr_bridge.api.http.problems import CODES, TITLES
from ehr_bridge.version import VERSION

FEATURES: dict[str, Any] = {
    "doors": ["upload", "stow_rs", "rest", "c_store"],
    "ae_title": "ORTHANC",
    "basic_auth": False,
    "jwks": True,
    "smart_scopes": False,
    "issuer_required": False,
    "frame_ancestors": ["https://ehr.example.org"],
    "own_coercion_rules": False,
    "match_automatic": "patient_id",
    "stable_age_seconds": 60,
    "deletion_grace_days": 7,
}
_DESTINATION: dict[str, Any] = {
    "name": "ehr",
    "kind": "webhook",
    "url": "https://ehr.example.org/events",
    "host": None,
    "port": None,
    "tls": False,
    "events": ["order.status", "study.available"],
    "policy": "skip",
    "allow_networks": ["10.20.0.0/16"],
    "is_ehr": True,
    "charset": None,
    "order_message": None,
    "reports_from": None,
    "has_secret": True,
    "enabled": True,
    "ca_certificates": None,
    "subscription": None,
    "description": "EHR, message broker",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
_DELIVERY: dict[str, Any] = {
    "id": 40172,
    "seq": 51209,
    "event_id": "5f0c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1",
    "type": "order.status",
    "time": MOMENT,
    "patient_id": PATIENT_ID,
    "order_id": ORDER_ID,
    "study_instance_uid": None,
    "report_id": None,
    "state": "dead",
    "attempts": 3,
    "last_error": "422: no such order",
    "ended_at": MOMENT,
    "milliseconds": None,
    "dropped_by": None,
    "drop_reason": None,
}
_NODE: dict[str, Any] = {
    "name": "a",
    "version": VERSION,
    "state": "serving",
    "started_at": MOMENT,
    "last_seen_at": MOMENT,
    "clock_ahead_seconds": 0.004,
    "schema_known": "0059_nodes2",
    "is_this": True,
    "has_other_secret": False,
    "has_other_folder": False,
}
SYSTEM_EXAMPLES: dict[str, dict[str, Any]] = {
    "VersionAnswer": {"version": VERSION, "api_version": "v1", "orthanc_version": "1.12.7", "features": FEATURES},
    "FeaturesAnswer": FEATURES,
    "HealthAnswer": {
        "status": "ok",
        "checks": {"gate": "ok", "database": "ok", "orthanc": "ok"},
        "worklist_age_seconds": 3.2,
    },
    "ReadyAnswer": {"status": "ready", "database": "current"},
    "NodeAnswer": _NODE,
    "ModalityBody": {
        "host": "10.0.3.17",
        "port": 104,
        "may": ["store", "worklist"],
        "charset": "latin2",
        "description": "CT 2, radiology, ground floor",
    },
    "ModalityAnswer": {
        "ae_title": "CT2",
        "host": "10.0.3.17",
        "port": 104,
        "may": ["store", "worklist"],
        "charset": "latin2",
        "description": "CT 2, radiology, ground floor",
        "created_at": MOMENT,
        "updated_at": MOMENT,
    },
    "SendBody": {"ae_title": "WS2"},
    "SendingAnswer": {
        "id": "8a3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d3",
        "study_instance_uid": STUDY,
        "ae_title": "WS2",
        "status": "running",
        "number_of_instances": 118,
        "number_sent": 48,
        "number_refused": 0,
        "error_code": None,
        "error_message": None,
        "refusal": None,
        "requested_by": "dora",
        "requested_at": MOMENT,
        "finished_at": None,
    },
    "DestinationBody": {
        "kind": "webhook",
        "url": "https://ehr.example.org/events",
        "events": ["order.status", "study.available"],
        "policy": "skip",
        "allow_networks": ["10.20.0.0/16"],
        "is_ehr": True,
        "enabled": True,
        "description": "EHR, message broker",
    },
    "DestinationAnswer": _DESTINATION,
    "DestinationMade": _DESTINATION | {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
    "SecretAnswer": {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "former_secret_until": MOMENT},
    "DestinationQueue": {
        "name": "ehr",
        "enabled": True,
        "waiting": 112,
        "parked": 0,
        "dead": 2,
        "waiting_since": MOMENT,
        "failing_since": MOMENT,
        "next_at": MOMENT,
        "stopped_at": None,
        "stopped_because": None,
        "last_error": "it could not be reached: connection refused",
        "last_error_at": MOMENT,
        "last_sent_at": MOMENT,
        "fails_at": None,
    },
    "FailedAttempt": {"at": MOMENT, "milliseconds": 31, "error": "422: no such order"},
    "ResendBody": {"since": MOMENT, "states": ["parked", "dead"]},
    "ResentAnswer": {"count": 12},
    "DropBody": {"reason": "The EHR has deleted this order"},
    "DeliverySummary": _DELIVERY,
    "DeliveryAnswer": _DELIVERY
    | {
        "destination": "ehr",
        "report_version": None,
        "order_status": "completed",
        "tries": [{"at": MOMENT, "milliseconds": 31, "error": "422: no such order"}],
        "receipt": None,
        "content": None,
    },
    "EchoAnswer": {"ok": False, "ms": 5003, "error": "It did not answer a C-ECHO."},
    "SystemAnswer": {
        "version": VERSION,
        "orthanc_version": "1.12.7",
        "features": FEATURES,
        "storage": {
            "archive_bytes": 412_316_860_416,
            "uncompressed_bytes": 799_894_709_207,
            "free_bytes": 1_583_296_741_376,
            "total_bytes": 2_000_398_934_016,
            "number_of_studies": 4120,
            "number_of_instances": 801_554,
            "forecast": {"days": 28, "bytes_per_day": 4_120_000_000, "full_on": "2027-12-12"},
            "objects": {
                "waiting": 12,
                "waiting_bytes": 6_310_412,
                "limit_bytes": 20_000_000_000,
                "oldest_at": MOMENT,
                "removing": 0,
                "error": "away",
                "failing_since": MOMENT,
            },
        },
        "queue": {
            "instances_to_record": 0,
            "changes_to_check": 3,
            "jobs": {"waiting": 2, "running": 1, "failed": 1, "stuck": 0},
            "uploads_under_way": 1,
            "quarantined": 0,
        },
        "failed_jobs": [
            {
                "id": "8a3c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1",
                "study_instance_uid": STUDY,
                "kind": "modify",
                "status": "partial",
                "error_code": "changed_since",
                "finished_at": MOMENT,
                "failure": None,
            }
        ],
        "fixity": {
            "days": 30.0,
            "checked_until": MOMENT,
            "damaged": 1,
            "latest": [
                {
                    "study_instance_uid": STUDY,
                    "orthanc_instance_id": "6f1b8f4a-7a1b5f0e-0c9a2d53-1f0f7a0e-9d0c5ad6",
                    "damaged_at": MOMENT,
                    "file": "3c/f0/3cf0c6a4-0f7a-4c0e-8a3c-1f526c5b4a3e",
                }
            ],
        },
        "restarts": {"recent": 0, "latest": None, "cause": None},
        "backups": {
            "is_scheduled": True,
            "last_success_at": MOMENT,
            "last_check_at": MOMENT,
            "last": {
                "kind": "backup",
                "status": "succeeded",
                "repository": "/mnt/backup/ehr-bridge",
                "begun_at": MOMENT,
                "ended_at": MOMENT,
                "number_of_files": 183_201,
                "size_bytes": 96_200_113_902,
                "added_bytes": 611_204_811,
                "failure": None,
            },
        },
        "roles": [{"name": "nurse", "permissions": ["read", "view"], "is_built_in": True}],
        "nodes": [_NODE],
        "attention": [
            {
                "code": "files_damaged",
                "count": 1,
                "advice": (
                    "Restore these files from a backup, or have the images sent again; it is noticed within the hour."
                ),
            },
            {
                "code": "jobs_failed",
                "count": 1,
                "advice": "Open each study and find the reason in its history; then request the job again, or undo it.",
            },
        ],
    },
    "ProblemMeaning": {"code": "stale", "title": TITLES[CODES["stale"].status], **CODES["stale"]._asdict()},
}

MESSAGE_ID = "0b5f8f5e-6d0a-4f0e-9c7b-1f526c5b4a3e"
_ACK = (
    "MSH|^~\\&|PACS|NORTHWING|HIS|NORTHWING|20260301083000+0000||ACK^O23^ACK|0b5f8f5e6d0a4f0e9c7b|P|2.5.1"
    "||||||UNICODE UTF-8\nMSA|AA|HIS00017"
)
_READING = {
    "kind": "orders",
    "patient": {"mrn": "MRN-2001", "issuer": "NORTHWING", "family_name": "Okafor", "given_name": "Chidi"},
    "prior": None,
    "orders": [{"act": "place", "accession_number": "ACC-2026-0101", "modality": "MR"}],
    "notes": [],
}
_CHANGES = [
    {
        "action": "order.created",
        "patient_id": PATIENT_ID,
        "order_id": ORDER_ID,
        "study_instance_uid": None,
        "detail": {"fields": ["modality", "description"]},
    }
]
_SUMMARY: dict[str, Any] = {
    "id": MESSAGE_ID,
    "source": "his",
    "door": "mllp",
    "sender": "HIS NORTHWING",
    "type": "OMI^O23",
    "control_id": "HIS00017",
    "reuses_control_id": False,
    "state": "applied",
    "code": None,
    "place": None,
    "reason": None,
    "received_at": MOMENT,
    "last_received_at": MOMENT,
    "times_received": 1,
    "patient_id": PATIENT_ID,
    "replayed_by": None,
    "replayed_at": None,
}
_SOURCE = {"name": "his", "last_received_at": MOMENT, "silence_minutes": 60, "is_silent": False}
MESSAGE_EXAMPLES: dict[str, dict[str, Any]] = {
    "TrialAnswer": {
        "ack": _ACK,
        "state": "applied",
        "code": None,
        "place": None,
        "reason": None,
        "reading": _READING,
        "changes": _CHANGES,
    },
    "MessageList": {"items": [_SUMMARY], "total": 1, "limit": 50, "offset": 0},
    "MessageAnswer": {
        **_SUMMARY,
        "sent_by": "hl7:his",
        "address": "10.1.7.12",
        "size_bytes": 612,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "charset": "utf-8",
        "charset_from": "declared",
        "message": "MSH|^~\\&|HIS|NORTHWING|PACS|NORTHWING|20260301083000+0100||OMI^O23^OMI_O23|HIS00017|P|2.5.1",
        "ack": _ACK,
        "reading": _READING,
        "changes": _CHANGES,
    },
    "MessageSummary": _SUMMARY,
    "ChangeOfMessage": _CHANGES[0],
    "SourceList": {"items": [_SOURCE]},
    "SourceAnswer": _SOURCE,
}
