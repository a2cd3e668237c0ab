"""What the parameters of a search for reports mean: through a report's patient, orders and study too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import ColumnElement, exists, false, or_, select, true

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report, ReportOrder
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.fhir.diagnostic_reports import CATEGORY, CODE, LOINC, REPORT, V2_SERVICES, status_word
from ehr_bridge.fhir.searching import Criterion, literal, unescaped
from ehr_bridge.fhir.systems import token_of
from ehr_bridge.reporting.states import SHOWN, ReportStatus
from ehr_bridge.services.interfaces.fhir import conditions
from ehr_bridge.services.interfaces.fhir.conditions import number_of_order
from ehr_bridge.services.interfaces.fhir.meanings import (
    Asking,
    Condition,
    Fits,
    Meaning,
    by_id,
    by_patient,
    of_code,
    of_day,
    of_moment,
)
from ehr_bridge.services.registry.numbers import as_uuid

_OF_SAME_PATIENT = Order.patient_id == Report.patient_id
"""An order that the EHR has moved to somebody else is not named beside this patient."""
IS_ITS_STUDY = (
    (Study.study_instance_uid == Report.study_instance_uid)
    & Study.orthanc_study_id.is_not(None)
    & Study.deleted_at.is_(None)
    & (Study.link_status == LinkStatus.LINKED)
    & (Study.patient_id == Report.patient_id)
    & Report.doubt.is_(None)
)
"""The study that a report names in FHIR: it is here, its patient's, and nobody doubts that."""


def _answers(order: ColumnElement[bool]) -> Condition:
    """Of a report that answers such an order."""
    return exists().where(ReportOrder.report_id == Report.id, ReportOrder.order_id == Order.id, _OF_SAME_PATIENT, order)


def _is_of(study: ColumnElement[bool]) -> Condition:
    """Of a report of such a study."""
    return exists().where(IS_ITS_STUDY, study)


def _number(asking: Asking, criterion: Criterion, value: str) -> Condition:
    """Its id, its sender's number, or a number of an order that it answers."""
    system, code = token_of(value)
    number = unescaped(code)
    key = as_uuid(number)
    ours = false() if key is None else Report.id == key
    if system == REPORT:
        return or_(ours, Report.sender_number == number)
    return or_(ours, Report.sender_number == number, _answers(number_of_order(asking, criterion, value)))


def _based_on(asking: Asking, criterion: Criterion, value: str) -> Condition:
    if criterion.chain == "identifier":
        return _answers(number_of_order(asking, criterion, value))
    key = as_uuid(literal(unescaped(value), ("ServiceRequest",))[1])
    return false() if key is None else _answers(Order.id == key)


def _through_patient(asking: Asking, criterion: Criterion, value: str) -> Condition:
    """By reference or number, or by a part of the name."""
    if criterion.chain in ("family", "given", "name", "birthdate"):
        of_patient = conditions.MEANINGS["Patient"][criterion.chain].fits(asking, criterion, value)
        return Report.patient_id.in_(select(Patient.id).where(of_patient))
    return by_patient(Report.patient_id).fits(asking, criterion, value)


def _study(asking: Asking, criterion: Criterion, value: str) -> Condition:
    if criterion.chain is not None:
        return _is_of(conditions.MEANINGS["ImagingStudy"][criterion.chain].fits(asking, criterion, value))
    key = as_uuid(literal(unescaped(value), ("ImagingStudy",))[1])
    return false() if key is None else _is_of(Study.id == key)


def _through_study(parameter: Meaning) -> Fits:
    return lambda asking, criterion, value: _is_of(parameter.fits(asking, criterion, value))


def _always(code: str, system: str) -> Fits:
    """Of an element that says the same in every report."""

    def fits(_asking: Asking, _criterion: Criterion, value: str) -> Condition:
        given, said = token_of(value)
        return true() if given in (None, system) and unescaped(said) in ("", code) else false()

    return fits


_DAY = of_day(Study.study_date_key, date.min)
_STATUSES = {status_word(one): [one] for one in (*SHOWN, ReportStatus.ENTERED_IN_ERROR)}

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    **conditions.MEANINGS,
    "DiagnosticReport": {
        "_id": by_id(Report.id),
        "identifier": Meaning(_number, false()),
        "patient": Meaning(_through_patient, false()),
        "status": of_code(Report.status, _STATUSES),
        "category": Meaning(_always(CATEGORY, V2_SERVICES), false()),
        "code": Meaning(_always(CODE, LOINC), false()),
        "date": Meaning(_through_study(_DAY), ~_is_of(Study.study_date_key > date.min)),
        "issued": of_moment(Report.issued_at),
        "based-on": Meaning(_based_on, ~_answers(true())),
        "imagingStudy": Meaning(_study, ~_is_of(true())),
        "_lastUpdated": of_moment(Report.updated_at),
    },
}
"""By type and parameter; a test compares them with the table of what is served."""
