"""Many patients at once: each is an upsert of its own, so that a bad one does not keep the others out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ehr_bridge.errors import BridgeError, Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.registry.patients import PatientData, Patients


@dataclass(frozen=True, slots=True)
class PatientOutcome:
    """The result for one item: created, updated (or unchanged), or failed with a code."""

    status: str
    patient_id: uuid.UUID | None = None
    error_code: str | None = None
    error_message: str | None = None
    pending_change_id: uuid.UUID | None = None


class PatientBatch:
    def __init__(self, patients: Patients) -> None:
        self._patients = patients

    def upsert(self, items: Iterable[tuple[str, PatientData, datetime | None]], origin: Origin) -> list[PatientOutcome]:
        """Process the items (MRN, data, when the EHR knew it) one by one; completed items stay, and repeating them
        changes nothing."""
        return [self._one(mrn, data, as_of, origin) for mrn, data, as_of in items]

    def _one(self, mrn: str, data: PatientData, as_of: datetime | None, origin: Origin) -> PatientOutcome:
        try:
            patient, created = self._patients.upsert(mrn, data, origin, as_of)
        except Unavailable:
            raise
        except BridgeError as refusal:
            return PatientOutcome("failed", None, refusal.code, refusal.detail)
        status = "created" if created else "updated"
        return PatientOutcome(status, patient.id, pending_change_id=patient.pending_change_id)
