"""Codes of our audit actions in other systems: one table for DICOM (PS3.15 annex A.5, codes of PS3.16) and FHIR R4.

docs/audit.md shows this table. A test finds every action in the source and requires a line here.
"""

from __future__ import annotations

from dataclasses import dataclass

DCM = {
    "110100": "Application Activity",
    "110101": "Audit Log Used",
    "110103": "DICOM Instances Accessed",
    "110104": "DICOM Instances Transferred",
    "110105": "DICOM Study Deleted",
    "110106": "Export",
    "110107": "Import",
    "110109": "Order Record",
    "110110": "Patient Record",
    "110111": "Procedure Record",
    "110112": "Query",
    "110113": "Security Alert",
    "110114": "User Authentication",
    "110120": "Application Start",
    "110122": "Login",
    "110123": "Logout",
    "110126": "Node Authentication",
    "110127": "Emergency Override Started",
    "110129": "Security Configuration",
    "110132": "Use of Restricted Function",
    "110135": "Object Security Attributes Changed",
    "110136": "Security Roles Changed",
    "110137": "User Security Attributes Changed",
}
"""Meanings of the codes in use or likely to be (PS3.16 CID 400 and CID 401)."""


@dataclass(frozen=True, slots=True)
class AuditCode:
    """How one action is coded."""

    event_id: str
    """EventID in DICOM and type in FHIR, from CID 400."""
    event_type: str | None
    """A type from CID 401 besides our own action; None where none fits."""
    action: str
    """C, R, U, D or E (create, read, update, delete, execute), the same in DICOM and FHIR."""


AUDIT_CODES: dict[str, AuditCode] = {
    "access.alarm": AuditCode("110113", "110132", "E"),
    "access.glass_broken": AuditCode("110113", "110127", "E"),
    "access.glass_reviewed": AuditCode("110113", "110127", "U"),
    "account.changed": AuditCode("110113", "110137", "U"),
    "account.created": AuditCode("110113", "110137", "C"),
    "account.locked": AuditCode("110113", "110137", "U"),
    "audit.exported": AuditCode("110101", None, "R"),
    "backup.checked": AuditCode("110100", None, "E"),
    "backup.failed": AuditCode("110100", None, "E"),
    "backup.forgotten": AuditCode("110100", None, "D"),
    "backup.made": AuditCode("110106", None, "R"),
    "backup.restored": AuditCode("110107", None, "C"),
    "commitment.answered": AuditCode("110103", None, "R"),
    "commitment.given_up": AuditCode("110103", None, "R"),
    "deletion.approved": AuditCode("110105", None, "U"),
    "deletion.late_arrival": AuditCode("110107", None, "U"),
    "deletion.purged": AuditCode("110105", None, "D"),
    "deletion.purging": AuditCode("110105", None, "D"),
    "deletion.rejected": AuditCode("110105", None, "U"),
    "deletion.withdrawn": AuditCode("110105", None, "U"),
    "deletion.reopened": AuditCode("110105", None, "U"),
    "deletion.requested": AuditCode("110105", None, "U"),
    "deletion.restored": AuditCode("110105", None, "U"),
    "delivery.dropped": AuditCode("110109", None, "U"),
    "delivery.resent": AuditCode("110109", None, "U"),
    "destination.changed": AuditCode("110113", "110129", "U"),
    "destination.registered": AuditCode("110113", "110129", "C"),
    "destination.removed": AuditCode("110113", "110129", "D"),
    "destination.secret_renewed": AuditCode("110113", "110129", "U"),
    "destination.started": AuditCode("110113", "110129", "U"),
    "destination.stopped": AuditCode("110113", "110129", "U"),
    "document.attached": AuditCode("110107", None, "C"),
    "document.downloaded": AuditCode("110106", None, "R"),
    "document.opened": AuditCode("110103", None, "R"),
    "images.rejected": AuditCode("110105", None, "U"),
    "images.rejected_viewed": AuditCode("110103", None, "R"),
    "images.rejection_declined": AuditCode("110105", None, "U"),
    "images.rejection_proposed": AuditCode("110105", None, "U"),
    "images.rejection_undone": AuditCode("110105", None, "U"),
    "label.printed": AuditCode("110106", None, "R"),
    "list.saved": AuditCode("110106", None, "R"),
    "message.replayed": AuditCode("110109", None, "U"),
    "modality.changed": AuditCode("110113", "110129", "U"),
    "modality.registered": AuditCode("110113", "110129", "C"),
    "modality.removed": AuditCode("110113", "110129", "D"),
    "order.arrival_withdrawn": AuditCode("110109", None, "U"),
    "order.arrived": AuditCode("110109", None, "U"),
    "node.forgotten": AuditCode("110100", None, "D"),
    "notice.seen": AuditCode("110111", None, "R"),
    "order.assigned": AuditCode("110109", None, "U"),
    "order.cancelled": AuditCode("110109", None, "U"),
    "order.completed": AuditCode("110109", None, "U"),
    "order.created": AuditCode("110109", None, "C"),
    "order.performed": AuditCode("110109", None, "U"),
    "order.reinstated": AuditCode("110109", None, "U"),
    "order.renumbered": AuditCode("110109", None, "U"),
    "order.report_withdrawn": AuditCode("110109", None, "U"),
    "order.reported": AuditCode("110109", None, "U"),
    "order.unassigned": AuditCode("110109", None, "U"),
    "order.updated": AuditCode("110109", None, "U"),
    "order_view.changed": AuditCode("110100", None, "U"),
    "order_view.chosen": AuditCode("110100", None, "U"),
    "order_view.made": AuditCode("110100", None, "C"),
    "order_view.removed": AuditCode("110100", None, "D"),
    "page.printed": AuditCode("110106", None, "R"),
    "password.changed": AuditCode("110113", "110137", "U"),
    "password.set": AuditCode("110113", "110137", "U"),
    "patient.correction_agreed": AuditCode("110110", None, "U"),
    "patient.correction_refused": AuditCode("110110", None, "U"),
    "patient.created": AuditCode("110110", None, "C"),
    "patient.merged": AuditCode("110110", None, "U"),
    "patient.released": AuditCode("110113", "110135", "U"),
    "patient.restricted": AuditCode("110113", "110135", "U"),
    "patient.unmerged": AuditCode("110110", None, "U"),
    "patient.updated": AuditCode("110110", None, "U"),
    "performed_step.assigned": AuditCode("110111", None, "U"),
    "performed_step.changed": AuditCode("110111", None, "U"),
    "performed_step.closed": AuditCode("110111", None, "U"),
    "performed_step.completed": AuditCode("110111", None, "U"),
    "performed_step.created": AuditCode("110111", None, "C"),
    "performed_step.discontinued": AuditCode("110111", None, "U"),
    "quarantine.discarded": AuditCode("110107", None, "D"),
    "quarantine.given": AuditCode("110107", None, "U"),
    "quarantine.kept": AuditCode("110107", None, "C"),
    "quarantine.reopened": AuditCode("110107", None, "U"),
    "report.communicated": AuditCode("110111", None, "U"),
    "report.doubt_ended": AuditCode("110111", None, "U"),
    "report.doubted": AuditCode("110111", None, "U"),
    "report.kept": AuditCode("110111", None, "U"),
    "report.presigned": AuditCode("110111", None, "U"),
    "report_macro.changed": AuditCode("110111", None, "U"),
    "report_macro.made": AuditCode("110111", None, "C"),
    "report_macro.removed": AuditCode("110111", None, "D"),
    "report_template.changed": AuditCode("110111", None, "U"),
    "report_template.made": AuditCode("110111", None, "C"),
    "report_template.removed": AuditCode("110111", None, "D"),
    "report.amendment_opened": AuditCode("110111", None, "U"),
    "report.claimed": AuditCode("110111", None, "U"),
    "report.discarded": AuditCode("110111", None, "D"),
    "report.document_removed": AuditCode("110103", None, "D"),
    "report.filed": AuditCode("110107", None, "C"),
    "report.issued": AuditCode("110111", None, "C"),
    "report.opened": AuditCode("110111", None, "C"),
    "report.passed_over": AuditCode("110111", None, "R"),
    "report.received": AuditCode("110111", None, "C"),
    "report.released": AuditCode("110111", None, "U"),
    "report.saved": AuditCode("110111", None, "U"),
    "report.seen": AuditCode("110111", None, "R"),
    "report.signed": AuditCode("110111", None, "C"),
    "report.taken_over": AuditCode("110111", None, "U"),
    "report.withdrawn": AuditCode("110111", None, "U"),
    "request.refused": AuditCode("110113", "110132", "E"),
    "selftest.removed": AuditCode("110110", None, "D"),
    "service_key.created": AuditCode("110113", "110137", "C"),
    "service_key.revoked": AuditCode("110113", "110137", "D"),
    "session.ended": AuditCode("110114", "110123", "E"),
    "session.refused": AuditCode("110114", "110122", "E"),
    "session.started": AuditCode("110114", "110122", "E"),
    "share.created": AuditCode("110106", "110135", "C"),
    "share.ended": AuditCode("110113", "110135", "D"),
    "share.opened": AuditCode("110106", "110135", "E"),
    "share.refused": AuditCode("110113", "110132", "E"),
    "share.report_read": AuditCode("110106", None, "R"),
    "study.contradicted": AuditCode("110111", None, "U"),
    "study.downloaded": AuditCode("110106", None, "R"),
    "study.file_damaged": AuditCode("110103", None, "R"),
    "study.file_restored": AuditCode("110103", None, "R"),
    "study.followed": AuditCode("110111", None, "U"),
    "study.held": AuditCode("110113", "110135", "U"),
    "study.hold_released": AuditCode("110113", "110135", "U"),
    "study.job_given_up": AuditCode("110111", None, "U"),
    "study.job_retried": AuditCode("110111", None, "U"),
    "study.judged_again": AuditCode("110111", None, "U"),
    "study.link_requested": AuditCode("110111", None, "U"),
    "study.linked": AuditCode("110111", None, "U"),
    "study.modification_requested": AuditCode("110111", None, "U"),
    "study.modification_undone": AuditCode("110111", None, "U"),
    "study.modified": AuditCode("110111", None, "U"),
    "study.received": AuditCode("110107", None, "C"),
    "study.send_requested": AuditCode("110106", None, "E"),
    "study.send_cancelled": AuditCode("110106", None, "U"),
    "study.sent": AuditCode("110104", None, "R"),
    "study.split": AuditCode("110111", None, "U"),
    "study.split_requested": AuditCode("110111", None, "U"),
    "study.undo_requested": AuditCode("110111", None, "U"),
    "study.unlink_requested": AuditCode("110111", None, "U"),
    "study.unlinked": AuditCode("110111", None, "U"),
    "study.viewed": AuditCode("110103", None, "R"),
    "study.withheld": AuditCode("110111", None, "U"),
    "token.refused": AuditCode("110113", "110126", "E"),
    "upload.refused": AuditCode("110107", None, "C"),
    "viewer_token.created": AuditCode("110113", "110135", "C"),
    "viewer_token.exchanged": AuditCode("110113", "110135", "U"),
    "viewer_token.revoked": AuditCode("110113", "110135", "D"),
}
"""Every action that this version writes."""

UNKNOWN = AuditCode("110100", None, "E")
"""For actions of other versions."""

OUTCOMES = {"success": "0", "refused": "4"}
"""EventOutcomeIndicator, and the same in FHIR; any other outcome is a serious failure."""
SERIOUS_FAILURE = "8"


def code_of(action: str) -> AuditCode:
    return AUDIT_CODES.get(action, UNKNOWN)


def outcome_of(outcome: str) -> str:
    return OUTCOMES.get(outcome, SERIOUS_FAILURE)
