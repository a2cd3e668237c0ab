"""From our rows to DICOM attributes and back: the values that a study's instances must have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy.orm import object_session

from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import Header, date_text
from ehr_bridge.dicom.reading.items import first_item_text, item_text, items_of
from ehr_bridge.dicom.structure import tags
from ehr_bridge.matching import NAME_PARTS, HeaderIdentity, OrderFacts, PatientFacts, RequestAttributes, StepFacts
from ehr_bridge.matching.compare import SEX_CODES

IDENTITY_KEYWORDS = {
    "AccessionNumber": "accession_number",
    "PatientID": "patient_id",
    "IssuerOfPatientID": "issuer_of_patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
}

MORE_KEYS = {
    "IssuerOfAccessionNumberSequence": "issuer_of_accession_number",
    "IssuerOfPatientIDQualifiersSequence": "universal_issuer_of_patient_id",
    "ScheduledProcedureStepID": "scheduled_procedure_step_id",
    "RequestedProcedureID": "requested_procedure_id",
}
"""Other attributes that identify an order or a patient; kept as in the file, links do not change them."""

OF_REQUESTS = {
    f"RequestAttributesSequence.{keyword}": field
    for keyword, field in (
        ("AccessionNumber", "accession_number"),
        ("IssuerOfAccessionNumberSequence", "issuer_of_accession_number"),
        ("ScheduledProcedureStepID", "scheduled_procedure_step_id"),
        ("RequestedProcedureID", "requested_procedure_id"),
    )
}
"""Attributes of the items of that sequence, where there are several; the values of all items, separated as in DICOM."""
SEPARATOR = "\\"
MOST_REQUESTS = 10
"""Items of the Request Attributes Sequence that are read: each costs as much as judging a header."""

OF_IMAGES = {"BodyPartExamined": "body_part", "Laterality": "laterality"}
"""Attributes of images rather than of a person; kept from the first image, other series may differ."""

NOT_THE_ORDERS = {"SR", "PR", "KO", "DOC", "OT", "SEG", "RTSTRUCT"}
"""Modalities that accompany images; an order made here is named after the images."""

LINKED_KEYWORDS = (*IDENTITY_KEYWORDS, "ReferringPhysicianName")
"""All keywords that `wanted_values` may return."""


def read_identity(header: Header, corrections: tuple[tuple[str, str], ...] = ()) -> HeaderIdentity:
    """What a header says about patient and order, with the sender's corrections applied."""
    values = {field: getattr(header, field) for field in IDENTITY_KEYWORDS.values()}
    identity = HeaderIdentity(
        study_instance_uid=header.study_instance_uid,
        **values,
        issuer_of_accession_number=_issuer_of_accession_number(header),
        scheduled_procedure_step_id=_requested(header, tags.SCHEDULED_PROCEDURE_STEP_ID),
        requested_procedure_id=_requested(header, tags.REQUESTED_PROCEDURE_ID),
        modality=header.modality,
        study_date=header.study_date,
        body_part=header.text(tags.BODY_PART_EXAMINED),
        laterality=header.text(tags.LATERALITY) or header.text(tags.IMAGE_LATERALITY),
        universal_issuer_of_patient_id=first_item_text(
            header, tags.ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, tags.UNIVERSAL_ENTITY_ID
        ),
        requests=_requests(header),
    )
    return with_corrections(identity, corrections)


def with_corrections(identity: HeaderIdentity, corrections: Iterable[tuple[str, str]]) -> HeaderIdentity:
    """A header's identity with the sender's corrections (DICOM keyword and value)."""
    fields = IDENTITY_KEYWORDS | {"StudyDate": "study_date"}
    changed: dict[str, Any] = {fields[keyword]: value for keyword, value in corrections if keyword in fields}
    return replace(identity, **changed) if changed else identity


def without_images(identity: HeaderIdentity) -> HeaderIdentity:
    """A header's identity without the attributes of images."""
    return replace(identity, modality="", body_part="", laterality="")


def _requested(header: Header, tag: int) -> str:
    """The value in the first item of the Request Attributes Sequence (PS3.3 table 10-9), or else in the image
    itself."""
    return first_item_text(header, tags.REQUEST_ATTRIBUTES_SEQUENCE, tag) or header.text(tag)


def _requests(header: Header) -> tuple[RequestAttributes, ...]:
    """The items of the Request Attributes Sequence, where there are several."""
    items = list(islice(items_of(header, tags.REQUEST_ATTRIBUTES_SEQUENCE), MOST_REQUESTS))
    if len(items) < 2:
        return ()
    issuer = tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE
    return tuple(
        RequestAttributes(
            item_text(header, item, tags.ACCESSION_NUMBER),
            item_text(header, item, tags.LOCAL_NAMESPACE_ENTITY_ID, issuer)
            or item_text(header, item, tags.UNIVERSAL_ENTITY_ID, issuer),
            item_text(header, item, tags.SCHEDULED_PROCEDURE_STEP_ID),
            item_text(header, item, tags.REQUESTED_PROCEDURE_ID),
        )
        for item in items
    )


def _issuer_of_accession_number(header: Header) -> str:
    """The name of the number's issuer, or else its universal ID (PS3.3 table 10-17)."""
    sequence = tags.ISSUER_OF_ACCESSION_NUMBER_SEQUENCE
    local = first_item_text(header, sequence, tags.LOCAL_NAMESPACE_ENTITY_ID)
    return local or first_item_text(header, sequence, tags.UNIVERSAL_ENTITY_ID)


def identity_to_json(identity: HeaderIdentity) -> dict[str, str]:
    """By DICOM keyword, as in `studies.received_identity`."""
    others = MORE_KEYS | OF_IMAGES
    more = {keyword: value for keyword, field in others.items() if (value := getattr(identity, field))}
    if identity.requests:
        more |= {
            keyword: SEPARATOR.join(getattr(one, field).replace(SEPARATOR, "") for one in identity.requests)
            for keyword, field in OF_REQUESTS.items()
        }
    return {keyword: getattr(identity, field) for keyword, field in IDENTITY_KEYWORDS.items()} | more


def _stored_requests(said: Mapping[str, Any]) -> tuple[RequestAttributes, ...]:
    values = [str(said.get(keyword) or "").split(SEPARATOR) for keyword in OF_REQUESTS]
    return tuple(RequestAttributes(*one) for one in zip(*values, strict=True)) if len(values[0]) > 1 else ()


def stored_identity(study: Study) -> HeaderIdentity:
    """A stored study's identity on arrival, with the corrections made since."""
    said = {**study.received_identity, **study.corrections}
    keywords = IDENTITY_KEYWORDS | MORE_KEYS | OF_IMAGES
    values = {field: str(said.get(keyword) or "") for keyword, field in keywords.items()}
    of_images = [one for one in study.modalities if one not in NOT_THE_ORDERS]
    return HeaderIdentity(
        study_instance_uid=study.study_instance_uid,
        **values,
        modality=of_images[0] if len(of_images) == 1 else "",
        study_date=date_text(study.study_date),
        requests=_stored_requests(said),
    )


def person_name(patient: Patient) -> str:
    """Family^Given^Middle^Prefix^Suffix (PN, PS3.5 section 6.2.1) up to the last known part; '' when none is known."""
    return "^".join(getattr(patient, part) or "" for part in NAME_PARTS).rstrip("^")


class EhrValue(NamedTuple):
    """A field of a patient or order in DICOM form; '' when unknown."""

    of: Callable[[Patient, Order | None], str]
    example: str


def patient_in_files(study: Study) -> Patient | None:
    """The patient in the files of a study: its own, or with the values before a correction that is withheld."""
    session = object_session(study)
    if study.withheld_by_id is None or session is None:
        return study.patient
    change = session.get_one(IdentityChange, study.withheld_by_id)
    return as_before(session.get_one(Patient, change.patient_id), change.former or {})


def as_before(patient: Patient, former: Mapping[str, Any]) -> Patient:
    """A copy of a patient with former values, from JSON; not part of any session."""
    values = {column.key: getattr(patient, column.key) for column in Patient.__table__.columns} | dict(former)
    if isinstance(values["birth_date"], str):
        values["birth_date"] = date.fromisoformat(values["birth_date"])
    return Patient(**values)


def _of_order(field: str) -> Callable[[Patient, Order | None], str]:
    return lambda _, order: str(getattr(order, field) or "") if order is not None else ""


EHR_VALUES = {
    "patient.mrn": EhrValue(lambda patient, _: patient.mrn, "1"),
    "patient.issuer": EhrValue(lambda patient, _: patient.issuer or "", "A"),
    "patient.name": EhrValue(lambda patient, _: person_name(patient), "A^B"),
    "patient.birth_date": EhrValue(lambda patient, _: date_text(patient.birth_date), "19700101"),
    "patient.sex": EhrValue(lambda patient, _: SEX_CODES[patient.sex], "F"),
    "order.accession_number": EhrValue(_of_order("accession_number"), "A"),
    "order.ordered_by": EhrValue(_of_order("ordered_by"), "A"),
    "order.description": EhrValue(_of_order("description"), "A b"),
    "order.modality": EhrValue(_of_order("modality"), "CT"),
    "order.body_part": EhrValue(_of_order("body_part"), "CHEST"),
    "order.laterality": EhrValue(_of_order("laterality"), "L"),
    "order.procedure_code": EhrValue(_of_order("procedure_code"), "A"),
    "order.placer_order_number": EhrValue(_of_order("placer_order_number"), "A"),
    "order.station_ae_title": EhrValue(_of_order("station_ae_title"), "A"),
    "order.priority": EhrValue(_of_order("priority"), "HIGH"),
}
"""By the names used in coercion rules."""

DEFAULT_RULES = {
    "PatientID": "patient.mrn",
    "IssuerOfPatientID": "patient.issuer",
    "PatientName": "patient.name",
    "PatientBirthDate": "patient.birth_date",
    "PatientSex": "patient.sex",
    "AccessionNumber": "order.accession_number",
    "ReferringPhysicianName": "order.ordered_by",
}
"""DICOM keyword to its new value, unless a site has its own rules (`coercion.rules`)."""


def ehr_values(patient: Patient, order: Order | None) -> Mapping[str, str]:
    """All values that rules can use."""
    return {name: value.of(patient, order) for name, value in EHR_VALUES.items()}


def wanted_values(patient: Patient, order: Order | None) -> Mapping[str, str]:
    """The attributes that patient and order decide. Values unknown to the EHR stay as in the file."""
    values = {keyword: EHR_VALUES[source].of(patient, order) for keyword, source in DEFAULT_RULES.items()}
    return {keyword: value for keyword, value in values.items() if value}


def patient_facts(patient: Patient) -> PatientFacts:
    return PatientFacts(
        id=patient.id,
        mrn=patient.mrn,
        issuer=patient.issuer,
        **{part: getattr(patient, part) for part in NAME_PARTS},
        birth_date=patient.birth_date,
        sex=patient.sex,
    )


def order_facts(order: Order) -> OrderFacts:
    return OrderFacts(
        id=order.id,
        accession_number=order.accession_number,
        scheduled_study_instance_uid=order.scheduled_study_instance_uid,
        is_cancelled=order.status == OrderStatus.CANCELLED,
        patient=patient_facts(order.patient),
        steps=tuple(map(step_facts, order.steps)),
        requested_procedure_id=order.requested_procedure_id,
        body_part=order.body_part,
        laterality=order.laterality,
    )


def step_facts(step: ScheduledStep) -> StepFacts:
    """What the matching compares of a step."""
    scheduled_on = step.scheduled_at.date() if step.scheduled_at else None
    return StepFacts(step.scheduled_procedure_step_id, step.modality, scheduled_on)
