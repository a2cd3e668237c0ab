"""Which codes each route can answer with, beside those that every route of its kind can.

A route that is not listed, or a status for which its entry names no code, shows all codes of the status. The codes were
found by following the calls of each view; codes in an answer of 2xx, one for each item, are not among them.
"""

from __future__ import annotations

from ehr_bridge.api.away.columns import COLUMNS
from ehr_bridge.api.http.access import ACCESS, PUBLIC
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.auth.permissions import Permission

_TOKEN = ("token_missing", "token_invalid", "token_too_large", "token_expired", "token_revoked", "wrong_credentials")
_GUARDED = (*_TOKEN, "permission_missing", "patient_restricted", "database_unavailable", "introspection_unavailable")
_BODY = ("malformed_json", "json_too_deep", "unsupported_media_type")
_MRN = ("mrn_ambiguous", "issuer_required", "issuer_not_configured")
_PATIENT = ("patient_not_found", *_MRN)
_TARGET = (*_PATIENT, "order_not_found", "order_of_another_patient", "order_cancelled")
_SENT = ("too_large", "unsupported_media_type")
_READ = (
    *("empty_file", "not_dicom", "truncated", "malformed", "unreadable_meta", "nested_too_deep", "too_many_elements"),
    *("inflated_too_large", "busy"),
)
_FILE = (*_READ, "missing_uid", "invalid_uid", "cannot_index", "dicomdir")
_KEEP = (
    *_FILE,
    *("study_recorded_otherwise", "same_uid_other_content", "study_of_another_patient", "deletion_state"),
    "moved_out",
    *("study_deleted", "digest_mismatch", "cannot_recode", "refused_by_archive", "archive_unavailable", "not_tried"),
    *("record_pending", "storage_full"),
)
_SPLIT = (
    *("study_on_hold", "split_same_owner", "split_rejected_images"),
    *("split_leaves_nothing", "split_unknown_image"),
)
_STORE = (*_SENT, *_KEEP, *_TARGET, "duplicate_instance", "no_files", "too_many_files", "none_stored")
_ZIP = (
    *("malformed_zip", "damaged_entry", "encrypted_entry", "unsafe_entry", "unsupported_compression"),
    *("nested_archive", "archive_too_deep", "document"),
)
_WRITE_PATIENT = (*_MRN, "stale", "mrn_of_another_issuer", "mrn_without_issuer", "patient_merged")
_WRITE_ORDER = ("stale", "study_uid_of_another_order", "study_uid_too_late", "order_state")
_STUDY = ("study_not_found",)
_ORDER = ("order_not_found",)
_FILTERED = (*_PATIENT, *_ORDER)
"""A list that is narrowed to a patient or an order."""
_LINK = (*_STUDY, "study_changed", "study_is_linked", "modification_running")
_CHANGE = ("change_not_found",)
_JOB = ("job_not_found", "job_state")
_QUARANTINE = ("quarantine_not_found",)
_WAITING = ("quarantine_decided", "quarantine_file_away", "quarantine_unreadable")
_MESSAGE = ("message_not_found",)
_PERFORMED = ("performed_step_not_found",)
_REJECTION = ("rejection_not_found", "rejection_state", *_STUDY)
_BATCH = ("batch_not_found", "batch_changed")
_DELETION = ("deletion_not_found", "deletion_state")
_REPEATED = ("idempotency_key_reused", "answer_lost")
_PASSWORD = ("password_too_short", "rate_limited")

OF_ROUTE: dict[str, tuple[str, ...]] = {
    "list_authorities": (),
    "get_patient": _PATIENT,
    "put_patient": (*_WRITE_PATIENT, "reason_required"),
    "patch_patient": (*_WRITE_PATIENT, "reason_required"),
    "register_patient": (*_REPEATED, *_MRN, "no_number_left"),
    "register_emergency": (*_REPEATED, *_MRN, "no_number_left"),
    "preview_merge": (*_PATIENT, "patient_merged"),
    "list_patients": (*_PATIENT, "invalid_cursor"),
    "list_events": ("events_gone",),
    "send_message": _SENT,
    "validate_message": _SENT,
    "list_messages": (),
    "get_message": _MESSAGE,
    "replay_message": _MESSAGE,
    "list_sources": (),
    "put_patient_batch": (),
    "put_order_batch": (),
    "match_headers": (),
    "get_order": _ORDER,
    "put_order": (*_ORDER, *_PATIENT, *_WRITE_ORDER, "reason_required"),
    "patch_order": (*_ORDER, *_PATIENT, *_WRITE_ORDER, "reason_required"),
    "place_order": (*_REPEATED, *_PATIENT, "study_uid_of_another_order", "no_number_left"),
    "list_orders": (*_FILTERED, "invalid_cursor"),
    "get_day_counts": (),
    "get_day_change": (),
    "cancel_order": (*_ORDER, "order_state", "reason_required", "malformed_json", "json_too_deep"),
    "note_arrival": (*_ORDER, "order_state"),
    "withdraw_arrival": (*_ORDER, "order_state"),
    "upload_file": (*_STORE, "malformed_multipart", "malformed_json", "json_too_deep"),
    "upload_files": (*_STORE, "malformed_multipart", "malformed_json", "json_too_deep"),
    "upload_zip": (*_STORE, *_ZIP),
    "store_instances": (*_SENT, *_KEEP, "malformed_multipart", "annotation_refused", "no_files", "too_many_files"),
    "store_instance": (*_KEEP, "too_large"),
    "get_upload_limits": (),
    "list_uploads": _FILTERED,
    "list_uploads_of_patient": _FILTERED,
    "get_upload": ("upload_not_found",),
    "validate_file": (*_SENT, *_FILE),
    "read_tags": (*_SENT, *_READ),
    "find_known_files": (),
    "list_studies": (*_FILTERED, "invalid_cursor"),
    "list_studies_of_patient": (*_PATIENT, "invalid_cursor"),
    "list_studies_of_order": (*_ORDER, "invalid_cursor"),
    "list_studies_of_accession": ("invalid_cursor",),
    "get_study": _STUDY,
    "request_deletion": (*_REPEATED, *_STUDY, "modification_running", "deletion_requested", "study_on_hold"),
    "list_series": (*_STUDY, "archive_unavailable"),
    "get_viewer_url": _STUDY,
    "list_viewer_tokens": _FILTERED,
    "create_viewer_token": (*_REPEATED, *_STUDY, *_PATIENT, *_ORDER),
    "exchange_viewer_token": ("token_used_up",),
    "revoke_viewer_token": ("token_not_found",),
    "print_labels": (*_PATIENT, *_ORDER, "patient_merged"),
    "note_printout": ("patient_not_found", *_ORDER, *_STUDY, "order_of_another_patient"),
    "create_share": (
        "sharing_off",
        *_STUDY,
        "restricted_stays_here",
        "study_on_hold",
        "study_not_certain",
        "rate_limited",
    ),
    "list_shares": ("sharing_off", *_FILTERED),
    "revoke_share": ("sharing_off", "share_not_found"),
    "open_share": ("sharing_off", "share_not_found", "share_pin_required", "share_pin_wrong", "rate_limited"),
    "get_shared_report_pdf": ("sharing_off", "share_not_found", "report_not_found", "archive_unavailable"),
    "list_audit_events": _FILTERED,
    "verify_audit": (),
    "export_audit_events": _FILTERED,
    "login": ("wrong_credentials", "account_locked", "rate_limited", "database_unavailable"),
    "logout": ("no_local_session",),
    "change_password": ("account_locked", "no_local_session", "password_unchanged", *_PASSWORD),
    "get_me": (),
    "get_version": (),
    "get_system": (),
    "list_problems": (),
    "get_problem": (),
    "get_tags": (*_STUDY, *_READ, "archive_unavailable"),
    "modify_tags": (*_STUDY, "study_is_linked", "modification_running"),
    "undo_modification": (*_LINK, "modification_not_found", "patient_merged", "cannot_undo"),
    "get_job": ("job_not_found",),
    "retry_job": (*_JOB, "modification_running"),
    "give_up_job": (*_JOB, "given_up"),
    "list_accounts": (),
    "create_account": ("name_taken", "unknown_role", *_PASSWORD),
    "change_account": ("account_not_found", "last_admin", "unknown_role"),
    "set_password": ("account_not_found", *_PASSWORD),
    "list_service_keys": (),
    "create_service_key": ("name_taken", "unknown_role"),
    "revoke_service_key": ("service_key_not_found",),
    "list_deletions": _FILTERED,
    "approve_deletion": (*_DELETION, "own_request", "study_on_hold"),
    "reject_deletion": _DELETION,
    "withdraw_deletion": (*_DELETION, "not_own_request"),
    "restore_study": _DELETION,
    "list_proposals": ("invalid_cursor",),
    "request_batch": _REPEATED,
    "list_batches": (),
    "approve_batch": (*_BATCH, "own_request"),
    "reject_batch": (*_BATCH, "own_request"),
    "withdraw_batch": (*_BATCH, "not_own_request"),
    "get_hold": _STUDY,
    "place_hold": (*_STUDY, "study_on_hold"),
    "release_hold": (*_STUDY, "hold_not_found"),
    "download_study": _STUDY,
    "get_thumbnail": _STUDY,
    "restrict_patient": _PATIENT,
    "release_patient": (*_PATIENT, "restriction_not_found"),
    "list_restrictions": _PATIENT,
    "list_broken_glasses": _PATIENT,
    "break_glass": (*_PATIENT, *_ORDER, *_STUDY, "not_restricted"),
    "review_broken_glass": ("glass_not_found", "glass_state"),
    "list_reconciliation": (*_FILTERED, "invalid_cursor"),
    "get_reconciliation": _STUDY,
    "compare_study": (*_STUDY, *_TARGET),
    "link_study": (*_REPEATED, *_LINK, *_TARGET, "decide_alone"),
    "compare_split": (*_STUDY, *_TARGET, *_SPLIT, "archive_unavailable"),
    "split_study": (*_REPEATED, *_STUDY, *_TARGET, *_SPLIT, "modification_running", "study_changed"),
    "unlink_study": (*_REPEATED, *_LINK, "not_linked"),
    "create_order_for_study": (*_REPEATED, *_LINK, *_PATIENT, "order_cancelled", "accession_number_taken"),
    "create_patient_for_study": (
        *(*_REPEATED, *_LINK, *_MRN, "mrn_of_another_issuer", "mrn_without_issuer", "patient_merged"),
        *("mrn_taken", "no_number_left", "order_cancelled", "accession_number_taken"),
    ),
    "list_performed_steps": _FILTERED,
    "get_performed_step": _PERFORMED,
    "send_study": (*_REPEATED, *_STUDY, "restricted_stays_here", "modality_not_found", "modality_not_sent_to"),
    "list_sendings": _STUDY,
    "cancel_sending": (*_REPEATED, *_STUDY, "sending_not_found", "sending_ended"),
    "get_sending": (*_STUDY, "sending_not_found"),
    "close_performed_step": (*_PERFORMED, "performed_step_settled"),
    "reject_images": (*_REPEATED, *_STUDY, "instance_not_found", "modification_running", "rejection_state"),
    "list_rejections": _FILTERED,
    "get_rejection": ("rejection_not_found", *_STUDY),
    "get_rejected_picture": ("rejection_not_found", "instance_not_found", "archive_unavailable", *_STUDY),
    "undo_rejection": (*_REJECTION, "modification_running", "rejection_running"),
    "agree_to_rejection": (*_REJECTION, "modification_running"),
    "refuse_rejection": _REJECTION,
    "list_quarantine": _FILTERED,
    "get_quarantined_file": _QUARANTINE,
    "compare_quarantined_file": (*_QUARANTINE, *_TARGET, *_READ, *_WAITING),
    "give_quarantined_file": (*_QUARANTINE, *_TARGET, *_KEEP, *_WAITING),
    "discard_quarantined_file": (*_QUARANTINE, "quarantine_decided"),
    "reopen_quarantined_file": (*_QUARANTINE, "quarantine_decided", "quarantine_file_away"),
    "merge_patient": (*_REPEATED, *_PATIENT, "patient_merged"),
    "unmerge_patient": (
        *_REPEATED,
        *_PATIENT,
        *_CHANGE,
        "patient_merged",
        "not_merged",
        "accession_number_taken",
        "modification_running",
        "cannot_undo",
    ),
    "correct_accession_number": (*_ORDER, "order_cancelled", "accession_number_taken"),
    "list_changes": _FILTERED,
    "get_change": _CHANGE,
    "agree_to_change": (*_CHANGE, "nothing_to_decide"),
    "refuse_change": (*_CHANGE, "nothing_to_decide"),
    "undo_change": (
        *_CHANGE,
        "patient_merged",
        "accession_number_taken",
        "modification_running",
        "cannot_undo",
    ),
    "get_study_history": _STUDY,
}


OF_FHIR = frozenset(
    code for code, meaning in CODES.items() if meaning.cause.startswith(("FHIR:", "A FHIR ", "SMART launch:"))
)
"""Codes that only FHIR and SMART answer, which are not in the OpenAPI document."""


def codes_of(operation_id: str, method: str, path: str, status: int) -> list[str]:
    """The codes with which a route (as in the access table) answers that status, in the order of the table of codes."""
    of_status = [code for code, meaning in CODES.items() if meaning.status == status and code not in OF_FHIR]
    own = OF_ROUTE.get(operation_id)
    if own is None:
        return of_status
    possible = {*own, *_of_its_kind(method, path)}
    return [code for code in of_status if code in possible] or of_status


def statuses_of(operation_id: str) -> set[str]:
    """The statuses of a route's own codes."""
    return {str(CODES[code].status) for code in OF_ROUTE.get(operation_id, ())}


def _of_its_kind(method: str, path: str) -> set[str]:
    codes = {"invalid_request"}
    if method != "GET":
        codes |= {"condition_not_supported"}
    if method in {"POST", "PUT"}:
        codes |= {*_BODY}
    if "{" in path:
        codes |= {"route_not_found"}
    if method == "GET" and path in COLUMNS:
        codes |= {"too_many_rows", "busy"}
    need = ACCESS.get((method, path), PUBLIC)
    if need != PUBLIC:
        codes |= {*_GUARDED}
    if need == Permission.UPLOAD:
        codes |= {"rate_limited"}
    return codes
