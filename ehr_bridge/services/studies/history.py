"""The history of a study in order: from the audit trail, with the values before and after each step in the ledgers."""

from __future__ import annotations

import uuid
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, fetch_page
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.services.identity.persons import Person, persons_of
from ehr_bridge.services.registry.order_states import plain
from ehr_bridge.services.studies.listing import find_study

LINKS_ON_ARRIVAL = "study.linked"


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a study."""

    event: AuditEvent
    reason: str | None
    job: Modification | None
    change: IdentityChange | None
    upload: DicomUploadLog | None
    coerced: list[dict[str, Any]]
    """What coercion replaced: in the study's first instance, or in an upload's as far as its log has it."""
    persons: dict[str, Person]
    """The patients in the step, by our ids, as they are now; without those the caller may not see."""
    accession_numbers: dict[str, str]
    """Of the orders in the step, by our ids."""


class StudyHistory:
    def __init__(self, fresh: Fresh) -> None:
        self._fresh = fresh

    def of(self, study_instance_uid: str, limit: int, offset: int, hidden: Set[uuid.UUID]) -> Page[Step]:
        """The events of a study, oldest first; `hidden` patients are not named. Raises NotFound."""
        with self._fresh.read() as session:
            study = find_study(session, study_instance_uid)
            query = select(AuditEvent).where(or_(*_concerning(session, study))).order_by(AuditEvent.id)
            page = fetch_page(session, query, limit, offset)
            steps = [_step(session, study, event, hidden) for event in page.items]
            return Page(steps, page.total, limit, offset)


def _concerning(session: Session, study: Study) -> list[ColumnElement[bool]]:
    """Events of the study itself, and of the changes of patients and orders that it followed."""
    followed = select(Modification.change_id).where(
        Modification.study_id == study.id, Modification.change_id.is_not(None)
    )
    changes = session.scalars(select(IdentityChange).where(IdentityChange.id.in_(followed))).all()
    of_changes = [
        (AuditEvent.at == change.changed_at)
        & (AuditEvent.patient_id == str(change.patient_id))
        & AuditEvent.study_instance_uid.is_(None)
        for change in changes
    ]
    return [AuditEvent.study_instance_uid == study.study_instance_uid, *of_changes]


def _step(session: Session, study: Study, event: AuditEvent, hidden: Set[uuid.UUID]) -> Step:
    job = _find(session, Modification, event.detail.get("modification_id"))
    upload = change = None
    if event.action == "study.received":
        upload = session.scalar(
            select(DicomUploadLog).where(
                DicomUploadLog.upload_id == uuid.UUID(event.detail["upload_id"]),
                DicomUploadLog.study_instance_uid == study.study_instance_uid,
                DicomUploadLog.uploaded_by == event.actor,
            )
        )
    elif event.study_instance_uid is None:
        change = _find(session, IdentityChange, event.detail.get("change_id")) or _change_at(session, event.at)
    elif job is not None:
        change = _find(session, IdentityChange, str(job.change_id) if job.change_id else None)
    patients, orders = _named(event, job, change)
    is_first = event.action == LINKS_ON_ARRIVAL and "door" in event.detail
    return Step(
        event=event,
        reason=_reason(session, event, job, change),
        job=job,
        change=change,
        upload=upload,
        coerced=list(study.coerced) if is_first else _coerced(upload),
        persons=persons_of(session, patients, hidden),
        accession_numbers={str(o.id): o.accession_number for key in orders if (o := _find(session, Order, key))},
    )


def _coerced(upload: DicomUploadLog | None) -> list[dict[str, Any]]:
    if upload is None:
        return []
    found = (
        ("PatientID", upload.original_patient_id, upload.modified_patient_id),
        ("PatientName", upload.original_patient_name, upload.modified_patient_name),
        ("AccessionNumber", upload.original_accession_number, upload.modified_accession_number),
    )
    return [{"tag": tag, "before": before or "", "after": after} for tag, before, after in found if after is not None]


def _change_at(session: Session, at: datetime) -> IdentityChange | None:
    return session.scalar(select(IdentityChange).where(IdentityChange.changed_at == at))


def _reason(session: Session, event: AuditEvent, job: Modification | None, change: IdentityChange | None) -> str | None:
    if job is not None:
        return job.reason
    if change is not None:
        return change.reason
    deletion = _find(session, DeletionRequest, event.detail.get("deletion_id"))
    if deletion is None:
        return None
    return deletion.decision_reason if event.action == "deletion.rejected" else deletion.reason


def _named(
    event: AuditEvent, job: Modification | None, change: IdentityChange | None
) -> tuple[set[str | None], set[str | None]]:
    """Ids of the patients and of the orders in a step."""
    patients, orders = {event.patient_id}, {event.order_id}
    for link in (job.link_before, job.link_after) if job is not None else ():
        if link is not None:
            patients.add(plain(link.patient_id))
            orders |= set(map(plain, link.order_ids))
    for side in (change.before, change.after) if change is not None else ():
        patients |= {side.get("patient_id"), side.get("merged_into_id")}
    return patients, orders


def _find[T](session: Session, model: type[T], key: str | None) -> T | None:
    return session.get(model, uuid.UUID(key)) if key else None
