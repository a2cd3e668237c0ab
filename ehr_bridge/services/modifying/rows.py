"""The database side of a modification: its beginning, the new id of every instance, its end. No archive here."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.states import FileStatus, JobKind, JobStatus, LinkStatus
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import DicomUploadLog, Instance
from ehr_bridge.matching.dates import parse_da
from ehr_bridge.services import audit
from ehr_bridge.services.archive.file_digests import NO_FILES, ledger_digest
from ehr_bridge.services.archive.own_documents import compare_documents
from ehr_bridge.services.audit.trail import OURSELVES, Event, Origin
from ehr_bridge.services.fixity.check import CHANGED_WHEN_DAMAGED
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT
from ehr_bridge.services.jobs.study_jobs import new_job
from ehr_bridge.services.linking.contradictions import doubt
from ehr_bridge.services.linking.link_jobs import settle_link, sides
from ehr_bridge.services.linking.links import came_into_doubt
from ehr_bridge.services.modifying.moving import begin_move, finish_move, let_come, place
from ehr_bridge.services.uploads.settling import settle_studies

ACTIONS = {
    JobKind.MODIFY: "study.modified",
    JobKind.UNDO: "study.modification_undone",
    JobKind.LINK: "study.linked",
    JobKind.UNLINK: "study.unlinked",
    JobKind.FOLLOW: "study.followed",
    JobKind.SPLIT: "study.split",
}


def rows_of(session: Session, modification_id: uuid.UUID) -> list[ModificationInstance]:
    """The instances that a modification has replaced so far."""
    return list(
        session.scalars(select(ModificationInstance).where(ModificationInstance.modification_id == modification_id))
    )


class Seen(NamedTuple):
    """What a job found when it examined every file before changing one."""

    number_of_instances: int
    patient_ids: Iterable[str]
    """Those in the files so far."""
    is_doubted: bool = False
    """A rule of the site asks for a person's decision on one of them."""


def begin(
    session: Session, job_id: uuid.UUID, node: str, seen: Seen, now: datetime, leased_until: datetime
) -> Modification | None:
    """From now on files change, and instances that arrive get the new values (for an undo, the former ones).

    None when another node was first, or when an image of somebody else arrived before any file was changed: then the
    job has failed, and a person must decide again.
    """
    job = session.get_one(Modification, job_id)
    if job.status != JobStatus.QUEUED:
        return None
    study = session.get_one(Study, job.study_id)
    if (
        job.from_original
        and job.kind not in (JobKind.UNLINK, JobKind.SPLIT)
        and came_into_doubt(study, job.link_before)
    ):
        fail(session, job_id, "study_changed", now)
        return None
    job.status, job.number_of_instances = JobStatus.RUNNING, seen.number_of_instances
    job.node, job.leased_until = node, leased_until
    job.attempts, job.retry_at = 0, None
    job.study_before = {
        "corrections": dict(study.corrections),
        "study_date": study.study_date.isoformat() if study.study_date else None,
        "study_description": study.study_description,
        "patient_ids": sorted(seen.patient_ids),
        "is_doubted": seen.is_doubted,
    }
    begin_move(session, job, study, now)
    # the link is set at the end; instances that arrive before that are found in time
    undone = session.get(Modification, job.undoes_id) if job.undoes_id is not None else None
    if job.kind == JobKind.MODIFY:
        study.corrections = {**study.corrections, **job.changes}
    elif undone is not None and undone.kind == JobKind.MODIFY:
        former = undone.study_before["corrections"]
        kept = {keyword: value for keyword, value in study.corrections.items() if keyword not in undone.wanted}
        study.corrections = kept | {keyword: former[keyword] for keyword in undone.wanted if keyword in former}
    return job


def follow(session: Session, row: ModificationInstance) -> None:
    """Record the result for an instance; its row in `instances` gets the new id."""
    if row.status == FileStatus.PENDING:  # the archive was not changed: start again
        session.execute(delete(ModificationInstance).where(ModificationInstance.id == row.id))
        return
    session.merge(row)
    before, after = row.orthanc_instance_id_before, row.orthanc_instance_id_after
    if row.status == FileStatus.DONE:
        number = Modification.number_done + 1
        session.execute(update(Modification).where(Modification.id == row.modification_id).values(number_done=number))
    if not place(session, row) and before != after:
        _move_instance(session, before, after)
    if row.status == FileStatus.DONE:
        _know_by_ledger(session, row)


def _know_by_ledger(session: Session, row: ModificationInstance) -> None:
    """The file is the one that the job made, and as intact as the one it was made from."""
    ours = update(Instance).where(Instance.orthanc_instance_id == row.orthanc_instance_id_after)
    if row.error_code == CHANGED_WHEN_DAMAGED:
        session.execute(ours.values(stored_digest=NO_FILES))
    else:
        session.execute(ours.values(stored_digest=ledger_digest(row.sha256_after), damaged_at=None))


def _move_instance(session: Session, before: str, after: str) -> None:
    if session.get(Instance, after) is not None:  # already recorded from the list of changes
        session.execute(delete(Instance).where(Instance.orthanc_instance_id == before))
        return
    session.execute(update(Instance).where(Instance.orthanc_instance_id == before).values(orthanc_instance_id=after))


def fail(session: Session, job_id: uuid.UUID, code: str, now: datetime) -> None:
    """End a job that could not begin: no file was changed."""
    job = session.get_one(Modification, job_id)
    job.status, job.error_code, job.finished_at, job.swept_at = JobStatus.FAILED, code, now, now
    let_come(session, job)
    _audit(session, job, now, {"code": code})
    if job.change_id is not None and job.undoes_id is not None:  # not restored to the byte, but made to fit its link
        study = session.get_one(Study, job.study_id)
        asker = Origin(job.requested_by, job.address)
        session.add(new_job(study, JobKind.FOLLOW, job.reason, asker, now, waits=True))


def finish(session: Session, job_id: uuid.UUID, orthanc_study_id: str | None, now: datetime) -> None:
    """End a job, or a later sweep: update everything that refers to the study's files."""
    job = session.get_one(Modification, job_id)
    rows = rows_of(session, job_id)
    for row in rows:  # an instance may have been recorded under its old id after it had moved
        has_moved = row.status == FileStatus.DONE and row.orthanc_instance_id_before != row.orthanc_instance_id_after
        if has_moved and not place(session, row):
            _move_instance(session, row.orthanc_instance_id_before, row.orthanc_instance_id_after)
    _forget_digests(session, rows)
    job.applied = summary(rows)
    refused = sum(row.status == FileStatus.REFUSED for row in rows)
    first_end = job.finished_at is None
    job.status = JobStatus.PARTIAL if refused or job.given_up else JobStatus.SUCCEEDED
    job.error_code = next((row.error_code for row in rows if row.status == FileStatus.REFUSED), None)
    job.attempts, job.retry_at, job.failure = 0, None, None
    job.number_of_instances = max(job.number_of_instances, len(rows))
    if first_end:
        job.finished_at = now
    else:
        job.swept_at = now
    study = session.get_one(Study, job.study_id)
    _show_on_study(session, job, study, orthanc_study_id)
    finish_move(session, job, study, now)
    settle_studies(session, [study.id])  # rows that moved onto another's were counted too
    study.updated_at = now
    compare_documents(session, study.study_instance_uid)
    if first_end:
        if job.link_after is not None:
            settle_link(session, job, study, now)
        _flag_doubted(session, job, study, now)
        _audit(session, job, now, {"instances": job.number_done, "refused": refused, **sides(job)})


def _forget_digests(session: Session, rows: list[ModificationInstance]) -> None:
    """Where another image came and went, the recorded digest may be that one's."""
    ids = [
        row.orthanc_instance_id_after
        for row in rows
        if row.status == FileStatus.DONE and row.error_code == OTHER_CONTENT
    ]
    session.execute(update(Instance).where(Instance.orthanc_instance_id.in_(ids)).values(received_sha256=None))


def _flag_doubted(session: Session, job: Modification, study: Study, now: datetime) -> None:
    """What a rule of the site wants a person to see goes on the list, unless a person requested the job."""
    is_nobodys = job.kind == JobKind.FOLLOW or (job.kind == JobKind.LINK and job.requested_by == OURSELVES.actor)
    if not (is_nobodys and job.study_before.get("is_doubted") and study.link_status == LinkStatus.LINKED):
        return
    doubt(session, study, OURSELVES, {"modification_id": str(job.id)}, now)


def summary(rows: list[ModificationInstance]) -> list[dict[str, Any]]:
    """What changed, with the number of instances."""
    counts = Counter(
        (change["tag"], change["before"], change["after"])
        for row in rows
        if row.status == FileStatus.DONE
        for change in row.changes
    )
    return [
        {"tag": tag, "before": before, "after": after, "instances": count}
        for (tag, before, after), count in sorted(counts.items())
    ]


def _show_on_study(session: Session, job: Modification, study: Study, orthanc_study_id: str | None) -> None:
    if orthanc_study_id is not None and orthanc_study_id != study.orthanc_study_id:
        former = study.orthanc_study_id
        shows = select(Order).where(
            Order.study_instance_uid == study.study_instance_uid, Order.orthanc_study_id == former
        )
        for order in session.scalars(shows):
            order.orthanc_study_id = orthanc_study_id
        follows = update(DicomUploadLog).where(DicomUploadLog.orthanc_study_id == former)
        session.execute(follows.values(orthanc_study_id=orthanc_study_id))
        study.orthanc_study_id = orthanc_study_id
    if (description := _change_of(session, job, "StudyDescription", "study_description")) is not None:
        study.study_description = description[0] or None
    if (day := _change_of(session, job, "StudyDate", "study_date")) is not None:
        study.study_date = parse_da((day[0] or "").replace("-", ""))
        for order in study.orders:
            if order.study_instance_uid == study.study_instance_uid:
                order.study_date = study.study_date
    index_study(session, study)


def _change_of(session: Session, job: Modification, keyword: str, former: str) -> tuple[str | None] | None:
    """What a job made of an attribute that lists show, in a tuple of one; None when it is none of the job's changes.
    `former` is its name in `study_before`, for an undo."""
    if job.from_original:
        return None
    if job.undoes_id is None:
        return (job.wanted[keyword],) if keyword in job.wanted else None
    undone = session.get_one(Modification, job.undoes_id)
    return (undone.study_before[former],) if keyword in undone.wanted else None


def _audit(session: Session, job: Modification, now: datetime, detail: dict[str, Any]) -> None:
    study = session.get_one(Study, job.study_id)
    keywords = sorted({change["tag"] for change in job.applied} or job.wanted)
    outcome = {JobStatus.SUCCEEDED: "success", JobStatus.PARTIAL: "partial", JobStatus.FAILED: "failure"}[job.status]
    former = job.link_before
    event = Event(
        ACTIONS[job.kind],
        outcome=outcome,
        patient_id=study.patient_id or (former.patient_id if former else None),
        order_id=study.order_id or (former.order_id if former else None),
        study_instance_uid=study.study_instance_uid,
        detail={"modification_id": str(job.id), "tags": keywords, **detail},
    )
    audit.append(session, Origin(job.requested_by, job.address), event, now)
