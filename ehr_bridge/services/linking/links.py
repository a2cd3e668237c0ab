"""The link of a study as one object: reading and setting it in the database. Jobs change the files.

A link in JSON holds patient and order, the evidence, the row of `study_links` in force, and what the orders concerned
showed, so that it can be restored exactly.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.links import Link
from ehr_bridge.db.states import Decision, LinkStatus, OrderStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.matching import MatchKind
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.linking.shown_study import first_upload_of, show_another, show_on_order
from ehr_bridge.services.registry.order_states import SHOWN, order_shows, waiting_state
from ehr_bridge.services.uploads.settling import settle_studies

OPINION = ("match_kind", "match_score", "match_evidence", "match_patient_id", "match_order_id")

_LINK_OF = select(StudyLink).where(StudyLink.study_id == bindparam("of_study"), StudyLink.unlinked_at.is_(None))


def current_link(session: Session, study_id: uuid.UUID) -> StudyLink | None:
    """The row of `study_links` in force, if any."""
    return session.scalar(_LINK_OF, {"of_study": study_id})


def new_fact(study: Study, actor: str, now: datetime) -> StudyLink:
    """The row that records a study's present link, for the caller to add."""
    assert study.patient_id is not None
    return StudyLink(
        id=uuid.uuid4(),
        study_id=study.id,
        patient_id=study.patient_id,
        order_id=study.order_id,
        further_order_ids=list(map(str, study.order_ids[1:])),
        match_kind=study.match_kind,
        evidence=study.match_evidence,
        linked_by=actor,
        linked_at=now,
    )


def link_of(session: Session, study: Study, orders: Iterable[uuid.UUID] = ()) -> Link:
    """A study's present link; `orders` are further orders whose state belongs to it."""
    fact = current_link(session, study.id)
    found = {order.id: order for order in (*study.orders, *(session.get_one(Order, key) for key in orders))}
    return Link(
        study.patient_id,
        study.order_id,
        study.link_status,
        **{name: getattr(study, name) for name in OPINION},
        is_contradicted=study.is_contradicted,
        withheld_by_id=study.withheld_by_id,
        link_id=fact.id if fact else None,
        orthanc_study_id=study.orthanc_study_id,
        orders={str(key): order_shows(order) for key, order in found.items()},
        further_order_ids=study.order_ids[1:],
    )


def new_link(
    study: Study, patient_id: uuid.UUID | None, order_ids: Sequence[uuid.UUID], evidence: list[dict[str, Any]]
) -> Link:
    """A new link: to a patient, with orders (the primary one first) or without, or to nobody."""
    if patient_id is None:
        return Link(None, None, LinkStatus.UNLINKED, **{name: getattr(study, name) for name in OPINION})
    link = Link(patient_id, None, LinkStatus.LINKED, MatchKind.EXACT.value, 1.0, evidence, patient_id, None)
    return link.with_orders(order_ids)


def set_link(session: Session, study: Study, link: Link, actor: str, now: datetime) -> None:
    """Make `link` the study's link: its row, the recorded link, all orders, the upload log and the keys for lists.

    Of its further orders, those stay that are still of the primary one's patient.
    """
    former, orders = study.orders, [session.get_one(Order, key) for key in link.order_ids]
    orders = [order for order in orders if order.patient_id == orders[0].patient_id]
    fact = current_link(session, study.id)
    if fact is not None:
        fact.unlinked_at = now
        session.flush()
    study.patient_id = link.patient_id
    study.link_status = link.link_status
    study.withheld_by_id = _withheld_by(session, link.withheld_by_id)
    study.is_contradicted = link.is_contradicted and link.link_status == LinkStatus.AMBIGUOUS
    for name in OPINION:
        setattr(study, name, getattr(link, name))
    study.answer(orders, now)
    if study.patient_id is not None:
        _record_fact(session, study, link.link_id, actor, now)
    session.flush()
    for order in former:
        if order not in orders:
            show_another(session, order, study)
    for order in orders:
        if order not in former:
            show_on_order(order, study, first_upload_of(session, study))
    for order_id, shown in link.orders.items():
        _restore_order(session, uuid.UUID(order_id), shown, study)
    logs = update(DicomUploadLog).where(DicomUploadLog.study_instance_uid == study.study_instance_uid)
    logs = logs.where(~DicomUploadLog.is_deleted)  # entries of purged images keep their patient
    session.execute(logs.values(patient_id=study.patient_id, order_id=study.order_id))
    study.updated_at = now
    index_study(session, study)
    session.flush()
    settle_studies(session, [study.id])


def end_link(session: Session, study: Study, now: datetime) -> None:
    """The images were purged: the study belongs to no patient and no order, and no order shows it. The recorded links,
    the audit trail and the upload log keep what was."""
    former = study.orders
    fact = current_link(session, study.id)
    if fact is not None:
        fact.unlinked_at = now
    study.answer([], now)
    study.patient_id = study.match_patient_id = study.match_order_id = study.withheld_by_id = None
    study.link_status, study.is_contradicted = LinkStatus.UNLINKED, False
    study.match_kind, study.match_score, study.match_evidence = MatchKind.NONE.value, 0.0, []
    session.flush()
    session.expire(study, ["patient", "order"])
    for order in former:
        show_another(session, order, study)


def came_into_doubt(study: Study, before: Link | None) -> bool:
    """Whether a study names two people, and did not when its link was `before`."""
    return study.is_contradicted and not (before is not None and before.is_contradicted)


def _withheld_by(session: Session, change_id: uuid.UUID | None) -> uuid.UUID | None:
    """The correction that a link waited for, unless it was decided since."""
    change = session.get(IdentityChange, change_id) if change_id else None
    return change.id if change is not None and change.decision == Decision.PENDING else None


def _record_fact(session: Session, study: Study, link_id: uuid.UUID | None, actor: str, now: datetime) -> None:
    """A new row, or the former one again when a change is undone."""
    former = session.get(StudyLink, link_id) if link_id else None
    fact = new_fact(study, actor, now)
    same = ("patient_id", "order_id", "further_order_ids")
    if former is not None and all(getattr(former, name) == getattr(fact, name) for name in same):
        former.unlinked_at = None
        return
    session.add(fact)


def _restore_order(session: Session, order_id: uuid.UUID, shown: Mapping[str, Any], study: Study) -> None:
    """Restore what the order showed of this study, or that it showed none; unless it shows another one now."""
    order = session.get(Order, order_id)
    if order is None or order.status == OrderStatus.CANCELLED:
        return
    if order.orthanc_study_id is not None and order.study_instance_uid != study.study_instance_uid:
        return
    if shown["orthanc_study_id"] is not None:
        is_of_study = shown["study_instance_uid"] == study.study_instance_uid
        if not is_of_study or order.id not in study.order_ids:
            return  # it shows another study, or would not return to this one
    status = _restored_state(order, OrderStatus(shown["status"]))
    for name in SHOWN:
        setattr(order, name, _typed(name, shown[name]))
    order.status = status
    if order.study_instance_uid == study.study_instance_uid and order.orthanc_study_id is not None:
        order.orthanc_study_id = study.orthanc_study_id


def _restored_state(order: Order, former: OrderStatus) -> OrderStatus:
    """The former state, unless the EHR has reported another one since."""
    if order.status == OrderStatus.REPORTED:
        return order.status
    if former == OrderStatus.REPORTED:
        return OrderStatus.COMPLETED  # the report was withdrawn
    return waiting_state(order) if former in {OrderStatus.SCHEDULED, OrderStatus.ARRIVED} else former


def _typed(name: str, value: Any) -> Any:
    readers: dict[str, Any] = {
        "study_date": date.fromisoformat,
        "study_time": time.fromisoformat,
        "uploaded_at": datetime.fromisoformat,
        "uploaded_by_id": uuid.UUID,
    }
    return readers[name](value) if value is not None and name in readers else value
