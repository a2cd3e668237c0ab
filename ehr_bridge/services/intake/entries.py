"""The first instance of a study in an upload: its link, its upload log entry and its audit events in one
transaction."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.accounts import User
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, DicomUploadSkip
from ehr_bridge.dicom.times import parse_tm
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.services.audit.trail import Event, append_all, study_event
from ehr_bridge.services.deletion.images_after_deletion import note_late_arrival
from ehr_bridge.services.identity.study_index import list_study
from ehr_bridge.services.intake.claims import decision_of
from ehr_bridge.services.linking.contradictions import doubt
from ehr_bridge.services.linking.links import current_link, new_fact
from ehr_bridge.services.linking.shown_study import FirstUpload, show_on_order
from ehr_bridge.services.uploads.arrivals import Arrival, Door, FoundLater, Judged

_STUDY = select(Study).where(Study.id == bindparam("study_id")).with_for_update(of=Study)
_ACCOUNT = select(User.id).where(User.username == bindparam("username"))
_OF_STUDY = select(DicomUploadLog).where(DicomUploadLog.study_instance_uid == bindparam("study_instance_uid"))
_LATEST = _OF_STUDY.where(~DicomUploadLog.is_deleted).order_by(DicomUploadLog.uploaded_at.desc()).limit(1)
_OF_UPLOAD = _OF_STUDY.where(
    DicomUploadLog.upload_id == bindparam("upload_id"), DicomUploadLog.uploaded_by == bindparam("uploaded_by")
)


class Entry(NamedTuple):
    """The rows of an instance, changed or new, and its audit events. Nothing is flushed yet, so that each row is
    written only once."""

    study: Study
    log: DicomUploadLog
    events: list[Event]
    is_unfinished: bool
    """The stored file does not yet have the attributes of its study's link."""


def open_entry(session: Session, arrival: Arrival, now: datetime) -> Entry:
    """The upload log entry of this instance, made now if it is the first.

    The caller appends the events to the audit trail, which flushes the session. Raises LookupError when the study's
    claim is gone (its first store failed meanwhile); catch-up will find the instance.
    """
    judged = arrival.judged
    decision, origin = judged.decision, judged.delivery.origin
    contradicts = decision.contradicts
    is_unfinished = isinstance(arrival, FoundLater) and arrival.is_unfinished
    study = session.scalar(_STUDY, {"study_id": decision.study_id})
    if study is None:
        raise LookupError(f"no claim {decision.study_id}")
    if study.deleted_at is not None:
        note_late_arrival(session, study, judged, now)
        if decision.purge_id and judged.identity.patient_id != study.received_identity["PatientID"]:
            contradicts = True  # another node knows another patient
    if study.orthanc_study_id is None:
        _describe(study, judged, arrival.stored.orthanc_study_id)
        list_study(session, study)
        if decision.wanted and decision.wanted != decision_of(study).wanted:
            is_unfinished = True  # patient or order changed meanwhile; no job knew of the study
    account_id = session.scalar(_ACCOUNT, {"username": origin.actor})
    events = _link(session, study, judged, account_id, now)
    if study.withheld_by_id is not None:
        study.link_status = LinkStatus.AMBIGUOUS  # its patient was corrected meanwhile
    if contradicts and not study.is_contradicted:
        append_all(session, origin, events, now)  # in the order of what happened
        events = []
        detail = {"sop_instance_uid": judged.header.sop_instance_uid, "door": judged.delivery.door}
        doubt(session, study, origin, detail, now)
    log = _known_log(session, study, judged)
    if log is None or log.is_deleted:
        log = _new_log(session, log, study, judged, account_id, now)
        events.append(_received(study, judged))
    elif judged.delivery.announced_files is not None:
        log.announced_files, log.under_way_since = judged.delivery.announced_files, now
        log.interrupted_at = None
    return Entry(study, log, events, is_unfinished)


def log_of(session: Session, study: Study, judged: Judged, now: datetime) -> None:
    """Make sure that the upload has an entry, for a file of a recorded study that was not stored."""
    if _known_log(session, study, judged) is None:
        account_id = session.scalar(_ACCOUNT, {"username": judged.delivery.origin.actor})
        _new_log(session, None, study, judged, account_id, now)


def _describe(study: Study, judged: Judged, orthanc_study_id: str) -> None:
    header = judged.header
    after = {change.keyword: change.after for change in judged.changes}
    study.orthanc_study_id = orthanc_study_id
    study.study_date = parse_da(after.get("StudyDate", header.study_date))
    study.study_time = parse_tm(header.study_time)
    study.study_description = after.get("StudyDescription", header.study_description)[:64] or None
    study.coerced = [
        {"tag": change.keyword, "before": change.before, "after": change.after} for change in judged.changes
    ]


def _link(session: Session, study: Study, judged: Judged, account_id: uuid.UUID | None, now: datetime) -> list[Event]:
    """Record the link, once, and show the study on the order."""
    if (
        study.link_status != LinkStatus.LINKED
        or study.patient_id is None
        or current_link(session, study.id) is not None
    ):
        return []
    session.add(new_fact(study, judged.delivery.origin.actor, now))
    for order in study.orders:
        show_on_order(order, study, FirstUpload(account_id, now, judged.delivery.source))
    detail = {
        "match": study.match_kind,
        "door": judged.delivery.door,
        "disagreements": [e["field"] for e in study.match_evidence if e["agrees"] is False],
        "coerced": [change.keyword for change in judged.changes],
    }
    if len(study.order_ids) > 1:
        detail["order_ids"] = list(map(str, study.order_ids))
    return [study_event("study.linked", study, detail)]


def _known_log(session: Session, study: Study, judged: Judged) -> DicomUploadLog | None:
    delivery = judged.delivery
    of_study = {"study_instance_uid": study.study_instance_uid}
    if delivery.door is Door.ARCHIVE and (latest := session.scalar(_LATEST, of_study)) is not None:
        return latest  # found later: it belongs to the upload that was running then
    return session.scalar(_OF_UPLOAD, {**of_study, "upload_id": judged.upload_id, "uploaded_by": delivery.origin.actor})


def _new_log(
    session: Session,
    purged: DicomUploadLog | None,
    study: Study,
    judged: Judged,
    account_id: uuid.UUID | None,
    now: datetime,
) -> DicomUploadLog:
    """A new entry. A sender without upload ids has one per study: it replaces the one whose images were purged."""
    values = _log_values(study, judged, account_id, now)
    if purged is None:
        log = DicomUploadLog(id=uuid.uuid4(), **values)
        session.add(log)
        return log
    session.execute(delete(DicomUploadSkip).where(DicomUploadSkip.upload_log_id == purged.id))
    for name, value in values.items():
        setattr(purged, name, value)
    purged.error_message = purged.upload_duration_seconds = purged.interrupted_at = None
    return purged


def _log_values(study: Study, judged: Judged, account_id: uuid.UUID | None, now: datetime) -> dict[str, Any]:
    delivery, identity = judged.delivery, judged.identity
    after = {change.keyword: change.after for change in judged.changes}
    announced = delivery.announced_files
    return {
        "upload_id": judged.upload_id,
        "patient_id": study.patient_id,
        "order_id": study.order_id,
        "uploaded_by_id": account_id,
        "uploaded_by": delivery.origin.actor,
        "source_address": (delivery.origin.address or "")[:64] or None,
        "announced_files": announced,
        "study_instance_uid": study.study_instance_uid,
        "orthanc_study_id": study.orthanc_study_id or "",
        "number_of_files": 0,
        "number_of_duplicates": 0,
        "total_size_bytes": 0,
        "original_patient_id": identity.patient_id[:64] or None,
        "original_patient_name": identity.patient_name[:255] or None,
        "original_accession_number": identity.accession_number[:64] or None,
        "original_study_date": judged.header.study_date[:8] or None,
        "original_modality": judged.header.modality[:16] or None,
        "modified_patient_id": after.get("PatientID"),
        "modified_patient_name": after.get("PatientName"),
        "modified_accession_number": after.get("AccessionNumber"),
        "tags_modified": bool(judged.changes),
        "upload_status": "success",
        "uploaded_at": now,
        "upload_source": delivery.source,
        "is_deleted": False,
        "under_way_since": now if announced or (delivery.is_batch and delivery.upload_id is not None) else None,
    }


def _received(study: Study, judged: Judged) -> Event:
    delivery = judged.delivery
    detail = {"door": delivery.door, "source": delivery.source, "upload_id": str(judged.upload_id)}
    return study_event("study.received", study, detail)
