"""From rows of ours to attributes of DICOM and back: which values a study's instances must carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ehr_bridge.db.models import Order, Patient, Study
from ehr_bridge.dicom import Header
from ehr_bridge.matching import HeaderIdentity, OrderFacts, PatientFacts
from ehr_bridge.matching.compare import SEX_CODES

IDENTITY_KEYWORDS = {
    "AccessionNumber": "accession_number",
    "PatientID": "patient_id",
    "IssuerOfPatientID": "issuer_of_patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
}

LINKED_KEYWORDS = (*IDENTITY_KEYWORDS, "ReferringPhysicianName")
"""All that `wanted_values` may name."""


def read_identity(header: Header, corrections: tuple[tuple[str, str], ...] = ()) -> HeaderIdentity:
    """What a header says of whose study it is, with the sender's corrections applied."""
    values = {field: getattr(header, field) for field in IDENTITY_KEYWORDS.values()}
    for keyword, value in corrections:
        if keyword in IDENTITY_KEYWORDS:
            values[IDENTITY_KEYWORDS[keyword]] = value
    return HeaderIdentity(study_instance_uid=header.study_instance_uid, **values)


def identity_to_json(identity: HeaderIdentity) -> dict[str, str]:
    return {keyword: getattr(identity, field) for keyword, field in IDENTITY_KEYWORDS.items()}


def stored_identity(study: Study) -> HeaderIdentity:
    """What a stored study said of itself when it came, with the corrections made since."""
    said = {**study.received_identity, **study.corrections}
    values = {field: str(said.get(keyword) or "") for keyword, field in IDENTITY_KEYWORDS.items()}
    return HeaderIdentity(study_instance_uid=study.study_instance_uid, **values)


def person_name(patient: Patient) -> str:
    """Family^Given (PN, PS3.5 section 6.2.1); '' when the EHR knows neither."""
    return f"{patient.family_name or ''}^{patient.given_name or ''}".rstrip("^")


class EhrValue(NamedTuple):
    """Something the EHR knows of a patient or order, as DICOM writes it; '' when it does not know."""

    of: Callable[[Patient, Order | None], str]
    example: str


def _of_order(field: str) -> Callable[[Patient, Order | None], str]:
    return lambda _, order: str(getattr(order, field) or "") if order is not None else ""


EHR_VALUES = {
    "patient.mrn": EhrValue(lambda patient, _: patient.mrn, "1"),
    "patient.issuer": EhrValue(lambda patient, _: patient.issuer or "", "A"),
    "patient.name": EhrValue(lambda patient, _: person_name(patient), "A^B"),
    "patient.birth_date": EhrValue(
        lambda patient, _: patient.birth_date.strftime("%Y%m%d") if patient.birth_date else "", "19700101"
    ),
    "patient.sex": EhrValue(lambda patient, _: SEX_CODES[patient.sex], "F"),
    "order.accession_number": EhrValue(_of_order("accession_number"), "A"),
    "order.ordered_by": EhrValue(_of_order("ordered_by"), "A"),
    "order.description": EhrValue(_of_order("description"), "A b"),
    "order.modality": EhrValue(_of_order("modality"), "CT"),
    "order.body_part": EhrValue(_of_order("body_part"), "CHEST"),
    "order.placer_order_number": EhrValue(_of_order("placer_order_number"), "A"),
    "order.station_ae_title": EhrValue(_of_order("station_ae_title"), "A"),
    "order.priority": EhrValue(_of_order("priority"), "HIGH"),
}
"""By the names that coercion rules use."""

DEFAULT_RULES = {
    "PatientID": "patient.mrn",
    "IssuerOfPatientID": "patient.issuer",
    "PatientName": "patient.name",
    "PatientBirthDate": "patient.birth_date",
    "PatientSex": "patient.sex",
    "AccessionNumber": "order.accession_number",
    "ReferringPhysicianName": "order.ordered_by",
}
"""DICOM keyword to what it becomes, unless a site has rules of its own (`coercion_rules`)."""


def ehr_values(patient: Patient, order: Order | None) -> Mapping[str, str]:
    """All that rules can draw on."""
    return {name: value.of(patient, order) for name, value in EHR_VALUES.items()}


def wanted_values(patient: Patient, order: Order | None) -> Mapping[str, str]:
    """The attributes that patient and order decide. What the EHR does not know stays as the file says."""
    values = {keyword: EHR_VALUES[source].of(patient, order) for keyword, source in DEFAULT_RULES.items()}
    return {keyword: value for keyword, value in values.items() if value}


def patient_facts(patient: Patient) -> PatientFacts:
    return PatientFacts(
        id=patient.id,
        mrn=patient.mrn,
        issuer=patient.issuer,
        family_name=patient.family_name,
        given_name=patient.given_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
    )


def order_facts(order: Order) -> OrderFacts:
    return OrderFacts(
        id=order.id,
        accession_number=order.accession_number,
        scheduled_study_instance_uid=order.scheduled_study_instance_uid,
        is_cancelled=order.status == "cancelled",
        patient=patient_facts(order.patient),
    )
