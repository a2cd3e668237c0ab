"""What a split moves, where to, and the rows that follow: of the images, of both studies, of the link."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.states import FileStatus, JobKind, LinkStatus, OrderStatus
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance, Split, SplitInstance
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom.changing.references import NewUids
from ehr_bridge.dicom.new_uids import derived_uid
from ehr_bridge.matching import MatchKind
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import archive_id
from ehr_bridge.services.audit.trail import OURSELVES, Event, Origin
from ehr_bridge.services.identity.attributes import wanted_values
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.jobs.study_jobs import new_job
from ehr_bridge.services.linking.links import new_link, set_link
from ehr_bridge.services.registry.numbers import survivor_of
from ehr_bridge.services.uploads.settling import settle_studies
from ehr_bridge.services.verdict.judge import LINKED_BY_HAND

CHANGED_MEANWHILE = "The EHR changed patient or order while the images were moved."
SPLIT_STUDIES = "studies_that_were_split"
"""In `Session.info`: UIDs of studies that lost images to another patient or order in this transaction (True), or got
them back (False). `services.reporting.doubts` reads it."""


class Moving(NamedTuple):
    """A split, or its undo."""

    split: Split
    is_back: bool


def moving_of(session: Session, job: Modification) -> Moving | None:
    """What a job moves; None for all other jobs."""
    if job.kind == JobKind.SPLIT:
        return Moving(session.get_one(Split, job.id), False)
    undone = session.get(Split, job.undoes_id) if job.undoes_id is not None else None
    return Moving(undone, True) if undone is not None else None


def chosen(session: Session, split: Split) -> list[SplitInstance]:
    """The images that a split moves, or has moved."""
    of_split = select(SplitInstance).where(SplitInstance.modification_id == split.modification_id)
    return list(session.scalars(of_split.order_by(SplitInstance.orthanc_instance_id)))


def ids_to_move(session: Session, moving: Moving) -> list[str]:
    """The archive's ids of the images, where they are before the job."""
    if not moving.is_back:
        return [one.orthanc_instance_id for one in chosen(session, moving.split)]
    done = select(ModificationInstance.orthanc_instance_id_after).where(
        ModificationInstance.modification_id == moving.split.modification_id,
        ModificationInstance.status == FileStatus.DONE,
    )
    return list(session.scalars(done))


def new_uids(session: Session, split: Split, former_study: str) -> NewUids:
    """The UIDs of what a split moves; the same ones whenever it is asked, so a job that was killed continues."""
    rows = chosen(session, split)

    def frame(former: str) -> str:
        return derived_uid(split.modification_id, former)

    return NewUids(
        study=(former_study, split.target_study_instance_uid),
        series={one.series_instance_uid: one.new_series_instance_uid for one in rows},
        instances={one.sop_instance_uid: one.new_sop_instance_uid for one in rows},
        frame=frame if split.is_another_patient else None,
    )


def begin_move(session: Session, job: Modification, source: Study, now: datetime) -> None:
    """The row of the new study, before any of its images is stored: whatever asks about one finds it."""
    moving = moving_of(session, job)
    if moving is None or moving.split.target_study_id is not None:
        return
    target = Study(
        id=uuid.uuid4(),
        study_instance_uid=moving.split.target_study_instance_uid,
        link_status=LinkStatus.UNLINKED,
        match_kind=MatchKind.NONE.value,
        match_score=0.0,
        match_evidence=[],
        corrections={},
        received_identity=dict(source.received_identity),
        coerced=[],
        modalities=[],
        study_date=source.study_date,
        study_time=source.study_time,
        study_description=source.study_description,
        number_of_series=0,
        number_of_instances=0,
        created_at=now,
        updated_at=now,
    )
    session.add(target)
    session.flush()
    moving.split.target_study_id = target.id


def place(session: Session, row: ModificationInstance) -> bool:
    """Let the rows of an image say where it is now; False when its job moves nothing to another study."""
    job = session.get_one(Modification, row.modification_id)
    moving = moving_of(session, job)
    if moving is None:
        return False
    former = row.orthanc_instance_id_after if moving.is_back else row.orthanc_instance_id_before
    one = session.scalar(
        select(SplitInstance).where(
            SplitInstance.modification_id == moving.split.modification_id, SplitInstance.orthanc_instance_id == former
        )
    )
    if one is None or row.status != FileStatus.DONE:
        return True
    one.is_moved = not moving.is_back
    before, after = row.orthanc_instance_id_before, row.orthanc_instance_id_after
    there, found = session.get(Instance, before), session.get(Instance, after)
    if there is not None and found is not None:  # recorded from the list of changes
        session.execute(delete(Instance).where(Instance.orthanc_instance_id == after))
    session.flush()
    for known in (there, found):
        if known is not None:
            session.expunge(known)
    here = update(Instance).where(Instance.orthanc_instance_id.in_((before, after)))
    place = {
        "orthanc_instance_id": after,
        "study_id": one.study_id if moving.is_back else moving.split.target_study_id,
        "series_instance_uid": one.series_instance_uid if moving.is_back else one.new_series_instance_uid,
        "sop_instance_uid": one.sop_instance_uid if moving.is_back else one.new_sop_instance_uid,
    }
    session.execute(here.values(**place), execution_options={"synchronize_session": False})
    return True


def let_come(session: Session, job: Modification) -> None:
    """A split ended without moving anything: the images may come again."""
    if job.kind == JobKind.SPLIT:
        ours = update(SplitInstance).where(SplitInstance.modification_id == job.id)
        session.execute(ours.values(is_moved=False))


def let_come_unmoved(session: Session, job: Modification) -> None:
    """A split has ended: the images that never left may come again."""
    left = select(ModificationInstance.orthanc_instance_id_before).where(
        ModificationInstance.modification_id == job.id, ModificationInstance.status == FileStatus.DONE
    )
    ours = update(SplitInstance).where(SplitInstance.modification_id == job.id)
    session.execute(ours.where(SplitInstance.orthanc_instance_id.not_in(left)).values(is_moved=False))


def finish_move(session: Session, job: Modification, source: Study, now: datetime) -> None:
    """Count both studies, and link the new one, or let it go when it has no image left."""
    moving = moving_of(session, job)
    if moving is None or moving.split.target_study_id is None:
        return
    split, first_end = moving.split, job.swept_at is None
    target = session.get_one(Study, split.target_study_id)
    settle_studies(session, [source.id, target.id])
    if job.kind == JobKind.SPLIT and (job.given_up or not first_end):
        let_come_unmoved(session, job)
    session.refresh(target)
    target.updated_at = now
    if not first_end:
        return
    detail = {"modification_id": str(job.id), "from": source.study_instance_uid, "instances": job.number_done}
    action = "study.modification_undone" if moving.is_back else "study.split"
    audit.append(
        session,
        Origin(job.requested_by, job.address),
        Event(action, "success", split.patient_id, split.order_id, target.study_instance_uid, detail),
        now,
    )
    session.info.setdefault(SPLIT_STUDIES, {})[source.study_instance_uid] = not moving.is_back
    if moving.is_back:
        set_link(session, target, new_link(target, None, (), []), job.requested_by, now)
        if target.number_of_instances == 0:
            target.orthanc_study_id = None
    elif target.number_of_instances:
        _link(session, job, split, target, now)
    index_study(session, target)


def _link(session: Session, job: Modification, split: Split, target: Study, now: datetime) -> None:
    """To whom the person said, or to whom the EHR has merged or moved them since."""
    patient = survivor_of(session, session.get_one(Patient, split.patient_id))
    order = session.get(Order, split.order_id) if split.order_id is not None else None
    is_lost = order is not None and (order.status == OrderStatus.CANCELLED or order.patient_id != patient.id)
    orders = [] if order is None or is_lost else [order]
    target.orthanc_study_id = archive_id(job.wanted["PatientID"], target.study_instance_uid)
    link = new_link(target, patient.id, [one.id for one in orders], [LINKED_BY_HAND.as_json()])
    set_link(session, target, link, job.requested_by, now)
    if is_lost or wanted_values(patient, orders[0] if orders else None) != job.wanted:
        session.add(new_job(target, JobKind.FOLLOW, CHANGED_MEANWHILE, OURSELVES, now, waits=True))
