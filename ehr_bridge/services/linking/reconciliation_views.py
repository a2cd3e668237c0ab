"""The reconciliation list: studies without a certain link, their candidates, and what a link would change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.paging import Page
from ehr_bridge.db.states import UNCERTAIN, LinkStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import Header
from ehr_bridge.dicom.structure import tags
from ehr_bridge.matching import Match, Rules
from ehr_bridge.services.coercion.differences import Difference, compare_values, differences
from ehr_bridge.services.identity.attributes import identity_to_json, read_identity, stored_identity
from ehr_bridge.services.jobs.study_jobs import of_study, under_way
from ehr_bridge.services.linking.links import current_link
from ehr_bridge.services.studies.listing import StudyView, view_study
from ehr_bridge.services.studies.search import Slice, StudyFilters, find_ids
from ehr_bridge.services.verdict.candidates import candidates, of_one

Why = Literal["linked", "unlinked", "ambiguous", "contradicted", "withheld"]


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A patient, with or without an order, that a study could belong to."""

    patient: Patient
    order: Order | None
    match: Match
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class ReconciliationView:
    """A study for reconciliation."""

    view: StudyView
    why: Why
    version: str
    """Changes with every change of the link or the tags; `expected` when linking."""
    received: dict[str, str]
    candidates: list[CandidateView]
    job: Modification | None
    """The job that is running on it."""


def list_unreconciled(session: Session, filters: StudyFilters, part: Slice, rules: Rules) -> Page[ReconciliationView]:
    """Stored studies that are not linked, or with an instance that names somebody else. Raises InvalidInput when the
    list cannot be sorted like that."""
    statuses = UNCERTAIN if filters.link_status is None else (filters.link_status,)
    listed = select(Study).where(
        Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None), Study.link_status.in_(statuses)
    )
    found = find_ids(session, filters, part, listed)
    studies = {study.id: study for study in session.scalars(select(Study).where(Study.id.in_(found.items)))}
    views = [view_unreconciled(session, studies[key], rules) for key in found.items if key in studies]
    return found.of(views)


def view_unreconciled(session: Session, study: Study, rules: Rules) -> ReconciliationView:
    """One study with its candidates, likeliest first."""
    found = [
        CandidateView(patient, order, match, differences(study, patient, order))
        for patient, order, match in candidates(session, stored_identity(study), rules)
    ]
    return ReconciliationView(
        view=view_study(session, study),
        why=_why(study),
        version=version_of(session, study),
        received={**study.received_identity, **study.corrections},
        candidates=found,
        job=under_way(session, study.id),
    )


def view_candidate(
    session: Session, study: Study, patient: Patient, order: Order | None, rules: Rules
) -> CandidateView:
    """One study compared with a patient, with or without an order, however different they are."""
    match = of_one(session, stored_identity(study), patient, order, rules)
    return CandidateView(patient, order, match, differences(study, patient, order))


def view_header(session: Session, header: Header, patient: Patient, order: Order | None, rules: Rules) -> CandidateView:
    """The same for a file that belongs to no study yet."""
    identity = read_identity(header)
    said = identity_to_json(identity) | {"ReferringPhysicianName": header.text(tags.REFERRING_PHYSICIAN_NAME)}
    match = of_one(session, identity, patient, order, rules)
    return CandidateView(patient, order, match, compare_values(said, patient, order))


def version_of(session: Session, study: Study) -> str:
    """A text that changes with every job on a study, every change of its link and every doubt about it."""
    jobs, fact = of_study(session, study.id), current_link(session, study.id)
    job = (jobs[0].id, jobs[0].status) if jobs else (None, None)
    state = (*job, study.link_status, fact and fact.id, study.is_contradicted, study.withheld_by_id)
    return hashlib.sha256("|".join(map(str, state)).encode()).hexdigest()[:16]


def _why(study: Study) -> Why:
    if study.link_status == LinkStatus.AMBIGUOUS:
        if study.withheld_by_id is not None:
            return "withheld"
        return "contradicted" if study.is_contradicted else "ambiguous"
    return "unlinked" if study.link_status == LinkStatus.UNLINKED else "linked"
