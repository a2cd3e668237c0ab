"""Jobs that change a study's link: every file is updated, and the link is set in the transaction that ends the job.

Attributes that the new link does not decide return to the values on arrival (`from_original`), so that nothing of a
former patient is left beside the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.links import Link
from ehr_bridge.db.states import JobKind, JobStatus, LinkStatus, OrderStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit.trail import OURSELVES, Origin
from ehr_bridge.services.identity.attributes import ehr_values, patient_in_files, wanted_values
from ehr_bridge.services.jobs.study_jobs import new_job, take_over_unswept, undoable
from ehr_bridge.services.linking.links import came_into_doubt, link_of, new_link, set_link
from ehr_bridge.services.linking.unmerged_records import may_be_of_parted, note_went_along
from ehr_bridge.services.linking.withheld import withhold
from ehr_bridge.services.registry.numbers import survivor_of
from ehr_bridge.services.registry.order_states import plain

CHANGED_MEANWHILE = "The EHR changed patient or order while the link was made, or since the link that is back."


def link_job(
    session: Session,
    study: Study,
    to: tuple[Patient, Sequence[Order]],
    evidence: list[dict[str, Any]],
    reason: str,
    origin: Origin,
    now: datetime,
) -> Modification:
    """A job that links a study to a patient, with orders (the primary one first) or without, added to the session."""
    patient, orders = to
    job = new_job(study, JobKind.LINK, reason, origin, now)
    job.link_after = new_link(study, patient.id, [order.id for order in orders], evidence)
    return _add(session, study, job, now)


def unlink_job(session: Session, study: Study, reason: str, origin: Origin, now: datetime) -> Modification:
    """A job that unlinks a study, added to the session.

    If a job made that link and nothing came after it, that job is undone, to the byte. Otherwise each file gets back
    its values on arrival, with the corrections that people made.
    """
    latest = undoable(session, study.id)
    made = session.get(Modification, latest) if latest else None
    before = made.link_before if made is not None and made.kind == JobKind.LINK else None
    if before is not None and before.patient_id is None:
        job = new_job(study, JobKind.UNDO, reason, origin, now)
        job.undoes_id, job.link_after = latest, before
    else:
        job = new_job(study, JobKind.UNLINK, reason, origin, now)
        job.link_after = new_link(study, None, (), [])
    return _add(session, study, job, now)


def take_link_back(session: Session, study: Study, job: Modification, before: Link) -> None:
    """Make `job`, an undo, set the previous link. Raises Conflict when patient or order of that link have changed."""
    patient, orders = _parties(session, before)
    gone = patient is not None and patient.merged_into_id is not None
    if any(one.status == OrderStatus.CANCELLED or one.patient_id != before.patient_id for one in orders):
        gone = True
    undone = session.get_one(Modification, job.undoes_id)
    if gone or may_be_of_parted(session, study, before, undone.requested_at, undone.requested_at):
        raise Conflict(
            "cannot_undo",
            "The former patient was merged or parted from another record, or the former order cancelled or moved; "
            "link the study again.",
        )
    job.link_after = before
    prepare(session, study, job)


def prepare(session: Session, study: Study, job: Modification) -> None:
    """Compute the values for every file of the study, from the link that the job sets or finds."""
    patient, order = patient_in_files(study), study.order
    if job.link_after is not None:
        patient, orders = _parties(session, job.link_after)
        order = orders[0] if orders else None
        job.link_before = link_of(session, study, job.link_after.order_ids)
    identity = wanted_values(patient, order) if patient is not None else {}
    job.from_original, job.wanted = True, {**study.corrections, **identity}
    facts = ehr_values(patient, order) if patient is not None else {}
    linked_to = study.patient.mrn if study.patient is not None else None
    job.known = {"corrections": dict(study.corrections), "ehr": dict(facts), "linked_to": linked_to}


def settle_link(session: Session, job: Modification, study: Study, now: datetime) -> None:
    """Set the link of a job, now that the files have been updated.

    If some of them could not be, or name two patients, a person must decide again.
    """
    assert job.link_after is not None
    asked_for = job.link_after
    after, is_fresh, is_doubtful = _as_told_by_now(session, study, job)
    asked = job.link_before
    flagged_meanwhile = came_into_doubt(study, asked)
    before = link_of(session, study, after.order_ids)
    job.link_before = replace(before, orthanc_study_id=asked.orthanc_study_id if asked else None)  # files have moved
    said = {change["after"] for change in job.applied if change["tag"] == "PatientID"}
    of_two = after.patient_id is None and len(said) > 1
    still_doubted = job.kind != JobKind.LINK and study.is_contradicted
    if job.status == JobStatus.PARTIAL or of_two or still_doubted or flagged_meanwhile or is_doubtful:
        after = replace(after, link_status=LinkStatus.AMBIGUOUS, is_contradicted=True)
    job.link_after = after
    set_link(session, study, after, job.requested_by, now)
    merge = None
    if after.order_id is None and after.patient_id != asked_for.patient_id:
        merge = note_went_along(session, study, asked_for.patient_id)
    if not is_fresh and study.patient is not None and study.patient.pending_change_id is not None:
        withhold(session, study, study.patient.pending_change_id, now)
    elif not is_fresh and after.link_status == LinkStatus.LINKED:
        follow = new_job(study, JobKind.FOLLOW, CHANGED_MEANWHILE, OURSELVES, now, waits=True)
        follow.change_id = merge.id if merge is not None else None
        session.add(follow)


def _as_told_by_now(session: Session, study: Study, job: Modification) -> tuple[Link, bool, bool]:
    """The link to set, whether the files have the EHR's current values, and whether a person must decide.

    Since the job began, or since the link that an undo restores, the EHR may have renamed or merged the patient, or
    moved, renumbered or cancelled the order: the study goes where they went. An undo may also restore a link older than
    a change that the study should have followed before the undone job.
    """
    assert job.link_after is not None
    asked = job.link_after
    patient, orders = _parties(session, asked)
    if patient is None:
        return asked, True, False
    orders = [order for order in orders if order.status != OrderStatus.CANCELLED]
    named = survivor_of(session, patient)
    patients = {order.patient_id for order in orders}
    of_another = len(patients) > 1 or (asked.made_here and bool(patients - {named.id}))
    if of_another:  # one of several has moved, or the number of one made here turned out to be another patient's
        orders = [order for order in orders if order.patient_id == named.id]
    patient = orders[0].patient if orders else named
    first, further = (orders[0].id, tuple(order.id for order in orders[1:])) if orders else (None, ())
    after = replace(asked, patient_id=patient.id, order_id=first, further_order_ids=further)
    undone = session.get(Modification, job.undoes_id) if job.undoes_id is not None else None
    since = undone.requested_at if undone is not None else job.requested_at
    concerns = (IdentityChange.patient_id == patient.id) | IdentityChange.order_id.in_(after.order_ids)
    told = session.scalar(select(IdentityChange.id).where(IdentityChange.changed_at > since, concerns).limit(1))
    is_fresh = told is None and after == asked and (undone is None or not missed_since(session, undone))
    is_doubtful = of_another or may_be_of_parted(session, study, after, job.requested_at, since)
    return after, is_fresh, is_doubtful


def missed_since(session: Session, undone: Modification) -> bool:
    """Whether the study should have followed a change after another job had changed its link."""
    missed = exists().where(
        Modification.study_id == undone.study_id,
        Modification.kind == JobKind.FOLLOW,
        Modification.finished_at >= undone.requested_at,
    )
    return bool(session.scalar(select(missed)))


def sides(job: Modification) -> dict[str, Any]:
    """The links before and after as ids, for the audit trail; empty where the link stayed."""
    if job.link_after is None or job.link_before is None:
        return {}
    return {"before": _side(job.link_before), "after": _side(job.link_after)}


def _side(link: Link) -> dict[str, Any]:
    said = {name: plain(getattr(link, name)) for name in ("patient_id", "order_id", "link_status")}
    return said | ({"order_ids": plain(link.order_ids)} if link.further_order_ids else {})


def _add(session: Session, study: Study, job: Modification, now: datetime) -> Modification:
    prepare(session, study, job)
    take_over_unswept(session, study, job, now)
    session.add(job)
    session.flush()
    return job


def _parties(session: Session, link: Link) -> tuple[Patient | None, list[Order]]:
    patient = session.get(Patient, link.patient_id) if link.patient_id is not None else None
    return patient, [session.get_one(Order, key) for key in link.order_ids]
