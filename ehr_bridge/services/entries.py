"""The first instance of a study in an upload: its link, its upload log entry and its audit events, all or nothing."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Order, Study, User
from ehr_bridge.db.uploads import DicomUploadLog
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.services import audit
from ehr_bridge.services.arrivals import Arrival, Door
from ehr_bridge.services.audit import Event
from ehr_bridge.services.claims import decision_of
from ehr_bridge.services.doubts import doubt
from ehr_bridge.services.late_arrivals import note_late_arrival
from ehr_bridge.services.links import current_link, new_fact
from ehr_bridge.services.order_states import TRANSITIONS
from ehr_bridge.services.study_index import index_study
from ehr_bridge.services.times import parse_tm


def open_entry(session: Session, arrival: Arrival, now: datetime) -> uuid.UUID:
    """The id of the upload log entry this instance belongs to, written now if it is the first.

    Raises:
        LookupError: the study's claim is gone (its first store failed meanwhile); the archive's list of changes
            brings the instance back.
    """
    study = session.scalar(select(Study).where(Study.id == arrival.decision.study_id).with_for_update(of=Study))
    if study is None:
        raise LookupError(f"no claim {arrival.decision.study_id}")
    if study.orthanc_study_id is None:
        _describe(study, arrival)
        index_study(session, study)
        if arrival.decision.wanted and arrival.decision.wanted != decision_of(study).wanted:
            arrival.is_unfinished = True  # patient or order changed while it was on its way; no job knew of the study
    if study.deleted_at is not None:
        note_late_arrival(session, study, arrival, now)
    if study.link_status == "linked" and study.patient_id is not None:
        _link(session, study, arrival, now)
    if arrival.decision.contradicts and study.link_status != "ambiguous":
        detail = {"sop_instance_uid": arrival.header.sop_instance_uid, "door": arrival.delivery.door}
        doubt(session, study, arrival.delivery.origin, detail, now)
    return _log(session, study, arrival, now)


def _describe(study: Study, arrival: Arrival) -> None:
    header = arrival.header
    after = {change.keyword: change.after for change in arrival.changes}
    study.orthanc_study_id = arrival.orthanc_study_id
    study.study_date = parse_da(after.get("StudyDate", header.study_date))
    study.study_time = parse_tm(header.study_time)
    study.study_description = header.study_description[:64] or None
    study.coerced = [
        {"tag": change.keyword, "before": change.before, "after": change.after} for change in arrival.changes
    ]


def _link(session: Session, study: Study, arrival: Arrival, now: datetime) -> None:
    """Record the link as a fact, once, and show it on the order."""
    if current_link(session, study.id) is not None:
        return
    origin = arrival.delivery.origin
    session.add(new_fact(study, origin.actor, now))
    if study.order_id is not None:
        order = session.scalar(select(Order).where(Order.id == study.order_id).with_for_update(of=Order))
        assert order is not None
        _show_on_order(order, study, arrival, _account_id(session, origin.actor), now)
    event = Event(
        "study.linked",
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail={
            "match": study.match_kind,
            "door": arrival.delivery.door,
            "disagreements": [e["field"] for e in study.match_evidence if e["agrees"] is False],
            "coerced": [change.keyword for change in arrival.changes],
        },
    )
    audit.append(session, origin, event, now)


def _show_on_order(order: Order, study: Study, arrival: Arrival, account_id: uuid.UUID | None, now: datetime) -> None:
    """The first study linked to an order is the one the order shows; more of them are found by its id."""
    if order.orthanc_study_id is not None:
        return
    order.study_instance_uid = study.study_instance_uid
    order.orthanc_study_id = arrival.orthanc_study_id
    order.study_date = study.study_date
    order.study_time = study.study_time
    order.uploaded_by_id = account_id
    order.uploaded_at = now
    order.upload_source = arrival.delivery.source
    order.updated_at = now
    if "in_progress" in TRANSITIONS[order.status]:
        order.status = "in_progress"


def _account_id(session: Session, subject: str) -> uuid.UUID | None:
    return session.scalar(select(User.id).where(User.username == subject))


def _log(session: Session, study: Study, arrival: Arrival, now: datetime) -> uuid.UUID:
    delivery = arrival.delivery
    of_study = select(DicomUploadLog.id).where(DicomUploadLog.study_instance_uid == study.study_instance_uid)
    if delivery.door is Door.ARCHIVE:  # found later: it belongs to the upload that was under way
        known = session.scalar(of_study.order_by(DicomUploadLog.uploaded_at.desc()).limit(1))
    else:
        known = session.scalar(
            of_study.where(
                DicomUploadLog.upload_id == arrival.upload_id,
                DicomUploadLog.uploaded_by == delivery.origin.actor,
            )
        )
    announced = delivery.announced_files
    if known is not None:
        changes: dict[str, Any] = {"is_deleted": False}
        if announced is not None:
            changes |= {"announced_files": announced, "under_way_since": now, "interrupted_at": None}
        session.execute(update(DicomUploadLog).where(DicomUploadLog.id == known).values(changes))
        return known
    after = {change.keyword: change.after for change in arrival.changes}
    identity = arrival.identity
    log = DicomUploadLog(
        id=uuid.uuid4(),
        upload_id=arrival.upload_id,
        patient_id=study.patient_id,
        order_id=study.order_id,
        uploaded_by_id=_account_id(session, delivery.origin.actor),
        uploaded_by=delivery.origin.actor,
        source_address=(delivery.origin.address or "")[:64] or None,
        announced_files=announced,
        study_instance_uid=study.study_instance_uid,
        orthanc_study_id=arrival.orthanc_study_id,
        number_of_files=0,
        number_of_duplicates=0,
        total_size_bytes=0,
        original_patient_id=identity.patient_id[:64] or None,
        original_patient_name=identity.patient_name[:255] or None,
        original_accession_number=identity.accession_number[:64] or None,
        original_study_date=arrival.header.study_date[:8] or None,
        original_modality=arrival.header.modality[:16] or None,
        modified_patient_id=after.get("PatientID"),
        modified_patient_name=after.get("PatientName"),
        modified_accession_number=after.get("AccessionNumber"),
        tags_modified=bool(arrival.changes),
        upload_status="success",
        uploaded_at=now,
        upload_source=delivery.source,
        is_deleted=False,
        under_way_since=now if announced or (delivery.is_batch and delivery.upload_id is not None) else None,
    )
    session.add(log)
    session.flush()
    event = Event(
        "study.received",
        patient_id=study.patient_id,
        order_id=study.order_id,
        study_instance_uid=study.study_instance_uid,
        detail={"door": delivery.door, "source": delivery.source, "upload_id": str(arrival.upload_id)},
    )
    audit.append(session, delivery.origin, event, now)
    return log.id
