"""The steps that the worklist offers: which they are, and what an item says of each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Row, Select, String, and_, cast, or_, select, type_coerce

from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.dicom import date_text
from ehr_bridge.matching import NAME_PARTS
from ehr_bridge.matching.compare import SEX_CODES

STATES: Mapping[OrderStatus, str] = {
    OrderStatus.SCHEDULED: "SCHEDULED",
    OrderStatus.ARRIVED: "ARRIVED",
    OrderStatus.IN_PROGRESS: "STARTED",
    OrderStatus.COMPLETED: "STARTED",
}
"""Scheduled Procedure Step Status (0040,0020) of what is offered; completed is only what silence has completed."""
OPEN = (OrderStatus.SCHEDULED, OrderStatus.ARRIVED, OrderStatus.IN_PROGRESS)
NO_NAME = "UNKNOWN"
"""Patient's Name of somebody whose name the EHR does not know: devices need one."""
LOCAL_CODES = "L"
"""Coding Scheme Designator of codes of the site's own (PS3.16 section 8)."""
LONGEST_CODE = 16
LONGEST_NAME = 64
"""Characters of a component group of a name (PS3.5 section 6.2, PN)."""

_COLUMNS = {
    "order_id": Order.id,
    "position": ScheduledStep.position,
    "accession_number": Order.accession_number,
    "status": Order.status,
    "description": Order.description,
    "ordered_by": Order.ordered_by,
    "placer_order_number": Order.placer_order_number,
    "requested_procedure_id": Order.requested_procedure_id,
    "procedure_code": Order.procedure_code,
    "priority": Order.priority,
    "study_instance_uid": Order.scheduled_study_instance_uid,
    "step_id": ScheduledStep.scheduled_procedure_step_id,
    "modality": ScheduledStep.modality,
    "scheduled_at": ScheduledStep.scheduled_at,
    "station_ae_title": ScheduledStep.station_ae_title,
    "mrn": Patient.mrn,
    "issuer": Patient.issuer,
    **{part: getattr(Patient, part) for part in NAME_PARTS},
    "birth_date": Patient.birth_date,
    "sex": Patient.sex,
}


@dataclass(frozen=True, slots=True)
class Offered:
    """One step of an order, as the worklist offers it."""

    order_id: uuid.UUID
    values: Mapping[str, str]
    """By DICOM keyword, '' where nothing is known; without date, time and station."""
    scheduled_at: datetime | None
    """None: there is no appointment, so it may be done at once."""
    station_ae_title: str | None
    """None: any station may do it."""
    birth_date: date | None

    def start(self, zone: tzinfo, now: datetime) -> datetime:
        """When it begins, by wall clock."""
        return (self.scheduled_at or now).astimezone(zone).replace(tzinfo=None)


def offered_steps(now: datetime, keep: timedelta, *, by_day: bool = False) -> Select[Any]:
    """What is offered now: steps of orders that wait or are under way, and for a while of those that silence has
    completed; not of records that were merged into another. In the order of their appointments.

    An order that is under way goes when nothing of it has changed for that long, as it does with each image; but not
    before a step that is still to come. An order that was made here for images there are asks for none.

    `by_day`, for SQLite: conditions on the day are added, and the index of states is not to be used. SQLite knows
    neither how many orders are open nor how many appointments a day has, and takes the first index for the better one;
    so nearly every patient, who was not merged, is found by no index either.
    """
    status = type_coerce(Order.status, String).concat("") if by_day else Order.status
    since = now - keep
    waits_for_more = and_(status == OrderStatus.COMPLETED, Order.quiet_since > since)
    goes_on = or_(status != OrderStatus.IN_PROGRESS, Order.updated_at > since, ScheduledStep.scheduled_at > since)
    return (
        select(*(column.label(name) for name, column in _COLUMNS.items()))
        .join(Order, Order.id == ScheduledStep.order_id)
        .join(Patient, Patient.id == Order.patient_id)
        .where(or_(status.in_(OPEN), waits_for_more), goes_on, ~Order.made_here)
        .where(cast(Patient.merged_into_id, String).is_(None))
        .order_by(ScheduledStep.scheduled_at)
    )


def offered(row: Row[Any]) -> Offered:
    """A row of `offered_steps`."""
    name = _name(row)
    values = {
        "AccessionNumber": row.accession_number,
        "IssuerOfPatientID": row.issuer,
        "Modality": row.modality,
        "PatientBirthDate": date_text(row.birth_date),
        "PatientID": row.mrn,
        "PatientName": name or NO_NAME,
        "PatientSex": SEX_CODES[row.sex],
        "PlacerOrderNumberImagingServiceRequest": row.placer_order_number,
        "ReferringPhysicianName": row.ordered_by,
        "RequestedProcedureDescription": row.description,
        "RequestedProcedureID": row.requested_procedure_id or row.accession_number,
        "RequestedProcedurePriority": row.priority,
        "RequestingPhysician": row.ordered_by,
        "ScheduledProcedureStepDescription": row.description,
        "ScheduledProcedureStepID": row.step_id or row.accession_number,
        "ScheduledProcedureStepStatus": STATES[row.status],
        "StudyInstanceUID": row.study_instance_uid,
    }
    if row.procedure_code and len(row.procedure_code) <= LONGEST_CODE:
        values |= {
            "CodeValue": row.procedure_code,
            "CodingSchemeDesignator": LOCAL_CODES,
            "CodeMeaning": row.description,
        }
    said = {keyword: value or "" for keyword, value in values.items()}
    return Offered(row.order_id, said, row.scheduled_at, row.station_ae_title, row.birth_date)


def _name(row: Row[Any]) -> str:
    """Family^Given^Middle^Prefix^Suffix; of one that is too long, what comes last is left out."""
    parts = [getattr(row, part) or "" for part in NAME_PARTS]
    while len("^".join(parts).rstrip("^")) > LONGEST_NAME and any(parts[2:]):
        parts[max(at for at, part in enumerate(parts) if part)] = ""
    return "^".join(parts).rstrip("^")
