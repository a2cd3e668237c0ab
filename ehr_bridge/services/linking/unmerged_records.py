"""Links to records that were merged or unmerged meanwhile: what must move back, and what is uncertain."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ehr_bridge.db.links import Link
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.services.registry.numbers import mrns_of


def note_went_along(session: Session, study: Study, patient_id: uuid.UUID | None) -> IdentityChange | None:
    """Record that a study which was to be linked to a record moved along to the record it was merged into.

    It moves back when the merge is undone, like studies that were already linked. Returns the first such merge.
    """
    first, record = None, session.get(Patient, patient_id) if patient_id else None
    while record is not None and record.merged_into_id is not None:
        merge = session.scalar(
            select(IdentityChange)
            .where(IdentityChange.patient_id == record.id, IdentityChange.kind == "patient_merged")
            .where(IdentityChange.undoes_id.is_(None))
            .order_by(IdentityChange.changed_at.desc())
            .limit(1)
        )
        assert merge is not None, "records are merged by changes alone"
        merge.moved = {**merge.moved, "studies": [*merge.moved["studies"], str(study.id)]}
        first = first or merge
        record = session.get_one(Patient, record.merged_into_id)
    return first


def may_be_of_parted(session: Session, study: Study, link: Link, asked_at: datetime, since: datetime) -> bool:
    """Whether a study's link to a record, requested during a merge, is set after the merge was undone.

    `asked_at` is when it was requested; the merge was undone after `since`. With an order it is the order's patient,
    wherever that moved, unless the files name the other record.
    """
    if link.patient_id is None:
        return False
    fact = session.get(StudyLink, link.link_id) if link.link_id else None
    merge, parting = IdentityChange, aliased(IdentityChange)
    parted = (
        select(Patient)
        .join(merge, merge.patient_id == Patient.id)
        .join(parting, parting.undoes_id == merge.id)
        .where(
            merge.kind == "patient_merged",
            merge.after["merged_into_id"].as_string() == str(link.patient_id),
            merge.changed_at <= (fact.linked_at if fact is not None else asked_at),
            parting.changed_at > since,
        )
    )
    others = session.scalars(parted).all()
    if link.order_id is None:
        return bool(others)
    return any(study.patient_id_key in mrns_of(session, other) for other in others)
