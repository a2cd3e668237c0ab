"""Deliveries as FHIR transactions, from the rows that they are about."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.reports import Report, ReportVersion
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.fhir.diagnostic_reports import REPORT, diagnostic_report
from ehr_bridge.fhir.imaging_studies import imaging_study
from ehr_bridge.fhir.outgoing import by_number, order_reference, study_identifier, study_reference, transaction
from ehr_bridge.fhir.service_requests import service_request
from ehr_bridge.fhir.subscriptions import HANDSHAKE, event_parts, notification, status_parameters
from ehr_bridge.fhir.systems import ACCESSION, MRN, OURS, Systems, typed
from ehr_bridge.fhir.table import RESOURCES
from ehr_bridge.services.delivery.messages import concerns
from ehr_bridge.services.delivery.queue import Waiting
from ehr_bridge.services.reporting.rows import orders_of, version_of

AS_THEY_ARE = (
    "accession_number", "study_instance_uid", "placer_order_number", "description", "procedure_code", "modality",
    "priority", "ordered_by", "body_part",
)  # fmt: skip
"""Of an order."""


def bundle_of(session: Session, destination: Destination, one: Waiting, systems: Systems) -> dict[str, Any] | None:
    """The transaction of an event; None where what it was about is no longer there."""
    if one.type.startswith("report."):
        return _of_report(session, destination, one, systems)
    if one.type.startswith("study."):
        return _of_study(session, destination, one, systems)
    order = None if one.order_id is None else session.get(Order, one.order_id)
    if order is None or not concerns(destination, order.patient.mrn):
        return None
    resource = by_number(service_request(_order_values(order, one.order_status)), _subject(order.patient, systems), [])
    return transaction(one.event_id, resource, typed(ACCESSION, order.accession_number))


def _of_report(session: Session, destination: Destination, one: Waiting, systems: Systems) -> dict[str, Any] | None:
    report = None if one.report_id is None else session.get(Report, one.report_id)
    row = None if report is None else session.get(ReportVersion, (report.id, one.report_version))
    if report is None or row is None or not concerns(destination, report.patient.mrn):
        return None
    version, own = version_of(row), orders_of(report)
    foreign = {one.order.accession_number for one in report.orders if one.order not in own}
    numbers = tuple(number for number in version.accession_numbers if number not in foreign)
    resource = diagnostic_report(
        replace(version, accession_numbers=numbers),
        _subject(report.patient, systems),
        [order_reference(order.accession_number) for order in own],
        [study_reference(version.study_instance_uid)] if version.study_instance_uid else [],
    )
    return transaction(one.event_id, resource, {"system": REPORT, "value": str(report.id)})


def _of_study(session: Session, destination: Destination, one: Waiting, systems: Systems) -> dict[str, Any] | None:
    study = session.scalar(select(Study).where(Study.study_instance_uid == one.study_instance_uid))
    if study is None or study.deleted_at is not None or study.patient is None:
        return None
    if not concerns(destination, study.patient.mrn):
        return None
    numbers = [order.accession_number for order in study.orders]
    values = {
        "id": str(study.id),
        "study_instance_uid": study.study_instance_uid,
        "accession_numbers": numbers,
        "accession_number": None,
        "is_available": study.is_available,
        "patient_id": str(study.patient_id),
        "mrn": study.patient.mrn,
        "patient_name": None,
        "number_of_series": study.number_of_series,
        "number_of_instances": study.number_of_instances,
        "modalities": list(study.modalities),
        "study_date": None if study.study_date is None else study.study_date.isoformat(),
        "order_ids": [str(key) for key in study.order_ids],
        "study_description": study.study_description,
    }
    resource = by_number(imaging_study(values, []), _subject(study.patient, systems), numbers)
    return transaction(one.event_id, resource, study_identifier(study.study_instance_uid))


def _order_values(order: Order, status: str | None) -> dict[str, Any]:
    return {name: getattr(order, name) for name in AS_THEY_ARE} | {
        "id": str(order.id),
        "patient_id": str(order.patient_id),
        "patient_name": None,
        "status": status or order.status,
        "requested_procedure_id": order.requested_procedure_id or order.accession_number,
        "scheduled_procedure_step_id": order.scheduled_procedure_step_id or order.accession_number,
        "further_steps": [{"modality": step.modality} for step in order.further_steps],
        "created_at": _instant(order.created_at),
        "scheduled_at": None if order.scheduled_at is None else _instant(order.scheduled_at),
    }


def _subject(patient: Patient, systems: Systems) -> dict[str, Any]:
    """By its number (a logical reference): the receiver has its own ids."""
    identifier = typed(MRN, patient.mrn, systems.of_issuer(patient.issuer), patient.issuer)
    names = (patient.given_name, patient.middle_name, patient.family_name)
    display = " ".join(name for name in names if name) or "unknown"
    return {"type": "Patient", "identifier": identifier, "display": display}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notification_of(session: Session, destination: Destination, one: Waiting, number: int, base: str) -> bytes:
    """What a subscription is sent: ids only, or nothing but the request where it wants no payload."""
    kept = destination.subscription or {}
    if kept["payload"] is None:
        return b""
    name, at = f"{base}/Subscription/{destination.id}", _instant(one.time)
    if one.type == HANDSHAKE:
        status = status_parameters(name, kept["criteria"], "requested", "handshake", number)
    else:
        event = event_parts(number, at, None if kept["is_empty"] else _focus(session, one, kept["criteria"], base))
        status = status_parameters(name, kept["criteria"], "active", "event-notification", number, event)
    bundle = notification(str(one.event_id), at, name, status)
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()


def _focus(session: Session, one: Waiting, kind: str, base: str) -> dict[str, Any]:
    """By the id that it has at our FHIR door, where it has one, and by one of ours."""
    if kind == "ImagingStudy":
        uid = one.study_instance_uid or ""
        key = session.scalar(select(Study.id).where(Study.study_instance_uid == uid))
        identifier = study_identifier(uid)
    else:
        key = one.order_id if kind == "ServiceRequest" else one.report_id
        identifier = {"system": REPORT if kind == "DiagnosticReport" else f"{OURS}:order", "value": str(key)}
    reference = {} if key is None or kind not in RESOURCES else {"reference": f"{base}/{kind}/{key}"}
    return reference | {"type": kind, "identifier": identifier}
