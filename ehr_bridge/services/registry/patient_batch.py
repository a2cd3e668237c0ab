"""Many patients told at once: each an upsert of its own, so that a bad one keeps no other out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from ehr_bridge.errors import BridgeError, Unavailable
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.registry.patients import PatientData, Patients


@dataclass(frozen=True, slots=True)
class PatientOutcome:
    """What became of one item: created, updated (or as it was), or failed with a code."""

    status: str
    patient_id: uuid.UUID | None = None
    error_code: str | None = None
    error_message: str | None = None
    pending_change_id: uuid.UUID | None = None


class PatientBatch:
    def __init__(self, patients: Patients) -> None:
        self._patients = patients

    def upsert(self, items: Iterable[tuple[str, PatientData]], origin: Origin) -> list[PatientOutcome]:
        """Take the items one by one; what is done stays done, and saying it again changes nothing.

        Raises:
            Unavailable: the database is away.
        """
        return [self._one(mrn, data, origin) for mrn, data in items]

    def _one(self, mrn: str, data: PatientData, origin: Origin) -> PatientOutcome:
        try:
            patient, created = self._patients.upsert(mrn, data, origin)
        except Unavailable:
            raise
        except BridgeError as refusal:
            return PatientOutcome("failed", None, refusal.code, refusal.detail)
        status = "created" if created else "updated"
        return PatientOutcome(status, patient.id, pending_change_id=patient.pending_change_id)
