"""What the parameters of a search for reports mean: through a report's patient, orders and study too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import ColumnElement, and_, false, select, true
from sqlalchemy.orm import aliased

from ehr_bridge.db.like import often
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

_OTHER = aliased(Report)
"""Reports beside the row in question, so that the database looks them up once and not for each row."""


def is_its_study(report: type[Report]) -> ColumnElement[bool]:
    """The study that a report names in FHIR: it is here, its patient's, and nobody doubts that."""
    return and_(
        Study.study_instance_uid == report.study_instance_uid,
        Study.orthanc_study_id.is_not(None),
        Study.deleted_at.is_(None),
        often(Study.link_status == LinkStatus.LINKED),
        Study.patient_id == report.patient_id,
        report.doubt.is_(None),
    )


def answers(order: ColumnElement[bool]) -> Condition:
    """Of a report that answers such an order. One that the EHR has moved to somebody else is not named beside its
    patient."""
    query = select(ReportOrder.report_id).join(Order, Order.id == ReportOrder.order_id)
    return Report.id.in_(
        query.join(_OTHER, _OTHER.id == ReportOrder.report_id).where(Order.patient_id == _OTHER.patient_id, order)
    )


def is_of(study: ColumnElement[bool]) -> Condition:
    """Of a report of such a study."""
    return Report.id.in_(select(_OTHER.id).join(Study, is_its_study(_OTHER)).where(study))


def _number(asking: Asking, criterion: Criterion, value: str) -> Condition:
    """Its id, its sender's number, or a number of an order that it answers."""
    system, code = token_of(value)
    number = unescaped(code)
    key = as_uuid(number)
    session = asking.session
    of_sender = select(Report.id).where(Report.sender.is_not(None), Report.sender_number == number)
    found = [*session.scalars(of_sender), *([] if key is None else [key])]
    if system != REPORT:
        orders = list(session.scalars(select(Order.id).where(number_of_order(asking, criterion, value))))
        found += session.scalars(select(Report.id).where(answers(Order.id.in_(orders)))) if orders else ()
    return Report.id.in_(found)


def _based_on(asking: Asking, criterion: Criterion, value: str) -> Condition:
    if criterion.chain == "identifier":
        return answers(number_of_order(asking, criterion, value))
    key = as_uuid(literal(unescaped(value), ("ServiceRequest",))[1])
    return false() if key is None else answers(Order.id == key)


def _through_patient(asking: Asking, criterion: Criterion, value: str) -> Condition:
    """By reference or number, or by a part of the name."""
    if criterion.chain in ("family", "given", "name", "birthdate"):
        of_patient = conditions.MEANINGS["Patient"][criterion.chain].fits(asking, criterion, value)
        return Report.patient_id.in_(select(Patient.id).where(of_patient))
    return by_patient(Report.patient_id).fits(asking, criterion, value)


def _study(asking: Asking, criterion: Criterion, value: str) -> Condition:
    if criterion.chain is not None:
        return is_of(conditions.MEANINGS["ImagingStudy"][criterion.chain].fits(asking, criterion, value))
    key = as_uuid(literal(unescaped(value), ("ImagingStudy",))[1])
    return false() if key is None else is_of(Study.id == key)


def _through_study(parameter: Meaning) -> Fits:
    return lambda asking, criterion, value: is_of(parameter.fits(asking, criterion, value))


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
        "date": Meaning(_through_study(_DAY), ~is_of(Study.study_date_key > date.min)),
        "issued": of_moment(Report.issued_at),
        "based-on": Meaning(_based_on, ~answers(true())),
        "imagingStudy": Meaning(_study, ~is_of(true())),
        "_lastUpdated": of_moment(Report.updated_at),
    },
}
"""By type and parameter; a test compares them with the table of what is served."""
