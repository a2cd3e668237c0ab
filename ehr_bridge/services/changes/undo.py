"""Undoes a change of a patient or order: the fields, and exactly the studies and orders that moved with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import Decision, JobKind, JobStatus, LinkStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.errors import Conflict
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.changes.ledger import as_field, move_studies, note_change
from ehr_bridge.services.identity.match_index import index_patient
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.jobs.study_jobs import require_idle, undoable
from ehr_bridge.services.linking.contradictions import doubt
from ehr_bridge.services.linking.following import follow
from ehr_bridge.services.linking.links import link_of, set_link
from ehr_bridge.services.linking.second_looks import Cause, order_changed, patient_changed
from ehr_bridge.services.linking.used_again import settle
from ehr_bridge.services.linking.withheld import release, studies_of
from ehr_bridge.services.registry.desk import EHR, Teller, note_undone
from ehr_bridge.services.registry.numbers import mrns_of
from ehr_bridge.services.registry.order_states import plain, waiting_state


def undo_change(
    session: Session, undone: IdentityChange, reason: str, origin: Origin, now: datetime, teller: Teller = EHR
) -> IdentityChange:
    """The change that undoes `undone`. Raises Conflict when that was already undone, is itself an undo, or its result
    is no longer in effect."""
    patient = session.get_one(Patient, undone.patient_id)
    order = session.get(Order, undone.order_id) if undone.order_id else None
    subject: Any = patient if undone.kind.startswith("patient") else order
    taken = session.scalar(select(IdentityChange.id).where(IdentityChange.undoes_id == undone.id))
    may_be_taken_back = taken is None and undone.undoes_id is None
    if not may_be_taken_back or {name: plain(getattr(subject, name)) for name in undone.after} != undone.after:
        raise Conflict("cannot_undo", "This change was undone already, or something changed after it; undo that first.")
    _require_possible(session, undone)
    sides = (undone.after, undone.before)
    change = note_change(session, undone.kind, patient, order, sides, reason, origin, now, undoes=undone)
    for name in undone.after:
        setattr(subject, name, as_field(name, undone.before[name]))
    note_undone(subject, undone.after, teller)
    session.flush()
    session.expire(subject)
    if undone.kind == "patient_updated":
        index_patient(session, patient)
    studies = MOVES_BACK[undone.kind](session, undone, origin, now)
    for study in studies:
        index_study(session, study)
    change.moved = {"studies": [str(study.id) for study in studies], "orders": undone.moved.get("orders", [])}
    follow(session, studies, change, reason, origin, now)
    _look_again(session, undone, patient, order, now)
    return change


def _look_again(session: Session, undone: IdentityChange, patient: Patient, order: Order | None, now: datetime) -> None:
    """Judge again: a doubt may be gone that the change had caused, and a certainty too."""
    former = {name: as_field(name, value) for name, value in undone.after.items()}
    if order is not None:
        cause = Cause.ORDER_REINSTATED if undone.kind == "order_cancelled" else Cause.ORDER_CHANGED
        order_changed(session, order, cause, now, former)
    elif undone.kind == "patient_merged":
        for record in (patient, session.get_one(Patient, uuid.UUID(undone.after["merged_into_id"]))):
            patient_changed(session, record, Cause.PATIENTS_PARTED, now)
    else:
        patient_changed(session, patient, Cause.PATIENT_CORRECTED, now, former)


def _require_possible(session: Session, undone: IdentityChange) -> None:
    number = undone.before.get("accession_number")
    if number and session.scalar(select(Order.id).where(Order.accession_number == number)) is not None:
        raise Conflict("accession_number_taken", "Another order has the former accession number now.")
    for key in (undone.before.get("patient_id"), undone.after.get("merged_into_id")):
        if key and session.get_one(Patient, uuid.UUID(key)).merged_into_id is not None:
            raise Conflict("cannot_undo", "The other record was merged itself since; undo that first.")


def _same_patient(session: Session, undone: IdentityChange, origin: Origin, now: datetime) -> list[Study]:
    """The patient's studies, and those that were unlinked from the number because of the change."""
    if undone.decision == Decision.PENDING:
        settle(session, undone, Decision.WITHDRAWN, "The change was undone.", origin, now)
    elif undone.decision == Decision.REFUSED:
        _bring_back(session, undone, origin, now)
    return studies_of(session, patient_id=undone.patient_id)


def _bring_back(session: Session, undone: IdentityChange, origin: Origin, now: datetime) -> None:
    """Relink studies that were unlinked because of the change, or about to be, unless their link has changed since."""
    taken = select(Modification).where(Modification.change_id == undone.id, Modification.kind == JobKind.UNLINK)
    for job in session.scalars(taken).all():
        study = session.get_one(Study, job.study_id)
        require_idle(session, study)
        if job.status == JobStatus.WAITING:
            job.status, job.finished_at, job.swept_at = JobStatus.SUCCEEDED, now, now
            if study.withheld_by_id == undone.id:
                release(session, study)
        elif study.patient_id is None and undoable(session, study.id) == job.id and job.link_before is not None:
            status = LinkStatus.AMBIGUOUS if job.link_before.is_contradicted else LinkStatus.LINKED
            link = replace(job.link_before, link_status=status, withheld_by_id=None)
            set_link(session, study, link, origin.actor, now)


def _same_order(session: Session, undone: IdentityChange, origin: Origin, now: datetime) -> list[Study]:
    assert undone.order_id is not None
    studies = studies_of(session, order_id=undone.order_id)
    if "patient_id" in undone.before:
        order = session.get_one(Order, undone.order_id)
        order.told_patient_id = uuid.UUID(undone.before["patient_id"])
        move_studies(session, studies, uuid.UUID(undone.before["patient_id"]), origin, now)
        studies += _answer_again(session, undone, order, {}, origin, now)
    return studies


def _reinstated(session: Session, undone: IdentityChange, origin: Origin, now: datetime) -> list[Study]:
    """The studies that the order lost."""
    order = session.get_one(Order, undone.order_id)
    back = _answer_again(session, undone, order, undone.before["shown"], origin, now)
    if order.orthanc_study_id is None and undone.before["shown"]["orthanc_study_id"] is not None:
        order.status = waiting_state(order)  # waits for images again, like every order that lost its study
    return back


def _answer_again(
    session: Session, undone: IdentityChange, order: Order, shown: Mapping[str, Any], origin: Origin, now: datetime
) -> list[Study]:
    """The studies that the order lost answer it again as before, if they are still its patient's and nobody has changed
    their link since. `shown` is what the order showed."""
    answered = undone.moved.get("answered", {})
    before = {
        study: [uuid.UUID(key) for key in answered.get(str(study.id), [str(order.id)])]
        for study in _moved(session, undone)
        if study.patient_id == order.patient_id
    }
    lost = {
        study: ids for study, ids in before.items() if [key for key in ids if key != order.id] == list(study.order_ids)
    }
    spoken_of = _spoken_of_since(session, list(lost), undone.changed_at)
    back = [study for study in lost if study.id not in spoken_of]
    for study in back:
        shows_it = shown.get("study_instance_uid") == study.study_instance_uid
        link = link_of(session, study).with_orders(lost[study])
        link = replace(link, orders={str(order.id): shown} if shows_it else {})
        set_link(session, study, link, origin.actor, now)
    return back


def _spoken_of_since(session: Session, studies: list[Study], since: datetime) -> set[uuid.UUID]:
    """The studies with a job on their link that was requested or ended since."""
    jobs = select(Modification.study_id).where(
        Modification.study_id.in_([study.id for study in studies]),
        Modification.link_after.is_not(None),
        Modification.status != JobStatus.WAITING,
        (Modification.requested_at >= since) | (Modification.finished_at >= since) | Modification.finished_at.is_(None),
    )
    return set(session.scalars(jobs))


def _unmerged(session: Session, undone: IdentityChange, origin: Origin, now: datetime) -> list[Study]:
    """Orders and studies that moved along and are still the survivor's, orders sent with this record's number since,
    and images for such an order.

    Anything else that arrived meanwhile and may be this record's stays with the survivor until a person has reviewed
    it.
    """
    survivor = uuid.UUID(undone.after["merged_into_id"])
    went = [uuid.UUID(key) for key in undone.moved["orders"]]
    records = list(survivors(session, [undone.patient_id]))  # now separate: this record, and those merged into it
    theirs = Order.id.in_(went) | Order.told_patient_id.in_(records)
    for order in session.scalars(select(Order).where(Order.patient_id == survivor, theirs)).all():
        order.patient_id = undone.patient_id
    session.flush()
    session.expire_all()
    orders = set(session.scalars(select(Order.id).where(Order.patient_id == undone.patient_id)))
    moved = _moved(session, undone)
    said_again = _linked_by_people_since(session, moved, undone.changed_at)
    went_along = {study.id for study in moved} - said_again
    back = []
    for study in studies_of(session, patient_id=survivor):
        is_of_order = not orders.isdisjoint(study.order_ids)
        if is_of_order or (study.order is None and study.id in went_along):
            back.append(study)
    move_studies(session, back, undone.patient_id, origin, now)
    _doubt_what_came_since(session, undone, session.get_one(Patient, survivor), said_again, origin, now)
    return back


def _linked_by_people_since(session: Session, studies: list[Study], since: datetime) -> set[uuid.UUID]:
    """The studies that somebody has relinked since, so that their link is not the one that moved along."""
    asked = exists().where(
        Modification.study_id == StudyLink.study_id,
        Modification.kind == JobKind.LINK,
        Modification.requested_at > since,
    )
    facts = select(StudyLink.study_id).where(
        StudyLink.study_id.in_([study.id for study in studies]),
        StudyLink.unlinked_at.is_(None),
        StudyLink.linked_at > since,
        asked,
    )
    return set(session.scalars(facts))


def _doubt_what_came_since(
    session: Session,
    undone: IdentityChange,
    survivor: Patient,
    said_again: set[uuid.UUID],
    origin: Origin,
    now: datetime,
) -> None:
    """Hand to a person what was linked to the survivor during the merge and may belong to the other record.

    That is what its files say, or what nothing contradicts: no order of the survivor, no MRN of the survivor in the
    files. Or it was the other record's before, and somebody relinked it during the merge.
    """
    theirs = mrns_of(session, session.get_one(Patient, undone.patient_id))
    survivors = mrns_of(session, survivor)
    is_linked_since = exists().where(
        StudyLink.study_id == Study.id, StudyLink.unlinked_at.is_(None), StudyLink.linked_at >= undone.changed_at
    )
    may_be_theirs = Study.patient_id_key.in_(theirs) | (
        Study.order_id.is_(None) & (Study.patient_id_key.not_in(survivors) | Study.id.in_(said_again))
    )
    doubtful = select(Study).where(
        Study.patient_id == survivor.id,
        Study.link_status == LinkStatus.LINKED,
        is_linked_since | (Study.created_at >= undone.changed_at),
        may_be_theirs,
    )
    for study in session.scalars(doubtful.order_by(Study.created_at, Study.id)).all():
        doubt(session, study, origin, {"undoes": str(undone.id)}, now)
    session.flush()


def _moved(session: Session, undone: IdentityChange) -> list[Study]:
    ids = [uuid.UUID(key) for key in undone.moved.get("studies", [])]
    return list(session.scalars(select(Study).where(Study.id.in_(ids)).order_by(Study.created_at, Study.id)))


MOVES_BACK: dict[str, Callable[[Session, IdentityChange, Origin, datetime], list[Study]]] = {
    "patient_updated": _same_patient,
    "patient_merged": _unmerged,
    "order_updated": _same_order,
    "order_cancelled": _reinstated,
    "accession_corrected": _same_order,
}
