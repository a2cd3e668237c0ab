"""What the parameters of a FHIR search mean in our tables: each becomes one condition.

Order numbers are found whatever their system: it is not kept, and the number is what counts. MRNs are found by the
system of their issuer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.paging import in_period
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.fhir import endpoints
from ehr_bridge.fhir.dates import intervals_of_days, intervals_of_moments, prefixed, range_of
from ehr_bridge.fhir.searching import Criterion, literal, refused, unescaped
from ehr_bridge.fhir.service_requests import PRIORITIES, STATUSES
from ehr_bridge.fhir.systems import DICOM_CODES, DICOM_UID, URI, Systems, oid_of, token_of
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.matching.names import words_of
from ehr_bridge.services.audit.codes import AUDIT_CODES, OUTCOMES, SERIOUS_FAILURE
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.studies.search import of_number
from ehr_bridge.services.visibility.asker import require_open

type Condition = ColumnElement[bool]
type Column = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """What conditions are made with."""

    session: Session
    zone: tzinfo
    """Of days without an offset."""
    systems: Systems


type Fits = Callable[[Asking, Criterion, str], Condition]
"""The condition for one of a criterion's values."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a parameter is compared with."""

    fits: Fits
    is_missing: Condition


def condition(meaning: Meaning, asking: Asking, criterion: Criterion) -> Condition:
    """What a row must fulfil. Raises InvalidInput `search_refused` for a value that cannot be read, and NotPermitted
    for a patient whom the caller may not see."""
    if criterion.is_missing is not None:
        return meaning.is_missing if criterion.is_missing else not_(meaning.is_missing)
    try:
        return or_(*(meaning.fits(asking, criterion, value) for value in criterion.values))
    except ValueError as error:
        raise refused(criterion.parameter.name, str(error)) from None


def by_patient(column: Column) -> Meaning:
    """Of a column with a patient: by reference or by number, with every record merged with theirs."""

    def fits(asking: Asking, criterion: Criterion, value: str) -> Condition:
        return column.in_(records(asking, criterion, value))

    return Meaning(fits, column.is_(None))


def records(asking: Asking, criterion: Criterion, value: str) -> frozenset[uuid.UUID]:
    """The records of the person whom a reference or number names; none where there is no such person. Raises
    NotPermitted."""
    if criterion.chain == "identifier":
        found = list(asking.session.scalars(select(Patient.id).where(_mrn(asking, criterion, value))))
    else:
        key = as_uuid(literal(unescaped(value), ("Patient",))[1])
        found = [] if key is None else [key]
    for one in found:
        require_open(one)
    return frozenset(survivors(asking.session, found)) if found else frozenset()


def _id(column: Column) -> Meaning:
    def fits(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
        key = as_uuid(value)
        return false() if key is None else column == key

    return Meaning(fits, false())


def _moment(column: Column) -> Meaning:
    def fits(asking: Asking, _criterion: Criterion, value: str) -> Condition:
        prefix, said = prefixed(value)
        found = intervals_of_moments(prefix, range_of(said, asking.zone))
        return and_(
            column.is_not(None), or_(*(and_(*in_period(column.expression, one.since, one.until)) for one in found))
        )

    return Meaning(fits, column.is_(None))


def _day(column: Column, nothing: date | None = None) -> Meaning:
    """`nothing` is the day that stands for none."""
    is_missing = column.is_(None) if nothing is None else column == nothing

    def fits(asking: Asking, _criterion: Criterion, value: str) -> Condition:
        prefix, said = prefixed(value)
        found = intervals_of_days(prefix, range_of(said, asking.zone), asking.zone)
        some = column.is_not(None) if nothing is None else column > nothing
        return and_(some, or_(*(and_(*in_period(column.expression, one.since, one.until)) for one in found)))

    return Meaning(fits, is_missing)


def _words(column: Column, *exact: Column) -> Meaning:
    """Of folded words: each word of the value begins one of them. `exact` are the columns as they were sent."""

    def fits(_asking: Asking, criterion: Criterion, value: str) -> Condition:
        said = unescaped(value)
        if criterion.modifier == "exact":
            return or_(*(one == said for one in exact))
        words = [escaped(word) for word in words_of(said)]
        if not words:
            raise ValueError("write some letters")
        begins = [or_(column.like(f"{word}%", escape=ESCAPE), column.like(f"% {word}%", escape=ESCAPE))
                  for word in words]  # fmt: skip
        return and_(*begins)

    return Meaning(fits, column == "")


def _code(column: Column, codes: Mapping[str, Iterable[Any]] | None = None, system: str | None = None) -> Meaning:
    """Of a column with codes: `codes` are its values by the code of FHIR, or they are the same. Another system than
    `system`, where one is given, fits nothing."""

    def fits(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
        given, code = token_of(value)
        if system is not None and given not in (None, "", system):
            return false()
        code = unescaped(code)
        return column == code if codes is None else column.in_(list(codes.get(code, ())))

    return Meaning(fits, column.is_(None))


def _mrn(asking: Asking, _criterion: Criterion, value: str) -> Condition:
    system, mrn = token_of(value)
    number = Patient.mrn == unescaped(mrn)
    if system is None:
        return number
    if not system:
        return number & (Patient.issuer_key == "")
    issuer = asking.systems.issuer_of(unescaped(system))
    if issuer is None:
        return false()
    return number & (Patient.issuer_key == issuer_key(issuer)) if issuer else number


def _is_active(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
    if (flag := token_of(value)[1]) not in ("true", "false"):
        raise ValueError("true or false")
    return Patient.merged_into_id.is_(None) if flag == "true" else Patient.merged_into_id.is_not(None)


def _number_of_order(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
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
        query = select(Order.id).where(_number_of_order(asking, criterion, value))
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
    return false() if uid is None else Study.sop_class_key.like(f"%|{uid}|%")


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


def _by_code(values: Mapping[Any, str]) -> dict[str, list[Any]]:
    """Our words by the code of FHIR that they are shown as."""
    found: dict[str, list[Any]] = {}
    for word, code in values.items():
        found.setdefault(code, []).append(word)
    return found


_SEXES = {one: [one] for one in ("male", "female", "other", "unknown")}
_EVENT_TYPES = _by_code({name: one.event_id for name, one in AUDIT_CODES.items()})
_ABOUT_NOTHING = and_(
    AuditEvent.patient_id.is_(None), AuditEvent.order_id.is_(None), AuditEvent.study_instance_uid.is_(None)
)

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    "Patient": {
        "_id": _id(Patient.id),
        "identifier": Meaning(_mrn, false()),
        "family": _words(Patient.searched_family, Patient.family_name),
        "given": _words(Patient.searched_given, Patient.given_name, Patient.middle_name),
        "name": _words(Patient.searched_names, Patient.family_name, Patient.given_name, Patient.middle_name),
        "birthdate": _day(Patient.birth_date),
        "gender": _code(Patient.sex, _SEXES),
        "active": Meaning(_is_active, false()),
        "_lastUpdated": _moment(Patient.updated_at),
    },
    "ServiceRequest": {
        "_id": _id(Order.id),
        "identifier": Meaning(_number_of_order, false()),
        "patient": by_patient(Order.patient_id),
        "status": _code(Order.status, _by_code(STATUSES)),
        "authored": _moment(Order.created_at),
        "occurrence": _moment(ScheduledStep.scheduled_at),
        "code": _code(Order.procedure_code),
        "priority": _code(Order.priority, _by_code(PRIORITIES)),
        "_lastUpdated": _moment(Order.updated_at),
    },
    "ImagingStudy": {
        "_id": _id(Study.id),
        "identifier": Meaning(_number_of_study, false()),
        "patient": by_patient(Study.patient_id),
        "basedon": Meaning(_order_of_study, Study.order_id.is_(None)),
        "started": _day(Study.study_date_key, date.min),
        "modality": Meaning(_modality, Study.modality_key == ""),
        "series": Meaning(_series, Study.number_of_series == 0),
        "dicom-class": Meaning(_dicom_class, Study.sop_class_key.in_(["", "|"])),
        "status": _code(Study.is_available, {"registered": [False], "available": [True]}),
        "endpoint": Meaning(_endpoint, false()),
        "_lastUpdated": _moment(Study.updated_at),
    },
    "AuditEvent": {
        "_id": Meaning(_number_of_event, false()),
        "date": _moment(AuditEvent.at),
        "patient": Meaning(
            lambda asking, one, value: AuditEvent.patient_id.in_(sorted(map(str, records(asking, one, value)))),
            AuditEvent.patient_id.is_(None),
        ),
        "agent": Meaning(_agent, false()),
        "entity": Meaning(_entity, _ABOUT_NOTHING),
        "type": _code(AuditEvent.action, _EVENT_TYPES, DICOM_CODES),
        "subtype": _code(AuditEvent.action),
        "action": _code(AuditEvent.action, _by_code({name: one.action for name, one in AUDIT_CODES.items()})),
        "outcome": Meaning(_outcome, false()),
    },
}  # fmt: skip
"""By type and parameter; a test compares them with the table of what is served."""
