"""Which studies an order or a patient covers."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.models import Study
from ehr_bridge.services.orders import find_order
from ehr_bridge.services.patients import find_patient


def studies_of_order(session: Session, order: str) -> list[Study]:
    """Stored studies linked to an order (id or accession number). Raises NotFound for an unknown order."""
    column = Study.order_id == find_order(session, order).id
    return list(session.scalars(_linked().where(column)))


def studies_of_patient(session: Session, patient: str) -> list[Study]:
    """Stored studies linked to a patient (id or MRN). Raises NotFound for an unknown patient."""
    column = Study.patient_id == find_patient(session, patient).id
    return list(session.scalars(_linked().where(column)))


MOST_PRIORS = 3
_LOOKED_AT = 50


def priors_of(session: Session, study: Study) -> list[Study]:
    """The latest earlier studies of the same patient made with the same kind of device; none of an unlinked study."""
    if study.patient_id is None or study.link_status != "linked":
        return []
    others = _linked().where(Study.patient_id == study.patient_id, Study.id != study.id).limit(_LOOKED_AT)
    if study.study_date is not None:
        others = others.where(Study.study_date <= study.study_date)
    kinds = set(study.modalities)
    return [other for other in session.scalars(others) if kinds & set(other.modalities)][:MOST_PRIORS]


def _linked() -> Select[Study]:
    return (
        select(Study)
        .where(Study.link_status == "linked", Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
        .order_by(Study.study_date.desc(), Study.id)
    )
