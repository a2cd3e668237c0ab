"""Studies that do not follow a correction of their patient: their files stay unchanged, and a person decides."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.states import LinkStatus
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import OURSELVES, study_event
from ehr_bridge.services.identity.study_index import index_study
from ehr_bridge.services.linking.links import current_link


def studies_of(
    session: Session, *, patient_id: uuid.UUID | None = None, order_id: uuid.UUID | None = None
) -> list[Study]:
    """All studies linked to a patient or an order, including hidden ones and claims."""
    of_order = Study.id.in_(select(StudyOrder.study_id).where(StudyOrder.order_id == order_id))
    theirs = of_order if order_id is not None else Study.patient_id == patient_id
    return list(session.scalars(select(Study).where(theirs).order_by(Study.created_at, Study.id)))


def studies_of_patients(session: Session, patient_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID | None, list[Study]]:
    """Like `studies_of`, for several patients, by their ids."""
    query = select(Study).where(Study.patient_id.in_(patient_ids)).order_by(Study.created_at, Study.id)
    theirs = defaultdict[uuid.UUID | None, list[Study]](list)
    for study in session.scalars(query):
        theirs[study.patient_id].append(study)
    return theirs


def withheld_by(session: Session, change: IdentityChange) -> list[Study]:
    """The studies that wait for the decision on a change."""
    query = select(Study).where(Study.withheld_by_id == change.id)
    return list(session.scalars(query.order_by(Study.created_at, Study.id)))


def withhold(session: Session, study: Study, change_id: uuid.UUID, now: datetime) -> None:
    """Keep a study unchanged until somebody has decided; its link stays recorded, but is not used.

    A study on its way has no recorded link yet; it waits from its first image on (`entries`).
    """
    study.withheld_by_id = change_id
    if current_link(session, study.id) is not None:
        study.link_status = LinkStatus.AMBIGUOUS
    index_study(session, study)
    event = study_event("study.withheld", study, {"change_id": str(change_id)})
    audit.append(session, OURSELVES, event, now)


def release(session: Session, study: Study) -> None:
    """Restore a study to its state before it was withheld."""
    study.withheld_by_id = None
    if study.link_status == LinkStatus.AMBIGUOUS and not study.is_contradicted and study.patient_id is not None:
        study.link_status = LinkStatus.LINKED
    index_study(session, study)
