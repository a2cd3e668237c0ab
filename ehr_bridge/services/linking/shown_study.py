"""Which study an order shows: the first one linked to it. Others linked to it are found by the order's id."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.services.registry.order_states import TRANSITIONS, said_by_modality, waiting_state
from ehr_bridge.services.uploads.settling import settle_studies


class FirstUpload(NamedTuple):
    """Who sent the first images of a study, when, and from where."""

    by_id: uuid.UUID | None
    at: datetime
    source: str


def first_upload_of(session: Session, study: Study) -> FirstUpload | None:
    """From the upload log; None where it has no entry of the study."""
    of_study = select(DicomUploadLog).where(DicomUploadLog.study_instance_uid == study.study_instance_uid)
    of_study = of_study.where(~DicomUploadLog.is_deleted)
    log = session.scalar(of_study.order_by(DicomUploadLog.uploaded_at, DicomUploadLog.id).limit(1))
    return FirstUpload(log.uploaded_by_id, log.uploaded_at, log.upload_source) if log is not None else None


def show_on_order(order: Order, study: Study, upload: FirstUpload | None) -> None:
    """Let an order show this study, unless it already shows one. Its images move it on, unless the modality itself has
    said how far it is. A document never does: the order still waits for its images."""
    if study.is_document or order.orthanc_study_id is not None:
        return
    order.study_instance_uid, order.orthanc_study_id = study.study_instance_uid, study.orthanc_study_id
    order.study_date, order.study_time = study.study_date, study.study_time
    if upload is not None:
        order.uploaded_by_id, order.uploaded_at, order.upload_source = upload
    status = OrderStatus.IN_PROGRESS if order.performed is None else said_by_modality(order, order.performed)
    if order.status != OrderStatus.REPORTED and status in TRANSITIONS[order.status]:
        order.status = status


def show_another(session: Session, order: Order, lost: Study) -> None:
    """An order that loses its study shows the next one, or waits for images again."""
    if order.study_instance_uid != lost.study_instance_uid or order.orthanc_study_id is None:
        return
    order.study_instance_uid, order.orthanc_study_id = order.scheduled_study_instance_uid, None
    order.number_of_series = order.number_of_images = None
    order.study_date = order.study_time = order.uploaded_by_id = order.uploaded_at = order.upload_source = None
    if order.status in {OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED}:
        order.status = waiting_state(order)
    others = select(Study).join(StudyOrder, StudyOrder.study_id == Study.id)
    others = others.where(StudyOrder.order_id == order.id, Study.orthanc_study_id.is_not(None), ~Study.is_document)
    visible_first = (Study.deleted_at.is_not(None), Study.created_at, Study.id)
    other = session.scalar(others.order_by(*visible_first).limit(1))
    if other is not None:
        show_on_order(order, other, first_upload_of(session, other))
        session.flush()
        settle_studies(session, [other.id])
