"""Deliveries as HL7 v2 messages, from the rows that they are about."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report, ReportVersion
from ehr_bridge.dicom.transliteration import CHARSETS
from ehr_bridge.hl7.outgoing import Envelope, OrderedStudy, Person, order_status, report_result
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.reporting.rows import orders_of, version_of

SELF_TEST = "SELFTEST-"
"""Beginning of the MRNs that a self-test gives."""
OF_SELF_TEST = "selftest-"
"""Beginning of the names of its destinations."""


def message_of(session: Session, destination: Destination, one: Waiting, at: datetime) -> bytes | None:
    """The message of an event; None where what it was about is no longer there."""
    codec = CHARSETS[destination.charset or "utf8"].codec
    envelope = Envelope(one.event_id, at, destination.name, codec)
    if one.type.startswith("report."):
        return _of_report(session, destination, envelope, one)
    order = None if one.order_id is None else session.get(Order, one.order_id)
    if order is None or not concerns(destination, order.patient.mrn):
        return None
    said = _ordered(order, one.order_status)
    return order_status(envelope, _person(order.patient), said, as_omg=destination.order_message == "OMG")


def concerns(destination: Destination, mrn: str) -> bool:
    """Whether a destination is told of the patient with this MRN. The EHR's own records are not to hear of
    `ehr-bridge selftest`, and its destinations hear of no other ones."""
    return mrn.startswith(SELF_TEST) == destination.name.startswith(OF_SELF_TEST)


def _of_report(session: Session, destination: Destination, envelope: Envelope, one: Waiting) -> bytes | None:
    report = None if one.report_id is None else session.get(Report, one.report_id)
    row = None if report is None else session.get(ReportVersion, (report.id, one.report_version))
    if report is None or row is None or not concerns(destination, report.patient.mrn):
        return None
    version, orders = version_of(row), orders_of(report)
    told = [_ordered(order) for order in orders] or [_without_order(version.title)]
    return report_result(envelope, _person(report.patient), told, version)


def _ordered(order: Order, status: str | None = None) -> OrderedStudy:
    return OrderedStudy(
        order.accession_number,
        order.placer_order_number,
        order.description,
        order.procedure_code,
        order.modality,
        order.ordered_by,
        status or order.status,
    )


def _without_order(title: str) -> OrderedStudy:
    """Of a report of a study that answers no order."""
    return OrderedStudy("", None, title, None, "", None, "reported")


def _person(patient: Patient) -> Person:
    return Person(
        patient.mrn,
        patient.issuer,
        patient.family_name,
        patient.given_name,
        patient.middle_name,
        patient.prefix,
        patient.suffix,
        patient.birth_date,
        patient.sex,
    )
