"""Compares a file with the EHR: what a link would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom.structure.encoding import vr_of_tag
from ehr_bridge.dicom.structure.tags import tag_of
from ehr_bridge.dicom.values import canonical
from ehr_bridge.services.identity.attributes import IDENTITY_KEYWORDS, LINKED_KEYWORDS, wanted_values


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute; `ehr` is None where the EHR has no value and the file keeps its own."""

    tag: str
    file: str
    ehr: str | None
    differs: bool


def differences(study: Study, patient: Patient, order: Order | None) -> list[Difference]:
    """Every identifying attribute: the study's present value, and the value for this patient and order."""
    said = {**study.received_identity, **study.corrections}
    if study.patient is not None:
        said |= wanted_values(study.patient, study.order)
    return compare_values(said, patient, order)


def compare_values(said: Mapping[str, Any], patient: Patient, order: Order | None) -> list[Difference]:
    """The same for a header (DICOM keyword to value), with any other attribute that the EHR decides."""
    wanted = wanted_values(patient, order)
    keywords = [one for one in LINKED_KEYWORDS if one in IDENTITY_KEYWORDS or one in said]
    return [_compare(keyword, str(said.get(keyword) or ""), wanted.get(keyword)) for keyword in keywords]


def _compare(keyword: str, file: str, ehr: str | None) -> Difference:
    vr = vr_of_tag(tag_of(keyword))
    return Difference(keyword, file, ehr, ehr is not None and canonical(vr, file) != canonical(vr, ehr))
