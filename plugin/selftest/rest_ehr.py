"""Plays an EHR that speaks our own REST."""

from __future__ import annotations

from ehr_bridge.services.selftest.numbers import AE_TITLE, APPOINTMENT, MODALITY
from plugin.selftest.outcomes import NotTried, Report
from plugin.selftest.stage import PERSON, Placed, Stage

REST = "REST"


class RestEhr:
    """Patient 4 and order 4."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage = stage
        self._report = report
        self._mrn = stage.run.mrn(4)

    def begin(self) -> None:
        """What comes before an examination."""
        self._is_registered = self._report.play("", REST, "patient registered (PUT patients)", self._register)
        self._report.play("", REST, "order placed (PUT orders)", self._place)

    def _register(self) -> None:
        body = PERSON | {"issuer": self._stage.issuer}
        self._stage.ask("PUT", f"/api/v1/patients/{self._mrn}", "service", 201, json=body)
        self._stage.require_patient(self._mrn, family_name=PERSON["family_name"])

    def _place(self) -> None:
        if not self._is_registered:
            raise NotTried("no patient was registered by REST")
        placed = Placed(REST, self._stage.run.accession_number(4), self._mrn)
        body = {
            "mrn": placed.mrn,
            "issuer": self._stage.issuer,
            "modality": MODALITY,
            "description": "Self-test",
            "scheduled_at": APPOINTMENT,
            "station_ae_title": AE_TITLE,
        }
        self._stage.ask("PUT", f"/api/v1/orders/{placed.accession_number}", "service", 201, json=body)
        self._stage.require_order(placed)
        self._stage.placed.append(placed)
