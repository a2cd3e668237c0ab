"""Stored studies, from our database."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.errors import NotFound
from ehr_bridge.services.identity.persons import Person, person_of_study
from ehr_bridge.services.identity.study_index import shown_accession_number
from ehr_bridge.services.studies.search import Slice, StudyFilters, find_ids
from ehr_bridge.services.uploads.quarantined import waiting_by_study
from ehr_bridge.services.visibility.asker import require_open


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study with what lists and pages show of it."""

    study: Study
    person: Person
    """The patient it is linked to, or else the one in its first file."""
    accession_number: str | None
    accession_numbers: tuple[str, ...]
    """Those of the orders it answers, the primary one first."""
    linked_by: str | None
    number_in_quarantine: int
    """Files in quarantine with this study's UID that wait for a person."""


class Studies:
    def __init__(self, database: Database, fresh: Fresh) -> None:
        self._database = database
        self._fresh = fresh

    def search(self, filters: StudyFilters, part: Slice) -> Page[StudyView]:
        """Stored studies that pass every filter. Raises InvalidInput when the list cannot be sorted like that."""
        with self._fresh.read() as session:
            return _page(session, filters, part)

    def home_of(self, study_instance_uid: str) -> str | None:
        """The archive's id of a study; None when nothing is recorded."""
        with self._database.read() as session:
            return session.scalar(select(Study.orthanc_study_id).where(Study.study_instance_uid == study_instance_uid))

    def get(self, study_instance_uid: str) -> StudyView:
        """Raises NotFound."""
        with self._fresh.read() as session:
            return view_study(session, find_study(session, study_instance_uid))


def view_study(session: Session, study: Study) -> StudyView:
    """A study with what lists and pages show of it."""
    waiting = waiting_by_study(session, [study.study_instance_uid])
    return _view(study, _linked_by(session, [study.id]).get(study.id), waiting, _numbers(session, [study]))


def find_study(session: Session, study_instance_uid: str) -> Study:
    """A stored study by its UID.

    Raises:
        NotFound: there is none.
        NotPermitted: the caller may not see its patient (`visibility.asker`).
    """
    study = session.scalar(stored().where(Study.study_instance_uid == study_instance_uid))
    if study is None:
        raise NotFound("study_not_found", "The archive holds no study with this UID.")
    require_open(study.patient_id)
    return study


def find_viewable(session: Session, study_instance_uid: str, caller: Caller) -> Study:
    """A stored study whose images this caller may see; also one whose deletion waits for the caller's decision.

    Raises:
        NotFound: there is none.
        NotPermitted: like `find_study`.
    """
    if caller.may(Permission.VIEW_TO_DECIDE, study_instance_uid):
        waiting = exists().where(
            DeletionRequest.study_id == Study.id,
            DeletionRequest.status == DeletionStatus.PENDING,
            DeletionRequest.requested_by != caller.subject,
        )
        query = select(Study).where(Study.study_instance_uid == study_instance_uid, waiting)
        study = session.scalar(query.where(Study.orthanc_study_id.is_not(None)))
        if study is not None:
            require_open(study.patient_id)
            return study
    if not caller.may(Permission.VIEW, study_instance_uid):
        raise NotFound("study_not_found", "No deletion of a study with this UID waits for your decision.")
    return find_study(session, study_instance_uid)


def stored() -> Select[Study]:
    """The studies that lists show."""
    return select(Study).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))


def _page(session: Session, filters: StudyFilters, part: Slice) -> Page[StudyView]:
    found = find_ids(session, filters, part, stored())
    return found.of(views_of(session, found.items))


def views_of(session: Session, ids: Sequence[uuid.UUID]) -> list[StudyView]:
    """These studies as lists show them, in this order."""
    studies = {study.id: study for study in session.scalars(select(Study).where(Study.id.in_(ids)))}
    linked_by = _linked_by(session, ids)
    waiting = waiting_by_study(session, [study.study_instance_uid for study in studies.values()])
    numbers = _numbers(session, studies.values())
    return [_view(studies[key], linked_by.get(key), waiting, numbers) for key in ids if key in studies]


def _linked_by(session: Session, study_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    query = select(StudyLink.study_id, StudyLink.linked_by).where(
        StudyLink.study_id.in_(study_ids), StudyLink.unlinked_at.is_(None)
    )
    return {row.study_id: row.linked_by for row in session.execute(query)}


def _numbers(session: Session, studies: Collection[Study]) -> dict[uuid.UUID, str]:
    """Accession numbers by order, of the orders that these studies answer."""
    found = {study.order.id: study.order.accession_number for study in studies if study.order is not None}
    further = {key for study in studies for key in study.order_ids[1:]}
    if further:
        query = select(Order.id, Order.accession_number).where(Order.id.in_(further))
        found |= {row.id: row.accession_number for row in session.execute(query)}
    return found


def _view(
    study: Study, linked_by: str | None, waiting: Mapping[str, int], numbers: Mapping[uuid.UUID, str]
) -> StudyView:
    return StudyView(
        study=study,
        person=person_of_study(study),
        accession_number=shown_accession_number(study) or None,
        accession_numbers=tuple(numbers[key] for key in study.order_ids),
        linked_by=linked_by,
        number_in_quarantine=waiting.get(study.study_instance_uid, 0),
    )
