"""Studies as the archive holds them and the ledger knows them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Order, Patient, Study, StudyLink
from ehr_bridge.errors import NotFound
from ehr_bridge.services.identity import person_name
from ehr_bridge.services.paging import Page, fetch_page
from ehr_bridge.services.recorder import Recorder


@dataclass(frozen=True, slots=True)
class StudyFilters:
    """Which studies to list; None is any."""

    mrn: str | None = None
    patient_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    accession_number: str | None = None
    link_status: str | None = None
    study_date_from: date | None = None
    study_date_to: date | None = None


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study with what a reader wants to know of it."""

    study: Study
    mrn: str | None
    patient_name: str | None
    accession_number: str | None
    linked_by: str | None


class Studies:
    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder

    def search(self, filters: StudyFilters, limit: int, offset: int) -> Page[StudyView]:
        """Stored studies, latest arrival first."""
        self._recorder.settle()
        query = _stored().order_by(Study.created_at.desc(), Study.id)
        if filters.mrn is not None:
            query = query.join(Patient, Patient.id == Study.patient_id).where(Patient.mrn == filters.mrn)
        if filters.accession_number is not None:
            query = query.join(Order, Order.id == Study.order_id).where(
                Order.accession_number == filters.accession_number
            )
        for column, value in (
            (Study.patient_id, filters.patient_id),
            (Study.order_id, filters.order_id),
            (Study.link_status, filters.link_status),
        ):
            if value is not None:
                query = query.where(column == value)
        if filters.study_date_from is not None:
            query = query.where(Study.study_date >= filters.study_date_from)
        if filters.study_date_to is not None:
            query = query.where(Study.study_date <= filters.study_date_to)
        with self._database.read() as session:
            page = fetch_page(session, query, limit, offset)
            views = [_view(session, study) for study in page.items]
            return Page(views, page.total, limit, offset)

    def get(self, study_instance_uid: str) -> StudyView:
        """Raises NotFound."""
        self._recorder.settle()
        with self._database.read() as session:
            return _view(session, find_study(session, study_instance_uid))


def find_study(session: Session, study_instance_uid: str) -> Study:
    """A stored study by its UID.

    Raises:
        NotFound: there is none.
    """
    study = session.scalar(_stored().where(Study.study_instance_uid == study_instance_uid))
    if study is None:
        raise NotFound("study_not_found", "The archive holds no study with this UID.")
    return study


def _stored() -> Select[Study]:
    return select(Study).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))


def _view(session: Session, study: Study) -> StudyView:
    linked_by = session.scalar(
        select(StudyLink.linked_by).where(StudyLink.study_id == study.id, StudyLink.unlinked_at.is_(None))
    )
    said = {**study.received_identity, **study.corrections}
    return StudyView(
        study=study,
        mrn=study.patient.mrn if study.patient else None,
        patient_name=(person_name(study.patient) if study.patient else "") or said.get("PatientName") or None,
        accession_number=(study.order.accession_number if study.order else said.get("AccessionNumber")) or None,
        linked_by=linked_by,
    )
