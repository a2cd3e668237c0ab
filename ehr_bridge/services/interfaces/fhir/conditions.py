"""What the parameters of a FHIR search mean in our tables: each becomes one condition.

Order numbers are found whatever their system: it is not kept, and the number is what counts. MRNs are found by the
system of their issuer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import and_, false, or_, select, true

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.match_keys import StudySopClass
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.fhir import endpoints
from ehr_bridge.fhir.searching import Criterion, literal, unescaped
from ehr_bridge.fhir.service_requests import PRIORITIES, STATUSES
from ehr_bridge.fhir.systems import DICOM_CODES, DICOM_UID, URI, oid_of, token_of
from ehr_bridge.services.audit.codes import AUDIT_CODES, OUTCOMES, SERIOUS_FAILURE
from ehr_bridge.services.interfaces.fhir.meanings import (
    Asking,
    Condition,
    Meaning,
    by_code,
    by_id,
    by_patient,
    fits_mrn,
    of_code,
    of_day,
    of_moment,
    of_words,
    records,
)
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.studies.search import of_number


def _is_active(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    if (flag := token_of(value)[1]) not in ("true", "false"):
        raise ValueError("true or false")
    return Patient.merged_into_id.is_(None) if flag == "true" else Patient.merged_into_id.is_not(None)


def number_of_order(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    """An order by one of its numbers; their systems are not kept."""
    system, code = token_of(value)
    number = unescaped(code)
    uid = oid_of(number)
    of_study = false() if uid is None else Order.study_instance_uid == uid
    if system == DICOM_UID:
        return of_study
    return or_(Order.accession_number == number, Order.placer_order_number == number)


def _number_of_study(asking: Asking, _criterion: Criterion, value: str) -> Condition:
    system, code = token_of(value)
    number = unescaped(code)
    uid = oid_of(number)
    by_uid = false() if uid is None else Study.study_instance_uid == uid
    if system == DICOM_UID:
        return by_uid
    (listed,) = of_number(asking.session, number)
    return or_(listed, by_uid) if system is None else listed


def _order_of_study(asking: Asking, criterion: Criterion, value: str) -> Condition:
    if criterion.chain == "identifier":
        query = select(Order.id).where(number_of_order(asking, criterion, value))
        orders = list(asking.session.scalars(query))
    else:
        key = as_uuid(literal(unescaped(value), ("ServiceRequest",))[1])
        orders = [] if key is None else [key]
    return Study.id.in_(select(StudyOrder.study_id).where(StudyOrder.order_id.in_(orders)))


def _modality(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    system, code = token_of(value)
    if system not in (None, "", DICOM_CODES):
        return false()
    return Study.modality_key.like(f"%|{escaped(unescaped(code))}|%", escape=ESCAPE)


def _series(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    uid = _uid(value, DICOM_UID)
    query = select(Instance.study_id).where(Instance.series_instance_uid == uid)
    return false() if uid is None else Study.id.in_(query)


def _dicom_class(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    uid = _uid(value, URI)
    query = select(StudySopClass.study_id).where(StudySopClass.sop_class_uid == uid)
    return false() if uid is None else Study.id.in_(query)


def _uid(value: str, system: str) -> str | None:
    """The UID that a token names; None where it is none, or of another system."""
    given, code = token_of(value)
    return oid_of(unescaped(code)) if given in (None, "", system) else None


def _endpoint(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    return true() if literal(unescaped(value), ("Endpoint",))[1] in (endpoints.IMAGES, endpoints.VIEWER) else false()


def _entity(asking: Asking, criterion: Criterion, value: str) -> Condition:
    kind, key = literal(unescaped(value), criterion.parameter.targets)
    number = as_uuid(key)
    if number is None:
        return false()
    if kind == "Patient":
        return AuditEvent.patient_id == str(number)
    if kind == "ServiceRequest":
        return AuditEvent.order_id == str(number)
    uid = asking.session.scalar(select(Study.study_instance_uid).where(Study.id == number))
    return false() if uid is None else AuditEvent.study_instance_uid == uid


def _agent(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    return AuditEvent.actor == unescaped(token_of(value)[1]).removeprefix("Practitioner/")


def _number_of_event(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    return AuditEvent.id == int(value) if value.isdecimal() and len(value) < 19 else false()


def _outcome(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    code = token_of(value)[1]
    if code == SERIOUS_FAILURE:
        return AuditEvent.outcome.not_in(list(OUTCOMES))
    return AuditEvent.outcome.in_([word for word, one in OUTCOMES.items() if one == code])


_SEXES = {one: [one] for one in ("male", "female", "other", "unknown")}
_EVENT_TYPES = by_code({name: one.event_id for name, one in AUDIT_CODES.items()})
_ABOUT_NOTHING = and_(
    AuditEvent.patient_id.is_(None), AuditEvent.order_id.is_(None), AuditEvent.study_instance_uid.is_(None)
)

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    "Patient": {
        "_id": by_id(Patient.id),
        "identifier": Meaning(fits_mrn, false()),
        "family": of_words(Patient.searched_family, Patient.family_name),
        "given": of_words(Patient.searched_given, Patient.given_name, Patient.middle_name),
        "name": of_words(Patient.searched_names, Patient.family_name, Patient.given_name, Patient.middle_name),
        "birthdate": of_day(Patient.birth_date),
        "gender": of_code(Patient.sex, _SEXES),
        "active": Meaning(_is_active, false()),
        "_lastUpdated": of_moment(Patient.updated_at),
    },
    "ServiceRequest": {
        "_id": by_id(Order.id),
        "identifier": Meaning(number_of_order, false()),
        "patient": by_patient(Order.patient_id),
        "status": of_code(Order.status, by_code(STATUSES)),
        "authored": of_moment(Order.created_at),
        "occurrence": of_moment(ScheduledStep.scheduled_at),
        "code": of_code(Order.procedure_code),
        "priority": of_code(Order.priority, by_code(PRIORITIES)),
        "_lastUpdated": of_moment(Order.updated_at),
    },
    "ImagingStudy": {
        "_id": by_id(Study.id),
        "identifier": Meaning(_number_of_study, false()),
        "patient": by_patient(Study.patient_id),
        "basedon": Meaning(_order_of_study, Study.order_id.is_(None)),
        "started": of_day(Study.study_date_key, date.min),
        "modality": Meaning(_modality, Study.modality_key == ""),
        "series": Meaning(_series, Study.number_of_series == 0),
        "dicom-class": Meaning(_dicom_class, Study.sop_class_key.in_(["", "|"])),
        "status": of_code(Study.is_available, {"registered": [False], "available": [True]}),
        "endpoint": Meaning(_endpoint, false()),
        "_lastUpdated": of_moment(Study.updated_at),
    },
    "AuditEvent": {
        "_id": Meaning(_number_of_event, false()),
        "date": of_moment(AuditEvent.at),
        "patient": Meaning(
            lambda asking, one, value: AuditEvent.patient_id.in_(sorted(map(str, records(asking, one, value)))),
            AuditEvent.patient_id.is_(None),
        ),
        "agent": Meaning(_agent, false()),
        "entity": Meaning(_entity, _ABOUT_NOTHING),
        "type": of_code(AuditEvent.action, _EVENT_TYPES, DICOM_CODES),
        "subtype": of_code(AuditEvent.action),
        "action": of_code(AuditEvent.action, by_code({name: one.action for name, one in AUDIT_CODES.items()})),
        "outcome": Meaning(_outcome, false()),
    },
}  # fmt: skip
"""By type and parameter, but for reports."""
