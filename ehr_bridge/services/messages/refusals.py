"""Our refusals in the words of HL7 (table 0357)."""

from __future__ import annotations

from ehr_bridge.errors import BridgeError, InvalidInput
from ehr_bridge.hl7.faults import Code, Fault

CODES = {
    "patient_not_found": Code.UNKNOWN_KEY,
    "order_not_found": Code.UNKNOWN_KEY,
    "mrn_of_another_issuer": Code.UNKNOWN_KEY,
    "mrn_without_issuer": Code.UNKNOWN_KEY,
    "mrn_ambiguous": Code.UNKNOWN_KEY,
    "issuer_required": Code.UNKNOWN_KEY,
    "issuer_not_configured": Code.UNKNOWN_KEY,
    "patient_restricted": Code.UNKNOWN_KEY,
    "patient_merged": Code.DUPLICATE_KEY,
    "accession_number_taken": Code.DUPLICATE_KEY,
    "study_uid_of_another_order": Code.DUPLICATE_KEY,
    "study_uid_too_late": Code.LOCKED,
    "order_state": Code.LOCKED,
    "stale": Code.LOCKED,
    "report_patient_differs": Code.UNKNOWN_KEY,
    "report_of_another_patient": Code.UNKNOWN_KEY,
    "report_of_another_order": Code.UNKNOWN_KEY,
    "study_of_another_order": Code.UNKNOWN_KEY,
    "study_not_found": Code.UNKNOWN_KEY,
    "study_uncertain": Code.LOCKED,
    "report_state": Code.LOCKED,
    "report_empty": Code.MISSING,
}
"""What is recorded does not allow it: the number is not the one on record, or it is taken, or it is too late."""

PASSING = frozenset({"study_not_found", "study_uncertain"})
"""Images may still be on their way, or be linked meanwhile, so what is refused for this is tried again when it comes
again; as a report of ours can be signed then."""


def fault_of(refusal: Fault | BridgeError) -> Fault:
    """The same refusal for the sender of a message."""
    if isinstance(refusal, Fault):
        return refusal
    otherwise = Code.DATA_TYPE if isinstance(refusal, InvalidInput) else Code.INTERNAL
    fault = Fault(CODES.get(refusal.code, otherwise), refusal.detail)
    fault.is_final = refusal.code not in PASSING
    return fault


def of_ours() -> Fault:
    """Something is wrong here, and not with the message."""
    return Fault(Code.INTERNAL, "it could not be applied because of an error here, and can be sent again")
