"""Examinations with known times, as rows: from the order to the signed report."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert

from ehr_bridge.db.rows import table_of
from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep
from ehr_bridge.db.tables.results.reports import Report, ReportOrder, ReportVersion
from ehr_bridge.db.tables.studies import Study, StudyOrder

_EMPTY: dict[str, Any] = {
    "match_kind": "exact", "match_score": 1.0, "match_evidence": [], "corrections": {}, "received_identity": {},
    "coerced": [],
}  # fmt: skip


@dataclass(frozen=True)
class Examined:
    """Minutes after the order; None: it did not happen, or nobody said so."""

    number: int
    ordered: datetime
    modality: str = "CT"
    priority: str | None = None
    scheduled: float | None = 60
    arrived: float | None = 50
    imaged: float = 70
    completed: float | None = 90
    preliminary: float | None = None
    signed: float | None = 150
    patient: int = 0
    description: str = "CT thorax"


def fill(engine: Engine, examined: Iterable[Examined]) -> None:
    """Write them; those of one `patient` number are of one person."""
    rows: dict[type[Base], list[dict[str, Any]]] = {
        model: [] for model in (Patient, Order, ScheduledStep, Study, StudyOrder, Report, ReportOrder, ReportVersion)
    }
    patients: dict[int, uuid.UUID] = {}
    for one in examined:
        if one.patient not in patients:
            patients[one.patient] = uuid.uuid4()
            rows[Patient].append(
                {"id": patients[one.patient], "mrn": f"MRN-D{one.patient}", "family_name": "Okonkwo", "sex": "female",
                 **_dated(one.ordered)}
            )  # fmt: skip
        _write(rows, one, patients[one.patient])
    with engine.begin() as connection:
        for model, values in rows.items():
            if values:
                connection.execute(insert(table_of(model)), values)


def _write(rows: dict[type[Base], list[dict[str, Any]]], one: Examined, patient: uuid.UUID) -> None:
    order, study, report, uid = uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), f"2.25.{one.number + 1}"

    def at(minutes: float | None) -> datetime | None:
        return None if minutes is None else one.ordered + timedelta(minutes=minutes)

    whose = {"patient_id": patient, **_dated(one.ordered)}
    rows[Order].append(
        {"id": order, "accession_number": f"D{one.number}", "description": one.description, "priority": one.priority,
         "status": "reported" if one.signed is not None else "completed", "arrived_at": at(one.arrived),
         "completed_at": at(one.completed), "scheduled_study_instance_uid": uid, "study_instance_uid": uid, **whose}
    )  # fmt: skip
    rows[ScheduledStep].append(
        {"order_id": order, "position": 0, "modality": one.modality, "scheduled_at": at(one.scheduled)}
    )
    imaged = {**whose, "created_at": at(one.imaged), "updated_at": at(one.imaged)}
    rows[Study].append(
        {"id": study, "study_instance_uid": uid, "orthanc_study_id": f"o-{one.number}", "order_id": order,
         "link_status": "linked", "modalities": [one.modality], "modality_key": f"|{one.modality}|",
         "study_description": one.description, "number_of_instances": 1, "number_of_series": 1, "is_settled": True,
         "is_available": True, "reading_rank": None, **_EMPTY, **imaged}
    )  # fmt: skip
    rows[StudyOrder].append(
        {"study_id": study, "order_id": order, "position": 0, "match_kind": "exact", "linked_at": at(one.imaged)}
    )
    issued = [(status, when) for status, when in (("preliminary", one.preliminary), ("final", one.signed))
              if when is not None]  # fmt: skip
    if not issued:
        return
    rows[Report].append(
        {"id": report, "status": issued[-1][0], "number": len(issued), "issued_at": at(issued[-1][1]),
         "written_for_id": patient, "order_id": order, "study_instance_uid": uid, "title": "CT", "language": "en",
         "draft_revision": 0, **whose}
    )  # fmt: skip
    rows[ReportOrder].append({"report_id": report, "order_id": order, "position": 0})
    for number, (status, when) in enumerate(issued, 1):
        rows[ReportVersion].append(
            {"report_id": report, "number": number, "status": status, "title": "CT", "language": "en", "sections": [],
             "author": "rita", "author_name": "Rita", "issued_at": at(when), "accession_numbers": [],
             "signed_text": b"", "sha256": "0" * 64, "audit_event_id": 0}
        )  # fmt: skip


def _dated(at: datetime) -> dict[str, datetime]:
    return {"created_at": at, "updated_at": at}
