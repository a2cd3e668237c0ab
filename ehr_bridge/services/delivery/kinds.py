"""Which events a destination of each kind can be told of."""

from __future__ import annotations

from collections.abc import Mapping

from ehr_bridge.db.facts import NOTICE
from ehr_bridge.db.states import DestinationKind

PATIENTS = ("patient.created", "patient.changed", "patient.merged")
ORDERS = ("order.created", "order.changed", "order.cancelled", "order.status")
STUDIES = ("study.linked", "study.unlinked", "study.changed", "study.available", "study.deleted")
WITHDRAWN = "report.withdrawn"
REPORTS = ("report.preliminary", "report.final", "report.amended", WITHDRAWN)
CRITICAL = "report.critical"
CRITERIA = {"ServiceRequest": ORDERS, "ImagingStudy": STUDIES, "DiagnosticReport": (*REPORTS, CRITICAL)}
"""What a FHIR Subscription with each criterion is told of."""
EVENTS = (*PATIENTS, *ORDERS, *STUDIES, *REPORTS, CRITICAL, NOTICE)

TOLD: Mapping[DestinationKind, frozenset[str]] = {
    DestinationKind.WEBHOOK: frozenset(EVENTS),
    DestinationKind.HL7: frozenset({*ORDERS, *REPORTS}),
    DestinationKind.FHIR: frozenset({"order.status", "order.cancelled", "study.linked", "study.available", *REPORTS}),
}
