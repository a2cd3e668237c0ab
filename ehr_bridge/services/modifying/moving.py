"""What a split moves, where to, and the rows that follow: of the images, of both studies, of the link."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import batched
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
from ehr_bridge.services.linking.link_jobs import missed_since
from ehr_bridge.services.linking.links import new_link, set_link
from ehr_bridge.services.registry.numbers import survivor_of
from ehr_bridge.services.uploads.settling import settle_studies
from ehr_bridge.services.verdict.judge import LINKED_BY_HAND
from ehr_bridge.services.visibility.restrictions import count_up

CHANGED_MEANWHILE = "The EHR changed patient or order while the images were moved."
CHANGED_SINCE = "The EHR changed patient or order after the images that are back were moved."
MOST_AT_ONCE = 500
"""Parameters of one query."""
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
    return list(moved_images(session, moving.split))


def moved_images(session: Session, split: Split) -> dict[str, list[uuid.UUID]]:
    """The images that a split has moved, by their present id: the rows of the ledger for each, latest first. The last
    one is the split's; before it are those of jobs by which the new study has followed its patient since."""
    done = select(ModificationInstance).join(Modification, Modification.id == ModificationInstance.modification_id)
    done = done.where(ModificationInstance.status == FileStatus.DONE)
    done = done.where((Modification.id == split.modification_id) | (Modification.study_id == split.target_study_id))
    columns = (
        Modification.id,
        ModificationInstance.id,
        ModificationInstance.orthanc_instance_id_before,
        ModificationInstance.orthanc_instance_id_after,
    )
    steps: dict[uuid.UUID, dict[str, tuple[uuid.UUID, str]]] = {}  # in the order in which the jobs ran
    in_turn = done.with_only_columns(*columns).order_by(Modification.requested_at, Modification.id)
    for job_id, row_id, before, after in session.execute(in_turn):
        steps.setdefault(job_id, {})[before] = (row_id, after)
    images = {after: [row_id] for row_id, after in steps.pop(split.modification_id, {}).values()}
    for step in steps.values():
        followed: dict[str, list[uuid.UUID]] = {}
        for present, rows in images.items():
            if (one := step.get(present)) is None:
                followed[present] = rows
            else:
                followed[one[1]] = [one[0], *rows]
        images = followed
    return images


def files_of(session: Session, split: Split) -> dict[str, Sequence[ModificationInstance]]:
    """Like `moved_images`, with the rows themselves: what restores each file."""
    images = moved_images(session, split)
    ids = [row_id for rows in images.values() for row_id in rows]
    found: dict[uuid.UUID, ModificationInstance] = {}
    for some in batched(ids, MOST_AT_ONCE, strict=False):
        for row in session.scalars(select(ModificationInstance).where(ModificationInstance.id.in_(some))):
            found[row.id] = row
    return {present: [found[row_id] for row_id in rows] for present, rows in images.items()}


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
    count_up(session)  # a restricted patient's images are closed before the first of them is there


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
        of_split = session.get_one(Modification, split.modification_id)
        let_come_unmoved(session, of_split)
        if (source.patient_id is not None or source.corrections) and missed_since(session, of_split):
            session.add(new_job(source, JobKind.FOLLOW, CHANGED_SINCE, OURSELVES, now, waits=True))
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
