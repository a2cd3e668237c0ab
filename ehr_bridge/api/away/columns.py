"""The columns of every list as a table: one place for all of them.

A column is named by where its value stands in an item of the list, `report.status` for the state of its report; its
header is the same with underscores. Names are English and never change, whoever reads the table: a program or a
spreadsheet's formula that reads them goes on working when the person who saves the list speaks another language.
"""

from __future__ import annotations

from typing import Any

_PERSON = "mrn issuer patient_name patient_birth_date patient_sex "
_STUDY = (
    _PERSON + "accession_number accession_numbers modalities study_date study_description number_of_series "
    "number_of_instances is_document link_status linked_by number_in_quarantine created_at updated_at "
    "study_instance_uid"
)
_UPLOADS = (
    "uploaded_at upload_status uploaded_by upload_source source_address " + _PERSON + "original_patient_id "
    "original_patient_name original_accession_number original_study_date original_modality modified_patient_id "
    "modified_patient_name modified_accession_number number_of_files announced_files number_of_duplicates "
    "total_size_bytes upload_duration_seconds tags_modified is_deleted error_message study_instance_uid upload_id"
)
COLUMNS: dict[str, tuple[str, ...]] = {
    path: tuple(columns.split())
    for path, columns in {
        "/api/v1/orders": "accession_number status priority scheduled_at arrived_at "
        + _PERSON
        + "modality description "
        "body_part laterality station_ae_title ordered_by assigned_to assigned_name report.status report.is_critical "
        "number_of_series number_of_images study_date placer_order_number requested_procedure_id "
        "scheduled_procedure_step_id procedure_code registered_here differs_from_ehr created_at updated_at id "
        "study_instance_uid",
        "/api/v1/patients": "mrn issuer family_name given_name middle_name prefix suffix birth_date sex "
        "is_unidentified approximate_age registered_here differs_from_ehr merged_into_id created_at updated_at id",
        "/api/v1/dashboard/turnaround/examinations": "minutes began_at ended_at accession_number status modality "
        "priority description " + _PERSON + "study_instance_uid order_id",
        "/api/v1/dashboard/dose/studies": "dlp ctdi_vol dap agd source modality study_description study_date "
        "received_at " + _PERSON + "study_instance_uid",
        "/api/v1/dicom/studies": _STUDY,
        "/api/v1/dicom/studies/patient/{patient}": _STUDY,
        "/api/v1/dicom/studies/order/{order}": _STUDY,
        "/api/v1/dicom/studies/accession/{accession_number}": _STUDY,
        "/api/v1/dicom/uploads": _UPLOADS,
        "/api/v1/dicom/uploads/patient/{patient}": _UPLOADS,
        "/api/v1/dicom/studies/{study_uid}/sendings": "requested_at requested_by ae_title status number_of_instances "
        "number_sent number_refused error_code refusal finished_at study_instance_uid id",
        "/api/v1/dicom/studies/{study_uid}/history": "at actor action outcome reason mrn accession_number door "
        "number_of_files job_kind upload_id job_id undoes_id change_id patient_id order_id event_id",
        "/api/v1/dicom/rejections": "requested_at status reason comment " + _PERSON + "number_of_images requested_by "
        "decided_by decided_at decision_reason is_from_elsewhere error_code study_instance_uid id",
        "/api/v1/dicom/viewer-token": "created_at subject minted_by scope operations expires_at renewable_until uses "
        "max_uses requests last_used_at revoked_at study_instance_uids order_id patient_id token_id",
        "/api/v1/dicom/shares": "created_at created_by state " + _PERSON + "modalities study_date study_description "
        "expires_at has_pin wrong_pins max_uses uses last_used_at ended_at ended_by end_reason study_instance_uid "
        "patient_id id",
        "/api/v1/reports": "status version title issued_at " + _PERSON + "accession_numbers author.name signer.name "
        "cosigner.name critical.level critical.is_open doubt draft_kind outside.sender created_at updated_at "
        "study_instance_uid id",
        "/api/v1/reading-list": "urgency waiting_since is_receiving " + _PERSON + "modalities study_date "
        "study_description number_of_instances orders.accession_number orders.description orders.ordered_by "
        "report.status report.claim.by.name study_instance_uid",
        "/api/v1/reconciliation": "why study.mrn study.patient_name study.patient_birth_date study.patient_sex "
        "study.accession_number study.modalities study.study_date study.study_description study.number_of_series "
        "study.number_of_instances study.created_at candidates.kind candidates.mrn candidates.patient_name "
        "candidates.accession_number study.study_instance_uid",
        "/api/v1/deletions": "requested_at status reason requested_by " + _PERSON + "accession_number modalities "
        "study_date study_description number_of_series number_of_instances decided_by decided_at decision_reason "
        "purge_after restored_by restored_at purged_at on_hold late_instances study_instance_uid id",
        "/api/v1/quarantine": "received_at status code can_be_given times_received door sent_by address size_bytes "
        "said.PatientID said.PatientName said.PatientBirthDate said.AccessionNumber said.Modality said.StudyDate "
        "decided_by decided_at reason given.mrn given.patient_name given.accession_number sha256 id",
        "/api/v1/documents": "dated kind title content_type size_bytes " + _PERSON + "attached_by attached_at "
        "link_status study_instance_uid id",
        "/api/v1/changes": "changed_at kind mrn accession_number reason changed_by status decision decided_by "
        "decided_at decision_reason number_of_studies number_done number_failed undone_by_id id",
        "/api/v1/performed-steps": "started_at ended_at status ae_title modality description "
        "orders.accession_number original_patient_id original_patient_name original_accession_number "
        "performed_procedure_step_id station_ae_title number_of_series number_of_images number_here is_waiting "
        "discontinuation_reason closed_by closed_at close_reason created_at received_at study_instance_uid "
        "sop_instance_uid",
        "/api/v1/hl7/messages": "received_at state source door sender type control_id reuses_control_id code place "
        "reason last_received_at times_received replayed_by replayed_at patient_id id",
        "/api/v1/modalities": "ae_title host port may charset description created_at updated_at",
        "/api/v1/destinations": "name kind url host port tls events policy enabled is_ehr charset description "
        "created_at updated_at",
        "/api/v1/destinations/{name}/deliveries": "time type state attempts last_error ended_at milliseconds "
        "dropped_by drop_reason patient_id order_id study_instance_uid report_id event_id seq id",
        "/api/v1/accounts": "username full_name roles active must_change_password locked_until last_sign_in_at "
        "created_at",
        "/api/v1/service-keys": "name roles created_by created_at last_used_at revoked_at revoked_by id",
        "/api/v1/access/restrictions": "restricted_at mrn patient.patient_name reason staff restricted_by patient_id",
        "/api/v1/access/break-glass": "opened_at mrn patient.patient_name subject reason expires_at reviewed_by "
        "reviewed_at review_note patient_id id",
        "/api/v1/audit": "at actor action outcome patient.mrn patient.patient_name patient_id order_id "
        "study_instance_uid address detail id",
    }.items()
}
"""By route, as the access table writes it."""


def headers_of(path: str) -> list[str]:
    return [column.replace(".", "_") for column in COLUMNS[path]]


def cells_of(path: str, item: dict[str, Any]) -> list[Any]:
    """The values of one item of a list, in the order of the columns."""
    return [_cell(_found(item, column.split("."))) for column in COLUMNS[path]]


def _found(value: Any, way: list[str]) -> Any:
    """What stands there; of a list, what stands there in each of its items."""
    if isinstance(value, list) and way:
        return [_found(one, way) for one in value]
    if not way or value is None:
        return value
    return _found(value.get(way[0]), way[1:])


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(str(one) for one in value if one is not None)
    return " ".join(f"{name}={one}" for name, one in value.items()) if isinstance(value, dict) else value
