"""The self-test from its first transaction to its last."""

from __future__ import annotations

from plugin.selftest.fhir_ehr import FHIR, FhirEhr
from plugin.selftest.hearing_ehr import HearingEhr
from plugin.selftest.hl7_ehr import OMI, Hl7Ehr
from plugin.selftest.images import IMAGES
from plugin.selftest.modality import Modality
from plugin.selftest.outcomes import Report
from plugin.selftest.rest_ehr import REST, RestEhr
from plugin.selftest.stage import Placed, Stage
from plugin.selftest.viewer import ImageDisplay

EXAMINED = (OMI, FHIR, REST)
"""The doors whose order is examined, the first one that has placed one."""


def play(stage: Stage, report: Report, modality: Modality, hearing: HearingEhr) -> None:
    """Play all transactions, in the order of IHE's Scheduled Workflow. The modality is registered already."""
    hl7, rest, fhir = Hl7Ehr(stage, report), RestEhr(stage, report), FhirEhr(stage, report)
    hearing.begin()
    hl7.begin()
    rest.begin()
    fhir.begin()
    placed = _examined(stage)
    modality.examine(placed)
    ImageDisplay(stage, report).open(placed, modality.study_of, IMAGES)
    hearing.end(placed, modality.study_of)
    fhir.end(placed, modality.study_of)
    hl7.end(modality.require_gone)


def _examined(stage: Stage) -> Placed:
    by_door = {one.door: one for one in stage.placed}
    return next((by_door[door] for door in EXAMINED if door in by_door), Placed("", "any order", ""))
